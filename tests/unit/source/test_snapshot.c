// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "record/kinds.h"
#include "source/snapshot.h"
#include "source/streams.h"

/* What the iterator writes: the records of one vCPU, and where its thread was. */
struct vcpu_records {
	struct sdei_record_handler states[2];
	struct sdei_record place;
};

static struct vcpu_records records_of(uint32_t vcpu, uint64_t time_ns)
{
	struct vcpu_records records = { 0 };

	for (int i = 0; i < 2; i++) {
		records.states[i].head = (struct sdei_record) {
			.time_ns = time_ns, .vcpu = vcpu, .event = i, .kind = SDEI_STATE, .origin = SDEI_SNAPSHOT,
		};
		records.states[i].ep_addr = 0x1000 * vcpu;
	}
	records.place = (struct sdei_record) {
		.time_ns = time_ns + 1, .vcpu = vcpu, .event = SDEI_NONE, .kind = SDEI_PLACE, .origin = SDEI_IN_HOST,
	};
	return records;
}

static void test_delivery(void **state)
{
	struct vcpu_records records[3] = { records_of(1, 100), records_of(2, 200), records_of(3, 300) };
	const struct sdei_record *record;
	const struct sdei_record_handler *handler;
	struct snapshot snapshot = { 0 };
	struct streams *streams = streams_new(1);
	size_t size, count = 0;

	assert_int_equal(snapshot_fill(&snapshot, records, sizeof(records)), 0);
	assert_int_equal(snapshot.counts.kinds[SDEI_STATE].attempted, 6);
	assert_int_equal(snapshot.counts.kinds[SDEI_PLACE].attempted, 3);
	streams_set(streams, 0, &snapshot.ring, &snapshot.counts);
	streams_begin(streams, 1000000, false);
	while (streams_next(streams, &record, &size, 1)) {
		assert_int_equal(record->vcpu, count / 3 + 1);
		assert_int_equal(size, kind_of(record->kind)->size);
		handler = (const struct sdei_record_handler *)record;
		if (record->kind == SDEI_STATE)
			assert_int_equal(handler->ep_addr, 0x1000 * record->vcpu);
		count++;
	}
	streams_end(streams);
	assert_int_equal(count, 9);
	assert_int_equal(streams_read(streams), 9);
	assert_int_equal(streams_late(streams), 0);
	assert_true(streams_is_complete(streams));
	streams_free(streams);
	snapshot_clear(&snapshot);
}

static void test_empty(void **state)
{
	struct snapshot snapshot = { 0 };
	size_t size;

	assert_int_equal(snapshot_fill(&snapshot, NULL, 0), 0);
	assert_null(ring_peek(&snapshot.ring, &size));
	snapshot_clear(&snapshot);
}

static void test_malformed(void **state)
{
	struct vcpu_records records = records_of(1, 100);
	struct snapshot snapshot = { 0 };

	assert_int_equal(snapshot_fill(&snapshot, &records, sizeof(records) - 1), -EPROTO);
	assert_int_equal(snapshot_fill(&snapshot, &records, sizeof(records.states[0]) + 8), -EPROTO);
	assert_int_equal(snapshot_fill(&snapshot, &records, 1), -EPROTO);
	records.states[1].head.kind = SDEI_KIND_COUNT;
	assert_int_equal(snapshot_fill(&snapshot, &records, sizeof(records)), -EPROTO);
	records.states[1].head.kind = SDEI_KIND_NONE;
	assert_int_equal(snapshot_fill(&snapshot, &records, sizeof(records)), -EPROTO);
	assert_null(snapshot.content);
}

/* What a signal found is told after it and before what it led to, were they at the same time. */
static void test_rank_of_place(void **state)
{
	assert_true(kind_of(SDEI_SIGNAL)->rank < kind_of(SDEI_PLACE)->rank);
	assert_true(kind_of(SDEI_PLACE)->rank < kind_of(SDEI_DISPATCH)->rank);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delivery),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_rank_of_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
