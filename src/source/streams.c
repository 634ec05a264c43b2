// SPDX-License-Identifier: GPL-2.0-only
#include "source/streams.h"

#include <stdlib.h>

#include "record/kinds.h"
#include "source/merge.h"

struct stream {
	struct ring *ring;
	const struct sdei_cpu *counts;
	uint64_t settled_ns;	/* nothing from before then is under way */
	uint64_t last_ns;	/* time of the last record taken */
	const struct sdei_record *head;	/* its next record, which the merge knows; NULL: it was dry */
	size_t size;		/* of head */
};

struct streams {
	struct merge *merge;
	uint64_t now_ns, limit_ns;
	uint64_t newest_ns, late;
	uint64_t settled_ns;	/* limit of the passes that were finished */
	bool all;
	struct ring *full;	/* has much to give back; NULL: none has */
	unsigned int count;
	struct stream of[];
};

struct streams *streams_new(unsigned int count)
{
	struct streams *s = calloc(1, sizeof(*s) + count * sizeof(s->of[0]));

	if (!s)
		return NULL;
	s->count = count;
	s->merge = merge_new(count);
	if (s->merge)
		return s;
	free(s);
	return NULL;
}

void streams_free(struct streams *s)
{
	if (!s)
		return;
	merge_free(s->merge);
	free(s);
}

void streams_set(struct streams *s, unsigned int i, struct ring *ring, const struct sdei_cpu *counts)
{
	s->of[i].ring = ring;
	s->of[i].counts = counts;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Losses before attempts: what is counted in between then looks outstanding, never the other way round. */
static bool is_complete(const struct stream *stream)
{
	uint64_t done = stream->ring ? stream->ring->read : 0, attempted = 0;

	for (int kind = 0; kind < SDEI_KIND_COUNT; kind++)
		done += __atomic_load_n(&stream->counts->kinds[kind].lost, __ATOMIC_ACQUIRE);
	for (int kind = 0; kind < SDEI_KIND_COUNT; kind++)
		attempted += __atomic_load_n(&stream->counts->kinds[kind].attempted, __ATOMIC_ACQUIRE);
	return attempted == done;
}

bool streams_is_complete(const struct streams *s)
{
	for (unsigned int i = 0; i < s->count; i++)
		if (!is_complete(&s->of[i]))
			return false;
	return true;
}

/* The stream has run dry: how far may the others go on? */
static void hold(struct streams *s, struct stream *stream)
{
	uint64_t limit;

	if (s->all)
		return;
	if (is_complete(stream)) {
		stream->settled_ns = s->now_ns;
		return;
	}
	limit = max_u64(stream->settled_ns, stream->last_ns);
	if (s->now_ns > STREAMS_HOLD_NS)
		limit = max_u64(limit, s->now_ns - STREAMS_HOLD_NS);
	if (limit < s->limit_ns)
		s->limit_ns = limit;
}

/* A record too short to have a time goes at once; whoever takes it sees its size. */
static bool peek(struct stream *stream, uint64_t *time_ns, uint8_t *rank)
{
	const struct sdei_record *record;
	const struct kind *kind = NULL;

	record = stream->head = stream->ring ? ring_peek(stream->ring, &stream->size) : NULL;
	if (!record)
		return false;
	*time_ns = stream->last_ns;
	if (stream->size >= sizeof(*record)) {
		*time_ns = record->time_ns;
		kind = kind_of(record->kind);
	}
	*rank = kind ? kind->rank : 0;
	return true;
}

static void queue(struct streams *s, unsigned int i)
{
	struct stream *stream = &s->of[i];
	uint64_t time_ns;
	uint8_t rank;

	if (peek(stream, &time_ns, &rank))
		merge_add(s->merge, i, time_ns, rank);
	else
		hold(s, stream);
}

/* Takes the head of a stream, the first of the merge, out of both; its bytes stay in the ring until give_back(). */
static void take(struct streams *s, struct stream *stream, uint64_t time_ns)
{
	uint8_t rank;

	stream->last_ns = time_ns;
	ring_take(stream->ring);
	if (ring_is_worth_release(stream->ring))
		s->full = stream->ring;
	if (peek(stream, &time_ns, &rank)) {
		merge_replace_first(s->merge, time_ns, rank);
		return;
	}
	merge_drop_first(s->merge);
	hold(s, stream);
}

void streams_begin(struct streams *s, uint64_t now_ns, bool all)
{
	s->now_ns = now_ns;
	s->all = all;
	s->limit_ns = all ? now_ns : now_ns > STREAMS_GUARD_NS ? now_ns - STREAMS_GUARD_NS : 0;
	for (unsigned int i = 0; i < s->count; i++)
		if (!s->of[i].head)
			queue(s, i);
}

static void note_time(struct streams *s, uint64_t time_ns)
{
	if (time_ns < s->newest_ns)
		s->late++;
	else
		s->newest_ns = time_ns;
}

/* What was handed out before is done with. */
static void give_back(struct streams *s)
{
	if (s->full)
		ring_release(s->full);
	s->full = NULL;
}

size_t streams_next(struct streams *s, const struct sdei_record *records[], size_t sizes[], size_t room)
{
	unsigned int first;
	size_t count = 0;
	uint64_t time_ns;

	give_back(s);
	while (count < room && !s->full && merge_first(s->merge, &first, &time_ns) && time_ns <= s->limit_ns) {
		struct stream *stream = &s->of[first];

		note_time(s, time_ns);
		records[count] = stream->head;
		sizes[count++] = stream->size;
		take(s, stream, time_ns);
	}
	return count;
}

void streams_end(struct streams *s)
{
	s->full = NULL;
	for (unsigned int i = 0; i < s->count; i++)
		if (s->of[i].ring)
			ring_release(s->of[i].ring);
	s->settled_ns = max_u64(s->settled_ns, s->limit_ns);
}

uint64_t streams_read(const struct streams *s)
{
	uint64_t read = 0;

	for (unsigned int i = 0; i < s->count; i++)
		read += s->of[i].ring ? s->of[i].ring->read : 0;
	return read;
}

uint64_t streams_late(const struct streams *s)
{
	return s->late;
}

uint64_t streams_settled(const struct streams *s)
{
	return s->settled_ns;
}
