/* SPDX-License-Identifier: GPL-2.0-only */
#include "session/moment.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECOND_NS 1000000000LL
#define DAY_NS (86400 * SECOND_NS)
#define PRINTED_DECIMALS 3	/* at least, of a time with a fraction that a command prints */

/* Digits and a fraction: ns, or -EINVAL. decimals: how many digits the fraction has. */
static int take_decimal(const char **text, int64_t unit_ns, int64_t *ns, unsigned int *decimals)
{
	int64_t whole = 0, part = unit_ns;

	*decimals = 0;
	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	for (; isdigit((unsigned char)**text); ++*text)
		if (__builtin_mul_overflow(whole, 10, &whole) || __builtin_add_overflow(whole, **text - '0', &whole))
			return -EINVAL;
	if (__builtin_mul_overflow(whole, unit_ns, &whole))
		return -EINVAL;
	if (**text == '.')
		for (++*text; isdigit((unsigned char)**text); ++*text, ++*decimals)
			if (__builtin_add_overflow(whole, (**text - '0') * (part /= 10), &whole))
				return -EINVAL;
	*ns = whole;
	return 0;
}

/* What so many decimals of a unit leave open, if they are as many as a time is printed with. */
static int64_t span_of(int64_t unit_ns, unsigned int decimals)
{
	if (decimals < PRINTED_DECIMALS)
		return 1;
	while (decimals-- > 0 && unit_ns > 1)
		unit_ns /= 10;
	return unit_ns;
}

static int64_t unit_of(const char **text)
{
	static const struct { const char *name; int64_t ns; } units[] = {
		{ "ms", 1000000 }, { "us", 1000 }, { "ns", 1 }, { "h", 3600 * SECOND_NS }, { "m", 60 * SECOND_NS }, { "s", SECOND_NS },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t length = strlen(units[i].name);

		if (strncmp(*text, units[i].name, length) == 0) {
			*text += length;
			return units[i].ns;
		}
	}
	return 0;
}

/* "10m20s", "-0.5s" */
static int set_duration(struct moment *moment, const char *text)
{
	bool before = *text == '-';
	int64_t sum = 0;

	text += before;
	do {
		const char *number = text;
		unsigned int decimals;
		int64_t ns, unit_ns;

		text += strspn(text, "0123456789.");
		unit_ns = unit_of(&text);
		if (!unit_ns || take_decimal(&number, unit_ns, &ns, &decimals) || __builtin_add_overflow(sum, ns, &sum))
			return -EINVAL;
		if (isdigit((unsigned char)*number) || *number == '.')
			return -EINVAL;
		moment->span_ns = span_of(unit_ns, decimals);
	} while (*text);
	moment->kind = MOMENT_SINCE_START;
	moment->ns = before ? -sum : sum;
	return 0;
}

static int set_monotonic(struct moment *moment, const char *text)
{
	unsigned int decimals;

	moment->kind = MOMENT_MONOTONIC;
	if (take_decimal(&text, SECOND_NS, &moment->ns, &decimals) || *text)
		return -EINVAL;
	moment->span_ns = span_of(SECOND_NS, decimals);
	return 0;
}

/* "+02:00", "-00:53:28" */
static int set_offset(struct moment *moment, const char *text)
{
	unsigned int hours, minutes, seconds = 0;
	int length = 0, more = 0;

	if (sscanf(text + 1, "%2u:%2u%n:%2u%n", &hours, &minutes, &length, &seconds, &more) < 2)
		return -EINVAL;
	if (text[1 + (more ?: length)] || !isdigit((unsigned char)text[1]) || hours > 23 || minutes > 59 || seconds > 59)
		return -EINVAL;
	moment->has_zone = true;
	moment->east_s = (hours * 60 + minutes) * 60 + seconds;
	if (*text == '-')
		moment->east_s = -moment->east_s;
	return 0;
}

/* "Z", an offset, or nothing. */
static int set_zone(struct moment *moment, const char *text)
{
	if (*text == '+' || *text == '-')
		return set_offset(moment, text);
	moment->has_zone = strcmp(text, "Z") == 0;
	return *text && !moment->has_zone ? -EINVAL : 0;
}

