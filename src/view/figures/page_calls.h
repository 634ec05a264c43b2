/* SPDX-License-Identifier: GPL-2.0-only */
/* Which calls of SDEI, and which of PSCI that turn vCPUs on and off, the guests made, and what they were answered. */
#ifndef VIEW_FIGURES_PAGE_CALLS_H
#define VIEW_FIGURES_PAGE_CALLS_H

#include "model/model.h"
#include "model/power.h"
#include "view/figures/page.h"

/* function x result class. */
struct calls {
	uint64_t count[SDEI_CALL_COUNT][MODEL_RESULT_CLASSES];
	struct psci_counts psci;
};

void calls_add_vcpu(struct calls *calls, const struct model_vcpu *vcpu);
void calls_add_vm(struct calls *calls, const struct model_vm *vm);

/* Those of SDEI that were not SUCCESS, but for what the VMM has to answer. */
uint64_t calls_refused(const struct calls *calls);

/* Adds a line for each call that was made, most frequent results behind it; refused: only those that calls_refused() counts. */
void page_calls(struct page *page, const struct calls *calls, bool refused);

#endif
