/* SPDX-License-Identifier: GPL-2.0-only */
/* Moments of a recording as people write them, and as any command prints them (util/times.h). */
#ifndef SESSION_MOMENT_H
#define SESSION_MOMENT_H

#include <stdint.h>

#include "recording/reader.h"
#include "session/options.h"
#include "util/times.h"

/*
 *	2026-01-31T10:00:05.25Z, …+01:00	that time; without a zone: in that of --time, UTC unless it is local; "2026-01-31 10:00",
 *						"2026-01-31": seconds, or all of the time, are 0
 *	10:00:05.250Z, 10:00			the first such time of day in the recording
 *	1410.052064				seconds of CLOCK_MONOTONIC, within the recording
 *	10m20s, 2.5s, 250ms			after the recording's start
 *
 * A time that ends with three decimals or more, and one of a clock that ends with seconds, also is all that is printed like that:
 * 10:00:05.250 the whole millisecond, 10:00:05 the whole second.
 */
struct moment {
	enum { MOMENT_NONE, MOMENT_MONOTONIC, MOMENT_SINCE_START, MOMENT_WALL, MOMENT_TIME_OF_DAY } kind;
	int64_t ns;		/* of a wall clock: as if that showed UTC; of a time of day: since midnight */
	int64_t span_ns;	/* all that is printed like that; 1: just that */
	bool has_zone;
	int32_t east_s;		/* of UTC */
};

extern const struct option_type option_moment;	/* struct moment */
extern const struct option_type option_times;	/* enum time_form */
#define TIME_HELP "how times are shown: utc, local, mono, relative; utc unless given"

/* Of what a moment means: the first of it, for --since and to go there, or the last. */
enum moment_edge { MOMENT_FIRST, MOMENT_LAST };

/*
 * The time that is meant, CLOCK_MONOTONIC, in a recording of that span and clock. What is outside of the clock is its first or last
 * moment. 0; -ERANGE: seconds of CLOCK_MONOTONIC from before the recording, which may have been meant as after its start. Not for
 * MOMENT_NONE.
 */
int moment_resolve(const struct moment *moment, const struct reader_span *span, const struct times *times, enum moment_edge edge,
		   uint64_t *time_ns);

#endif
