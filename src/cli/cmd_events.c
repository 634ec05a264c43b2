/* SPDX-License-Identifier: GPL-2.0-only */
/* sdeitop events: every record as it comes, one line each. */
#include <stdlib.h>

#include "../view/events_text.h"
#include "../view/json.h"
#include "../view/text.h"
#include "commands.h"
#include "feeder.h"
#include "messages.h"
#include "terminal.h"
#include "watch.h"

struct events_config {
	struct watch_config watch;
	bool json, summary;
	uint64_t count;
};

static const struct option_spec options[] = {
	{ 'j', "json", NULL, &option_flag, offsetof(struct events_config, json), "one JSON object per line" },
	{ 'n', "count", "COUNT", &option_count, offsetof(struct events_config, count), "end after so many records" },
	{ 0, "summary", NULL, &option_flag, offsetof(struct events_config, summary), "end with the summary that sdeitop -b ends with" },
	WATCH_OPTIONS(events_config),
	{ 0 },
};

struct events {
	struct events_config config;
	struct watch *watch;
	struct name_cache *names;
	struct feeder *feeder;	/* only for the summary, else NULL */
	FILE *out;
	uint64_t printed;
	bool unflushed, done;
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
		json_record(e->out, r, name);
	else
		events_text_record(e->out, r, name);
	e->unflushed = true;
	e->printed++;
	if (e->config.count && e->printed == e->config.count) {
		e->done = true;
		watch_end(e->watch, EXIT_DONE);
	}
}

static void print_lost(void *ctx, const struct sdei_lost_key *key, uint64_t count)
{
	struct events *e = ctx;

	if (e->feeder && key)
		feeder_lost(e->feeder, key, count);
	else if (e->feeder)
		feeder_lost_unknown(e->feeder, count);
	if (e->config.json)
		json_lost(e->out, key, count);
	else
		events_text_lost(e->out, key, count);
	e->unflushed = true;
}

static void print_lost_unknown(void *ctx, uint64_t count)
{
	print_lost(ctx, NULL, count);
}

/* Lines are written once per turn of the loop, so that a busy host costs few writes. */
static void flush(void *ctx)
{
	struct events *e = ctx;

	if (e->feeder)
		feeder_flush(e->feeder);
	if (e->unflushed && !watch_flush(e->watch, e->out))
		e->done = true;
	e->unflushed = false;
}

static void tick(struct events *e, struct view_status *now)
{
	watch_status(e->watch, now);
	model_tick(feeder_model(e->feeder), now->now_ns);
}

static void print_summary(struct events *e)
{
	const struct table_options plain = { 0 };
	const struct model *model = feeder_model(e->feeder);
	struct view_status now;

	tick(e, &now);
	if (e->config.json)
		json_summary(e->out, model, &now);
	else if (text_summary(e->out, model, &now, &plain) < 0)
		say(MSG_NO_MEMORY);
	watch_flush(e->watch, e->out);
}

static int follow(struct events *e, char **command)
{
	const struct watch_calls calls = {
		.sink = { .record = print_record, .lost = print_lost, .lost_unknown = print_lost_unknown, .ctx = e },
		.drained = flush,
		.ctx = e,
		.strict_output = e->config.json,
	};
	struct view_status start;
	int status;

	e->watch = watch_open(&e->config.watch, &calls, &status);
	if (!e->watch)
		return status;
	if (e->feeder)
		tick(e, &start);
	watch_announce(e->watch);
	if (!e->config.json)
		events_text_header(e->out);
	watch_flush(e->watch, e->out);
	watch_run(e->watch, command);
	if (e->feeder)
		print_summary(e);
	status = watch_exit_status(e->watch);
	watch_close(e->watch);
	return status;
}

static bool prepare(struct events *e)
{
	e->names = name_cache_new(feeder_live_name, NULL, terminal_is_utf8());
	e->feeder = e->config.summary ? feeder_new(terminal_is_utf8(), NULL) : NULL;
	if (!e->names || (e->config.summary && !e->feeder)) {
		say(MSG_NO_MEMORY);
		return false;
	}
	e->out = watch_output(&e->config.watch);
	return e->out;
}

static int run(const struct command *self, int argc, char **argv)
{
	struct events e = { 0 };
	char **command;
	int status;

	if (watch_parse(self, argc, argv, &e.config, &e.config.watch, &command, &status)) {
		status = prepare(&e) ? follow(&e, command) : EXIT_FAILED;
		feeder_free(e.feeder);
		name_cache_free(e.names);
	}
	options_clear(self, &e.config);
	return status;
}

const struct command cmd_events = {
	.name = "events",
	.usage = "events [OPTIONS] [-- COMMAND...]",
	.help = "Prints every SDEI event as it happens, one line each, until ^C (or COMMAND) ends.",
	.about = "Times are seconds of CLOCK_MONOTONIC; in JSON they are nanoseconds.\n"
		 "State letters: R registered, E enabled, U running, P pending, M PE masked, after the event.\n",
	.options = options,
	.run = run,
};
