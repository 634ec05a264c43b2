/* SPDX-License-Identifier: GPL-2.0-only */
/* The counter that arm64 machines have for all: a guest's and its host's differ by an offset that KVM knows. */
#ifndef UTIL_COUNTER_H
#define UTIL_COUNTER_H

#include <stdint.h>

/* What CNTVCT_EL0 shows at a moment. */
struct counter_look {
	uint64_t ticks;
	uint64_t time_ns;	/* CLOCK_MONOTONIC at the same moment */
	uint32_t error_ns;	/* the moment is known within this */
	uint32_t hz;		/* ticks in a second; 0: this machine has none */
};

struct counter_look counter_look(void);

/* CNTFRQ_EL0; 0: this machine has none. */
uint32_t counter_hz(void);

#endif
