// SPDX-License-Identifier: GPL-2.0-only
#include "view/export/protobuf.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

/* The lowest 56 bits, seven to a byte. */
static uint64_t spread(uint64_t value)
{
	value = (value & 0x000000000fffffff) | (value & 0x00fffffff0000000) << 4;
	value = (value & 0x00003fff00003fff) | (value & 0x0fffc0000fffc000) << 2;
	return (value & 0x007f007f007f007f) | (value & 0x3f803f803f803f80) << 1;
}

/* Times take seven bytes: no branch for each of them. */
uint8_t *protobuf_put_varint(uint8_t *at, uint64_t value)
{
	uint64_t bytes;
	unsigned int last;

	for (; value >> 56; value >>= 7)
		*at++ = value | 0x80;
	bytes = spread(value);
	last = (63 - __builtin_clzll(bytes | 1)) / 8;
	bytes = htole64(bytes | (0x8080808080808080 & ((1ULL << 8 * last) - 1)));
	memcpy(at, &bytes, sizeof(bytes));
	return at + last + 1;
}

static bool has_room(const struct protobuf *p, size_t size)
{
	return p->limit - p->size >= size;
}

void protobuf_number(struct protobuf *p, unsigned int field, uint64_t value)
{
	if (has_room(p, PROTOBUF_FIELD_MAX))
		p->size = protobuf_put_number(p->bytes + p->size, field, value) - p->bytes;
}

void protobuf_text(struct protobuf *p, unsigned int field, const char *text)
{
	size_t length = strlen(text);
	uint8_t *at = p->bytes + p->size;

	if (length > PROTOBUF_MAX || !has_room(p, PROTOBUF_FIELD_MAX + length))
		return;
	at = protobuf_put_varint(protobuf_put_tag(at, field, PROTOBUF_BYTES), length);
	memcpy(at, text, length);
	p->size = at + length - p->bytes;
}

size_t protobuf_open(struct protobuf *p, unsigned int field)
{
	if (!has_room(p, PROTOBUF_FIELD_MAX))
		return 0;
	p->size = protobuf_put_open(p->bytes + p->size, field) - p->bytes;
	return p->size;
}

void protobuf_close(struct protobuf *p, size_t opened)
{
	if (opened)
		protobuf_put_close(p->bytes + opened, p->bytes + p->size);
}

size_t protobuf_begin(struct protobuf *p, unsigned int field)
{
	p->limit = p->size + PROTOBUF_MAX;
	return protobuf_open(p, field);
}
