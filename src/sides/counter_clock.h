/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The clocks of both sides by what they have in common: the counter of the machine (CNTVCT_EL0), which each side has read together with its own
 * clock, again and again, and of which KVM knows how far the guest's is behind the host's. Pure.
 *
 * Between two moments a clock is taken to run evenly. How far each moment is off the line between its neighbours is part of the error.
 */
#ifndef SIDES_COUNTER_CLOCK_H
#define SIDES_COUNTER_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/record.h"
#include "util/counter.h"

/* One side's clock and counter at the same moment. */
struct counter_moment {
	int64_t at_ns;		/* since the side's begin */
	uint64_t ticks;
	uint32_t error_ns;
};

/* From a moment of the host on, the guest's counter is so far behind the host's. */
struct counter_behind {
	int64_t at_ns;
	uint64_t ticks;		/* modulo 2^64 */
	double begin;		/* inside: ticks of the guest since its first moment, from which on it holds; ascending */
};

/* What one side says of it; all 0: nothing. */
struct counter_side {
	struct counter_moment *moments;		/* in order of time, and of ticks */
	size_t count;
	uint32_t hz;
	struct counter_behind *behind;		/* host only; in order of time */
	size_t behind_count;
	bool failed;				/* no memory */
};

/* at_ns: counter's time on the side's clock. What is out of order, or of another frequency, is left out. */
void counter_side_moment(struct counter_side *s, int64_t at_ns, const struct counter_look *counter);
void counter_side_behind(struct counter_side *s, int64_t at_ns, const struct sdei_record_counter *record);
void counter_side_clear(struct counter_side *s);

enum counter_lack {
	COUNTER_THERE,
	COUNTER_NOT_OF_HOST,	/* the host's recording has not read it: made on another machine, or by an older sdeitop */
	COUNTER_NOT_OF_GUEST,	/* nor the guest's */
	COUNTER_NO_OFFSET,	/* how far the guest's is behind is not known: the host's kernel does not show it, or VMs were chosen */
	COUNTER_OTHER_HZ,	/* the two run at different frequencies */
};

/* Of both sides, of which it is after counter_clock_make(). */
struct counter_clock {
	const struct counter_side *guest, *host;
	double error_ns;	/* host times of the guest are known within this */
};

/* Both sides stay in use. */
enum counter_lack counter_clock_make(struct counter_clock *c, const struct counter_side *guest, struct counter_side *host);

/* A time of the guest on the host's clock, each since its side's begin. */
double counter_clock_host_ns(const struct counter_clock *c, int64_t guest_ns);

#endif
