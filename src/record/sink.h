/* SPDX-License-Identifier: GPL-2.0-only */
/* What every source of records delivers to, and every consumer of them is. */
#ifndef RECORD_SINK_H
#define RECORD_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/record.h"

/* Records are the caller's again when a call returns. */
struct record_sink {
	void (*record)(void *ctx, const struct sdei_record *record, size_t size);
	/* Many at once, in their order: for who is faster then. NULL: each goes to record. */
	void (*records)(void *ctx, const struct sdei_record *const records[], const size_t sizes[], size_t count);
	/* count records with that key were lost; key NULL: it is not known which ones. */
	void (*lost)(void *ctx, const struct sdei_lost_key *key, uint64_t count);
	void *ctx;
};

static inline void sink_record(const struct record_sink *sink, const struct sdei_record *record, size_t size)
{
	sink->record(sink->ctx, record, size);
}

void sink_records(const struct record_sink *sink, const struct sdei_record *const records[], const size_t sizes[], size_t count);

static inline void sink_lost(const struct record_sink *sink, const struct sdei_lost_key *key, uint64_t count)
{
	sink->lost(sink->ctx, key, count);
}

/* Takes everything and does nothing. */
extern const struct record_sink sink_null;

/* One stream for several sinks, each of which gets all of it. Sinks may be exchanged between two calls. */
#define SINK_TEE_MAX 3
struct sink_tee {
	struct record_sink to[SINK_TEE_MAX];
	size_t count;
};

/* The sink that fills tee's. tee stays in use. */
struct record_sink sink_of_tee(struct sink_tee *tee);

#endif
