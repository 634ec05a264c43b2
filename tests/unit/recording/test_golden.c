/* SPDX-License-Identifier: GPL-2.0-only */
/* A recording that was made in the lab with format 1.0 stays readable, and says the same for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/model.h"
#include "recording/reader.h"

#define GOLDEN "tests/data/recording-1"

static void test_items(void **state)
{
	uint64_t records = 0, names = 0, statuses = 0, others = 0;
	const struct recording_item *item;
	struct error error;
	struct reader *r;
	size_t kept;
	uint64_t all;

	r = reader_open(GOLDEN, &error);
	assert_non_null(r);
	while ((item = reader_next(r))) {
		records += item->kind == ITEM_RECORD;
		names += item->kind == ITEM_NAME;
		statuses += item->kind == ITEM_STATUS;
		others += item->kind == ITEM_LOST || item->kind == ITEM_SNAPSHOT;
	}
	assert_int_equal(records, 3089);
	assert_int_equal(names, 5);
	assert_int_equal(statuses, 5);
	assert_int_equal(others, 0);
	reader_problems(r, &kept, &all);
	assert_int_equal(all, 0);
	assert_string_equal(reader_about(r)->host, "sdei-lab");
	assert_string_equal(reader_about(r)->machine, "aarch64");
	assert_int_equal(reader_about(r)->major, 1);
	reader_close(r);
}

static void test_figures(void **state)
{
	struct model *m = model_new(NULL);
	const struct recording_item *item;
	const struct model_counts *c;
	struct error error;
	struct reader *r;
	size_t findings;

	r = reader_open(GOLDEN, &error);
	assert_non_null(r);
	while ((item = reader_next(r))) {
		if (item->kind == ITEM_RECORD)
			assert_int_equal(model_feed(m, &item->record.head, item->size), 0);
		if (item->kind == ITEM_STATUS)
			model_tick(m, item->time_ns);
	}
	c = &model_totals(m)->count;
	assert_int_equal(c->signals, 572);
	assert_int_equal(c->queued, 138);
	assert_int_equal(c->coalesced, 421);
	assert_int_equal(c->rejected, 13);
	assert_int_equal(c->dispatched, 93);
	assert_int_equal(c->completed, 71);
	assert_int_equal(c->cleared, 45);
	assert_int_equal(c->running_cleared, 22);
	assert_int_equal(model_totals(m)->misfits, 0);
	model_findings(m, &findings);
	assert_int_equal(findings, 3);
	reader_close(r);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_items), cmocka_unit_test(test_figures) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
