/* SPDX-License-Identifier: GPL-2.0-only */
/* Page faults of which only the sum is known, and the time in which they were: as if evenly spread over it. */
#ifndef MODEL_SPREAD_H
#define MODEL_SPREAD_H

#include <stdint.h>

struct spread {
	uint64_t begin_ns, end_ns;	/* begin_ns is not after end_ns */
	uint64_t faults, blocked_ns;
};

/* What of an amount, one of the two, comes before at_ns, which is not before begin_ns. */
static inline uint64_t spread_before(const struct spread *s, uint64_t amount, uint64_t at_ns)
{
	if (at_ns >= s->end_ns)
		return amount;
	return (unsigned __int128)amount * (at_ns - s->begin_ns) / (s->end_ns - s->begin_ns);
}

#endif
