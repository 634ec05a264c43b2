/* SPDX-License-Identifier: GPL-2.0-only */
#include "view/export/protobuf.h"

#include <string.h>

#define LENGTH_BYTES 2	/* of a message inside: a varint that may be longer than it needs to be */

_Static_assert(PROTOBUF_MAX < 1 << 14, "lengths take two bytes");

void protobuf_text(struct protobuf *p, unsigned int field, const char *text)
{
	size_t length = strlen(text);

	if (length > PROTOBUF_MAX || !protobuf_has_room(p, 2 * PROTOBUF_VARINT_MAX + length))
		return;
	protobuf_tag(p, field, PROTOBUF_BYTES);
	protobuf_varint(p, length);
	memcpy(p->bytes + p->size, text, length);
	p->size += length;
}

/* 0: no room; no message starts there. */
size_t protobuf_open(struct protobuf *p, unsigned int field)
{
	if (!protobuf_has_room(p, PROTOBUF_VARINT_MAX + LENGTH_BYTES))
		return 0;
	protobuf_tag(p, field, PROTOBUF_BYTES);
	p->size += LENGTH_BYTES;
	return p->size;
}

size_t protobuf_begin(struct protobuf *p, unsigned int field)
{
	p->limit = p->size + PROTOBUF_MAX;
	return protobuf_open(p, field);
}

void protobuf_close(struct protobuf *p, size_t opened)
{
	size_t length = p->size - opened;

	if (!opened)
		return;
	p->bytes[opened - 2] = (length & 0x7f) | 0x80;
	p->bytes[opened - 1] = length >> 7;
}
