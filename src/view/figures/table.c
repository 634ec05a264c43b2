/* SPDX-License-Identifier: GPL-2.0-only */
#include "view/figures/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"
#include "view/figures/format.h"
#include "model/sum.h"
#include "util/array.h"

struct row {
	struct view_row source;
	struct row_id id;
	struct cell key;	/* of the sort column */
	struct cell *cells;	/* of all columns when frozen */
	struct model_sum *sum;	/* owned; NULL for a row of one event */
	bool gone;
};

struct table {
	struct row *rows;
	size_t row_count, row_space;
	const struct row **order;	/* filtered and sorted */
	size_t order_count, order_space;
	struct view_scope scope;
	struct table_options options;
	bool frozen;
	/* Sums are dear: they are kept until the next tick. */
	const struct model *summed;
	uint64_t summed_ns, summed_start_ns;
};

static bool same_id(const struct row_id *a, const struct row_id *b)
{
	return a->pid == b->pid && a->instance == b->instance && a->vcpu == b->vcpu &&
	       a->has_event == b->has_event && (!a->has_event || a->event == b->event);
}

struct table *table_new(void)
{
	return calloc(1, sizeof(struct table));
}

static void free_cells(struct cell *cells)
{
	if (!cells)
		return;
	for (size_t i = 0; i < column_count; i++)
		if (columns[i].unit == UNIT_TEXT)
			free((char *)cells[i].string);
	free(cells);
}

static void drop_rows(struct table *t)
{
	for (size_t i = 0; i < t->row_count; i++) {
		free_cells(t->rows[i].cells);
		sum_free(t->rows[i].sum);
	}
	t->summed = NULL;
	t->row_count = 0;
	t->order_count = 0;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	drop_rows(t);
	free(t->rows);
	free(t->order);
	free(t);
}

static struct row *add_row(struct table *t, const struct view_row *source)
{
	const struct model_vcpu *vcpu = source->vcpu;
	const struct model_event *event = source->event;
	struct row *row;

	if (ARRAY_ROOM(t->rows, t->row_space, t->row_count, 64) < 0)
		return NULL;
	row = &t->rows[t->row_count++];
	*row = (struct row){
		.source = *source,
		.id = { .pid = source->vm->pid, .instance = source->vm->instance, .vcpu = vcpu ? vcpu->id : 0,
			.event = event ? event->event : 0, .has_event = event != NULL },
		.gone = vcpu ? vcpu->gone : source->vm->gone,
	};
	return row;
}

/* A row of several events; vcpu NULL: of the VM. */
static int add_sum(struct table *t, const struct model_vm *vm, const struct model_vcpu *vcpu)
{
	struct row *row = add_row(t, &(struct view_row){ .vm = vm, .vcpu = vcpu });

	if (!row)
		return -ENOMEM;
	row->sum = sum_new(vm, vcpu, t->scope.now_ns, t->scope.recent);
	row->source.sum = row->sum;
	return row->sum ? 0 : -ENOMEM;
}

static int add_event(struct table *t, const struct model_vcpu *vcpu, const struct model_event *event)
{
	return add_row(t, &(struct view_row){ .vm = vcpu->vm, .vcpu = vcpu, .event = event }) ? 0 : -ENOMEM;
}

static bool is_wanted(const struct table *t, bool gone, uint64_t gone_ns)
{
	return !gone || t->options.gone || gone_ns >= t->options.gone_since_ns;
}

static int add_vcpu(struct table *t, const struct model_vcpu *vcpu)
{
	size_t before = t->row_count;
	int err = 0;

	if (!is_wanted(t, vcpu->gone, vcpu->gone_ns))
		return 0;
	if (t->options.within == LEVEL_VCPU && vcpu->id != t->options.of.vcpu)
		return 0;
	if (t->scope.level == LEVEL_VCPU)
		return add_sum(t, vcpu->vm, vcpu);
	for (size_t i = 0; i < vcpu->event_count && !err; i++)
		if (t->options.all || event_in_use(vcpu->events[i]))
			err = add_event(t, vcpu, vcpu->events[i]);
	if (!err && t->row_count == before)
		err = add_event(t, vcpu, NULL);
	return err;
}

static int add_vm(struct table *t, const struct model_vm *vm)
{
	const struct table_options *options = &t->options;
	int err = 0;

	if (options->within != LEVEL_EVENT && (vm->pid != options->of.pid || vm->instance != options->of.instance))
		return 0;
	if (t->scope.level == LEVEL_VM)
		return is_wanted(t, vm->gone, vm->gone_ns) ? add_sum(t, vm, NULL) : 0;
	for (size_t i = 0; i < vm->vcpu_count && !err; i++)
		err = add_vcpu(t, vm->vcpus[i]);
	return err;
}

static int collect(struct table *t, const struct model *m)
{
	size_t count;
	struct model_vm *const *vms = model_vms(m, &count);
	int err = 0;

	drop_rows(t);
	for (size_t i = 0; i < count && !err; i++)
		err = add_vm(t, vms[i]);
	return err;
}

static struct cell row_cell(const struct table *t, const struct row *row, const struct column *column)
{
	return row->cells ? row->cells[column - columns] : column->get(&row->source, &t->scope);
}

struct cell_source {
	const struct table *table;
	const struct row *row;
};

static struct cell filter_cell(const void *source, const struct column *column)
{
	const struct cell_source *from = source;

	return row_cell(from->table, from->row, column);
}

static bool matches(const struct table *t, const struct row *row, const struct filter *filter)
{
	const struct cell_source source = { t, row };

	return filter_match(filter, filter_cell, &source);
}

/*
 * rows[] is in order of first sight of the VM, then vCPU and event, which settles ties. What is gone comes below what is there,
 * but where figures are those of all the time.
 */
