// SPDX-License-Identifier: GPL-2.0-only
/* Who interrupts whom. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/senders.h"
#include "tests/unit/lib/one_model.h"

static void feed(struct sdei_record r)
{
	r.vm = 7;
	assert_int_equal(model_feed(m, &r, sizeof(r)), 0);
}

static struct sdei_record signal_from(uint64_t time, uint32_t sender, uint32_t target)
{
	return (struct sdei_record) {
		.time_ns = time, .vcpu = target, .kind = SDEI_SIGNAL, .state = PEND, .outcome = SDEI_QUEUED, .origin = SDEI_FROM_GUEST,
		.sender = sender,
	};
}

static void signal_to(uint64_t time, uint32_t sender, uint32_t target)
{
	feed(signal_from(time, sender, target));
}

static void dispatch(uint64_t time, uint32_t target)
{
	feed((struct sdei_record) { .time_ns = time, .vcpu = target, .kind = SDEI_DISPATCH, .state = RUN });
}

static void complete(uint64_t time, uint32_t target)
{
	feed((struct sdei_record) { .time_ns = time, .vcpu = target, .kind = SDEI_COMPLETE, .state = ENA, .outcome = SDEI_COMPLETED });
}

static void cancel(uint64_t time, uint32_t target)
{
	feed((struct sdei_record) { .time_ns = time, .vcpu = target, .kind = SDEI_CANCEL, .state = ENA });
}

static const struct model_sender *from_to(uint32_t sender, uint32_t target)
{
	size_t count;
	const struct model_sender *list = model_senders(model_vcpu(model_vm(m, 7), target), &count);

	for (size_t i = 0; i < count; i++)
		if (list[i].sender == sender)
			return &list[i];
	return NULL;
}

static void check(uint32_t sender, uint32_t target, uint64_t signals, uint64_t dispatched, uint64_t unanswered, uint64_t worst_ns)
{
	const struct model_sender *s = from_to(sender, target);

	assert_non_null(s);
	assert_int_equal(s->signals, signals);
	assert_int_equal(s->dispatched, dispatched);
	assert_int_equal(s->unanswered, unanswered);
	assert_int_equal(s->worst_ns, worst_ns);
}

/* Each signal counts for who sent it; the handler is that of the first one of an episode. */
static void test_counts(void **state)
{
	struct sdei_record second = signal_from(1010, 2, 1);

	signal_to(1000, 0, 1);
	second.outcome = SDEI_COALESCED;
	feed(second);
	dispatch(1050, 1);
	complete(1060, 1);
	signal_to(1100, 0, 1);
	dispatch(1130, 1);
	complete(1140, 1);
	signal_to(1200, 1, 1);
	dispatch(1201, 1);
	complete(1202, 1);
	check(0, 1, 2, 2, 0, 50);
	check(2, 1, 1, 0, 0, 0);
	check(1, 1, 1, 1, 0, 1);
	assert_int_equal(from_to(0, 1)->worst_at_ns, 1050);
	assert_int_equal(from_to(0, 1)->last_ns, 1100);
}

/* How long the handlers of each pair took to come, apart from those of other pairs. */
static void test_latency(void **state)
{
	for (uint64_t i = 1; i <= 100; i++) {
		signal_to(1000 * i, 0, 1);
		dispatch(1000 * i + i, 1);
		complete(1000 * i + 200, 1);
		signal_to(1000 * i + 300, 2, 1);
		dispatch(1000 * i + 310, 1);
		complete(1000 * i + 400, 1);
	}
	assert_int_equal(hist_count(from_to(0, 1)->latency), 100);
	assert_int_equal(hist_sum(from_to(0, 1)->latency), 5050);
	assert_in_range(hist_quantile(from_to(0, 1)->latency, 0.99), 99, 100);
	assert_int_equal(hist_quantile(from_to(2, 1)->latency, 0.99), 10);
	assert_int_equal(hist_count(model_event(model_vcpu(model_vm(m, 7), 1), 0)->dispatch), 200);
}

