/* SPDX-License-Identifier: GPL-2.0-only */
/* sdeitop: the live screen, or the same figures as text or JSON lines. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../view/columns.h"
#include "../view/json.h"
#include "../view/text.h"
#include "../view/top.h"
#include "commands.h"
#include "feeder.h"
#include "messages.h"
#include "terminal.h"
#include "watch.h"

#define DEFAULT_DELAY_MS 1000
#define NS_PER_SEC 1000000000ULL
#define NS_PER_MS 1000000ULL
#define KEEP_GONE_SCREEN_NS (10 * NS_PER_SEC)
#define KEEP_GONE_NS (3600 * NS_PER_SEC)	/* for the summary; a host that churns VMs must not fill memory */

struct top_config {
	struct watch_config watch;
	bool batch, json, all, reverse;
	uint64_t delay_ms, count;
	const struct column *sort;
	const char *filter;
	struct finding_limits limits;
};

/* --- options */

static int set_column(void *field, const char *value)
{
	const struct column *column = column_find(value);

	*(const struct column **)field = column;
	return column ? 0 : -EINVAL;
}

static const struct option_type option_column = {
	.set = set_column, .expects = "the name of a column; --help lists them",
};

static int set_filter(void *field, const char *value)
{
	struct filter *filter;
	char message[128];
	int err = filter_new(&filter, value, message, sizeof(message));

	filter_free(filter);
	*(const char **)field = value;
	return err;
}

static const struct option_type option_filter = {
	.set = set_filter, .expects = "conditions, as in 'vm=web* p99>500us state=P'; --help lists the columns",
};

static int set_ms(void *field, const char *value)
{
	uint64_t ms;
	int err = option_count.set(&ms, value);

	if (err || ms > UINT64_MAX / NS_PER_MS)
		return -EINVAL;
	*(uint64_t *)field = ms * NS_PER_MS;
	return 0;
}

static const struct option_type option_ms = { .set = set_ms, .expects = "milliseconds from 1" };

