/* SPDX-License-Identifier: GPL-2.0-only */
/* The page faults of a VM over time, a line of columns for each figure. */
#ifndef VIEW_FIGURES_PAGE_APF_HISTORY_H
#define VIEW_FIGURES_PAGE_APF_HISTORY_H

#include "view/figures/page.h"
#include "view/figures/page_event.h"

struct fault_history;

/* vcpus: how many of them had faults; what share of their time they were blocked is shown. */
void page_apf_history(struct page *page, const struct fault_history *history, unsigned int vcpus, const struct page_scope *scope);

#endif
