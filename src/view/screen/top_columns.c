/* SPDX-License-Identifier: GPL-2.0-only */
/* The choice of columns: which are shown, in which order, and what the rows are sorted by. */
#include "view/screen/top_inside.h"

#include <string.h>

static struct setup_column *chosen_row(struct top *top)
{
	return &top->setup.columns[top->setup_row];
}

static size_t visible_columns(const struct top *top)
{
	return LINES > 3 ? LINES - 2 : 1;
}

static size_t first_column(const struct top *top)
{
	size_t page = visible_columns(top);

	return top->setup_row < page ? 0 : top->setup_row - page + 1;
}

static bool is_placed(const struct top *top, const struct column *column)
{
	for (size_t i = 0; i < top->place_count; i++)
		if (top->places[i].column == column)
			return true;
	return false;
}

/* Until the user chooses, those are shown that have room. */
static bool is_shown(const struct top *top, const struct setup_column *row)
{
	return top->setup.chosen ? row->shown : row->column->rare || is_placed(top, row->column);
}

/* What was shown for its room is from now on shown by choice. */
static void choose(struct top *top)
{
	for (size_t i = 0; i < column_count; i++)
		top->setup.columns[i].shown = is_shown(top, &top->setup.columns[i]);
	top->setup.chosen = true;
	top->aside = 0;
}

enum top_action top_choose_columns(struct top *top)
{
	top->mode = &top_columns_mode;
	top->setup_row = 0;
	while (top->setup_row + 1 < column_count && chosen_row(top)->column != top->options.sort)
		top->setup_row++;
	return TOP_REDRAW;
}

static void draw_columns(struct top *top)
{
	size_t page = visible_columns(top), first = first_column(top);
	char line[200];

	snprintf(line, sizeof(line), "Columns, from left to right; sorted by %s", top->options.sort->title);
	top_put_field(0, 0, line, COLS, true, A_BOLD);
	for (size_t i = 0; i < page && first + i < column_count; i++) {
		const struct setup_column *row = &top->setup.columns[first + i];

		snprintf(line, sizeof(line), "[%c] %c %-7s %s", is_shown(top, row) ? 'x' : ' ', row->column->key ?: ' ',
			 row->column->title, row->column->help);
		top_put_field(1 + i, 0, line, COLS, true, first + i == top->setup_row ? top_look(top, PAIR_CHOSEN) : A_NORMAL);
	}
	top_put_field(LINES - 1, 0, "Enter sorts  Space shows, hides  + - move  d default  W save  Esc back", COLS, true,
		      top_look(top, PAIR_TITLE));
}

static void move_row(struct top *top, long lines)
{
	long row = (long)top->setup_row + lines, last = (long)column_count - 1;

	row = row > last ? last : row;
	top->setup_row = row < 0 ? 0 : row;
}

static void click_row(struct top *top, int y, int x)
{
	size_t row = first_column(top) + y - 1;

	if (y >= 1 && y < LINES - 1 && row < column_count)
		top->setup_row = row;
}

/* One at least stays. */
static void toggle(struct top *top)
{
	size_t shown = 0;

	choose(top);
	for (size_t i = 0; i < column_count; i++)
		shown += top->setup.columns[i].shown;
	if (shown > 1 || !chosen_row(top)->shown)
		chosen_row(top)->shown = !chosen_row(top)->shown;
}

static void move_column(struct top *top, int step)
{
	struct setup_column *row = chosen_row(top), moved = *row;

	if (step < 0 ? top->setup_row == 0 : top->setup_row + 1 == column_count)
		return;
	choose(top);
	moved = *row;
	*row = row[step];
	row[step] = moved;
	top->setup_row += step;
}

static void reset_columns(struct top *top)
{
	struct setup usual;

	setup_init(&usual);
	memcpy(top->setup.columns, usual.columns, sizeof(usual.columns));
	top->setup.chosen = false;
	top->aside = 0;
}

static void sort_here(struct top *top)
{
	top_sort_by(top, chosen_row(top)->column);
	top->mode = top->base;
}

static void take_special(struct top *top, wint_t key)
{
	switch (key) {
	case KEY_UP: move_row(top, -1); break;
	case KEY_DOWN: move_row(top, 1); break;
	case KEY_PPAGE: move_row(top, -(long)visible_columns(top)); break;
	case KEY_NPAGE: move_row(top, visible_columns(top)); break;
	case KEY_HOME: top->setup_row = 0; break;
	case KEY_END: top->setup_row = column_count - 1; break;
	case KEY_F(7): move_column(top, -1); break;
	case KEY_F(8): move_column(top, 1); break;
	case KEY_ENTER: sort_here(top); break;
	case KEY_F(2): case KEY_F(6): case KEY_F(10): top->mode = top->base; break;
	}
}

static enum top_action columns_key(struct top *top, wint_t key, bool special)
{
	if (special) {
		take_special(top, key);
		return TOP_REDRAW;
	}
	switch (key) {
	case ' ': toggle(top); break;
	case '-': move_column(top, -1); break;
	case '+': move_column(top, 1); break;
	case 'd': reset_columns(top); break;
	case 'W': return TOP_SAVE;
	case '\n': case '\r': sort_here(top); break;
	case ESC: case 'q': case 'o': top->mode = top->base; break;
	}
	return TOP_REDRAW;
}

const struct mode top_columns_mode = { .draw = draw_columns, .key = columns_key, .go = move_row, .click = click_row };
