/* SPDX-License-Identifier: GPL-2.0-only */
/* The figures of all events of a vCPU or of a VM together. */
#ifndef VIEW_SUM_H
#define VIEW_SUM_H

#include "columns.h"

/* Valid until the model changes; vcpu NULL: of all the VM's. NULL: no memory. */
struct view_sum *sum_new(const struct model_vm *vm, const struct model_vcpu *vcpu, const struct view_scope *scope);
void sum_free(struct view_sum *sum);	/* NULL is fine */

/* Whether there is anything to say about an event: those that were never used are not shown. */
bool event_in_use(const struct model_event *e);

#endif
