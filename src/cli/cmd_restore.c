/* SPDX-License-Identifier: GPL-2.0-only */
/* sdeitop restore: how VMMs save and restore the interrupt controllers of their VMs, live or of a recording. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/option_rules.h"
#include "model/restore.h"
#include "session/feeder.h"
#include "session/playback.h"
#include "session/session.h"
#include "session/source.h"
#include "session/vm_names.h"
#include "util/log.h"
#include "util/output.h"
#include "util/sandbox.h"
#include "view/figures/restore.h"
#include "view/screen/terminal.h"

struct restore_config {
	struct session_config session;
	struct playback_config playback;	/* of a recording; its filters are those of session */
	bool json;
};

static const struct option_spec options[] = {
	{ 'j', "json", NULL, &option_flag, offsetof(struct restore_config, json), "one JSON object" },
	FILTER_VM_OPTIONS(SESSION_OPTION, restore_config),
	PLAYBACK_RANGE_OPTIONS(restore_config),
	PLAYBACK_SANDBOX_OPTION(restore_config),
	SESSION_TIME_OPTION(restore_config),
	SESSION_OPTION(restore_config, 'o', "output", "FILE", string, output, "write there instead of to standard output"),
	SESSION_OPTION(restore_config, 0, "verbose", NULL, flag, verbose, "say more about what is done, on standard error"),
	SESSION_OPTION(restore_config, 'h', "help", NULL, flag, help, "this text"),
	SESSION_OPTION(restore_config, 'V', "version", NULL, flag, version, "the version"),
	{ 0 },
};

static const struct option_spec operands[] = { PLAYBACK_OPERAND(restore_config), { 0 } };

struct restore_run {
	struct restore_config config;
	struct restore *restore;
	struct session *session;	/* NULL: it is a recording */
	struct playback *playback;
	struct name_cache *names;
	struct output out;
	struct times_printer times;
	uint64_t lost;
	bool no_memory;
};

/* A VM is named when it is seen: at the end its process may be gone. */
static void take_record(void *ctx, const struct sdei_record *r, size_t size)
{
	struct restore_run *run = ctx;

	if (r->kind != SDEI_GIC)
		return;
	name_cache_get(run->names, r->vm, r->time_ns, false);
	run->no_memory |= restore_feed(run->restore, r, size) == -ENOMEM;
}

/* Of which kind may not be known. */
static void take_lost(void *ctx, const struct sdei_lost_key *key, uint64_t count)
{
	struct restore_run *run = ctx;

	if (!key || key->kind == SDEI_GIC || key->kind == SDEI_KIND_NONE)
		run->lost += count;
}

static void print(struct restore_run *run)
{
	const struct restore_view view = {
		.restore = run->restore, .names = run->names, .times = &run->times, .lost = run->lost,
	};

	restore_settle(run->restore);
	if (run->no_memory)
		say(MSG_NO_MEMORY);
	(run->config.json ? restore_json : restore_text)(run->out.file, &view);
}

static bool take_names(struct restore_run *run, name_lookup_t lookup, void *ctx)
{
	run->names = name_cache_new(lookup, ctx, terminal_is_utf8());
	if (!run->names)
		say(MSG_NO_MEMORY);
	return run->names;
}

static void drained(void *ctx)
{
	struct restore_run *run = ctx;

	source_tell_late_names(session_source(run->session), name_cache_rename, run->names);
}

static int follow(struct restore_run *run, char **command)
{
	const struct session_calls calls = {
		.sink = { .record = take_record, .lost = take_lost, .ctx = run }, .drained = drained, .ctx = run,
	};
	int status;

	if (!take_names(run, feeder_live_name, NULL))
		return EXIT_FAILED;
	run->session = session_open(&run->config.session, &calls, &status);
	if (!run->session)
		return status;
	session_announce(run->session, SESSION_END_KEY);
	session_run(run->session, command);
	run->times = (struct times_printer){ .times = session_times(run->session), .wall = run->config.json };
	print(run);
	session_flush(run->session, &run->out);
	status = session_exit_status(run->session);
	session_close(run->session);
	return run->no_memory ? EXIT_FAILED : status;
}

