// SPDX-License-Identifier: GPL-2.0-only
/* sdeitop export: a recording as a file that other tools open, or parts of recordings as one recording. */
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "view/export/export.h"
#include "view/export/export_ctf.h"
#include "cli/commands.h"
#include "cli/option_rules.h"
#include "util/log.h"
#include "util/sandbox.h"
#include "util/output.h"
#include "session/merged.h"
#include "session/playback.h"

#define STEPS 1024	/* of the recording; after each it is seen whether the output still takes something */

#define MSG_EXPORT_WHICH	"one of --perfetto, --chrome, --csv and --ctf is needed"
#define MSG_EXPORT_ONE		"several recordings become one with --ctf only: export that"
#define MSG_EXPORT_DIRECTORY	"--ctf makes a directory: name it with -o"
#define MSG_EXPORT_UNKNOWN	"%" PRIu64 " slices are left out: when they began is not known (before the recording, or records of it were lost)"
#define MSG_EXPORT_FINDINGS	"%" PRIu64 " findings are left out: more than are kept"

struct export_config {
	struct playback_config playback;
	struct string_list inputs;
	bool perfetto, chrome, csv, ctf, compress;
	const char *output;
};

#define ROW(key, name, value, type, field, help) \
	{ key, name, value, &option_##type, offsetof(struct export_config, field), help }

static const struct option_spec options[] = {
	ROW(0, "perfetto", NULL, flag, perfetto, "a trace for ui.perfetto.dev"),
	ROW(0, "chrome", NULL, flag, chrome, "JSON in Chrome's trace event format"),
	ROW(0, "csv", NULL, flag, csv, "a line for each time that something was pending, handled or masked, or a page fault was in a stage"),
	ROW(0, "ctf", NULL, flag, ctf, "a recording: what is chosen of one, what is whole of a damaged one, or several as one"),
	ROW('o', "output", "FILE", string, output, "write there instead of to standard output; with --ctf, the directory to make"),
	ROW(0, "compress", NULL, flag, compress, "with --ctf: compress its files with gzip"),
	PLAYBACK_OPTIONS(export_config),
	{ 0 },
};

static const struct option_spec operands[] = {
	ROW(0, "DIR", NULL, directories, inputs, NULL),
	{ 0 },
};

struct run {
	struct export_config config;
	struct playback *playback;
	struct export *export;
	struct output out;
	struct merged *merged;		/* with --ctf instead of the three above */
	struct export_ctf *ctf;
};

/* The one that is asked for, unless it is CTF. */
static const struct export_format *format_of(const struct export_config *c)
{
	return c->perfetto ? &export_perfetto : c->chrome ? &export_chrome : &export_csv;
}

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
	for (size_t i = 0; i < run->config.inputs.count; i++)
		sandbox_read(&sandbox, run->config.inputs.values[i]);
	sandbox_enter(&sandbox, run->config.playback.verbose);
}

/* --- to a file */

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

/* Said once, at the end: what the file does not show. */
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

static int export_one(struct run *run)
{
	const struct playback_calls calls = {
		.sink = sink_null,
		.status = take_status,
		.ctx = run,
	};
	const struct export_format *format = format_of(&run->config);
	int status;

	if (!run->config.output && export_is_binary(format) && isatty(STDOUT_FILENO))
		return usage(MSG_EXPORT_TERMINAL);
	run->config.playback.input = run->config.inputs.values[0];
	run->playback = playback_open(&run->config.playback, &calls, &status);
	if (!run->playback)
		return status;
	if (!output_open(&run->out, run->config.output))
		return EXIT_FAILED;
	shut_in(run);
	return export_all(run, format);
}

/* --- to a recording */

/* What cannot be written once will not be any more. */
static void check_ctf(struct run *run)
{
	if (export_ctf_error(run->ctf))
		merged_end(run->merged);
}

static void take_ctf_status(void *ctx, const struct recording_status *status)
{
	struct run *run = ctx;

	export_ctf_status(run->ctf, *status);
	check_ctf(run);
}

