/* SPDX-License-Identifier: GPL-2.0-only */
/* sdeitop: the live screen, or the same figures as text or JSON lines. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "session/protocol.h"
#include "cli/commands.h"
#include "cli/option_rules.h"
#include "session/feeder.h"
#include "util/log.h"
#include "util/sandbox.h"
#include "util/output.h"
#include "cli/show.h"
#include "session/session.h"
#include "session/source.h"
#include "util/clock.h"


struct top_config {
	struct session_config session;
	struct show_config show;
};

/* --- options */

static const struct option_spec options[] = {
	SHOW_OPTIONS(top_config),
	SESSION_OPTION(top_config, 0, "attach-daemon", NULL, flag, attach_daemon,
		     "show the figures of sdeid, as is done anyhow without the privileges to trace"),
	SESSION_OPTION(top_config, 0, "no-sandbox", NULL, flag, no_sandbox,
		       "with the figures of sdeid, do not give up files and system calls that this needs not"),
	SESSION_OPTION(top_config, 'S', "socket", "PATH", string, socket, "where sdeid listens; default: " PROTOCOL_SOCKET),
	SESSION_TIME_OPTION(top_config),
	SESSION_OPTIONS(top_config),
	{ 0 },
};

static const struct option_spec operands[] = {
	SHOW_OPTION(top_config, 0, "interval", NULL, seconds, delay_ms, NULL),
	SHOW_OPTION(top_config, 0, "count", NULL, count, count, NULL),
	{ 0 },
};

static void more_help(FILE *out)
{
	show_help(out, false);
}

/* --- intervals */

struct run {
	struct top_config config;
	struct show *show;
	struct session *session;
	struct feeder *feeder;
	struct model *model;	/* the feeder's */
	struct output out;
	struct status status;
	uint64_t intervals;
	int timer;
};

static void drained(void *ctx)
{
	feeder_flush(((struct run *)ctx)->feeder);
}

static void take_status(struct run *run)
{
	session_status(run->session, &run->status);
	run->status.delay_ns = run->config.show.delay_ms * NS_PER_MS;
}

static void close_interval(struct run *run)
{
	uint64_t keep = show_keep_gone_ns(run->show);

	take_status(run);
	if (run->status.now_ns > keep)
		model_expire(run->model, run->status.now_ns - keep);
	model_tick(run->model, run->status.now_ns);
}

static void check(struct run *run, int err)
{
	if (err) {
		say(MSG_NO_MEMORY);
		session_end(run->session, EXIT_FAILED);
	}
	if (!show_is_screen(run->show))
		session_flush(run->session, &run->out);
}

static int take_interval(void *ctx)
{
	struct run *run = ctx;

	session_drain(run->session);
	close_interval(run);
	check(run, show_interval(run->show, run->model, &run->status));
	if (++run->intervals == run->config.show.count)
		session_end(run->session, EXIT_DONE);
	return 0;
}

/* --- the screen */

static void redraw_now(struct run *run)
{
	take_status(run);
	check(run, show_interval(run->show, run->model, &run->status));
}

static int take_keys(void *ctx)
{
	struct run *run = ctx;
	enum top_action action = top_keys(show_top(run->show));

	if (action == TOP_QUIT) {
		session_end(run->session, EXIT_DONE);
		return 0;
	}
	if (action == TOP_SAVE)
		show_save(run->show);
	if (action == TOP_RESET)
		model_reset(run->model, run->status.now_ns);
	if (action == TOP_DELAY) {
		run->config.show.delay_ms = top_delay_ms(show_top(run->show));
		loop_set_timer(session_loop(run->session), run->timer, run->config.show.delay_ms);
	}
	redraw_now(run);
	return 0;
}

static void take_signal(void *ctx, int signal)
{
	struct run *run = ctx;

	if (!show_top(run->show))
		return;
	show_take_signal(run->show, signal);
	redraw_now(run);
}

/* --- life of a run */

static int open_screen(struct run *run)
{
	int err = show_open(run->show);

	if (err)
		return err;
	take_interval(run);
	return loop_add_fd(session_loop(run->session), STDIN_FILENO, take_keys, run);
}

/* Without an interval, a command is watched in one piece. */
static int start(struct run *run)
{
	int err = 0;

	session_status(run->session, &run->status);
	model_tick(run->model, run->status.now_ns);
	if (run->config.show.delay_ms) {
		run->timer = loop_add_timer(session_loop(run->session), run->config.show.delay_ms, take_interval, run);
		err = run->timer < 0 ? run->timer : 0;
	}
	if (!err && show_is_screen(run->show))
		err = open_screen(run);
	else if (!err)
		session_announce(run->session, SESSION_END_KEY);
	return err;
}

/* What the daemon's shows from now on is what ours would have. */
static void take_model(void *ctx, struct model *m)
{
	struct run *run = ctx;

	feeder_adopt(run->feeder, m);
	run->model = m;
	show_prepare_model(run->show, m);
}

static void shut_in(const struct run *run)
{
	struct sandbox sandbox;

	sandbox_begin(&sandbox, run->config.session.no_sandbox);
	show_allow(run->show, &sandbox);
	sandbox_enter(&sandbox, run->config.session.verbose && !show_is_screen(run->show));
}

