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

/*
 * CLOCK_REALTIME - CLOCK_MONOTONIC. Who is descheduled between reading the one and the other would be wrong by that: so of some readings the
 * quickest counts.
 */
int64_t clock_wall_offset_ns(void);

#endif
