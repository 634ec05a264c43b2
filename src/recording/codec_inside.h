/* SPDX-License-Identifier: GPL-2.0-only */
/* What codec.c, which puts, and codec_get.c, which gets, have in common; nobody else includes it. */
#ifndef RECORDING_CODEC_INSIDE_H
#define RECORDING_CODEC_INSIDE_H

#include <endian.h>
#include <string.h>

#include "recording/codec.h"
#include "recording/layouts.h"

#define SHORT_HEADER 3
#define SHORT_MASK ((1ULL << 19) - 1)
#define MEDIUM_HEADER 5
#define MEDIUM_MASK ((1ULL << 30) - 1)
#define LONG_HEADER 11
#define NARROW_MAX 48		/* bytes of the largest narrow layout, rounded up */

#define always_inline inline __attribute__((always_inline))

/* What is stored in fewer than 32 bits is the low part. */
static inline uint64_t bias(const struct field *f, unsigned int bits)
{
	return f->labels == LABELS_FUNCTION && bits < 32 ? LAYOUT_FUNCTION_BASE : 0;
}

/* As many as a narrow layout may have; written out, because not every compiler unrolls a loop that ends early. */
#define FIELD_NUMBERS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define HAS_FIELD(i) (count > (i))
_Static_assert(FIELDS_MAX == 12, "FIELD_NUMBERS");

static always_inline unsigned int count_fields(const struct field *fields)
{
	unsigned int count = 0;

#define X(i) if (count == (i) && fields[i].name) count++;
	FIELD_NUMBERS(X)
#undef X
	return count;
}

static inline uint64_t load(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return le64toh(value);
}

#endif
