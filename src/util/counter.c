// SPDX-License-Identifier: GPL-2.0-only
#include "util/counter.h"

#include "util/clock.h"
#include "util/saturate.h"

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

struct counter_look counter_look(void)
{
	struct clock_reading ticks;
	uint64_t error_ns;

	if (!counter_hz())
		return (struct counter_look){ 0 };
	ticks = clock_read_beside(read_counter, 0);
	error_ns = (ticks.took_ns + 1) / 2;
	return (struct counter_look){
		.ticks = ticks.value, .time_ns = ticks.before_ns + error_ns, .error_ns = saturate_add32(0, error_ns), .hz = counter_hz(),
	};
}
