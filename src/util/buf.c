// SPDX-License-Identifier: GPL-2.0-only
#include "util/buf.h"

#include <stdlib.h>
#include "util/clock.h"

#define DIGITS 20	/* of UINT64_MAX */

void buf_grow(struct buf *t, size_t more)
{
	size_t room = t->room ? t->room : 4096;
	char *bytes;

	while (room - t->size < more)
		room *= 2;
	bytes = t->failed ? NULL : realloc(t->bytes, room);
	if (!bytes) {
		t->failed = true;
		return;
	}
	t->bytes = bytes;
	t->room = room;
}

/* Writes the digits to the end of digits; how many. */
static unsigned int to_digits(uint64_t value, char digits[DIGITS])
{
	unsigned int count = 0;

	do {
		digits[DIGITS - ++count] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	return count;
}

void buf_put_u64(struct buf *t, uint64_t value)
{
	char digits[DIGITS];
	unsigned int count = to_digits(value, digits);

	buf_put(t, digits + DIGITS - count, count);
}

void buf_put_seconds(struct buf *t, uint64_t ns)
{
	char fraction[10] = ".";
	uint64_t rest = ns % NS_PER_SEC;
	size_t size = sizeof(fraction);

	buf_put_u64(t, ns / NS_PER_SEC);
	if (!rest)
		return;
	for (size_t i = size - 1; i > 0; i--, rest /= 10)
		fraction[i] = (char)('0' + rest % 10);
	while (fraction[size - 1] == '0')
		size--;
	buf_put(t, fraction, size);
}
