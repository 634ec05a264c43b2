/* SPDX-License-Identifier: GPL-2.0-only */
/* The only file that knows curses (terminfo.c asks about the terminal before). */
#include "top.h"

#include <inttypes.h>
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "columns.h"
#include "crash.h"
#include "escape.h"
#include "format.h"
#include "terminfo.h"

#define HEAD_LINES 3		/* two of status, one of titles */
#define FOOT_LINES 1
#define FOOT_FROM_LINES 7	/* on smaller screens rows are worth more */
#define NAME_MAX_WIDTH 40
#define PLACES_MAX 32
#define ESC 27
#define EMPTY_READS_MAX 10	/* readable without a key again and again: the terminal is gone */

enum { PAIR_TITLE = 1, PAIR_CHOSEN, PAIR_BAD, PAIR_WARN, PAIR_SORT };

struct place {
	const struct column *column;
	unsigned int width;
};

struct mode;

struct prompt {
	const char *label;
	wchar_t text[64];
	size_t length;
	enum top_wish (*accept)(struct top *top, const char *text);
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

/* What the screen is doing: how it is drawn and what keys mean. */
struct mode {
	void (*draw)(struct top *top);
	enum top_wish (*key)(struct top *top, wint_t key, bool special);
};
static const struct mode table_mode, help_mode, sort_mode, prompt_mode;

/* --- attributes */

static attr_t look(const struct top *top, int pair)
{
	static const attr_t plain[] = {
		[PAIR_TITLE] = A_BOLD | A_UNDERLINE, [PAIR_CHOSEN] = A_REVERSE, [PAIR_BAD] = A_BOLD | A_REVERSE,
		[PAIR_WARN] = A_BOLD, [PAIR_SORT] = A_BOLD | A_REVERSE,
	};

	if (!top->color)
		return plain[pair];
	return COLOR_PAIR(pair) | (pair == PAIR_BAD || pair == PAIR_WARN ? A_BOLD : 0);
}

static void prepare_colors(struct top *top)
{
	const char *no_color = getenv("NO_COLOR");

	top->color = !(no_color && *no_color) && has_colors() && start_color() == OK;
	if (!top->color)
		return;
	use_default_colors();
	init_pair(PAIR_TITLE, COLOR_BLACK, COLOR_GREEN);
	init_pair(PAIR_CHOSEN, COLOR_BLACK, COLOR_CYAN);
	init_pair(PAIR_BAD, COLOR_RED, -1);
	init_pair(PAIR_WARN, COLOR_YELLOW, -1);
	init_pair(PAIR_SORT, COLOR_BLACK, COLOR_CYAN);
}

/* --- drawing: pieces */

/* Text at (y, x), cut and padded to width columns. */
static void put_field(int y, int x, const char *text, unsigned int width, bool left, attr_t look)
{
	unsigned int used;
	size_t bytes = text_cut(text, width, &used);

	attrset(look);
	mvhline(y, x, ' ' | look, width);
	mvaddnstr(y, left ? x : x + (int)(width - used), text, bytes);
	attrset(A_NORMAL);
}

/* A piece of a status line, if there is room for it; where the next one starts. */
__attribute__((format(printf, 4, 5)))
static int put_piece(int y, int x, attr_t look, const char *format, ...)
{
	char text[300];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (x + (int)text_width(text) > COLS)
		return x;
	attrset(look);
	mvaddstr(y, x, text);
	attrset(A_NORMAL);
	return x + text_width(text) + 2;
}

static void draw_first_line(const struct top *top)
{
	const struct model_totals *totals = &top->totals;
	char clock[FORMAT_SIZE];
	int x = put_piece(0, 0, A_BOLD, "sdeitop on %.24s", top->status.host);

	x = put_piece(0, x, A_NORMAL, "%s", format_clock(clock, sizeof(clock), top->status.wall_ns));
	x = put_piece(0, x, A_NORMAL, "%zu VM%s", totals->vms, totals->vms == 1 ? "" : "s");
	x = put_piece(0, x, A_NORMAL, "%zu vCPU%s", totals->vcpus, totals->vcpus == 1 ? "" : "s");
	if (top->paused)
		x = put_piece(0, x, look(top, PAIR_WARN), "PAUSED");
	if (*top->filter)
		x = put_piece(0, x, look(top, PAIR_WARN), "filter: %s", top->filter);
	put_piece(0, x, A_NORMAL, "every %gs", top->status.delay_ns / 1e9);
}

static const char *direction(const struct top *top)
{
	const struct column *sort = top->options.sort;
	bool falling = (sort && sort->falling) != top->options.reverse;

	if (top->options.utf8)
		return falling ? "\u2193" : "\u2191";
	return falling ? " desc" : " asc";
}

static void draw_second_line(const struct top *top)
{
	const struct model_totals *totals = &top->totals;
	const struct view_status *status = &top->status;
	double rate = totals->interval_ns ? totals->interval_records * 1e9 / totals->interval_ns : 0;
	bool few = status->probes_attached < status->probes_total;
	int x = put_piece(1, 0, A_NORMAL, "%8.1f events/s", rate);

	x = put_piece(1, x, totals->lost ? look(top, PAIR_BAD) : A_NORMAL, "LOST %" PRIu64, totals->lost);
	x = put_piece(1, x, few ? look(top, PAIR_WARN) : A_NORMAL, "probes %u/%u", status->probes_attached,
		      status->probes_total);
	if (status->cpu_percent >= 0)
		x = put_piece(1, x, A_NORMAL, "CPU %4.1f%%", status->cpu_percent);
	x = put_piece(1, x, A_NORMAL, "by %s%s", top->options.sort ? top->options.sort->id : "vm", direction(top));
	if (top->hidden)
		put_piece(1, x, A_NORMAL, "+%zu columns", top->hidden);
}

/* --- the table: which columns, how wide */

static unsigned int total_width(const struct top *top)
{
	unsigned int width = top->place_count ? top->place_count - 1 : 0;

	for (size_t i = 0; i < top->place_count; i++)
		width += top->places[i].width;
	return width;
}

static void drop_least(struct top *top)
{
	size_t least = 0;

	for (size_t i = 1; i < top->place_count; i++)
		if (top->places[i].column->rank > top->places[least].column->rank)
			least = i;
	top->place_count--;
	memmove(&top->places[least], &top->places[least + 1], (top->place_count - least) * sizeof(top->places[0]));
	top->hidden++;
}

static unsigned int natural_width(const struct top *top, const struct column *column)
{
	return column->unit == UNIT_ID ? table_width(top->table, column) : column->width;
}

static void gather_places(struct top *top)
{
	size_t aside = top->aside;

	top->place_count = 0;
	top->hidden = 0;
	for (size_t i = 0; i < column_count && top->place_count < PLACES_MAX; i++) {
		const struct column *column = &columns[i];

		if (column->rare && !table_has(top->table, column))
			continue;
		if (!column->fixed && aside) {
			aside--;
			top->hidden++;
			continue;
		}
		top->places[top->place_count++] = (struct place){ column, natural_width(top, column) };
	}
}

/* What room is left goes to the names. */
static void widen_names(struct top *top)
{
	unsigned int spare = COLS - total_width(top);

	for (size_t i = 0; i < top->place_count; i++) {
		struct place *place = &top->places[i];
		unsigned int wanted;

		if (!place->column->flexible)
			continue;
		wanted = table_width(top->table, place->column);
		if (wanted > NAME_MAX_WIDTH)
			wanted = NAME_MAX_WIDTH;
		if (wanted > place->width + spare)
			wanted = place->width + spare;
		place->width = wanted > place->width ? wanted : place->width;
	}
}

static void lay_out(struct top *top)
{
	gather_places(top);
	while (top->place_count > 1 && total_width(top) > (unsigned int)COLS)
		drop_least(top);
	if (total_width(top) < (unsigned int)COLS)
		widen_names(top);
}

/* --- the table: rows */

static bool has_foot(const struct top *top)
{
	return LINES >= FOOT_FROM_LINES || *top->message;
}

static size_t visible_rows(const struct top *top)
{
	int taken = HEAD_LINES + (has_foot(top) ? FOOT_LINES : 0);

	return LINES > taken ? LINES - taken : 1;
}

/* The selection is a row's identity; where that is now, and that it can be seen. */
static void find_selection(struct top *top)
{
	size_t count = table_count(top->table), visible = visible_rows(top);
	size_t row = top->following ? table_find(top->table, &top->chosen) : 0;

	if (row < count)
		top->row = row;
	else if (top->row >= count)
		top->row = count ? count - 1 : 0;
	if (top->following && count)
		top->chosen = *table_id(top->table, top->row);
	if (top->first + visible > count)
		top->first = count > visible ? count - visible : 0;
	if (top->row < top->first)
		top->first = top->row;
	if (top->row >= top->first + visible)
		top->first = top->row - visible + 1;
}

static void draw_titles(const struct top *top)
{
	int x = 0;

	attrset(look(top, PAIR_TITLE));
	mvhline(HEAD_LINES - 1, 0, ' ' | look(top, PAIR_TITLE), COLS);
	for (size_t i = 0; i < top->place_count; i++) {
		const struct place *place = &top->places[i];
		int pair = place->column == top->options.sort ? PAIR_SORT : PAIR_TITLE;

		put_field(HEAD_LINES - 1, x, place->column->title, place->width, place->column->left, look(top, pair));
		x += place->width + 1;
	}
}

/* What is 0 or unknown steps back, so that the eye finds what is not. */
static attr_t quiet_look(const struct column *column)
{
	return column->fixed ? A_NORMAL : A_DIM;
}

static attr_t cell_look(const struct top *top, size_t row, const struct column *column, const struct cell *cell)
{
	if (row == top->row)
		return look(top, PAIR_CHOSEN);
	if (table_gone(top->table, row))
		return A_DIM;
	if (column->rare)
		return look(top, PAIR_WARN);
	return cell->kind == CELL_NUMBER && cell->number != 0 ? A_NORMAL : quiet_look(column);
}

static void draw_row(const struct top *top, size_t row, int y)
{
	int x = 0;

	if (row == top->row)
		mvhline(y, 0, ' ' | look(top, PAIR_CHOSEN), COLS);
	for (size_t i = 0; i < top->place_count; i++) {
		const struct place *place = &top->places[i];
		struct cell cell = table_cell(top->table, row, place->column);
		char buf[FORMAT_SIZE];
		const char *text = column_format(place->column, &cell, table_scope(top->table), place->width, buf, sizeof(buf));

		put_field(y, x, text, place->width, place->column->left, cell_look(top, row, place->column, &cell));
		x += place->width + 1;
	}
}

static void draw_nothing(const struct top *top)
{
	static const char *const waiting[] = {
		"No SDEI event or call so far.",
		"A VM appears with its first one, or when it is created.",
	};

	if (*top->filter) {
		mvaddnstr(HEAD_LINES + 1, 2, "No VM matches the filter (c clears it).", COLS - 2);
		return;
	}
	for (int i = 0; i < 2; i++)
		mvaddnstr(HEAD_LINES + 1 + i, 2, waiting[i], COLS - 2);
}

static void draw_keys(const struct top *top);

static void draw_foot(const struct top *top)
{
	if (*top->message)
		put_field(LINES - 1, 0, top->message, COLS, true, look(top, PAIR_WARN));
	else if (has_foot(top))
		draw_keys(top);
}

static void draw_body(const struct top *top)
{
	size_t count = table_count(top->table), visible = visible_rows(top);

	draw_titles(top);
	for (size_t i = 0; i < visible && top->first + i < count; i++)
		draw_row(top, top->first + i, HEAD_LINES + i);
	if (!count)
		draw_nothing(top);
}

static void draw_table(struct top *top)
{
	lay_out(top);
	draw_first_line(top);
	draw_second_line(top);
	draw_body(top);
	draw_foot(top);
}

/* --- keys of the table */

static enum top_wish quit(struct top *top)
{
	return TOP_QUIT;
}

static enum top_wish show_help(struct top *top)
{
	top->mode = &help_mode;
	top->help_first = 0;
	return TOP_REDRAW;
}

static enum top_wish toggle_pause(struct top *top)
{
	top->paused = !top->paused;
	if (!top->paused)
		table_thaw(top->table);
	else if (table_freeze(top->table) < 0)
		top->paused = false;
	return TOP_REDRAW;
}

static void ask(struct top *top, const char *label, enum top_wish (*accept)(struct top *, const char *))
{
	top->prompt.label = label;
	top->prompt.accept = accept;
	top->prompt.length = 0;
	top->mode = &prompt_mode;
}

static enum top_wish accept_filter(struct top *top, const char *text)
{
	char why[96];

