/* SPDX-License-Identifier: GPL-2.0-only */
/* The CRC is zlib's, whatever the length, the alignment and what came before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "util/crc32.h"
#include "tests/random_bits.h"

#define LONGEST 70000

static uint64_t seed = 3;

/* The bytes end where the memory ends, for the sanitizer to session. */
static void check(size_t size, unsigned int offset)
{
	uint8_t *bytes = malloc(size + offset + 1);
	uint32_t before = random_bits(&seed) % 4 ? random_bits(&seed) : 0;
	uint8_t *end = bytes + offset + size, *tight;

	for (uint8_t *at = bytes; at < end; at++)
		*at = random_bits(&seed) >> 32;
	tight = malloc(size ?: 1);
	memcpy(tight, bytes + offset, size);
	assert_int_equal(crc32_of(before, bytes + offset, size), crc32(before, bytes + offset, size));
	assert_int_equal(crc32_of(before, tight, size), crc32(before, tight, size));
	free(tight);
	free(bytes);
}

static void test_every_short_length(void **state)
{
	for (size_t size = 0; size < 400; size++)
		for (unsigned int offset = 0; offset < 16; offset++)
			check(size, offset);
}

static void test_long(void **state)
{
	for (int i = 0; i < 300; i++)
		check(random_bits(&seed) % LONGEST, random_bits(&seed) % 16);
}

/* In pieces it is the same as at once. */
static void test_pieces(void **state)
{
	uint8_t bytes[3000];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = random_bits(&seed) >> 32;
	for (int round = 0; round < 1000; round++) {
		uint32_t crc = 0;
		size_t at = 0;

		while (at < sizeof(bytes)) {
			size_t piece = 1 + random_bits(&seed) % 300;

			if (piece > sizeof(bytes) - at)
				piece = sizeof(bytes) - at;
			crc = crc32_of(crc, bytes + at, piece);
			at += piece;
		}
		assert_int_equal(crc, crc32(0, bytes, sizeof(bytes)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_short_length),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
