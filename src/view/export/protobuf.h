/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes protobuf messages into memory. What finds no room is left out. Most of an export's time is spent here: what its events are
 * made of is inline, and works on a pointer: behind each byte that is stored in a struct, all that the struct has is read again.
 */
#ifndef VIEW_EXPORT_PROTOBUF_H
#define VIEW_EXPORT_PROTOBUF_H

#include <stddef.h>
#include <stdint.h>

#define PROTOBUF_MAX 8192	/* bytes of a message */
#define PROTOBUF_ROOM 65536	/* of messages one behind the other */
#define PROTOBUF_VARINT_MAX 10
#define PROTOBUF_FIELD_MAX (2 + PROTOBUF_VARINT_MAX)	/* a number, or the begin of a message */
#define PROTOBUF_LENGTH 2	/* bytes of the length of a message inside: a varint that may be longer than it needs to be */

_Static_assert(PROTOBUF_MAX < 1 << 14, "lengths take two bytes");

enum { PROTOBUF_VARINT = 0, PROTOBUF_BYTES = 2 };	/* wire types */

struct protobuf {
	uint8_t bytes[PROTOBUF_ROOM];
	size_t size;
	size_t limit;	/* where the message must end: at most PROTOBUF_ROOM */
};

/*
 * Fields where there is known to be room, PROTOBUF_FIELD_MAX bytes for each: they return where the next one goes.
 * field is a constant below 2048.
 */

uint8_t *protobuf_put_varint(uint8_t *at, uint64_t value);

/* The same; most are small. */
static inline uint8_t *protobuf_put_value(uint8_t *at, uint64_t value)
{
	if (value >= 0x80)
		return protobuf_put_varint(at, value);
	*at = value;
	return at + 1;
}

static inline uint8_t *protobuf_put_tag(uint8_t *at, unsigned int field, unsigned int wire_type)
{
	unsigned int tag = field << 3 | wire_type;

	if (tag < 0x80) {
		*at = tag;
		return at + 1;
	}
	at[0] = tag | 0x80;
	at[1] = tag >> 7;
	return at + 2;
}

static inline uint8_t *protobuf_put_number(uint8_t *at, unsigned int field, uint64_t value)
{
	return protobuf_put_value(protobuf_put_tag(at, field, PROTOBUF_VARINT), value);
}

/* Messages inside: what comes in between is theirs. At most 2^14 - 1 bytes, which PROTOBUF_MAX ensures. */
static inline uint8_t *protobuf_put_open(uint8_t *at, unsigned int field)
{
	return protobuf_put_tag(at, field, PROTOBUF_BYTES) + PROTOBUF_LENGTH;
}

/* opened: what protobuf_put_open() returned; at: the end of the message. */
static inline void protobuf_put_close(uint8_t *opened, const uint8_t *at)
{
	size_t length = at - opened;

	opened[-2] = (length & 0x7f) | 0x80;
	opened[-1] = length >> 7;
}

/* --- the same for what is written seldom, with a look whether there is room */

/* uint, int (as two's complement), bool, enum */
void protobuf_number(struct protobuf *p, unsigned int field, uint64_t value);
void protobuf_text(struct protobuf *p, unsigned int field, const char *text);

/* 0: no room; no message starts there. */
size_t protobuf_open(struct protobuf *p, unsigned int field);
void protobuf_close(struct protobuf *p, size_t opened);

/* An outer message, for which there is room: at most PROTOBUF_MAX bytes from here on. */
size_t protobuf_begin(struct protobuf *p, unsigned int field);

#endif
