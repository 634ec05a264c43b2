// SPDX-License-Identifier: GPL-2.0-only
/* VMs that their VMM had stopped: how long that was, and that no time of their events has it in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/image.h"
#include "model/inside.h"
#include "model/standstill.h"
#include "tests/unit/lib/one_model.h"

#define VM 7U
#define HZ 62500000U	/* 16 ns a tick */
#define S 1000000000ULL
#define TICKS(ns) ((ns) / 16)

static void put(uint64_t time, uint32_t vm, uint32_t vcpu, uint8_t kind, uint8_t state, uint8_t outcome, uint8_t origin)
{
	union { struct sdei_record head; struct sdei_record_handler handler; } r = {
		.head = { .time_ns = time, .vm = vm, .vcpu = vcpu, .kind = kind, .state = state, .outcome = outcome, .origin = origin },
	};

	if (kind == SDEI_MASK || kind == SDEI_UNMASK)
		r.head.event = SDEI_NONE;
	if (kind == SDEI_MASK)
		r.head.error = 1;
	if (kind == SDEI_SIGNAL)
		r.head.sender = origin == SDEI_FROM_GUEST ? 1 : SDEI_NONE;
	assert_int_equal(model_feed(m, &r.head, kind == SDEI_STATE || kind == SDEI_REGISTER ? sizeof(r.handler) : sizeof(r.head)), 0);
}

static void counter(uint64_t time, uint32_t vm, uint32_t vcpu, uint8_t reason, uint64_t offset, uint32_t hz)
{
	struct sdei_record_counter r = {
		.head = { .time_ns = time, .vm = vm, .vcpu = vcpu, .event = SDEI_NONE, .kind = SDEI_COUNTER, .origin = reason },
		.offset = offset, .hz = hz,
	};

	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
}

/* It goes on at that time, after ns, as the counter says; the offset was -100 before all. */
static void goes_on(uint64_t time, uint32_t vcpu, uint64_t ns_in_all)
{
	counter(time, VM, vcpu, SDEI_COUNTER_SET, TICKS(ns_in_all) - 100, HZ);
}

/* Two vCPUs that have their event. */
static void begin(void)
{
	for (uint32_t vcpu = 0; vcpu < 2; vcpu++) {
		put(1, VM, vcpu, SDEI_STATE, MASK, 0, SDEI_CREATED);
		counter(2, VM, vcpu, SDEI_COUNTER_RUNS, -100ULL, HZ);
		put(3, VM, vcpu, SDEI_UNMASK, 0, 0, 0);
		put(4, VM, vcpu, SDEI_REGISTER, SDEI_REGISTERED, 0, 0);
		put(5, VM, vcpu, SDEI_ENABLE, ENA, 0, 0);
	}
}

static const struct model_vcpu *vcpu_of(uint32_t vm, uint32_t vcpu)
{
	const struct model_vcpu *v = model_vcpu(model_vm(m, vm), vcpu);

	assert_non_null(v);
	return v;
}

static const struct model_event *event_of(uint32_t vcpu)
{
	return model_event(vcpu_of(VM, vcpu), 0);
}

static void assert_stood(uint64_t stops, uint64_t ns)
{
	assert_int_equal(model_vm(m, VM)->stops, stops);
	assert_int_equal(model_vm(m, VM)->stood_ns, ns);
}

static void assert_only(const struct hist *h, uint64_t ns)
{
	assert_non_null(h);
	assert_int_equal(hist_count(h), 1);
	assert_int_equal(hist_max(h), ns);
}

static void test_pending(void **state)
{
	size_t count;

	begin();
	put(1 * S, VM, 0, SDEI_SIGNAL, PEND, SDEI_QUEUED, SDEI_FROM_GUEST);
	goes_on(6 * S, 0, 4 * S);
	put(6 * S + 500, VM, 0, SDEI_DISPATCH, RUN, 0, 0);
	put(6 * S + 800, VM, 0, SDEI_COMPLETE, ENA, SDEI_COMPLETED, 0);
	assert_stood(1, 4 * S);
	assert_only(event_of(0)->dispatch, 1 * S + 500);
	assert_only(event_of(0)->handler, 300);
	assert_only(event_of(0)->total, 1 * S + 800);
	assert_int_equal(model_event_blame(event_of(0))->ns[BLAME_entry], 1 * S + 500);
	assert_int_equal(model_event_late(event_of(0), &count)[0].latency_ns, 1 * S + 500);
	assert_int_equal(model_event_late(event_of(0), &count)[0].signal_ns, 1 * S);
	assert_int_equal(model_event_late(event_of(0), &count)[0].stood_ns, 4 * S);
	assert_int_equal(model_event_late(event_of(0), &count)[0].dispatch_ns, 6 * S + 500);
}

