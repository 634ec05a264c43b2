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

#include "record/brief.h"

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
	X(UNACCOUNTED, "unaccounted", FINDING_ERROR, "signals or handlers do not add up, without a loss of records")	\
	X(PAGE_STUCK, "page-stuck", FINDING_ERROR, "a page that was faulted on takes too long to come")	\
	X(PAGE_UNACKED, "page-unacked", FINDING_ERROR, "the guest has not acknowledged for too long that a page is there") \
	X(FALLBACK_BURST, "fallback-burst", FINDING_WARNING,					\
	  "many page faults in a short time were not handed to a worker")			\
	X(WAKEUP_LOST, "wakeup-lost", FINDING_ERROR, "the guest has missed that a page is there") \
	X(GUEST_STOP, "guest-stop", FINDING_ERROR, "a vCPU has stopped all others of its VM by an event that none of them completes") \
	X(NMI_UNANSWERED, "nmi-unanswered", FINDING_ERROR,					\
	  "a signal of another vCPU has been deliverable too long")				\
	X(RESTORE_LOST, "restore-lost", FINDING_ERROR,						\
	  "a VM was restored with another SDEI state than it had, or a signal was undone by registers written back") \
	X(CREADR_LOST, "creadr-lost", FINDING_ERROR,						\
	  "GITS_CBASER was written after GITS_CREADR, which that sets to 0")			\
	X(CREADR_MISSING, "creadr-missing", FINDING_ERROR,					\
	  "the ITS was enabled, with GITS_CWRITER written but GITS_CREADR not")			\
	X(CWRITER_LOST, "cwriter-lost", FINDING_ERROR,						\
	  "GITS_CBASER was written after GITS_CWRITER, which that sets to 0")			\
	X(ITS_NOT_ENABLED, "its-not-enabled", FINDING_ERROR,					\
	  "GITS_CTLR was to enable the ITS before GITS_CBASER, GITS_BASER0 and GITS_BASER1 were valid") \
	X(ITS_BASE_IGNORED, "its-base-ignored", FINDING_ERROR,					\
	  "GITS_CBASER or GITS_BASER was written while the ITS was enabled")			\
	X(ITS_TABLES_EARLY, "its-tables-early", FINDING_ERROR,					\
	  "RESTORE_TABLES came before GITS_BASER")						\
	X(LPI_BASE_IGNORED, "lpi-base-ignored", FINDING_ERROR,					\
	  "GICR_PROPBASER or GICR_PENDBASER was written while GICR_CTLR had LPIs enabled")	\
	X(REDISTRIBUTOR_LATE, "redistributor-late", FINDING_ERROR,				\
	  "GICR_PROPBASER or GICR_PENDBASER was written after RESTORE_TABLES")			\
	X(GIC_REFUSED, "gic-refused", FINDING_ERROR, "KVM refused a step")			\
	X(GIC_HALF_VALUE, "gic-half-value", FINDING_WARNING,					\
	  "a register of 32 bits was written with bits above them: the VMM passes 32 bits where KVM takes 64")

enum model_finding_code {
#define X(NAME, code, severity, help) FINDING_##NAME,
	MODEL_FINDINGS(X)
#undef X
	FINDING_COUNT,
	FINDING_GIC = FINDING_CREADR_LOST	/* from here on they are about VMs: how interrupt controllers are saved and restored */
};

/* What ILLEGAL_TRANSITION found. X(NAME, what it says) */
#define FINDING_RULES(X)								\
	X(ENABLED_UNREGISTERED, "enabled without being registered")			\
	X(PENDING_UNREGISTERED, "pending without being registered")			\
	X(TWO_RUNNING, "two handlers running on one vCPU")				\
	X(REGISTERED_TWICE, "registered though it was registered already")		\
	X(REGISTERED_RUNNING, "registered while its handler was running")		\
	X(NOT_REGISTERED, "a call succeeded for an event that was not registered")	\
	X(QUEUED_TWICE, "a signal was queued though the event was pending already")	\
	X(COALESCED_ALONE, "a signal was coalesced though the event was not pending")	\
	X(CANCELLED_NOTHING, "cancelled though it was not pending")			\
	X(DISPATCHED_MASKED, "dispatched while the PE was masked")			\
	X(DISPATCHED_UNREGISTERED, "dispatched without being registered")		\
	X(DISPATCHED_DISABLED, "dispatched while disabled")				\
	X(DISPATCHED_NOTHING, "dispatched though it was not pending")			\
	X(DISPATCHED_BUSY, "dispatched while a handler was running")			\
	X(DISPATCHED_ORDER, "dispatched before a lower event that was deliverable")	\
	X(COMPLETED_NOTHING, "completed though its handler was not running")		\
	X(LEFT_REGISTERED, "still registered after it was taken away")			\
	X(LEFT_ENABLED, "still enabled after that was taken away")			\
	X(LEFT_PENDING, "still pending after that was taken away")			\
	X(LEFT_RUNNING, "still running after its handler ended")			\
	X(NOT_SET, "the state after the operation lacks what it sets")			\
	X(CHANGED, "the state changed in a way that this operation does not change it")	\
	X(MASK_RESULT, "the result of PE_MASK contradicts the mask")			\
	X(MASK_STATE, "the PE mask after the operation is not what it sets")		\
	X(MASK_CHANGED, "the PE mask changed without an operation on it")

