/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of the live screen. Only top*.c include it, and with it curses.
 *   top.c         the terminal, and what the command calls
 *   top_input.c   the next key
 *   top_mouse.c   the mouse
 *   top_draw.c    colours, pieces of text, the status lines
 *   top_table.c   the table
 *   top_keys.c    what its keys do
 *   top_page.c    the page of one event or vCPU, its heat map, its calls, who signals to it, its asynchronous page faults
 *   top_findings.c the list of findings
 *   top_replay.c  where in a recording it is, and the keys for that
 *   top_help.c    the help
 *   top_columns.c the choice of columns and of what to sort by
 *   top_search.c  the search
 *   top_prompt.c  a line that is typed
 */
#ifndef VIEW_SCREEN_TOP_INSIDE_H
#define VIEW_SCREEN_TOP_INSIDE_H

#include "view/screen/top.h"

#include <ncurses.h>
#include <wchar.h>

#include "view/figures/columns.h"
#include "view/screen/heat.h"
#include "view/figures/page.h"
#include "view/figures/why.h"

#define HEAD_LINES 3		/* two of status, one of titles; see top_head_lines() */
#define BAR_FROM_LINES 16	/* a replay has one more: how far it is */
#define FOOT_LINES 1
#define FOOT_FROM_LINES 7	/* on smaller screens rows are worth more */
#define PLACES_MAX 48
#define ESC 27
#define ESC_WAIT_MS 25	/* what follows an Esc later is another key */

enum { PAIR_TITLE = 1, PAIR_CHOSEN, PAIR_BAD, PAIR_WARN, PAIR_SORT, PAIR_PAGE };	/* PAIR_PAGE + enum page_look */

/* A column on the screen. */
struct place {
	const struct column *column;
	unsigned int width;
};

enum { IN_TABLE = 1, IN_PAGE = 2, IN_FINDINGS = 4, EVERYWHERE = 7, ONLY_LIVE = 8, ONLY_REPLAY = 16,
       NAMED_WITH_APF = 32	/* in the last line once there was an asynchronous page fault */ };

/* What a page shows of a row: all about the event, the heat map, the calls, who signals, the asynchronous page faults. */
enum page_kind { PAGE_EVENT, PAGE_MAP, PAGE_CALLS, PAGE_SENDERS, PAGE_APF };

/* What the screen is doing: how it is drawn and what keys mean. */
struct mode {
	void (*draw)(struct top *top);
	enum top_action (*key)(struct top *top, wint_t key, bool special);
	/* Of those with the keys of top_keys.c: */
	unsigned int where;
	void (*go)(struct top *top, long lines);	/* the selection, or what is seen */
	size_t (*page)(const struct top *top);		/* lines of a screen */
	void (*enter)(struct top *top);
	void (*back)(struct top *top);
	void (*click)(struct top *top, int y, int x);	/* NULL: there is nothing to click on */
};
extern const struct mode top_table_mode, top_page_mode, top_findings_mode, top_help_mode, top_columns_mode, top_prompt_mode;

typedef enum top_action (*top_accept_t)(struct top *top, const char *text);

/* What a line is typed for. */
struct question {
	const char *label;
	top_accept_t accept;
	/* May be NULL: */
	void (*typed)(struct top *top, const char *text);	/* so far */
	void (*special)(struct top *top, wint_t key);	/* KEY_… that the line has no use for */
	void (*cancel)(struct top *top);
};

struct prompt {
	const struct question *question;
	wchar_t text[256];
	size_t length;
};

struct search {
	struct filter *filter;		/* NULL: none so far */
	char text[FILTER_LENGTH_MAX + 1];
	struct row_id from;		/* what was selected before, as in struct top */
	bool following;
	size_t row;
};

/* Which rows the table shows. */
struct station {
	enum view_level level;
	enum view_level within;		/* as in struct table_options */
	struct row_id of;
	char name[64];			/* of its VM, as shown */
	struct row_id chosen;		/* where the user left it */
	bool following;
};
#define STATIONS_MAX 4

/* A finding as it is shown, whatever the model does meanwhile. */
struct found {
	struct model_finding finding;
	char name[64];
};

struct top {
	SCREEN *screen;
	const struct model *model;	/* during top_draw(), else NULL */
	const struct model *newest;	/* of the last one */
	struct top_options options;
	struct table *table;
	struct status status;	/* as shown; kept while paused */
	struct model_totals totals;
	struct finding_counts findings;
	size_t gone_vms;		/* that still have rows */
	bool has_apf;
	const struct mode *mode;
	const struct mode *base;	/* what help and prompts return to */
	bool paused, refreeze;		/* refreeze: take the figures of now, once */
	bool recent;			/* histograms of the last interval */
	bool color;

	struct row_id chosen;		/* the selected row, while it is followed */
	bool following;
	size_t row, first;		/* selected and uppermost row */

