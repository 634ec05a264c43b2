/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Moments as people read them: every time that is printed is printed here. session/moment.h reads what this prints.
 *
 *	utc		2026-01-31T12:34:56.789Z	short: 12:34:56.789Z
 *	local		2026-01-31T13:34:56.789+01:00	short: 13:34:56.789+01:00
 *	mono		1410.052064			seconds of CLOCK_MONOTONIC
 *	relative	12.052064s			since the start of what is observed
 */
#ifndef UTIL_TIMES_H
#define UTIL_TIMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum time_form { TIMES_UTC, TIMES_LOCAL, TIMES_MONO, TIMES_RELATIVE };

/* --- what CLOCK_MONOTONIC is on the wall: the same distance until the wall clock is set, or the machine sleeps */

#define WALL_STEPS_MAX 64

struct wall_steps {
	size_t count;
	struct wall_step {
		uint64_t from_ns;	/* CLOCK_MONOTONIC; that of the first one holds before it, too */
		int64_t offset_ns;	/* CLOCK_REALTIME - CLOCK_MONOTONIC */
	} step[WALL_STEPS_MAX];
};

/*
 * The two clocks were read at from_ns, in order of time. What differs by less than 10 ms from what is known is how well they were
 * read, and no step; behind WALL_STEPS_MAX, steps are not followed.
 */
void wall_steps_learn(struct wall_steps *w, uint64_t from_ns, int64_t offset_ns);

/* CLOCK_REALTIME at time_ns. A recording may claim any times: what does not fit wraps around. */
int64_t wall_steps_wall_ns(const struct wall_steps *w, uint64_t time_ns);

/*
 * The first or the last moment up to end_ns at which the wall clock shows a time of that span, both ends included; if it never does,
 * the first one at which it shows a later time, or the last one at which it shows an earlier one, whenever that is.
 */
uint64_t wall_steps_first_ns(const struct wall_steps *w, int64_t from_wall_ns, int64_t to_wall_ns, uint64_t end_ns);
uint64_t wall_steps_last_ns(const struct wall_steps *w, int64_t from_wall_ns, int64_t to_wall_ns, uint64_t end_ns);

/* --- printing */

struct times {
	enum time_form form;
	bool dated;		/* what is observed lasts a day or longer: a time of day alone does not say which one */
	uint64_t start_ns;	/* of what is observed: where relative begins */
	struct wall_steps wall;
};

#define TIMES_SIZE 48	/* enough for each of them */

/*
 * time_ns (CLOCK_MONOTONIC) with so many decimals, 0 to 9, cut off and not rounded. mono and relative have 3 at least. All take buf
 * and its size and return buf.
 */
char *times_full(char *buf, size_t size, const struct times *times, uint64_t time_ns, unsigned int decimals);

/* Without the date, unless times->dated. */
char *times_short(char *buf, size_t size, const struct times *times, uint64_t time_ns, unsigned int decimals);

/* Always of the wall clock, for JSON: local if that is the form, else UTC. */
char *times_wall(char *buf, size_t size, const struct times *times, uint64_t time_ns, unsigned int decimals);

/* How many columns times_short() takes, but for mono and relative times of 10000 seconds and more. */
unsigned int times_short_width(const struct times *times, unsigned int decimals);

/* --- by the million: what a second has in common is made once */

struct times_printer {
	const struct times *times;
	bool wall;		/* as times_wall(), else as times_full() */
	bool has_second;
	int64_t second;
	unsigned int length;	/* of text: the second's date and time of day */
	char text[TIMES_SIZE], zone[16];
};

/* As times_full() or times_wall(), into buf of TIMES_SIZE, without a NUL: the length. */
unsigned int times_print(struct times_printer *p, char *buf, uint64_t time_ns, unsigned int decimals);

#endif
