/* SPDX-License-Identifier: GPL-2.0-only */
/* The figures of all events of a vCPU or of a VM together, and what of one event is worked out from several figures. */
#ifndef MODEL_SUM_H
#define MODEL_SUM_H

#include "model/worst.h"

/* What of several events can be added up without a histogram. Zeroed it is empty. */
struct event_tally {
	struct model_counts count, interval;
	uint64_t rejected[REJECT_COUNT];
	uint64_t events, pending, running;	/* that were added; of them, those in this state */
	uint64_t unaccounted;			/* model_event_unaccounted() of each, as an amount */
	struct model_blame blame;
};

void event_tally_add(struct event_tally *tally, const struct model_event *e);

/* The figures of all events that are in use; histograms since the start, or of the last interval. */
struct model_sum {
	struct event_tally tally;
	const struct hist *dispatch, *handler, *total;
	size_t vcpus;			/* that are there */
	size_t masked_vcpus;
	unsigned int state;		/* bits that any of them has */
	bool mask_known;		/* of at least one */
	bool inexact;
	uint64_t masked_ns, seen_ns;	/* both summed over the vCPUs */
	uint64_t interval_masked_ns;
	size_t interval_vcpus;
	struct model_worst worst;
};

/* Valid until the model changes; vcpu NULL: of all the VM's; recent: histograms of the last interval. NULL: no memory. */
struct model_sum *sum_new(const struct model_vm *vm, const struct model_vcpu *vcpu, uint64_t now_ns, bool recent);
void sum_free(struct model_sum *sum);	/* NULL is fine */

/* VMs that are gone since since_ns, and still there to be shown. */
size_t model_gone_vms(const struct model *m, uint64_t since_ns);

/* Whether there is anything to say about an event: those that were never used are not shown. */
bool event_in_use(const struct model_event *e);

enum event_hist { HIST_DISPATCH, HIST_HANDLER, HIST_TOTAL };

/* Of one event; NULL: empty. */
const struct hist *model_event_hist(const struct model_event *e, bool recent, enum event_hist which);

int64_t model_event_unaccounted(const struct model_event *e);

/* Is anything known of its mask? What is gone has none any more, but it had, unless nothing of SDEI was ever seen of it. */
bool model_vcpu_has_mask(const struct model_vcpu *vcpu);

#endif
