// SPDX-License-Identifier: GPL-2.0-only
#include "source/pace.h"

#define MS_NS 1000000ULL

static uint64_t at_least(uint64_t value, uint64_t least)
{
	return value > least ? value : least;
}

unsigned int pace_next(unsigned int period_ms, uint64_t elapsed_ns, size_t used, size_t size)
{
	/* Two drains in a row, of the timer and of who wants to draw, say nothing of the rate. */
	uint64_t elapsed_us = at_least(elapsed_ns, PACE_LEAST_MS * MS_NS) / 1000;
	uint64_t quarter_ms = size / 4 * elapsed_us / (1000 * at_least(used, 1));
	unsigned int next_ms = 2 * period_ms < PACE_MOST_MS ? 2 * period_ms : PACE_MOST_MS;

	/* Steps of two: a rate that changes little must not set the timer anew each time. */
	while (next_ms > quarter_ms && next_ms > PACE_LEAST_MS)
		next_ms /= 2;
	return next_ms;
}
