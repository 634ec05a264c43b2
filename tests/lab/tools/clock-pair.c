// SPDX-License-Identifier: GPL-2.0-only
/*
 * clock-pair: the virtual counter and CLOCK_MONOTONIC at one moment, as "COUNTER NS WITHIN FREQUENCY": of many readings of the clock
 * between two of the counter, the quickest one. WITHIN is by how many ticks the counter is not known.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define READINGS 20000

static uint64_t counter(void)
{
	uint64_t value;

	__asm__ volatile("isb; mrs %0, cntvct_el0; isb" : "=r"(value) : : "memory");
	return value;
}

static uint64_t frequency(void)
{
	uint64_t value;

	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(value));
	return value;
}

int main(void)
{
	uint64_t best = UINT64_MAX, at = 0, ns = 0;

	for (int i = 0; i < READINGS; i++) {
		struct timespec now;
		uint64_t before = counter(), after;

		clock_gettime(CLOCK_MONOTONIC, &now);
		after = counter();
		if (after - before >= best)
			continue;
		best = after - before;
		at = before + best / 2;
		ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	}
	printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", at, ns, best, frequency());
	return 0;
}
