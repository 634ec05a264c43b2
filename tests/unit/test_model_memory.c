// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every allocation of the model fails once: it says so, goes on, and what it
 * has stays consistent. The allocator is replaced, which sanitizers forbid.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/model/model.h"
#include "sdei_machine.h"

#ifdef __SANITIZE_ADDRESS__
static void test_every_failure(void **state)
{
	skip();
}

static void test_hist_failure(void **state)
{
	skip();
}
#else

#include "failing_malloc.h"

static uint64_t errors;

static void take(void *ctx, const struct sdei_record *r, size_t size)
{
	int err;

	failing.armed = true;
	err = model_feed(ctx, r, size);
	failing.armed = false;
	errors += err == -ENOMEM;
}

/* Events of vCPUs that could be made know of every record since. */
static void check(const struct model *m)
{
	size_t count;
	struct model_vm *const *vms = model_vms(m, &count);

	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < vms[i]->vcpu_count; k++) {
			const struct model_vcpu *v = vms[i]->vcpus[k];

			for (size_t j = 0; j < v->event_count; j++) {
				const struct model_event *e = v->events[j];

				assert_int_equal(model_unaccounted(e), 0);
				assert_int_equal(model_unaccounted_handlers(e), 0);
				assert_true(hist_count(e->dispatch) <= e->count.dispatched);
			}
		}
	}
}

/* failures in a row, beginning with the allocation numbered first. False once there are no more to fail. */
static bool run(long first, long failures)
{
	struct model *m = model_new(NULL);
	struct machine *machine;

	failing.after = first;
	failing.count = failures;
	failing.failed = false;
	errors = 0;
	machine = machine_new(3, 3, take, m);
	for (unsigned int i = 0; i < 1500; i++)
		machine_step(machine);
	check(m);
	assert_int_equal(model_totals(m)->no_memory, errors);
	assert_true(failing.failed == (errors > 0));
	machine_free(machine);
	model_free(m);
	return failing.failed;
}

static void test_every_failure(void **state)
{
	long first = 0;

	while (run(first, 1))
		first++;
	assert_true(first > 50);
	for (long i = 0; i < first; i += 7)
		run(i, 100);
	run(0, 1000000);
}

static bool add(struct hist *h, uint64_t value)
{
	bool full;

	failing.armed = true;
	full = hist_add(h, value, NULL) == -ENOMEM;
	failing.armed = false;
	return full;
}

static void test_hist_failure(void **state)
{
	struct hist *h = hist_new(), *more = hist_new();
	int err;

	assert_int_equal(hist_add(h, 5, NULL), 0);
	failing.after = 0;
	failing.count = 1;
	assert_true(add(h, 1000));	/* nothing was added */
	assert_int_equal(hist_count(h), 1);
	assert_int_equal(hist_max(h), 5);
	assert_false(add(h, 1000));
	assert_int_equal(hist_count(h), 2);
	for (uint64_t value = 1; value < HIST_MAX_NS; value *= 2)
		hist_add(more, value, NULL);
	failing.after = 2;
	failing.count = 1;
	failing.armed = true;
	err = hist_merge(h, more);
	failing.armed = false;
	assert_int_equal(err, -ENOMEM);
	assert_int_equal(hist_count(h), 2);
	assert_int_equal(hist_sum(h), 1005);
	hist_free(h);
	hist_free(more);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_failure),
		cmocka_unit_test(test_hist_failure),
	};

	return cmocka_run_group_tests_name("model without memory", tests, NULL, NULL);
}
