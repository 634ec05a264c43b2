/* SPDX-License-Identifier: GPL-2.0-only */
/* Page faults of which only the sum is known, and the time in which they were: as if evenly spread over it. */
#ifndef MODEL_SPREAD_H
#define MODEL_SPREAD_H

#include <stdint.h>

struct spread {
	uint64_t begin_ns, end_ns;	/* begin_ns is not after end_ns */
	uint64_t faults, blocked_ns;
};

/* The columns that one is spread over, of some that are as wide each. */
struct spread_columns {
	uint64_t begin_ns, width_ns;	/* of column 0 */
	unsigned int first, last;
};

/* Those between column 0, which begins then, and the last one: what is before them is in column 0, what is behind them in the last one. */
static inline struct spread_columns spread_over(const struct spread *s, uint64_t begin_ns, uint64_t width_ns, unsigned int last)
{
	uint64_t from = s->begin_ns > begin_ns ? (s->begin_ns - begin_ns) / width_ns : 0;
	uint64_t to = s->end_ns > begin_ns ? (s->end_ns - begin_ns) / width_ns : 0;

	return (struct spread_columns){ begin_ns, width_ns, from < last ? from : last, to < last ? to : last };
}

/* What of an amount, one of the two, comes before that column. */
static inline uint64_t spread_before(const struct spread *s, uint64_t amount, const struct spread_columns *c, unsigned int column)
{
	if (column <= c->first)
		return 0;
	if (column > c->last)
		return amount;
	return (unsigned __int128)amount * (c->begin_ns + column * c->width_ns - s->begin_ns) / (s->end_ns - s->begin_ns);
}

/* What of an amount, one of the two, is in that column: rounded so that those of all columns make up the amount. */
static inline uint64_t spread_share(const struct spread *s, uint64_t amount, const struct spread_columns *c, unsigned int column)
{
	return spread_before(s, amount, c, column + 1) - spread_before(s, amount, c, column);
}

#endif
