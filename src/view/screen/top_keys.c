/* SPDX-License-Identifier: GPL-2.0-only */
/* The keys of the table, of pages and of the findings. */
#include "view/screen/top_inside.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static enum top_action quit(struct top *top)
{
	return TOP_QUIT;
}

static enum top_action show_help(struct top *top)
{
	top->mode = &top_help_mode;
	top->help_first = 0;
	return TOP_REDRAW;
}

static enum top_action toggle_pause(struct top *top)
{
	top->paused = !top->paused;
	if (!top->paused)
		table_thaw(top->table);
	else if (table_freeze(top->table) < 0)
		top->paused = false;
	return TOP_REDRAW;
}

void top_go(struct top *top, const struct mode *base)
{
	top->mode = top->base = base;
}

int top_set_filter(struct top *top, const char *text)
{
	struct filter *filter;
	int err = filter_new(&filter, text, top->message, sizeof(top->message));

	if (err == -ENOMEM)
		snprintf(top->message, sizeof(top->message), "out of memory");
	if (err)
		return err;
	filter_free(top->filter);
	top->filter = filter;
	snprintf(top->filter_text, sizeof(top->filter_text), "%s", filter ? text : "");
	return 0;
}

static enum top_action accept_filter(struct top *top, const char *text)
{
	if (top_set_filter(top, text) != 0)
		top_ask_again(top);
	return TOP_REDRAW;
}

static enum top_action ask_filter(struct top *top)
{
	static const struct question question = { .label = "Show only (as web p99>500us): ", .accept = accept_filter };

	top_ask(top, &question, top->filter_text);
	return TOP_REDRAW;
}

static enum top_action clear_filter(struct top *top)
{
	return accept_filter(top, "");
}

static enum top_action accept_delay(struct top *top, const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= 0.1 && seconds <= 3600)) {
		snprintf(top->message, sizeof(top->message), "the delay is 0.1 to 3600 seconds");
		top_ask_again(top);
		return TOP_REDRAW;
	}
	top->options.delay_ms = seconds * 1000 + 0.5;
	return TOP_DELAY;
}

static enum top_action ask_delay(struct top *top)
{
	static const struct question question = { .label = "Seconds between updates: ", .accept = accept_delay };

	top_ask(top, &question, "");
	return TOP_REDRAW;
}

void top_sort_by(struct top *top, const struct column *column)
{
	top->options.sort = column;
	top->options.reverse = false;
}

/* To the next shown column on one side; from a hidden one, to the first that has figures. */
static enum top_action move_sort(struct top *top, int step)
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

static enum top_action sort_left(struct top *top)
{
	return move_sort(top, -1);
}

static enum top_action sort_right(struct top *top)
{
	return move_sort(top, 1);
}

static enum top_action reverse(struct top *top)
{
	top->options.reverse = !top->options.reverse;
	return TOP_REDRAW;
}

static enum top_action reset(struct top *top)
{
	heat_clear(top->heat);
	top->refreeze = top->paused;
	top->page_stale = true;
	snprintf(top->message, sizeof(top->message), "figures start anew");
	return TOP_RESET;
}

static enum top_action toggle_all(struct top *top)
{
	top->options.all = !top->options.all;
	snprintf(top->message, sizeof(top->message), "%s", top->options.all ? "all events" : "only events in use");
	return TOP_REDRAW;
}

static enum top_action save(struct top *top)
{
	return TOP_SAVE;
}

static enum top_action redraw_all(struct top *top)
{
	clearok(curscr, TRUE);
	return TOP_REDRAW;
}

static enum top_action shift(struct top *top, long lines)
{
	top->mode->go(top, lines);
	return TOP_REDRAW;
}

static enum top_action up(struct top *top)
{
	return shift(top, -1);
}

static enum top_action down(struct top *top)
{
	return shift(top, 1);
}

static enum top_action page_up(struct top *top)
{
	return shift(top, -(long)top->mode->page(top));
}

static enum top_action page_down(struct top *top)
{
	return shift(top, top->mode->page(top));
}

static enum top_action home(struct top *top)
{
	return shift(top, -INT_MAX);
}

static enum top_action end(struct top *top)
{
	return shift(top, INT_MAX);
}

