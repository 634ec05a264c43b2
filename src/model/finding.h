/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Findings: what a developer of KVM or of a guest should look at. Each has a
 * stable code, is raised once per episode (the same trouble of the same vCPU and
 * event without a good moment in between) and then counted.
 */
#ifndef MODEL_FINDING_H
#define MODEL_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../bpf/record.h"

enum model_severity { FINDING_INFO, FINDING_WARNING, FINDING_ERROR };

/*
 * X(NAME, code, severity, what it says). The codes are ABI: scripts and alerts match them.
 */
#define MODEL_FINDINGS(X)									\
	X(ILLEGAL_TRANSITION, "illegal-transition", FINDING_ERROR,				\
	  "a state or a change of state that SDEI does not allow")				\
	X(HANDLER_HUNG, "handler-hung", FINDING_ERROR, "a handler has been running too long")	\
	X(PENDING_STUCK, "pending-stuck", FINDING_ERROR,					\
	  "an event has been pending and deliverable too long")					\
	X(MASK_LONG, "mask-long", FINDING_WARNING, "the PE has been masked too long")		\
	X(DROP_BURST, "drop-burst", FINDING_WARNING, "many signals in a short time were not delivered each") \
	X(REFUSED_CALLS, "refused-calls", FINDING_WARNING, "many SDEI calls were refused")	\
	X(UNACCOUNTED, "unaccounted", FINDING_ERROR, "signals or handlers do not add up, without a loss of records")

enum model_finding_code {
#define X(NAME, code, severity, help) FINDING_##NAME,
	MODEL_FINDINGS(X)
#undef X
	FINDING_COUNT
};

const char *finding_code_name(enum model_finding_code code);
enum model_severity finding_severity(enum model_finding_code code);
const char *finding_help(enum model_finding_code code);
const char *severity_name(enum model_severity severity);	/* "info", "warning", "error" */

struct model_finding {
	enum model_finding_code code;
	uint32_t vm, instance, vcpu;	/* vcpu: SDEI_NONE if it is about the VM */
	uint32_t event;			/* SDEI_NONE if it is about the PE or the VM */
	uint64_t first_ns, last_ns;	/* CLOCK_MONOTONIC */
	uint64_t count;
	bool open;			/* it still holds */
	uint64_t value;			/* the worst: ns for the slow ones, a number for bursts and refusals */
	/* Evidence of the first one. */
	uint8_t state_before;		/* post-state of the record before, where it matters */
	bool has_record;
	struct sdei_record record;	/* the one that raised it */
	uint32_t function;		/* REFUSED_CALLS: which call was refused most */
	int64_t result;			/* and how */
};

/* Thresholds; 0 means the default. */
struct finding_limits {
	uint64_t handler_ns;		/* HANDLER_HUNG: 1 s */
	uint64_t pending_ns;		/* PENDING_STUCK, deliverable all that time: 1 s */
	uint64_t mask_ns;		/* MASK_LONG, the initial mask apart: 1 s */
	uint64_t drops;			/* DROP_BURST: so many signals of an event, not dispatched each, */
	uint64_t drops_ns;		/* within this time: 100 in 1 s */
	uint64_t refused;		/* REFUSED_CALLS: so many of a vCPU */
	uint64_t refused_ns;		/* within this time: 10 in 1 s */
};

extern const struct finding_limits finding_defaults;

/* One sentence about it, without vm, vcpu and event: "handler running for 1.2 s"; buf is written, never overrun. */
void finding_describe(const struct model_finding *finding, char *buf, size_t size);

#endif
