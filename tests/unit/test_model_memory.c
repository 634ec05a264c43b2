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

/* Counts down to the allocations that fail: fail_from <= 0 < fail_to. */
static long fail_from, fail_to;
static bool armed, failed;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static bool fails(void)
{
	bool now;

	if (!armed)
		return false;
	now = --fail_from < 0 && fail_to-- > 0;
	failed |= now;
	errno = ENOMEM;
	return now;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
	return fails() ? NULL : __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __libc_memalign(alignment, size);
}

static uint64_t errors;

static void take(void *ctx, const struct sdei_record *r, size_t size)
{
	int err;

	armed = true;
	err = model_feed(ctx, r, size);
	armed = false;
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

	fail_from = first;
	fail_to = failures;
	failed = false;
	errors = 0;
	machine = machine_new(3, 3, take, m);
	for (unsigned int i = 0; i < 1500; i++)
		machine_step(machine);
	check(m);
	assert_int_equal(model_totals(m)->no_memory, errors);
	assert_true(failed == (errors > 0));
	machine_free(machine);
	model_free(m);
	return failed;
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

	armed = true;
	full = hist_add(h, value, NULL) == -ENOMEM;
	armed = false;
	return full;
}

static void test_hist_failure(void **state)
{
	struct hist *h = hist_new(), *more = hist_new();
	int err;

	assert_int_equal(hist_add(h, 5, NULL), 0);
	fail_from = 0;
	fail_to = 1;
	assert_true(add(h, 1000));	/* nothing was added */
	assert_int_equal(hist_count(h), 1);
	assert_int_equal(hist_max(h), 5);
	assert_false(add(h, 1000));
	assert_int_equal(hist_count(h), 2);
	for (uint64_t value = 1; value < HIST_MAX_NS; value *= 2)
		hist_add(more, value, NULL);
	fail_from = 2;
	fail_to = 1;
	armed = true;
	err = hist_merge(h, more);
	armed = false;
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
