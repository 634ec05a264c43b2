/* SPDX-License-Identifier: GPL-2.0-only */
/* The clocks, in nanoseconds. */
#ifndef UTIL_CLOCK_H
#define UTIL_CLOCK_H

#include <stdint.h>

#define NS_PER_US 1000ULL
#define NS_PER_MS 1000000ULL
#define NS_PER_SEC 1000000000ULL

uint64_t clock_monotonic_ns(void);	/* CLOCK_MONOTONIC, which bpf_ktime_get_ns() reads as well: that of all records */
uint64_t clock_cpu_ns(void);		/* CLOCK_PROCESS_CPUTIME_ID: what this process has used, of all CPUs */

/* What something else showed: read after before_ns (CLOCK_MONOTONIC), and within took_ns from then. */
struct clock_reading {
	uint64_t value, before_ns, took_ns;
};

/*
 * Reads something else together with the clock. Who is descheduled between the one and the other would be wrong by that: so of some
 * readings the quickest counts, or the first one that took no more than soon_ns.
 */
struct clock_reading clock_read_beside(uint64_t (*read)(void), uint64_t soon_ns);

int64_t clock_wall_offset_ns(void);	/* CLOCK_REALTIME - CLOCK_MONOTONIC */

#endif
