// SPDX-License-Identifier: GPL-2.0-only
/* Calls of kind SMCCC: those of SDEI in the table of calls, those of PSCI in their own; and what a vCPU that is off does not do wrong. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/image.h"
#include "model/inside.h"
#include "tests/unit/lib/one_model.h"

#define VM 7
#define SECOND 1000000000ULL
#define PSCI_FN_CPU_OFF 0x84000002
#define PSCI_FN_CPU_SUSPEND 0xC4000001
#define PSCI_FN_CPU_ON 0xC4000003
#define PSCI_FN_SYSTEM_RESET 0x84000009

static int call(uint64_t time, uint32_t vcpu, uint32_t function, uint8_t outcome, int64_t result, uint32_t target)
{
	struct sdei_record_smccc r = {
		.head = {
			.time_ns = time, .vm = VM, .vcpu = vcpu, .event = SDEI_NONE, .kind = SDEI_SMCCC, .outcome = outcome, .result = result,
		},
		.function = function, .target = target, .duration_ns = 10,
	};

	return model_feed(m, &r.head, sizeof(r));
}

static void answered(uint64_t time, uint32_t vcpu, uint32_t function, int64_t result)
{
	assert_int_equal(call(time, vcpu, function, SMCCC_ANSWERED, result, SDEI_NONE), 0);
}

static void turn_off(uint64_t time, uint32_t vcpu)
{
	answered(time, vcpu, PSCI_FN_CPU_OFF, 0);
}

static void turn_on(uint64_t time, uint32_t vcpu, uint32_t target, int64_t result)
{
	assert_int_equal(call(time, vcpu, PSCI_FN_CPU_ON, SMCCC_ANSWERED, result, target), 0);
}

static void event(uint64_t time, uint32_t vcpu, uint8_t kind, uint8_t state, uint8_t outcome)
{
	struct sdei_record r = {
		.time_ns = time, .vm = VM, .vcpu = vcpu, .event = kind == SDEI_MASK || kind == SDEI_UNMASK || kind == SDEI_RESET ? SDEI_NONE : 0, .kind = kind, .state = state, .outcome = outcome,
	};

	if (kind == SDEI_SIGNAL) {
		r.origin = SDEI_FROM_VMM;
		r.sender = SDEI_NONE;
	}
	if (kind == SDEI_MASK)
		r.error = 1;
	if (kind == SDEI_RESET)
		r.origin = SDEI_VCPU_RESET;
	assert_int_equal(model_feed(m, &r, sizeof(r)), 0);
}

static void handler(uint64_t time, uint32_t vcpu, uint8_t kind, uint8_t bits, uint8_t reason)
{
	struct sdei_record_handler r = {
		.head = { .time_ns = time, .vm = VM, .vcpu = vcpu, .kind = kind, .state = bits, .origin = reason,
			  .outcome = reason == SDEI_STATE_RESET ? SDEI_RUNNING : 0 },
	};

	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
}

static struct model_vcpu *vcpu_of(uint32_t id)
{
	struct model_vcpu *v = model_vcpu(model_vm(m, VM), id);

	assert_non_null(v);
	return v;
}

static size_t found(void)
{
	size_t count;

	model_findings(m, &count);
	return count;
}

static uint64_t psci_count(uint32_t vcpu, enum psci_call of, enum psci_class class)
{
	struct psci_counts counts = { 0 };

	model_add_psci(vcpu_of(vcpu), &counts);
	return counts.count[of][class];
}

/* A vCPU in the handler of event 0 from 2,000 ns on. */
static void enter_handler(uint32_t vcpu)
{
	handler(100, vcpu, SDEI_STATE, MASK, SDEI_CREATED);
	event(200, vcpu, SDEI_UNMASK, 0, 0);
	handler(300, vcpu, SDEI_REGISTER, SDEI_REGISTERED, 0);
	event(400, vcpu, SDEI_ENABLE, ENA, 0);
	event(1000, vcpu, SDEI_SIGNAL, PEND, SDEI_QUEUED);
	event(2000, vcpu, SDEI_DISPATCH, RUN, 0);
}

/* --- counts */

