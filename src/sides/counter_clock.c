// SPDX-License-Identifier: GPL-2.0-only
#include "sides/counter_clock.h"

#include <math.h>
#include <stdlib.h>

#include "util/array.h"

#define MOMENTS_LEAST 2		/* make a line */

/* --- what a side says */

static bool is_later(uint64_t ticks, uint64_t later)
{
	return (int64_t)(later - ticks) > 0;
}

void counter_side_moment(struct counter_side *s, int64_t at_ns, const struct counter_look *counter)
{
	const struct counter_moment *last = s->count ? &s->moments[s->count - 1] : NULL;

	if (!counter->hz || (s->hz && s->hz != counter->hz))
		return;
	if (last && (at_ns <= last->at_ns || !is_later(last->ticks, counter->ticks) || !is_later(s->moments->ticks, counter->ticks)))
		return;
	if (ARRAY_ROOM_BY_COUNT(s->moments, s->count)) {
		s->failed = true;
		return;
	}
	s->hz = counter->hz;
	s->moments[s->count++] = (struct counter_moment){ at_ns, counter->ticks, counter->error_ns };
}

/* All vCPUs say the same, and snapshots say it again. */
void counter_side_behind(struct counter_side *s, int64_t at_ns, const struct sdei_record_counter *record)
{
	const struct counter_behind behind = { .at_ns = at_ns, .ticks = record->offset };

	if (s->behind_count && s->behind[s->behind_count - 1].ticks == behind.ticks)
		return;
	if (ARRAY_ROOM_BY_COUNT(s->behind, s->behind_count)) {
		s->failed = true;
		return;
	}
	s->behind[s->behind_count++] = behind;
}

void counter_side_clear(struct counter_side *s)
{
	free(s->moments);
	free(s->behind);
	*s = (struct counter_side){ 0 };
}

/* --- one side's clock over its counter, and back */

/* The moment in front of the one that is looked for, so that there is one behind it. */
static const struct counter_moment *moment_by_ns(const struct counter_side *s, int64_t at_ns)
{
	size_t i = ARRAY_LOWER_BOUND(s->count, k, s->moments[k].at_ns <= at_ns);

	return &s->moments[i < 1 ? 0 : i > s->count - 1 ? s->count - 2 : i - 1];
}

static const struct counter_moment *moment_by_ticks(const struct counter_side *s, uint64_t ticks)
{
	size_t i = ARRAY_LOWER_BOUND(s->count, k, !is_later(ticks, s->moments[k].ticks));

	return &s->moments[i < 1 ? 0 : i > s->count - 1 ? s->count - 2 : i - 1];
}

/* From one counter value to another one, which may be in front of it. */
static double ticks_from(uint64_t from, uint64_t to)
{
	return (double)(int64_t)(to - from);
}

static double ns_per_tick(const struct counter_moment *m)
{
	return (double)(m[1].at_ns - m[0].at_ns) / ticks_from(m[0].ticks, m[1].ticks);
}

/* What a recording claims may be beyond all numbers. */
static int64_t whole(double value)
{
	return fabs(value) < 0x1p62 ? (int64_t)floor(value) : 0;
}

/* Ticks since the side's first moment, which a double holds exactly. */
static double ticks_at(const struct counter_side *s, double at_ns)
{
	const struct counter_moment *m = moment_by_ns(s, whole(at_ns));

	return ticks_from(s->moments->ticks, m->ticks) + (at_ns - (double)m->at_ns) / ns_per_tick(m);
}

static double ns_at(const struct counter_side *s, double ticks)
{
	const struct counter_moment *m = moment_by_ticks(s, s->moments->ticks + (uint64_t)whole(ticks));

	return (double)m->at_ns + (ticks - ticks_from(s->moments->ticks, m->ticks)) * ns_per_tick(m);
}

/* --- from the guest to the host */

/* What the guest's counter showed when it began to be so far behind, since the guest's first moment. */
static double begin_of(const struct counter_clock *c, const struct counter_behind *b)
{
	return ticks_at(c->host, (double)b->at_ns) + ticks_from(c->guest->moments->ticks, c->host->moments->ticks - b->ticks);
}

/* The first one holds from before all recording on. */
static void set_begins(const struct counter_clock *c, struct counter_side *host)
{
	host->behind[0].begin = -INFINITY;
	for (size_t i = 1; i < host->behind_count; i++)
		host->behind[i].begin = fmax(begin_of(c, &host->behind[i]), host->behind[i - 1].begin);
}

static const struct counter_behind *behind_at(const struct counter_clock *c, double guest_ticks)
{
	const struct counter_side *host = c->host;
	size_t i = ARRAY_LOWER_BOUND(host->behind_count, k, host->behind[k].begin <= guest_ticks);

	return &host->behind[i ? i - 1 : 0];
}

double counter_clock_host_ns(const struct counter_clock *c, int64_t guest_ns)
{
	double ticks = ticks_at(c->guest, (double)guest_ns);
	const struct counter_behind *b = behind_at(c, ticks);

	return ns_at(c->host, ticks + ticks_from(c->host->moments->ticks, c->guest->moments->ticks + b->ticks));
}

/* --- how exactly */

/* Each moment's own error, and how far it is off the line between its neighbours. */
static double error_of(const struct counter_side *s)
{
	double error_ns = 0;

	for (size_t i = 0; i < s->count; i++)
		error_ns = fmax(error_ns, s->moments[i].error_ns);
	for (size_t i = 1; i + 1 < s->count; i++) {
		const struct counter_moment *m = &s->moments[i];
		double slope = (double)(m[1].at_ns - m[-1].at_ns) / ticks_from(m[-1].ticks, m[1].ticks);
		double on_line_ns = (double)m[-1].at_ns + ticks_from(m[-1].ticks, m[0].ticks) * slope;

		error_ns = fmax(error_ns, m->error_ns + fabs(on_line_ns - (double)m->at_ns));
	}
	return error_ns + 1e9 / s->hz;	/* it shows whole ticks */
}

enum counter_lack counter_clock_make(struct counter_clock *c, const struct counter_side *guest, struct counter_side *host)
{
	*c = (struct counter_clock){ .guest = guest, .host = host };
	if (host->count < MOMENTS_LEAST)
		return COUNTER_NOT_OF_HOST;
	if (guest->count < MOMENTS_LEAST)
		return COUNTER_NOT_OF_GUEST;
	if (!host->behind_count)
		return COUNTER_NO_OFFSET;
	if (guest->hz != host->hz)
		return COUNTER_OTHER_HZ;
	set_begins(c, host);
	c->error_ns = error_of(guest) + error_of(host);
	return COUNTER_THERE;
}
