/* SPDX-License-Identifier: GPL-2.0-only */
/* Which calls of SDEI, and which of PSCI that turn vCPUs on and off, the guests made, what they were answered, and how long that took. */
#ifndef VIEW_FIGURES_PAGE_CALLS_H
#define VIEW_FIGURES_PAGE_CALLS_H

#include "model/model.h"
#include "model/power.h"
#include "view/figures/page.h"

/* function x result class. All of it 0 at first. */
struct calls {
	uint64_t count[SDEI_CALL_COUNT][MODEL_RESULT_CLASSES];
	struct hist *time[SDEI_CALL_COUNT];	/* model_call_time(); NULL: not known of any. Without memory there are fewer samples in it */
	struct psci_counts psci;
};

void calls_add_vcpu(struct calls *calls, const struct model_vcpu *vcpu);
void calls_add_vm(struct calls *calls, const struct model_vm *vm);
void calls_release(struct calls *calls);

/* Is it known of any call how long it took? */
bool calls_are_timed(const struct calls *calls);

/* Those of SDEI that were not SUCCESS, but for what the VMM has to answer. */
uint64_t calls_refused(const struct calls *calls);

/*
 * Adds a line for each call that was made, how long it took where that is known of any, and its results behind it; refused: only those
 * that calls_refused() counts, without times.
 */
void page_calls(struct page *page, const struct calls *calls, bool refused);

#endif
