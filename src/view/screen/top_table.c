/* SPDX-License-Identifier: GPL-2.0-only */
/* The table: which columns, how wide, which rows. */
#include "view/screen/top_inside.h"

#include <string.h>

#include "util/text.h"
#include "view/figures/format.h"

#define NAME_MAX_WIDTH 40

/* --- the table: which columns, how wide */

static unsigned int total_width(const struct top *top)
{
	unsigned int width = top->place_count ? top->place_count - 1 : 0;

	for (size_t i = 0; i < top->place_count; i++)
		width += top->places[i].width;
	return width;
}

/* Of the columns that the user has chosen, the last one, else the least. */
static void drop_least(struct top *top)
{
	size_t least = top->setup.chosen ? top->place_count - 1 : 0;

	for (size_t i = 1; i < top->place_count && !top->setup.chosen; i++)
		if (top->places[i].column->rank > top->places[least].column->rank)
			least = i;
	top->place_count--;
	memmove(&top->places[least], &top->places[least + 1], (top->place_count - least) * sizeof(top->places[0]));
	top->hidden++;
}

static unsigned int natural_width(const struct top *top, const struct column *column)
{
	unsigned int title = strlen(column_title(column, table_scope(top->table)));
	unsigned int width = column->unit == UNIT_ID ? table_width(top->table, column) : column->width;

	return width > title ? width : title;
}

