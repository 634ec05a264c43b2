// SPDX-License-Identifier: GPL-2.0-only
#include "model/fault_history.h"

#include <stdlib.h>
#include <string.h>

#include "model/spread.h"
#include "util/saturate.h"

#define FIRST_SHIFT 20	/* columns of a millisecond */

struct fault_history *fault_history_new(void)
{
	struct fault_history *history = calloc(1, sizeof(*history));

	if (history)
		history->time.shift = FIRST_SHIFT;
	return history;
}

/* --- axes */

static uint64_t key_of(const struct fault_axis *axis, uint64_t value)
{
	return value >> axis->shift;
}

/* Would the cells from the first to the last, with that of value, be more than max? */
static bool is_too_wide(const struct fault_axis *axis, uint64_t value, unsigned int max)
{
	uint64_t key = key_of(axis, value), last = axis->first + axis->used - 1;

	return axis->used && (key > last ? key - axis->first : last - (key < axis->first ? key : axis->first)) >= max;
}

/* The cell that i becomes when each two become one. */
static unsigned int folded(const struct fault_axis *axis, unsigned int i)
{
	return ((axis->first + i) >> 1) - (axis->first >> 1);
}

static void fold_axis(struct fault_axis *axis)
{
	axis->used = folded(axis, axis->used - 1) + 1;
	axis->first >>= 1;
	axis->shift++;
}

/* How many cells are missing in front of the first for value to have one. */
static unsigned int missing_before(const struct fault_axis *axis, uint64_t value)
{
	uint64_t key = key_of(axis, value);

	return axis->used && key < axis->first ? axis->first - key : 0;
}

/* After that its cell is there: which one. */
static unsigned int extend(struct fault_axis *axis, uint64_t value)
{
	uint64_t key = key_of(axis, value);

	if (!axis->used)
		axis->first = key;
	if (key < axis->first) {
		axis->used += axis->first - key;
		axis->first = key;
	}
	if (key - axis->first >= axis->used)
		axis->used = key - axis->first + 1;
	return key - axis->first;
}

/* --- columns */

static void add_column(struct fault_column *to, const struct fault_column *from)
{
	to->faults += from->faults;
	to->blocked_ns += from->blocked_ns;
	to->frames += from->frames;
	for (unsigned int i = 0; i < FAULT_ROWS; i++)
		to->rows[i] = saturate_add32(to->rows[i], from->rows[i]);
}

static void fold_columns(struct fault_history *h)
{
	for (unsigned int i = 0; i < h->time.used; i++) {
		unsigned int to = folded(&h->time, i);

		if (to == i)
			continue;
		add_column(&h->columns[to], &h->columns[i]);
		memset(&h->columns[i], 0, sizeof(h->columns[i]));
	}
	fold_axis(&h->time);
}

static unsigned int column_of(struct fault_history *h, uint64_t time_ns)
{
	unsigned int missing;

	while (is_too_wide(&h->time, time_ns, FAULT_COLUMNS))
		fold_columns(h);
	missing = missing_before(&h->time, time_ns);
	if (missing) {
		memmove(&h->columns[missing], h->columns, h->time.used * sizeof(h->columns[0]));
		memset(h->columns, 0, missing * sizeof(h->columns[0]));
	}
	return extend(&h->time, time_ns);
}

/* --- rows */

static void fold_rows(struct fault_history *h)
{
	for (unsigned int c = 0; c < h->time.used; c++) {
		uint32_t *rows = h->columns[c].rows;

		for (unsigned int i = 0; i < h->frames.used; i++) {
			unsigned int to = folded(&h->frames, i);

			if (to == i)
				continue;
			rows[to] = saturate_add32(rows[to], rows[i]);
			rows[i] = 0;
		}
	}
	fold_axis(&h->frames);
}

static void shift_rows(struct fault_history *h, unsigned int missing)
{
	for (unsigned int c = 0; c < h->time.used; c++) {
		uint32_t *rows = h->columns[c].rows;

		memmove(&rows[missing], rows, h->frames.used * sizeof(*rows));
		memset(rows, 0, missing * sizeof(*rows));
	}
}

static unsigned int row_of(struct fault_history *h, uint64_t gfn)
{
	unsigned int missing;

	while (is_too_wide(&h->frames, gfn, FAULT_ROWS))
		fold_rows(h);
	missing = missing_before(&h->frames, gfn);
	if (missing)
		shift_rows(h, missing);
	return extend(&h->frames, gfn);
}

/* --- adding */

/* Each column gets what of it is in it. */
static void add_spread(struct fault_history *h, const struct spread *s)
{
	struct spread_columns columns;

	column_of(h, s->begin_ns);
	column_of(h, s->end_ns);	/* both may move the columns */
	columns = spread_over(s, fault_axis_begin(&h->time, 0), fault_axis_width(&h->time), h->time.used - 1);
	for (unsigned int i = columns.first; i <= columns.last; i++) {
		h->columns[i].faults += spread_share(s, s->faults, &columns, i);
		h->columns[i].blocked_ns += spread_share(s, s->blocked_ns, &columns, i);
	}
}

void fault_history_add(struct fault_history *h, const struct fault_happened *happened)
{
	const bool spread = happened->since_ns && happened->since_ns < happened->time_ns;
	struct fault_column *column;

	if (spread)
		add_spread(h, &(struct spread){ happened->since_ns, happened->time_ns, happened->faults, happened->blocked_ns });
	else if (happened->blocked_ns && happened->blocked_ns < happened->time_ns)
		add_spread(h, &(struct spread){ happened->time_ns - happened->blocked_ns, happened->time_ns, .blocked_ns = happened->blocked_ns });
	column = &h->columns[column_of(h, happened->time_ns)];
	column->faults += spread ? 0 : happened->faults;
	column->frames += happened->frames;
	if (happened->gfn) {
		unsigned int row = row_of(h, happened->gfn);

		column->rows[row] = saturate_add32(column->rows[row], happened->faults);
	}
}
