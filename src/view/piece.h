/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text that is put together in memory and written in one piece, for what is printed by the million: a field costs some stores where
 * printf() has to read a format.
 */
#ifndef VIEW_PIECE_H
#define VIEW_PIECE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define PIECE_ROOM 512		/* longer lines are written in pieces */
#define PIECE_DIGITS 20		/* of UINT64_MAX */
#define PIECE_FIELD 64		/* of padding and a number at most */

struct piece {
	FILE *out;
	unsigned int size;
	char text[PIECE_ROOM];
};

/* Nothing else may write to out until piece_end(). */
static inline void piece_begin(struct piece *p, FILE *out)
{
	p->out = out;
	p->size = 0;
}

/* Writes what is there. Whether out took it is for the caller to see. */
static inline void piece_end(struct piece *p)
{
	fwrite_unlocked(p->text, 1, p->size, p->out);
	p->size = 0;
}

static inline void piece_room(struct piece *p, size_t more)
{
	if (__builtin_expect(p->size + more > PIECE_ROOM, 0))
		piece_end(p);
}

static inline void piece_bytes(struct piece *p, const char *bytes, size_t size)
{
	piece_room(p, size);
	if (__builtin_expect(size > PIECE_ROOM, 0)) {
		fwrite_unlocked(bytes, 1, size, p->out);
		return;
	}
	memcpy(p->text + p->size, bytes, size);
	p->size += size;
}

static inline void piece_text(struct piece *p, const char *text)
{
	piece_bytes(p, text, strlen(text));
}

static inline void piece_char(struct piece *p, char c)
{
	piece_room(p, 1);
	p->text[p->size++] = c;
}

/* --- numbers: their digits are the last of these, from the return value on */

static inline unsigned int piece_decimal(char digits[PIECE_DIGITS], uint64_t value)
{
	unsigned int at = PIECE_DIGITS;

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	return at;
}

static inline unsigned int piece_hexadecimal(char digits[PIECE_DIGITS], uint64_t value)
{
	unsigned int at = PIECE_DIGITS;

	do {
		digits[--at] = "0123456789abcdef"[value & 15];
		value >>= 4;
	} while (value);
	return at;
}

/* In so many columns at least, up to PIECE_FIELD, filled up in front with pad; length up to PIECE_DIGITS. */
static inline void piece_right(struct piece *p, const char *text, unsigned int length, unsigned int width, char pad)
{
	piece_room(p, PIECE_FIELD);
	for (; width > length; width--)
		p->text[p->size++] = pad;
	memcpy(p->text + p->size, text, length);
	p->size += length;
}

static inline void piece_u64(struct piece *p, uint64_t value, unsigned int width, char pad)
{
	char digits[PIECE_DIGITS];
	unsigned int at = piece_decimal(digits, value);

	piece_right(p, digits + at, PIECE_DIGITS - at, width, pad);
}

static inline void piece_i64(struct piece *p, int64_t value)
{
	if (value < 0)
		piece_char(p, '-');
	piece_u64(p, value < 0 ? -(uint64_t)value : (uint64_t)value, 0, ' ');
}

/* With 0x in front. */
static inline void piece_hex(struct piece *p, uint64_t value, unsigned int width)
{
	char digits[PIECE_DIGITS];
	unsigned int at = piece_hexadecimal(digits, value);

	piece_bytes(p, "0x", 2);
	piece_right(p, digits + at, PIECE_DIGITS - at, width, '0');
}

/* In so many columns at least, up to PIECE_FIELD, filled up behind. */
static inline void piece_left(struct piece *p, const char *text, unsigned int width)
{
	size_t length = strlen(text);

	piece_bytes(p, text, length);
	piece_room(p, PIECE_FIELD);
	for (; width > length; width--)
		p->text[p->size++] = ' ';
}

#endif