static enum top_action enter(struct top *top)
{
	top->mode->enter(top);
	return TOP_REDRAW;
}

static enum top_action back(struct top *top)
{
	top->mode->back(top);
	return TOP_REDRAW;
}

static enum top_action show_vms(struct top *top)
{
	top_show_level(top, LEVEL_VM);
	return TOP_REDRAW;
}

static enum top_action show_vcpus(struct top *top)
{
	top_show_level(top, LEVEL_VCPU);
	return TOP_REDRAW;
}

static enum top_action show_events(struct top *top)
{
	top_show_level(top, LEVEL_EVENT);
	return TOP_REDRAW;
}

static enum top_action show_findings(struct top *top)
{
	top_open_findings(top);
	return TOP_REDRAW;
}

/* The same key leads back to the event's page. */
static enum top_action toggle_page(struct top *top, enum page_kind kind)
{
	if (top->mode->where == IN_TABLE)
		top_open_row(top, kind);
	else if (top->page_kind != kind)
		top_open_page(top, top->page_level, &top->page_of, kind);
	else if (top->page_level == LEVEL_EVENT)
		top_open_page(top, LEVEL_EVENT, &top->page_of, PAGE_EVENT);
	return TOP_REDRAW;
}

static enum top_action toggle_map(struct top *top)
{
	return toggle_page(top, PAGE_MAP);
}

static enum top_action toggle_calls(struct top *top)
{
	return toggle_page(top, PAGE_CALLS);
}

static enum top_action toggle_senders(struct top *top)
{
	return toggle_page(top, PAGE_SENDERS);
}

static enum top_action toggle_apf(struct top *top)
{
	return toggle_page(top, PAGE_APF);
}

static enum top_action toggle_recent(struct top *top)
{
	top->recent = !top->recent;
	top->refreeze = top->paused;
	top->page_stale = true;
	snprintf(top->message, sizeof(top->message), "times %s", top->recent ? "of the last interval" : "since the start");
	return TOP_REDRAW;
}

static enum top_action left(struct top *top)
{
	if (top->aside)
		top->aside--;
	return TOP_REDRAW;
}

static enum top_action right(struct top *top)
{
	if (top->place_count && top->places[top->place_count - 1].column != top->last_place && top->hidden > top->aside)
		top->aside++;
	return TOP_REDRAW;
}

static enum top_action play(struct top *top)
{
	return TOP_PLAY;
}

static enum top_action step(struct top *top)
{
	return TOP_STEP;
}

static enum top_action step_back(struct top *top)
{
	return TOP_STEP_BACK;
}

static enum top_action faster(struct top *top)
{
	return TOP_FASTER;
}

static enum top_action slower(struct top *top)
{
	return TOP_SLOWER;
}

static enum top_action to_start(struct top *top)
{
	return TOP_TO_START;
}

static enum top_action to_end(struct top *top)
{
	return TOP_TO_END;
}

static enum top_action next_finding(struct top *top)
{
	return TOP_NEXT_FINDING;
}

static enum top_action previous_finding(struct top *top)
{
	return TOP_PREVIOUS_FINDING;
}

static enum top_action worst(struct top *top)
{
	return TOP_WORST;
}

