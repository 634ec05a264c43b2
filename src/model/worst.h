/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The worst that is known of an event, a vCPU or a VM: its longest wait for a dispatch, or what is open now if that has lasted
 * longer, and longer than any of its kind that has ended. Rows are sorted by it, so that what is stuck comes first.
 */
#ifndef MODEL_WORST_H
#define MODEL_WORST_H

#include "model/model.h"

/* X(name, letter, help): the kinds; the letter is that of the state that is open, or 0. */
#define MODEL_WORSTS(X)								\
	X(dispatch, 0, "a wait that ended in a dispatch")			\
	X(pending, 'P', "the event is pending")					\
	X(running, 'U', "its handler is running")				\
	X(masked, 'M', "the PE is masked, not since its creation or reset")

enum worst_kind {
	WORST_NONE,	/* nothing is known */
#define X(name, letter, help) WORST_##name,
	MODEL_WORSTS(X)
#undef X
};

struct model_worst {
	enum worst_kind kind;
	uint64_t ns;			/* the latency, or the age so far: at least that where the beginning was not seen */
	uint64_t at_ns;			/* the dispatch; for what is open: now */
	const struct model_vcpu *vcpu;
	const struct model_event *event;	/* NULL: the PE */
	struct model_late wait;		/* dispatch, pending: where the time went; all zero if that is not known */
};

/*
 * recent: waits of the last interval instead of all since the start. What they give is valid until the model changes. A mask
 * counts while no event of its PE is pending: of a vCPU, and of each of its events that is registered.
 */
void model_event_worst(struct model_worst *worst, const struct model_event *e, uint64_t now_ns, bool recent);
void model_vcpu_worst(struct model_worst *worst, const struct model_vcpu *vcpu, uint64_t now_ns, bool recent);
void model_vm_worst(struct model_worst *worst, const struct model_vm *vm, uint64_t now_ns, bool recent);

const char *worst_kind_name(enum worst_kind kind);	/* "dispatch", …; NULL for WORST_NONE */
char worst_letter(enum worst_kind kind);		/* 'P', …; 0 for what is not open */

#endif
