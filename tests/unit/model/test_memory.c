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
#include <zlib.h>

#include "model/image.h"
#include "tests/unit/lib/apf_machine.h"

#ifdef __SANITIZE_ADDRESS__
static void test_every_failure(void **state)
{
	skip();
}

static void test_hist_failure(void **state)
{
	skip();
}

static void test_image_failure(void **state)
{
	skip();
}

static void test_image_is_bounded(void **state)
{
	skip();
}
#else

#include "tests/unit/lib/failing_malloc.h"

static uint64_t errors;

/* Calls say how long they took, as a client's do. */
static void take(void *ctx, const struct sdei_record *r, size_t size)
{
	struct sdei_record_call call;
	int err;

	if (r->kind == SDEI_CALL) {
		call = *(const struct sdei_record_call *)r;
		call.duration_ns = 1;
		r = &call.head;
	}
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

/* Of the same vCPUs. */
static void add_faults(struct model *m, machine_emit *emit, unsigned int steps)
{
	struct apf_machine *faults = apf_machine_new(3, false, 3, emit, m);

	while (steps--)
		apf_machine_step(faults);
	apf_machine_free(faults);
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
	model_keep_intervals(m, true);
	add_faults(m, take, 1500);
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

/* --- images */

static const char *name_text(const void *user)
{
	return user;
}

static void *name_user(void *ctx, const char *text, const char *uuid)
{
	return strdup(text);
}

static const struct image_names names = { .text = name_text, .user = name_user };
static const struct model_options named = { .free_user = free };

static void feed_unharmed(void *ctx, const struct sdei_record *r, size_t size)
{
	model_feed(ctx, r, size);
}

/* One with all that is kept, a name and findings. */
static struct model *big_model(unsigned int steps)
{
	unsigned int faults = steps;
	struct model_options options = named;
	struct machine *machine;
	struct model *m;

	options.limits.drops = options.limits.refused = 3;
	m = model_new(&options);
	model_keep_intervals(m, true);
	model_keep_recent(m, true);
	machine = machine_new(3, 5, feed_unharmed, m);
	while (steps--)
		machine_step(machine);
	machine_free(machine);
	add_faults(m, feed_unharmed, faults);
	model_vms(m, &(size_t){ 0 })[0]->user = strdup("a name");
	return m;
}

/* False if it does not fail even so. */
static bool save_fails(const struct model *m, long first)
{
	unsigned char *bytes = (unsigned char *)strdup("x");
	long before = failing.live;
	size_t size = 1;
	int err;

	failing.after = first;
	failing.count = 1;
	failing.armed = true;
	err = image_save(m, &names, &bytes, &size);
	failing.armed = false;
	assert_int_equal(failing.live, before);
	assert_true(err == 0 || err == -ENOMEM);
	assert_int_equal(size == 1, err != 0);
	assert_int_equal(bytes[0], 'x');
	free(bytes);
	return err;
}

static bool load_fails(const unsigned char *bytes, size_t size, long first)
{
	long before = failing.live;
	struct model *m;
	int err = 1;

	failing.after = first;
	failing.count = 1;
	failing.armed = true;
	m = image_load(bytes, size, &named, &names, &err);
	failing.armed = false;
	assert_int_equal(err, m ? 0 : -ENOMEM);
	model_free(m);
	assert_int_equal(failing.live, before);
	return !m;
}

static void test_image_failure(void **state)
{
	struct model *m = big_model(1500);
	unsigned char *bytes = NULL;
	size_t size = 0;
	long first = 0;

	while (save_fails(m, first))
		first++;
	assert_true(first > 1);
	assert_int_equal(image_save(m, &names, &bytes, &size), 0);
	model_free(m);
	for (first = 0; load_fails(bytes, size, first); first++)
		;
	assert_true(first > 200);
	free(bytes);
}

static void sign(unsigned char *bytes, size_t size)
{
	uint32_t crc = crc32_z(0, bytes, size - 4);

	for (unsigned int i = 0; i < 4; i++)
		bytes[size - 4 + i] = crc >> 8 * i & 0xff;
}

/* Whatever is in it, it makes nobody allocate much: its bytes are made large, one by one. */
static void test_image_is_bounded(void **state)
{
	struct model *m = big_model(100);
	unsigned char *bytes = NULL, *huge;
	size_t size = 0, empty, largest = 0;
	int err;

	assert_int_equal(image_save(m, &names, &bytes, &size), 0);
	model_free(m);
	huge = malloc(size + 2);
	failing.armed = true;
	failing.count = 0;
	failing.asked = 0;
	model_free(model_new(NULL));
	empty = failing.asked;
	for (size_t at = 12; at < size - 4; at++) {
		memcpy(huge, bytes, at);
		memcpy(huge + at, "\xff\xff\x03", 3);
		memcpy(huge + at + 3, bytes + at + 1, size - at - 1);
		sign(huge, size + 2);
		failing.asked = 0;
		model_free(image_load(huge, size + 2, &named, &names, &err));
		largest = failing.asked > largest ? failing.asked : largest;
	}
	failing.armed = false;
	assert_in_range(largest, empty, empty + 64 * size);
	free(huge);
	free(bytes);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_failure),
		cmocka_unit_test(test_hist_failure),
		cmocka_unit_test(test_image_failure),
		cmocka_unit_test(test_image_is_bounded),
	};

	return cmocka_run_group_tests_name("model without memory", tests, NULL, NULL);
}
