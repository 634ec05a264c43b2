/* SPDX-License-Identifier: GPL-2.0-only */
/* Who interrupts whom: of each vCPU, those that signalled its events, as far as records name them. */
#ifndef MODEL_SENDERS_H
#define MODEL_SENDERS_H

#include "model/model.h"

/* Of a vCPU, more are left out and counted in model_totals.crowded. */
#define MODEL_SENDERS_MAX 1024

/* What one vCPU sent to another one, or to itself. Counts are of the records that were not lost. */
struct model_sender {
	uint32_t sender;		/* vcpu_id */
	uint64_t signals;		/* whatever became of them */
	uint64_t dispatched;		/* handlers that were entered for one of them */
	uint64_t unanswered;		/* refused, cancelled or cleared: no handler came for them */
	struct hist *latency;		/* from such a signal to its handler; NULL: none is known */
	uint64_t worst_ns;		/* the longest of them; 0: none is known */
	uint64_t worst_at_ns;		/* when that was entered */
	uint64_t last_ns;		/* the newest signal */
};

/* By sender, ascending. Valid until the next call of the model that is not const. */
const struct model_sender *model_senders(const struct model_vcpu *vcpu, size_t *count);

/* How long the oldest signal of that sender has been pending on vcpu; 0: none is. */
uint64_t model_sender_waiting_ns(const struct model_vcpu *vcpu, uint32_t sender, uint64_t now_ns);

struct model_pair {
	const struct model_vcpu *target;
	const struct model_sender *sender;
	uint64_t waiting_ns;
};

/*
 * All pairs of a VM: first those whose handler is still to come, longest first; then those of which some never came; then by the worst.
 * The caller frees them. NULL: there is none, or (*err is -ENOMEM) no memory.
 */
struct model_pair *model_pairs(const struct model_vm *vm, uint64_t now_ns, size_t *count, int *err);

/* Does any vCPU of it have a sender? */
bool model_has_senders(const struct model_vm *vm);

#endif
