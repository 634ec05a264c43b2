// SPDX-License-Identifier: GPL-2.0-only
#include "record/counters.h"

bool counters_add_record(struct record_counters *counters, const struct sdei_record *record)
{
	if (record->kind >= SDEI_KIND_COUNT)
		return false;
	counters->attempted[record->kind]++;
	counters->read++;
	return true;
}

void counters_add_lost(struct record_counters *counters, const struct sdei_lost_key *key, uint64_t count)
{
	unsigned int kind = key && key->kind < SDEI_KIND_COUNT ? key->kind : SDEI_KIND_NONE;

	counters->attempted[kind] += count;
	counters->lost[kind] += count;
}

static void take_record(void *counters, const struct sdei_record *record, size_t size)
{
	counters_add_record(counters, record);
}

static void take_lost(void *counters, const struct sdei_lost_key *key, uint64_t count)
{
	counters_add_lost(counters, key, count);
}

struct record_sink counters_sink(struct record_counters *counters)
{
	return (struct record_sink){ .record = take_record, .lost = take_lost, .ctx = counters };
}
