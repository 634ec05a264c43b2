/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rings of all CPUs as one stream in time order, read in place: nothing is
 * copied, so what bounds the reader's memory is the size of the rings.
 *
 * When is a record's place settled? When no CPU can still have an older one
 * under way. A BPF program counts its attempt before it takes the time, so a CPU
 * whose ring is empty and whose attempts are all read or lost will only bring
 * records younger than that look at its counters; and a CPU whose ring is not
 * empty brings nothing older than its head. A CPU with an attempt outstanding
 * holds up the others, though never for longer than HOLD_NS.
 */
#ifndef SOURCE_STREAMS_H
#define SOURCE_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/cpu.h"
#include "bpf/record.h"
#include "source/ring.h"

/* How far the clocks and store buffers of two CPUs may be apart. */
#define STREAMS_GUARD_NS 50000
/* A program that takes this long was descheduled with its CPU, by a hypervisor. */
#define STREAMS_HOLD_NS 50000000

struct streams;

struct streams *streams_new(unsigned int count);	/* NULL: no memory */
void streams_free(struct streams *s);			/* NULL is fine; the rings stay the caller's */

/* What belongs to CPU number i. The ring may be NULL: a CPU that was not there at the start. */
void streams_set(struct streams *s, unsigned int i, struct ring *ring, const struct sdei_cpu *counts);

/*
 * One pass: begin with the time of now, next until 0, end.
 * all: everything up to now_ns (UINT64_MAX: whatever its time), settled or not.
 */
void streams_begin(struct streams *s, uint64_t now_ns, bool all);

/* The next records, room at most: how many. They stay where they are, in the rings, and are valid until the call after this one. */
size_t streams_next(struct streams *s, const struct sdei_record *records[], size_t sizes[], size_t room);
void streams_end(struct streams *s);

/* Whether everything attempted so far on every CPU has been taken or lost. */
bool streams_is_complete(const struct streams *s);

uint64_t streams_read(const struct streams *s);
uint64_t streams_late(const struct streams *s);		/* records older than one before them */
uint64_t streams_settled(const struct streams *s);	/* up to then all has been handed out (but for what comes late); 0 before a pass */

#endif