static void test_sdei(void **unused)
{
	answered(1000, 0, SDEI_FN_VERSION, SDEI_RESULT_NOT_SUPPORTED);
	answered(2000, 0, SDEI_FN_VERSION, SDEI_RESULT_NOT_SUPPORTED);
	assert_int_equal(call(3000, 1, SDEI_FN_EVENT_REGISTER, SMCCC_FORWARDED, 0, SDEI_NONE), 0);
	assert_int_equal(model_call_count(vcpu_of(0), SDEI_FN_VERSION, model_result_class(-1)), 2);
	assert_int_equal(model_call_count(vcpu_of(1), SDEI_FN_EVENT_REGISTER, MODEL_RESULT_FORWARDED), 1);
	assert_string_equal(model_result_class_name(MODEL_RESULT_FORWARDED), "FORWARDED");
	assert_false(model_has_psci(vcpu_of(0)));
	assert_false(vcpu_of(0)->mask_known);	/* nothing of SDEI's state is known there */
	assert_int_equal(call(4000, 0, 0xC4000033, SMCCC_ANSWERED, -1, SDEI_NONE), -EINVAL);
}

static void test_refused_often(void **unused)
{
	const struct model_finding *f;
	size_t count;

	for (int i = 0; i < 12; i++)
		answered(1000 + i, 0, SDEI_FN_VERSION, SDEI_RESULT_NOT_SUPPORTED);
	f = model_findings(m, &count);
	assert_int_equal(count, 1);
	assert_int_equal(f->code, FINDING_REFUSED_CALLS);
	assert_int_equal(f->function, SDEI_FN_VERSION);
	assert_int_equal(f->most, 12);
	assert_int_equal(f->record.function, SDEI_FN_VERSION);
}

static void test_psci(void **unused)
{
	turn_on(1000, 0, 1, 0);
	turn_on(2000, 0, 1, -4);
	turn_on(3000, 0, SDEI_NONE, -2);
	answered(4000, 0, 0x84000012, -1);
	answered(5000, 0, PSCI_FN_CPU_OFF, -77);
	assert_int_equal(call(6000, 0, PSCI_FN_SYSTEM_RESET, SMCCC_FORWARDED, 0, SDEI_NONE), 0);
	assert_int_equal(psci_count(0, PSCI_CPU_ON, PSCI_CLASS_SUCCESS), 1);
	assert_int_equal(psci_count(0, PSCI_CPU_ON, PSCI_CLASS_ALREADY_ON), 1);
	assert_int_equal(psci_count(0, PSCI_CPU_ON, PSCI_CLASS_INVALID_PARAMETERS), 1);
	assert_int_equal(psci_count(0, PSCI_SYSTEM_RESET2, PSCI_CLASS_NOT_SUPPORTED), 1);
	assert_int_equal(psci_count(0, PSCI_CPU_OFF, PSCI_CLASS_OTHER), 1);
	assert_int_equal(psci_count(0, PSCI_SYSTEM_RESET, PSCI_CLASS_FORWARDED), 1);
	assert_true(model_has_psci(vcpu_of(0)));
	assert_int_equal(found(), 0);
	model_reset(m, 7000);
	assert_false(model_has_psci(vcpu_of(0)));
}

static void test_lost(void **unused)
{
	struct sdei_lost_key key = {
		.vm = VM, .event = SDEI_NONE, .kind = SDEI_SMCCC, .outcome = SMCCC_ANSWERED, .error = -1, .function = SDEI_FN_VERSION,
	};

	answered(1000, 0, SDEI_FN_VERSION, SDEI_RESULT_NOT_SUPPORTED);
	assert_int_equal(model_feed_lost(m, &key, 3), 0);
	assert_int_equal(model_call_count(vcpu_of(0), SDEI_FN_VERSION, model_result_class(-1)), 4);
	key.outcome = SMCCC_FORWARDED;
	key.error = 0;
	assert_int_equal(model_feed_lost(m, &key, 2), 0);
	assert_int_equal(model_call_count(vcpu_of(0), SDEI_FN_VERSION, MODEL_RESULT_FORWARDED), 2);
	key.function = PSCI_FN_CPU_ON;
	key.outcome = SMCCC_ANSWERED;
	key.error = -4;
	assert_int_equal(model_feed_lost(m, &key, 5), 0);
	assert_int_equal(psci_count(0, PSCI_CPU_ON, PSCI_CLASS_ALREADY_ON), 5);
	assert_int_equal(model_totals(m)->lost_by[SDEI_SMCCC], 10);
	assert_true(vcpu_of(0)->inexact);
}

/* --- on and off */