#define TOP_OPTION(key, name, value, type, field, help) \
	{ key, name, value, &option_##type, offsetof(struct top_config, field), help }

static const struct option_spec options[] = {
	TOP_OPTION('b', "batch", NULL, flag, batch, "text instead of the screen (as when output is not a terminal)"),
	TOP_OPTION('j', "json", NULL, flag, json, "one JSON object per interval and line, then a summary"),
	TOP_OPTION('d', "delay", "SECONDS", seconds, delay_ms, "the interval; 1 unless given"),
	TOP_OPTION('n', "count", "COUNT", count, count, "end after so many intervals"),
	TOP_OPTION('s', "sort", "COLUMN", column, sort, "sort by this column"),
	TOP_OPTION('r', "reverse", NULL, flag, reverse, "the other way round"),
	TOP_OPTION('a', "all", NULL, flag, all, "also events that were never used"),
	TOP_OPTION('f', "filter", "CONDITIONS", filter, filter, "only rows for which all hold: 'vm=web* p99>500us state=P'"),
	TOP_OPTION(0, "handler-ms", "MS", ms, limits.handler_ns, "a finding if a handler runs longer; 1000 unless given"),
	TOP_OPTION(0, "pending-ms", "MS", ms, limits.pending_ns, "a finding if an event is deliverable longer; 1000"),
	TOP_OPTION(0, "mask-ms", "MS", ms, limits.mask_ns, "a finding if a PE is masked longer; 1000"),
	TOP_OPTION(0, "drops", "N", count, limits.drops, "a finding if so many signals of an event in a second get no dispatch; 100"),
	TOP_OPTION(0, "refused", "N", count, limits.refused, "a finding if so many calls of a vCPU in a second are refused; 10"),
	WATCH_OPTIONS(top_config),
	{ 0 },
};

static const struct option_spec operands[] = {
	TOP_OPTION(0, "interval", NULL, seconds, delay_ms, NULL),
	TOP_OPTION(0, "count", NULL, count, count, NULL),
	{ 0 },
};

static void help_columns(FILE *out)
{
	fputs("\nColumns (times in us, since the start or since r was pressed; rates of the last interval):\n", out);
	text_column_help(out);
	fputs("\nKeys of the screen:\n", out);
	top_key_help(out, false);
}

/* --- one run in any of the forms */

struct run {
	struct top_config config;
	const struct form *form;
	struct watch *watch;
	struct feeder *feeder;
	struct model *model;	/* the feeder's */
	FILE *out;
	struct filter *filter;
	struct top *top;
	struct view_status status;
	uint64_t intervals;
	int timer;
	bool utf8;
};

struct form {
	bool screen;
	uint64_t keep_gone_ns;
	void (*interval)(struct run *run);
	void (*summary)(struct run *run);
};

static void drained(void *ctx)
{
	feeder_flush(((struct run *)ctx)->feeder);
}

static void close_interval(struct run *run)
{
	uint64_t keep = run->form->keep_gone_ns;

	watch_status(run->watch, &run->status);
	run->status.delay_ns = run->config.delay_ms * 1000000;
	if (run->status.now_ns > keep)
		model_expire(run->model, run->status.now_ns - keep);
	model_tick(run->model, run->status.now_ns);
}

static int take_interval(void *ctx)
{
	struct run *run = ctx;

	watch_drain(run->watch);
	close_interval(run);
	run->form->interval(run);
	if (++run->intervals == run->config.count)
		watch_end(run->watch, EXIT_DONE);
	return 0;
}

/* --- text and JSON */

static struct table_options text_options(const struct run *run)
{
	return (struct table_options){
		.sort = run->config.sort, .reverse = run->config.reverse, .all = run->config.all,
		.filter = run->filter,
	};
}

static void check(struct run *run, int err)
{
	if (err) {
		say(MSG_NO_MEMORY);
		watch_end(run->watch, EXIT_FAILED);
	}
	watch_flush(run->watch, run->out);
}

static void print_interval(struct run *run)
{
	struct table_options own = text_options(run);

	check(run, text_interval(run->out, run->model, &run->status, &own));
}

static void print_summary(struct run *run)
{
	struct table_options own = text_options(run);

	check(run, text_summary(run->out, run->model, &run->status, &own));
}

static void print_json_interval(struct run *run)
{
	json_interval(run->out, run->model, &run->status);
	check(run, 0);
}

static void print_json_summary(struct run *run)
{
	json_summary(run->out, run->model, &run->status);
	check(run, 0);
}

/* --- the screen */

static void draw(struct run *run)
{
	top_draw(run->top, run->model, &run->status);
}

static void redraw_now(struct run *run)
{
	watch_status(run->watch, &run->status);
	run->status.delay_ns = run->config.delay_ms * 1000000;
	draw(run);
}

static int take_keys(void *ctx)
{
	struct run *run = ctx;
	enum top_wish wish = top_keys(run->top);

	if (wish == TOP_QUIT) {
		watch_end(run->watch, EXIT_DONE);
		return 0;
	}
	if (wish == TOP_RESET)
		model_reset(run->model, run->status.now_ns);
	if (wish == TOP_DELAY) {
		run->config.delay_ms = top_delay_ms(run->top);
		loop_set_timer(watch_loop(run->watch), run->timer, run->config.delay_ms);
	}
	redraw_now(run);
	return 0;
}

/*
 * Stops as if SIGTSTP had never been caught. Not by SIGSTOP: the kernel ignores SIGTSTP where no shell could
 * continue us again, and so it should be.
 */
static void stop(void)
{
	struct sigaction keep, plain = { .sa_handler = SIG_DFL };
	sigset_t set;

	sigaction(SIGTSTP, &plain, &keep);	/* curses has its own */
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGTSTP, &keep, NULL);
}

static void take_signal(void *ctx, int signal)
{
	struct run *run = ctx;

	if (!run->top)
		return;
	if (signal == SIGTSTP) {
		top_suspend(run->top);
		stop();
	}
	if (signal == SIGTSTP || signal == SIGCONT)
		top_resume(run->top);
	if (signal == SIGWINCH)
		top_resize(run->top);
	redraw_now(run);
}

static void no_summary(struct run *run)
{
}

static const struct form text_form = { false, KEEP_GONE_NS, print_interval, print_summary };
static const struct form json_form = { false, KEEP_GONE_NS, print_json_interval, print_json_summary };
static const struct form screen_form = { true, KEEP_GONE_SCREEN_NS, draw, no_summary };

static const struct form *choose_form(const struct top_config *config, char **command)
{
	if (config->json)
		return &json_form;
	if (config->batch || command || config->watch.output || !isatty(STDOUT_FILENO))
		return &text_form;
	return &screen_form;
}

/* --- life of a run */

static int open_screen(struct run *run)
{
	struct top_options own = {
		.sort = run->config.sort, .reverse = run->config.reverse, .all = run->config.all,
		.delay_ms = run->config.delay_ms, .utf8 = run->utf8, .filter = run->config.filter,
	};

	model_keep_intervals(run->model, true);
	model_keep_recent(run->model, true);

	run->top = top_open(&own);
	if (!run->top)
		return -ENOMEM;
	take_interval(run);
	return loop_add_fd(watch_loop(run->watch), STDIN_FILENO, take_keys, run);
}