	if (table_filter(top->table, text, why, sizeof(why)) < 0)
		snprintf(top->message, sizeof(top->message), "not a regular expression: %s", why);
	else
		snprintf(top->filter, sizeof(top->filter), "%s", text);
	return TOP_REDRAW;
}

static enum top_wish ask_filter(struct top *top)
{
	ask(top, "Show only VMs whose name or pid matches: ", accept_filter);
	return TOP_REDRAW;
}

static enum top_wish clear_filter(struct top *top)
{
	return accept_filter(top, "");
}

static enum top_wish accept_delay(struct top *top, const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= 0.1 && seconds <= 3600)) {
		snprintf(top->message, sizeof(top->message), "the delay is 0.1 to 3600 seconds");
		return TOP_REDRAW;
	}
	top->options.delay_ms = seconds * 1000 + 0.5;
	return TOP_DELAY;
}

static enum top_wish ask_delay(struct top *top)
{
	ask(top, "Seconds between updates: ", accept_delay);
	return TOP_REDRAW;
}

static enum top_wish choose_sort(struct top *top)
{
	top->mode = &sort_mode;
	top->sort_row = top->options.sort ? top->options.sort - columns : 0;
	return TOP_REDRAW;
}

static void sort_by(struct top *top, const struct column *column)
{
	top->options.sort = column;
	top->options.reverse = false;
}

