/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/show.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/setup_file.h"
#include "view/figures/filter.h"
#include "view/figures/json.h"
#include "view/figures/text.h"
#include "util/log.h"
#include "view/screen/terminal.h"
#include "util/clock.h"

#define KEEP_GONE_SCREEN_NS (10 * NS_PER_SEC)
#define KEEP_GONE_NS (3600 * NS_PER_SEC)	/* for the summary; a host that churns VMs must not fill memory */

/* --- options */

static int set_column(void *field, const char *value)
{
	const struct column *column = column_find(value);

	*(const struct column **)field = column;
	return column ? 0 : -EINVAL;
}

static const char *column_value(size_t n)
{
	return n < column_count ? columns[n].id : NULL;
}

const struct option_type option_column = {
	.set = set_column, .value = column_value, .expects = "the name of a column; --help lists them",
};

static int read_filter(const char *value, char *message, size_t size)
{
	struct filter *filter;
	int err = filter_new(&filter, value, message, size);

	filter_free(filter);
	return err;
}

static int set_filter(void *field, const char *value)
{
	char message[128];

	*(const char **)field = value;
	return read_filter(value, message, sizeof(message));
}

static void explain_filter(const char *value, char *message, size_t size)
{
	read_filter(value, message, size);
}

const struct option_type option_filter = { .set = set_filter, .value = column_value, .explain = explain_filter };

static void put_columns(FILE *out, bool replay)
{
	text_column_help(out);
}

static void put_conditions(FILE *out, bool replay)
{
	text_filter_help(out);
}

const struct show_topic show_topics[] = {
	{ "columns", "the columns of the table",
	  "Columns (times in us, since the start or since r was pressed; rates of the last interval):", put_columns, NULL },
	{ "filter", "the conditions of --filter and of the screen",
	  "Conditions (of --filter, and of the keys f and /; all must hold; columns by name or title; case is ignored):", put_conditions, NULL },
	{ "keys", "the keys of the screen, and of a replay", "Keys of the screen:", top_key_help, "Keys of a replay:" },
	{ 0 },
};

void show_topic(const struct show_topic *topic, FILE *out)
{
	fprintf(out, "%s\n", topic->title);
	topic->put(out, false);
	if (topic->in_replay) {
		fprintf(out, "\n%s\n", topic->in_replay);
		topic->put(out, true);
	}
}

void show_help(FILE *out, bool replay)
{
	for (const struct show_topic *topic = show_topics; topic->name; topic++) {
		fprintf(out, "\n%s\n", topic->title);
		topic->put(out, replay);
	}
}

/* --- forms */

struct show {
	const struct show_config *config;
	const struct form *form;
	bool replay, utf8;
	FILE *out;
	struct filter *filter;
	struct top *top;
	struct setup setup;	/* as saved, of a screen */
	char setup_message[200];
};

struct form {
	bool screen;
	uint64_t keep_gone_ns;
	int (*interval)(struct show *s, const struct model *m, const struct status *status);
	int (*summary)(struct show *s, const struct model *m, const struct status *status);
	void (*stretch)(FILE *out, const struct status *status, uint64_t length_ns);
};

static struct table_options text_options(const struct show *s)
{
	return (struct table_options){
		.sort = s->config->sort, .reverse = s->config->reverse, .all = s->config->all, .filter = s->filter,
	};
}

static int print_interval(struct show *s, const struct model *m, const struct status *status)
{
	struct table_options own = text_options(s);

	return text_interval(s->out, m, status, &own);
}

static int print_summary(struct show *s, const struct model *m, const struct status *status)
{
	struct table_options own = text_options(s);

	return text_summary(s->out, m, status, &own);
}

static int print_json_interval(struct show *s, const struct model *m, const struct status *status)
{
	json_interval(s->out, m, status);
	return 0;
}

static int print_json_summary(struct show *s, const struct model *m, const struct status *status)
{
	json_summary(s->out, m, status);
	return 0;
}

static int draw(struct show *s, const struct model *m, const struct status *status)
{
	top_draw(s->top, m, status);
	return 0;
}

static int no_summary(struct show *s, const struct model *m, const struct status *status)
{
	return 0;
}

static const struct form text_form = { false, KEEP_GONE_NS, print_interval, print_summary, text_stretch };
static const struct form json_form = { false, KEEP_GONE_NS, print_json_interval, print_json_summary, json_stretch };
static const struct form screen_form = { true, KEEP_GONE_SCREEN_NS, draw, no_summary, NULL };

