/* SPDX-License-Identifier: GPL-2.0-only */
#include "table.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "format.h"
#include "names.h"

struct row {
	struct view_row source;
	struct row_id id;
	struct cell key;	/* of the sort column */
	struct cell *cells;	/* of all columns when frozen */
	bool gone;
};

struct table {
	struct row *rows;
	size_t row_count, row_space;
	const struct row **order;	/* filtered and sorted */
	size_t order_count, order_space;
	struct view_scope scope;
	struct table_options options;
	regex_t pattern;
	bool filtered, frozen;
};

bool row_id_equal(const struct row_id *a, const struct row_id *b)
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
	for (size_t i = 0; i < t->row_count; i++)
		free_cells(t->rows[i].cells);
	t->row_count = 0;
	t->order_count = 0;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	drop_rows(t);
	table_filter(t, NULL, NULL, 0);
	free(t->rows);
	free(t->order);
	free(t);
}

/* Room for one more element of size bytes in *array. */
static int reserve(void **array, size_t *space, size_t count, size_t size)
{
	size_t wanted = *space ? *space * 2 : 64;
	void *bigger;

	if (count < *space)
		return 0;
	bigger = realloc(*array, wanted * size);
	if (!bigger)
		return -ENOMEM;
	*array = bigger;
	*space = wanted;
	return 0;
}

static int add_row(struct table *t, const struct model_vm *vm, const struct model_vcpu *vcpu, const struct model_event *event)
{
	int err = reserve((void **)&t->rows, &t->row_space, t->row_count, sizeof(*t->rows));
	struct row *row;

	if (err)
		return err;
	row = &t->rows[t->row_count++];
	*row = (struct row){
		.source = { .vm = vm, .vcpu = vcpu, .event = event },
		.id = { .pid = vm->pid, .instance = vm->instance, .vcpu = vcpu->id,
			.event = event ? event->event : 0, .has_event = event != NULL },
		.gone = vcpu->gone,
	};
	return 0;
}

static bool in_use(const struct model_event *e)
{
	return (e->state & (SDEI_REGISTERED | SDEI_RUNNING | SDEI_PENDING)) || e->count.signals || e->count.dispatched ||
	       e->count.completed || e->count.resumed || e->lost;
}

static int add_vcpu(struct table *t, const struct model_vm *vm, const struct model_vcpu *vcpu)
{
	size_t before = t->row_count;
	int err = 0;

	if (vcpu->gone && !t->options.gone && vcpu->gone_ns < t->options.gone_since_ns)
		return 0;
	for (size_t i = 0; i < vcpu->event_count && !err; i++)
		if (t->options.all || in_use(vcpu->events[i]))
			err = add_row(t, vm, vcpu, vcpu->events[i]);
	if (!err && t->row_count == before)
		err = add_row(t, vm, vcpu, NULL);
	return err;
}

static int collect(struct table *t, const struct model *m)
{
	size_t count;
	struct model_vm *const *vms = model_vms(m, &count);
	int err = 0;

	drop_rows(t);
	for (size_t i = 0; i < count && !err; i++)
		for (size_t j = 0; j < vms[i]->vcpu_count && !err; j++)
			err = add_vcpu(t, vms[i], vms[i]->vcpus[j]);
	return err;
}

static struct cell row_cell(const struct table *t, const struct row *row, const struct column *column)
{
	return row->cells ? row->cells[column - columns] : column->get(&row->source, &t->scope);
}

static bool matches(const struct table *t, const struct row *row)
{
	char pid[16];

	if (!t->filtered)
		return true;
	snprintf(pid, sizeof(pid), "%u", row->id.pid);
	return regexec(&t->pattern, pid, 0, NULL, 0) == 0 ||
	       regexec(&t->pattern, row_cell(t, row, column_find("name")).string, 0, NULL, 0) == 0;
}

/* rows[] is in order of first sight of the VM, then vCPU and event, which settles ties. */
static int compare_rows(const void *a, const void *b, void *context)
{
	const struct row *left = *(const struct row *const *)a, *right = *(const struct row *const *)b;
	const struct table *t = context;
	int order = 0;

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
		int err = reserve((void **)&t->order, &t->order_space, t->order_count, sizeof(*t->order));

		if (err)
			return err;
		if (!matches(t, row))
			continue;
		if (t->options.sort)
			row->key = row_cell(t, row, t->options.sort);
		t->order[t->order_count++] = row;
	}
	if (t->order_count)
		qsort_r(t->order, t->order_count, sizeof(*t->order), compare_rows, t);
	return 0;
}

int table_build(struct table *t, const struct model *m, const struct view_scope *scope, const struct table_options *options)
{
	int err = 0;

	t->options = *options;
	if (!t->frozen) {
		t->scope = *scope;
		err = collect(t, m);
	}
	if (!err)
		err = arrange(t);
	if (err)
		t->order_count = 0;
	return err;
}

int table_filter(struct table *t, const char *pattern, char *message, size_t size)
{
	regex_t compiled;
	int err;

	if (pattern && *pattern) {
		err = regcomp(&compiled, pattern, REG_EXTENDED | REG_ICASE | REG_NOSUB);
		if (err) {
			regerror(err, &compiled, message, size);
			return -EINVAL;
		}
	}
	if (t->filtered)
		regfree(&t->pattern);
	t->filtered = pattern && *pattern;
	if (t->filtered)
		t->pattern = compiled;
	return 0;
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

	while (row < t->order_count && !row_id_equal(&t->order[row]->id, id))
		row++;
	return row;
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

bool table_frozen(const struct table *t)
{
	return t->frozen;
}
