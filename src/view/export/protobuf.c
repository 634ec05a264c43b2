/* SPDX-License-Identifier: GPL-2.0-only */
#include "view/export/protobuf.h"

#include <string.h>

enum { WIRE_VARINT = 0, WIRE_BYTES = 2 };

#define VARINT_MAX 10
#define LENGTH_BYTES 2	/* of a message inside: a varint that may be longer than it needs to be */

_Static_assert(PROTOBUF_MAX < 1 << 14, "lengths take two bytes");

size_t protobuf_varint(uint8_t *out, uint64_t value)
{
	size_t size = 0;

	for (; value >= 0x80; value >>= 7)
		out[size++] = value | 0x80;
	out[size++] = value;
	return size;
}

static bool has_room(struct protobuf *p, size_t size)
{
	if (PROTOBUF_MAX - p->size >= size)
		return true;
	p->cut = true;
	return false;
}

static void put(struct protobuf *p, uint64_t value)
{
	p->size += protobuf_varint(p->bytes + p->size, value);
}

void protobuf_number(struct protobuf *p, unsigned int field, uint64_t value)
{
	if (!has_room(p, 2 * VARINT_MAX))
		return;
	put(p, field << 3 | WIRE_VARINT);
	put(p, value);
}

void protobuf_text(struct protobuf *p, unsigned int field, const char *text)
{
	size_t length = strlen(text);

	if (length > PROTOBUF_MAX || !has_room(p, 2 * VARINT_MAX + length)) {
		p->cut = true;
		return;
	}
	put(p, field << 3 | WIRE_BYTES);
	put(p, length);
	memcpy(p->bytes + p->size, text, length);
	p->size += length;
}

/* 0: no room; no message starts there. */
size_t protobuf_open(struct protobuf *p, unsigned int field)
{
	if (!has_room(p, VARINT_MAX + LENGTH_BYTES))
		return 0;
	put(p, field << 3 | WIRE_BYTES);
	p->size += LENGTH_BYTES;
	return p->size;
}

void protobuf_close(struct protobuf *p, size_t opened)
{
	size_t length = p->size - opened;

	if (!opened)
		return;
	p->bytes[opened - 2] = (length & 0x7f) | 0x80;
	p->bytes[opened - 1] = length >> 7;
}
