/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of the live screen. Only top*.c include it, and with it curses.
 *   top.c         the terminal, and what the command calls
 *   top_draw.c    colours, pieces of text, the status lines
 *   top_table.c   the table
 *   top_keys.c    what its keys do
 *   top_help.c    the help
 *   top_prompt.c  the choice of the sort column, a line that is typed
 */
#ifndef VIEW_TOP_INSIDE_H
#define VIEW_TOP_INSIDE_H

#include "top.h"

#include <ncurses.h>
#include <wchar.h>

#include "columns.h"

#define HEAD_LINES 3		/* two of status, one of titles */
#define FOOT_LINES 1
#define FOOT_FROM_LINES 7	/* on smaller screens rows are worth more */
#define PLACES_MAX 48
#define ESC 27

enum { PAIR_TITLE = 1, PAIR_CHOSEN, PAIR_BAD, PAIR_WARN, PAIR_SORT };

/* A column on the screen. */
struct place {
	const struct column *column;
	unsigned int width;
};

/* What the screen is doing: how it is drawn and what keys mean. */
struct mode {
	void (*draw)(struct top *top);
	enum top_wish (*key)(struct top *top, wint_t key, bool special);
};
extern const struct mode top_table_mode, top_help_mode, top_sort_mode, top_prompt_mode;

typedef enum top_wish (*top_accept_t)(struct top *top, const char *text);

struct prompt {
	const char *label;
	wchar_t text[256];
	size_t length;
	top_accept_t accept;
};

struct top {
	SCREEN *screen;
	struct top_options options;
	struct table *table;
	struct view_status status;	/* as shown; kept while paused */
	struct model_totals totals;
	const struct mode *mode;
	bool paused;
	bool color;

	struct row_id chosen;		/* the selected row, while it is followed */
	bool following;
	size_t row, first;		/* selected and uppermost row */

	struct place places[PLACES_MAX];
	size_t place_count;
	size_t aside;			/* columns scrolled out to the left */
	size_t hidden;			/* columns that found no room */

	size_t help_first;
	size_t sort_row;
	struct prompt prompt;
	char filter[256];
	char message[128];		/* until the next key */
	unsigned int empty_reads;
};

/* --- top_draw.c */

attr_t top_look(const struct top *top, int pair);
void top_prepare_colors(struct top *top);

/* Text at (y, x), cut and padded to width columns. */
void top_put_field(int y, int x, const char *text, unsigned int width, bool left, attr_t look);

/* A piece of a status line, if there is room for it; where the next one starts. */
__attribute__((format(printf, 4, 5))) int top_put_piece(int y, int x, attr_t look, const char *format, ...);

void top_draw_first_line(const struct top *top);
void top_draw_second_line(const struct top *top);

/* --- top_table.c */

void top_draw_table(struct top *top);
size_t top_visible_rows(const struct top *top);

/* The selection is a row's identity; where that is now, and that it can be seen. */
void top_find_selection(struct top *top);

/* --- top_keys.c */

/* codes: characters, and KEY_* as negative numbers so that they are none. */
struct key {
	int codes[4];
	const char *label;
	const char *word;	/* for the last line; NULL: not there */
	const char *help;
	enum top_wish (*act)(struct top *top);
};
extern const struct key top_key_table[];
extern const size_t top_key_count;

void top_draw_keys(const struct top *top);
void top_sort_by(struct top *top, const struct column *column);

/* --- top_prompt.c */

void top_ask(struct top *top, const char *label, top_accept_t accept);
bool top_is_enter(wint_t key, bool special);

#endif
