/* SPDX-License-Identifier: GPL-2.0-only */
/* The keys of the table. */
#include "top_inside.h"

#include <stdlib.h>
#include <string.h>

static enum top_wish quit(struct top *top)
{
	return TOP_QUIT;
}

static enum top_wish show_help(struct top *top)
{
	top->mode = &top_help_mode;
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
	top_ask(top, "Show only VMs whose name or pid matches: ", accept_filter);
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
	top_ask(top, "Seconds between updates: ", accept_delay);
	return TOP_REDRAW;
}

static enum top_wish choose_sort(struct top *top)
{
	top->mode = &top_sort_mode;
	top->sort_row = top->options.sort ? top->options.sort - columns : 0;
	return TOP_REDRAW;
}

void top_sort_by(struct top *top, const struct column *column)
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
		top_sort_by(top, top->places[at].column);
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
	return move_to(top, (long)top->row - (long)top_visible_rows(top));
}

static enum top_wish page_down(struct top *top)
{
	return move_to(top, (long)top->row + (long)top_visible_rows(top));
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

const struct key top_key_table[] = {
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
const size_t top_key_count = sizeof(top_key_table) / sizeof(top_key_table[0]);

static const struct key *find_key(int code)
{
	for (size_t i = 0; i < top_key_count; i++)
		for (size_t j = 0; j < 4 && top_key_table[i].codes[j]; j++)
			if (top_key_table[i].codes[j] == code)
				return &top_key_table[i];
	return NULL;
}

static enum top_wish table_key(struct top *top, wint_t code, bool special)
{
	const struct key *key = find_key(special ? -(int)code : (int)code);

	return key ? key->act(top) : TOP_REDRAW;
}

void top_draw_keys(const struct top *top)
{
	int x = 0;

	for (size_t i = 0; i < top_key_count; i++) {
		int letters = strcspn(top_key_table[i].label, " ");

		if (!top_key_table[i].word || x + letters + 1 + (int)strlen(top_key_table[i].word) > COLS)
			continue;
		top_put_field(LINES - 1, x, top_key_table[i].label, letters, true, top_look(top, PAIR_CHOSEN));
		x = top_put_piece(LINES - 1, x + letters + 1, A_NORMAL, "%s", top_key_table[i].word);
	}
}

void top_key_help(FILE *out)
{
	for (size_t i = 0; i < top_key_count; i++)
		fprintf(out, "  %-12s %s\n", top_key_table[i].label, top_key_table[i].help);
}

const struct mode top_table_mode = { top_draw_table, table_key };
