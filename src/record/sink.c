/* SPDX-License-Identifier: GPL-2.0-only */
#include "record/sink.h"

void sink_records(const struct record_sink *sink, const struct sdei_record *const records[], const size_t sizes[], size_t count)
{
	if (sink->records) {
		sink->records(sink->ctx, records, sizes, count);
		return;
	}
	for (size_t i = 0; i < count; i++)
		sink->record(sink->ctx, records[i], sizes[i]);
}

/* --- nobody */

static void ignore_record(void *ctx, const struct sdei_record *record, size_t size)
{
}

static void ignore_records(void *ctx, const struct sdei_record *const records[], const size_t sizes[], size_t count)
{
}

static void ignore_lost(void *ctx, const struct sdei_lost_key *key, uint64_t count)
{
}

const struct record_sink sink_null = { .record = ignore_record, .records = ignore_records, .lost = ignore_lost };

/* --- several */

static void tee_record(void *ctx, const struct sdei_record *record, size_t size)
{
	const struct sink_tee *tee = ctx;

	for (size_t i = 0; i < tee->count; i++)
		sink_record(&tee->to[i], record, size);
}

static void tee_records(void *ctx, const struct sdei_record *const records[], const size_t sizes[], size_t count)
{
	const struct sink_tee *tee = ctx;

	for (size_t i = 0; i < tee->count; i++)
		sink_records(&tee->to[i], records, sizes, count);
}

static void tee_lost(void *ctx, const struct sdei_lost_key *key, uint64_t count)
{
	const struct sink_tee *tee = ctx;

	for (size_t i = 0; i < tee->count; i++)
		sink_lost(&tee->to[i], key, count);
}

struct record_sink sink_of_tee(struct sink_tee *tee)
{
	return (struct record_sink){ .record = tee_record, .records = tee_records, .lost = tee_lost, .ctx = tee };
}
