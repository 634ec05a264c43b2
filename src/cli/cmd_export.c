// SPDX-License-Identifier: GPL-2.0-only
/* sdeitop export: a recording as a file that other tools open. */
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "view/export/export.h"
#include "cli/commands.h"
#include "util/log.h"
#include "util/sandbox.h"
#include "util/output.h"
#include "session/playback.h"

#define STEPS 1024	/* of the recording; after each it is seen whether the output still takes something */

#define MSG_EXPORT_WHICH	"one of --perfetto, --chrome and --csv is needed"
#define MSG_EXPORT_TERMINAL	"a Perfetto trace is not for a terminal: give -o FILE, or a pipe"
#define MSG_EXPORT_UNKNOWN	"%" PRIu64 " slices are left out: when they began is not known (before the recording, or records of it were lost)"
#define MSG_EXPORT_FINDINGS	"%" PRIu64 " findings are left out: more than are kept"
#define MSG_EXPORT_MEMORY	"out of memory: slices are missing in %s"

struct export_config {
	struct playback_config playback;
	bool perfetto, chrome, csv;
	const char *output;
};

#define ROW(key, name, value, type, field, help) \
	{ key, name, value, &option_##type, offsetof(struct export_config, field), help }

static const struct option_spec options[] = {
	ROW(0, "perfetto", NULL, flag, perfetto, "a trace for ui.perfetto.dev"),
	ROW(0, "chrome", NULL, flag, chrome, "JSON in Chrome's trace event format"),
	ROW(0, "csv", NULL, flag, csv, "a line for each time that something was pending, handled or masked, or a page fault was in a stage"),
	ROW('o', "output", "FILE", string, output, "write there instead of to standard output"),
	PLAYBACK_OPTIONS(export_config),
	{ 0 },
};

static const struct option_spec operands[] = {
	PLAYBACK_OPERAND(export_config),
	{ 0 },
};

struct run {
	struct export_config config;
	struct playback *playback;
	struct export *export;
	struct output out;
};

/* The one that is asked for; NULL: none, or more than one. */
static const struct export_format *format_of(const struct export_config *c)
{
	if (c->perfetto + c->chrome + c->csv != 1)
		return NULL;
	return c->perfetto ? &export_perfetto : c->chrome ? &export_chrome : &export_csv;
}

/* --- playing */

static void take_status(void *ctx, const struct recording_status *status)
{
	export_tick(((struct run *)ctx)->export, status->time_ns, status->wall_ns);
}

static bool make_export(struct run *run, const struct export_format *format, uint64_t from_ns)
{
	const struct recording_about *about = reader_about(playback_reader(run->playback));
	const struct export_options own = {
		.format = format, .out = run->out.file, .from_ns = from_ns, .wall_offset_ns = about->clock_offset_ns,
		.host = about->host, .name = playback_name, .ctx = run->playback,
	};
	struct record_sink sink;

	run->export = export_new(&own);
	if (!run->export) {
		say(MSG_NO_MEMORY);
		return false;
	}
	sink = export_sink(run->export);
	playback_set_sink(run->playback, &sink);
	return true;
}

static void play(struct run *run, uint64_t from_ns, uint64_t to_ns)
{
	uint64_t step_ns = to_ns > from_ns ? (to_ns - from_ns) / STEPS + 1 : 1, until_ns = from_ns;

	do {
		until_ns = until_ns < to_ns && to_ns - until_ns > step_ns ? until_ns + step_ns : UINT64_MAX;
	} while (playback_run(run->playback, until_ns) && !run->out.error && until_ns != UINT64_MAX);
}

/* Said once, at the end: what the file does not tell. */
static void report_left_out(const struct run *run)
{
	struct export_counters counters;

	export_counters(run->export, &counters);
	if (counters.unknown)
		say(MSG_EXPORT_UNKNOWN, counters.unknown);
	if (counters.findings_unkept)
		say(MSG_EXPORT_FINDINGS, counters.findings_unkept);
}

static int export_all(struct run *run, const struct export_format *format)
{
	uint64_t from_ns, to_ns;
	int err;

	playback_range(run->playback, &from_ns, &to_ns);
	if (!make_export(run, format, from_ns))
		return EXIT_FAILED;
	play(run, from_ns, to_ns);
	err = export_end(run->export, to_ns < playback_now_ns(run->playback) ? to_ns : playback_now_ns(run->playback));
	if (err)
		say(MSG_EXPORT_MEMORY, run->out.name);
	else
		report_left_out(run);
	if (output_close(&run->out) != EXIT_DONE || err)
		return EXIT_FAILED;
	return playback_finish(run->playback);
}

/* --- the command */

static int usage(const char *message)
{
	say("%s", message);
	say(MSG_TRY_HELP, say_program(), " ", "export");
	return EXIT_USAGE;
}

static void shut_in(const struct run *run)
{
	struct sandbox sandbox;

	sandbox_begin(&sandbox, run->config.playback.no_sandbox);
	sandbox_read(&sandbox, run->config.playback.input);
	sandbox_enter(&sandbox, run->config.playback.verbose);
}

static int export_one(struct run *run)
{
	const struct playback_calls calls = {
		.sink = sink_null,
		.status = take_status,
		.ctx = run,
	};
	const struct export_format *format = format_of(&run->config);
	int status;

	if (!format)
		return usage(MSG_EXPORT_WHICH);
	if (!run->config.output && export_is_binary(format) && isatty(STDOUT_FILENO))
		return usage(MSG_EXPORT_TERMINAL);
	run->playback = playback_open(&run->config.playback, &calls, &status);
	if (!run->playback)
		return status;
	if (!output_open(&run->out, run->config.output))
		return EXIT_FAILED;
	shut_in(run);
	return export_all(run, format);
}

static int run_export(const struct command *self, int argc, char **argv)
{
	struct run run = { 0 };
	int status;

	if (playback_parse(self, argc, argv, &run.config, &run.config.playback, &status)) {
		signal(SIGPIPE, SIG_IGN);
		status = export_one(&run);
		if (output_close(&run.out) != EXIT_DONE)
			status = EXIT_FAILED;
		export_free(run.export);
		playback_close(run.playback);
	}
	options_clear(self, &run.config);
	return status;
}

const struct command cmd_export = {
	.name = "export",
	.usage = "export --perfetto|--chrome|--csv [OPTIONS] DIR",
	.help = "Writes a recording for other tools: when events were pending, handled, the PE masked, pages on their way.",
	.about = "Times are CLOCK_MONOTONIC. What is open at the end is closed there, its outcome is \"open\".\n",
	.options = options,
	.operands = operands,
	.run = run_export,
};