/* The parts of a split one are of the time that the guest had. */
static void test_split(void **state)
{
	const struct model_blame *blame;

	begin();
	put(1 * S, VM, 0, SDEI_SIGNAL, PEND, SDEI_QUEUED, SDEI_FROM_GUEST);
	put(2 * S, VM, 0, SDEI_MASK, MASK, 0, 0);
	goes_on(8 * S, 0, 5 * S);
	put(9 * S, VM, 0, SDEI_UNMASK, 0, 0, 0);
	put(9 * S + 100, VM, 0, SDEI_DISPATCH, RUN, 0, 0);
	blame = model_event_blame(event_of(0));
	assert_int_equal(blame->ns[BLAME_entry], 1 * S + 100);
	assert_int_equal(blame->ns[BLAME_masked], 2 * S);
	assert_only(event_of(0)->dispatch, 3 * S + 100);
	assert_only(vcpu_of(VM, 0)->mask, 2 * S);
	assert_int_equal(vcpu_of(VM, 0)->masked_ns, 2 * S + 2);	/* the first mask, too */
}

/* Its thread goes off the CPU when its VMM stops it: what that is blamed for is given back. */
static void test_places(void **state)
{
	const struct model_blame *blame;

	begin();
	put(1 * S, VM, 0, SDEI_SIGNAL, PEND, SDEI_QUEUED, SDEI_FROM_GUEST);
	put(2 * S, VM, 0, SDEI_PLACE, 0, 0, SDEI_DESCHEDULED);
	put(7 * S, VM, 0, SDEI_PLACE, 0, 0, SDEI_IN_HOST);
	goes_on(8 * S, 0, 6 * S);
	put(9 * S, VM, 0, SDEI_DISPATCH, RUN, 0, 0);
	blame = model_event_blame(event_of(0));
	assert_only(event_of(0)->dispatch, 2 * S);
	assert_int_equal(model_blame_total(blame), 2 * S);
}

static void test_handler(void **state)
{
	begin();
	put(1 * S, VM, 0, SDEI_SIGNAL, PEND, SDEI_QUEUED, SDEI_FROM_GUEST);
	put(1 * S + 10, VM, 0, SDEI_DISPATCH, RUN, 0, 0);
	put(1 * S + 20, VM, 0, SDEI_SIGNAL, RUN | SDEI_PENDING, SDEI_QUEUED, SDEI_FROM_GUEST);
	goes_on(5 * S, 1, 3 * S);
	goes_on(5 * S + 50, 0, 3 * S - 32);
	put(5 * S + 100, VM, 0, SDEI_COMPLETE, PEND, SDEI_COMPLETED, 0);
	put(5 * S + 100, VM, 0, SDEI_DISPATCH, RUN, 0, 0);
	assert_stood(1, 3 * S - 32);	/* what the second vCPU sets is of the same moment */
	assert_only(event_of(0)->handler, 1 * S + 90);
	assert_only(event_of(0)->total, 1 * S + 100);
	assert_int_equal(hist_max(event_of(0)->dispatch), 1 * S + 80);
}

static void test_again_and_again(void **state)
{
	begin();
	put(1 * S, VM, 0, SDEI_SIGNAL, PEND, SDEI_QUEUED, SDEI_FROM_GUEST);
	for (uint64_t i = 1; i <= 3; i++) {
		goes_on(2 * i * S, 0, i * S);
		goes_on(2 * i * S + 20, 1, i * S + 16);
	}
	put(7 * S, VM, 0, SDEI_DISPATCH, RUN, 0, 0);
	assert_stood(3, 3 * S + 16);
	assert_only(event_of(0)->dispatch, 3 * S - 16);
	model_reset(m, 8 * S);
	assert_stood(0, 0);
}

/* What began while it stood still began when it went on. */
static void test_signal_meanwhile(void **state)
{
	begin();
	put(2 * S, VM, 0, SDEI_MASK, MASK, 0, 0);
	put(3 * S, VM, 1, SDEI_STATE, ENA, 0, SDEI_RESTORED);
	goes_on(4 * S, 0, 2 * S);
	assert_stood(1, 2 * S);
	put(5 * S, VM, 0, SDEI_UNMASK, 0, 0, 0);
	assert_only(vcpu_of(VM, 0)->mask, 1 * S);
}

/* Findings are of the time that the guest had. */
static void test_findings(void **state)
{
	size_t count;

	begin();
	put(1 * S, VM, 0, SDEI_SIGNAL, PEND, SDEI_QUEUED, SDEI_FROM_GUEST);
	goes_on(31 * S, 0, 30 * S);
	model_tick(m, 31 * S + 500000000);
	model_findings(m, &count);
	assert_int_equal(count, 0);
	model_tick(m, 33 * S);
	assert_int_equal(model_findings(m, &count)[0].code, FINDING_NMI_UNANSWERED);
	assert_int_equal(model_findings(m, &count)[0].value, 2 * S);
}