static int set_time_of_day(struct moment *moment, const char *text)
{
	unsigned int hours, minutes, decimals;
	int length = 0;
	int64_t ns = 0;

	if (!isdigit((unsigned char)*text) || sscanf(text, "%2u:%2u%n", &hours, &minutes, &length) != 2 || hours > 23 || minutes > 59)
		return -EINVAL;
	text += length;
	moment->kind = MOMENT_TIME_OF_DAY;
	moment->span_ns = 1;
	if (*text == ':') {
		text++;
		if (take_decimal(&text, SECOND_NS, &ns, &decimals) || ns >= 60 * SECOND_NS)
			return -EINVAL;
		moment->span_ns = decimals ? span_of(SECOND_NS, decimals) : SECOND_NS;
	}
	moment->ns = (hours * 60 + minutes) * 60 * SECOND_NS + ns;
	return set_zone(moment, text);
}

/* A date, and maybe a time of day. */
static int set_wall(struct moment *moment, const char *text)
{
	struct tm day = { 0 };
	const char *rest = strptime(text, "%Y-%m-%d", &day);
	int64_t midnight_ns;

	if (!rest || __builtin_mul_overflow(timegm(&day), SECOND_NS, &midnight_ns))
		return -EINVAL;
	moment->span_ns = 1;
	if ((*rest == 'T' || *rest == ' ') && set_time_of_day(moment, rest + 1))
		return -EINVAL;
	if (*rest && *rest != 'T' && *rest != ' ')
		return -EINVAL;
	moment->kind = MOMENT_WALL;
	return __builtin_add_overflow(midnight_ns, moment->ns, &moment->ns) ? -EINVAL : 0;
}

static int set_moment(void *field, const char *value)
{
	struct moment *moment = field;
	size_t number = strspn(value, "0123456789.");

	*moment = (struct moment){ 0 };
	if (number == 4 && value[number] == '-')
		return set_wall(moment, value);
	if (strchr(value, ':'))
		return set_time_of_day(moment, value);
	if (value[number])
		return set_duration(moment, value);
	return set_monotonic(moment, value);
}

const struct option_type option_moment = {
	.set = set_moment,
	.expects = "a time: 2026-01-31T10:00:05Z, 10:00:05.250, 1410.052064 of CLOCK_MONOTONIC, or 10m20s after the start",
};

static const char *times_value(size_t n)
{
	static const char *const names[] = {
		[TIMES_UTC] = "utc", [TIMES_LOCAL] = "local", [TIMES_MONO] = "mono", [TIMES_RELATIVE] = "relative",
	};

	return n < sizeof(names) / sizeof(names[0]) ? names[n] : NULL;
}

static int set_times(void *field, const char *value)
{
	const char *name;

	for (size_t i = 0; (name = times_value(i)); i++)
		if (strcmp(value, name) == 0) {
			*(enum time_form *)field = i;
			return 0;
		}
	return -EINVAL;
}

const struct option_type option_times = { .set = set_times, .value = times_value, .expects = "utc, local, mono or relative" };

/* --- what is meant */

/* The clocks of this place showed that. Where they are set back they did so twice: first or last. */
static int64_t local_second(int64_t shown_s, enum moment_edge edge)
{
	time_t shown = shown_s, found = 0;
	bool has = false;

	for (int summer = 1; summer >= 0; summer--) {
		struct tm tm;
		time_t second;

		gmtime_r(&shown, &tm);
		tm.tm_isdst = summer;
		second = mktime(&tm);
		if (tm.tm_isdst == summer && (!has || (edge == MOMENT_LAST ? second > found : second < found))) {
			found = second;
			has = true;
		}
	}
	if (!has) {
		struct tm tm;

		gmtime_r(&shown, &tm);
		tm.tm_isdst = -1;
		found = mktime(&tm);
	}
	return found;
}