/* To the next shown column on one side; from a hidden one, to the first that has figures. */
static enum top_wish move_sort(struct top *top, int step)
{
	size_t at = 0;

	while (at < top->place_count && top->places[at].column != top->options.sort)
		at++;
	if (at == top->place_count)
		at = 0;
	else if (step < 0 ? at > 0 : at + 1 < top->place_count)
		at += step;
	if (top->place_count)
		sort_by(top, top->places[at].column);
	return TOP_REDRAW;
}

static enum top_wish sort_left(struct top *top)
{
	return move_sort(top, -1);
}

static enum top_wish sort_right(struct top *top)
{
	return move_sort(top, 1);
}

static enum top_wish reverse(struct top *top)
{
	top->options.reverse = !top->options.reverse;
	return TOP_REDRAW;
}

static enum top_wish reset(struct top *top)
{
	snprintf(top->message, sizeof(top->message), "figures start anew");
	return TOP_RESET;
}

static enum top_wish toggle_all(struct top *top)
{
	top->options.all = !top->options.all;
	snprintf(top->message, sizeof(top->message), "%s", top->options.all ? "all events" : "only events in use");
	return TOP_REDRAW;
}

static enum top_wish redraw_all(struct top *top)
{
	clearok(curscr, TRUE);
	return TOP_REDRAW;
}

