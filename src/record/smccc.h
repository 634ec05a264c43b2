/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls of kind SMCCC: those of SDEI, as record/sdei.h has them, and those of PSCI that turn vCPUs or the VM on and off, by
 * Arm DEN0022. The single list of the names of these and of their results.
 */
#ifndef RECORD_SMCCC_H
#define RECORD_SMCCC_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/record.h"
#include "record/brief.h"

/* X(function id's low bits, NAME) */
#define PSCI_CALLS(X)		\
	X(0x01, CPU_SUSPEND)	\
	X(0x02, CPU_OFF)	\
	X(0x03, CPU_ON)		\
	X(0x08, SYSTEM_OFF)	\
	X(0x09, SYSTEM_RESET)	\
	X(0x0e, SYSTEM_SUSPEND)	\
	X(0x12, SYSTEM_RESET2)	\
	X(0x15, SYSTEM_OFF2)

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

/* Is it a call of SDEI? */
bool smccc_is_sdei(uint32_t function);

/* "SDEI" or "PSCI", and the name of the function without that; NULL: it has none. */
const char *smccc_interface(uint32_t function);
const char *smccc_function_name(uint32_t function);

/* What KVM has answered: SUCCESS for what is not negative; NULL: it has no name. */
const char *smccc_result_name(uint32_t function, int64_t result);
const char *psci_result_name(int64_t result);

#endif
