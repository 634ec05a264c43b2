/* SPDX-License-Identifier: GPL-2.0-only */
/* sdeitop record: everything that comes, into a directory that replay, report and babeltrace2 read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "recording/packetizer.h"
#include "recording/writer.h"
#include "view/figures/json.h"
#include "view/figures/text.h"
#include "session/about.h"
#include "cli/commands.h"
#include "cli/option_rules.h"
#include "session/feeder.h"
#include "util/log.h"
#include "util/output.h"
#include "view/screen/terminal.h"
#include "session/flight_recorder.h"
#include "session/session.h"
#include "session/source.h"

#define STATUS_PERIOD_MS 1000
#define FLIGHT_GAP_S 10

struct record_config {
	struct session_config session;
	uint64_t duration_ms, max_size, keep, flight;
	struct triggers on;
	bool compress, summary, json;
};

static const struct option_spec options[] = {
	{ 'o', "output", "DIR", &option_string, offsetof(struct record_config, session.output),
	  "the directory to make; default: sdeitop-HOST-TIME, in UTC" },
	{ 0, "duration", "SECONDS", &option_seconds, offsetof(struct record_config, duration_ms), "end after this time" },
	{ 0, "max-size", "SIZE", &option_size, offsetof(struct record_config, max_size), "start another file after so many bytes" },
	{ 0, "keep", "N", &option_count, offsetof(struct record_config, keep),
	  "keep so many files (with --flight: recordings), remove the oldest" },
	{ 0, "compress", NULL, &option_flag, offsetof(struct record_config, compress), "compress files that are closed, with gzip" },
	{ 0, "flight", "SIZE", &option_size, offsetof(struct record_config, flight),
	  "keep the last SIZE in memory, save it to a directory in DIR when something happens" },
	{ 0, "on", "WHAT", &option_trigger, offsetof(struct record_config, on),
	  "save for this: a finding's code, any, warning, error, SIGUSR2, exit; may be repeated" },
	{ 0, "summary", NULL, &option_flag, offsetof(struct record_config, summary),
	  "end with the summary that sdeitop -b ends with, on standard output" },
	{ 'j', "json", NULL, &option_flag, offsetof(struct record_config, json), "the summary as JSON" },
	SESSION_SOURCE_OPTIONS(record_config),
	{ 0 },
};

struct recorder {
	struct record_config config;
	struct session *session;
	struct packetizer *packetizer;
	struct writer *writer;
	struct flight_recorder *flight;	/* then there is no writer */
	struct feeder *feeder;		/* only for the summary and for findings, else NULL */
	struct sink_tee stream;		/* to the two */
	struct recording_about about;
	char directory[128];		/* the default */
	uint64_t start_ns;
	struct status now;		/* of the last status */
	struct recording_status status;
	bool failing, shows_progress;
};

static void name_directory(struct recorder *r, const struct status *now)
{
	time_t seconds = now->wall_ns / 1000000000;
	char host[33], when[32];
	struct tm tm;

	if (r->config.session.output)
		return;
	snprintf(host, sizeof(host), "%.32s", now->host);
	for (char *at = host; *at; at++)
		if (*at == '/')
			*at = '_';
	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", gmtime_r(&seconds, &tm));
	snprintf(r->directory, sizeof(r->directory), PROGRAM "-%s-%s", host, when);
	r->config.session.output = r->directory;
}

/* --- while it runs */

static int take_packet(void *ctx, const struct packet *packet)
{
	struct recorder *r = ctx;
	int err = r->flight ? flight_recorder_take(r->flight, packet) : writer_take(r->writer, packet);

	if (err && !r->failing)
		say(MSG_UNRECORDED, strerror(-err));
	if (!err && r->failing)
		say(MSG_RECORDING_AGAIN);
	r->failing = err;
	return err;
}

static void put_status(struct recorder *r, bool end)
{
	struct status now;

	session_status(r->session, &now);
	r->status = status_for_recording(&now, end);
	packetizer_status(r->packetizer, &r->status);
	if (r->feeder)
		model_tick(feeder_model(r->feeder), now.now_ns);
	r->now = now;
}

static void take_late_name(void *ctx, uint32_t vm, const char *name, const char *uuid)
{
	packetizer_rename(((struct recorder *)ctx)->packetizer, vm, name, uuid);
}

