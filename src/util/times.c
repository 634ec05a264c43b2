/* SPDX-License-Identifier: GPL-2.0-only */
#include "util/times.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "util/clock.h"
#include "util/line.h"

#define STEP_NS (10 * (int64_t)NS_PER_MS)
#define LEAST_DECIMALS 3	/* of mono and relative: a number without is not taken for a time */

/* --- what CLOCK_MONOTONIC is on the wall */

/* The step that time_ns is in. */
static size_t step_at(const struct wall_steps *w, uint64_t time_ns)
{
	size_t at = w->count ? w->count - 1 : 0;

	while (at && w->step[at].from_ns > time_ns)
		at--;
	return at;
}

static int64_t offset_at(const struct wall_steps *w, uint64_t time_ns)
{
	return w->count ? w->step[step_at(w, time_ns)].offset_ns : 0;
}

static bool is_step(int64_t from_ns, int64_t to_ns)
{
	int64_t by_ns;

	return __builtin_sub_overflow(to_ns, from_ns, &by_ns) || by_ns >= STEP_NS || by_ns <= -STEP_NS;
}

void wall_steps_learn(struct wall_steps *w, uint64_t from_ns, int64_t offset_ns)
{
	if (w->count == WALL_STEPS_MAX || (w->count && from_ns < w->step[w->count - 1].from_ns))
		return;
	if (!w->count || is_step(offset_at(w, from_ns), offset_ns))
		w->step[w->count++] = (struct wall_step){ from_ns, offset_ns };
}

int64_t wall_steps_wall_ns(const struct wall_steps *w, uint64_t time_ns)
{
	return (int64_t)(time_ns + (uint64_t)offset_at(w, time_ns));
}

/* What is outside of the clock is its first or last moment. */
static uint64_t monotonic_ns(int64_t wall_ns, int64_t offset_ns)
{
	int64_t ns;

	if (__builtin_sub_overflow(wall_ns, offset_ns, &ns))
		return wall_ns < 0 ? 0 : INT64_MAX;
	return ns < 0 ? 0 : ns;
}

/* From one step up to the next. */
struct stretch {
	uint64_t begin_ns, end_ns;
	int64_t offset_ns;
};

static struct stretch stretch_of(const struct wall_steps *w, size_t step, uint64_t end_ns)
{
	return (struct stretch){
		.begin_ns = step ? w->step[step].from_ns : 0, .end_ns = step + 1 < w->count ? w->step[step + 1].from_ns - 1 : end_ns,
		.offset_ns = w->count ? w->step[step].offset_ns : 0,
	};
}

/* The part of a stretch in which the wall clock shows a time of that span. False: there is none. */
static bool part_of(struct stretch s, int64_t from_wall_ns, int64_t to_wall_ns, uint64_t *first_ns, uint64_t *last_ns)
{
	*first_ns = monotonic_ns(from_wall_ns, s.offset_ns);
	*last_ns = monotonic_ns(to_wall_ns, s.offset_ns);
	*first_ns = *first_ns < s.begin_ns ? s.begin_ns : *first_ns;
	*last_ns = *last_ns > s.end_ns ? s.end_ns : *last_ns;
	return *first_ns <= *last_ns;
}

static size_t stretches(const struct wall_steps *w)
{
	return w->count ?: 1;
}

uint64_t wall_steps_first_ns(const struct wall_steps *w, int64_t from_wall_ns, int64_t to_wall_ns, uint64_t end_ns)
{
	uint64_t first_ns, last_ns;

	for (size_t i = 0; i < stretches(w); i++)
		if (part_of(stretch_of(w, i, end_ns), from_wall_ns, to_wall_ns, &first_ns, &last_ns))
			return first_ns;
	for (size_t i = 0; i < stretches(w); i++)
		if (part_of(stretch_of(w, i, UINT64_MAX), from_wall_ns, INT64_MAX, &first_ns, &last_ns))
			return first_ns;
	return UINT64_MAX;
}

uint64_t wall_steps_last_ns(const struct wall_steps *w, int64_t from_wall_ns, int64_t to_wall_ns, uint64_t end_ns)
{
	uint64_t first_ns, last_ns;

	for (size_t i = stretches(w); i-- > 0; )
		if (part_of(stretch_of(w, i, end_ns), from_wall_ns, to_wall_ns, &first_ns, &last_ns))
			return last_ns;
	for (size_t i = stretches(w); i-- > 0; )
		if (part_of(stretch_of(w, i, UINT64_MAX), INT64_MIN, to_wall_ns, &first_ns, &last_ns))
			return last_ns;
	return 0;
}

/* --- printing */

