// SPDX-License-Identifier: GPL-2.0-only
#include "record/smccc.h"

#include <stddef.h>

#include "record/sdei.h"

#define SDEI_RANGE_FIRST 0xC4000020U	/* Arm DEN0028: the range of functions that is SDEI's */
#define SDEI_RANGE_LAST 0xC400003FU
#define PSCI_BASE 0x84000000U
#define SMCCC_64 0x40000000U		/* of a function that takes 64-bit arguments */

enum psci_call psci_call_of(uint32_t function)
{
	switch (function & ~SMCCC_64) {
#define X(id, NAME)		\
	case PSCI_BASE + (id):	\
		return PSCI_##NAME;
	PSCI_CALLS(X)
#undef X
	default:
		return PSCI_CALL_COUNT;
	}
}

const char *psci_call_name(enum psci_call call)
{
	switch (call) {
#define X(id, NAME)		\
	case PSCI_##NAME:	\
		return #NAME;
	PSCI_CALLS(X)
#undef X
	default:
		return NULL;
	}
}

bool smccc_is_sdei(uint32_t function)
{
	return function >= SDEI_RANGE_FIRST && function <= SDEI_RANGE_LAST;
}

const char *smccc_interface(uint32_t function)
{
	if (smccc_is_sdei(function))
		return "SDEI";
	return psci_call_of(function) < PSCI_CALL_COUNT ? "PSCI" : NULL;
}

const char *smccc_function_name(uint32_t function)
{
	return smccc_is_sdei(function) ? sdei_call_name(function) : psci_call_name(psci_call_of(function));
}

const char *psci_result_name(int64_t result)
{
	switch (result < 0 ? result : 0) {
#define X(value, NAME)	\
	case value:	\
		return #NAME;
	PSCI_RESULTS(X)
#undef X
	default:
		return NULL;
	}
}

const char *smccc_result_name(uint32_t function, int64_t result)
{
	return smccc_is_sdei(function) ? sdei_result_name(result) : psci_result_name(result);
}