/* Its VMM has set its clock: the guest has run all the while. Or forward. Or the rate is another, or none. */
static void test_clock_is_set(void **state)
{
	begin();
	put(1 * S, VM, 0, SDEI_MASK, MASK, 0, 0);
	goes_on(2 * S, 0, 3 * S);
	goes_on(3 * S, 0, 3 * S - 1 * S);
	counter(4 * S, VM, 0, SDEI_COUNTER_SET, TICKS(3 * S), HZ / 2);
	counter(5 * S, VM, 0, SDEI_COUNTER_SET, 0, 0);
	counter(6 * S, VM, 1, SDEI_COUNTER_SET, UINT64_MAX / 2, HZ);
	counter(7 * S, VM, 1, SDEI_COUNTER_SET, 0, HZ);
	put(8 * S, VM, 0, SDEI_UNMASK, 0, 0, 0);
	assert_stood(0, 0);
	assert_only(vcpu_of(VM, 0)->mask, 7 * S);
}

/* It has been moved: nothing ran before it went on there. */
static void test_moved(void **state)
{
	uint64_t ns;

	begin();
	put(1 * S, VM, 0, SDEI_SIGNAL, PEND, SDEI_QUEUED, SDEI_FROM_GUEST);
	put(1 * S, VM, 1, SDEI_ENABLE, ENA, 0, 0);
	for (uint32_t vcpu = 0; vcpu < 2; vcpu++)
		put(1 * S, 8, vcpu, SDEI_STATE, MASK, 0, SDEI_CREATED);
	counter(2 * S, 8, 0, SDEI_COUNTER_SET, 12345, HZ);
	for (uint32_t vcpu = 0; vcpu < 2; vcpu++) {
		put(3 * S, 8, vcpu, SDEI_STATE, SDEI_REGISTERED, 0, SDEI_RESTORED);
		put(3 * S, 8, vcpu, SDEI_STATE, ENA, 0, SDEI_RESTORED);
	}
	put(3 * S, 8, 0, SDEI_SIGNAL, PEND, SDEI_QUEUED, SDEI_FROM_RESTORE);
	put(3 * S, 8, 0, SDEI_STATE, PEND, 0, SDEI_RESTORED);
	counter(5 * S, 8, 0, SDEI_COUNTER_SET, TICKS(2 * S) - 100, HZ);
	counter(5 * S + 16, 8, 1, SDEI_COUNTER_SET, TICKS(2 * S + 16) - 100, HZ);
	counter(5 * S + 20, 8, 0, SDEI_COUNTER_RUNS, TICKS(2 * S + 16) - 100, HZ);
	assert_int_equal(vcpu_of(8, 0)->first_ns, 5 * S + 20);
	put(5 * S + 40, 8, 0, SDEI_DISPATCH, RUN, 0, 0);
	model_vm(m, VM)->user = model_vm(m, 8)->user = "a";
	assert_false(model_moved_ns(model_vm(m, 8), &ns));
	model_settle(m, 6 * S);
	assert_int_equal(model_vm(m, 8)->from_pid, VM);
	assert_true(model_moved_ns(model_vm(m, 8), &ns));
	assert_int_equal(ns, 2 * S + 16);
	assert_int_equal(model_vm(m, 8)->stops, 0);
	assert_only(model_event(vcpu_of(8, 0), 0)->dispatch, 24);	/* the second vCPU's record moved it, too */
}

static struct model_guest guest_of(const void *user)
{
	return (struct model_guest){ .name = user };
}

static int setup_named(void **state)
{
	m = model_new(&(struct model_options){ .guest = guest_of });
	return m ? 0 : -1;
}

static void test_image(void **state)
{
	const struct image_names names = { 0 };
	unsigned char *bytes = NULL;
	size_t size = 0;
	int err;

	begin();
	put(1 * S, VM, 0, SDEI_SIGNAL, PEND, SDEI_QUEUED, SDEI_FROM_GUEST);
	goes_on(4 * S, 0, 2 * S);
	assert_int_equal(image_save(m, &names, &bytes, &size), 0);
	model_free(m);
	m = image_load(bytes, size, NULL, &names, &err);
	free(bytes);
	assert_non_null(m);
	goes_on(6 * S, 0, 3 * S);
	put(7 * S, VM, 0, SDEI_DISPATCH, RUN, 0, 0);
	assert_stood(2, 3 * S);
	assert_only(event_of(0)->dispatch, 3 * S);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pending), TEST(test_split), TEST(test_places), TEST(test_handler), TEST(test_again_and_again), TEST(test_signal_meanwhile),
		TEST(test_findings), TEST(test_clock_is_set), cmocka_unit_test_setup_teardown(test_moved, setup_named, teardown), TEST(test_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
