// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source/process.h"
#include "source/vm_filter.h"
#include "source/losses.h"

#define SECOND 1000000000ULL

/* What the next question is answered, and how many there were. */
struct answers {
	bool wanted;
	unsigned int asked, decided;
	uint32_t last_denied;
};

static uint64_t identity;

static bool want(void *ctx, uint32_t vm)
{
	struct answers *answers = ctx;

	answers->asked++;
	return answers->wanted;
}

static void decided(void *ctx, uint32_t vm, bool wanted)
{
	struct answers *answers = ctx;

	answers->decided++;
	answers->last_denied = wanted ? 0 : vm;
}

static uint64_t identify(uint32_t vm)
{
	return identity;
}

static bool sure = true;

static bool is_sure(uint32_t vm)
{
	return sure;
}

static struct vm_filter *new_judge(struct answers *answers)
{
	const struct vm_filter_calls calls = {
		.want = want, .want_ctx = answers, .sure = is_sure, .identity = identify, .decided = decided, .decided_ctx = answers,
	};

	return vm_filter_new(&calls);
}

static bool wants(struct vm_filter *j, uint32_t vm, uint8_t kind, uint64_t time_ns)
{
	const struct sdei_record record = { .vm = vm, .kind = kind, .origin = SDEI_CREATED, .time_ns = time_ns };

	return vm_filter_wants(j, &record);
}

/* Until its name is known a VM is wanted, and nothing of it is left out in the kernel. */
static void test_late_name(void **state)
{
	struct answers answers = { 0 };
	struct vm_filter *j = new_judge(&answers);

	sure = false;
	assert_true(wants(j, 7, SDEI_SIGNAL, SECOND));
	assert_true(wants(j, 7, SDEI_SIGNAL, SECOND));
	assert_int_equal(answers.asked, 1);
	assert_int_equal(answers.last_denied, 0);
	sure = true;
	assert_false(wants(j, 7, SDEI_SIGNAL, SECOND));
	assert_false(wants(j, 7, SDEI_SIGNAL, SECOND));
	assert_int_equal(answers.asked, 2);
	assert_int_equal(answers.last_denied, 7);
	vm_filter_free(j);
}

static void test_asks_once(void **state)
{
	struct answers answers = { .wanted = false };
	struct vm_filter *j = new_judge(&answers);

	identity = 1;
	assert_false(wants(j, 7, SDEI_STATE, SECOND));
	answers.wanted = true;
	assert_false(wants(j, 7, SDEI_SIGNAL, 2 * SECOND));
	assert_false(wants(j, 7, SDEI_STATE, 3 * SECOND));
	assert_false(vm_filter_wants_vm(j, 7));
	assert_int_equal(answers.asked, 1);
	assert_int_equal(answers.decided, 1);
	assert_int_equal(answers.last_denied, 7);
	vm_filter_free(j);
}

static void test_asks_about_a_reused_pid(void **state)
{
	struct answers answers = { .wanted = false };
	struct vm_filter *j = new_judge(&answers);

	identity = 1;
	assert_false(wants(j, 7, SDEI_SIGNAL, SECOND));
	identity = 2;
	answers.wanted = true;
	assert_false(wants(j, 7, SDEI_SIGNAL, 2 * SECOND));
	assert_true(wants(j, 7, SDEI_STATE, 3 * SECOND));
	assert_true(wants(j, 7, SDEI_SIGNAL, 4 * SECOND));
	assert_int_equal(answers.asked, 2);
	assert_int_equal(answers.last_denied, 0);
	vm_filter_free(j);
}

