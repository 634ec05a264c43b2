/* SPDX-License-Identifier: GPL-2.0-only */
#include "recording/layouts.h"

#include "recording/layouts_table.h"

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

	if (item->kind == ITEM_SNAPSHOT && item->record.head.kind == SDEI_POWER)
		return &power_snapshot;
	if (item->kind == ITEM_SNAPSHOT && item->record.head.kind == SDEI_COUNTER)
		return &counter_snapshot;
	if (item->kind == ITEM_SNAPSHOT && item->record.head.arg)
		return &since;
	if (item->kind == ITEM_NAME && *item->name.uuid)
		return &guest;
	if (item->kind == ITEM_STATUS && item->status.counter.hz)
		return &clocks;
	if (item->kind != ITEM_RECORD)
		return item->kind <= ITEM_STATUS ? others[item->kind] : NULL;
	kind = item->record.head.kind;
	if (kind == SDEI_DISPATCH && item->record.head.origin)
		return &client_dispatch;
	if (kind == SDEI_CALL && item->record.call.duration_ns)
		return &client_call;
	return kind < SDEI_KIND_COUNT && records[kind].name ? &records[kind] : NULL;
}
