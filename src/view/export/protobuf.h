/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes protobuf messages into memory. What finds no room is left out. */
#ifndef VIEW_EXPORT_PROTOBUF_H
#define VIEW_EXPORT_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROTOBUF_MAX 8192	/* bytes of a message */
#define PROTOBUF_ROOM 65536	/* of messages one behind the other */
#define PROTOBUF_VARINT_MAX 10

enum { PROTOBUF_VARINT = 0, PROTOBUF_BYTES = 2 };	/* wire types */

struct protobuf {
	uint8_t bytes[PROTOBUF_ROOM];
	size_t size;
	size_t limit;	/* where the message must end: at most PROTOBUF_ROOM */
};

/* For this module. */
static inline bool protobuf_has_room(const struct protobuf *p, size_t size)
{
	return p->limit - p->size >= size;
}

static inline void protobuf_varint(struct protobuf *p, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		p->bytes[p->size++] = value | 0x80;
	p->bytes[p->size++] = value;
}

static inline void protobuf_tag(struct protobuf *p, unsigned int field, unsigned int wire_type)
{
	protobuf_varint(p, field << 3 | wire_type);
}

/* uint, int (as two's complement), bool, enum */
static inline void protobuf_number(struct protobuf *p, unsigned int field, uint64_t value)
{
	if (!protobuf_has_room(p, 2 * PROTOBUF_VARINT_MAX))
		return;
	protobuf_tag(p, field, PROTOBUF_VARINT);
	protobuf_varint(p, value);
}

void protobuf_text(struct protobuf *p, unsigned int field, const char *text);

/* Messages inside: what comes in between is theirs. At most 2^14 - 1 bytes, which PROTOBUF_MAX ensures. */
size_t protobuf_open(struct protobuf *p, unsigned int field);
void protobuf_close(struct protobuf *p, size_t opened);

/* The same for an outer message, for which there is room: at most PROTOBUF_MAX bytes from here on. */
size_t protobuf_begin(struct protobuf *p, unsigned int field);

#endif
