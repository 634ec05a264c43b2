/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One clock as a line over another, out of what is known by causality: at a moment the offset between them is at least, or at most, so
 * much. Pure.
 */
#ifndef SIDES_CLOCK_FIT_H
#define SIDES_CLOCK_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All times and offsets are below 2^54, with any sign. */
struct clock_bound {
	int64_t at_ns;		/* on the clock over which the line is */
	int64_t offset_ns;	/* the other clock less this one is at most (upper), else at least, that much then */
	bool upper;
	size_t item;		/* whose bound it is: the caller's */
};

/* No two clocks of running kernels go further apart than this: each may be slewed by 500 ppm. */
#define CLOCK_SLOPE_MAX 1e-3

struct clock_line {
	int64_t from_ns, to_ns;	/* the first and the last bound it rests on */
	double offset_ns;	/* at from_ns */
	double slope;		/* ns of offset in a ns */
	double error_ns;	/* from from_ns to to_ns the offset is known within this; INFINITY: bounds of one side only */
};

/*
 * The longest part of bounds, from the first one on, through which a line goes: fills line, returns how many bounds that are; 0: no
 * memory. They have to be in order of time. Time is n log n, whatever they are. The line keeps all of these bounds.
 */
size_t clock_fit(const struct clock_bound *bounds, size_t count, struct clock_line *line);

double clock_line_offset_ns(const struct clock_line *line, int64_t at_ns);

#endif
