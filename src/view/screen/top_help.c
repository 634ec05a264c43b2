/* SPDX-License-Identifier: GPL-2.0-only */
#include "view/screen/top_inside.h"

#include "util/text.h"

static size_t count_keys(const struct top *top)
{
	size_t count = 0;

	while (top_key(count, top->options.replay))
		count++;
	return count;
}

/* Line n of the help, or NULL behind its end. */
static const char *help_line(const struct top *top, size_t n, char *buf, size_t size)
{
	const struct key *key;

	if (n == 0)
		return "Keys";
	n--;
	key = top_key(n, top->options.replay);
	if (key) {
		snprintf(buf, size, "  %-12s %s", key->label, key->help);
		return buf;
	}
	n -= count_keys(top);
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
		const char *line = help_line(top, top->help_first + y, buf, sizeof(buf));

		if (!line)
			break;
		attrset(*line && *line != ' ' ? A_BOLD : A_NORMAL);
		mvaddnstr(y, 0, line, text_cut(line, COLS, NULL));
	}
	top_put_field(LINES - 1, 0, "Up and Down scroll, any other key returns", COLS, true, top_look(top, PAIR_TITLE));
}

static enum top_action help_key(struct top *top, wint_t key, bool special)
{
	size_t count = 1 + count_keys(top) + 2 + column_count, page = LINES > 1 ? LINES - 1 : 1;
	size_t last = count > page ? count - page : 0;

	if (special && (key == KEY_DOWN || key == KEY_NPAGE))
		top->help_first += key == KEY_DOWN ? 1 : page;
	else if (special && (key == KEY_UP || key == KEY_PPAGE))
		top->help_first -= key == KEY_UP ? !!top->help_first : top->help_first < page ? top->help_first : page;
	else
		top->mode = top->base;
	if (top->help_first > last)
		top->help_first = last;
	return TOP_REDRAW;
}

const struct mode top_help_mode = { .draw = draw_help, .key = help_key };
