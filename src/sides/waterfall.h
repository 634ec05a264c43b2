/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way of each event that both sides saw, leg by leg on one clock, the host's; and the figures of all of them. Pure.
 */
#ifndef SIDES_WATERFALL_H
#define SIDES_WATERFALL_H

#include "model/hist.h"
#include "sides/match.h"

/* X(name, across, what it is). Across: from one clock to the other, so known as well as the offset is. */
#define WATERFALL_LEGS(X)								\
	X(call, 1, "the guest signals, until KVM has the signal")			\
	X(dispatch, 0, "until KVM dispatches the event")				\
	X(enter, 1, "until the guest's handler begins")					\
	X(handler, 0, "until it ends")							\
	X(leave, 1, "until KVM has its completion")					\
	X(total, 0, "all of these; without the call where no signal of the guest is known")

enum waterfall_leg {
#define X(name, across, help) LEG_##name,
	WATERFALL_LEGS(X)
#undef X
	LEG_COUNT
};

struct leg {
	const char *name, *help;
	bool across;
};
extern const struct leg waterfall_legs[LEG_COUNT];

#define WATERFALL_UNKNOWN INT64_MIN

/* One event. */
struct waterfall_way {
	uint64_t time_ns;		/* the dispatch, CLOCK_MONOTONIC of the host */
	uint32_t vcpu, event, sender;	/* sender: SDEI_NONE: no signal of a vCPU is known */
	int64_t legs[LEG_COUNT];	/* ns; WATERFALL_UNKNOWN: its begin or its end was not seen */
};

#define WATERFALL_WORST 10

/* Those of a vCPU and event. */
struct waterfall_row {
	uint32_t vcpu, event;
	struct hist *legs[LEG_COUNT];	/* NULL: none */
};

struct waterfall {
	struct waterfall_row *rows;	/* by vCPU and event */
	size_t count;
	struct waterfall_way worst[WATERFALL_WORST];	/* the greatest totals, the greatest first */
	size_t worst_count;
};

/*
 * Of what match_sides() has joined, the events that were dispatched from from_ns to to_ns (CLOCK_MONOTONIC of the host). 0 or -ENOMEM;
 * to be cleared in any case.
 */
int waterfall_make(struct waterfall *w, const struct match *m, uint64_t from_ns, uint64_t to_ns);
void waterfall_clear(struct waterfall *w);

/* One of the guest's handlers that has a partner. */
struct waterfall_way waterfall_way_of(const struct match *m, const struct side_item *handler);

#endif