static void drained(void *ctx)
{
	struct recorder *r = ctx;

	if (r->feeder)
		feeder_flush(r->feeder);
	else
		source_tell_late_names(session_source(r->session), take_late_name, r);
	if (r->flight) {
		if (flight_recorder_wants_snapshot(r->flight, packetizer_snapshot_size(r->packetizer)))
			packetizer_snapshot(r->packetizer, 0);
		return;
	}
	/* A file that cannot be started leaves the old one in use; it is tried again. */
	if ((writer_is_file_full(r->writer) && writer_next_file(r->writer) == 0) || packetizer_wants_snapshot(r->packetizer))
		packetizer_snapshot(r->packetizer, 0);
}

static void show_progress(const struct recorder *r, uint64_t now_ns)
{
	const struct packetizer_counters *c = packetizer_counters(r->packetizer);
	uint64_t seconds = (now_ns - r->start_ns) / 1000000000;

	if (r->shows_progress)
		fprintf(stderr, "\r%02" PRIu64 ":%02" PRIu64 "  %" PRIu64 " items  %.1f MiB  LOST %" PRIu64 "  not recorded %" PRIu64 "\033[K",
			seconds / 60, seconds % 60, c->items, c->bytes / 1048576.0, c->lost, c->unrecorded);
}

/* --- the loop's calls */

static struct model *model_of(struct recorder *r)
{
	return r->feeder ? feeder_model(r->feeder) : NULL;
}

static void take_usr2(void *ctx)
{
	struct recorder *r = ctx;

	flight_recorder_signalled(r->flight, r->now.now_ns);
}

static int take_second(void *ctx)
{
	struct recorder *r = ctx;

	session_drain(r->session);
	put_status(r, false);
	if (r->flight)
		flight_recorder_check(r->flight, model_of(r), &r->about, &r->status, false);
	show_progress(r, r->now.now_ns);
	return 0;
}

static int take_end(void *ctx)
{
	struct recorder *r = ctx;

	session_end(r->session, EXIT_DONE);
	return 0;
}

/* --- life of a recording */

static int add_timers(struct recorder *r)
{
	int err = loop_add_timer(session_loop(r->session), STATUS_PERIOD_MS, take_second, r);

	if (err >= 0 && r->config.duration_ms)
		err = loop_add_timer(session_loop(r->session), r->config.duration_ms, take_end, r);
	return err < 0 ? err : 0;
}

static int open_flight(struct recorder *r)
{
	const struct flight_recorder_options own = {
		.directory = r->config.session.output, .size = r->config.flight, .keep = r->config.keep, .gap_s = FLIGHT_GAP_S,
		.on = r->config.on,
	};

	r->flight = flight_recorder_open(&own);
	return r->flight ? 0 : -ENOMEM;
}

static int open_writer(struct recorder *r)
{
	struct writer_options own = {
		.file_size = r->config.max_size, .keep = r->config.keep, .compress = r->config.compress,
	};
	struct status now;
	struct error error;

	session_status(r->session, &now);
	name_directory(r, &now);
	about_describe(&r->about, r->session, &r->config.session, &now);
	r->start_ns = now.now_ns;
	own.directory = r->config.session.output;
	if (r->config.flight)
		return open_flight(r);
	r->writer = writer_open(&own, &r->about, &error);
	if (r->writer)
		return 0;
	say("%s", error.text);
	return error.code;
}

static int open_packetizer(struct recorder *r)
{
	struct packetizer_options own = { .take = take_packet, .ctx = r, .name = source_vm, .name_ctx = session_source(r->session) };

	memcpy(own.uuid, r->about.uuid, sizeof(own.uuid));
	r->packetizer = packetizer_new(&own);
	if (!r->packetizer) {
		say(MSG_NO_MEMORY);
		return -ENOMEM;
	}
	r->stream.to[r->stream.count++] = packetizer_sink(r->packetizer);
	if (!r->feeder)
		return 0;
	r->stream.to[r->stream.count++] = feeder_sink(r->feeder);
	feeder_set_source(r->feeder, session_source(r->session));
	feeder_set_late_names(r->feeder, take_late_name, r);
	return 0;
}

static int start(struct recorder *r)
{
	struct status now;
	int err;

	if (open_writer(r) || open_packetizer(r))
		return EXIT_FAILED;
	err = add_timers(r);
	if (err) {
		say(MSG_LOOP, strerror(-err));
		return EXIT_FAILED;
	}
	put_status(r, false);
	session_announce(r->session, SESSION_END_KEY);
	session_status(r->session, &now);
	if (r->flight)
		say(MSG_FLYING, r->config.flight, r->config.session.output, now.probes_attached, now.probes_total);
	else
		say(MSG_RECORDING, r->config.session.output, now.probes_attached, now.probes_total);
	return EXIT_DONE;
}

