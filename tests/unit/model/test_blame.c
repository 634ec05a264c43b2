// SPDX-License-Identifier: GPL-2.0-only
/* Where the time of pending episodes goes, worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/lib/one_model.h"

static void put(uint64_t time, unsigned int kind, uint32_t event, unsigned int post, unsigned int outcome, int error, unsigned int origin)
{
	struct sdei_record r = {
		.time_ns = time, .vm = 7, .event = event, .kind = kind, .state = post, .outcome = outcome, .origin = origin,
		.error = error,
	};

	assert_int_equal(model_feed(m, &r, sizeof(r)), 0);
}

static void op(uint64_t time, unsigned int kind, uint32_t event, unsigned int post)
{
	put(time, kind, event, post, 0, kind == SDEI_MASK, 0);
}

static void queued(uint64_t time, uint32_t event, unsigned int post)
{
	put(time, SDEI_SIGNAL, event, post, SDEI_QUEUED, 0, SDEI_FROM_GUEST);
}

static void complete(uint64_t time, uint32_t event, unsigned int post)
{
	put(time, SDEI_COMPLETE, event, post, SDEI_COMPLETED, 0, 0);
}

static void place(uint64_t time, unsigned int where)
{
	put(time, SDEI_PLACE, SDEI_NONE, 0xff, 0, 0, where);
}

static const struct model_event *event_of(uint32_t event)
{
	const struct model_event *e = model_event(model_vcpu(model_vm(m, 7), 0), event);

	assert_non_null(e);
	return e;
}

static void check(uint32_t event, struct model_blame expected)
{
	const struct model_event *e = event_of(event);

	assert_memory_equal(model_event_blame(e), &expected, sizeof(expected));
	assert_int_equal(model_blame_total(&expected), hist_sum(e->dispatch));
}

#define BLAME(...) (struct model_blame){ .ns = { __VA_ARGS__ } }

static void test_entry(void **state)
{
	op(50, SDEI_ENABLE, 0, ENA);
	queued(100, 0, PEND);
	op(140, SDEI_DISPATCH, 0, RUN);
	check(0, BLAME([BLAME_entry] = 40));
	complete(150, 0, ENA);
	queued(200, 0, PEND);
	op(207, SDEI_DISPATCH, 0, RUN);
	check(0, BLAME([BLAME_entry] = 47));
}

static void test_masked_and_disabled(void **state)
{
	op(50, SDEI_MASK, SDEI_NONE, MASK);
	queued(100, 0, SDEI_REGISTERED | SDEI_PENDING | MASK);
	op(130, SDEI_UNMASK, SDEI_NONE, 0);
	op(150, SDEI_ENABLE, 0, PEND);
	op(155, SDEI_DISPATCH, 0, RUN);
	check(0, BLAME([BLAME_masked] = 30, [BLAME_disabled] = 20, [BLAME_entry] = 5));
	assert_int_equal(model_blame_main(model_event_blame(event_of(0))), BLAME_masked);
}

/* Masked goes before disabled, and that before blocked. */
static void test_precedence(void **state)
{
	queued(90, 1, PEND);
	op(95, SDEI_DISPATCH, 1, RUN);
	queued(100, 0, SDEI_REGISTERED | SDEI_PENDING);		/* disabled, and blocked */
	op(110, SDEI_MASK, SDEI_NONE, MASK);			/* and masked */
	op(130, SDEI_ENABLE, 0, PEND | MASK);
	op(160, SDEI_UNMASK, SDEI_NONE, 0);			/* only blocked */
	complete(200, 1, ENA);
	op(203, SDEI_DISPATCH, 0, RUN);
	check(0, BLAME([BLAME_disabled] = 10, [BLAME_masked] = 50, [BLAME_blocked] = 40, [BLAME_entry] = 3));
}

