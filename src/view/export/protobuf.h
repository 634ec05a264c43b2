/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes a protobuf message into memory. What finds no room is left out, and cut is set. */
#ifndef VIEW_EXPORT_PROTOBUF_H
#define VIEW_EXPORT_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROTOBUF_MAX 8192

struct protobuf {
	uint8_t bytes[PROTOBUF_MAX];
	size_t size;
	bool cut;
};

void protobuf_number(struct protobuf *p, unsigned int field, uint64_t value);	/* uint, int (as two's complement), bool, enum */
void protobuf_text(struct protobuf *p, unsigned int field, const char *text);

/* Messages inside: what comes in between is theirs. At most 2^14 - 1 bytes, which PROTOBUF_MAX ensures. */
size_t protobuf_open(struct protobuf *p, unsigned int field);
void protobuf_close(struct protobuf *p, size_t opened);

/* The varint of value; the bytes written, at most 10. */
size_t protobuf_varint(uint8_t *out, uint64_t value);

#endif
