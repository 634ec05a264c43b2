/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls of kind SMCCC: those of SDEI, as record/sdei.h has them, and those of PSCI that turn vCPUs or the VM on and off, by
 * Arm DEN0022: the names of these, whose list is in bpf/psci.h, and the single list of their results.
 */
#ifndef RECORD_SMCCC_H
#define RECORD_SMCCC_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/psci.h"
#include "bpf/record.h"
#include "record/brief.h"

/* X(value, NAME) */
#define PSCI_RESULTS(X)			\
	X(0, SUCCESS)			\
	X(-1, NOT_SUPPORTED)		\
	X(-2, INVALID_PARAMETERS)	\
	X(-3, DENIED)			\
	X(-4, ALREADY_ON)		\
	X(-5, ON_PENDING)		\
	X(-6, INTERNAL_FAILURE)		\
	X(-7, NOT_PRESENT)		\
	X(-8, DISABLED)			\
	X(-9, INVALID_ADDRESS)

enum psci_call {
#define X(id, NAME) PSCI_##NAME,
	PSCI_CALLS(X)
#undef X
	PSCI_CALL_COUNT
};

/* Which one a function id is, of 32 or 64 bits; PSCI_CALL_COUNT: none of these. */
enum psci_call psci_call_of(uint32_t function);
const char *psci_call_name(enum psci_call call);	/* NULL: there is no such call */

/* Classes of what they are answered: in PSCI_RESULTS order, then values that are not in it, then that the VMM has to answer. */
enum psci_class {
#define X(value, NAME) PSCI_CLASS_##NAME,
	PSCI_RESULTS(X)
#undef X
	PSCI_CLASS_OTHER,
	PSCI_CLASS_FORWARDED,
	PSCI_CLASS_COUNT
};

/* SUCCESS for what is not negative. */
enum psci_class psci_class_of(int64_t result);
const char *psci_class_name(enum psci_class class);

/* Is it a call of SDEI? */
bool smccc_is_sdei(uint32_t function);

/* Whom a call has turned on or off. */
enum smccc_switch {
	SMCCC_SWITCHES_NONE,
	SMCCC_SWITCHES_OFF,	/* its caller, since it has begun: another vCPU may turn it on before the call's record comes */
	SMCCC_SWITCHES_ON,	/* its target */
	SMCCC_SWITCHES_VM_OFF,	/* all of its VM: shutdown or reboot */
};
enum smccc_switch smccc_switch(const struct sdei_record_smccc *call);

/* When it began. A recording may claim that it took longer than there has been time. */
uint64_t smccc_begin_ns(const struct sdei_record_smccc *call);

/* "SDEI" or "PSCI", and the name of the function without that; NULL: it has none. */
const char *smccc_interface(uint32_t function);
const char *smccc_function_name(uint32_t function);

/* What KVM has answered: SUCCESS for what is not negative; NULL: it has no name. */
const char *smccc_result_name(uint32_t function, int64_t result);

#endif
