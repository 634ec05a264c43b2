/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads one ring of bpf/ring.h in place. The merge looks at a record and may leave it there. */
#ifndef SOURCE_RING_H
#define SOURCE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/ring.h"

struct ring {
	struct sdei_ring *shared;	/* NULL: none */
	size_t bytes;			/* its size, a power of two */
	uint64_t at, end;		/* where this reader is; how far it may go */
	uint64_t released;		/* the position that the writers know */
	size_t size;			/* of the record at `at`, once that has been looked at */
	uint64_t read;			/* records taken */
};

/* The size of each ring unless set: 4 MiB, less where all CPUs together would take more than 32, but not less than 1. */
size_t ring_default_bytes(unsigned int cpus);

/* On memory of that layout, SDEI_RING_EXTRA larger than bytes. */
void ring_init(struct ring *ring, struct sdei_ring *shared, size_t bytes);

/* A map for a ring of that size: a descriptor or -errno. */
int ring_create(const char *name, size_t bytes);

/* On such a map. 0 or -errno. */
int ring_map(struct ring *ring, int fd, size_t bytes);
void ring_unmap(struct ring *ring);

/* Bytes that writers have taken and that were not given back; 0 for a ring that was never mapped. */
size_t ring_used(const struct ring *ring);

/*
 * The next record, valid until ring_release(); NULL: none, or still being written. *size is what its kind takes; what is of no
 * kind, which no program of ours writes, has no known size: it is all that is there.
 */
const void *ring_peek(struct ring *ring, size_t *size);

/* Takes the record that ring_peek() has just returned. */
void ring_take(struct ring *ring);

/* Gives the room of all taken records back. */
void ring_release(struct ring *ring);

/* Whether there is enough of it to be worth the writers' cache miss. */
bool ring_is_worth_release(const struct ring *ring);

#endif
