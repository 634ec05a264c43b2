/* SPDX-License-Identifier: GPL-2.0-only */
/* Sums that stop at the largest value instead of beginning anew. */
#ifndef UTIL_SATURATE_H
#define UTIL_SATURATE_H

#include <stdint.h>

static inline uint32_t saturate_add32(uint32_t a, uint64_t b)
{
	return b > UINT32_MAX - a ? UINT32_MAX : a + (uint32_t)b;
}

#endif
