// SPDX-License-Identifier: GPL-2.0-only
#include "model/timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/apf.h"
#include "model/spread.h"
#include "util/idmap.h"
#include "util/array.h"
#include "util/saturate.h"

#define NOBODY UINT32_MAX
#define FIRST_POWER 4	/* of hist_add_powers(): from 2^8 ns, where band 0 begins */

struct timeline {
	uint64_t begin_ns, column_ns;
	unsigned int columns;		/* in use */
	struct timeline_row *rows;
	uint32_t *older;		/* by row: the one of the same pid and vCPU before it, or NOBODY */
	size_t row_count, row_room;
	struct idmap newest;		/* pid and vCPU to their newest row's index, plus one */
	uint64_t left_out;
	uint32_t bands[TIMELINE_COLUMNS][TIMELINE_BANDS];
};

struct timeline *timeline_new(uint64_t begin_ns, uint64_t end_ns)
{
	struct timeline *t = calloc(1, sizeof(*t));
	uint64_t span = end_ns > begin_ns ? end_ns - begin_ns : 1;

	if (!t)
		return NULL;
	t->begin_ns = begin_ns;
	t->column_ns = (span - 1) / TIMELINE_COLUMNS + 1;
	return t;
}

void timeline_free(struct timeline *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->row_count; i++)
		free(t->rows[i].cells);
	free(t->rows);
	free(t->older);
	idmap_release(&t->newest);
	free(t);
}

/* --- columns */

static void add_cell(struct timeline_cell *to, const struct timeline_cell *from)
{
	to->dispatched = saturate_add32(to->dispatched, from->dispatched);
	to->dropped = saturate_add32(to->dropped, from->dropped);
	if (from->worst_ns > to->worst_ns)
		to->worst_ns = from->worst_ns;
	to->masked_ns += from->masked_ns;
	to->faults = saturate_add32(to->faults, from->faults);
	to->blocked_ns += from->blocked_ns;
}

/* Each two columns become one; the upper half gets free. */
static void fold_cells(struct timeline_cell *cells)
{
	for (unsigned int i = 0; i < TIMELINE_COLUMNS / 2; i++) {
		struct timeline_cell sum = cells[2 * i];

		add_cell(&sum, &cells[2 * i + 1]);
		cells[i] = sum;
	}
	memset(&cells[TIMELINE_COLUMNS / 2], 0, TIMELINE_COLUMNS / 2 * sizeof(*cells));
}

static void fold_bands(struct timeline *t)
{
	for (unsigned int i = 0; i < TIMELINE_COLUMNS / 2; i++) {
		for (unsigned int b = 0; b < TIMELINE_BANDS; b++)
			t->bands[i][b] = saturate_add32(t->bands[2 * i][b], t->bands[2 * i + 1][b]);
	}
	memset(t->bands[TIMELINE_COLUMNS / 2], 0, sizeof(t->bands) / 2);
}

static void fold(struct timeline *t)
{
	for (size_t i = 0; i < t->row_count; i++)
		fold_cells(t->rows[i].cells);
	fold_bands(t);
	t->column_ns *= 2;
	t->columns = (t->columns + 1) / 2;
}

/* An interval belongs to the column that its last nanosecond is in. */
static unsigned int column_of(struct timeline *t, uint64_t now_ns)
{
	uint64_t last = now_ns > t->begin_ns ? now_ns - t->begin_ns - 1 : 0;
	unsigned int column;

	while (last / t->column_ns >= TIMELINE_COLUMNS)
		fold(t);
	column = last / t->column_ns;
	if (column >= t->columns)
		t->columns = column + 1;
	return column;
}

/* --- rows */

static uint64_t row_id(uint32_t vm, uint32_t vcpu)
{
	return (uint64_t)vm << 32 | vcpu;
}

static uint32_t newest_row(const struct timeline *t, uint32_t vm, uint32_t vcpu)
{
	uintptr_t index = (uintptr_t)idmap_find(&t->newest, row_id(vm, vcpu));

	return index ? index - 1 : NOBODY;
}

static struct timeline_row *find_row(const struct timeline *t, const struct model_vcpu *v)
{
	uint32_t i = newest_row(t, v->vm->pid, v->id);

	while (i != NOBODY && t->rows[i].instance != v->vm->instance)
		i = t->older[i];
	return i == NOBODY ? NULL : &t->rows[i];
}

static int make_room(struct timeline *t)
{
	size_t rows = t->row_room, older = t->row_room;

	if (ARRAY_ROOM(t->rows, rows, t->row_count, 16) || ARRAY_ROOM(t->older, older, t->row_count, 16))
		return -ENOMEM;
	t->row_room = rows;
	return 0;
}

