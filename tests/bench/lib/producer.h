/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The live source without a guest: all of it is the real thing but that its
 * records come from cost.bpf.c, which runs the same programs on a tracepoint
 * that can be fired at will, into the same rings and counters.
 */
#ifndef BENCH_PRODUCER_H
#define BENCH_PRODUCER_H

#include <stddef.h>
#include <stdint.h>

#include "source/ring.h"
#include "source/live.h"

#define PRODUCERS 2		/* that can run at the same time */
#define EPISODE 3		/* records of one: SIGNAL, DISPATCH, COMPLETE */

struct producer;

/* ring_bytes as in live_options. NULL: told on stderr. */
struct producer *producer_new(size_t ring_bytes);
void producer_free(struct producer *p);

struct live *producer_live(struct producer *p);

/* Attaches a program of cost.bpf.c in place of the one before; NULL: none. 0 or -errno. */
int producer_attach(struct producer *p, const char *program);

/* Fires the tracepoint so many times on this CPU. Nanoseconds of this thread's CPU time, or -errno. */
int64_t producer_fire(struct producer *p, uint32_t count);

/*
 * The same for so many episodes (EPISODE records each), "stream" being attached, of one vCPU after the other out of so
 * many. number: this producer's, below PRODUCERS; each has vCPUs of its own.
 */
int64_t producer_stream(struct producer *p, unsigned int number, uint32_t vcpus, uint32_t episodes);

/* Empties the ring of the program "bare"; the number of records. */
uint64_t producer_empty_bare(struct producer *p);

/*
 * Runs this thread on that CPU alone, before those of lower priority and all ordinary ones, as far as we may: what else the
 * machine does is not to be measured. 0 or -errno.
 */
enum { PRODUCER_PRIORITY = 10, READER_PRIORITY };
int run_on(unsigned int cpu, int priority);

#endif
