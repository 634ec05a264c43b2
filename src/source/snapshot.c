// SPDX-License-Identifier: GPL-2.0-only
#include "source/snapshot.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "record/kinds.h"

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

/* Counts them. False: they are not whole. */
static bool count(struct snapshot *s, const uint8_t *records, size_t size)
{
	const struct kind *kind;
	unsigned int number;

	for (size_t at = 0; at < size; at += kind->size) {
		kind = kind_at(records + at, size - at, &number);
		if (!kind)
			return false;
		s->counts.kinds[number].attempted++;
	}
	return true;
}

int snapshot_fill(struct snapshot *s, const void *records, size_t size)
{
	size_t room = 64;

	if (!count(s, records, size)) {
		memset(&s->counts, 0, sizeof(s->counts));
		return -EPROTO;
	}
	while (room < size)
		room *= 2;
	s->content = calloc(1, room + SDEI_RING_EXTRA);
	if (!s->content)
		return -ENOMEM;
	if (size)
		memcpy(s->content + 1, records, size);
	s->content->reserved = (uint64_t)size << SDEI_RING_SHIFT;
	ring_init(&s->ring, s->content, room);
	return 0;
}

void snapshot_clear(struct snapshot *s)
{
	free(s->content);
	s->content = NULL;
}