static int add_row(struct timeline *t, const struct model_vcpu *v, struct timeline_row **row)
{
	uint32_t older = newest_row(t, v->vm->pid, v->id);
	struct timeline_cell *cells;
	int err = make_room(t);

	if (err)
		return err;
	cells = calloc(TIMELINE_COLUMNS, sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	err = idmap_put(&t->newest, row_id(v->vm->pid, v->id), (void *)(uintptr_t)(t->row_count + 1));
	if (err) {
		free(cells);
		return err;
	}
	t->older[t->row_count] = older;
	*row = &t->rows[t->row_count++];
	**row = (struct timeline_row){ .vm = v->vm->pid, .instance = v->vm->instance, .vcpu = v->id, .cells = cells };
	return 0;
}

/* --- taking */

static void take_bands(struct timeline *t, unsigned int column, const struct hist *dispatch)
{
	uint64_t powers[HIST_POWERS] = { 0 };
	uint32_t *bands = t->bands[column];

	hist_add_powers(dispatch, powers);
	for (unsigned int i = 0; i < HIST_POWERS; i++) {
		unsigned int b = i < FIRST_POWER ? 0 : i - FIRST_POWER;

		if (b >= TIMELINE_BANDS)
			b = TIMELINE_BANDS - 1;
		bands[b] = saturate_add32(bands[b], powers[i]);
	}
}

/* Quick ones apart: they are spread. */
static void take_faults(struct timeline_cell *cell, const struct model_vcpu *v)
{
	const struct model_apf *apf = model_vcpu_apf(v);
	const struct spread *quick = model_vcpu_apf_quick(v);

	cell->faults = saturate_add32(0, apf->interval.setup + apf->interval.sync);
	cell->blocked_ns = apf->interval_blocked_ns - (quick ? quick->blocked_ns : 0);
}

/* Each column up to the last one gets what of it is in it. */
static void spread_quick(const struct timeline *t, struct timeline_cell *cells, unsigned int last, const struct spread *quick)
{
	const struct spread_columns columns = spread_over(quick, t->begin_ns, t->column_ns, last);

	for (unsigned int i = columns.first; i <= columns.last; i++) {
		cells[i].faults = saturate_add32(cells[i].faults, spread_share(quick, quick->faults, &columns, i));
		cells[i].blocked_ns += spread_share(quick, quick->blocked_ns, &columns, i);
	}
}

/* The interval of all events of v; its latencies go to the bands, whether v has a row or not. */
static struct timeline_cell take_cell(struct timeline *t, unsigned int column, const struct model_vcpu *v)
{
	struct timeline_cell cell = { .masked_ns = v->interval_masked_ns };

	if (model_vcpu_apf(v))
		take_faults(&cell, v);
	for (size_t i = 0; i < v->event_count; i++) {
		const struct model_event *e = v->events[i];
		struct model_event_interval hists;

		cell.dispatched = saturate_add32(cell.dispatched, e->interval.dispatched);
		cell.dropped = saturate_add32(cell.dropped, e->interval.coalesced + e->interval.rejected + e->interval.cancelled +
				     e->interval.cleared);
		model_event_interval(e, &hists);
		if (!hists.dispatch)
			continue;
		if (hist_max(hists.dispatch) > cell.worst_ns)
			cell.worst_ns = hist_max(hists.dispatch);
		take_bands(t, column, hists.dispatch);
	}
	return cell;
}

static int take_vcpu(struct timeline *t, unsigned int column, const struct model_vcpu *v, uint64_t *left_out)
{
	const struct spread *quick = model_vcpu_apf_quick(v);
	struct timeline_cell cell = take_cell(t, column, v);
	struct timeline_row *row = find_row(t, v);
	int err;

	if (!row && t->row_count == TIMELINE_ROWS) {
		++*left_out;
		return 0;
	}
	if (!row) {
		err = add_row(t, v, &row);
		if (err)
			return err;
	}
	add_cell(&row->cells[column], &cell);
	if (quick)
		spread_quick(t, row->cells, column, quick);
	return 0;
}

int timeline_take(struct timeline *t, const struct model *m, uint64_t now_ns)
{
	unsigned int column = column_of(t, now_ns);
	uint64_t left_out = 0;
	size_t count;
	struct model_vm *const *vms = model_vms(m, &count);
	int result = 0;

	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < vms[i]->vcpu_count; k++) {
			int err = take_vcpu(t, column, vms[i]->vcpus[k], &left_out);

			if (err)
				result = err;
		}
	}
	if (left_out > t->left_out)
		t->left_out = left_out;
	return result;
}

/* --- reading */

uint64_t timeline_step_ns(const struct timeline *t)
{
	return t->column_ns;
}

uint64_t timeline_begin_ns(const struct timeline *t)
{
	return t->begin_ns;
}

uint64_t timeline_column_ns(const struct timeline *t)
{
	return t->column_ns;
}

unsigned int timeline_columns(const struct timeline *t)
{
	return t->columns;
}

const struct timeline_row *timeline_rows(const struct timeline *t, size_t *count)
{
	*count = t->row_count;
	return t->rows;
}

uint64_t timeline_left_out(const struct timeline *t)
{
	return t->left_out;
}

uint32_t timeline_band(const struct timeline *t, unsigned int column, unsigned int band)
{
	return column < TIMELINE_COLUMNS && band < TIMELINE_BANDS ? t->bands[column][band] : 0;
}
