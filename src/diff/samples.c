// SPDX-License-Identifier: GPL-2.0-only
#include "diff/samples.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/record.h"
#include "util/array.h"

#define NS_PER_S 1e9

struct totals {
	uint64_t now, told;
};

struct samples {
	uint64_t from_ns, to_ns, block_ns;
	size_t blocks;
	struct samples_series *series;
	struct totals *totals;		/* of each series */
	size_t count, room;
	uint32_t *lost;			/* events */
	size_t lost_count;
	bool any_lost;
};

struct samples *samples_new(uint64_t from_ns, uint64_t to_ns, uint64_t block_ns)
{
	struct samples *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->from_ns = from_ns;
	s->to_ns = to_ns;
	s->block_ns = block_ns;
	s->blocks = (to_ns - from_ns) / block_ns ?: 1;
	return s;
}

void samples_free(struct samples *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++) {
		for (size_t block = 0; block < s->blocks; block++)
			fine_hist_clear(&s->series[i].blocks[block]);
		free(s->series[i].blocks);
	}
	free(s->series);
	free(s->totals);
	free(s->lost);
	free(s);
}

uint64_t samples_from_ns(const struct samples *s)
{
	return s->from_ns;
}

size_t samples_blocks(const struct samples *s)
{
	return s->blocks;
}

double samples_block_seconds(const struct samples *s, size_t block)
{
	uint64_t begin_ns = s->from_ns + block * s->block_ns;

	return (block + 1 == s->blocks ? s->to_ns - begin_ns : s->block_ns) / NS_PER_S;
}

static size_t block_of(const struct samples *s, uint64_t time_ns)
{
	uint64_t block = time_ns > s->from_ns ? (time_ns - s->from_ns) / s->block_ns : 0;

	return block < s->blocks ? block : s->blocks - 1;
}

uint64_t samples_block_end(const struct samples *s, uint64_t time_ns)
{
	size_t block = block_of(s, time_ns);

	return block + 1 == s->blocks ? UINT64_MAX : s->from_ns + (block + 1) * s->block_ns;
}

/* --- series */

int samples_compare_keys(const struct samples_key *a, const struct samples_key *b)
{
	int order = (a->event > b->event) - (a->event < b->event);

	return order ?: (a->stage > b->stage) - (a->stage < b->stage);
}

/* Of the first one that is not before key. */
static size_t place_of(const struct samples *s, const struct samples_key *key)
{
	return ARRAY_LOWER_BOUND(s->count, i, samples_compare_keys(&s->series[i].key, key) < 0);
}

static bool is_at(const struct samples *s, size_t at, const struct samples_key *key)
{
	return at < s->count && samples_compare_keys(&s->series[at].key, key) == 0;
}

static int make_room(struct samples *s)
{
	size_t series = s->room, totals = s->room;

	if (ARRAY_ROOM(s->series, series, s->count, 32) || ARRAY_ROOM(s->totals, totals, s->count, 32))
		return -ENOMEM;
	s->room = series;
	return 0;
}

/* Its index, or -ENOMEM. */
static ssize_t take_series(struct samples *s, struct samples_key key)
{
	size_t at = place_of(s, &key);
	struct fine_hist *blocks;

	if (is_at(s, at, &key))
		return at;
	blocks = calloc(s->blocks, sizeof(*blocks));
	if (!blocks || make_room(s)) {
		free(blocks);
		return -ENOMEM;
	}
	memmove(&s->series[at + 1], &s->series[at], (s->count - at) * sizeof(*s->series));
	memmove(&s->totals[at + 1], &s->totals[at], (s->count - at) * sizeof(*s->totals));
	s->series[at] = (struct samples_series){ .key = key, .blocks = blocks };
	s->totals[at] = (struct totals){ 0 };
	s->count++;
	return at;
}

const struct samples_series *samples_all(const struct samples *s, size_t *count)
{
	*count = s->count;
	return s->series;
}

const struct samples_series *samples_find(const struct samples *s, struct samples_key key)
{
	size_t at = place_of(s, &key);

	return is_at(s, at, &key) ? &s->series[at] : NULL;
}

/* --- samples and totals */

int samples_add(struct samples *s, struct samples_key key, uint64_t time_ns, uint64_t value_ns)
{
	ssize_t at = take_series(s, key);

	return at < 0 ? (int)at : fine_hist_add(&s->series[at].blocks[block_of(s, time_ns)], value_ns);
}

int samples_total(struct samples *s, struct samples_key key, uint64_t more)
{
	ssize_t at = more ? take_series(s, key) : 0;

	if (at < 0)
		return at;
	if (more)
		s->totals[at].now += more;
	return 0;
}

void samples_totals_end(struct samples *s, uint64_t time_ns, bool start)
{
	size_t block = block_of(s, time_ns);

	for (size_t i = 0; i < s->count; i++) {
		struct totals *totals = &s->totals[i];

		if (!start && totals->now > totals->told)
			s->series[i].blocks[block].count += totals->now - totals->told;
		if (totals->now > totals->told)
			totals->told = totals->now;
		totals->now = 0;
	}
}

/* --- loss */

int samples_lost(struct samples *s, uint32_t event)
{
	uint32_t *lost;

	if (samples_are_missing(s, event))
		return 0;
	if (event == SDEI_NONE) {
		s->any_lost = true;
		return 0;
	}
	lost = reallocarray(s->lost, s->lost_count + 1, sizeof(*lost));
	if (!lost)
		return -ENOMEM;
	s->lost = lost;
	s->lost[s->lost_count++] = event;
	return 0;
}

bool samples_are_missing(const struct samples *s, uint32_t event)
{
	for (size_t i = 0; i < s->lost_count; i++)
		if (s->lost[i] == event)
			return true;
	return s->any_lost;
}
