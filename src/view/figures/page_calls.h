/* SPDX-License-Identifier: GPL-2.0-only */
/* Which SDEI calls the guests made, and what they were answered. */
#ifndef VIEW_FIGURES_PAGE_CALLS_H
#define VIEW_FIGURES_PAGE_CALLS_H

#include "model/model.h"
#include "view/figures/page.h"

/* function x result class. */
struct calls {
	uint64_t count[SDEI_CALL_COUNT][MODEL_RESULT_CLASSES];
};

void calls_add_vcpu(struct calls *calls, const struct model_vcpu *vcpu);
void calls_add_vm(struct calls *calls, const struct model_vm *vm);

/* Of those that were not SUCCESS. */
uint64_t calls_refused(const struct calls *calls);

/* Adds a line for each call that was made, most frequent results behind it; refused: only what was not SUCCESS. */
void page_calls(struct page *page, const struct calls *calls, bool refused);

#endif