static const struct key keys[] = {
	{ EVERYWHERE, { 'q', -KEY_F(10) }, "q F10", "Quit", "quit", quit },
	{ EVERYWHERE, { 'h', '?', -KEY_F(1) }, "h ? F1", "Help", "this help", show_help },
	{ EVERYWHERE | ONLY_REPLAY, { ' ' }, "space", "Play", "play and pause; ends a jump that takes long", play },
	{ EVERYWHERE | ONLY_REPLAY, { ']', -KEY_SRIGHT }, "]", "Step", "one interval forward (also Shift-Right)", step },
	{ EVERYWHERE | ONLY_REPLAY, { '[', -KEY_SLEFT }, "[", NULL, "one interval back (also Shift-Left)", step_back },
	{ EVERYWHERE | ONLY_REPLAY, { '+', '=' }, "+ =", NULL, "twice as fast, up to x1024", faster },
	{ EVERYWHERE | ONLY_REPLAY, { '-' }, "-", NULL, "half as fast, down to x1/16", slower },
	{ EVERYWHERE | ONLY_REPLAY, { 'b' }, "b", "Jump", "go to a moment: 1m30s from the start, +10s, -10s, 10:00:05", top_ask_jump },
	{ EVERYWHERE | ONLY_REPLAY, { 'n' }, "n", "Finding", "go to where the next finding came up", next_finding },
	{ EVERYWHERE | ONLY_REPLAY, { 'N' }, "N", NULL, "go to where the finding before came up", previous_finding },
	{ EVERYWHERE | ONLY_REPLAY, { 'w' }, "w", NULL, "go to the worst: the longest wait, or what was stuck for longer", worst },
	{ EVERYWHERE | ONLY_REPLAY, { '{' }, "{", NULL, "to the start", to_start },
	{ EVERYWHERE | ONLY_REPLAY, { '}' }, "}", NULL, "to the end", to_end },
	{ IN_TABLE | IN_FINDINGS, { '\n', '\r', -KEY_ENTER }, "Enter", "Open", "from a VM to its vCPUs, their events, one event",
	  enter },
	{ EVERYWHERE, { ESC, -KEY_BACKSPACE, 127, '\b' }, "Esc", "Back", "back to where Enter came from", back },
	{ EVERYWHERE, { '1' }, "1", "VMs", "one row per VM", show_vms },
	{ EVERYWHERE, { '2' }, "2", "vCPUs", "one row per vCPU", show_vcpus },
	{ EVERYWHERE, { '3' }, "3", "Events", "one row per event of each vCPU, as at the start", show_events },
	{ IN_TABLE | IN_PAGE, { 'F' }, "F", "Findings", "the list of findings", show_findings },
	{ IN_TABLE | IN_PAGE, { 'm' }, "m", "Map", "latencies over time, of the selected row", toggle_map },
	{ IN_TABLE | IN_PAGE, { 'C' }, "C", NULL, "the SDEI calls of the selected row and their results", toggle_calls },
	{ IN_TABLE | IN_PAGE, { 'I' }, "I", NULL, "who interrupts whom: which vCPU signals to which, of the selected row", toggle_senders },
	{ IN_TABLE | IN_PAGE | NAMED_WITH_APF, { 'A' }, "A", "Faults", "the page faults of the selected row: waited for, and asynchronous", toggle_apf },
	{ IN_TABLE, { '/', -KEY_F(3) }, "/ F3", "Search", "go to the next row for which conditions hold, while they are typed", top_ask_search },
	{ IN_TABLE | ONLY_LIVE, { 'n' }, "n", NULL, "the next row of that search (in a replay, / and F3)", top_search_next },
	{ IN_TABLE | ONLY_LIVE, { 'N' }, "N", NULL, "the row of that search before", top_search_previous },
	{ IN_TABLE, { 'f', '\\', -KEY_F(4) }, "f \\ F4", "Filter", "show only some rows: words match name or pid; vm=web* p99>500us", ask_filter },
	{ IN_TABLE, { 'c' }, "c", NULL, "clear the filter", clear_filter },
	{ IN_TABLE, { 'o', -KEY_F(2), -KEY_F(6) }, "o F2 F6", "Columns", "choose columns, their order, and what to sort by", top_choose_columns },
	{ IN_TABLE, { 0 }, "P X S ...", NULL, "sort by the column that has this letter below", NULL },
	{ IN_TABLE, { '<', ',' }, "<", NULL, "sort by the column to the left", sort_left },
	{ IN_TABLE, { '>', '.' }, ">", NULL, "sort by the column to the right", sort_right },
	{ IN_TABLE, { 'R' }, "R", NULL, "sort the other way round", reverse },
	{ IN_TABLE | IN_PAGE, { 't' }, "t", "Times", "times of the last interval, or since the start", toggle_recent },
	{ EVERYWHERE | ONLY_LIVE, { ' ' }, "space", "Pause", "pause and go on; records are taken meanwhile", toggle_pause },
	{ EVERYWHERE, { 's', 'd' }, "s d", "Delay", "set the seconds between updates", ask_delay },
	{ EVERYWHERE, { 'r' }, "r", "Reset", "forget the figures so far", reset },
	{ IN_TABLE, { 'i' }, "i", "Idle", "show or hide events that were never used", toggle_all },
	{ EVERYWHERE, { -KEY_UP, 'k' }, "Up k", NULL, "select the row above; scroll a page", up },
	{ EVERYWHERE, { -KEY_DOWN, 'j' }, "Down j", NULL, "select the row below", down },
	{ EVERYWHERE, { -KEY_PPAGE }, "PgUp", NULL, "one screen up", page_up },
	{ EVERYWHERE, { -KEY_NPAGE }, "PgDn", NULL, "one screen down", page_down },
	{ EVERYWHERE, { -KEY_HOME, 'g' }, "Home g", NULL, "the first row", home },
	{ EVERYWHERE, { -KEY_END, 'G' }, "End G", NULL, "the last row", end },
	{ IN_TABLE, { -KEY_LEFT }, "Left", NULL, "scroll the columns back", left },
	{ IN_TABLE, { -KEY_RIGHT }, "Right", NULL, "scroll to the columns that found no room", right },
	{ EVERYWHERE, { 'W' }, "W", NULL, "save columns, their order, sorting, the delay for next time", save },
	{ EVERYWHERE, { 'L' - '@' }, "^L", NULL, "draw the screen anew", redraw_all },
};

