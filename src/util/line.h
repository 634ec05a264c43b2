/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text that is put together in memory and written in one piece, for what is printed by the million: a field costs some stores where
 * printf() has to read a format.
 */
#ifndef UTIL_LINE_H
#define UTIL_LINE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "util/clock.h"

#define LINE_ROOM 512		/* longer lines are written in pieces */
#define LINE_DIGITS 20		/* of UINT64_MAX */
#define LINE_SECONDS (LINE_DIGITS + 1)	/* of that many nanoseconds as seconds */
#define LINE_FIELD 64		/* of padding and a number at most */

struct line {
	FILE *out;
	unsigned int size;
	char text[LINE_ROOM];
};

/* Nothing else may write to out until line_end(). */
static inline void line_begin(struct line *p, FILE *out)
{
	p->out = out;
	p->size = 0;
}

/* Writes what is there. Whether out took it is for the caller to see. */
static inline void line_end(struct line *p)
{
	fwrite_unlocked(p->text, 1, p->size, p->out);
	p->size = 0;
}

static inline void line_room(struct line *p, size_t more)
{
	if (__builtin_expect(p->size + more > LINE_ROOM, 0))
		line_end(p);
}

static inline void line_bytes(struct line *p, const char *bytes, size_t size)
{
	line_room(p, size);
	if (__builtin_expect(size > LINE_ROOM, 0)) {
		fwrite_unlocked(bytes, 1, size, p->out);
		return;
	}
	memcpy(p->text + p->size, bytes, size);
	p->size += size;
}

static inline void line_text(struct line *p, const char *text)
{
	line_bytes(p, text, strlen(text));
}

static inline void line_char(struct line *p, char c)
{
	line_room(p, 1);
	p->text[p->size++] = c;
}

/* --- numbers, from `to` on; where they end */

static inline unsigned int line_digit_count(uint64_t value)
{
	static const uint64_t powers[LINE_DIGITS] = {
		0, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000, 1000000000000,
		10000000000000, 100000000000000, 1000000000000000, 10000000000000000, 100000000000000000, 1000000000000000000,
		10000000000000000000U,
	};
	unsigned int least = (64 - (unsigned int)__builtin_clzll(value | 1)) * 1233 >> 12;	/* bits times log10(2) */

	return least + (value >= powers[least]);
}

/* The last count digits, zeros in front. */
static inline char *line_digits(char *to, uint64_t value, unsigned int count)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748"
				    "4950515253545556575859606162636465666768697071727374757677787980818283848586878889909192939495969798"
				    "99";
	char *at = to + count;

	for (; at - to >= 2; value /= 100) {
		at -= 2;
		memcpy(at, pairs + value % 100 * 2, 2);
	}
	if (at > to)
		*to = (char)('0' + value % 10);
	return to + count;
}

/* Up to LINE_DIGITS. */
static inline char *line_decimal(char *to, uint64_t value)
{
	return line_digits(to, value, line_digit_count(value));
}

/* Up to LINE_DIGITS. */
static inline char *line_hexadecimal(char *to, uint64_t value)
{
	unsigned int count = (67 - (unsigned int)__builtin_clzll(value | 1)) / 4;

	for (unsigned int i = count; i-- > 0; value >>= 4)
		to[i] = "0123456789abcdef"[value & 15];
	return to + count;
}

/* ns as seconds, exact: 1500000000 is 1.5. Up to LINE_SECONDS. */
static inline char *line_seconds(char *to, uint64_t ns)
{
	to = line_decimal(to, ns / NS_PER_SEC);
	if (!(ns % NS_PER_SEC))
		return to;
	*to = '.';
	to = line_digits(to + 1, ns % NS_PER_SEC, 9);
	while (to[-1] == '0')
		to--;
	return to;
}

/* --- fields */

/* In so many columns at least, up to LINE_FIELD, filled up in front with pad; length up to LINE_FIELD, too. */
static inline void line_right(struct line *p, const char *text, unsigned int length, unsigned int width, char pad)
{
	line_room(p, LINE_FIELD);
	for (; width > length; width--)
		p->text[p->size++] = pad;
	memcpy(p->text + p->size, text, length);
	p->size += length;
}

/* In so many columns at least, up to LINE_FIELD, as line_right(). */
static inline void line_u64(struct line *p, uint64_t value, unsigned int width, char pad)
{
	unsigned int count = line_digit_count(value);

	line_room(p, LINE_FIELD);
	for (; width > count; width--)
		p->text[p->size++] = pad;
	line_digits(p->text + p->size, value, count);
	p->size += count;
}

static inline void line_i64(struct line *p, int64_t value)
{
	if (value < 0)
		line_char(p, '-');
	line_u64(p, value < 0 ? -(uint64_t)value : (uint64_t)value, 0, ' ');
}

/* With 0x in front. */
static inline void line_hex(struct line *p, uint64_t value, unsigned int width)
{
	char digits[LINE_DIGITS];

	line_bytes(p, "0x", 2);
	line_right(p, digits, (unsigned int)(line_hexadecimal(digits, value) - digits), width, '0');
}

/* In so many columns at least, up to LINE_FIELD, filled up behind. */
static inline void line_left(struct line *p, const char *text, unsigned int width)
{
	size_t length = strlen(text);

	line_bytes(p, text, length);
	line_room(p, LINE_FIELD);
	for (; width > length; width--)
		p->text[p->size++] = ' ';
}

#endif
