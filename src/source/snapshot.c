// SPDX-License-Identifier: GPL-2.0-only
#include "snapshot.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "kinds.h"

/* The record at the start of size bytes; NULL: there is none. */
static const struct kind *kind_at(const uint8_t *records, size_t size, unsigned int *number)
{
	struct sdei_record head;
	const struct kind *kind;

	if (size < sizeof(head))
		return NULL;
	memcpy(&head, records, sizeof(head));
	kind = kind_of(head.kind);
	*number = head.kind;
	return kind && kind->size <= size ? kind : NULL;
}

/* Of the content: each record gets a header. 0: they are not whole. */
static size_t content_size(const uint8_t *records, size_t size)
{
	const struct kind *kind;
	unsigned int number;
	size_t total = 0;

	for (size_t at = 0; at < size; at += kind->size) {
		kind = kind_at(records + at, size - at, &number);
		if (!kind)
			return 0;
		total += BPF_RINGBUF_HDR_SZ + kind->size;
	}
	return total;
}

static void add(struct snapshot *s, const uint8_t *record, const struct kind *kind, unsigned int number)
{
	const uint32_t length = kind->size;

	memcpy(s->content + s->producer, &length, sizeof(length));
	memcpy(s->content + s->producer + BPF_RINGBUF_HDR_SZ, record, kind->size);
	s->producer += BPF_RINGBUF_HDR_SZ + kind->size;
	s->counts.kinds[number].attempted++;
}

int snapshot_fill(struct snapshot *s, const void *records, size_t size)
{
	size_t bytes = content_size(records, size), room = 64;
	const uint8_t *from = records;
	const struct kind *kind;
	unsigned int number;

	if (size && !bytes)
		return -EPROTO;
	while (room < bytes)
		room *= 2;
	s->content = calloc(1, room);
	if (!s->content)
		return -ENOMEM;
	for (size_t at = 0; at < size; at += kind->size) {
		kind = kind_at(from + at, size - at, &number);
		add(s, from + at, kind, number);
	}
	ring_init(&s->ring, &s->consumer, &s->producer, s->content, room);
	return 0;
}

void snapshot_clear(struct snapshot *s)
{
	free(s->content);
	s->content = NULL;
}
