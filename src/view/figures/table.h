/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rows of one moment: collected from the model, then filtered and sorted
 * through an index. Frozen, it keeps its figures whatever the model does.
 */
#ifndef VIEW_FIGURES_TABLE_H
#define VIEW_FIGURES_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "view/figures/columns.h"
#include "view/figures/filter.h"

/* Which row, for as long as people look at it. */
struct row_id {
	uint32_t pid, instance, vcpu, event;
	bool has_event;
};

struct table_options {
	const struct column *sort;	/* NULL: by VM, vCPU and event */
	bool reverse;
	bool all;			/* also events that were never used */
	bool gone;			/* also what was gone before gone_since_ns */
	uint64_t gone_since_ns;
	enum view_level within;		/* only the rows of a LEVEL_VM or LEVEL_VCPU; LEVEL_EVENT: no limit */
	struct row_id of;		/* of that one */
	const struct filter *filter;	/* NULL: all rows */
};

struct table;

struct table *table_new(void);		/* NULL: no memory */
void table_free(struct table *t);	/* NULL is fine */

/*
 * Takes the model's rows of scope->level and arranges them. Rows hold pointers into the model: valid until it changes.
 * A frozen table is only arranged anew. 0 or -ENOMEM (then it is empty).
 */
int table_build(struct table *t, const struct model *m, const struct view_scope *scope, const struct table_options *options);

size_t table_count(const struct table *t);
struct cell table_cell(const struct table *t, size_t row, const struct column *column);
const struct row_id *table_id(const struct table *t, size_t row);
bool table_gone(const struct table *t, size_t row);
const struct view_scope *table_scope(const struct table *t);

/* The row of id, or table_count(). */
size_t table_find(const struct table *t, const struct row_id *id);

/* Whether a filter, another one than that of the table, lets the row pass. */
bool table_matches(const struct table *t, size_t row, const struct filter *filter);

/* Whether a rare column has anything to show. */
bool table_has(const struct table *t, const struct column *column);

/* The widest text of a column in width units, at least its title. */
unsigned int table_width(const struct table *t, const struct column *column);

/* Copies every cell, so that the rows outlive what they came from; and back. 0 or -ENOMEM. */
int table_freeze(struct table *t);
void table_thaw(struct table *t);

#endif
