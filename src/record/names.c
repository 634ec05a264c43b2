/* SPDX-License-Identifier: GPL-2.0-only */
#include "record/names.h"

#include <stddef.h>

#define NAME_IN(list, index) \
	((index) < sizeof(list) / sizeof((list)[0]) && (list)[index] ? (list)[index] : "?")

const char *record_source(unsigned int origin)
{
	static const char *const names[] = {
		[SDEI_FROM_GUEST] = "guest", [SDEI_FROM_VMM] = "vmm", [SDEI_FROM_APF] = "apf", [SDEI_FROM_RESTORE] = "restore",
	};

	return NAME_IN(names, origin);
}

const char *record_outcome(unsigned int outcome)
{
	static const char *const names[] = {
		[SDEI_QUEUED] = "queued", [SDEI_COALESCED] = "coalesced", [SDEI_REJECTED] = "rejected",
	};

	return NAME_IN(names, outcome);
}

const char *record_how(unsigned int how)
{
	static const char *const names[] = { [SDEI_COMPLETED] = "complete", [SDEI_RESUMED] = "resume" };

	return NAME_IN(names, how);
}

const char *record_state_reason(unsigned int reason)
{
	static const char *const names[] = {
		[SDEI_CREATED] = "created", [SDEI_STATE_RESET] = "reset", [SDEI_RESTORED] = "restored",
		[SDEI_DESTROYED] = "destroyed", [SDEI_SNAPSHOT] = "snapshot",
	};

	return NAME_IN(names, reason);
}

const char *record_reset_reason(unsigned int reason)
{
	static const char *const names[] = { [SDEI_PRIVATE_RESET] = "private", [SDEI_VCPU_RESET] = "vcpu" };

	return NAME_IN(names, reason);
}

const char *record_place(unsigned int place)
{
	static const char *const names[] = {
		[SDEI_IN_GUEST] = "guest", [SDEI_IN_HOST] = "host", [SDEI_DESCHEDULED] = "descheduled",
	};

	return NAME_IN(names, place);
}

const char *record_apf_step(unsigned int step)
{
	static const char *const names[] = {
		[APF_SETUP] = "setup", [APF_NOT_PRESENT] = "not-present", [APF_WORKING] = "working", [APF_READY] = "ready",
		[APF_PRESENT] = "present", [APF_ACK] = "ack", [APF_FALLBACK] = "fallback", [APF_CLEAR] = "clear",
		[APF_SYNC] = "sync", [APF_VCPU_END] = "vcpu-end",
	};

	return NAME_IN(names, step);
}

const char *record_apf_outcome(unsigned int step, unsigned int outcome)
{
	static const char *const told[] = { [APF_TOLD] = "told", [APF_HALTED] = "halted", [APF_UNTOLD] = "untold" };
	static const char *const present[] = {
		[APF_SIGNALLED] = "signalled", [APF_CANCELLED] = "cancelled", [APF_SILENT] = "silent", [APF_WAKE_ALL] = "wake-all",
	};
	static const char *const fallbacks[] = {
		[APF_FALLBACK_OFF] = "off", [APF_FALLBACK_NOT_NOW] = "not-now", [APF_FALLBACK_FULL] = "full",
		[APF_FALLBACK_NO_MEMORY] = "no-memory", [APF_FALLBACK_MASKED] = "masked", [APF_FALLBACK_BUSY] = "busy",
		[APF_FALLBACK_PENDING] = "pending", [APF_FALLBACK_OTHER] = "other",
	};

	switch (step) {
	case APF_NOT_PRESENT:
		return NAME_IN(told, outcome);
	case APF_PRESENT:
		return NAME_IN(present, outcome);
	case APF_FALLBACK:
		return NAME_IN(fallbacks, outcome);
	default:
		return "";
	}
}
