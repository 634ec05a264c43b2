/* SPDX-License-Identifier: GPL-2.0-only */
/* sdeitop events: every record as it comes, one line each. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "record/json.h"
#include "record/text.h"
#include "session/vm_names.h"
#include "view/figures/json.h"
#include "view/figures/text.h"
#include "cli/commands.h"
#include "cli/option_rules.h"
#include "session/feeder.h"
#include "util/log.h"
#include "util/sandbox.h"
#include "util/output.h"
#include "session/playback.h"
#include "view/screen/terminal.h"
#include "session/session.h"
#include "session/source.h"

struct events_config {
	struct session_config session;
	struct playback_config playback;	/* of a recording; its filters are those of session */
	bool json, summary;
	uint64_t count;
};

static const struct option_spec options[] = {
	{ 'j', "json", NULL, &option_flag, offsetof(struct events_config, json), "one JSON object per line" },
	{ 'n', "count", "COUNT", &option_count, offsetof(struct events_config, count), "end after so many records" },
	{ 0, "summary", NULL, &option_flag, offsetof(struct events_config, summary), "end with the summary that sdeitop -b ends with" },
	PLAYBACK_RANGE_OPTIONS(events_config),
	PLAYBACK_SANDBOX_OPTION(events_config),
	SESSION_TIME_OPTION(events_config),
	SESSION_OPTIONS(events_config),
	{ 0 },
};

static const struct option_spec operands[] = { PLAYBACK_OPERAND(events_config), { 0 } };

struct events {
	struct events_config config;
	struct session *session;		/* NULL: it is a recording */
	struct playback *playback;
	struct name_cache *names;
	struct feeder *feeder;	/* only for the summary, else NULL */
	struct output out;
	uint64_t printed;
	bool unflushed, done, in_range;
	struct times_printer times;
};

static bool is_creation(const struct sdei_record *r)
{
	return r->kind == SDEI_STATE && r->origin == SDEI_CREATED;
}

static void print_record(void *ctx, const struct sdei_record *r, size_t size)
{
	struct events *e = ctx;
	const struct vm_name *name;

	if (e->done)
		return;
	if (e->feeder)
		feeder_record(e->feeder, r, size);
	name = name_cache_get(e->names, r->vm, r->time_ns, is_creation(r));
	if (e->config.json)
		json_record(e->out.file, &e->times, r, name->raw);
	else
		record_text_record(e->out.file, &e->times, r, name->shown);
	e->unflushed = true;
	e->printed++;
	if (e->config.count && e->printed == e->config.count) {
		e->done = true;
		if (e->session)
			session_end(e->session, EXIT_DONE);
	}
}

static void print_lost(void *ctx, const struct sdei_lost_key *key, uint64_t count)
{
	struct events *e = ctx;

	if (e->feeder)
		feeder_lost(e->feeder, key, count);
	if (e->config.json)
		json_lost(e->out.file, key, count);
	else
		record_text_lost(e->out.file, key, count);
	e->unflushed = true;
}

/* Lines are written once per turn of the loop, so that a busy host costs few writes. */
static void flush(void *ctx)
{
	struct events *e = ctx;

	if (e->feeder)
		feeder_flush(e->feeder);
	else if (e->session)
		source_tell_late_names(session_source(e->session), name_cache_rename, e->names);
	if (e->unflushed && !session_flush(e->session, &e->out))
		e->done = true;
	e->unflushed = false;
}

static void tick(struct events *e, struct status *now)
{
	if (e->session)
		session_status(e->session, now);
	else
		playback_view_status(e->playback, now);
	model_tick(feeder_model(e->feeder), now->now_ns);
}

static void print_summary(struct events *e)
{
	const struct table_options plain = { 0 };
	const struct model *model = feeder_model(e->feeder);
	struct status now;

	tick(e, &now);
	if (e->config.json)
		json_summary(e->out.file, model, &now);
	else if (text_summary(e->out.file, model, &now, &plain) < 0)
		say(MSG_NO_MEMORY);
	if (e->session)
		session_flush(e->session, &e->out);
}

static int follow(struct events *e, char **command)
{
	const struct session_calls calls = {
		.sink = { .record = print_record, .lost = print_lost, .ctx = e },
		.drained = flush,
		.ctx = e,
		.strict_output = e->config.json,
	};
	struct status start;
	int status;

	e->names = name_cache_new(feeder_live_name, NULL, terminal_is_utf8());
	if (!e->names) {
		say(MSG_NO_MEMORY);
		return EXIT_FAILED;
	}
	e->session = session_open(&e->config.session, &calls, &status);
	if (!e->session)
		return status;
	if (e->feeder) {
		feeder_set_source(e->feeder, session_source(e->session));
		feeder_set_late_names(e->feeder, name_cache_rename, e->names);
		tick(e, &start);
	}
	e->times = (struct times_printer){ .times = session_times(e->session), .wall = e->config.json };
	session_announce(e->session, SESSION_END_KEY);
	if (!e->config.json)
		record_text_header(e->out.file, e->times.times);
	session_flush(e->session, &e->out);
	session_run(e->session, command);
	if (e->feeder)
		print_summary(e);
	status = session_exit_status(e->session);
	session_close(e->session);
	return status;
}

/* --- of a recording */