enum finding_rule {
	RULE_NONE,
#define X(NAME, help) RULE_##NAME,
	FINDING_RULES(X)
#undef X
	RULE_COUNT
};

/* "dispatched while disabled"; NULL for RULE_NONE. */
const char *finding_rule_help(unsigned int rule);

const char *finding_code_name(enum model_finding_code code);
enum model_severity finding_severity(enum model_finding_code code);
const char *finding_help(enum model_finding_code code);
const char *finding_cost(enum model_finding_code code);	/* of those from FINDING_GIC on: what comes of it; of others NULL */
const char *severity_name(enum model_severity severity);	/* "info", "warning", "error" */

struct model_finding {
	enum model_finding_code code;
	uint32_t vm, instance, vcpu;	/* vcpu: SDEI_NONE if it is about the VM */
	uint32_t event;			/* SDEI_NONE if it is about the PE or the VM */
	uint64_t first_ns, last_ns;	/* CLOCK_MONOTONIC */
	uint64_t count;			/* how often; DROP_BURST: signals, REFUSED_CALLS: calls, PAGE_STUCK, FALLBACK_BURST: faults */
	bool open;			/* it still holds: one about records closes after a second without another */
	uint64_t value;			/* the worst: ns for the slow ones, a number for bursts and refusals */
	uint32_t sender;		/* NMI_UNANSWERED: the vCPU that signalled; else SDEI_NONE */
	/* Evidence of the first one. */
	uint8_t state_before;		/* post-state of the record before, where it matters; HANDLER_HUNG: the newest */
	bool has_record;		/* PAGE_STUCK: the slowest page has come, with this record */
	struct record_brief record;	/* the one that raised it */
	uint64_t before_ns;		/* time of its vCPU's record before, if model_keep_recent() was asked for; else 0 */
	uint8_t rule;			/* ILLEGAL_TRANSITION: enum finding_rule */
	uint8_t state_after;		/* RESTORE_LOST without a record: what state_before has become */
	uint32_t function;		/* REFUSED_CALLS: which call was refused most; 0: one that SDEI does not have */
	int64_t result;			/* how, */
	uint64_t most;			/* and how often: so many of count; GUEST_STOP: so many vCPUs are stopped */
	uint64_t gfn;			/* PAGE_STUCK: the slowest page; 0: not known */
};

/* Thresholds; 0 means the default. */
struct finding_limits {
	uint64_t handler_ns;		/* HANDLER_HUNG, GUEST_STOP: 1 s */
	uint64_t pending_ns;		/* PENDING_STUCK, deliverable all that time: 1 s */
	uint64_t nmi_ns;		/* NMI_UNANSWERED, deliverable all that time: 1 s */
	uint64_t mask_ns;		/* MASK_LONG, the initial mask apart: 1 s */
	uint64_t drops;			/* DROP_BURST: so many signals of an event, not dispatched each, */
	uint64_t drops_ns;		/* within this time, counted from one of them on: 100 in 1 s */
	uint64_t refused;		/* REFUSED_CALLS: so many of a vCPU */
	uint64_t refused_ns;		/* within this time: 10 in 1 s */
	uint64_t page_ns;		/* PAGE_STUCK: 1 s */
	uint64_t ack_ns;		/* PAGE_UNACKED: 1 s */
	uint64_t fallbacks;		/* FALLBACK_BURST: so many faults of a vCPU, those of a guest that did not ask apart, */
	uint64_t fallbacks_ns;		/* within this time: 100 in 1 s */
};

extern const struct finding_limits finding_defaults;

/*
 * A sentence about it with all its amounts, without VM, vCPU, event and times: "the handler has been running for 1.20 s". buf is
 * written, never overrun.
 */
#define FINDING_TEXT_SIZE 192	/* enough for each of them */
void finding_describe(const struct model_finding *finding, char *buf, size_t size);

#endif
