/* SPDX-License-Identifier: GPL-2.0-only */
/* The search: it goes to rows that a filter would let pass, while its conditions are typed. */
#include "view/screen/top_inside.h"

/* The next row on one side of from, around the ends and from itself last, that matches; table_count(): none. */
static size_t next_match(const struct top *top, size_t from, int step)
{
	size_t count = table_count(top->table), row = from;

	for (size_t i = 0; i < count; i++) {
		row = (row + count + step) % count;
		if (table_matches(top->table, row, top->search.filter))
			return row;
	}
	return count;
}

static void go_to_match(struct top *top, size_t from, int step)
{
	size_t count = table_count(top->table), row = count ? next_match(top, from, step) : 0;

	if (row < count)
		top_select_row(top, row);
	else
		top_say(top, "nothing matches '%s'", top->search.text);
}

static void go_on(struct top *top, int step)
{
	top_rearrange(top);
	go_to_match(top, top->row, step);
}

/* Where the search began. */
static void go_back(struct top *top)
{
	top->following = top->search.following;
	top->chosen = top->search.from;
	top->row = top->search.row;
}

/* False: it is no filter, and message says why. An empty one leaves the last. */
static bool set_search(struct top *top, const char *text, char *message, size_t size)
{
	struct filter *filter;

	if (filter_new(&filter, text, message, size) != 0)
		return false;
	if (!filter)
		return true;
	filter_free(top->search.filter);
	top->search.filter = filter;
	snprintf(top->search.text, sizeof(top->search.text), "%s", text);
	return true;
}

/* What is typed may become a filter yet. */
static void typed(struct top *top, const char *text)
{
	char message[sizeof(top->message)];

	go_back(top);
	if (!set_search(top, text, message, sizeof(message)) || !*text || !top->search.filter)
		return;
	top_rearrange(top);
	go_to_match(top, top->row + table_count(top->table) - 1, 1);
}

static enum top_action accept(struct top *top, const char *text)
{
	if (!set_search(top, text, top->message, sizeof(top->message)))
		top_ask_again(top);
	else if (!*text && top->search.filter)
		go_on(top, 1);
	return TOP_REDRAW;
}

static void take_key(struct top *top, wint_t key)
{
	if (top->search.filter && (key == KEY_F(3) || key == KEY_DOWN || key == KEY_UP))
		go_on(top, key == KEY_UP ? -1 : 1);
}

enum top_action top_ask_search(struct top *top)
{
	static const struct question question = {
		.label = "Search (as web p99>500us; F3, Down: next, Up: previous): ", .accept = accept, .typed = typed,
		.special = take_key, .cancel = go_back,
	};

	top->search.following = top->following;
	top->search.from = top->chosen;
	top->search.row = top->row;
	top_ask(top, &question, "");
	return TOP_REDRAW;
}

static enum top_action search_on(struct top *top, int step)
{
	if (!top->search.filter)
		return top_ask_search(top);
	go_on(top, step);
	return TOP_REDRAW;
}

enum top_action top_search_next(struct top *top)
{
	return search_on(top, 1);
}

enum top_action top_search_previous(struct top *top)
{
	return search_on(top, -1);
}