/* What came before the range leaves its states for the summary, not its figures. */
static void enter_range(struct events *e)
{
	uint64_t from_ns;

	if (e->in_range || !playback_in_range(e->playback))
		return;
	e->in_range = true;
	if (!e->feeder)
		return;
	feeder_flush(e->feeder);
	from_ns = playback_from_ns(e->playback);
	if (model_totals(feeder_model(e->feeder))->records)
		model_reset(feeder_model(e->feeder), from_ns);
	model_tick(feeder_model(e->feeder), from_ns);
}

static void play_record(void *ctx, const struct sdei_record *r, size_t size)
{
	struct events *e = ctx;

	enter_range(e);
	if (e->in_range)
		print_record(e, r, size);
	else if (e->feeder)
		feeder_record(e->feeder, r, size);
	if (e->done || e->out.error)
		playback_end(e->playback);
}

static void play_lost(void *ctx, const struct sdei_lost_key *key, uint64_t count)
{
	struct events *e = ctx;

	enter_range(e);
	if (e->in_range && !e->done)
		print_lost(e, key, count);
}

static void play_status(void *ctx, const struct recording_status *status)
{
	struct events *e = ctx;

	enter_range(e);
	if (!e->feeder)
		return;
	feeder_flush(e->feeder);
	model_tick(feeder_model(e->feeder), status->time_ns);
}

static void play_name(void *ctx, uint32_t vm, const char *name, const char *uuid, bool late)
{
	name_cache_rename(((struct events *)ctx)->names, vm, name, uuid);
}

static void shut_in(const struct events *e)
{
	struct sandbox sandbox;

	sandbox_begin(&sandbox, e->config.playback.no_sandbox);
	sandbox_read(&sandbox, e->config.playback.input);
	sandbox_enter(&sandbox, e->config.session.verbose);
}

static int replay(struct events *e)
{
	const struct playback_calls calls = {
		.sink = { .record = play_record, .lost = play_lost, .ctx = e },
		.status = play_status,
		.name = play_name,
		.ctx = e,
	};
	int status;

	signal(SIGPIPE, SIG_IGN);	/* as session_open() */
	e->playback = playback_open(&e->config.playback, &calls, &status);
	if (!e->playback)
		return status;
	shut_in(e);
	e->names = name_cache_new(playback_name, e->playback, terminal_is_utf8());
	if (!e->names) {
		say(MSG_NO_MEMORY);
		return EXIT_FAILED;
	}
	if (e->feeder)
		feeder_set_playback(e->feeder, e->playback);
	e->times = (struct times_printer){ .times = playback_times(e->playback), .wall = e->config.json };
	if (!e->config.json)
		record_text_header(e->out.file, e->times.times);
	playback_run(e->playback, UINT64_MAX);
	if (e->feeder && !e->out.error) {
		feeder_flush(e->feeder);
		print_summary(e);
	}
	/* Who does not read to the end does not ask whether that is there. */
	if (!output_flush(&e->out) || e->done)
		return output_status(&e->out);
	return playback_finish(e->playback);
}

/* What stands in the same rows for both. */
static void share_options(struct events *e)
{
	const struct session_config *session = &e->config.session;
	struct playback_config *playback = &e->config.playback;

	playback->vms = session->vms;
	playback->vcpus = session->vcpus;
	playback->events = session->events;
	playback->guests = session->guests;
	playback->times = session->times;
}

static bool prepare(struct events *e)
{
	e->feeder = e->config.summary ? feeder_new(terminal_is_utf8(), NULL) : NULL;
	if (e->config.summary && !e->feeder) {
		say(MSG_NO_MEMORY);
		return false;
	}
	return output_open(&e->out, e->config.session.output);
}

static int run(const struct command *self, int argc, char **argv)
{
	struct events e = { 0 };
	char **command;
	int status;

	if (session_parse(self, argc, argv, &e.config, &e.config.session, &command, &status)) {
		status = option_rules_check_input(self, &e.config, e.config.playback.input, command);
		if (status == EXIT_DONE && !prepare(&e))
			status = EXIT_FAILED;
		if (status == EXIT_DONE && e.config.playback.input) {
			share_options(&e);
			status = replay(&e);
		} else if (status == EXIT_DONE) {
			status = follow(&e, command);
		}
		if (output_close(&e.out) != EXIT_DONE)
			status = EXIT_FAILED;
		feeder_free(e.feeder);
		name_cache_free(e.names);
		playback_close(e.playback);
	}
	options_clear(self, &e.config);
	return status;
}

const struct command cmd_events = {
	.name = "events",
	.brief = "print every SDEI event as it happens, or of a recording",
	.usage = "events [OPTIONS] [DIR | -- COMMAND...]",
	.help = "Prints every SDEI event and step of a page fault, one line each: as it happens, until ^C (or COMMAND) ends,\n"
		"or of the recording DIR.",
	.about = "Times are as --time says; time_ns in JSON is CLOCK_MONOTONIC. MOMENT: man sdeitop, TIMES.\n"
		 "State letters: R registered, E enabled, U running, P pending, M PE masked, after the event.\n"
		 "Exit status: as sdeitop; 5: the recording is incomplete, what is there was printed.\n",
	.options = options,
	.given = offsetof(struct events_config, session.given),
	.operands = operands,
	.run = run,
};
