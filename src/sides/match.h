/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which items of the guest's side and of the host's are the same, and what lies between the two clocks: by causality, and by the machine's
 * counter where both have it. A handler of the guest runs within the host's dispatch and complete, and KVM handles a call between its
 * begin and its end in the guest.
 *
 * The offset is not known at first. Some handlers of the guest, one after the other, are compared with all of the host's, by
 * the PC that they interrupted and by the time between them, until it is clear which ones they are. From there on the offset is
 * followed, item by item; where the items stop to fit (a clock stood still while the host slept or the VM was stopped; another
 * host took over), it is looked for again. Where no line goes through all bounds, there are several lines.
 *
 * The counter tells the offset at any time, and more exactly. Each is a check of the other: where the counter's offset is not within the
 * bounds, it is not used, and that is said. What fits in more than one way by causality may fit in one by the counter.
 */
#ifndef SIDES_MATCH_H
#define SIDES_MATCH_H

#include "sides/clock_fit.h"
#include "sides/side.h"

enum match_result {
	MATCH_DONE,
	MATCH_NOTHING,		/* no handlers, or no calls, in one of them */
	MATCH_UNRELATED,	/* the two have nothing in common, or too little */
	MATCH_AMBIGUOUS,	/* they fit together in more than one way */
	MATCH_TOO_MANY,		/* the clocks fit nowhere for long */
	MATCH_NO_MEMORY
};

#define MATCH_LINES_MAX 64
#define MATCH_LEAST 3		/* fewer handlers and calls in common say nothing */

/* A part of the time in which the clocks differ as one line says: host = guest + offset, both since their side's begin. */
struct match_line {
	struct clock_line clock;	/* over the guest's clock */
	uint64_t handlers, calls;	/* it rests on */
};

struct match_counts {
	uint64_t joined[SIDE_WHATS];
	uint64_t guest_only[SIDE_WHATS], host_only[SIDE_WHATS];	/* while the other one was recording, too, its records lost or not */
};

struct match {
	struct side *guest, *host;
	struct match_line lines[MATCH_LINES_MAX];
	size_t line_count;
	struct match_counts counts;
	struct counter_clock counter;
	enum counter_lack counter_lack;
	uint64_t counter_agrees, counter_contradicts;	/* handlers and calls that are joined, within whose bounds it is or is not */
	bool by_counter;		/* times of the guest are placed by the counter, else by the lines */
};

/* Sets the partners of all items that have one. m stays in use with both sides. */
enum match_result match_sides(struct match *m, struct side *guest, struct side *host);

/* The line that holds at a time of the guest, or the nearest one. */
const struct match_line *match_line_at(const struct match *m, int64_t guest_ns);

/* How exactly times of the guest are placed on the host's clock, at worst. */
double match_error_ns(const struct match *m);

/* A time of the guest on the host's clock, since the begin of the host's recording. */
double match_host_ns(const struct match *m, int64_t guest_ns);

#endif
