/* SPDX-License-Identifier: GPL-2.0-only */
/* The options that say from when on something is a finding. */
#ifndef SESSION_LIMIT_OPTIONS_H
#define SESSION_LIMIT_OPTIONS_H

#include "model/finding.h"
#include "session/options.h"

extern const struct option_type option_ms;	/* uint64_t in ns */

/* Rows for a command's option table; limits is where in its config the struct finding_limits is. */
#define LIMIT_OPTION(config, limits, key, name, value, type, field, help) \
	{ key, name, value, &option_##type, offsetof(struct config, limits.field), help }
#define LIMIT_OPTIONS(config, limits)								\
	LIMIT_OPTION(config, limits, 0, "handler-ms", "MS", ms, handler_ns,			\
		    "a finding if a handler runs longer; 1000 unless given"),			\
	LIMIT_OPTION(config, limits, 0, "pending-ms", "MS", ms, pending_ns,			\
		    "a finding if an event is deliverable longer; 1000"),			\
	LIMIT_OPTION(config, limits, 0, "nmi-ms", "MS", ms, nmi_ns,				\
		    "a finding if a signal of another vCPU is deliverable longer; 1000"),	\
	LIMIT_OPTION(config, limits, 0, "mask-ms", "MS", ms, mask_ns, "a finding if a PE is masked longer; 1000"), \
	LIMIT_OPTION(config, limits, 0, "drops", "N", count, drops,				\
		    "a finding if so many signals of an event in a second get no dispatch; 100"), \
	LIMIT_OPTION(config, limits, 0, "refused", "N", count, refused,				\
		    "a finding if so many calls of a vCPU in a second are refused; 10"),		\
	LIMIT_OPTION(config, limits, 0, "page-ms", "MS", ms, page_ns, "a finding if a page takes longer to come; 1000"), \
	LIMIT_OPTION(config, limits, 0, "ack-ms", "MS", ms, ack_ns,				\
		    "a finding if a guest acknowledges a page later; 1000"),			\
	LIMIT_OPTION(config, limits, 0, "fallbacks", "N", count, fallbacks,			\
		    "a finding if so many page faults of a vCPU in a second get no worker; 100")

#endif
