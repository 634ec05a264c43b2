/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls of PSCI that the guests made, and whether their vCPUs are on: from records of kind SMCCC and POWER. */
#ifndef MODEL_POWER_H
#define MODEL_POWER_H

#include "model/model.h"
#include "record/smccc.h"

/* "on", "off" or "suspended"; NULL: not known. */
const char *model_power_name(const struct model_vcpu *vcpu);

struct psci_counts {
	uint64_t count[PSCI_CALL_COUNT][PSCI_CLASS_COUNT];
};

/* Has it made any? */
bool model_has_psci(const struct model_vcpu *vcpu);
void model_add_psci(const struct model_vcpu *vcpu, struct psci_counts *counts);	/* adds all of them */

/* Of a vCPU that is off (model_vcpu.off), since when: for at least as long. */
uint64_t model_off_since_ns(const struct model_vcpu *vcpu);

#endif