static void gather_places(struct top *top)
{
	size_t aside = top->aside;

	top->place_count = 0;
	top->hidden = 0;
	for (size_t i = 0; i < column_count && top->place_count < PLACES_MAX; i++) {
		const struct column *column = top->setup.columns[i].column;

		if (!top->setup.columns[i].shown || (column->rare && !table_has(top->table, column)))
			continue;
		top->last_place = column;
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

static size_t visible_rows(const struct top *top)
{
	int taken = top_head_lines(top) + (top_has_foot(top) ? FOOT_LINES : 0);

	return LINES > taken ? LINES - taken : 1;
}

void top_find_selection(struct top *top)
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

	attrset(top_look(top, PAIR_TITLE));
	mvhline(top_head_lines(top) - 1, 0, ' ' | top_look(top, PAIR_TITLE), COLS);
	for (size_t i = 0; i < top->place_count; i++) {
		const struct place *place = &top->places[i];
		int pair = place->column == top->options.sort ? PAIR_SORT : PAIR_TITLE;

		top_put_field(top_head_lines(top) - 1, x, column_title(place->column, table_scope(top->table)), place->width, place->column->left, top_look(top, pair));
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
		return top_look(top, PAIR_CHOSEN);
	if (table_gone(top->table, row))
		return A_DIM;
	if (column->rare || cell->mark)
		return top_look(top, PAIR_WARN);
	return cell->kind == CELL_NUMBER && cell->number != 0 ? A_NORMAL : quiet_look(column);
}

static void draw_row(const struct top *top, size_t row, int y)
{
	int x = 0;

	if (row == top->row)
		mvhline(y, 0, ' ' | top_look(top, PAIR_CHOSEN), COLS);
	for (size_t i = 0; i < top->place_count; i++) {
		const struct place *place = &top->places[i];
		struct cell cell = table_cell(top->table, row, place->column);
		char buf[FORMAT_SIZE];
		const char *text = column_format(place->column, &cell, table_scope(top->table), place->width, buf, sizeof(buf));

		top_put_field(y, x, text, place->width, place->column->left, cell_look(top, row, place->column, &cell));
		x += place->width + 1;
	}
}

static void draw_nothing(const struct top *top)
{
	static const char *const waiting[] = {
		"No SDEI event or call so far.",
		"A VM appears with its first one, or when it is created.",
	};

	if (top->filter) {
		mvaddnstr(top_head_lines(top) + 1, 2, "Nothing matches the filter (c clears it).", COLS - 2);
		return;
	}
	for (int i = 0; i < 2; i++)
		mvaddnstr(top_head_lines(top) + 1 + i, 2, waiting[i], COLS - 2);
}

static void draw_body(const struct top *top)
{
	size_t count = table_count(top->table), visible = visible_rows(top);

	draw_titles(top);
	for (size_t i = 0; i < visible && top->first + i < count; i++)
		draw_row(top, top->first + i, top_head_lines(top) + i);
	if (!count)
		draw_nothing(top);
}

static void draw_table(struct top *top)
{
	lay_out(top);
	top_draw_head(top);
	draw_body(top);
	top_draw_foot(top);
}

/* --- the way through the levels */

const char *top_crumbs(enum view_level within, const struct row_id *of, const char *name, char *buf, size_t size)
{
	int length = snprintf(buf, size, "VM %u %.*s", of->pid, (int)text_cut(name, NAME_MAX_WIDTH, NULL), name);

	if (within != LEVEL_VM && length < (int)size)
		length += snprintf(buf + length, size - length, " > vCPU %u", of->vcpu);
	if (within == LEVEL_EVENT && of->has_event && length < (int)size)
		snprintf(buf + length, size - length, " > event %u", of->event);
	return buf;
}

static void leave_station(struct top *top)
{
	struct station *at = &top->at;

	at->following = table_count(top->table) > 0;
	if (at->following)
		at->chosen = *table_id(top->table, top->row);
	top->refreeze = top->paused;
}

static void enter_station(struct top *top, const struct station *to)
{
	top->at = *to;
	top->following = to->following;
	top->chosen = to->chosen;
	top->row = top->first = 0;
	top->refreeze = top->paused;
}

void top_show_level(struct top *top, enum view_level level)
{
	top_go(top, &top_table_mode);
	top->depth = 0;
	enter_station(top, &(struct station){ .level = level });
}

/* Of the selected row's VM. */
static void copy_name(const struct top *top, char *to, size_t size)
{
	struct cell cell = table_cell(top->table, top->row, column_find("name"));
	const char *name = cell.string ? cell.string : "-";

	snprintf(to, size, "%.*s", (int)text_cut(name, NAME_MAX_WIDTH, NULL), name);
}

void top_open_row(struct top *top, enum page_kind kind)
{
	struct row_id id;

	top_rearrange(top);
	if (!table_count(top->table))
		return;
	id = *table_id(top->table, top->row);
	copy_name(top, top->page_name, sizeof(top->page_name));
	top_open_page(top, top->at.level, &id, kind);
}

/* From a VM to its vCPUs, from a vCPU to its events, from an event to its page. */
static void enter_row(struct top *top)
{
	struct station next;

	top_rearrange(top);
	if (!table_count(top->table))
		return;
	if (top->at.level == LEVEL_EVENT) {
		top_open_row(top, PAGE_EVENT);
		return;
	}
	next = (struct station){
		.level = top->at.level - 1, .within = top->at.level, .of = *table_id(top->table, top->row),
	};
	copy_name(top, next.name, sizeof(next.name));
	leave_station(top);
	if (top->depth < STATIONS_MAX)
		top->stations[top->depth++] = top->at;
	enter_station(top, &next);
}

static void leave_rows(struct top *top)
{
	if (top->depth)
		enter_station(top, &top->stations[--top->depth]);
}

/* --- moving */

/* The first row is not followed, so that what comes first stays in view. */
void top_select_row(struct top *top, size_t row)
{
	top->row = row;
	top->following = row > 0;
	if (top->following)
		top->chosen = *table_id(top->table, top->row);
}

static void move_rows(struct top *top, long lines)
{
	long last = (long)table_count(top->table) - 1, row = (long)top->row + lines;

	row = row > last ? last : row;
	top_select_row(top, row < 0 ? 0 : row);
}

/* The column sorts, once more the other way round. */
static void click_title(struct top *top, int x)
{
	int from = 0;

	for (size_t i = 0; i < top->place_count; from += top->places[i++].width + 1) {
		const struct column *column = top->places[i].column;

		if (x < from || x >= from + (int)top->places[i].width)
			continue;
		if (column == top->options.sort)
			top->options.reverse = !top->options.reverse;
		else
			top_sort_by(top, column);
	}
}

/* The selected row is opened, another one selected. */
static void click_table(struct top *top, int y, int x)
{
	size_t row = top->first + y - top_head_lines(top);

	if (y == top_head_lines(top) - 1)
		click_title(top, x);
	else if (y < top_head_lines(top) || row >= table_count(top->table) || row >= top->first + visible_rows(top))
		return;
	else if (row == top->row)
		enter_row(top);
	else
		top_select_row(top, row);
}

const struct mode top_table_mode = {
	.draw = draw_table, .key = top_common_key, .where = IN_TABLE, .go = move_rows, .page = visible_rows,
	.enter = enter_row, .back = leave_rows, .click = click_table,
};
