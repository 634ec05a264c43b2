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

#define LINE_ROOM 512		/* longer lines are written in pieces */
#define LINE_DIGITS 20		/* of UINT64_MAX */
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

/* --- numbers: their digits are the last of these, from the return value on */

static inline unsigned int line_decimal(char digits[LINE_DIGITS], uint64_t value)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748"
				    "4950515253545556575859606162636465666768697071727374757677787980818283848586878889909192939495969798"
				    "99";
	unsigned int at = LINE_DIGITS;

	for (; value >= 100; value /= 100) {
		at -= 2;
		memcpy(digits + at, pairs + value % 100 * 2, 2);
	}
	if (value < 10) {
		digits[--at] = (char)('0' + value);
		return at;
	}
	at -= 2;
	memcpy(digits + at, pairs + value * 2, 2);
	return at;
}

static inline unsigned int line_hexadecimal(char digits[LINE_DIGITS], uint64_t value)
{
	unsigned int at = LINE_DIGITS;

	do {
		digits[--at] = "0123456789abcdef"[value & 15];
		value >>= 4;
	} while (value);
	return at;
}

/* In so many columns at least, up to LINE_FIELD, filled up in front with pad; length up to LINE_FIELD, too. */
static inline void line_right(struct line *p, const char *text, unsigned int length, unsigned int width, char pad)
{
	line_room(p, LINE_FIELD);
	for (; width > length; width--)
		p->text[p->size++] = pad;
	memcpy(p->text + p->size, text, length);
	p->size += length;
}

static inline void line_u64(struct line *p, uint64_t value, unsigned int width, char pad)
{
	char digits[LINE_DIGITS];
	unsigned int at = line_decimal(digits, value);

	line_right(p, digits + at, LINE_DIGITS - at, width, pad);
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
	unsigned int at = line_hexadecimal(digits, value);

	line_bytes(p, "0x", 2);
	line_right(p, digits + at, LINE_DIGITS - at, width, '0');
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
