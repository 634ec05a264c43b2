/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walks the packets of a recording, file by file: finds the next one that is whole, and says what it had to skip.
 * Memory is one buffer of the largest packet's size.
 */
#ifndef RECORDING_CURSOR_H
#define RECORDING_CURSOR_H

#include "recording/files.h"
#include "recording/packet.h"
#include "recording/reader.h"

struct cursor;

/* The directory and the files stay the caller's. report, which may be NULL, is called in the order of the bytes. NULL: no memory. */
struct cursor *cursor_new(int directory, const struct stream_file *files, size_t count,
			  void (*report)(void *ctx, const struct reader_problem *problem), void *ctx);
void cursor_free(struct cursor *c);	/* NULL is fine */

/* Only packets of this recording; until then, the first packet's is taken. */
void cursor_set_uuid(struct cursor *c, const uint8_t uuid[16]);

/* Whether the content of that packet matters. */
typedef bool (*cursor_wants_t)(void *ctx, const struct packet_head *head);

/*
 * The next packet: its head in *head, its bytes in *bytes, valid until the next call. False at the end. What wants() refuses is
 * there in full length, but was not read: *bytes is NULL and nothing was checked but the head. wants NULL: all matter.
 */
bool cursor_next(struct cursor *c, struct packet_head *head, const uint8_t **bytes, cursor_wants_t wants, void *ctx);

/* Where the packet that was last returned begins, and going there: the next packet is that one. 0 or -errno. */
struct cursor_place {
	size_t file;
	uint64_t offset;
};
struct cursor_place cursor_place(const struct cursor *c);
int cursor_go(struct cursor *c, struct cursor_place place);

const char *cursor_file_name(const struct cursor *c);	/* of that packet; to report(), of what it is about */
uint32_t cursor_file_number(const struct cursor *c);
uint64_t cursor_bytes_done(const struct cursor *c);	/* on disk */

/* Bytes that were checked since cursor_go() because something looked like a packet and was none: what damage, or a liar, costs. */
uint64_t cursor_searched(const struct cursor *c);

#endif
