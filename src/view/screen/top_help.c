/* SPDX-License-Identifier: GPL-2.0-only */
#include "view/screen/top_inside.h"

#include <limits.h>

#include "util/text.h"

/* A part of the help: a title, and lines; false behind the last. */
struct part {
	const char *title;
	bool (*line)(const struct top *top, size_t n, char *buf, size_t size);
};

static bool key_line(const struct top *top, size_t n, char *buf, size_t size)
{
	const struct key *key = top_key(n, top->options.replay);

	if (key)
		snprintf(buf, size, "  %-12s %s", key->label, key->help);
	return key != NULL;
}

static bool column_line(const struct top *top, size_t n, char *buf, size_t size)
{
	if (n >= column_count)
		return false;
	snprintf(buf, size, "%c %-12s %s", columns[n].key ?: ' ', columns[n].title, columns[n].help);
	return true;
}

static bool filter_line(const struct top *top, size_t n, char *buf, size_t size)
{
	if (n >= filter_example_count)
		return false;
	snprintf(buf, size, "  %-18s %s", filter_examples[n].text, filter_examples[n].meaning);
	return true;
}

static const struct part parts[] = {
	{ "Keys", key_line },
	{ "Conditions (all must hold; columns by name or title; case is ignored)", filter_line },
	{ "Columns, with the letter that sorts by them (us are microseconds; times since the start or since r, rates of the last interval)", column_line },
};

#define PART_COUNT (sizeof(parts) / sizeof(parts[0]))

/* Line n of the help in buf; its attribute, or -1 behind the end. */
static int help_line(const struct top *top, size_t n, char *buf, size_t size)
{
	for (size_t i = 0; i < PART_COUNT; i++) {
		size_t lines = 0;

		if (n == 0) {
			snprintf(buf, size, "%s", parts[i].title);
			return A_BOLD;
		}
		for (n--; parts[i].line(top, lines, buf, size); lines++)
			if (n-- == 0)
				return A_NORMAL;
		*buf = '\0';
		if (n-- == 0 && i + 1 < PART_COUNT)
			return A_NORMAL;
	}
	return -1;
}

static size_t count_lines(const struct top *top)
{
	char buf[160];
	size_t count = 0;

	while (help_line(top, count, buf, sizeof(buf)) >= 0)
		count++;
	return count;
}

static size_t help_page(void)
{
	return LINES > 1 ? LINES - 1 : 1;
}

static void draw_help(struct top *top)
{
	size_t count = count_lines(top), below = count - top->help_first;
	char buf[160], foot[100];

	for (size_t y = 0; y < help_page() && top->help_first + y < count; y++) {
		attrset(help_line(top, top->help_first + y, buf, sizeof(buf)));
		mvaddnstr(y, 0, buf, text_cut(buf, COLS, NULL));
	}
	below -= below < help_page() ? below : help_page();
	if (below)
		snprintf(foot, sizeof(foot), "%zu more line%s below: Up, Down, PgUp, PgDn, Home, End; any other key returns", below,
			 below == 1 ? "" : "s");
	else
		snprintf(foot, sizeof(foot), "The end. Up, PgUp and Home go back; any other key returns");
	top_put_field(LINES - 1, 0, foot, COLS, true, top_look(top, PAIR_TITLE));
}

/* Lines to scroll; 0: no key for that. */
static long help_step(wint_t key)
{
	switch (key) {
	case KEY_DOWN:
		return 1;
	case KEY_UP:
		return -1;
	case KEY_NPAGE:
		return help_page();
	case KEY_PPAGE:
		return -(long)help_page();
	case KEY_END:
		return INT_MAX;
	case KEY_HOME:
		return -INT_MAX;
	default:
		return 0;
	}
}

static void scroll_help(struct top *top, long lines)
{
	long last = (long)count_lines(top) - (long)help_page(), first = (long)top->help_first + lines;

	first = first > last ? last : first;
	top->help_first = first < 0 ? 0 : first;
}

static enum top_action help_key(struct top *top, wint_t key, bool special)
{
	long step = special ? help_step(key) : 0;

	if (step)
		scroll_help(top, step);
	else
		top->mode = top->base;
	return TOP_REDRAW;
}

const struct mode top_help_mode = { .draw = draw_help, .key = help_key, .go = scroll_help };
