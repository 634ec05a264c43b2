/* SPDX-License-Identifier: GPL-2.0-only */
/* Asynchronous page faults: what became of them, the waterfall of their stages, the slowest ones. */
#ifndef VIEW_FIGURES_PAGE_APF_H
#define VIEW_FIGURES_PAGE_APF_H

#include "model/apf.h"
#include "view/figures/page.h"
#include "view/figures/page_event.h"

/* Adds all about the faults of a VM, or of its vCPU vcpu (NULL: all, and a line for each). */
void page_apf(struct page *page, const struct model_vm *vm, const struct model_vcpu *vcpu, const struct page_scope *scope);

/* Adds a line for each VM that has any, and was there in the last interval, with its rates. Nothing if there is none. */
void page_apf_interval(struct page *page, const struct model *m, const struct page_scope *scope);

/* The same since the start, with those that are gone. scope->interval_ns is 0. */
void page_apf_total(struct page *page, const struct model *m, const struct page_scope *scope);

#endif