static void test_off_and_on(void **unused)
{
	turn_off(1010, 1);
	assert_true(vcpu_of(1)->off);
	assert_int_equal(model_off_since_ns(vcpu_of(1)), 1000);	/* when the call began */
	turn_on(2000, 0, 1, -3);
	assert_true(vcpu_of(1)->off);
	turn_on(3000, 0, 1, 0);
	assert_false(vcpu_of(1)->off);
	turn_off(4000, 1);
	assert_true(vcpu_of(1)->off);
	answered(5000, 1, SDEI_FN_VERSION, -1);	/* its VMM has turned it on, unseen */
	assert_false(vcpu_of(1)->off);
	turn_off(6000, 1);
	answered(7000, 1, PSCI_FN_CPU_OFF, -3);	/* likewise, and it stays on */
	assert_false(vcpu_of(1)->off);
	assert_false(vcpu_of(0)->off);
}

/* The one that turns it on may be seen before the call that turned it off has ended. */
static void test_crossing(void **unused)
{
	turn_on(1000, 0, 1, -4);
	turn_off(1500, 1);
	assert_true(vcpu_of(1)->off);
	turn_on(2000, 0, 1, 0);
	turn_off(2005, 1);	/* began at 1995 */
	assert_false(vcpu_of(1)->off);
}

static void test_system_reset(void **unused)
{
	turn_on(1000, 0, 1, 0);
	answered(1500, 1, SDEI_FN_VERSION, -1);
	assert_int_equal(call(2000, 0, PSCI_FN_SYSTEM_RESET, SMCCC_ANSWERED, -1, SDEI_NONE), 0);
	assert_false(vcpu_of(0)->off || vcpu_of(1)->off);
	assert_int_equal(call(3000, 0, PSCI_FN_SYSTEM_RESET, SMCCC_FORWARDED, 0, SDEI_NONE), 0);
	assert_true(vcpu_of(0)->off && vcpu_of(1)->off);
}

/* --- what was so where the tracing or a recording begins */

static void found_so(uint64_t time, uint32_t vcpu, uint8_t origin, uint64_t since_ns)
{
	struct sdei_record r = {
		.time_ns = time, .vm = VM, .vcpu = vcpu, .event = SDEI_NONE, .kind = SDEI_POWER, .origin = origin, .arg = since_ns,
	};

	assert_int_equal(model_feed(m, &r, sizeof(r)), 0);
}

static void test_power_found(void **unused)
{
	found_so(1000, 0, SDEI_POWER_ON, 0);
	found_so(1000, 1, SDEI_POWER_OFF, 0);
	found_so(1000, 2, SDEI_POWER_OFF, 400);
	found_so(1000, 3, SDEI_POWER_SUSPENDED, 0);
	found_so(1000, 4, 0, 0);
	assert_string_equal(model_power_name(vcpu_of(0)), "on");
	assert_string_equal(model_power_name(vcpu_of(1)), "off");
	assert_string_equal(model_power_name(vcpu_of(3)), "suspended");
	assert_null(model_power_name(vcpu_of(4)));
	assert_int_equal(model_off_since_ns(vcpu_of(1)), 1000);
	assert_int_equal(model_off_since_ns(vcpu_of(2)), 400);
	assert_true(vcpu_of(3)->off);
	assert_false(vcpu_of(0)->mask_known || vcpu_of(1)->mask_known);	/* it says nothing of SDEI */
	turn_on(2000, 0, 1, 0);
	assert_string_equal(model_power_name(vcpu_of(1)), "on");
	answered(2000, 3, SDEI_FN_VERSION, -1);
	assert_string_equal(model_power_name(vcpu_of(3)), "on");
}

/* What the calls have shown is newer, or will be. */
static void test_power_found_late(void **unused)
{
	turn_off(1000, 0);
	found_so(1500, 0, SDEI_POWER_ON, 0);
	assert_string_equal(model_power_name(vcpu_of(0)), "off");
	found_so(2000, 1, SDEI_POWER_ON, 0);
	turn_off(2005, 1);	/* began at 1995 */
	assert_string_equal(model_power_name(vcpu_of(1)), "off");
	answered(3000, 2, SDEI_FN_VERSION, -1);
	assert_string_equal(model_power_name(vcpu_of(2)), "on");
}

/* The handler of one that was off already does not hang. */
static void test_power_found_in_handler(void **unused)
{
	struct sdei_record_handler state = {
		.head = { .time_ns = 1000, .vm = VM, .vcpu = 0, .kind = SDEI_STATE, .state = RUN, .origin = SDEI_SNAPSHOT, .arg = 500 },
	};

	found_so(1000, 0, SDEI_POWER_OFF, 0);
	assert_int_equal(model_feed(m, &state.head, sizeof(state)), 0);
	model_tick(m, 5 * SECOND);
	model_settle(m, 6 * SECOND);
	assert_int_equal(model_event(vcpu_of(0), 0)->state, RUN);
	assert_int_equal(found(), 0);
}