static void test_blocked_by(void **state)
{
	const struct model_late *late;
	struct model_late open;
	size_t count;

	queued(10, 2, PEND);
	op(20, SDEI_DISPATCH, 2, RUN);
	queued(30, 3, PEND);
	queued(35, 2, RUN | SDEI_PENDING);		/* its own handler blocks, too */
	complete(60, 2, PEND);
	queued(62, 0, PEND);
	op(64, SDEI_DISPATCH, 0, RUN);
	assert_true(model_event_open(event_of(3), 100, &open));
	assert_int_equal(open.latency_ns, 70);
	assert_int_equal(open.blame.ns[BLAME_blocked], 30 + 36);
	assert_int_equal(open.blame.ns[BLAME_entry], 4);
	assert_int_equal(open.blocked_by, 0);
	complete(80, 0, ENA);
	op(81, SDEI_DISPATCH, 2, RUN);
	complete(90, 2, ENA);
	op(97, SDEI_DISPATCH, 3, RUN);
	assert_false(model_event_open(event_of(3), 100, &open));
	check(2, BLAME([BLAME_entry] = 10 + 4 + 1, [BLAME_blocked] = 25 + 16));
	check(3, BLAME([BLAME_blocked] = 30 + 16 + 9, [BLAME_entry] = 4 + 1 + 7));
	late = model_event_late(event_of(3), &count);
	assert_int_equal(count, 1);
	assert_int_equal(late->latency_ns, 67);
	assert_int_equal(late->blocked_by, 2);		/* 39 of 55 */
	assert_int_equal(late->signals, 1);
}

static void test_places(void **state)
{
	op(50, SDEI_ENABLE, 0, ENA);
	queued(100, 0, PEND);
	place(110, SDEI_IN_GUEST);		/* before: unknown */
	place(130, SDEI_IN_HOST);
	place(135, SDEI_DESCHEDULED);
	op(140, SDEI_MASK, SDEI_NONE, MASK);
	place(150, SDEI_IN_GUEST);
	op(160, SDEI_UNMASK, SDEI_NONE, 0);
	op(167, SDEI_DISPATCH, 0, RUN);
	check(0, BLAME([BLAME_entry] = 10, [BLAME_in_guest] = 20 + 7, [BLAME_in_host] = 5, [BLAME_descheduled] = 5, [BLAME_masked] = 20));
}

/* Settled until later than the dispatch: still the sum is the latency. A PLACE makes no vCPU, and no record late. */
static void test_place_crosses(void **state)
{
	place(10, SDEI_IN_GUEST);
	assert_null(model_vm(m, 7));
	op(50, SDEI_ENABLE, 0, ENA);
	queued(100, 0, PEND);
	place(120, SDEI_IN_HOST);
	place(150, SDEI_IN_GUEST);
	op(140, SDEI_DISPATCH, 0, RUN);
	check(0, BLAME([BLAME_entry] = 20, [BLAME_in_host] = 20));
	assert_int_equal(model_totals(m)->late, 0);
}

static void test_abandoned(void **state)
{
	struct sdei_lost_key key = { .vm = 7, .event = 0, .kind = SDEI_SIGNAL, .outcome = SDEI_COALESCED };
	size_t count;

	op(50, SDEI_ENABLE, 0, ENA);
	queued(100, 0, PEND);
	op(110, SDEI_MASK, SDEI_NONE, MASK);
	assert_int_equal(model_feed_lost(m, &key, 1), 0);
	op(120, SDEI_UNMASK, SDEI_NONE, 0);
	op(140, SDEI_DISPATCH, 0, RUN);
	check(0, BLAME(0));
	assert_null(model_event_late(event_of(0), &count));
	complete(150, 0, ENA);
	queued(200, 0, PEND);
	op(201, SDEI_DISPATCH, 0, RUN);
	check(0, BLAME([BLAME_entry] = 1));
}

static void test_worst(void **state)
{
	static const uint64_t latencies[] = { 5, 90, 7, 30, 11, 70, 2, 50, 40, 60, 1, 90, 3 };
	static const uint64_t worst[MODEL_LATE_COUNT] = { 90, 90, 70, 60, 50, 40, 30, 11 };
	const struct model_late *late;
	struct model_blame sum;
	size_t count;

	for (uint64_t i = 0; i < sizeof(latencies) / sizeof(*latencies); i++) {
		queued(1000 * (i + 1), 0, PEND);
		op(1000 * (i + 1) + latencies[i], SDEI_DISPATCH, 0, RUN);
		complete(1000 * (i + 1) + 500, 0, ENA);
	}
	late = model_event_late(event_of(0), &count);
	assert_int_equal(count, MODEL_LATE_COUNT);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(late[i].latency_ns, worst[i]);
	assert_int_equal(late[0].signal_ns, 2000);	/* of equals the first */
	model_vm_blame(model_vm(m, 7), &sum);
	assert_int_equal(model_blame_total(&sum), 459);
	model_reset(m, 20000);
	assert_null(model_event_late(event_of(0), &count));
	check(0, BLAME(0));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_entry), TEST(test_masked_and_disabled), TEST(test_precedence), TEST(test_blocked_by), TEST(test_places),
		TEST(test_place_crosses), TEST(test_abandoned), TEST(test_worst),
	};

	return cmocka_run_group_tests_name("blame", tests, NULL, NULL);
}
