/* SPDX-License-Identifier: GPL-2.0-only */
/* The records around findings and the worst dispatches are the same whether all records are looked at or only those near them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/lib/sdei_machine.h"
#include "view/report/evidence.h"
#include "tests/random_bits.h"

#define RECORDS 60013
#define VCPUS 23
#define QUIET 3			/* every so many-th vCPU shows only what it did at the beginning and now and then */
#define STRETCH 47
#define LENGTH_NS 4000000000000ULL

static struct {
	union {
		struct sdei_record head;
		struct sdei_record_call call;
		struct sdei_record_handler handler;
	} records[RECORDS];
	size_t sizes[RECORDS];
	size_t count;
	uint64_t seed;
} all;

/* What is missing of quiet ones makes findings, some of which lack what was before them. */
static bool is_shown(const struct sdei_record *record)
{
	return record->vcpu % QUIET || all.count < RECORDS / 20 || random_bits(&all.seed) % 200 == 0;
}

static void emit(void *ctx, const struct sdei_record *record, size_t size)
{
	if (all.count == RECORDS || !is_shown(record))
		return;
	memcpy(&all.records[all.count], record, size);
	all.sizes[all.count++] = size;
}

/* Of a machine; its time is stretched so that the records are far apart. */
static void make(uint64_t seed)
{
	struct machine *machine;
	uint64_t first, length;

	all.count = 0;
	all.seed = seed;
	machine = machine_new(VCPUS, seed, emit, NULL);
	while (all.count < RECORDS)
		machine_step(machine);
	machine_free(machine);
	first = all.records[0].head.time_ns;
	length = all.records[RECORDS - 1].head.time_ns - first;
	for (size_t i = 0; i < RECORDS; i++)
		all.records[i].head.time_ns = 1 + (unsigned __int128)(all.records[i].head.time_ns - first) * LENGTH_NS / length;
}

static struct model *model_of_all(void)
{
	struct model *m = model_new(NULL);

	assert_non_null(m);
	for (size_t i = 0; i < RECORDS; i++)
		model_feed(m, &all.records[i].head, all.sizes[i]);
	model_settle(m, all.records[RECORDS - 1].head.time_ns);
	return m;
}

static void give_all(struct evidence *e)
{
	for (size_t i = 0; i < RECORDS; i++)
		if (all.records[i].head.time_ns <= evidence_until_ns(e))
			evidence_record(e, &all.records[i].head);
	assert_false(evidence_look_back(e));
}

/* The records that were given, in all passes. */
static uint64_t give_near(struct evidence *e, unsigned int *passes)
{
	uint64_t given = 0;

	*passes = 0;
	do {
		for (size_t first = 0; first < RECORDS; first += STRETCH) {
			size_t behind = first + STRETCH < RECORDS ? first + STRETCH : RECORDS;

			if (!evidence_wants(e, all.records[first].head.time_ns, all.records[behind - 1].head.time_ns))
				continue;
			given += behind - first;
			for (size_t i = first; i < behind; i++)
				if (all.records[i].head.time_ns <= evidence_until_ns(e))
					evidence_record(e, &all.records[i].head);
		}
		assert_true(++*passes < 20);
	} while (evidence_look_back(e));
	return given;
}

static void check_same(const struct report_evidence *a, const struct report_evidence *b, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(a[i].vcpu, b[i].vcpu);
		assert_int_equal(a[i].from_ns, b[i].from_ns);
		assert_int_equal(a[i].count, b[i].count);
		assert_int_equal(a[i].left_out, b[i].left_out);
		assert_memory_equal(a[i].records, b[i].records, a[i].count * sizeof(a[i].records[0]));
	}
}

/* The passes that it took. */
static unsigned int check(uint64_t seed)
{
	struct report full = { 0 }, near = { 0 };
	struct evidence *a, *b;
	unsigned int passes;
	struct model *m;

	make(seed);
	m = model_of_all();
	a = evidence_new(m);
	b = evidence_new(m);
	give_all(a);
	give_near(b, &passes);
	evidence_report(a, &full);
	evidence_report(b, &near);
	assert_int_equal(full.late_count, EVIDENCE_LATE);
	assert_in_range(full.finding_count, 10, EVIDENCE_FINDINGS);
	assert_int_equal(near.late_count, full.late_count);
	assert_int_equal(near.finding_count, full.finding_count);
	check_same(full.late, near.late, full.late_count);
	check_same(full.findings, near.findings, full.finding_count);
	evidence_free(a);
	evidence_free(b);
	model_free(m);
	return passes;
}

static void test_near_is_enough(void **state)
{
	unsigned int most = 0;

	for (uint64_t seed = 1; seed <= 5; seed++) {
		unsigned int passes = check(seed);

		most = passes > most ? passes : most;
	}
	/* Else nothing that was far back has been tested. */
	assert_true(most > 2);
}

