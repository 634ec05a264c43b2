/* SPDX-License-Identifier: GPL-2.0-only */
/* What codec.c, which puts, and codec_get.c, which gets, have in common; nobody else includes it. */
#ifndef TRACE_CODEC_INSIDE_H
#define TRACE_CODEC_INSIDE_H

#include <endian.h>
#include <string.h>

#include "codec.h"
#include "layouts.h"

#define SHORT_HEADER 3
#define SHORT_MASK ((1ULL << 19) - 1)
#define MEDIUM_HEADER 5
#define MEDIUM_MASK ((1ULL << 30) - 1)
#define LONG_HEADER 11
#define NARROW_MAX 48		/* bytes of the largest narrow layout, rounded up */

/* What is stored in fewer than 32 bits is the low part. */
static inline uint64_t bias(const struct field *f, unsigned int bits)
{
	return f->labels == LABELS_FUNCTION && bits < 32 ? LAYOUT_FUNCTION_BASE : 0;
}

static inline uint64_t load(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return le64toh(value);
}

#endif
