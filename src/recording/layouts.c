/* SPDX-License-Identifier: GPL-2.0-only */
#include "recording/layouts.h"

#include "record/sdei.h"
#include "recording/layouts_table.h"

/* --- names of values: the words of `sdeitop events` */

#define CALL_LABEL(number, name, has_event) { #name, SDEI_FN_BASE | (number) },
#define KIND_LABEL(NAME, name) { #name, SDEI_##NAME },

static const struct label outcomes[] = { { "queued", SDEI_QUEUED }, { "coalesced", SDEI_COALESCED }, { "rejected", SDEI_REJECTED } };
static const struct label sources[] = {
	{ "guest", SDEI_FROM_GUEST }, { "vmm", SDEI_FROM_VMM }, { "apf", SDEI_FROM_APF }, { "restore", SDEI_FROM_RESTORE },
};
static const struct label hows[] = { { "complete", SDEI_COMPLETED }, { "resume", SDEI_RESUMED } };
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
	{ "vcpu-end", APF_VCPU_END },
};
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
	[LABELS_FUNCTION] = SET(functions),
	[LABELS_KIND] = SET(kinds),
};

const struct label *labels_of(enum labels set, size_t *count)
{
	*count = sets[set].count;
	return sets[set].labels;
}

const struct layout *layout_of(unsigned int id)
{
	return id < LAYOUT_IDS && table[id].of ? &table[id] : NULL;
}

const struct event_class *event_class_of(const struct recording_item *item)
{
	static const struct event_class *const others[] = {
		[ITEM_SNAPSHOT] = &snapshot, [ITEM_LOST] = &lost, [ITEM_NAME] = &name, [ITEM_STATUS] = &status,
	};
	unsigned int kind;

	if (item->kind != ITEM_RECORD)
		return item->kind <= ITEM_STATUS ? others[item->kind] : NULL;
	kind = item->record.head.kind;
	return kind < SDEI_KIND_COUNT && records[kind].name ? &records[kind] : NULL;
}