static char *put_fraction(char *at, uint64_t ns, unsigned int decimals)
{
	if (!decimals)
		return at;
	*at++ = '.';
	for (unsigned int left = decimals; left < 9; left++)
		ns /= 10;
	return line_digits(at, ns, decimals);
}

static char *put_seconds(char *at, uint64_t ns, unsigned int decimals)
{
	at = line_decimal(at, ns / NS_PER_SEC);
	return put_fraction(at, ns % NS_PER_SEC, decimals < LEAST_DECIMALS ? LEAST_DECIMALS : decimals);
}

static char *put_relative(char *at, int64_t ns, unsigned int decimals)
{
	if (ns < 0)
		*at++ = '-';
	at = put_seconds(at, ns < 0 ? -(uint64_t)ns : (uint64_t)ns, decimals);
	*at++ = 's';
	return at;
}

/* +02:00. Before there were zones, towns had their own time, to the second. */
static void format_zone(char *zone, size_t size, long east_s)
{
	unsigned long s = east_s < 0 ? -east_s : east_s;
	int length = snprintf(zone, size, "%c%02lu:%02lu", east_s < 0 ? '-' : '+', s / 3600 % 100, s / 60 % 60);

	if (s % 60)
		snprintf(zone + length, size - length, ":%02lu", s % 60);
}

static void take_second(struct times_printer *p, int64_t second)
{
	time_t seconds = second;
	struct tm tm = { 0 };

	strcpy(p->zone, "Z");
	if (p->times->form != TIMES_LOCAL)
		gmtime_r(&seconds, &tm);
	else if (localtime_r(&seconds, &tm))
		format_zone(p->zone, sizeof(p->zone), tm.tm_gmtoff);
	p->length = strftime(p->text, sizeof(p->text), "%Y-%m-%dT%H:%M:%S", &tm);
	p->second = second;
	p->has_second = true;
}

static char *put_wall(struct times_printer *p, char *at, int64_t wall_ns, unsigned int decimals)
{
	int64_t rest = wall_ns % (int64_t)NS_PER_SEC, second = wall_ns / (int64_t)NS_PER_SEC - (rest < 0);

	if (!p->has_second || p->second != second)
		take_second(p, second);
	memcpy(at, p->text, p->length);
	at = put_fraction(at + p->length, rest < 0 ? rest + (int64_t)NS_PER_SEC : rest, decimals);
	return stpcpy(at, p->zone);
}

unsigned int times_print(struct times_printer *p, char *buf, uint64_t time_ns, unsigned int decimals)
{
	const struct times *t = p->times;

	if (!p->wall && t->form == TIMES_MONO)
		return put_seconds(buf, time_ns, decimals) - buf;
	if (!p->wall && t->form == TIMES_RELATIVE)
		return put_relative(buf, time_ns - t->start_ns, decimals) - buf;
	return put_wall(p, buf, wall_steps_wall_ns(&t->wall, time_ns), decimals) - buf;
}

/* Cut off where buf ends. */
static char *print_to(char *buf, size_t size, struct times_printer *p, uint64_t time_ns, unsigned int decimals)
{
	char text[TIMES_SIZE];
	unsigned int length = times_print(p, text, time_ns, decimals);

	snprintf(buf, size, "%.*s", (int)length, text);
	return buf;
}

char *times_full(char *buf, size_t size, const struct times *times, uint64_t time_ns, unsigned int decimals)
{
	return print_to(buf, size, &(struct times_printer){ .times = times }, time_ns, decimals);
}

char *times_wall(char *buf, size_t size, const struct times *times, uint64_t time_ns, unsigned int decimals)
{
	return print_to(buf, size, &(struct times_printer){ .times = times, .wall = true }, time_ns, decimals);
}

char *times_short(char *buf, size_t size, const struct times *times, uint64_t time_ns, unsigned int decimals)
{
	const char *time_of_day;

	times_full(buf, size, times, time_ns, decimals);
	time_of_day = times->dated ? NULL : strchr(buf, 'T');
	if (time_of_day)
		memmove(buf, time_of_day + 1, strlen(time_of_day));
	return buf;
}

unsigned int times_short_width(const struct times *times, unsigned int decimals)
{
	unsigned int fraction = decimals ? 1 + decimals : 0;

	switch (times->form) {
	case TIMES_MONO:
	case TIMES_RELATIVE:
		return 4 + 1 + (decimals < LEAST_DECIMALS ? LEAST_DECIMALS : decimals) + (times->form == TIMES_RELATIVE);
	case TIMES_LOCAL:
		return (times->dated ? 19 : 8) + fraction + 6;
	case TIMES_UTC:
		break;
	}
	return (times->dated ? 19 : 8) + fraction + 1;
}
