/* SPDX-License-Identifier: GPL-2.0-only */
/* What a finished VM's areas and the VMM's own account say about it: checked, and written as JSON. */
#ifndef SDEI_GUEST_TRUTH_H
#define SDEI_GUEST_TRUTH_H

#include <stdio.h>

#include "script.h"
#include "vm.h"

struct truth {
	const char *name, *scenario;
	const struct script *script;
	bool complete;		/* the programs ran to their ends: predictions hold */
};

/* Returns how many contradictions it complained about. */
unsigned int truth_check(struct vm *vm, const struct truth *truth);
void truth_write_vm(FILE *out, struct vm *vm, unsigned int instance);	/* one object of "vms" */
void truth_write_vcpus(FILE *out, struct vm *vm);			/* the list */
uint64_t truth_total(struct vm *vm, enum counted field);
#endif
