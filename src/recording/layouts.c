/* SPDX-License-Identifier: GPL-2.0-only */
#include "recording/layouts.h"

#include "recording/layouts_table.h"

const struct layout *layout_of(unsigned int id)
{
	return id < LAYOUT_IDS && table[id].of ? &table[id] : NULL;
}

static const struct event_class *class_of_record(const struct recording_item *item)
{
	const struct sdei_record *r = &item->record.head;

	if (r->kind == SDEI_DISPATCH && r->origin)
		return &client_dispatch;
	if (r->kind == SDEI_CALL && item->record.call.duration_ns)
		return &client_call;
	return r->kind < SDEI_KIND_COUNT && records[r->kind].name ? &records[r->kind] : NULL;
}

static const struct event_class *class_of_snapshot(const struct sdei_record *r)
{
	switch (r->kind) {
	case SDEI_POWER:
		return &power_snapshot;
	case SDEI_COUNTER:
		return &counter_snapshot;
	default:
		return r->arg ? &since : &snapshot;
	}
}

const struct event_class *event_class_of(const struct recording_item *item)
{
	switch (item->kind) {
	case ITEM_RECORD:
		return class_of_record(item);
	case ITEM_SNAPSHOT:
		return class_of_snapshot(&item->record.head);
	case ITEM_LOST:
		return &lost;
	case ITEM_NAME:
		return *item->name.uuid ? &guest : &name;
	case ITEM_STATUS:
		return item->status.counter.hz ? &clocks : &status;
	}
	return NULL;
}