static enum exit_status print_summary(struct recorder *r)
{
	const struct table_options plain = { 0 };
	struct model *m = feeder_model(r->feeder);
	struct output out;

	if (!output_open(&out, NULL))
		return EXIT_FAILED;
	model_settle(m, r->now.now_ns);
	if (r->config.json)
		json_summary(out.file, m, &r->now);
	else if (text_summary(out.file, m, &r->now, &plain) < 0)
		say(MSG_NO_MEMORY);
	return output_close(&out);
}

static int end_flight(struct recorder *r, int status)
{
	const struct flight_save_counters *saves = flight_recorder_counters(r->flight);
	const struct packetizer_counters *c = packetizer_counters(r->packetizer);

	if (r->shows_progress)
		fputs("\r\033[K", stderr);
	flight_recorder_ending(r->flight);
	flight_recorder_check(r->flight, model_of(r), &r->about, &r->status, true);
	say(MSG_FLIGHT_END, c->items, c->lost, saves->saved, r->config.session.output, saves->suppressed);
	if (r->config.summary && print_summary(r) != EXIT_DONE)
		return EXIT_FAILED;
	return saves->failed ? EXIT_FAILED : status;
}

/* An exit status: that of the run, unless the recording lacks something. */
static int end(struct recorder *r)
{
	const struct packetizer_counters *c = packetizer_counters(r->packetizer);
	int status = session_exit_status(r->session), err;

	put_status(r, true);
	if (r->flight)
		return end_flight(r, status);
	err = writer_close(r->writer);
	r->writer = NULL;
	if (r->shows_progress)
		fputs("\r\033[K", stderr);
	if (err)
		say(MSG_WRITING, r->config.session.output, strerror(-err));
	say(MSG_RECORD_END, c->items, c->bytes, c->items ? (double)c->bytes / c->items : 0.0, c->lost, c->unrecorded,
	    r->config.session.output);
	if (r->config.summary && print_summary(r) != EXIT_DONE)
		err = -EIO;
	return err || c->unrecorded ? EXIT_FAILED : status;
}

static int record(struct recorder *r, char **command)
{
	const struct session_calls calls = {
		.sink = sink_of_tee(&r->stream),
		.drained = drained,
		.usr2 = r->config.on.usr2 ? take_usr2 : NULL,
		.ctx = r,
		.strict_output = true,
	};
	bool needs_model = r->config.summary || r->config.on.findings;
	int status;

	r->feeder = needs_model ? feeder_new(terminal_is_utf8(), NULL) : NULL;
	if (needs_model && !r->feeder) {
		say(MSG_NO_MEMORY);
		return EXIT_FAILED;
	}
	r->session = session_open(&r->config.session, &calls, &status);
	if (!r->session) {
		feeder_free(r->feeder);
		return status;
	}
	status = start(r);
	if (status == EXIT_DONE) {
		session_run(r->session, command);
		status = end(r);
	}
	writer_close(r->writer);
	packetizer_free(r->packetizer);
	flight_recorder_close(r->flight);
	feeder_free(r->feeder);
	session_close(r->session);
	return status;
}

static int run(const struct command *self, int argc, char **argv)
{
	struct recorder r = { .shows_progress = isatty(STDERR_FILENO) };
	char **command;
	int status;

	if (session_parse(self, argc, argv, &r.config, &r.config.session, &command, &status)) {
		status = option_rules_check(self, &r.config);
		if (status == EXIT_DONE)
			status = record(&r, command);
	}
	options_clear(self, &r.config);
	return status;
}

const struct command cmd_record = {
	.name = "record",
	.brief = "record every SDEI event into a directory",
	.usage = "record [OPTIONS] [-- COMMAND...]",
	.help = "Records every SDEI event and page fault into a directory, until ^C (or COMMAND) ends.",
	.about = "The directory is a CTF 1.8 trace: " PROGRAM " report, replay and events read it, and so does babeltrace2.\n"
		 "With --max-size and --keep it never takes more than about SIZE times N bytes.\n"
		 "Exit status: 0 done, 1 failed (or COMMAND did, or something could not be written), 2 wrong usage,\n"
		 "4 this kernel has neither the kvm_sdei_* tracepoints nor page faults of KVM.\n",
	.options = options,
	.given = offsetof(struct record_config, session.given),
	.run = run,
};
