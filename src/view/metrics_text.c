// SPDX-License-Identifier: GPL-2.0-only
#include "metrics_text.h"

#include <stdlib.h>

#include "escape.h"

#define DIGITS 20	/* of UINT64_MAX */
#define NS_PER_SEC 1000000000ULL

void metrics_text_grow(struct metrics_text *t, size_t more)
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

void metrics_put_u64(struct metrics_text *t, uint64_t value)
{
	char digits[DIGITS];
	unsigned int count = to_digits(value, digits);

	metrics_put(t, digits + DIGITS - count, count);
}

void metrics_put_seconds(struct metrics_text *t, uint64_t ns)
{
	char fraction[10] = ".";
	uint64_t rest = ns % NS_PER_SEC;
	size_t size = sizeof(fraction);

	metrics_put_u64(t, ns / NS_PER_SEC);
	if (!rest)
		return;
	for (size_t i = size - 1; i > 0; i--, rest /= 10)
		fraction[i] = (char)('0' + rest % 10);
	while (fraction[size - 1] == '0')
		size--;
	metrics_put(t, fraction, size);
}

static void put_character(struct metrics_text *t, const char *bytes, unsigned int length, uint32_t code)
{
	if (code == '\n')
		metrics_puts(t, "\\n");
	else if (!length || escape_is_unsafe(code))
		metrics_puts(t, "\xef\xbf\xbd");
	else if (code == '\\' || code == '"')
		metrics_put(t, code == '"' ? "\\\"" : "\\\\", 2);
	else
		metrics_put(t, bytes, length);
}

void metrics_put_label(struct metrics_text *t, const char *name, size_t max)
{
	const char *end = name + strnlen(name, max);

	while (name < end && *name) {
		uint32_t code = 0;
		unsigned int length = utf8_decode(name, &code);

		if (name + length > end)
			break;
		put_character(t, name, length, code);
		name += length ? length : 1;
	}
}
