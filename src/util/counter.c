// SPDX-License-Identifier: GPL-2.0-only
#include "util/counter.h"

#include "util/clock.h"

#define TRIES 8		/* one of them is hardly interrupted */

#if defined(__aarch64__)

uint32_t counter_hz(void)
{
	uint64_t hz;

	asm volatile("mrs %0, cntfrq_el0" : "=r" (hz));
	return hz;
}

/* Not before what stands in front of it, nor after what stands behind. */
static uint64_t read_counter(void)
{
	uint64_t ticks;

	asm volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r" (ticks) : : "memory");
	return ticks;
}

#else

uint32_t counter_hz(void)
{
	return 0;
}

static uint64_t read_counter(void)
{
	return 0;
}

#endif

/* Between two looks at the clock: the closer, the better. */
struct counter_look counter_look(void)
{
	struct counter_look best = { .hz = counter_hz(), .error_ns = UINT32_MAX };

	if (!best.hz)
		return (struct counter_look){ 0 };
	for (int i = 0; i < TRIES; i++) {
		uint64_t before_ns = clock_monotonic_ns(), ticks = read_counter(), after_ns = clock_monotonic_ns();
		uint64_t error_ns = (after_ns - before_ns + 1) / 2;

		if (error_ns >= best.error_ns)
			continue;
		best.ticks = ticks;
		best.time_ns = before_ns + error_ns;
		best.error_ns = (uint32_t)error_ns;
	}
	return best;
}
