/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers that are the same on every run: from one seed, which is never 0, one after the other (xorshift64). */
#ifndef TESTS_RANDOM_BITS_H
#define TESTS_RANDOM_BITS_H

#include <stdint.h>

static inline uint64_t random_bits(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* 0 … below - 1 */
static inline uint32_t random_below(uint64_t *seed, uint32_t below)
{
	return (uint64_t)(uint32_t)(random_bits(seed) >> 16) * below >> 32;
}

#endif
