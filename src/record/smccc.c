// SPDX-License-Identifier: GPL-2.0-only
#include "record/smccc.h"

#include <stddef.h>

#include "record/sdei.h"

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
	return function >= SMCCC_SDEI_FIRST && function <= SMCCC_SDEI_LAST;
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

enum psci_class psci_class_of(int64_t result)
{
	switch (result < 0 ? result : 0) {
#define X(value, NAME)	\
	case value:	\
		return PSCI_CLASS_##NAME;
	PSCI_RESULTS(X)
#undef X
	default:
		return PSCI_CLASS_OTHER;
	}
}

const char *psci_class_name(enum psci_class class)
{
	switch (class) {
#define X(value, NAME)		\
	case PSCI_CLASS_##NAME:	\
		return #NAME;
	PSCI_RESULTS(X)
#undef X
	case PSCI_CLASS_OTHER:
		return "OTHER";
	case PSCI_CLASS_FORWARDED:
		return "FORWARDED";
	default:
		return NULL;
	}
}

static bool is_done(const struct sdei_record *r)
{
	return r->outcome == SMCCC_ANSWERED && r->result >= 0;
}

enum smccc_switch smccc_switch(const struct sdei_record_smccc *call)
{
	switch (psci_call_of(call->function)) {
	case PSCI_CPU_OFF:
		return is_done(&call->head) ? SMCCC_SWITCHES_OFF : SMCCC_SWITCHES_NONE;
	case PSCI_CPU_ON:
		return is_done(&call->head) && call->target != SDEI_NONE ? SMCCC_SWITCHES_ON : SMCCC_SWITCHES_NONE;
	case PSCI_SYSTEM_OFF:
	case PSCI_SYSTEM_OFF2:
	case PSCI_SYSTEM_RESET:
	case PSCI_SYSTEM_RESET2:
		return call->head.outcome == SMCCC_FORWARDED ? SMCCC_SWITCHES_VM_OFF : SMCCC_SWITCHES_NONE;
	default:
		return SMCCC_SWITCHES_NONE;
	}
}

uint64_t smccc_begin_ns(const struct sdei_record_smccc *call)
{
	uint64_t end_ns = call->head.time_ns;

	return call->duration_ns < end_ns ? end_ns - call->duration_ns : end_ns;
}

const char *smccc_result_name(uint32_t function, int64_t result)
{
	enum psci_class class = psci_class_of(result);

	if (smccc_is_sdei(function))
		return sdei_result_name(result);
	return class == PSCI_CLASS_OTHER ? NULL : psci_class_name(class);
}
