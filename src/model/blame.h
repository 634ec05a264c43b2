/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why was it late: where the time of a pending episode went. Every nanosecond
 * from the first queued signal to the dispatch has exactly one part, so the
 * parts sum to the latency. Meanings: design section 5.
 */
#ifndef MODEL_BLAME_H
#define MODEL_BLAME_H

#include <stdint.h>

/*
 * X(field, help), in order of precedence: the first that holds is blamed.
 * ENTRY is what none of the three above explains: deliverable, and waiting for
 * the vCPU to reach the delivery point. With the scheduler hooks (--sched) it is split into the three below it, and
 * then only the time when nothing is known of the thread stays with it.
 */
#define MODEL_BLAMES(X)						\
	X(masked, "the PE mask was set")			\
	X(disabled, "the event was not enabled")		\
	X(blocked, "a handler ran on the vCPU")			\
	X(entry, "deliverable, the vCPU had not reached the delivery point") \
	X(descheduled, "deliverable, its thread was off the CPU") \
	X(in_guest, "deliverable, in the guest: the kick was not yet taken") \
	X(in_host, "deliverable, its thread ran in the host")

enum model_blame_part {
#define X(field, help) BLAME_##field,
	MODEL_BLAMES(X)
#undef X
	BLAME_COUNT
};

struct model_blame {
	uint64_t ns[BLAME_COUNT];
};

/* "masked", … */
const char *model_blame_name(unsigned int part);

/* The sum of all parts: the latency. */
uint64_t model_blame_total(const struct model_blame *blame);

/* The largest part. */
unsigned int model_blame_main(const struct model_blame *blame);

/* One late dispatch, kept because it is among the worst of its event. */
struct model_late {
	uint64_t latency_ns;
	uint64_t stood_ns;		/* besides: its VM stood still, see standstill.h */
	uint64_t signal_ns, dispatch_ns;	/* CLOCK_MONOTONIC */
	uint32_t signals;		/* in the episode */
	uint32_t blocked_by;		/* the event whose handler took most of blocked, or SDEI_NONE */
	struct model_blame blame;
};
#define MODEL_LATE_COUNT 8

#endif