/* Moves the selection; the first row is not followed, so that what comes first stays in view. */
static enum top_wish move_to(struct top *top, long row)
{
	long last = (long)table_count(top->table) - 1;

	row = row > last ? last : row;
	top->row = row < 0 ? 0 : row;
	top->following = row > 0;
	if (top->following)
		top->chosen = *table_id(top->table, top->row);
	return TOP_REDRAW;
}

static enum top_wish up(struct top *top)
{
	return move_to(top, (long)top->row - 1);
}

static enum top_wish down(struct top *top)
{
	return move_to(top, (long)top->row + 1);
}

static enum top_wish page_up(struct top *top)
{
	return move_to(top, (long)top->row - (long)visible_rows(top));
}

static enum top_wish page_down(struct top *top)
{
	return move_to(top, (long)top->row + (long)visible_rows(top));
}

static enum top_wish home(struct top *top)
{
	return move_to(top, 0);
}

static enum top_wish end(struct top *top)
{
	return move_to(top, (long)table_count(top->table) - 1);
}

static enum top_wish left(struct top *top)
{
	if (top->aside)
		top->aside--;
	return TOP_REDRAW;
}

static enum top_wish right(struct top *top)
{
	if (top->place_count && top->places[top->place_count - 1].column != &columns[column_count - 1] && top->hidden > top->aside)
		top->aside++;
	return TOP_REDRAW;
}

