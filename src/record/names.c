/* SPDX-License-Identifier: GPL-2.0-only */
#include "record/names.h"

#include "record/sdei.h"

#define CALL_LABEL(number, name, has_event) { #name, SDEI_FN_BASE | (number) },
#define KIND_LABEL(NAME, name) { #name, SDEI_##NAME },

static const struct label outcomes[] = { { "queued", SDEI_QUEUED }, { "coalesced", SDEI_COALESCED }, { "rejected", SDEI_REJECTED } };
static const struct label sources[] = {
	{ "guest", SDEI_FROM_GUEST }, { "vmm", SDEI_FROM_VMM }, { "apf", SDEI_FROM_APF }, { "restore", SDEI_FROM_RESTORE },
};
static const struct label hows[] = { { "complete", SDEI_COMPLETED }, { "resume", SDEI_RESUMED }, { "unseen", SDEI_END_UNSEEN } };
static const struct label state_reasons[] = {
	{ "created", SDEI_CREATED }, { "reset", SDEI_STATE_RESET }, { "restored", SDEI_RESTORED },
	{ "destroyed", SDEI_DESTROYED }, { "snapshot", SDEI_SNAPSHOT },
};
static const struct label reset_reasons[] = { { "private", SDEI_PRIVATE_RESET }, { "vcpu", SDEI_VCPU_RESET } };
static const struct label places[] = {
	{ "guest", SDEI_IN_GUEST }, { "host", SDEI_IN_HOST }, { "descheduled", SDEI_DESCHEDULED },
};
static const struct label apf_steps[] = {
	{ "setup", APF_SETUP }, { "not-present", APF_NOT_PRESENT }, { "working", APF_WORKING }, { "ready", APF_READY },
	{ "present", APF_PRESENT }, { "ack", APF_ACK }, { "fallback", APF_FALLBACK }, { "clear", APF_CLEAR }, { "sync", APF_SYNC },
	{ "vcpu-end", APF_VCPU_END }, { "quick", APF_QUICK }, { "waiting", APF_WAITING },
};
static const struct label apf_servers[] = { { "worker", APF_BY_WORKER }, { "user", APF_BY_USER }, { "ring", APF_BY_RING } };
static const struct label apf_told[] = { { "told", APF_TOLD }, { "halted", APF_HALTED }, { "untold", APF_UNTOLD } };
static const struct label apf_present[] = {
	{ "signalled", APF_SIGNALLED }, { "cancelled", APF_CANCELLED }, { "silent", APF_SILENT }, { "wake-all", APF_WAKE_ALL },
};
static const struct label apf_fallbacks[] = {
	{ "off", APF_FALLBACK_OFF }, { "not-now", APF_FALLBACK_NOT_NOW }, { "full", APF_FALLBACK_FULL },
	{ "no-memory", APF_FALLBACK_NO_MEMORY }, { "masked", APF_FALLBACK_MASKED }, { "busy", APF_FALLBACK_BUSY },
	{ "pending", APF_FALLBACK_PENDING }, { "other", APF_FALLBACK_OTHER },
};
static const struct label apf_causes[] = {
	{ "userfault", APF_FROM_USERFAULT }, { "swap", APF_FROM_SWAP }, { "file", APF_FROM_FILE }, { "memory", APF_FROM_MEMORY },
	{ "mapped", APF_FROM_NOTHING }, { "hwpoison", APF_FROM_HWPOISON },
};
static const struct label gic_steps[] = {
	{ "its-set", GIC_ITS_SET }, { "its-get", GIC_ITS_GET }, { "gic-set", GIC_SET }, { "gic-get", GIC_GET },
	{ "registers", GIC_REGISTERS }, { "run", GIC_RUN },
};
static const struct label smccc_outcomes[] = { { "answered", SMCCC_ANSWERED }, { "forwarded", SMCCC_FORWARDED }, { "begun", SMCCC_BEGUN } };
static const struct label powers[] = { { "on", SDEI_POWER_ON }, { "off", SDEI_POWER_OFF }, { "suspended", SDEI_POWER_SUSPENDED } };
static const struct label counter_reasons[] = { { "found", SDEI_COUNTER_FOUND }, { "runs", SDEI_COUNTER_RUNS }, { "set", SDEI_COUNTER_SET } };
static const struct label functions[] = { SDEI_CALLS(CALL_LABEL) };
static const struct label kinds[] = { SDEI_KINDS(KIND_LABEL) };

#define SET(array) { array, sizeof(array) / sizeof((array)[0]) }

static const struct {
	const struct label *labels;
	size_t count;
} sets[LABELS_COUNT] = {
	[LABELS_OUTCOME] = SET(outcomes),
	[LABELS_SOURCE] = SET(sources),
	[LABELS_HOW] = SET(hows),
	[LABELS_STATE_REASON] = SET(state_reasons),
	[LABELS_RESET_REASON] = SET(reset_reasons),
	[LABELS_PLACE] = SET(places),
	[LABELS_APF_STEP] = SET(apf_steps),
	[LABELS_APF_SERVER] = SET(apf_servers),
	[LABELS_APF_TOLD] = SET(apf_told),
	[LABELS_APF_PRESENT] = SET(apf_present),
	[LABELS_APF_FALLBACK] = SET(apf_fallbacks),
	[LABELS_APF_CAUSE] = SET(apf_causes),
	[LABELS_GIC_STEP] = SET(gic_steps),
	[LABELS_SMCCC] = SET(smccc_outcomes),
	[LABELS_POWER] = SET(powers),
	[LABELS_COUNTER] = SET(counter_reasons),
	[LABELS_FUNCTION] = SET(functions),
	[LABELS_KIND] = SET(kinds),
};

const struct label *labels_of(enum labels set, size_t *count)
{
	*count = sets[set].count;
	return sets[set].labels;
}

const char *record_name(enum labels set, uint32_t value)
{
	for (size_t i = 0; i < sets[set].count; i++)
		if (sets[set].labels[i].value == value)
			return sets[set].labels[i].name;
	return "?";
}

const char *record_apf_outcome(unsigned int step, unsigned int outcome)
{
	switch (step) {
	case APF_SETUP:
	case APF_WORKING:
	case APF_READY:
		return outcome ? record_name(LABELS_APF_SERVER, outcome) : "";
	case APF_NOT_PRESENT:
		return record_name(LABELS_APF_TOLD, outcome);
	case APF_PRESENT:
		return record_name(LABELS_APF_PRESENT, outcome);
	case APF_FALLBACK:
		return record_name(LABELS_APF_FALLBACK, outcome);
	case APF_SYNC:
	case APF_WAITING:
		return outcome ? record_name(LABELS_APF_CAUSE, outcome) : "";
	default:
		return "";
	}
}
