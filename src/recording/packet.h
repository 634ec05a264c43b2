/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The unit of safety: a head (CTF packet.header and packet.context, little-endian,
 * no padding) and items. It is written whole, and its CRC says whether it was.
 */
#ifndef RECORDING_PACKET_H
#define RECORDING_PACKET_H

#include "recording/codec.h"

#define PACKET_MAGIC 0xC1FC1FC1U	/* CTF's */

enum packet_holds {
	PACKET_EVENTS = 0,
	PACKET_SNAPSHOT = 1,	/* only ITEM_SNAPSHOT and ITEM_NAME: all that lives, at its begin; a reader may start here */
};

/* The head, as it stands in the file. */
struct packet_head {
	uint32_t magic;
	uint8_t uuid[16];
	uint32_t stream_id, stream_instance_id;	/* 0 */
	uint64_t begin_ns, end_ns;		/* CLOCK_MONOTONIC: of the first and last item */
	uint64_t content_bits, packet_bits;	/* whole bytes */
	uint64_t sequence;			/* of all packets of the recording, from 0 */
	uint64_t discarded;			/* so far: records lost in the kernel and items not recorded */
	int64_t wall_offset_ns;			/* CLOCK_REALTIME - CLOCK_MONOTONIC when it was closed */
	uint32_t items;
	uint16_t holds;				/* enum packet_holds */
	uint16_t minor;				/* RECORDING_MINOR of the writer: metadata may be missing */
	uint32_t crc;				/* CRC-32 (zlib's) of the whole packet, these four bytes as 0 */
} __attribute__((packed));

_Static_assert(sizeof(struct packet_head) == 96, "the format of a recording");

struct packet {
	union {
		struct packet_head head;	/* complete after packet_close() */
		uint8_t bytes[RECORDING_PACKET_MAX];
	};
	size_t size;
	uint64_t clock_ns;
};

/* Empties it. Nothing in it will be from before not_before_ns, the end of the packet before: late items are put there. */
void packet_open(struct packet *p, const uint8_t uuid[16], enum packet_holds holds, uint64_t not_before_ns);

/* Appends an item. False: no room, nothing was done. */
bool packet_put(struct packet *p, const struct recording_item *item);

bool packet_is_empty(const struct packet *p);

/* Completes the head; p->bytes, p->size is what is to be written. */
void packet_close(struct packet *p, uint64_t sequence, uint64_t discarded, int64_t wall_offset_ns);

enum packet_verdict {
	PACKET_WHOLE,
	PACKET_NOT_ONE,		/* no magic, or sizes that cannot be */
	PACKET_FOREIGN,		/* whole, but of another recording (uuid) or stream */
	PACKET_CUT,		/* size bytes are not all of it */
	PACKET_DAMAGED,		/* CRC */
};

/* Looks at size bytes. uuid may be NULL: any. head is filled unless PACKET_NOT_ONE. */
enum packet_verdict packet_check(const uint8_t *bytes, size_t size, const uint8_t uuid[16], struct packet_head *head);

/* The same without its content, which may be missing: never PACKET_CUT, never PACKET_DAMAGED. */
enum packet_verdict packet_check_head(const uint8_t *bytes, size_t size, const uint8_t uuid[16], struct packet_head *head);

#endif
