// SPDX-License-Identifier: GPL-2.0-only
/*
 * A binary heap of heads. A stream that goes on being the earliest, as in a
 * burst on one CPU, costs two comparisons a record.
 */
#include "source/merge.h"

#include <stdlib.h>

struct head {
	uint64_t time_ns;
	uint32_t stream;
	uint8_t rank;
};

struct merge {
	unsigned int count;
	struct head heap[];
};

struct merge *merge_new(unsigned int streams)
{
	return calloc(1, sizeof(struct merge) + streams * sizeof(struct head));
}

void merge_free(struct merge *m)
{
	free(m);
}

static bool earlier(const struct head *a, const struct head *b)
{
	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns;
	if (a->rank != b->rank)
		return a->rank < b->rank;
	return a->stream < b->stream;
}

static void sift_up(struct merge *m, unsigned int at, struct head head)
{
	while (at > 0 && earlier(&head, &m->heap[(at - 1) / 2])) {
		m->heap[at] = m->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	m->heap[at] = head;
}

static void sift_down(struct merge *m, struct head head)
{
	unsigned int at = 0, child;

	while ((child = 2 * at + 1) < m->count) {
		if (child + 1 < m->count && earlier(&m->heap[child + 1], &m->heap[child]))
			child++;
		if (!earlier(&m->heap[child], &head))
			break;
		m->heap[at] = m->heap[child];
		at = child;
	}
	m->heap[at] = head;
}

void merge_add(struct merge *m, unsigned int stream, uint64_t time_ns, uint8_t rank)
{
	sift_up(m, m->count++, (struct head) { time_ns, stream, rank });
}

bool merge_first(const struct merge *m, unsigned int *stream, uint64_t *time_ns)
{
	if (!m->count)
		return false;
	*stream = m->heap[0].stream;
	*time_ns = m->heap[0].time_ns;
	return true;
}

void merge_replace_first(struct merge *m, uint64_t time_ns, uint8_t rank)
{
	sift_down(m, (struct head) { time_ns, m->heap[0].stream, rank });
}

void merge_drop_first(struct merge *m)
{
	if (--m->count)
		sift_down(m, m->heap[m->count]);
}
