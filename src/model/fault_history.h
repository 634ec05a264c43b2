/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page faults of a VM over time, from its first one on: how many, how long they kept its vCPUs waiting, how many new guest frames
 * they were about, and where in the guest's memory these are. The memory is bounded: a fixed number of columns of time and of rows
 * of guest frames; each doubles its width when what there is outgrows it.
 */
#ifndef MODEL_FAULT_HISTORY_H
#define MODEL_FAULT_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#define FAULT_COLUMNS 256
#define FAULT_ROWS 64
#define FAULT_HISTORIES 512	/* VMs; those beyond have none */

/* Cell i holds the values from (first + i) << shift on. */
struct fault_axis {
	uint64_t first;
	unsigned int shift, used;
};

struct fault_column {
	uint64_t faults;		/* with a worker or without, at their end or when they were handed over */
	uint64_t blocked_ns;		/* of this time, the sum over vCPUs */
	uint64_t frames;		/* that had not had a fault before */
	uint32_t rows[FAULT_ROWS];	/* faults whose frame is known, by frame; saturate */
};

struct fault_history {
	struct fault_axis time, frames;	/* of ns (CLOCK_MONOTONIC), and of guest frames */
	struct fault_column columns[FAULT_COLUMNS];
};

/* The figures of a column, for those that show one after the other. */
static inline uint64_t fault_column_faults(const struct fault_column *column)
{
	return column->faults;
}

static inline uint64_t fault_column_blocked_ns(const struct fault_column *column)
{
	return column->blocked_ns;
}

static inline uint64_t fault_column_frames(const struct fault_column *column)
{
	return column->frames;
}

/* What one record says. Those that say nothing about a time or frame have 0 there. */
struct fault_happened {
	uint64_t time_ns;
	uint64_t since_ns;		/* faults and blocked_ns are spread from then to time_ns; 0: the faults are at time_ns */
	uint64_t faults, frames;
	uint64_t blocked_ns;		/* until time_ns */
	uint64_t gfn;			/* 0: not known */
};

/* NULL: no memory. To be freed with free(). */
struct fault_history *fault_history_new(void);

void fault_history_add(struct fault_history *history, const struct fault_happened *happened);

static inline uint64_t fault_axis_begin(const struct fault_axis *axis, unsigned int cell)
{
	return (axis->first + cell) << axis->shift;
}

static inline uint64_t fault_axis_width(const struct fault_axis *axis)
{
	return 1ULL << axis->shift;
}

#endif