/* Without an interval, a command is watched in one piece. */
static int start(struct run *run)
{
	int err = 0;

	watch_status(run->watch, &run->status);
	model_tick(run->model, run->status.now_ns);
	if (run->config.delay_ms) {
		run->timer = loop_add_timer(watch_loop(run->watch), run->config.delay_ms, take_interval, run);
		err = run->timer < 0 ? run->timer : 0;
	}
	if (!err && run->form->screen)
		err = open_screen(run);
	else if (!err)
		watch_announce(run->watch);
	return err;
}

static int follow(struct run *run, char **command)
{
	const struct watch_calls calls = {
		.sink = {
			.record = feeder_record, .lost = feeder_lost, .lost_unknown = feeder_lost_unknown, .ctx = run->feeder,
		},
		.drained = drained,
		.signal = run->form->screen ? take_signal : NULL,
		.ctx = run,
		.strict_output = run->config.json,
	};
	int status, err;

	/* A screen that stays empty for the seconds that a slow machine needs looks broken. */
	if (run->form->screen)
		say(MSG_ATTACHING);
	run->watch = watch_open(&run->config.watch, &calls, &status);
	if (!run->watch)
		return status;
	err = start(run);
	if (err) {
		top_close(run->top);
		say(MSG_LOOP, strerror(-err));
		watch_close(run->watch);
		return EXIT_FAILED;
	}
	watch_run(run->watch, command);
	top_close(run->top);
	close_interval(run);
	model_settle(run->model, run->status.now_ns);
	run->form->summary(run);
	status = watch_exit_status(run->watch);
	watch_close(run->watch);
	return status;
}

static int prepare_screen(struct run *run)
{
	char message[256];

	if (!run->form->screen || top_possible(message, sizeof(message)))
		return EXIT_DONE;
	say("%s", message);
	return EXIT_FAILED;
}

static int prepare_filter(struct run *run)
{
	char message[256];

	if (!run->config.filter)
		return EXIT_DONE;
	if (run->config.json) {
		say(MSG_FILTER_JSON);
		return EXIT_USAGE;
	}
	if (filter_new(&run->filter, run->config.filter, message, sizeof(message)) == 0)
		return EXIT_DONE;
	say(MSG_NO_MEMORY);	/* what it says was checked when the option was read */
	return EXIT_FAILED;
}

static int prepare_model(struct run *run)
{
	run->feeder = feeder_new(run->utf8, &run->config.limits);
	if (!run->feeder) {
		say(MSG_NO_MEMORY);
		return EXIT_FAILED;
	}
	run->model = feeder_model(run->feeder);
	return EXIT_DONE;
}

/* An exit status. */
static int prepare(struct run *run, char **command)
{
	int status;

	run->form = choose_form(&run->config, command);
	if (!run->config.delay_ms && (!command || run->config.count))
		run->config.delay_ms = DEFAULT_DELAY_MS;
	run->utf8 = terminal_is_utf8();
	status = prepare_filter(run);
	if (status == EXIT_DONE)
		status = prepare_screen(run);
	if (status == EXIT_DONE)
		status = prepare_model(run);
	if (status != EXIT_DONE)
		return status;
	run->out = watch_output(&run->config.watch);
	return run->out ? EXIT_DONE : EXIT_FAILED;
}

static int run_top(const struct command *self, int argc, char **argv)
{
	struct run run = { 0 };
	char **command;
	int status;

	if (watch_parse(self, argc, argv, &run.config, &run.config.watch, &command, &status)) {
		status = prepare(&run, command);
		if (status == EXIT_DONE)
			status = follow(&run, command);
		filter_free(run.filter);
		feeder_free(run.feeder);
	}
	options_clear(self, &run.config);
	return status;
}

const struct command cmd_top = {
	.usage = "[OPTIONS] [interval [count]] [-- COMMAND...]\n"
		 "       " PROGRAM " events [OPTIONS] [-- COMMAND...]     (see " PROGRAM " events --help)\n"
		 "       " PROGRAM " doctor [OPTIONS]                     (see " PROGRAM " doctor --help)\n"
		 "       " PROGRAM " state [OPTIONS]                      (see " PROGRAM " state --help)",
	.help = "Shows what SDEI events cost the guests of this KVM host: a live screen, or text and JSON.",
	.about = "interval is in seconds, count is the number of intervals.\n"
		 "With COMMAND it is run, watched, and summed up when it ends (with an interval: in between, too).\n"
		 "With --json its output goes to standard error. Text and JSON end with a summary, also after ^C.\n"
		 "Exit status: 0 done, 1 failed (or COMMAND did), 2 wrong usage, 4 this kernel lacks the kvm_sdei_*\n"
		 "tracepoints (tracepoints/README.md says how to get them).\n",
	.more_help = help_columns,
	.options = options,
	.operands = operands,
	.run = run_top,
};
