/* SPDX-License-Identifier: GPL-2.0-only */
#include "util/crc32.h"

#include <zlib.h>

#if defined(__x86_64__)
#include <immintrin.h>

#define BLOCK 16		/* what one register folds at a time */
#define STRIDE (4 * BLOCK)

/*
 * x is a polynomial of 128 bits (bit 0 stands for the highest power, as everywhere in this CRC), whose remainder is wanted. Its
 * halves, multiplied by x^(distance + 32) and x^(distance - 32) modulo the CRC's polynomial, may be added to what stands distance
 * bits further on without changing the remainder of the whole.
 */
#define CLMUL __attribute__((target("pclmul,sse2")))
static inline CLMUL __m128i fold(__m128i x, __m128i factors, __m128i next)
{
	return _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(x, factors, 0x00), _mm_clmulepi64_si128(x, factors, 0x11)), next);
}

static inline CLMUL __m128i load(const uint8_t *bytes)
{
	return _mm_loadu_si128((const __m128i *)bytes);
}

/* Of whole blocks, at least four. */
static CLMUL uint32_t crc_of_blocks(uint32_t crc, const uint8_t *bytes, size_t size)
{
	const __m128i by_stride = _mm_set_epi64x(0x1c6e41596, 0x154442bd4);	/* distance 512 */
	const __m128i by_block = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);	/* distance 128 */
	__m128i x[4] = { load(bytes), load(bytes + 16), load(bytes + 32), load(bytes + 48) };
	uint8_t rest[BLOCK];

	x[0] = _mm_xor_si128(x[0], _mm_cvtsi32_si128((int)~crc));
	for (bytes += STRIDE, size -= STRIDE; size >= STRIDE; bytes += STRIDE, size -= STRIDE)
		for (int i = 0; i < 4; i++)
			x[i] = fold(x[i], by_stride, load(bytes + i * BLOCK));
	for (int i = 1; i < 4; i++)
		x[0] = fold(x[0], by_block, x[i]);
	for (; size; bytes += BLOCK, size -= BLOCK)
		x[0] = fold(x[0], by_block, load(bytes));
	_mm_storeu_si128((__m128i *)rest, x[0]);
	/* ~0: the state is 0 after zlib has inverted it. */
	return crc32(UINT32_MAX, rest, sizeof(rest));
}

/* Takes what it can from the front; *size is what is left. */
static uint32_t crc_of_most(uint32_t crc, const uint8_t *bytes, size_t *size)
{
	size_t blocks = *size - *size % BLOCK;

	if (*size < STRIDE || !__builtin_cpu_supports("pclmul"))
		return crc;
	*size -= blocks;
	return crc_of_blocks(crc, bytes, blocks);
}

#elif defined(__aarch64__)
#include <string.h>
#include <sys/auxv.h>

#ifndef HWCAP_CRC32
#define HWCAP_CRC32 (1 << 7)
#endif

static __attribute__((target("+crc"))) uint32_t crc_of_words(uint32_t crc, const uint8_t *bytes, size_t size)
{
	crc = ~crc;
	for (; size; bytes += sizeof(uint64_t), size -= sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, bytes, sizeof(word));
		crc = __builtin_aarch64_crc32x(crc, word);
	}
	return ~crc;
}

static uint32_t crc_of_most(uint32_t crc, const uint8_t *bytes, size_t *size)
{
	size_t words = *size - *size % sizeof(uint64_t);

	if (!(getauxval(AT_HWCAP) & HWCAP_CRC32))
		return crc;
	*size -= words;
	return crc_of_words(crc, bytes, words);
}

#else

static uint32_t crc_of_most(uint32_t crc, const uint8_t *bytes, size_t *size)
{
	return crc;
}

#endif

uint32_t crc32_of(uint32_t crc, const uint8_t *bytes, size_t size)
{
	size_t left = size;

	crc = crc_of_most(crc, bytes, &left);
	return crc32(crc, bytes + size - left, left);
}