/* A vCPU that is seen to do something is on; one that is signalled to need not be. */
static void test_seen(void **unused)
{
	enter_handler(0);
	turn_off(3000, 0);
	event(4000, 0, SDEI_SIGNAL, RUN | SDEI_PENDING, SDEI_QUEUED);
	assert_true(vcpu_of(0)->off);
	event(5000, 0, SDEI_COMPLETE, PEND, SDEI_COMPLETED);
	assert_false(vcpu_of(0)->off);
}

static void test_fault(void **unused)
{
	struct sdei_record_apf fault = {
		.head = { .time_ns = 4000, .vm = VM, .vcpu = 1, .event = SDEI_NONE, .kind = SDEI_APF, .origin = APF_SYNC, .outcome = APF_FROM_FILE },
		.gfn = 9, .duration_ns = 5,
	};

	turn_off(3000, 1);
	fault.head.time_ns = 2000;
	assert_int_equal(model_feed(m, &fault.head, sizeof(fault)), 0);
	assert_true(vcpu_of(1)->off);
	fault.head.time_ns = 4000;
	assert_int_equal(model_feed(m, &fault.head, sizeof(fault)), 0);
	assert_false(vcpu_of(1)->off);
}

/* A vCPU that ends is not off any more, and begins its next life on. */
static void test_end(void **unused)
{
	struct model_vm *const *vms;
	size_t count;

	enter_handler(0);
	turn_off(3000, 0);
	handler(4000, 0, SDEI_STATE, 0, SDEI_DESTROYED);
	vms = model_vms(m, &count);
	assert_true(vms[0]->gone);
	assert_false(vms[0]->vcpus[0]->off);
	turn_off(3500, 0);
	assert_false(vms[0]->vcpus[0]->off);
}

/* --- findings */

static void test_handler_of_parked(void **unused)
{
	enter_handler(0);
	turn_off(3000, 0);
	model_tick(m, 5 * SECOND);
	model_settle(m, 6 * SECOND);
	assert_int_equal(found(), 0);
	assert_int_equal(model_event(vcpu_of(0), 0)->state, RUN);
}

/* Nor when another one turns it on, and the reset ends the handler. */
static void test_parked_until_reset(void **unused)
{
	enter_handler(0);
	turn_off(3000, 0);
	turn_on(5 * SECOND, 1, 0, 0);
	handler(5 * SECOND + 10, 0, SDEI_STATE, MASK, SDEI_STATE_RESET);
	event(5 * SECOND + 20, 0, SDEI_RESET, MASK, 0);
	assert_false(vcpu_of(0)->off);
	model_settle(m, 6 * SECOND);
	assert_int_equal(found(), 0);
}

/* The same without CPU_OFF, and where that was refused, hangs. */
static void test_handler_hangs(void **unused)
{
	enter_handler(0);
	answered(3000, 0, PSCI_FN_CPU_OFF, -3);
	model_tick(m, 5 * SECOND);
	assert_int_equal(found(), 1);
	assert_true(model_is_found(vcpu_of(0), model_event(vcpu_of(0), 0), FINDING_HANDLER_HUNG));
}

/* A handler that had hung before is over when its vCPU is off. */
static void test_hung_then_parked(void **unused)
{
	size_t count;

	enter_handler(0);
	model_tick(m, 5 * SECOND);
	assert_true(model_findings(m, &count)->open);
	assert_int_equal(count, 1);
	turn_off(6 * SECOND, 0);
	model_tick(m, 7 * SECOND);
	assert_false(model_findings(m, &count)->open);
	assert_int_equal(count, 1);
}

static void test_mask_of_parked(void **unused)
{
	enter_handler(0);
	event(2500, 0, SDEI_MASK, MASK, 0);
	turn_off(3000, 0);
	model_tick(m, 5 * SECOND);
	assert_int_equal(found(), 0);
}

/* --- as bytes and back */

/* As Linux does it: an idle CPU masks, suspends itself, and unmasks when something has woken it. */
static void begin_idle(uint64_t time)
{
	event(time, 0, SDEI_MASK, SDEI_MASKED, 0);
	assert_int_equal(call(time + 1, 0, PSCI_FN_CPU_SUSPEND, SMCCC_BEGUN, 0, SDEI_NONE), 0);
}

