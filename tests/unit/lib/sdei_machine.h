/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small SDEI machine, the model's reference: several vCPUs of one VM that do
 * random legal things (tracepoints/README.md and section 3 of the reference),
 * emit the records that a kernel would, and keep their own figures. It shares
 * no code with the model.
 */
#ifndef TESTS_SDEI_MACHINE_H
#define TESTS_SDEI_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/record.h"

#define MACHINE_VM 4242U
#define MACHINE_EVENTS 4
#define MACHINE_CALLS 19
#define MACHINE_RESULTS 7

/* A true interval (or number), and when it began and ended. */
struct span {
	uint64_t from, to, value;
};

struct spans {
	struct span *span;
	size_t count, room;
};

/* In the order of MODEL_EVENT_HISTS. */
enum { SPAN_DISPATCH, SPAN_HANDLER, SPAN_TOTAL, SPAN_AGE, SPAN_SIGNALS, SPAN_KINDS };

/* What a pending event waits for, in the order of MODEL_BLAMES. */
enum { PART_MASKED, PART_DISABLED, PART_BLOCKED, PART_ENTRY, PART_DESCHEDULED, PART_IN_GUEST, PART_IN_HOST, PARTS };

/* One wait, from its first signal to its dispatch. */
struct machine_wait {
	uint64_t from, to, signals;
	uint64_t parts[PARTS];		/* ns */
	uint64_t by[MACHINE_EVENTS];	/* of PART_BLOCKED, whose handler it was */
};

struct machine_counts {
	uint64_t signals, queued, coalesced, rejected, dispatched, completed, resumed, cancelled, cleared, running_cleared;
};

struct machine_event {
	bool registered, enabled, running, pending;
	uint64_t pending_since, running_since, running_signal;	/* 0: brought by a restore */
	uint64_t episode;
	struct machine_counts count;
	uint64_t rejected[4];		/* ENOENT, EPERM, EBUSY, other */
	uint64_t restored_running;
	uint64_t address;
	struct spans spans[SPAN_KINDS];
	struct machine_wait wait;	/* the open one */
	struct machine_wait *waits;	/* those that ended in a dispatch */
	size_t wait_count, wait_room;
};

struct machine_vcpu {
	bool exists, masked, initial;
	bool off;			/* parked by its own CPU_OFF */
	uint64_t turned_off, turned_on_others;	/* its calls of PSCI */
	uint8_t place;			/* enum sdei_place of its thread; 0: unknown */
	uint64_t masked_since;
	uint64_t masked_ns;		/* of all closed intervals */
	uint64_t mask_calls, unmask_calls;
	uint64_t calls[MACHINE_CALLS][MACHINE_RESULTS];
	struct spans mask, initial_mask;
	struct machine_event events[MACHINE_EVENTS];
};

typedef void machine_emit(void *ctx, const struct sdei_record *record, size_t size);

struct machine {
	struct machine_vcpu *vcpus;
	unsigned int count;
	uint64_t time, seed;
	bool places;			/* may be set: threads move, and PLACE tells */
	bool powers;			/* may be set: vCPUs turn themselves off, and each other on */
	machine_emit *emit;
	void *ctx;
};

/* All vCPUs are created (which emits). Aborts without memory. */
struct machine *machine_new(unsigned int vcpus, uint64_t seed, machine_emit *emit, void *ctx);
void machine_free(struct machine *m);

/* One random thing happens: usually a record or two, sometimes none. vCPU 0 is never destroyed. */
void machine_step(struct machine *m);

/* 0 .. below - 1 */
uint64_t machine_random(struct machine *m, uint64_t below);

#endif