	struct station at, stations[STATIONS_MAX];
	size_t depth;

	struct heat *heat;
	struct page page;
	bool page_stale;		/* to be made even while paused */
	size_t page_first;
	enum page_kind page_kind;
	enum view_level page_level;
	struct row_id page_of;
	char page_name[64];
	const struct mode *page_back;

	struct found *found;
	size_t found_count, found_row, found_first;
	struct model_finding sought;	/* to be selected when they are taken */
	bool seek;

	struct place places[PLACES_MAX];
	size_t place_count;
	const struct column *last_place;	/* that would be there, had it room */
	size_t aside;			/* columns scrolled out to the left */
	size_t hidden;			/* columns that found no room */

	size_t help_first;
	struct setup setup;		/* of it, the columns are in use */
	size_t setup_row;
	struct search search;
	struct prompt prompt;
	char filter_text[FILTER_LENGTH_MAX + 1];
	char jump_text[64];
	struct filter *filter;
	char message[128];		/* until the next key */
	unsigned int empty_reads;
};

/* --- top.c */

/* Arranges the table as it would be drawn now. */
void top_rearrange(struct top *top);

/* --- top_input.c */

enum input { INPUT_NOTHING, INPUT_UNKNOWN, INPUT_CHARACTER, INPUT_SPECIAL };

/* UNKNOWN: a key that means nothing, all of what the terminal sent for it. SPECIAL: *key is KEY_… of curses. Does not wait for a key. */
enum input top_read_key(wint_t *key);

/* --- top_mouse.c */

void top_prepare_mouse(bool wanted);
enum top_action top_take_mouse(struct top *top);

/* --- top_draw.c */

attr_t top_look(const struct top *top, int pair);
attr_t top_page_look(const struct top *top, enum page_look look);
void top_prepare_colors(struct top *top);

/* Text at (y, x), cut and padded to width columns. */
void top_put_field(int y, int x, const char *text, unsigned int width, bool left, attr_t look);

/* A piece of a status line, if there is room for it; where the next one starts. */
__attribute__((format(printf, 4, 5))) int top_put_piece(int y, int x, attr_t look, const char *format, ...);

/* The status lines; then, in a replay where there is room, how far it is. */
void top_draw_head(const struct top *top);
int top_head_lines(const struct top *top);	/* with that of titles */
void top_draw_foot(const struct top *top);
bool top_has_foot(const struct top *top);

/* --- top_table.c */

/* The selection is a row's identity; where that is now, and that it can be seen. */
void top_find_selection(struct top *top);

void top_select_row(struct top *top, size_t row);

/* A page of the selected row. */
void top_open_row(struct top *top, enum page_kind kind);

/* To the rows of a level, all of them. */
void top_show_level(struct top *top, enum view_level level);

/* "VM 1201 web > vCPU 1", the shown name in name; "" at the top. */
const char *top_crumbs(enum view_level within, const struct row_id *of, const char *name, char *buf, size_t size);

/* --- top_page.c */

/* The page of a row of that level; event rows without an event are about their vCPU. */
void top_open_page(struct top *top, enum view_level level, const struct row_id *of, enum page_kind kind);

/* --- top_findings.c */

void top_open_findings(struct top *top);
void top_close_findings(struct top *top);

/* --- top_replay.c */

/* A piece of the first line; where the next one starts. */
int top_put_position(const struct top *top, int x);
void top_draw_bar(const struct top *top, int y);
enum top_action top_ask_jump(struct top *top);

/* --- top_keys.c */

/* codes: characters, and KEY_* as negative numbers so that they are none. */
struct key {
	unsigned int where;
	int codes[4];
	const char *label;
	const char *word;	/* for the last line; NULL: not there */
	const char *help;
	enum top_action (*act)(struct top *top);
};

/* Number n of the keys that there are; NULL behind the last. */
const struct key *top_key(size_t n, bool replay);

void top_draw_keys(const struct top *top);
void top_sort_by(struct top *top, const struct column *column);
enum top_action top_click_key(struct top *top, int x);	/* in the last line */
enum top_action top_common_key(struct top *top, wint_t code, bool special);

/* NULL, "" clear it. -EINVAL: top->message says why. */
int top_set_filter(struct top *top, const char *text);
void top_go(struct top *top, const struct mode *base);

/* --- top_columns.c */

enum top_action top_choose_columns(struct top *top);

/* --- top_search.c */

enum top_action top_ask_search(struct top *top);

/* The last search goes on; without one it is asked for. */
enum top_action top_search_next(struct top *top);
enum top_action top_search_previous(struct top *top);

/* --- top_prompt.c */

/* A line that begins as text. question stays in use. */
void top_ask(struct top *top, const struct question *question, const char *text);

/* From accept: the line is not right, and top->message says why. */
void top_ask_again(struct top *top);

#endif
