/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a source counts; and the same counters worked out from what was delivered: what is still on its way is in none of
 * them, so that they and the model are of one moment.
 */
#ifndef RECORD_COUNTERS_H
#define RECORD_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "record/sink.h"

/* Of a source, since it began. They only grow. */
struct record_counters {
	uint64_t attempted[SDEI_KIND_COUNT];	/* by the BPF programs */
	uint64_t lost[SDEI_KIND_COUNT];
	uint64_t read;				/* by user space */
	uint64_t malformed;			/* of those, unknown kind or size: not delivered */
	uint64_t late;				/* delivered out of order */
	uint64_t settled_ns;			/* CLOCK_MONOTONIC up to then all is delivered (but for what is late); at the end in the future */
};

/* False: of no kind that there is, and not counted. */
bool counters_add_record(struct record_counters *counters, const struct sdei_record *record);

/* key NULL: it is not known which ones. */
void counters_add_lost(struct record_counters *counters, const struct sdei_lost_key *key, uint64_t count);

/* Counts all that it gets. */
struct record_sink counters_sink(struct record_counters *counters);

#endif
