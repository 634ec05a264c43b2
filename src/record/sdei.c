// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>

#include "record/sdei.h"
#include "bpf/record.h"

const char *sdei_call_name(uint32_t function)
{
	switch (function) {
#define X(id, NAME, has_event)		\
	case SDEI_FN_BASE + (id):	\
		return #NAME;
	SDEI_CALLS(X)
#undef X
	default:
		return NULL;
	}
}

bool sdei_reads_register(uint32_t function, uint64_t arg)
{
	return function == SDEI_FN_EVENT_CONTEXT && (uint32_t)arg < SDEI_CONTEXT_REGISTERS;
}

const char *sdei_result_name(int64_t result)
{
	switch (result < 0 ? result : 0) {
#define X(value, NAME)	\
	case value:	\
		return #NAME;
	SDEI_RESULTS(X)
#undef X
	default:
		return NULL;
	}
}

uint64_t sdei_open_ns(const struct sdei_record *r)
{
	bool is_told = r->kind == SDEI_STATE && r->origin == SDEI_SNAPSHOT && r->arg && r->arg <= r->time_ns;

	return is_told ? r->time_ns - r->arg : 0;
}

const char *sdei_role_name(unsigned int flags)
{
	if (flags & SDEI_FOR_NMI)
		return "NMI";
	return flags & SDEI_FOR_GHES ? "GHES" : NULL;
}

const char *sdei_kind_name(unsigned int kind)
{
	switch (kind) {
#define X(NAME, name)		\
	case SDEI_##NAME:	\
		return #name;
	SDEI_KINDS(X)
#undef X
	default:
		return NULL;
	}
}

/* Either sign: records carry -errno. */
const char *sdei_error_name(int error)
{
	switch (error) {
	case ENOENT:
	case -ENOENT:
		return "ENOENT";
	case EPERM:
	case -EPERM:
		return "EPERM";
	case EBUSY:
	case -EBUSY:
		return "EBUSY";
	case EINVAL:
	case -EINVAL:
		return "EINVAL";
	default:
		return NULL;
	}
}

const char *sdei_state_letters(unsigned int state, char buf[6])
{
	static const char letters[] = "REUPM";

	for (unsigned int bit = 0; bit < 5; bit++)
		buf[bit] = state & 1U << bit ? letters[bit] : '-';
	buf[5] = '\0';
	return buf;
}
