/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Figures over time, for plots: at each tick it takes the closed interval of every vCPU. The memory is bounded: a
 * fixed number of columns whose width doubles when time outgrows them, and a limited number of vCPUs.
 */
#ifndef MODEL_TIMELINE_H
#define MODEL_TIMELINE_H

#include "model/model.h"

#define TIMELINE_COLUMNS 512
#define TIMELINE_ROWS 4096	/* vCPUs; those beyond are counted in timeline_left_out() */
#define TIMELINE_BANDS 32	/* of latency: one for each power of two of ns, from 2^8 */

/* One vCPU in one column. */
struct timeline_cell {
	uint32_t dispatched, dropped;	/* saturate; dropped: coalesced, rejected, cancelled, cleared */
	uint64_t worst_ns;		/* largest dispatch latency; 0: none */
	uint64_t masked_ns;
	uint32_t faults;		/* page faults, with a worker or without */
	uint64_t blocked_ns;		/* how long those that ended here kept the vCPU waiting */
};

struct timeline_row {
	uint32_t vm, instance, vcpu;
	struct timeline_cell *cells;	/* TIMELINE_COLUMNS */
};

struct timeline;

/* begin_ns to end_ns is what is expected. The model has to keep intervals (model_keep_intervals()). NULL: no memory. */
struct timeline *timeline_new(uint64_t begin_ns, uint64_t end_ns);
void timeline_free(struct timeline *t);		/* NULL is fine */

/* How often to tick, so that each column gets one. */
uint64_t timeline_step_ns(const struct timeline *t);

/* After each model_tick(m, now_ns). 0 or -ENOMEM. */
int timeline_take(struct timeline *t, const struct model *m, uint64_t now_ns);

uint64_t timeline_begin_ns(const struct timeline *t);
uint64_t timeline_column_ns(const struct timeline *t);	/* the width of a column now */
unsigned int timeline_columns(const struct timeline *t);	/* in use */
const struct timeline_row *timeline_rows(const struct timeline *t, size_t *count);
uint64_t timeline_left_out(const struct timeline *t);	/* the most at one time, should the model have forgotten some since */

/* Of all vCPUs: dispatches in that column with a latency of that band. */
uint32_t timeline_band(const struct timeline *t, unsigned int column, unsigned int band);

#endif