static bool is_there(const struct key *key, bool replay)
{
	return !(key->where & (replay ? ONLY_LIVE : ONLY_REPLAY));
}

const struct key *top_key(size_t n, bool replay)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (is_there(&keys[i], replay) && n-- == 0)
			return &keys[i];
	return NULL;
}

static const struct key *find_key(const struct top *top, int code)
{
	const struct key *key;

	for (size_t i = 0; (key = top_key(i, top->options.replay)); i++)
		for (size_t j = 0; j < 4 && key->codes[j]; j++)
			if (key->codes[j] == code && key->where & top->mode->where)
				return key;
	return NULL;
}

static const struct column *column_of_key(wint_t code)
{
	for (size_t i = 0; i < column_count; i++)
		if (columns[i].key && (wint_t)columns[i].key == code)
			return &columns[i];
	return NULL;
}

enum top_action top_common_key(struct top *top, wint_t code, bool special)
{
	const struct key *key = find_key(top, special ? -(int)code : (int)code);
	const struct column *column = special || top->mode->where != IN_TABLE ? NULL : column_of_key(code);

	if (key)
		return key->act(top);
	if (column)
		top_sort_by(top, column);
	return TOP_REDRAW;
}

static bool is_named(const struct top *top, const struct key *key)
{
	return key->word && (!(key->where & NAMED_WITH_APF) || top->has_apf);
}

static int named_width(const struct key *key)
{
	return strcspn(key->label, " ") + 1 + strlen(key->word);
}

/* Key number *n or a later one that the last line has room for at x; *n behind it. */
static const struct key *next_named(const struct top *top, size_t *n, int x)
{
	const struct key *key;

	while ((key = top_key((*n)++, top->options.replay)))
		if (is_named(top, key) && key->where & top->base->where && x + named_width(key) <= COLS)
			return key;
	return NULL;
}

void top_draw_keys(const struct top *top)
{
	const struct key *key;
	size_t n = 0;
	int x = 0;

	while ((key = next_named(top, &n, x))) {
		int letters = strcspn(key->label, " ");

		top_put_field(LINES - 1, x, key->label, letters, true, top_look(top, PAIR_CHOSEN));
		x = top_put_piece(LINES - 1, x + letters + 1, A_NORMAL, "%s", key->word);
	}
}

enum top_action top_click_key(struct top *top, int x)
{
	const struct key *key;
	size_t n = 0;
	int from = 0;

	for (; (key = next_named(top, &n, from)); from += named_width(key) + 2)
		if (x >= from && x < from + named_width(key))
			return key->act(top);
	return TOP_REDRAW;
}

void top_key_help(FILE *out, bool replay)
{
	const struct key *key;

	for (size_t i = 0; (key = top_key(i, replay)); i++)
		fprintf(out, "  %-12s %s\n", key->label, key->help);
}