/* --- of a recording */

static void play_record(void *ctx, const struct sdei_record *r, size_t size)
{
	struct restore_run *run = ctx;

	if (playback_in_range(run->playback))
		take_record(run, r, size);
}

static void play_lost(void *ctx, const struct sdei_lost_key *key, uint64_t count)
{
	struct restore_run *run = ctx;

	if (playback_in_range(run->playback))
		take_lost(run, key, count);
}

static void play_name(void *ctx, uint32_t vm, const char *name, const char *uuid, bool late)
{
	name_cache_rename(((struct restore_run *)ctx)->names, vm, name, uuid);
}

static void shut_in(const struct restore_run *run)
{
	struct sandbox sandbox;

	sandbox_begin(&sandbox, run->config.playback.no_sandbox);
	sandbox_read(&sandbox, run->config.playback.input);
	sandbox_enter(&sandbox, run->config.session.verbose);
}

static int replay(struct restore_run *run)
{
	const struct playback_calls calls = {
		.sink = { .record = play_record, .lost = play_lost, .ctx = run }, .name = play_name, .ctx = run,
	};
	int status;

	signal(SIGPIPE, SIG_IGN);	/* as session_open() */
	run->playback = playback_open(&run->config.playback, &calls, &status);
	if (!run->playback)
		return status;
	shut_in(run);
	if (!take_names(run, playback_name, run->playback))
		return EXIT_FAILED;
	playback_run(run->playback, UINT64_MAX);
	run->times = (struct times_printer){ .times = playback_times(run->playback), .wall = run->config.json };
	print(run);
	if (!output_flush(&run->out))
		return output_status(&run->out);
	status = playback_finish(run->playback);
	return run->no_memory ? EXIT_FAILED : status;
}

/* What stands in the same rows for both. */
static void share_options(struct restore_run *run)
{
	run->config.session.only_gic = true;
	run->config.playback.vms = run->config.session.vms;
	run->config.playback.guests = run->config.session.guests;
	run->config.playback.times = run->config.session.times;
}

static bool prepare(struct restore_run *run)
{
	share_options(run);
	run->restore = restore_new();
	if (!run->restore)
		say(MSG_NO_MEMORY);
	return run->restore && output_open(&run->out, run->config.session.output);
}

static int run_restore(const struct command *self, int argc, char **argv)
{
	struct restore_run run = { 0 };
	char **command;
	int status;

	if (session_parse(self, argc, argv, &run.config, &run.config.session, &command, &status)) {
		status = option_rules_check_input(self, &run.config, run.config.playback.input, command);
		if (status == EXIT_DONE && !prepare(&run))
			status = EXIT_FAILED;
		if (status == EXIT_DONE)
			status = run.config.playback.input ? replay(&run) : follow(&run, command);
		if (output_close(&run.out) != EXIT_DONE)
			status = EXIT_FAILED;
		name_cache_free(run.names);
		playback_close(run.playback);
		restore_free(run.restore);
	}
	options_clear(self, &run.config);
	return status;
}

const struct command cmd_restore = {
	.name = "restore",
	.brief = "show how VMMs save and restore interrupt controllers, and what is wrong with that",
	.usage = "restore [OPTIONS] [DIR | -- COMMAND...]",
	.help = "Shows how VMMs save and restore the interrupt controllers (GICv3 and ITS) of their VMs on arm64, step by step,\n"
		"and what is wrong with that: as it happens, until ^C (or COMMAND) ends, or of the recording DIR\n"
		"(record --gic).",
	.about = "STEPS that follow each other and are alike are one row; TOOK is their time in KVM. No patch of the kernel is needed.\n"
		 "What each finding means: man sdeitop-restore. MOMENT: man sdeitop, TIMES.\n"
		 "Exit status: as sdeitop; 4: this kernel has no GICv3 for VMs; 5: the recording is incomplete, what is there was shown.\n",
	.options = options,
	.given = offsetof(struct restore_config, session.given),
	.operands = operands,
	.run = run_restore,
};
