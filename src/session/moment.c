/* SPDX-License-Identifier: GPL-2.0-only */
#include "session/moment.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#define SECOND_NS 1000000000LL

/* Digits and a fraction: ns, or -EINVAL. */
static int take_decimal(const char **text, int64_t unit_ns, int64_t *ns)
{
	int64_t whole = 0, part = unit_ns;

	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	for (; isdigit((unsigned char)**text); ++*text)
		if (__builtin_mul_overflow(whole, 10, &whole) || __builtin_add_overflow(whole, **text - '0', &whole))
			return -EINVAL;
	if (__builtin_mul_overflow(whole, unit_ns, &whole))
		return -EINVAL;
	if (**text == '.')
		for (++*text; isdigit((unsigned char)**text); ++*text)
			if (__builtin_add_overflow(whole, (**text - '0') * (part /= 10), &whole))
				return -EINVAL;
	*ns = whole;
	return 0;
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

/* "10m20s" */
static int set_duration(struct moment *moment, const char *text)
{
	moment->kind = MOMENT_SINCE_START;
	moment->ns = 0;
	do {
		const char *number = text;
		int64_t ns, unit_ns;

		text += strspn(text, "0123456789.");
		unit_ns = unit_of(&text);
		if (!unit_ns || take_decimal(&number, unit_ns, &ns) || __builtin_add_overflow(moment->ns, ns, &moment->ns))
			return -EINVAL;
		if (isdigit((unsigned char)*number) || *number == '.')
			return -EINVAL;
	} while (*text);
	return 0;
}

static int set_time_of_day(struct moment *moment, const char *text)
{
	unsigned int hours, minutes;
	int length = 0;
	int64_t ns = 0;

	if (sscanf(text, "%2u:%2u%n", &hours, &minutes, &length) != 2 || hours > 23 || minutes > 59)
		return -EINVAL;
	text += length;
	if (*text == ':') {
		text++;
		if (take_decimal(&text, SECOND_NS, &ns) || ns >= 60 * SECOND_NS)
			return -EINVAL;
	}
	moment->kind = MOMENT_TIME_OF_DAY;
	moment->ns = (hours * 60 + minutes) * 60 * SECOND_NS + ns;
	return *text ? -EINVAL : 0;
}

/* That time on that day, on the clocks of this place or in UTC: where clocks are set, a day has not 24 hours. 0 or -EOVERFLOW. */
static int time_on_day(struct tm day, int64_t of_day_ns, bool utc, int64_t *ns)
{
	int64_t seconds = of_day_ns / SECOND_NS;

	day.tm_hour = seconds / 3600;
	day.tm_min = seconds / 60 % 60;
	day.tm_sec = seconds % 60;
	day.tm_isdst = -1;
	seconds = utc ? timegm(&day) : mktime(&day);
	if (__builtin_mul_overflow(seconds, SECOND_NS, ns) || __builtin_add_overflow(*ns, of_day_ns % SECOND_NS, ns))
		return -EOVERFLOW;
	return 0;
}

/* 2026-01-31T12:34:56.789, local unless it ends with Z. */
static int set_wall(struct moment *moment, const char *text)
{
	struct tm day = { 0 };
	const char *rest = strptime(text, "%Y-%m-%d", &day);
	struct moment of_day = { 0 };
	bool utc = false;

	if (!rest || (*rest != 'T' && *rest != ' ' && *rest))
		return -EINVAL;
	if (*rest) {
		char time[64];
		size_t length = strlen(++rest);

		utc = length && rest[length - 1] == 'Z';
		if (length >= sizeof(time))
			return -EINVAL;
		memcpy(time, rest, length + 1);
		time[length - utc] = '\0';
		if (set_time_of_day(&of_day, time))
			return -EINVAL;
	}
	moment->kind = MOMENT_WALL;
	return time_on_day(day, of_day.ns, utc, &moment->ns) ? -EINVAL : 0;
}

static int set_moment(void *field, const char *value)
{
	struct moment *moment = field;

	if (strchr(value, '-'))
		return set_wall(moment, value);
	if (strchr(value, ':'))
		return set_time_of_day(moment, value);
	if (value[strspn(value, "0123456789.")])
		return set_duration(moment, value);
	moment->kind = MOMENT_MONOTONIC;
	return take_decimal(&value, SECOND_NS, &moment->ns) || *value ? -EINVAL : 0;
}

const struct option_type option_moment = {
	.set = set_moment, .expects = "a time: 1410.052064, 10m20s after the start, 10:00, or 2026-01-31T10:00",
};

/* That time of day at or after wall_ns. */
static int next_time_of_day(int64_t wall_ns, int64_t of_day_ns, int64_t *ns)
{
	time_t seconds = wall_ns / SECOND_NS;
	struct tm day;
	int err;

	localtime_r(&seconds, &day);
	err = time_on_day(day, of_day_ns, false, ns);
	if (err || *ns / SECOND_NS >= seconds)
		return err;
	day.tm_mday++;
	return time_on_day(day, of_day_ns, false, ns);
}

/* Of the recording's clock: a moment outside of it becomes its first or last one. */
static uint64_t to_monotonic(int64_t wall_ns, int64_t offset_ns)
{
	int64_t ns;

	if (__builtin_sub_overflow(wall_ns, offset_ns, &ns))
		return wall_ns < 0 ? 0 : INT64_MAX;
	return ns < 0 ? 0 : ns;
}

uint64_t moment_resolve(const struct moment *moment, const struct reader_span *span, int64_t offset_ns, uint64_t otherwise_ns)
{
	uint64_t begin_ns = span->begin_ns;
	int64_t begin_wall_ns = (int64_t)(begin_ns + (uint64_t)offset_ns), ns;

	switch (moment->kind) {
	case MOMENT_NONE:
		break;
	case MOMENT_SINCE_START:
		return (uint64_t)moment->ns < UINT64_MAX - begin_ns ? begin_ns + (uint64_t)moment->ns : UINT64_MAX;
	case MOMENT_WALL:
		return to_monotonic(moment->ns, offset_ns);
	case MOMENT_TIME_OF_DAY:
		return next_time_of_day(begin_wall_ns, moment->ns, &ns) ? UINT64_MAX : to_monotonic(ns, offset_ns);
	case MOMENT_MONOTONIC:
		return moment->ns < 0 ? 0 : moment->ns;
	}
	return otherwise_ns;
}
