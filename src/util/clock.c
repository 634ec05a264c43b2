/* SPDX-License-Identifier: GPL-2.0-only */
#include "util/clock.h"

#include <time.h>

#define READINGS 8
#define SOON_NS NS_PER_US	/* two readings so close are not worth another try */

static int64_t read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * (int64_t)NS_PER_SEC + now.tv_nsec;
}

uint64_t clock_monotonic_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall_offset_ns(void)
{
	uint64_t least_ns = UINT64_MAX;
	int64_t offset_ns = 0;

	for (int i = 0; i < READINGS && least_ns > SOON_NS; i++) {
		uint64_t before_ns = clock_monotonic_ns();
		int64_t wall_ns = read_clock(CLOCK_REALTIME);
		uint64_t took_ns = clock_monotonic_ns() - before_ns;

		if (took_ns >= least_ns)
			continue;
		least_ns = took_ns;
		offset_ns = wall_ns - (int64_t)(before_ns + took_ns / 2);
	}
	return offset_ns;
}

uint64_t clock_cpu_ns(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}