/* codes: characters, and KEY_* as negative numbers so that they are none. */
static const struct key {
	int codes[4];
	const char *label;
	const char *word;	/* for the last line; NULL: not there */
	const char *help;
	enum top_wish (*act)(struct top *top);
} keys[] = {
	{ { 'q' }, "q", "Quit", "quit", quit },
	{ { 'h', '?', -KEY_F(1) }, "h ?", "Help", "this help", show_help },
	{ { ' ' }, "space", "Pause", "pause and go on; records are taken meanwhile", toggle_pause },
	{ { 'f', '/' }, "f /", "Filter", "show only VMs whose name or pid matches", ask_filter },
	{ { 'c' }, "c", NULL, "clear the filter", clear_filter },
	{ { 'o' }, "o", "Sort", "choose the column to sort by", choose_sort },
	{ { '<', ',' }, "<", NULL, "sort by the column to the left", sort_left },
	{ { '>', '.' }, ">", NULL, "sort by the column to the right", sort_right },
	{ { 'R' }, "R", NULL, "sort the other way round", reverse },
	{ { 's', 'd' }, "s d", "Delay", "set the seconds between updates", ask_delay },
	{ { 'r' }, "r", "Reset", "forget the figures so far", reset },
	{ { 'i' }, "i", "Idle", "show or hide events that were never used", toggle_all },
	{ { -KEY_UP, 'k' }, "Up k", NULL, "select the row above", up },
	{ { -KEY_DOWN, 'j' }, "Down j", NULL, "select the row below", down },
	{ { -KEY_PPAGE }, "PgUp", NULL, "one screen up", page_up },
	{ { -KEY_NPAGE }, "PgDn", NULL, "one screen down", page_down },
	{ { -KEY_HOME, 'g' }, "Home g", NULL, "the first row", home },
	{ { -KEY_END, 'G' }, "End G", NULL, "the last row", end },
	{ { -KEY_LEFT }, "Left", NULL, "scroll the columns back", left },
	{ { -KEY_RIGHT }, "Right", NULL, "scroll to the columns that found no room", right },
	{ { 'L' - '@' }, "^L", NULL, "draw the screen anew", redraw_all },
};
#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

static const struct key *find_key(int code)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		for (size_t j = 0; j < 4 && keys[i].codes[j]; j++)
			if (keys[i].codes[j] == code)
				return &keys[i];
	return NULL;
}

static enum top_wish table_key(struct top *top, wint_t code, bool special)
{
	const struct key *key = find_key(special ? -(int)code : (int)code);

	return key ? key->act(top) : TOP_REDRAW;
}

static void draw_keys(const struct top *top)
{
	int x = 0;

	for (size_t i = 0; i < KEY_COUNT; i++) {
		int letters = strcspn(keys[i].label, " ");

		if (!keys[i].word || x + letters + 1 + (int)strlen(keys[i].word) > COLS)
			continue;
		put_field(LINES - 1, x, keys[i].label, letters, true, look(top, PAIR_CHOSEN));
		x = put_piece(LINES - 1, x + letters + 1, A_NORMAL, "%s", keys[i].word);
	}
}

void top_key_help(FILE *out)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		fprintf(out, "  %-12s %s\n", keys[i].label, keys[i].help);
}

/* --- help */

