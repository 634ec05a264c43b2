/* SPDX-License-Identifier: GPL-2.0-only */
/* One event of one vCPU: everything that is known of it. */
#ifndef VIEW_FIGURES_PAGE_EVENT_H
#define VIEW_FIGURES_PAGE_EVENT_H

#include "model/model.h"
#include "view/figures/page.h"
#include "session/status.h"

struct page_scope {
	const struct status *status;
	uint64_t interval_ns;
	unsigned int width, rows;	/* columns of the screen; of the histogram, lines at most */
	bool utf8;
	bool recent;			/* histograms of the last interval */
};

/* Fills an empty page. e NULL: only what there is to say of the vCPU. */
void page_event(struct page *page, const struct model_vcpu *vcpu, const struct model_event *e, const struct page_scope *scope);

#endif