static void test_many(void **state)
{
	struct answers answers = { .wanted = true };
	struct vm_filter *j = new_judge(&answers);

	for (uint32_t vm = 0; vm < 10000; vm++) {
		answers.wanted = vm % 3 == 0;
		assert_int_equal(wants(j, vm, SDEI_SIGNAL, 1), answers.wanted);
	}
	for (uint32_t vm = 0; vm < 10000; vm++)
		assert_int_equal(wants(j, vm, SDEI_SIGNAL, 2), vm % 3 == 0);
	assert_int_equal(answers.asked, 10000);
	vm_filter_free(j);
	vm_filter_free(NULL);
}

/* --- VMs that come and go */

static struct { uint32_t oldest, newest; } living;
static int in_kernel;	/* denied VMs that the kernel has been told of */

static uint64_t identify_living(uint32_t vm)
{
	return vm >= living.oldest && vm <= living.newest ? vm : 0;
}

static void tell_kernel(void *ctx, uint32_t vm, bool wanted)
{
	in_kernel += wanted ? -1 : 1;
}

/* One comes each second and stays for ten. The kernel's set, and hence what is remembered, does not grow with them. */
static void test_gone_are_forgotten(void **state)
{
	struct answers answers = { .wanted = false };
	const struct vm_filter_calls calls = { .want = want, .want_ctx = &answers, .identity = identify_living, .decided = tell_kernel };
	struct vm_filter *j = vm_filter_new(&calls);

	for (uint32_t vm = 1; vm <= 100000; vm++) {
		living.newest = vm;
		living.oldest = vm > 10 ? vm - 10 : 1;
		assert_false(wants(j, vm, SDEI_STATE, vm * SECOND));
		assert_false(wants(j, living.oldest, SDEI_SIGNAL, vm * SECOND));
		assert_in_range(in_kernel, 1, 128);
	}
	assert_int_equal(answers.asked, 100000);
	vm_filter_free(j);
}

/* The last records of a VM whose process has gone are as wanted as those before, however many others come. */
static void test_gone_are_remembered_for_a_while(void **state)
{
	struct answers answers = { .wanted = true };
	const struct vm_filter_calls calls = { .want = want, .want_ctx = &answers, .identity = identify_living };
	struct vm_filter *j = vm_filter_new(&calls);

	living.oldest = living.newest = 1;
	assert_true(wants(j, 1, SDEI_STATE, SECOND));
	living.oldest = living.newest = 0;
	answers.wanted = false;
	for (uint32_t vm = 2; vm < 5000; vm++)
		assert_false(wants(j, vm, SDEI_STATE, 2 * SECOND + vm * 2000000));
	assert_true(wants(j, 1, SDEI_SIGNAL, 12 * SECOND));
	vm_filter_free(j);
}

static void test_identity_of_processes(void **state)
{
	assert_int_not_equal(process_identity(getpid()), 0);
	assert_int_equal(process_identity(getpid()), process_identity(getpid()));
	assert_int_not_equal(process_identity(getpid()), process_identity(1));
	assert_int_equal(process_identity(UINT32_MAX), 0);
}

static void test_losses(void **state)
{
	struct losses *l = losses_new(1000);
	struct sdei_lost_key key = { .kind = SDEI_SIGNAL };

	for (uint32_t round = 1; round <= 3; round++)
		for (key.vcpu = 0; key.vcpu < 1000; key.vcpu++)
			assert_int_equal(losses_update(l, &key, round * (key.vcpu + 1)), key.vcpu + 1);
	key.vcpu = 5;
	assert_int_equal(losses_update(l, &key, 18), 0);
	assert_int_equal(losses_update(l, &key, 20), 2);
	key.error = -1;
	assert_int_equal(losses_update(l, &key, 4), 4);
	losses_free(l);
	losses_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_late_name), cmocka_unit_test(test_asks_once),
		cmocka_unit_test(test_asks_about_a_reused_pid),
		cmocka_unit_test(test_many), cmocka_unit_test(test_gone_are_forgotten),
		cmocka_unit_test(test_gone_are_remembered_for_a_while),
		cmocka_unit_test(test_identity_of_processes),
		cmocka_unit_test(test_losses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
