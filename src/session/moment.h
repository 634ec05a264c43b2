/* SPDX-License-Identifier: GPL-2.0-only */
/* Moments of a recording as people write them. */
#ifndef SESSION_MOMENT_H
#define SESSION_MOMENT_H

#include <stdint.h>

#include "recording/reader.h"
#include "session/options.h"

struct moment {
	enum { MOMENT_NONE, MOMENT_MONOTONIC, MOMENT_SINCE_START, MOMENT_WALL, MOMENT_TIME_OF_DAY } kind;
	int64_t ns;
};

/*
 * "1410.052064": as `events` prints times; "10m20s", "1.5s", "250ms": after the recording's start;
 * "10:00", "10:00:05.25": local time on the recording's first day, or the next if that is before its start; ISO-8601.
 */
extern const struct option_type option_moment;	/* struct moment */

/*
 * The time that is meant, CLOCK_MONOTONIC, in a recording of that span; offset_ns is its CLOCK_REALTIME - CLOCK_MONOTONIC.
 * otherwise_ns: for MOMENT_NONE. What is outside of the clock is its first or last moment.
 */
uint64_t moment_resolve(const struct moment *moment, const struct reader_span *span, int64_t offset_ns, uint64_t otherwise_ns);

#endif
