/* SPDX-License-Identifier: GPL-2.0-only */
/* What every source of records delivers to, and every consumer of them is. */
#ifndef RECORD_SINK_H
#define RECORD_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/record.h"

/* Where records go. Each may be NULL. Who has many records at hand calls records, if it is there, for all of them. */
struct record_sink {
	void (*record)(void *ctx, const struct sdei_record *record, size_t size);
	void (*records)(void *ctx, const struct sdei_record *const records[], const size_t sizes[], size_t count);
	void (*lost)(void *ctx, const struct sdei_lost_key *key, uint64_t count);
	void (*lost_unknown)(void *ctx, uint64_t count);
	void *ctx;
};

#endif
