/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one side, the host or the guest, saw: its records as handlers, calls and signals, which have a counterpart on the other side.
 * Pure. Memory grows with the recording.
 */
#ifndef SIDES_SIDE_H
#define SIDES_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/record.h"
#include "sides/counter_clock.h"
#include "util/idmap.h"

enum side_what {
	SIDE_HANDLER,	/* host: dispatch to complete; guest: the handler, from entry to exit */
	SIDE_CALL,	/* guest: as its caller sees it; host: the moment at which KVM handles it */
	SIDE_SIGNAL,	/* of one vCPU to another one; guest: from then on, until the next one; host: the moment at which KVM has it */
	SIDE_WHATS
};

#define SIDE_UNKNOWN INT64_MIN	/* a time that was not seen */
#define SIDE_NOTHING SIZE_MAX	/* no item */

struct side_item {
	int64_t begin_ns, end_ns;	/* since the side's begin; or SIDE_UNKNOWN: of calls the begin, of the others the end */
	uint64_t mark;			/* what both sides see alike: the interrupted PC, arguments and result */
	uint32_t vcpu;
	uint32_t event;			/* of calls: the function; of signals: the sender */
	enum side_what what;
	size_t signal;			/* of the host's handlers: the signal that it answers */
	int64_t signal_ns;		/* the first queued one, whoever sent it */
	size_t partner;			/* the item of the other side that is the same */
};

/* Items of the same key, in order of time. */
struct side_list {
	uint64_t key;
	size_t *items;
	size_t count;
	size_t open;		/* the handler that runs */
	size_t signal;		/* that is pending */
	int64_t signal_ns;
	unsigned int losses;	/* of the side when that was noted: what is noted before a loss says nothing after it */
};

struct side {
	bool is_guest;
	uint32_t vm;		/* of the first record that uses SDEI; 0: there was none yet */
	uint32_t running_vm;	/* that the guest is by now: where it moves, the next one is there before it runs */
	uint64_t begin_ns;	/* CLOCK_MONOTONIC: what item times count from */
	int64_t length_ns;	/* up to the end of the recording */
	struct side_item *items;	/* by when they were recorded: handlers at their begin, calls at their end */
	size_t count;
	struct counter_side counter;
	uint64_t counts[SIDE_WHATS];
	uint64_t lost, lost_calls;	/* records of any kind; of calls alone */
	struct idmap lists[SIDE_WHATS];
	unsigned int losses;
	bool failed;		/* no memory for an item */
};

/* begin_ns and end_ns are the recording's. False: no clock counts so far, or nobody records for so long. */
bool side_begin(struct side *s, bool is_guest, uint64_t begin_ns, uint64_t end_ns);

/* Each record is taken as the guest's: of a host's recording those of other VMs have to be left out. */
void side_record(struct side *s, const struct sdei_record *record, size_t size);
void side_lost(struct side *s, const struct sdei_lost_key *key, uint64_t count);	/* as of a record_sink */
void side_counter(struct side *s, const struct counter_look *counter);	/* what the machine's counter showed at a moment */
bool side_failed(const struct side *s);	/* no memory: something is missing */
void side_clear(struct side *s);

/* When an item was recorded. */
int64_t side_item_ns(const struct side_item *item);

/* The items of the same kind, vCPU, and event, function or sender; NULL: there are none. */
struct side_list *side_list_of(const struct side *s, const struct side_item *item);

#endif