/* Line n of the help, or NULL behind its end. */
static const char *help_line(size_t n, char *buf, size_t size)
{
	if (n == 0)
		return "Keys";
	n--;
	if (n < KEY_COUNT) {
		snprintf(buf, size, "  %-12s %s", keys[n].label, keys[n].help);
		return buf;
	}
	n -= KEY_COUNT;
	if (n < 2)
		return n ? "Columns (us are microseconds; times since the start or since r, rates of the last interval)" : "";
	n -= 2;
	if (n >= column_count)
		return NULL;
	snprintf(buf, size, "  %-12s %s", columns[n].title, columns[n].help);
	return buf;
}

static void draw_help(struct top *top)
{
	char buf[160];

	for (int y = 0; y < LINES - 1; y++) {
		const char *line = help_line(top->help_first + y, buf, sizeof(buf));

		if (!line)
			break;
		attrset(*line && *line != ' ' ? A_BOLD : A_NORMAL);
		mvaddnstr(y, 0, line, text_cut(line, COLS, NULL));
	}
	put_field(LINES - 1, 0, "Up and Down scroll, any other key returns", COLS, true, look(top, PAIR_TITLE));
}

static enum top_wish help_key(struct top *top, wint_t key, bool special)
{
	size_t count = 1 + KEY_COUNT + 2 + column_count, page = LINES > 1 ? LINES - 1 : 1;
	size_t last = count > page ? count - page : 0;

	if (special && (key == KEY_DOWN || key == KEY_NPAGE))
		top->help_first += key == KEY_DOWN ? 1 : page;
	else if (special && (key == KEY_UP || key == KEY_PPAGE))
		top->help_first -= key == KEY_UP ? !!top->help_first : top->help_first < page ? top->help_first : page;
	else
		top->mode = &table_mode;
	if (top->help_first > last)
		top->help_first = last;
	return TOP_REDRAW;
}

/* --- the choice of the sort column */

static void draw_sort(struct top *top)
{
	size_t page = LINES > 3 ? LINES - 3 : 1;
	size_t first = top->sort_row < page ? 0 : top->sort_row - page + 1;

	put_field(0, 0, "Sort by", COLS, true, A_BOLD);
	for (size_t i = 0; i < page && first + i < column_count; i++) {
		const struct column *column = &columns[first + i];
		char line[160];

		snprintf(line, sizeof(line), "  %-12s %s", column->title, column->help);
		put_field(1 + i, 0, line, COLS, true, first + i == top->sort_row ? look(top, PAIR_CHOSEN) : A_NORMAL);
	}
	put_field(LINES - 1, 0, "Up, Down choose, Enter sorts, Esc returns", COLS, true, look(top, PAIR_TITLE));
}

static bool is_enter(wint_t key, bool special)
{
	return special ? key == KEY_ENTER : key == '\n' || key == '\r';
}

static enum top_wish sort_key(struct top *top, wint_t key, bool special)
{
	if (special && key == KEY_UP)
		top->sort_row -= top->sort_row > 0;
	else if (special && key == KEY_DOWN)
		top->sort_row += top->sort_row + 1 < column_count;
	else if (is_enter(key, special))
		sort_by(top, &columns[top->sort_row]);
	if (!special && (is_enter(key, special) || key == ESC || key == 'q' || key == 'o'))
		top->mode = &table_mode;
	return TOP_REDRAW;
}

/* --- a line that is typed */

static void draw_prompt(struct top *top)
{
	const struct prompt *prompt = &top->prompt;
	unsigned int width;

	draw_table(top);
	put_field(LINES - 1, 0, prompt->label, COLS, true, A_BOLD);
	width = text_width(prompt->label);
	if ((int)width < COLS)
		mvaddnwstr(LINES - 1, width, prompt->text, prompt->length);
	addch('_' | A_BLINK);
}

static enum top_wish accept_prompt(struct top *top)
{
	char text[sizeof(top->prompt.text)];
	size_t length;

	top->prompt.text[top->prompt.length] = L'\0';
	length = wcstombs(text, top->prompt.text, sizeof(text));
	if (length >= sizeof(text))
		return TOP_REDRAW;
	return top->prompt.accept(top, text);
}

