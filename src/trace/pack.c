/* SPDX-License-Identifier: GPL-2.0-only */
#include "pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../source/kinds.h"
#include "known.h"

struct pack {
	struct pack_options options;
	struct known *known;
	struct pack_counters counters;
	uint64_t sequence;
	uint64_t last_ns;		/* of the newest item */
	int64_t wall_offset_ns;		/* as the newest status says */
	uint32_t recent_vm;		/* of the last record: it has a name */
	bool has_recent;
	struct recording_item item;	/* the one that is being made */
	struct packet packet;		/* the open one */
	struct packet snapshot;
};

struct pack *pack_new(const struct pack_options *options)
{
	struct pack *p = malloc(sizeof(*p));

	if (!p)
		return NULL;
	memset(p, 0, offsetof(struct pack, packet));
	p->options = *options;
	p->known = known_new();
	if (!p->known) {
		free(p);
		return NULL;
	}
	packet_open(&p->packet, options->uuid, PACKET_EVENTS, 0);
	return p;
}

void pack_free(struct pack *p)
{
	if (p)
		known_free(p->known);
	free(p);
}

const struct pack_counters *pack_counters(const struct pack *p)
{
	return &p->counters;
}

/* --- packets */

static int hand_on(struct pack *p, struct packet *packet)
{
	int err;

	packet_close(packet, p->sequence, p->counters.lost + p->counters.unrecorded, p->wall_offset_ns);
	err = p->options.take(p->options.ctx, packet);
	/* What is not kept leaves its number out: readers see the gap. */
	p->sequence++;
	if (err)
		return err;
	p->counters.packets++;
	p->counters.bytes += packet->size;
	return 0;
}

void pack_flush(struct pack *p)
{
	uint32_t items = p->packet.head.items;

	if (packet_is_empty(&p->packet))
		return;
	if (hand_on(p, &p->packet) == 0)
		p->counters.items += items;
	else
		p->counters.unrecorded += items;
	packet_open(&p->packet, p->options.uuid, PACKET_EVENTS, p->last_ns);
}

static void put(struct pack *p, struct recording_item *item)
{
	if (known_learn(p->known, item))
		p->counters.unrecorded++;	/* snapshots will lack it */
	if (!packet_put(&p->packet, item)) {
		pack_flush(p);
		packet_put(&p->packet, item);
	}
	if (item->time_ns > p->last_ns)
		p->last_ns = item->time_ns;
}

/* --- names */

static void name_vm(struct pack *p, const struct sdei_record *record)
{
	struct recording_item item = { .kind = ITEM_NAME, .time_ns = record->time_ns };
	char *name = p->options.name ? p->options.name(p->options.name_ctx, record->vm) : NULL;

	item.name.vm = record->vm;
	item.name.text = name ?: "-";
	put(p, &item);
	free(name);
}

/* A VM that was gone may come again under another name. */
static void check_name(struct pack *p, const struct sdei_record *record)
{
	if (record->kind == SDEI_STATE)
		p->has_recent = false;
	if (p->has_recent && record->vm == p->recent_vm)
		return;
	/* What is left of a VM that ends needs no name. */
	if (record->kind == SDEI_STATE && record->origin == SDEI_DESTROYED)
		return;
	if (!known_has_name(p->known, record->vm))
		name_vm(p, record);
	p->recent_vm = record->vm;
	p->has_recent = true;
}

/* --- what the source delivers */

void pack_record(void *ctx, const struct sdei_record *record, size_t size)
{
	struct pack *p = ctx;

	/* Anything else could not be read back. */
	if (!kind_of(record->kind) || size != kind_of(record->kind)->size) {
		p->counters.unrecorded++;
		return;
	}
	check_name(p, record);
	p->item.kind = ITEM_RECORD;
	p->item.time_ns = record->time_ns;
	memcpy(&p->item.record, record, size);
	p->item.size = size;
	put(p, &p->item);
}

void pack_lost(void *ctx, const struct sdei_lost_key *key, uint64_t count)
{
	struct pack *p = ctx;
	struct recording_item item = { .kind = ITEM_LOST, .time_ns = p->last_ns };

	if (key)
		item.lost.key = *key;
	item.lost.key_known = key;
	item.lost.count = count;
	p->counters.lost += count;
	put(p, &item);
}

void pack_lost_unknown(void *ctx, uint64_t count)
{
	pack_lost(ctx, NULL, count);
}

void pack_status(struct pack *p, struct recording_status *status)
{
	struct recording_item item = { .kind = ITEM_STATUS, .time_ns = status->time_ns };

	status->unrecorded = p->counters.unrecorded < UINT32_MAX ? p->counters.unrecorded : UINT32_MAX;
	p->wall_offset_ns = status->wall_ns - (int64_t)status->time_ns;
	item.status = *status;
	put(p, &item);
	pack_flush(p);
}

/* --- snapshots */

static int hand_on_snapshot(struct pack *p)
{
	int err = hand_on(p, &p->snapshot);

	if (!err)
		p->counters.snapshot_bytes += p->snapshot.size;
	return err;
}

static int put_snapshot(void *ctx, const struct recording_item *item)
{
	struct pack *p = ctx;
	int err;

	if (packet_put(&p->snapshot, item))
		return 0;
	err = hand_on_snapshot(p);
	packet_open(&p->snapshot, p->options.uuid, PACKET_SNAPSHOT, p->last_ns);
	packet_put(&p->snapshot, item);
	return err;
}

void pack_snapshot(struct pack *p, uint64_t time_ns)
{
	pack_flush(p);
	/* Nothing in a stream is older than what stands before it, be that the snapshot. */
	if (time_ns > p->last_ns)
		p->last_ns = time_ns;
	packet_open(&p->packet, p->options.uuid, PACKET_EVENTS, p->last_ns);
	packet_open(&p->snapshot, p->options.uuid, PACKET_SNAPSHOT, p->last_ns);
	if (known_tell(p->known, p->last_ns, put_snapshot, p) == 0 && !packet_is_empty(&p->snapshot))
		hand_on_snapshot(p);
}

size_t pack_snapshot_size(const struct pack *p)
{
	return known_size(p->known);
}