/* CLOCK_REALTIME when clocks of the moment's zone show shown_ns, from 1970 on as if that were UTC. 0 or -EOVERFLOW. */
static int wall_of(const struct moment *moment, const struct times *times, int64_t shown_ns, enum moment_edge edge, int64_t *ns)
{
	int64_t rest = shown_ns % SECOND_NS, second = shown_ns / SECOND_NS;

	if (rest < 0) {
		rest += SECOND_NS;
		second--;
	}
	if (moment->has_zone)
		second -= moment->east_s;
	else if (times->form == TIMES_LOCAL)
		second = local_second(second, edge);
	return __builtin_mul_overflow(second, SECOND_NS, ns) || __builtin_add_overflow(*ns, rest, ns) ? -EOVERFLOW : 0;
}

/* The seconds that its clocks are before UTC at that time. */
static int64_t east_s(const struct moment *moment, const struct times *times, int64_t wall_ns)
{
	time_t second = wall_ns / SECOND_NS;
	struct tm tm;

	if (moment->has_zone || times->form != TIMES_LOCAL)
		return moment->east_s;
	return localtime_r(&second, &tm) ? tm.tm_gmtoff : 0;
}

/* The first such time of day that is not over at begin_ns. */
static int next_time_of_day(const struct moment *moment, const struct times *times, int64_t begin_ns, enum moment_edge edge, int64_t *ns)
{
	int64_t shown_ns, midnight_ns;
	int err = 0;

	if (begin_ns < INT64_MIN + 3 * DAY_NS || begin_ns > INT64_MAX - 3 * DAY_NS)	/* a zone, a day and a time of day are less */
		return -EOVERFLOW;
	shown_ns = begin_ns + east_s(moment, times, begin_ns) * SECOND_NS;
	midnight_ns = shown_ns - ((shown_ns % DAY_NS) + DAY_NS) % DAY_NS;
	for (int day = 0; day < 2 && !err; day++) {
		err = wall_of(moment, times, midnight_ns + day * DAY_NS + moment->ns, edge, ns);
		if (!err && *ns > begin_ns - moment->span_ns)
			return 0;
	}
	return err;
}

/* Two sums that stay within the clock. */
static uint64_t after(uint64_t from_ns, int64_t ns)
{
	if (ns < 0)
		return from_ns > -(uint64_t)ns ? from_ns + ns : 0;
	return (uint64_t)ns < UINT64_MAX - from_ns ? from_ns + ns : UINT64_MAX;
}

static uint64_t edge_of(uint64_t first_ns, const struct moment *moment, enum moment_edge edge)
{
	return edge == MOMENT_LAST ? after(first_ns, moment->span_ns - 1) : first_ns;
}

static uint64_t edge_of_wall(int64_t wall_ns, const struct moment *moment, const struct wall_steps *wall, uint64_t end_ns,
			     enum moment_edge edge)
{
	int64_t last_ns;

	if (__builtin_add_overflow(wall_ns, moment->span_ns - 1, &last_ns))
		last_ns = INT64_MAX;
	return (edge == MOMENT_LAST ? wall_steps_last_ns : wall_steps_first_ns)(wall, wall_ns, last_ns, end_ns);
}

int moment_resolve(const struct moment *moment, const struct reader_span *span, const struct times *times, enum moment_edge edge,
		   uint64_t *time_ns)
{
	int64_t wall_ns = 0;
	int err = 0;

	switch (moment->kind) {
	case MOMENT_NONE:
		return -EINVAL;
	case MOMENT_MONOTONIC:
		*time_ns = edge_of(moment->ns, moment, edge);
		return after(moment->ns, moment->span_ns - 1) < span->begin_ns ? -ERANGE : 0;
	case MOMENT_SINCE_START:
		*time_ns = edge_of(after(span->begin_ns, moment->ns), moment, edge);
		return 0;
	case MOMENT_WALL:
		err = wall_of(moment, times, moment->ns, edge, &wall_ns);
		break;
	case MOMENT_TIME_OF_DAY:
		err = next_time_of_day(moment, times, wall_steps_wall_ns(&times->wall, span->begin_ns), edge, &wall_ns);
		break;
	}
	*time_ns = err ? UINT64_MAX : edge_of_wall(wall_ns, moment, &times->wall, span->end_ns, edge);
	return 0;
}
