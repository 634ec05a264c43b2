/* SPDX-License-Identifier: GPL-2.0-only */
#include "recording/read_ranges.h"
#include "util/array.h"

#include <stdlib.h>
#include <string.h>

#define NOWHERE SIZE_MAX

static int compare(struct seen_place a, struct seen_place b)
{
	return a.file != b.file ? (a.file > b.file) - (a.file < b.file) : (a.offset > b.offset) - (a.offset < b.offset);
}

void read_ranges_clear(struct read_ranges *s)
{
	free(s->stretches);
	*s = (struct read_ranges){ 0 };
}

/* The last stretch that begins at or before place, plus one; 0: none does. */
static size_t behind(const struct read_ranges *s, struct seen_place place)
{
	size_t at = s->count;

	while (at && compare(s->stretches[at - 1].from, place) > 0)
		at--;
	return at;
}

bool read_ranges_has(const struct read_ranges *s, struct seen_place place)
{
	size_t at = behind(s, place);

	return at && compare(place, s->stretches[at - 1].to) < 0;
}

void read_ranges_go(struct read_ranges *s, struct seen_place from)
{
	size_t at = behind(s, from);

	if (at && compare(from, s->stretches[at - 1].to) <= 0) {
		s->current = at - 1;
	} else if (!ARRAY_ROOM(s->stretches, s->room, s->count, 8)) {
		memmove(&s->stretches[at + 1], &s->stretches[at], (s->count++ - at) * sizeof(*s->stretches));
		s->stretches[at] = (struct seen_stretch){ from, from };
		s->current = at;
	} else {
		s->current = NOWHERE;
	}
}

/* Takes in the stretches that the current one has reached. */
static void join(struct read_ranges *s)
{
	struct seen_stretch *here = &s->stretches[s->current];
	size_t next = s->current + 1;

	for (; next < s->count && compare(s->stretches[next].from, here->to) <= 0; next++)
		if (compare(s->stretches[next].to, here->to) > 0)
			here->to = s->stretches[next].to;
	memmove(here + 1, &s->stretches[next], (s->count - next) * sizeof(*here));
	s->count -= next - s->current - 1;
}

void read_ranges_advance(struct read_ranges *s, struct seen_place to)
{
	if (s->current >= s->count || compare(to, s->stretches[s->current].to) <= 0)
		return;
	s->stretches[s->current].to = to;
	join(s);
}
