// SPDX-License-Identifier: GPL-2.0-only
#include "clock.h"

#include <stdlib.h>
#include <time.h>

#define TRIES 16

struct pair {
	uint64_t ticks, ns, width;	/* width: ns between the two clock readings around the counter's */
};

static struct pair *pairs;
static unsigned int nr_pairs, capacity;

uint64_t clock_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

#ifdef __aarch64__
static uint64_t counter(void)
{
	uint64_t ticks;

	asm volatile("isb; mrs %0, cntvct_el0; isb" : "=r"(ticks) : : "memory");
	return ticks;
}

uint64_t clock_frequency(void)
{
	uint64_t hz;

	asm volatile("mrs %0, cntfrq_el0" : "=r"(hz));
	return hz;
}
#else
static uint64_t counter(void)
{
	uint32_t low, high;

	asm volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

/* The time stamp counter does not say: what it made of the sampled time. */
uint64_t clock_frequency(void)
{
	const struct pair *first = pairs, *last = &pairs[nr_pairs - 1];

	if (nr_pairs < 2 || last->ns == first->ns)
		return 1000000000;
	return (uint64_t)((__int128)(last->ticks - first->ticks) * 1000000000 / (last->ns - first->ns));
}
#endif

static struct pair take_pair(void)
{
	uint64_t before = clock_now_ns(), ticks = counter(), after = clock_now_ns();

	return (struct pair){ ticks, before + (after - before) / 2, after - before };
}

/* The narrowest of a few: the others were interrupted between their readings. */
void clock_sample(void)
{
	struct pair best = take_pair();

	for (int i = 1; i < TRIES; i++) {
		struct pair next = take_pair();

		if (next.width < best.width)
			best = next;
	}
	if (nr_pairs == capacity) {
		capacity = capacity ? capacity * 2 : 256;
		pairs = realloc(pairs, capacity * sizeof(*pairs));
		if (!pairs)
			abort();
	}
	pairs[nr_pairs++] = best;
}

/* The last pair but one that is not after `ticks`: the line through it and the next one holds `ticks`. */
static unsigned int segment(uint64_t ticks)
{
	unsigned int low = 0, high = nr_pairs - 1;

	while (high - low > 1) {
		unsigned int middle = low + (high - low) / 2;

		if (pairs[middle].ticks <= ticks)
			low = middle;
		else
			high = middle;
	}
	return low;
}

uint64_t clock_to_ns(uint64_t ticks)
{
	const struct pair *a, *b;

	if (!ticks || nr_pairs < 2)
		return 0;
	a = &pairs[segment(ticks)];
	b = a + 1;
	return a->ns + (int64_t)((__int128)(int64_t)(ticks - a->ticks) * (int64_t)(b->ns - a->ns) /
				 (int64_t)(b->ticks - a->ticks));
}

uint64_t clock_error_ns(void)
{
	uint64_t widest = 0;

	for (unsigned int i = 0; i < nr_pairs; i++)
		if (pairs[i].width > widest)
			widest = pairs[i].width;
	return widest / 2 + 2 * 1000000000ull / clock_frequency() + 1;
}
