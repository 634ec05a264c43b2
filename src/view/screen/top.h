/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The live screen. It shows a model through a view state of its own (sorting,
 * filter, selection by identity, pause) and never changes the model: what it
 * wants done it says.
 */
#ifndef VIEW_SCREEN_TOP_H
#define VIEW_SCREEN_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "model/model.h"
#include "session/status.h"
#include "view/figures/table.h"
#include "view/screen/setup.h"

struct top_options {
	const struct column *sort;	/* NULL: the worst latency first */
	bool reverse, all;
	uint64_t delay_ms;
	const char *filter;		/* see filter.h; NULL: none */
	bool utf8;			/* the locale is; else everything is ASCII */
	const struct setup *setup;	/* its columns; NULL: as usual */
	bool no_mouse;
	bool replay;			/* of a recording: it has the keys for that, and shows view_status.replay */
};

/* What the user wants that is not the screen's to do. After each of them it should be drawn. */
enum top_action {
	TOP_REDRAW,
	TOP_QUIT,
	TOP_RESET,	/* model_reset() */
	TOP_DELAY,	/* top_delay_ms() has changed */
	TOP_SAVE,	/* top_setup() is to be saved */
	/* In a replay: */
	TOP_PLAY,	/* or pause, or end a jump */
	TOP_STEP, TOP_STEP_BACK, TOP_FASTER, TOP_SLOWER, TOP_TO_START, TOP_TO_END, TOP_NEXT_FINDING, TOP_PREVIOUS_FINDING, TOP_WORST,
	TOP_JUMP,	/* to top_jump_text() */
};

struct top;

/* Whether this terminal can show it; if not, message says why and what else there is. */
bool top_possible(char *message, size_t size);

/* Takes the terminal over; given back by top_close(), and when the program crashes. NULL: no memory or no terminal. */
struct top *top_open(const struct top_options *options);
void top_close(struct top *top);	/* NULL is fine */

/* Acts on all keys that have been typed; to be called when standard input is readable. */
enum top_action top_keys(struct top *top);

/*
 * The model should keep intervals and recent records, and must stay until the next call or top_close(). Paused,
 * it shows what it showed.
 */
void top_draw(struct top *top, const struct model *m, const struct status *status);

/*
 * In a replay, where not every interval is drawn: takes the interval that the model has closed for the map over time.
 * top_forget() drops what was taken.
 */
void top_take(struct top *top, const struct model *m);
void top_forget(struct top *top);

/* In the last line, until the next key. */
__attribute__((format(printf, 2, 3))) void top_say(struct top *top, const char *format, ...);

/* Opens the list of findings with this one selected. */
void top_select_finding(struct top *top, const struct model_finding *finding);

/* Opens the page of that event, or of its vCPU if it has none; name: of its VM, as shown. */
void top_show_event(struct top *top, const struct row_id *of, const char *name);

const char *top_jump_text(const struct top *top);

/* Gives the terminal back before a stop, and takes it again. */
void top_suspend(struct top *top);
void top_resume(struct top *top);

/* The terminal has another size. */
void top_resize(struct top *top);

uint64_t top_delay_ms(const struct top *top);

/* How the user has set it up. */
void top_setup(const struct top *top, struct setup *setup);

/* Keys and their meaning, for --help. */
void top_key_help(FILE *out, bool replay);

#endif
