/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads one BPF ring buffer in place. libbpf's reader copies the position back
 * for every record and cannot stop between two of them; the merge needs to look
 * at a record and leave it there. The layout is kernel ABI: a page with the
 * consumer's position, one with the producer's, then the content, mapped twice
 * in a row so that a record never wraps (kernel/bpf/ringbuf.c).
 */
#ifndef SOURCE_RING_H
#define SOURCE_RING_H

#include <stddef.h>
#include <stdint.h>

struct ring {
	unsigned long *consumer;
	const unsigned long *producer;
	const uint8_t *content;
	unsigned long mask;		/* size of the ring - 1 */
	unsigned long at, end;		/* where this reader is; how far it knows the producer to be */
	unsigned long released;		/* the position that the producer knows */
	uint64_t read;			/* records taken */
};

/* On memory of the same layout: size bytes of content, mapped twice. */
void ring_init(struct ring *ring, unsigned long *consumer, const unsigned long *producer, const void *content,
	       size_t size);

/* On the map fd, whose max_entries is size. 0 or -errno. */
int ring_map(struct ring *ring, int fd, size_t size);
void ring_unmap(struct ring *ring);

/* Bytes that the producer has put there, or reserved, and that were not given back; 0 for a ring that was never mapped. */
size_t ring_used(const struct ring *ring);

/* The next record, valid until ring_release(); NULL: none, or still being written. */
const void *ring_peek(struct ring *ring, size_t *size);

/* Takes the record that ring_peek() has just returned. */
void ring_take(struct ring *ring);

/* Gives the room of all taken records back. */
void ring_release(struct ring *ring);

/* The same once there is enough of it to be worth the producer's cache miss. */
void ring_release_some(struct ring *ring);

#endif
