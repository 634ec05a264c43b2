/* SPDX-License-Identifier: GPL-2.0-only */
#include "recording/packetizer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/kinds.h"
#include "recording/snapshot_state.h"

/* A snapshot takes at most this share of a file, and comes no more often than that. */
#define SNAPSHOT_SHARE 16
#define SNAPSHOT_LEAST (1U << 20)

struct packetizer {
	struct packetizer_options options;
	struct snapshot_state *known;
	struct packetizer_counters counters;
	uint64_t sequence;
	uint64_t last_ns;		/* of the newest item */
	int64_t wall_offset_ns;		/* as the newest status says */
	uint32_t recent_vm;		/* of the last record: it has a name */
	bool has_recent;
	bool learning;			/* until the next snapshot nothing goes into packets */
	uint64_t snapshot_at;		/* counters.bytes when the last snapshot was handed on */
	struct recording_item item;	/* the one that is being made */
	struct packet packet;		/* the open one */
	struct packet snapshot;
};

struct packetizer *packetizer_new(const struct packetizer_options *options)
{
	struct packetizer *p = malloc(sizeof(*p));

	if (!p)
		return NULL;
	memset(p, 0, offsetof(struct packetizer, packet));
	p->options = *options;
	p->known = snapshot_state_new();
	if (!p->known) {
		free(p);
		return NULL;
	}
	packet_open(&p->packet, options->uuid, PACKET_EVENTS, 0);
	return p;
}

void packetizer_free(struct packetizer *p)
{
	if (p)
		snapshot_state_free(p->known);
	free(p);
}

const struct packetizer_counters *packetizer_counters(const struct packetizer *p)
{
	return &p->counters;
}

/* --- packets */

static int hand_on(struct packetizer *p, struct packet *packet)
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

void packetizer_flush(struct packetizer *p)
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

static void put(struct packetizer *p, struct recording_item *item)
{
	if (snapshot_state_learn(p->known, item))
		p->counters.unrecorded++;	/* snapshots will lack it */
	if (p->learning)
		return;
	if (!packet_put(&p->packet, item)) {
		packetizer_flush(p);
		packet_put(&p->packet, item);
	}
	if (item->time_ns > p->last_ns)
		p->last_ns = item->time_ns;
}

/* --- names */

static void put_name(struct packetizer *p, uint32_t vm, const char *name, const char *uuid, uint64_t time_ns)
{
	struct recording_item item = { .kind = ITEM_NAME, .time_ns = time_ns };

	item.name.vm = vm;
	item.name.text = name;
	snprintf(item.name.uuid, sizeof(item.name.uuid), "%s", uuid);
	put(p, &item);
}

static void name_vm(struct packetizer *p, const struct sdei_record *record)
{
	char uuid[RECORDING_UUID_SIZE] = "";
	char *name = p->options.name ? p->options.name(p->options.name_ctx, record->vm, uuid) : NULL;

	put_name(p, record->vm, name ?: "-", uuid, record->time_ns);
	free(name);
}

void packetizer_rename(struct packetizer *p, uint32_t vm, const char *name, const char *uuid)
{
	const char *known = snapshot_state_name(p->known, vm);

	if (known && (strcmp(known, name) != 0 || strcmp(snapshot_state_uuid(p->known, vm), uuid) != 0))
		put_name(p, vm, name, uuid, p->last_ns);
}

void packetizer_name(struct packetizer *p, uint32_t vm, const char *name, const char *uuid, uint64_t time_ns)
{
	const char *known = snapshot_state_name(p->known, vm);
	struct recording_item end;

	if (!known || strcmp(known, name) == 0)
		return;
	while (snapshot_state_end(p->known, vm, time_ns, &end))
		put(p, &end);
	put_name(p, vm, name, uuid, time_ns);
}

/* A VM that was gone may come again under another name. */
static void check_name(struct packetizer *p, const struct sdei_record *record)
{
	if (record->kind == SDEI_STATE)
		p->has_recent = false;
	if (p->has_recent && record->vm == p->recent_vm)
		return;
	/* What is left of a VM that ends needs no name. */
	if (record->kind == SDEI_STATE && record->origin == SDEI_DESTROYED)
		return;
	if (!snapshot_state_name(p->known, record->vm))
		name_vm(p, record);
	p->recent_vm = record->vm;
	p->has_recent = true;
}

/* --- what the source delivers */

void packetizer_record(void *ctx, const struct sdei_record *record, size_t size)
{
	struct packetizer *p = ctx;
	const struct kind *kind = kind_of(record->kind);

	/* Anything else could not be read back. */
	if (!kind || size != kind->size) {
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

void packetizer_learn(struct packetizer *p)
{
	p->learning = true;
}

void packetizer_lost(void *ctx, const struct sdei_lost_key *key, uint64_t count)
{
	struct packetizer *p = ctx;
	struct recording_item item = { .kind = ITEM_LOST, .time_ns = p->last_ns };

	if (p->learning)
		return;
	if (key)
		item.lost.key = *key;
	item.lost.key_known = key;
	item.lost.count = count;
	p->counters.lost += count;
	put(p, &item);
}

struct record_sink packetizer_sink(struct packetizer *p)
{
	return (struct record_sink){ .record = packetizer_record, .lost = packetizer_lost, .ctx = p };
}

void packetizer_status(struct packetizer *p, struct recording_status *status)
{
	struct recording_item item = { .kind = ITEM_STATUS, .time_ns = status->time_ns };

	status->unrecorded = p->counters.unrecorded < UINT32_MAX - status->unrecorded ?
			     status->unrecorded + p->counters.unrecorded : UINT32_MAX;
	p->wall_offset_ns = (int64_t)((uint64_t)status->wall_ns - status->time_ns);	/* a recording that is copied may claim any */
	item.status = *status;
	put(p, &item);
	packetizer_flush(p);
}

/* --- snapshots */

static int hand_on_snapshot(struct packetizer *p)
{
	int err = hand_on(p, &p->snapshot);

	if (!err)
		p->counters.snapshot_bytes += p->snapshot.size;
	return err;
}

static int put_snapshot(void *ctx, const struct recording_item *item)
{
	struct packetizer *p = ctx;
	int err;

	if (packet_put(&p->snapshot, item))
		return 0;
	err = hand_on_snapshot(p);
	packet_open(&p->snapshot, p->options.uuid, PACKET_SNAPSHOT, p->last_ns);
	packet_put(&p->snapshot, item);
	return err;
}

void packetizer_snapshot(struct packetizer *p, uint64_t time_ns)
{
	packetizer_flush(p);
	p->learning = false;
	/* Nothing in a stream is older than what stands before it, be that the snapshot. */
	if (time_ns > p->last_ns)
		p->last_ns = time_ns;
	packet_open(&p->packet, p->options.uuid, PACKET_EVENTS, p->last_ns);
	packet_open(&p->snapshot, p->options.uuid, PACKET_SNAPSHOT, p->last_ns);
	if (snapshot_state_send(p->known, p->last_ns, put_snapshot, p) == 0 && !packet_is_empty(&p->snapshot))
		hand_on_snapshot(p);
	p->snapshot_at = p->counters.bytes;
}

bool packetizer_wants_snapshot(const struct packetizer *p)
{
	uint64_t since = p->counters.bytes - p->snapshot_at;

	return since >= SNAPSHOT_LEAST && since >= SNAPSHOT_SHARE * packetizer_snapshot_size(p);
}

size_t packetizer_snapshot_size(const struct packetizer *p)
{
	return snapshot_state_size(p->known);
}
