/* SPDX-License-Identifier: GPL-2.0-only */
/* Maps the guests' counter to the host's CLOCK_MONOTONIC by pairs of readings taken all along. */
#ifndef SDEI_GUEST_CLOCK_H
#define SDEI_GUEST_CLOCK_H

#include <stdint.h>

void clock_sample(void);		/* one more pair; call it from one thread, at start, end and in between */
uint64_t clock_frequency(void);		/* of the counter, Hz */
uint64_t clock_to_ns(uint64_t ticks);	/* 0 stays 0: no stamp */
uint64_t clock_error_ns(void);		/* bound of clock_to_ns() within the sampled time */
uint64_t clock_now_ns(void);		/* CLOCK_MONOTONIC */
#endif
