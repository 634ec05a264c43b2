/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dispatch latencies over time: of each of the last intervals, how many were how long, per event. Only what
 * happened takes memory, and not more than HEAT_MEMORY of it: then the oldest intervals go.
 */
#ifndef VIEW_SCREEN_HEAT_H
#define VIEW_SCREEN_HEAT_H

#include "view/figures/page.h"
#include "view/figures/page_event.h"
#include "view/figures/table.h"

#define HEAT_INTERVALS 240
#define HEAT_MEMORY (16U << 20)

struct heat;

struct heat *heat_new(void);		/* NULL: no memory */
void heat_free(struct heat *heat);	/* NULL is fine */
void heat_clear(struct heat *heat);

/* Takes the model's last closed interval (model_keep_intervals()), if it has not been taken yet. 0 or -ENOMEM. */
int heat_take(struct heat *heat, const struct model *m);

/* Fills an empty page with the map of a VM, vCPU or event; scope->rows lines at most. */
void page_heat(struct page *page, const struct heat *heat, enum view_level level, const struct row_id *of,
	       const struct page_scope *scope);

#endif
