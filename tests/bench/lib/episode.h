/* SPDX-License-Identifier: GPL-2.0-only */
/* What throughput is measured with: two dispatched episodes of an event, the second one masked at first. */
#ifndef BENCH_EPISODE_H
#define BENCH_EPISODE_H

#include "bpf/record.h"

#define EPISODE_STEPS 8

/* What the number-th record says, of whichever vCPU at whatever time: those are the caller's to fill in. */
static inline void episode_step(struct sdei_record *r, unsigned int number)
{
	static const struct { uint8_t kind, state, outcome; int error; } steps[EPISODE_STEPS] = {
		{ SDEI_SIGNAL, SDEI_PENDING, SDEI_QUEUED, 0 },
		{ SDEI_DISPATCH, SDEI_RUNNING, 0, 0 },
		{ SDEI_COMPLETE, 0, SDEI_COMPLETED, 0 },
		{ SDEI_MASK, SDEI_MASKED, 0, 1 },
		{ SDEI_SIGNAL, SDEI_PENDING | SDEI_MASKED, SDEI_QUEUED, 0 },
		{ SDEI_UNMASK, 0, 0, 0 },
		{ SDEI_DISPATCH, SDEI_RUNNING, 0, 0 },
		{ SDEI_COMPLETE, 0, SDEI_COMPLETED, 0 },
	};

	r->kind = steps[number].kind;
	r->outcome = steps[number].outcome;
	r->error = steps[number].error;
	r->state = steps[number].state;
	if (r->kind == SDEI_MASK || r->kind == SDEI_UNMASK)
		r->event = SDEI_NONE;
	else
		r->state |= SDEI_REGISTERED | SDEI_ENABLED;
}

#endif