static void end_idle(uint64_t time)
{
	answered(time, 0, PSCI_FN_CPU_SUSPEND, 0);
	event(time + 1, 0, SDEI_UNMASK, 0, 0);
}

/* A mask of an idle CPU lasts as long as nothing wakes it, and is a mask all the same. */
static void test_mask_of_idle(void **unused)
{
	enter_handler(0);
	event(3000, 0, SDEI_COMPLETE, ENA, SDEI_COMPLETED);
	begin_idle(SECOND);
	model_tick(m, 5 * SECOND);
	assert_true(vcpu_of(0)->idle);
	end_idle(9 * SECOND);
	model_settle(m, 10 * SECOND);
	assert_int_equal(found(), 0);
	assert_false(vcpu_of(0)->idle);
	assert_int_equal(psci_count(0, PSCI_CPU_SUSPEND, PSCI_CLASS_SUCCESS), 1);
	assert_int_equal(psci_count(0, PSCI_CPU_SUSPEND, PSCI_CLASS_FORWARDED), 0);
	assert_int_equal(hist_max(vcpu_of(0)->mask), 8 * SECOND + 1);
}

/* Its VMM stops it, which ends the call, but it does not run any more: it has moved away. */
static void test_mask_of_idle_that_moves(void **unused)
{
	enter_handler(0);
	event(3000, 0, SDEI_COMPLETE, ENA, SDEI_COMPLETED);
	begin_idle(SECOND);
	answered(4 * SECOND, 0, PSCI_FN_CPU_SUSPEND, 0);
	model_tick(m, 9 * SECOND);
	handler(10 * SECOND, 0, SDEI_STATE, SDEI_MASKED, SDEI_DESTROYED);
	model_settle(m, 12 * SECOND);
	assert_int_equal(found(), 0);
}

/* The client of a firmware does not show that it is awake again, but unmasks. */
static void test_mask_of_idle_client(void **unused)
{
	enter_handler(0);
	event(3000, 0, SDEI_COMPLETE, ENA, SDEI_COMPLETED);
	begin_idle(SECOND);
	event(4 * SECOND, 0, SDEI_UNMASK, 0, 0);
	event(5 * SECOND, 0, SDEI_MASK, SDEI_MASKED, 0);
	assert_false(vcpu_of(0)->idle);
	model_settle(m, 5 * SECOND + 1000);
	assert_int_equal(found(), 0);
	model_settle(m, 7 * SECOND);
	assert_int_equal(found(), 1);
}

static void test_image(void **unused)
{
	unsigned char *bytes = NULL, *again = NULL;
	size_t size = 0, size_again = 0;
	struct model *copy;
	int err;

	enter_handler(0);
	turn_off(3000, 0);
	turn_on(4000, 1, 2, -2);
	found_so(4100, 2, SDEI_POWER_SUSPENDED, 70);
	found_so(4100, 3, SDEI_POWER_ON, 0);
	assert_int_equal(image_save(m, NULL, &bytes, &size), 0);
	copy = image_load(bytes, size, NULL, NULL, &err);
	assert_non_null(copy);
	assert_int_equal(image_save(copy, NULL, &again, &size_again), 0);
	assert_int_equal(size, size_again);
	assert_memory_equal(bytes, again, size);
	model_free(m);
	m = copy;
	assert_true(vcpu_of(0)->off);
	assert_int_equal(model_off_since_ns(vcpu_of(0)), 2990);
	assert_string_equal(model_power_name(vcpu_of(2)), "suspended");
	assert_int_equal(model_off_since_ns(vcpu_of(2)), 70);
	assert_string_equal(model_power_name(vcpu_of(3)), "on");
	assert_int_equal(psci_count(1, PSCI_CPU_ON, PSCI_CLASS_INVALID_PARAMETERS), 1);
	free(bytes);
	free(again);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sdei), TEST(test_refused_often), TEST(test_psci), TEST(test_lost),
		TEST(test_off_and_on), TEST(test_crossing), TEST(test_system_reset), TEST(test_seen), TEST(test_fault), TEST(test_end),
		TEST(test_power_found), TEST(test_power_found_late), TEST(test_power_found_in_handler),
		TEST(test_handler_of_parked), TEST(test_parked_until_reset), TEST(test_handler_hangs), TEST(test_hung_then_parked), TEST(test_mask_of_parked),
		TEST(test_mask_of_idle), TEST(test_mask_of_idle_that_moves), TEST(test_mask_of_idle_client),
		TEST(test_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
