/* SPDX-License-Identifier: GPL-2.0-only */
#include "recording/flight.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Packets one behind the other, none broken at the end of the memory. Not wrapped they are in tail..head, wrapped
 * in tail..end and then in 0..head.
 */
struct flight {
	size_t size, head, tail, end;
	bool wrapped;
	size_t held;			/* bytes of packets */
	size_t since_snapshot;		/* bytes taken since the last one */
	uint8_t bytes[];
};

struct flight *flight_new(size_t size)
{
	struct flight *f = malloc(sizeof(*f) + size);

	if (!f)
		return NULL;
	memset(f, 0, sizeof(*f));
	/* Memory that cannot be had shows now, not when it is needed. */
	memset(f->bytes, 0, size);
	f->size = size;
	return f;
}

void flight_free(struct flight *f)
{
	free(f);
}

/* Only what it holds is copied, and so takes memory. */
struct flight *flight_copy(const struct flight *f)
{
	struct flight *copy = malloc(sizeof(*f) + f->size);

	if (!copy)
		return NULL;
	*copy = *f;
	if (f->wrapped)
		memcpy(copy->bytes, f->bytes, f->head);
	memcpy(copy->bytes + f->tail, f->bytes + f->tail, (f->wrapped ? f->end : f->head) - f->tail);
	return copy;
}

static size_t packet_size(const struct flight *f, size_t at)
{
	struct packet_head head;

	memcpy(&head, f->bytes + at, sizeof(head));
	return head.packet_bits / 8;
}

static void drop_oldest(struct flight *f)
{
	size_t size = packet_size(f, f->tail);

	f->tail += size;
	f->held -= size;
	if (f->wrapped && f->tail == f->end) {
		f->tail = 0;
		f->wrapped = false;
	}
}

/* Room for so many bytes at head. */
static void make_room(struct flight *f, size_t size)
{
	for (;;) {
		if (f->wrapped) {
			if (f->tail >= f->head + size)
				return;
			drop_oldest(f);
		} else if (f->head + size <= f->size) {
			return;
		} else if (f->held) {
			f->end = f->head;
			f->head = 0;
			f->wrapped = true;
		} else {
			f->head = f->tail = 0;
		}
	}
}

int flight_take(void *ctx, const struct packet *packet)
{
	struct flight *f = ctx;

	make_room(f, packet->size);
	memcpy(f->bytes + f->head, packet->bytes, packet->size);
	f->head += packet->size;
	f->held += packet->size;
	f->since_snapshot = packet->head.holds == PACKET_SNAPSHOT ? 0 : f->since_snapshot + packet->size;
	return 0;
}

bool flight_wants_snapshot(const struct flight *f, size_t snapshot_size)
{
	return f->since_snapshot >= f->size / 4 && f->since_snapshot >= snapshot_size;
}

size_t flight_bytes(const struct flight *f)
{
	return f->held;
}

/* --- saving */

struct saving {
	struct writer *store;
	struct packet packet;
	bool started;
	int err;
};

/* What is before the first snapshot is of no use, unless it is the very beginning. */
static void save_packet(struct saving *s, const uint8_t *bytes, size_t size)
{
	memcpy(s->packet.bytes, bytes, size);
	s->packet.size = size;
	s->started |= s->packet.head.holds == PACKET_SNAPSHOT || s->packet.head.sequence == 0;
	if (s->started && !s->err)
		s->err = writer_take(s->store, &s->packet);
}

static void save_range(struct saving *s, const struct flight *f, size_t from, size_t to)
{
	while (from < to) {
		size_t size = packet_size(f, from);

		save_packet(s, f->bytes + from, size);
		from += size;
	}
}

/* The end mark, in a packet of its own behind the newest one. */
static void save_end(struct saving *s, const struct recording_status *end)
{
	struct packet_head last = s->packet.head;
	struct recording_item item = { .kind = ITEM_STATUS, .time_ns = end->time_ns };

	item.status = *end;
	item.status.end = true;
	packet_open(&s->packet, last.uuid, PACKET_EVENTS, last.end_ns);
	packet_put(&s->packet, &item);
	packet_close(&s->packet, last.sequence + 1, last.discarded, last.wall_offset_ns);
	if (!s->err)
		s->err = writer_take(s->store, &s->packet);
}

int flight_save(const struct flight *f, struct writer *store, const struct recording_status *end)
{
	struct saving *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->store = store;
	save_range(s, f, f->tail, f->wrapped ? f->end : f->head);
	if (f->wrapped)
		save_range(s, f, 0, f->head);
	if (s->started)
		save_end(s, end);
	err = s->err;
	free(s);
	return err;
}