/* What others than vCPUs signal has no sender. */
static void test_no_sender(void **state)
{
	struct sdei_record r = signal_from(1000, SDEI_NONE, 1);

	r.origin = SDEI_FROM_VMM;
	feed(r);
	dispatch(1010, 1);
	complete(1020, 1);
	feed(signal_from(1030, SDEI_NONE, 1));
	assert_false(model_has_senders(model_vm(m, 7)));
}

static void test_unanswered(void **state)
{
	struct sdei_record refused = signal_from(1000, 0, 1);

	refused.outcome = SDEI_REJECTED;
	refused.state = 0;
	refused.error = -1;
	feed(refused);
	feed((struct sdei_record) { .time_ns = 1005, .vcpu = 1, .kind = SDEI_ENABLE, .state = ENA });
	signal_to(1010, 0, 1);
	cancel(1020, 1);
	signal_to(1030, 0, 1);
	feed((struct sdei_record) { .time_ns = 1040, .vcpu = 1, .kind = SDEI_UNREGISTER, .outcome = SDEI_PENDING });
	check(0, 1, 3, 0, 3, 0);
}

static void assert_pair(const struct model_pair *pair, uint32_t sender, uint32_t target, uint64_t waiting_ns)
{
	assert_int_equal(pair->sender->sender, sender);
	assert_int_equal(pair->target->id, target);
	assert_int_equal(pair->waiting_ns, waiting_ns);
}

/* First whose handler is to come, then whose never came, then the slowest. */
static void test_order(void **state)
{
	struct model_pair *pairs;
	size_t count;
	int err;

	signal_to(1000, 0, 1);
	dispatch(1500, 1);
	complete(1510, 1);
	signal_to(2000, 0, 2);
	dispatch(2010, 2);
	complete(2020, 2);
	signal_to(2030, 1, 3);
	cancel(2040, 3);
	signal_to(3000, 2, 0);
	signal_to(3100, 0, 2);
	pairs = model_pairs(model_vm(m, 7), 3200, &count, &err);
	assert_non_null(pairs);
	assert_int_equal(count, 4);
	assert_pair(&pairs[0], 2, 0, 200);
	assert_pair(&pairs[1], 0, 2, 100);
	assert_pair(&pairs[2], 1, 3, 0);
	assert_pair(&pairs[3], 0, 1, 0);
	free(pairs);
	dispatch(3210, 0);
	assert_int_equal(model_sender_waiting_ns(model_vcpu(model_vm(m, 7), 0), 2, 3300), 0);
}

/* Senders that nobody can have are not kept, and said. */
static void test_many(void **state)
{
	size_t count;

	signal_to(1000, 5, 1);
	for (uint32_t i = 0; i < MODEL_SENDERS_MAX + 20; i++) {
		struct sdei_record r = signal_from(2000 + i, UINT32_MAX - 1 - i, 1);

		r.vm = 7;
		r.outcome = SDEI_COALESCED;
		assert_int_equal(model_feed(m, &r, sizeof(r)), i < MODEL_SENDERS_MAX - 1 ? 0 : -E2BIG);
	}
	model_senders(model_vcpu(model_vm(m, 7), 1), &count);
	assert_int_equal(count, MODEL_SENDERS_MAX);
	assert_int_equal(model_totals(m)->crowded, 21);
	assert_int_equal(model_event(model_vcpu(model_vm(m, 7), 1), 0)->count.coalesced, MODEL_SENDERS_MAX + 20);
	check(5, 1, 1, 0, 0, 0);
}

static void test_reset(void **state)
{
	signal_to(1000, 0, 1);
	model_reset(m, 1500);
	assert_false(model_has_senders(model_vm(m, 7)));
	dispatch(1600, 1);
	complete(1610, 1);
	signal_to(1700, 0, 1);
	dispatch(1705, 1);
	check(0, 1, 1, 1, 0, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_counts), TEST(test_latency), TEST(test_no_sender), TEST(test_unanswered), TEST(test_order), TEST(test_many), TEST(test_reset),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