static enum top_wish prompt_key(struct top *top, wint_t key, bool special)
{
	struct prompt *prompt = &top->prompt;
	bool rubout = special ? key == KEY_BACKSPACE : key == 127 || key == '\b';

	if (is_enter(key, special)) {
		top->mode = &table_mode;
		return accept_prompt(top);
	}
	if (rubout)
		prompt->length -= prompt->length > 0;
	else if (!special && key == ESC)
		top->mode = &table_mode;
	else if (!special && key == 'U' - '@')
		prompt->length = 0;
	else if (!special && key >= ' ' && prompt->length + 1 < sizeof(prompt->text) / sizeof(prompt->text[0]))
		prompt->text[prompt->length++] = key;
	return TOP_REDRAW;
}

static const struct mode table_mode = { draw_table, table_key };
static const struct mode help_mode = { draw_help, help_key };
static const struct mode sort_mode = { draw_sort, sort_key };
static const struct mode prompt_mode = { draw_prompt, prompt_key };

/* --- the terminal */

bool top_possible(char *message, size_t size)
{
	if (isatty(STDIN_FILENO))
		return terminfo_possible(message, size);
	snprintf(message, size, "the live screen needs a terminal for its keys, and standard input is none; try -b for text");
	return false;
}

static void arm(void)
{
	char leave[256];

	terminfo_leave(leave, sizeof(leave));
	crash_arm(leave);
}

static void prepare_terminal(struct top *top)
{
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	prepare_colors(top);
	arm();
}

struct top *top_open(const struct top_options *options)
{
	struct top *top = calloc(1, sizeof(*top));

	if (!top)
		return NULL;
	top->options = *options;
	if (!top->options.sort)
		top->options.sort = column_find("max");
	top->mode = &table_mode;
	top->table = table_new();
	crash_save_modes();
	top->screen = top->table ? newterm(NULL, stdout, stdin) : NULL;
	if (!top->screen) {
		table_free(top->table);
		free(top);
		return NULL;
	}
	prepare_terminal(top);
	return top;
}

void top_close(struct top *top)
{
	if (!top)
		return;
	endwin();
	crash_disarm();
	delscreen(top->screen);
	table_free(top->table);
	free(top);
}

void top_suspend(struct top *top)
{
	endwin();
}

void top_resume(struct top *top)
{
	reset_prog_mode();
	clearok(curscr, TRUE);
	top_resize(top);
}

void top_resize(struct top *top)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col)
		resizeterm(size.ws_row, size.ws_col);
}

uint64_t top_delay_ms(const struct top *top)
{
	return top->options.delay_ms;
}

/* --- what the command calls */

enum top_wish top_keys(struct top *top)
{
	enum top_wish wish = TOP_REDRAW;
	bool any = false;
	wint_t key;
	int kind;

	while (wish == TOP_REDRAW && (kind = get_wch(&key)) != ERR) {
		any = true;
		top->message[0] = '\0';
		wish = top->mode->key(top, key, kind == KEY_CODE_YES);
	}
	top->empty_reads = any ? 0 : top->empty_reads + 1;
	return top->empty_reads > EMPTY_READS_MAX ? TOP_QUIT : wish;
}

static void take_figures(struct top *top, const struct model *m, const struct view_status *status)
{
	struct view_scope scope = { .now_ns = status->now_ns, .interval_ns = model_totals(m)->interval_ns };
	struct table_options own = {
		.sort = top->options.sort, .reverse = top->options.reverse, .all = top->options.all, .gone = true,
	};

	if (!top->paused) {
		top->status = *status;
		top->totals = *model_totals(m);
	}
	if (table_build(top->table, m, &scope, &own) < 0)
		snprintf(top->message, sizeof(top->message), "out of memory");
}

void top_draw(struct top *top, const struct model *m, const struct view_status *status)
{
	take_figures(top, m, status);
	find_selection(top);
	erase();
	top->mode->draw(top);
	refresh();
}
