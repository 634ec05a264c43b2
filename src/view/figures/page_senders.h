/* SPDX-License-Identifier: GPL-2.0-only */
/* Who interrupts whom: a line for each vCPU that signals and each vCPU that it signals to. */
#ifndef VIEW_FIGURES_PAGE_SENDERS_H
#define VIEW_FIGURES_PAGE_SENDERS_H

#include "model/model.h"
#include "view/figures/page.h"
#include "session/status.h"

/*
 * What vm's vCPUs were signalled by others and by themselves, or (unless NULL) only vcpu of it, with a line of titles. First
 * come those whose handler is still to come. At most so many lines; how many more there are is said.
 */
void page_senders(struct page *page, const struct model_vm *vm, const struct model_vcpu *vcpu, const struct status *status, size_t most);

#endif
