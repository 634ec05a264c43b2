/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long the reader may sleep between two drains. On a quiet host waking up is nearly all that it costs; on a busy one
 * a CPU that has to wake it pays microseconds for that, and one whose ring is full loses records.
 */
#ifndef SOURCE_PACE_H
#define SOURCE_PACE_H

#include <stddef.h>
#include <stdint.h>

#define PACE_LEAST_MS 1
#define PACE_MOST_MS 50

/*
 * The next period, period_ms being the present one: used bytes of the fullest ring's size came in elapsed_ns, the time
 * since the drain before. As long as records go on coming like that, no ring gets more than a quarter full, unless even
 * PACE_LEAST_MS is too long for it. It becomes shorter at once, and longer by one step (to twice as much) a drain, so that
 * a break between two bursts does not count as quiet. Always within PACE_LEAST_MS and PACE_MOST_MS.
 */
unsigned int pace_next(unsigned int period_ms, uint64_t elapsed_ns, size_t used, size_t size);

#endif
