/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the live command and the replay have in common: how a model is shown, interval by interval, as a screen, as
 * text or as JSON lines.
 */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "view/figures/columns.h"
#include "view/screen/top.h"
#include "session/limit_options.h"
#include "util/sandbox.h"

struct show_config {
	bool batch, json, all, reverse, no_mouse;
	uint64_t delay_ms, count;
	const struct column *sort;
	const char *filter;
	struct finding_limits limits;
};

extern const struct option_type option_column;	/* const struct column * */
extern const struct option_type option_filter;	/* const char *, see filter.h */

/* Rows for a command's option table; its config has a struct show_config called show. */
#define SHOW_OPTION(config, key, name, value, type, field, help) \
	{ key, name, value, &option_##type, offsetof(struct config, show.field), help }
#define SHOW_OPTIONS(config)									\
	SHOW_OPTION(config, 'b', "batch", NULL, flag, batch, "text instead of the screen (as when output is not a terminal)"), \
	SHOW_OPTION(config, 'j', "json", NULL, flag, json, "one JSON object per interval and line, then a summary"), \
	SHOW_OPTION(config, 'd', "delay", "SECONDS", seconds, delay_ms, "the interval; 1 unless given"), \
	SHOW_OPTION(config, 'n', "count", "COUNT", count, count, "end after so many intervals"), \
	SHOW_OPTION(config, 's', "sort", "COLUMN", column, sort, "sort by this column"),	\
	SHOW_OPTION(config, 'r', "reverse", NULL, flag, reverse, "the other way round"),	\
	SHOW_OPTION(config, 'a', "all", NULL, flag, all, "also events that were never used"),	\
	SHOW_OPTION(config, 'f', "filter", "CONDITIONS", filter, filter,			\
		    "only rows for which all hold: 'vm=web* p99>500us state=P'"),		\
	SHOW_OPTION(config, 0, "no-mouse", NULL, flag, no_mouse, "leave the mouse to the terminal, which then selects text without Shift"), \
	LIMIT_OPTIONS(config, show.limits)

#define SHOW_DELAY_MS 1000	/* unless set, by an option or by the user's set-up of the screen */

/* A part of that help by itself. */
struct show_topic {
	const char *name, *brief, *title;
	void (*put)(FILE *out, bool replay);
	const char *in_replay;	/* the title of what a replay has instead; NULL: the same */
};

extern const struct show_topic show_topics[];	/* the last one has name NULL */

/* With its title, and then what a replay has instead. */
void show_topic(const struct show_topic *topic, FILE *out);

/* For more_help: the columns, the conditions and the keys. */
void show_help(FILE *out, bool replay);

struct show;

/*
 * text: never a screen. config stays in use; its delay is where a screen begins. NULL: the error has been reported, and
 * *status is the exit status.
 */
struct show *show_new(const struct show_config *config, bool text, bool replay, int *status);
void show_free(struct show *s);		/* NULL is fine; gives the terminal back */

bool show_is_screen(const struct show *s);
bool show_is_utf8(const struct show *s);	/* for feeder_new() */

/* How long what is gone stays in the model. */
uint64_t show_keep_gone_ns(const struct show *s);

/* The interval where no option says: SHOW_DELAY_MS, or as the user has set the screen up. */
uint64_t show_delay_ms(const struct show *s);

/* What a screen needs from within a sandbox. */
void show_allow(const struct show *s, struct sandbox *sandbox);

/* Saves the set-up of the screen; its last line says where, or why not. */
void show_save(struct show *s);

/* What the model has to keep. */
void show_prepare_model(const struct show *s, struct model *m);

/* Where text and JSON go, standard output unless set. */
void show_set_output(struct show *s, FILE *out);

/* Takes the terminal over, if it is a screen. 0 or -ENOMEM. */
int show_open(struct show *s);

/* Gives it back for good. */
void show_close(struct show *s);

/* NULL unless it is a screen and open. */
struct top *show_top(struct show *s);

/* The interval that was closed last: drawn, or printed. 0 or -ENOMEM. */
int show_interval(struct show *s, const struct model *m, const struct status *status);

/* Nothing was recorded for length_ns up to now: one line for all these intervals; nothing on a screen. */
void show_stretch(struct show *s, const struct status *status, uint64_t length_ns);

/* Of all, at the end; nothing on a screen. 0 or -ENOMEM. */
int show_summary(struct show *s, const struct model *m, const struct status *status);

/* SIGTSTP, SIGCONT, SIGWINCH; then the screen should be drawn. */
void show_take_signal(struct show *s, int signal);

#endif
