/* SPDX-License-Identifier: GPL-2.0-only */
#include "util/clock.h"

#include <time.h>

#define READINGS 8		/* one of them is hardly interrupted */
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

struct clock_reading clock_read_beside(uint64_t (*read)(void), uint64_t soon_ns)
{
	struct clock_reading quickest = { .took_ns = UINT64_MAX };

	for (int i = 0; i < READINGS && quickest.took_ns > soon_ns; i++) {
		uint64_t before_ns = clock_monotonic_ns(), value = read(), took_ns = clock_monotonic_ns() - before_ns;

		if (took_ns < quickest.took_ns)
			quickest = (struct clock_reading){ value, before_ns, took_ns };
	}
	return quickest;
}

static uint64_t read_wall(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t clock_wall_offset_ns(void)
{
	struct clock_reading wall = clock_read_beside(read_wall, SOON_NS);

	return (int64_t)(wall.value - (wall.before_ns + wall.took_ns / 2));
}

uint64_t clock_cpu_ns(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}