/* Without quiet vCPUs hardly anything has to be looked at. */
static void test_far_is_left_out(void **state)
{
	const struct finding_limits never = {
		.handler_ns = UINT64_MAX, .pending_ns = UINT64_MAX, .mask_ns = UINT64_MAX, .drops = UINT64_MAX, .drops_ns = 1,
		.refused = UINT64_MAX, .refused_ns = 1, .page_ns = UINT64_MAX, .ack_ns = UINT64_MAX, .fallbacks = UINT64_MAX, .fallbacks_ns = 1,
	};
	const struct model_options options = { .limits = never };
	struct model *m = model_new(&options);
	uint64_t time = 1;
	struct evidence *e;
	unsigned int passes;

	/* 1 ms apart; a late dispatch early, and one late. */
	for (all.count = 0; all.count < RECORDS; all.count++) {
		unsigned int step = all.count % 3;

		time += 1000000 + (all.count / 3 == 100 || all.count / 3 == 19000) * 30000000 * (step == 1);
		all.sizes[all.count] = sizeof(struct sdei_record);
		all.records[all.count].head = (struct sdei_record){
			.time_ns = time, .vm = 7, .kind = step == 0 ? SDEI_SIGNAL : step == 1 ? SDEI_DISPATCH : SDEI_COMPLETE,
			.state = SDEI_REGISTERED | SDEI_ENABLED | (step == 0 ? SDEI_PENDING : step == 1 ? SDEI_RUNNING : 0),
			.outcome = step == 0 ? SDEI_QUEUED : step == 2 ? SDEI_COMPLETED : 0,
		};
		model_feed(m, &all.records[all.count].head, sizeof(struct sdei_record));
	}
	e = evidence_new(m);
	assert_in_range(give_near(e, &passes), 2 * EVIDENCE_BEFORE, RECORDS / 20);
	assert_int_equal(passes, 1);
	evidence_free(e);
	model_free(m);
}

static void feed(struct model *m, struct sdei_record head, uint32_t function)
{
	struct sdei_record_call *call = &all.records[all.count].call;

	head.vm = 7;
	*call = (struct sdei_record_call){ .head = head, .function = function };
	all.sizes[all.count] = function ? sizeof(*call) : sizeof(head);
	assert_int_equal(model_feed(m, &call->head, all.sizes[all.count++]), 0);
}

static bool has_kind(const struct report_evidence *evidence, unsigned int kind)
{
	for (size_t i = 0; i < evidence->count; i++)
		if (evidence->records[i].head.kind == kind)
			return true;
	return false;
}

/* However many registers the handler reads, its beginning and its end are there. */
static void test_handler_that_reads_registers(void **state)
{
	unsigned int ena = SDEI_REGISTERED | SDEI_ENABLED;
	struct model *m = model_new(NULL);
	struct report report = { 0 };
	struct evidence *e;

	all.count = 0;
	feed(m, (struct sdei_record){ .time_ns = 1, .kind = SDEI_SIGNAL, .state = ena | SDEI_PENDING, .outcome = SDEI_QUEUED }, 0);
	feed(m, (struct sdei_record){ .time_ns = 2, .kind = SDEI_DISPATCH, .state = ena | SDEI_RUNNING }, 0);
	for (uint64_t i = 0; i < 10 * EVIDENCE_RECORDS; i++)
		feed(m, (struct sdei_record){ .time_ns = 10 + i, .kind = SDEI_CALL, .event = SDEI_NONE, .result = -2 }, 0xC4000024);
	feed(m, (struct sdei_record){ .time_ns = 3000000000, .kind = SDEI_COMPLETE, .state = ena, .outcome = SDEI_COMPLETED }, 0);
	model_settle(m, 4000000000);
	e = evidence_new(m);
	for (size_t i = 0; i < all.count; i++)
		evidence_record(e, &all.records[i].head);
	evidence_report(e, &report);
	assert_int_equal(report.finding_count, 1);
	assert_true(has_kind(&report.findings[0], SDEI_DISPATCH));
	assert_int_equal(report.findings[0].left_out, 0);
	assert_int_equal(report.late_count, 1);
	assert_true(has_kind(&report.late[0], SDEI_SIGNAL));
	assert_true(has_kind(&report.late[0], SDEI_DISPATCH));
	assert_false(has_kind(&report.late[0], SDEI_CALL));
	evidence_free(e);
	model_free(m);
}

/* What was left out in front of a record, and a late one, say nothing of how long it was since the record before. */
static void test_since_before(void **state)
{
	const struct record_brief records[] = {
		{ .head.time_ns = 100 }, { .head.time_ns = 107 }, { .head.time_ns = 90 }, { .head.time_ns = 500 }, { .head.time_ns = 500 },
	};
	struct report_evidence e = { .records = records, .count = 5, .left_out = 2, .gap = 3 };

	assert_int_equal(report_since_before(&e, 0), -1);
	assert_int_equal(report_since_before(&e, 1), 7);
	assert_int_equal(report_since_before(&e, 2), -1);
	assert_int_equal(report_since_before(&e, 3), -1);
	assert_int_equal(report_since_before(&e, 4), 0);
	e.left_out = 0;
	assert_int_equal(report_since_before(&e, 3), 410);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_since_before),
		cmocka_unit_test(test_near_is_enough),
		cmocka_unit_test(test_far_is_left_out),
		cmocka_unit_test(test_handler_that_reads_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
