/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Remembers which VMs are wanted, so that a filter on names is asked once for each VM; again if its name was not known yet: until then
 * it is wanted. A pid may be used again: a new
 * vCPU makes it look whether the pid is still the same process, and ask again if not. What has long gone is forgotten.
 */
#ifndef SOURCE_VM_FILTER_H
#define SOURCE_VM_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/record.h"

struct vm_filter;

struct vm_filter_calls {
	bool (*want)(void *ctx, uint32_t vm);
	void *want_ctx;
	bool (*sure)(uint32_t vm);	/* want() knew all that it will know of vm; NULL: always */
	/* Distinguishes two processes with one pid, 0: gone. */
	uint64_t (*identity)(uint32_t vm);
	/* The answer about vm is new or has changed; one that is forgotten counts as wanted. May be NULL. */
	void (*decided)(void *ctx, uint32_t vm, bool wanted);
	void *decided_ctx;
};

struct vm_filter *vm_filter_new(const struct vm_filter_calls *calls);	/* NULL: no memory */
void vm_filter_free(struct vm_filter *j);				/* NULL is fine */

/* Without memory for the answer it is asked again each time. */
bool vm_filter_wants(struct vm_filter *j, const struct sdei_record *record);
bool vm_filter_wants_vm(struct vm_filter *j, uint32_t vm);

#endif