static void begin_ctf(void *ctx, uint64_t time_ns)
{
	struct run *run = ctx;
	struct recording_status status = merged_status(run->merged);

	status.wall_ns = (int64_t)((uint64_t)status.wall_ns - (status.time_ns - time_ns));	/* a recording may claim any times */
	status.time_ns = time_ns;
	export_ctf_begin(run->ctf, time_ns);
	export_ctf_status(run->ctf, status);
}

static void take_ctf_name(void *ctx, uint32_t vm, const char *name, const char *uuid, bool late, uint64_t time_ns)
{
	export_ctf_name(((struct run *)ctx)->ctf, vm, name, uuid, late, time_ns);
}

static bool make_ctf(struct run *run)
{
	const struct export_ctf_options own = {
		.directory = run->config.output, .compress = run->config.compress, .about = merged_about(run->merged),
		.name = merged_vm, .ctx = run->merged,
	};
	struct record_sink sink;
	struct error error;

	run->ctf = export_ctf_new(&own, &error);
	if (!run->ctf) {
		say("%s", error.text);
		return false;
	}
	sink = export_ctf_sink(run->ctf);
	merged_set_sink(run->merged, &sink);
	return true;
}

static int export_ctf(struct run *run)
{
	const struct merged_calls calls = {
		.sink = sink_null, .begin = begin_ctf, .status = take_ctf_status, .name = take_ctf_name, .ctx = run,
	};
	int status, err;

	run->merged = merged_open(&run->config.playback, &run->config.inputs, &calls, &status);
	if (!run->merged)
		return status;
	if (!make_ctf(run))
		return EXIT_FAILED;
	shut_in(run);
	merged_run(run->merged);
	err = export_ctf_end(run->ctf, merged_status(run->merged));
	if (err)
		say(MSG_WRITING, run->config.output, strerror(-err));
	return err ? EXIT_FAILED : merged_finish(run->merged);
}

/* --- the command */

/* Why the options do not fit; NULL: they do. */
static const char *contradiction(const struct export_config *c)
{
	if (c->perfetto + c->chrome + c->csv + c->ctf != 1)
		return MSG_EXPORT_WHICH;
	if (c->ctf && output_is_standard(c->output))
		return MSG_EXPORT_DIRECTORY;
	return c->inputs.count > 1 && !c->ctf ? MSG_EXPORT_ONE : NULL;
}

static int export(struct run *run)
{
	const char *wrong = contradiction(&run->config);

	if (wrong)
		return usage(wrong);
	return run->config.ctf ? export_ctf(run) : export_one(run);
}

/* -i names one more. */
static bool parse(const struct command *self, int argc, char **argv, struct export_config *c, int *status)
{
	if (!playback_options(self, argc, argv, c, &c->playback, status))
		return false;
	if (c->playback.input && option_directories.set(&c->inputs, c->playback.input) < 0) {
		*status = playback_usage(self, MSG_NO_MEMORY);
		return false;
	}
	if (!c->inputs.count)
		*status = playback_usage(self, MSG_NO_INPUT);
	return c->inputs.count;
}

static int run_export(const struct command *self, int argc, char **argv)
{
	struct run run = { 0 };
	int status;

	if (parse(self, argc, argv, &run.config, &status) && (status = option_rules_check(self, &run.config)) == EXIT_DONE) {
		signal(SIGPIPE, SIG_IGN);
		status = export(&run);
		if (output_close(&run.out) != EXIT_DONE)
			status = EXIT_FAILED;
		export_free(run.export);
		playback_close(run.playback);
		export_ctf_free(run.ctf);
		merged_close(run.merged);
	}
	options_clear(self, &run.config);
	return status;
}

const struct command cmd_export = {
	.name = "export",
	.brief = "write a recording for other tools",
	.usage = "export --perfetto|--chrome|--csv|--ctf [OPTIONS] DIR...",
	.help = "Writes a recording for other tools: when events were pending, handled, the PE masked, pages on their way.",
	.about = "Times are CLOCK_MONOTONIC. What is open at the end is closed there, its outcome is \"open\".\n"
		 "With --ctf it writes the records themselves, as a recording, with the states at its begin. Recordings of one host\n"
		 "may overlap if one recorder made them, or if no VM is in both.\n",
	.options = options,
	.given = offsetof(struct export_config, playback.given),
	.operands = operands,
	.run = run_export,
};
