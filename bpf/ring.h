/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ring of one CPU: memory that its BPF programs fill with records and that user space maps, the value of a mmapable array.
 * Only programs of that CPU write to it, but one may interrupt or preempt another. So room is taken and given to the reader
 * with one atomic step each: `reserved` is how far the stream of bytes has been handed out, and, in its low bits, how many
 * programs are still writing. Once none is, all of it can be read; as long as some are, what is before `settled` can.
 *
 * Records stand one behind the other. Where they are is their place in the stream modulo the size, a power of two; the last
 * one may stick out over the end.
 *
 * With the kernel's own ring buffer (a lock, two calls, a header) an event takes 24 ns more: docs/performance.md.
 */
#ifndef SDEI_RING_H
#define SDEI_RING_H

#include "record.h"

#define SDEI_RING_WRITERS	0xffULL	/* more than there are programs, none of which can preempt itself */
#define SDEI_RING_SHIFT		8

struct sdei_ring {
	__u64 reserved;		/* bytes handed out << SDEI_RING_SHIFT | writers */
	__u64 settled;		/* bytes that were handed out when last there were no writers */
	__u64 pad[14];		/* two cache lines: some CPUs fetch them in pairs */
	__u64 consumed;		/* bytes that the reader needs no more: the only field that it writes */
	__u64 pad_consumed[15];
	/* the records follow */
};

/* What a ring needs beside the bytes that are its size. */
#define SDEI_RING_EXTRA (sizeof(struct sdei_ring) + SDEI_RECORD_MAX)

/* --- the writers' side: in BPF programs, and in tests */

#define SDEI_RING_TRIES 8	/* each but the first because of a writer in between */

/*
 * Room for size bytes (a multiple of 8, at most SDEI_RECORD_MAX) in a ring of so many bytes, to be written until
 * ring_commit(); NULL: there is none. *filled: how full the ring is then, of what the reader is known to have left.
 * *time: what clock() says between two writers: so the order in the ring is that of time, whoever preempts whom.
 */
static inline __attribute__((always_inline))
void *ring_reserve(struct sdei_ring *ring, __u64 bytes, __u64 size, __u64 (*clock)(void), __u64 *time, __u64 *filled)
{
	__u64 seen = *(volatile __u64 *)&ring->reserved, word, at;

	for (int i = 0; i < SDEI_RING_TRIES; i++) {
		word = seen;
		at = word >> SDEI_RING_SHIFT;
		*time = clock();
		*filled = at + size - *(volatile __u64 *)&ring->consumed;
		if (*filled > bytes)
			return 0;
		seen = __sync_val_compare_and_swap(&ring->reserved, word, word + (size << SDEI_RING_SHIFT) + 1);
		if (seen != word)
			continue;
		if (!(word & SDEI_RING_WRITERS))
			*(volatile __u64 *)&ring->settled = at;
		return (char *)(ring + 1) + (at & (bytes - 8));
	}
	return 0;
}

/* What was written is seen before this: in BPF, an atomic operation whose result is used is ordered, others are not. */
static inline __attribute__((always_inline)) void ring_commit(struct sdei_ring *ring)
{
	__u64 word = __sync_fetch_and_add(&ring->reserved, -1ULL);

	asm volatile("" :: "r"(word));
}

#endif /* SDEI_RING_H */
