/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The live screen. It shows a model through a view state of its own (sorting,
 * filter, selection by identity, pause) and never changes the model: what it
 * wants done it says.
 */
#ifndef VIEW_TOP_H
#define VIEW_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../model/model.h"
#include "status.h"
#include "table.h"

struct top_options {
	const struct column *sort;	/* NULL: the worst latency first */
	bool reverse, all;
	uint64_t delay_ms;
	const char *filter;		/* see filter.h; NULL: none */
	bool utf8;			/* the locale is; else everything is ASCII */
};

/* What the user wants that is not the screen's to do. After each of them it should be drawn. */
enum top_wish {
	TOP_REDRAW,
	TOP_QUIT,
	TOP_RESET,	/* model_reset() */
	TOP_DELAY,	/* top_delay_ms() has changed */
};

struct top;

/* Whether this terminal can show it; if not, message says why and what else there is. */
bool top_possible(char *message, size_t size);

/* Takes the terminal over; given back by top_close(), and when the program crashes. NULL: no memory or no terminal. */
struct top *top_open(const struct top_options *options);
void top_close(struct top *top);	/* NULL is fine */

/* Acts on all keys that have been typed; to be called when standard input is readable. */
enum top_wish top_keys(struct top *top);

/*
 * The model should keep intervals and recent records, and must stay until the next call or top_close(). Paused,
 * it shows what it showed.
 */
void top_draw(struct top *top, const struct model *m, const struct view_status *status);

/* Gives the terminal back before a stop, and takes it again. */
void top_suspend(struct top *top);
void top_resume(struct top *top);

/* The terminal has another size. */
void top_resize(struct top *top);

uint64_t top_delay_ms(const struct top *top);

/* Keys and their meaning, for --help. */
void top_key_help(FILE *out);

#endif
