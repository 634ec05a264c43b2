/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Heat maps over time. The cells are an SVG that is stretched to the width there is; all text is HTML around it, so that it
 * is readable at any width. Neighbouring cells of one colour are one stroke, those of a row and colour one path.
 */
#ifndef VIEW_REPORT_REPORT_HTML_HEAT_H
#define VIEW_REPORT_REPORT_HTML_HEAT_H

#include <stdint.h>
#include <stdio.h>

#define HEAT_SHADES 8

enum heat_unit { HEAT_NS, HEAT_COUNT, HEAT_SHARE };

/* What the shades 1 .. HEAT_SHADES stand for; 0 is for 0. */
struct heat_scale {
	enum heat_unit unit;
	uint64_t max;		/* HEAT_SHARE: the whole, of which each shade is an equal part */
	unsigned int powers;	/* else so many powers of two each, the last one that of max */
	unsigned int first;	/* the first in use */
};

/* So that min and max both have one. */
struct heat_scale heat_scale_of(enum heat_unit unit, uint64_t min, uint64_t max);
unsigned int heat_shade(const struct heat_scale *scale, uint64_t value);
void heat_legend(FILE *out, const struct heat_scale *scale);

struct heat_time {
	unsigned int columns;
	uint64_t column_ns;
};

/* The SVG; to be ended with "</svg>". what: for those who do not see it. */
void heat_begin(FILE *out, const struct heat_time *time, unsigned int rows, const char *what);
void heat_row(FILE *out, unsigned int row, const unsigned char *shades, unsigned int columns);

/* What the columns stand for, counted from the first. */
void heat_ticks(FILE *out, const struct heat_time *time);

#endif