static int follow(struct run *run, char **command)
{
	const struct session_calls calls = {
		.sink = feeder_sink(run->feeder),
		.drained = drained,
		.signal = show_is_screen(run->show) ? take_signal : NULL,
		.model = take_model,
		.utf8 = show_is_utf8(run->show),
		.ctx = run,
		.strict_output = run->config.show.json,
	};
	int status, err;

	/* A screen that stays empty for the seconds that a slow machine needs looks broken. */
	if (show_is_screen(run->show))
		say(MSG_ATTACHING);
	run->session = session_open(&run->config.session, &calls, &status);
	if (!run->session)
		return status;
	feeder_set_source(run->feeder, session_source(run->session));
	err = start(run);
	if (err) {
		show_close(run->show);
		say(MSG_LOOP, strerror(-err));
		session_close(run->session);
		return EXIT_FAILED;
	}
	if (session_asks_daemon(run->session) && !command)
		shut_in(run);
	session_run(run->session, command);
	show_close(run->show);
	session_say_end_message(run->session);
	close_interval(run);
	model_settle(run->model, run->status.now_ns);
	check(run, show_summary(run->show, run->model, &run->status));
	status = session_exit_status(run->session);
	session_close(run->session);
	return status;
}

static int prepare_model(struct run *run)
{
	run->feeder = feeder_new(show_is_utf8(run->show), &run->config.show.limits);
	if (!run->feeder) {
		say(MSG_NO_MEMORY);
		return EXIT_FAILED;
	}
	run->model = feeder_model(run->feeder);
	show_prepare_model(run->show, run->model);
	return EXIT_DONE;
}

/* An exit status. */
static int prepare(struct run *run, char **command)
{
	struct show_config *config = &run->config.show;
	int status;

	run->show = show_new(config, command || run->config.session.output, false, &status);
	if (run->show && !config->delay_ms && (!command || config->count))
		config->delay_ms = show_delay_ms(run->show);
	if (run->show)
		status = prepare_model(run);
	if (status != EXIT_DONE)
		return status;
	if (!output_open(&run->out, run->config.session.output))
		return EXIT_FAILED;
	show_set_output(run->show, run->out.file);
	return EXIT_DONE;
}

static int run_top(const struct command *self, int argc, char **argv)
{
	struct run run = { 0 };
	char **command;
	int status;

	if (session_parse(self, argc, argv, &run.config, &run.config.session, &command, &status)) {
		status = option_rules_check(self, &run.config);
		if (status == EXIT_DONE)
			status = prepare(&run, command);
		if (status == EXIT_DONE)
			status = follow(&run, command);
		if (output_close(&run.out) != EXIT_DONE && status == EXIT_DONE)
			status = EXIT_FAILED;
		show_free(run.show);
		feeder_free(run.feeder);
	}
	options_clear(self, &run.config);
	return status;
}

const struct command cmd_top = {
	.brief = "show what SDEI costs on this KVM host, and why an event was late",
	.usage = "[OPTIONS] [interval [count]] [-- COMMAND...]\n"
		 "       " PROGRAM " record [OPTIONS] [-- COMMAND...]        (see " PROGRAM " record --help)\n"
		 "       " PROGRAM " replay [OPTIONS] DIR                    (see " PROGRAM " replay --help)\n"
		 "       " PROGRAM " report [OPTIONS] DIR                    (see " PROGRAM " report --help)\n"
		 "       " PROGRAM " diff [OPTIONS] BASE NEW                (see " PROGRAM " diff --help)\n"
		 "       " PROGRAM " join [OPTIONS] HOST GUEST              (see " PROGRAM " join --help)\n"
		 "       " PROGRAM " events [OPTIONS] [DIR | -- COMMAND...]  (see " PROGRAM " events --help)\n"
		 "       " PROGRAM " export --FORMAT [OPTIONS] DIR           (see " PROGRAM " export --help)\n"
		 "       " PROGRAM " restore [OPTIONS] [DIR | -- COMMAND...] (see " PROGRAM " restore --help)\n"
		 "       " PROGRAM " state [OPTIONS]                         (see " PROGRAM " state --help)\n"
		 "       " PROGRAM " doctor [OPTIONS]                        (see " PROGRAM " doctor --help)\n"
		 "       " PROGRAM " help [COMMAND | TOPIC]                  (see " PROGRAM " help)",
	.help = "Shows what SDEI events cost the guests of this KVM host: a live screen, or text and JSON.",
	.about = "interval is in seconds, count is the number of intervals.\n"
		 "With COMMAND it is run, watched, and summed up when it ends (with an interval: in between, too).\n"
		 "With --json its output goes to standard error. Text and JSON end with a summary, also after ^C.\n"
		 "Exit status: 0 done, 1 failed (or COMMAND did), 2 wrong usage, 4 this kernel has neither the kvm_sdei_*\n"
		 "tracepoints (tracepoints/README.md says how to get them) nor page faults of KVM.\n",
	.more_help = more_help,
	.options = options,
	.given = offsetof(struct top_config, session.given),
	.operands = operands,
	.run = run_top,
};