static const struct form *choose_form(const struct show_config *config, bool text)
{
	if (config->json)
		return &json_form;
	if (config->batch || text || !isatty(STDOUT_FILENO))
		return &text_form;
	return &screen_form;
}

int show_interval(struct show *s, const struct model *m, const struct status *status)
{
	return s->form->interval(s, m, status);
}

void show_stretch(struct show *s, const struct status *status, uint64_t length_ns)
{
	if (s->form->stretch)
		s->form->stretch(s->out, status, length_ns);
}

int show_summary(struct show *s, const struct model *m, const struct status *status)
{
	return s->form->summary(s, m, status);
}

/* --- the screen */

void show_prepare_model(const struct show *s, struct model *m)
{
	model_keep_intervals(m, s->form->screen);
	model_keep_recent(m, s->form->screen);
}

int show_open(struct show *s)
{
	const struct show_config *config = s->config;
	struct top_options own = {
		.sort = config->sort ?: s->setup.sort, .reverse = config->sort || config->reverse ? config->reverse : s->setup.reverse,
		.all = config->all, .setup = &s->setup, .no_mouse = config->no_mouse || s->setup.no_mouse,
		.delay_ms = s->config->delay_ms, .utf8 = s->utf8, .filter = s->config->filter, .replay = s->replay,
	};

	if (!s->form->screen)
		return 0;
	s->top = top_open(&own);
	if (s->top && *s->setup_message)
		top_say(s->top, "%s", s->setup_message);
	return s->top ? 0 : -ENOMEM;
}

void show_close(struct show *s)
{
	top_close(s->top);
	s->top = NULL;
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

void show_take_signal(struct show *s, int signal)
{
	if (signal == SIGTSTP) {
		top_suspend(s->top);
		stop();
	}
	if (signal == SIGTSTP || signal == SIGCONT)
		top_resume(s->top);
	if (signal == SIGWINCH)
		top_resize(s->top);
}

/* --- life */

uint64_t show_delay_ms(const struct show *s)
{
	return s->setup.delay_ms ? s->setup.delay_ms : SHOW_DELAY_MS;
}

void show_allow(const struct show *s, struct sandbox *sandbox)
{
	if (s->form->screen)
		setup_file_allow(sandbox);
}

void show_save(struct show *s)
{
	char message[200];

	top_setup(s->top, &s->setup);
	setup_file_write(&s->setup, message, sizeof(message));
	top_say(s->top, "%s", message);
}

static int prepare_screen(struct show *s)
{
	char message[256];

	if (!s->form->screen)
		return EXIT_DONE;
	if (top_possible(message, sizeof(message))) {
		setup_file_read(&s->setup, s->setup_message, sizeof(s->setup_message));
		return EXIT_DONE;
	}
	say("%s", message);
	return EXIT_FAILED;
}

static int prepare_filter(struct show *s)
{
	char message[256];

	if (!s->config->filter)
		return EXIT_DONE;
	if (filter_new(&s->filter, s->config->filter, message, sizeof(message)) == 0)
		return EXIT_DONE;
	say(MSG_NO_MEMORY);	/* what it says was checked when the option was read */
	return EXIT_FAILED;
}

static int prepare(struct show *s)
{
	int status = prepare_filter(s);

	return status == EXIT_DONE ? prepare_screen(s) : status;
}

struct show *show_new(const struct show_config *config, bool text, bool replay, int *status)
{
	struct show *s = calloc(1, sizeof(*s));

	*status = EXIT_FAILED;
	if (!s) {
		say(MSG_NO_MEMORY);
		return NULL;
	}
	*s = (struct show){
		.config = config, .form = choose_form(config, text), .replay = replay, .utf8 = terminal_is_utf8(), .out = stdout,
	};
	*status = prepare(s);
	if (*status == EXIT_DONE)
		return s;
	show_free(s);
	return NULL;
}

void show_free(struct show *s)
{
	if (!s)
		return;
	show_close(s);
	filter_free(s->filter);
	free(s);
}

bool show_is_screen(const struct show *s)
{
	return s->form->screen;
}

bool show_is_utf8(const struct show *s)
{
	return s->utf8;
}

uint64_t show_keep_gone_ns(const struct show *s)
{
	return s->form->keep_gone_ns;
}

void show_set_output(struct show *s, FILE *out)
{
	s->out = out;
}

struct top *show_top(struct show *s)
{
	return s->top;
}