static int compare_rows(const void *a, const void *b, void *context)
{
	const struct row *left = *(const struct row *const *)a, *right = *(const struct row *const *)b;
	const struct table *t = context;
	int order = 0;

	if (left->gone != right->gone && !t->scope.total)
		return left->gone - right->gone;
	if (t->options.sort)
		order = column_compare(t->options.sort, &left->key, &right->key);
	/* What is unknown stays at the end whichever way round. */
	if (t->options.reverse && (order == 0 || (left->key.kind != CELL_UNKNOWN) == (right->key.kind != CELL_UNKNOWN)))
		order = t->options.sort ? -order : (left < right) - (left > right);
	return order ? order : (left > right) - (left < right);
}

static int arrange(struct table *t)
{
	t->order_count = 0;
	for (size_t i = 0; i < t->row_count; i++) {
		struct row *row = &t->rows[i];
		int err = ARRAY_ROOM(t->order, t->order_space, t->order_count, 64);

		if (err)
			return err;
		if (!matches(t, row, t->options.filter))
			continue;
		if (t->options.sort)
			row->key = row_cell(t, row, t->options.sort);
		t->order[t->order_count++] = row;
	}
	if (t->order_count)
		qsort_r(t->order, t->order_count, sizeof(*t->order), compare_rows, t);
	return 0;
}

static bool same_rows(const struct table_options *a, const struct table_options *b)
{
	return a->within == b->within && a->all == b->all && a->gone == b->gone && a->gone_since_ns == b->gone_since_ns &&
	       same_id(&a->of, &b->of);
}

static bool still_good(const struct table *t, const struct model *m, const struct view_scope *scope,
		       const struct table_options *options)
{
	const struct model_totals *totals = model_totals(m);

	return t->summed == m && t->summed_ns == totals->now_ns && t->summed_start_ns == totals->start_ns &&
	       t->scope.level == scope->level && t->scope.recent == scope->recent && same_rows(&t->options, options);
}

static int take(struct table *t, const struct model *m, const struct view_scope *scope, const struct table_options *options)
{
	int err;

	if (still_good(t, m, scope, options)) {
		t->options = *options;
		return 0;
	}
	t->scope = *scope;
	t->options = *options;
	err = collect(t, m);
	if (err || scope->level == LEVEL_EVENT)
		return err;
	t->summed = m;
	t->summed_ns = model_totals(m)->now_ns;
	t->summed_start_ns = model_totals(m)->start_ns;
	return 0;
}

int table_build(struct table *t, const struct model *m, const struct view_scope *scope, const struct table_options *options)
{
	int err = 0;

	if (t->frozen)
		t->options = *options;
	else
		err = take(t, m, scope, options);
	if (!err)
		err = arrange(t);
	if (err)
		t->order_count = 0;
	return err;
}

size_t table_count(const struct table *t)
{
	return t->order_count;
}

struct cell table_cell(const struct table *t, size_t row, const struct column *column)
{
	return row_cell(t, t->order[row], column);
}

const struct row_id *table_id(const struct table *t, size_t row)
{
	return &t->order[row]->id;
}

bool table_gone(const struct table *t, size_t row)
{
	return t->order[row]->gone;
}

const struct view_scope *table_scope(const struct table *t)
{
	return &t->scope;
}

size_t table_find(const struct table *t, const struct row_id *id)
{
	size_t row = 0;

	while (row < t->order_count && !same_id(&t->order[row]->id, id))
		row++;
	return row;
}

bool table_matches(const struct table *t, size_t row, const struct filter *filter)
{
	return matches(t, t->order[row], filter);
}

bool table_has(const struct table *t, const struct column *column)
{
	for (size_t i = 0; i < t->order_count; i++) {
		struct cell cell = row_cell(t, t->order[i], column);

		if (cell.kind != CELL_UNKNOWN && cell.number != 0)
			return true;
	}
	return false;
}

static unsigned int cell_width(const struct table *t, const struct column *column, const struct cell *cell)
{
	char buf[FORMAT_SIZE];

	return text_width(column_format(column, cell, &t->scope, ~0U, buf, sizeof(buf)));
}

/* Of numbers only the largest is printed: there may be thousands of rows. */
unsigned int table_width(const struct table *t, const struct column *column)
{
	struct cell largest = { .kind = CELL_NUMBER };
	unsigned int widest = column->width, width;

	for (size_t i = 0; i < t->order_count; i++) {
		struct cell cell = row_cell(t, t->order[i], column);

		if (cell.kind == CELL_NUMBER) {
			if (cell.number > largest.number)
				largest = cell;
			continue;
		}
		width = cell_width(t, column, &cell);
		widest = width > widest ? width : widest;
	}
	width = cell_width(t, column, &largest);
	return width > widest ? width : widest;
}

/* All columns of one row; texts are copied, as their owners may go. */
static struct cell *copy_cells(const struct table *t, const struct row *row)
{
	struct cell *cells = calloc(column_count, sizeof(*cells));

	for (size_t i = 0; cells && i < column_count; i++) {
		cells[i] = row_cell(t, row, &columns[i]);
		if (columns[i].unit != UNIT_TEXT || !cells[i].string)
			continue;
		cells[i].string = strdup(cells[i].string);
		if (!cells[i].string) {
			free_cells(cells);
			return NULL;
		}
	}
	return cells;
}

int table_freeze(struct table *t)
{
	for (size_t i = 0; i < t->row_count; i++) {
		t->rows[i].cells = copy_cells(t, &t->rows[i]);
		if (t->rows[i].cells)
			continue;
		drop_rows(t);
		return -ENOMEM;
	}
	t->frozen = true;
	return 0;
}

void table_thaw(struct table *t)
{
	t->frozen = false;
}
