// SPDX-License-Identifier: GPL-2.0-only
/* Guest frames of page faults, and faults over time: by hand, and against lists that are kept as they come. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/apf.h"
#include "model/fault_history.h"
#include "model/frames.h"
#include "model/model.h"
#include "record/names.h"

#define VM 7
#define MS 1000000ULL

static int setup(void **state)
{
	*state = model_new(NULL);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	model_free(*state);
	return 0;
}

static uint64_t chance(uint64_t *seed, uint64_t below)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (*seed >> 33) % below;
}

static void waited(struct model *m, uint32_t vcpu, uint64_t time_ns, uint64_t ns, uint64_t gfn, unsigned int cause)
{
	const struct sdei_record_apf r = {
		.head = { .time_ns = time_ns, .vm = VM, .vcpu = vcpu, .event = SDEI_NONE, .kind = SDEI_APF, .origin = APF_SYNC, .outcome = cause },
		.gfn = gfn, .duration_ns = ns,
	};

	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
}

static void step(struct model *m, uint64_t time_ns, unsigned int step, unsigned int outcome, uint64_t id, uint64_t gfn)
{
	const struct sdei_record_apf r = {
		.head = { .time_ns = time_ns, .vm = VM, .event = SDEI_NONE, .kind = SDEI_APF, .origin = step, .outcome = outcome },
		.id = id, .gfn = gfn,
	};

	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
}

static void quick(struct model *m, uint64_t time_ns, uint64_t faults, uint64_t ns)
{
	const struct sdei_record_apf r = {
		.head = { .time_ns = time_ns, .vm = VM, .event = SDEI_NONE, .kind = SDEI_APF, .origin = APF_QUICK },
		.faults = faults, .duration_ns = ns,
	};

	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
}

static struct apf_counts counts(struct model *m)
{
	struct model_apf sum;
	struct apf_counts count;

	assert_int_equal(model_vm_apf(model_vm(m, VM), &sum), 0);
	count = sum.count;
	apf_release(&sum);
	return count;
}

static void are(struct model *m, uint64_t frames, uint64_t again, uint64_t sequential, uint64_t unfollowed)
{
	struct apf_counts count = counts(m);

	assert_int_equal(count.frames, frames);
	assert_int_equal(count.again, again);
	assert_int_equal(count.sequential, sequential);
	assert_int_equal(count.unfollowed, unfollowed);
}

/* --- counts */

static void test_frames(void **state)
{
	struct model *m = *state;

	waited(m, 0, 1000, 10, 100, APF_FROM_USERFAULT);
	are(m, 1, 0, 0, 0);
	waited(m, 0, 2000, 10, 101, APF_FROM_USERFAULT);
	are(m, 2, 0, 1, 0);
	waited(m, 0, 3000, 10, 101 + APF_SEQUENTIAL, APF_FROM_SWAP);
	are(m, 3, 0, 2, 0);
	waited(m, 0, 4000, 10, 102 + 2 * APF_SEQUENTIAL, APF_FROM_FILE);	/* too far */
	are(m, 4, 0, 2, 0);
	waited(m, 0, 5000, 10, 100, APF_FROM_MEMORY);
	are(m, 4, 1, 2, 0);
	waited(m, 0, 6000, 10, 101, APF_FROM_MEMORY);
	are(m, 4, 2, 3, 0);
	assert_true(apf_sequential_share(&(struct apf_counts){ .frames = 4, .again = 2, .sequential = 3 }) == 0.5);
	assert_true(apf_sequential_share(&(struct apf_counts){ 0 }) == 0);
}

/* The page was there: not again, and not in the way of what comes one after the other. */
static void test_mapped(void **state)
{
	struct model *m = *state;

	waited(m, 0, 1000, 10, 100, APF_FROM_NOTHING);
	are(m, 1, 0, 0, 0);
	waited(m, 0, 2000, 10, 200, APF_FROM_USERFAULT);
	waited(m, 0, 3000, 10, 100, APF_FROM_NOTHING);
	waited(m, 0, 4000, 10, 201, APF_FROM_USERFAULT);
	are(m, 3, 0, 1, 0);
	waited(m, 0, 5000, 10, 100, APF_FROM_SWAP);
	are(m, 3, 1, 1, 0);
	waited(m, 0, 6000, 10, 200, APF_FROM_HWPOISON);	/* it has not come at all */
	are(m, 3, 1, 1, 0);
}

/* A frame is the VM's, what comes one after the other is the vCPU's. */
static void test_vcpus(void **state)
{
	struct model *m = *state;

	waited(m, 0, 1000, 10, 100, APF_FROM_USERFAULT);
	waited(m, 1, 1100, 10, 101, APF_FROM_USERFAULT);
	are(m, 2, 0, 0, 0);
	waited(m, 1, 1200, 10, 100, APF_FROM_USERFAULT);
	are(m, 2, 1, 0, 0);
	waited(m, 0, 1300, 10, 101, APF_FROM_USERFAULT);
	are(m, 2, 2, 1, 0);
	assert_int_equal(model_vcpu_apf(model_vcpu(model_vm(m, VM), 0))->count.frames, 1);
	assert_int_equal(model_vcpu_apf(model_vcpu(model_vm(m, VM), 1))->count.again, 1);
}

/* One of a worker counts when it is handed over, and once. */
static void test_worker(void **state)
{
	struct model *m = *state;

	step(m, 1000, APF_SETUP, 0, 5, 100);
	step(m, 1010, APF_NOT_PRESENT, APF_TOLD, 5, 100);
	step(m, 1020, APF_WORKING, 0, 5, 100);
	step(m, 1030, APF_READY, 0, 5, 100);
	step(m, 1040, APF_PRESENT, APF_SIGNALLED, 5, 100);
	are(m, 1, 0, 0, 0);
	waited(m, 0, 1050, 10, 100, APF_FROM_NOTHING);
	are(m, 1, 0, 0, 0);
	step(m, 1060, APF_SETUP, 0, 6, 100);
	are(m, 1, 1, 0, 0);
	waited(m, 0, 1070, 10, 0, APF_FROM_USERFAULT);	/* its frame is not known */
	are(m, 1, 1, 0, 0);
}

/* One that comes late counts, but what came one after the other is not to be seen from it. */
static void test_late(void **state)
{
	struct model *m = *state;

	waited(m, 0, 2000, 10, 100, APF_FROM_USERFAULT);
	waited(m, 0, 1000, 10, 101, APF_FROM_USERFAULT);
	are(m, 2, 0, 0, 0);
	waited(m, 0, 3000, 10, 101, APF_FROM_USERFAULT);
	are(m, 2, 1, 1, 0);
}

static void test_reset(void **state)
{
	struct model *m = *state;

	model_keep_fault_history(m, true);
	waited(m, 0, 1000, 10, 100, APF_FROM_USERFAULT);
	model_reset(m, 1500);
	are(m, 0, 0, 0, 0);
	assert_null(model_vm_fault_history(model_vm(m, VM)));
	waited(m, 0, 2000, 10, 100, APF_FROM_USERFAULT);
	are(m, 1, 0, 0, 0);
	assert_non_null(model_vm_fault_history(model_vm(m, VM)));
	model_keep_fault_history(m, false);
	assert_null(model_vm_fault_history(model_vm(m, VM)));
}

/* Two that wait for the same page, of one vCPU or of two: it is brought once. */
static void test_at_once(void **state)
{
	struct model *m = *state;

	waited(m, 0, 1000, 500, 100, APF_FROM_USERFAULT);
	waited(m, 1, 1010, 400, 100, APF_FROM_USERFAULT);
	are(m, 1, 0, 0, 0);
	waited(m, 1, 1100, 90, 100, APF_FROM_USERFAULT);	/* that one began when both were over */
	are(m, 1, 1, 0, 0);
	waited(m, 1, 2000, 900, 100, APF_FROM_USERFAULT);
	are(m, 1, 2, 0, 0);
}

static void test_at_once_as_a_worker(void **state)
{
	struct model *m = *state;

	step(m, 1000, APF_SETUP, 0, 5, 100);
	waited(m, 0, 1500, 400, 100, APF_FROM_USERFAULT);
	waited(m, 1, 1500, 400, 100, APF_FROM_USERFAULT);
	are(m, 1, 0, 0, 0);
	step(m, 1600, APF_PRESENT, APF_SIGNALLED, 5, 100);
	waited(m, 1, 1700, 150, 100, APF_FROM_USERFAULT);
	are(m, 1, 0, 0, 0);
	waited(m, 1, 2000, 150, 100, APF_FROM_USERFAULT);
	are(m, 1, 1, 0, 0);
	step(m, 3000, APF_SETUP, 0, 6, 100);
	are(m, 1, 2, 0, 0);
}

/* --- the set */

static enum frames_found add(struct frames **set, uint64_t gfn)
{
	return frames_add(set, gfn, 0, 0);
}

static void test_room(void **state)
{
	struct frames *set = NULL;
	uint64_t far = (uint64_t)FRAMES_BLOCKS_MAX * FRAMES_PER_BLOCK;

	(void)state;
	for (uint64_t i = 0; i < FRAMES_BLOCKS_MAX; i++)
		assert_int_equal(add(&set, i * FRAMES_PER_BLOCK + i % FRAMES_PER_BLOCK), FRAMES_NEW);
	assert_int_equal(add(&set, far), FRAMES_NO_ROOM);
	assert_int_equal(add(&set, UINT64_MAX), FRAMES_NO_ROOM);
	assert_int_equal(add(&set, far - 1), FRAMES_KNOWN);
	assert_int_equal(add(&set, far - 2), FRAMES_NEW);
	frames_free(set);
	frames_free(NULL);
}

static void test_unfollowed(void **state)
{
	struct model *m = *state;

	for (uint64_t i = 0; i < FRAMES_BLOCKS_MAX + 3; i++)
		waited(m, 0, 1000 + i, 10, 1 + i * FRAMES_PER_BLOCK, APF_FROM_USERFAULT);
	are(m, FRAMES_BLOCKS_MAX, 0, 0, 3);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* All over the 64 bits, and dense. */
static uint64_t some_gfn(uint64_t *seed)
{
	uint64_t gfn = chance(seed, 3000);

	return chance(seed, 4) ? gfn + 1 : UINT64_MAX >> chance(seed, 64) ^ gfn;
}

static void test_set(void **state)
{
	enum { FRAMES = 20000 };
	uint64_t *added = calloc(FRAMES, sizeof(*added)), seed = 17;
	struct frames *set = NULL;
	size_t new = 0, distinct = 1;

	(void)state;
	assert_non_null(added);
	for (size_t i = 0; i < FRAMES; i++) {
		enum frames_found found;

		added[i] = some_gfn(&seed);
		found = add(&set, added[i]);
		assert_true(found == FRAMES_NEW || found == FRAMES_KNOWN);
		new += found == FRAMES_NEW;
	}
	qsort(added, FRAMES, sizeof(*added), compare);
	for (size_t i = 1; i < FRAMES; i++)
		distinct += added[i] != added[i - 1];
	assert_int_equal(new, distinct);
	assert_true(distinct < FRAMES);
	frames_free(set);
	free(added);
}

static struct frames *load(const unsigned char *bytes, size_t size, int *err)
{
	struct bytes_in in = { .at = bytes, .end = bytes + size };
	struct frames *set = frames_load(&in);

	*err = in.err ? in.err : in.at == in.end ? 0 : -EBADMSG;
	return set;
}

static void test_bytes(void **state)
{
	struct frames *set = NULL, *other;
	struct bytes_out out = { 0 }, again = { 0 };
	uint64_t seed = 3;
	int err;

	(void)state;
	frames_save(NULL, &out);
	assert_null(load(out.bytes, out.size, &err));
	assert_int_equal(err, 0);
	out.size = 0;
	for (int i = 0; i < 3000; i++)
		assert_true(add(&set, some_gfn(&seed)) <= FRAMES_KNOWN);
	frames_save(set, &out);
	other = load(out.bytes, out.size, &err);
	assert_int_equal(err, 0);
	frames_save(other, &again);
	assert_int_equal(out.size, again.size);
	assert_memory_equal(out.bytes, again.bytes, out.size);
	for (int i = 0; i < 3000; i++) {
		uint64_t gfn = some_gfn(&seed);

		assert_int_equal(frames_add(&other, gfn, i, 2 * i), frames_add(&set, gfn, i, 2 * i));
	}
	frames_free(set);
	frames_free(other);
	for (size_t size = 0; size < out.size; size += 1 + size / 50) {
		frames_free(load(out.bytes, size, &err));
		assert_int_equal(err, -EBADMSG);
	}
	free(out.bytes);
	free(again.bytes);
}

/* --- over time */

static const struct fault_history *history_of(struct model *m)
{
	const struct fault_history *h = model_vm_fault_history(model_vm(m, VM));

	assert_non_null(h);
	return h;
}

static void test_not_asked(void **state)
{
	struct model *m = *state;

	waited(m, 0, 1000, 10, 100, APF_FROM_USERFAULT);
	assert_null(model_vm_fault_history(model_vm(m, VM)));
	assert_int_equal(model_fault_histories_left_out(m), 0);
}

/* The time that one kept its vCPU waiting is where it was, not where it ended. */
static void test_columns(void **state)
{
	struct model *m = *state;
	const struct fault_history *h;
	const uint64_t width = 1 << 20;

	model_keep_fault_history(m, true);
	waited(m, 0, 10 * width + 7, 2 * width + 10, 100, APF_FROM_USERFAULT);
	quick(m, 11 * width - 1, 0, 0);
	quick(m, 11 * width + 5, 40, 6);
	waited(m, 0, 12 * width, 1, 100, APF_FROM_USERFAULT);
	h = history_of(m);
	assert_int_equal(fault_axis_width(&h->time), width);
	assert_int_equal(fault_axis_begin(&h->time, 0), 7 * width);
	assert_int_equal(h->time.used, 6);
	assert_int_equal(h->columns[0].blocked_ns, 3);
	assert_int_equal(h->columns[1].blocked_ns, width);
	assert_int_equal(h->columns[2].blocked_ns, width);
	assert_int_equal(h->columns[3].blocked_ns, 8);
	assert_int_equal(h->columns[4].blocked_ns, 6);	/* of the quick ones, but for a sixth, and the last one's */
	assert_int_equal(h->columns[5].blocked_ns, 0);
	assert_int_equal(h->columns[3].faults, 1 + 6);
	assert_int_equal(h->columns[4].faults, 34);
	assert_int_equal(h->columns[5].faults, 1);
	assert_int_equal(h->columns[3].frames, 1);
	assert_int_equal(h->columns[5].frames, 0);
	assert_int_equal(fault_axis_begin(&h->frames, 0), 100);
	assert_int_equal(h->columns[3].rows[0], 1);
	assert_int_equal(h->columns[4].rows[0], 0);
}

/* A sum of quick ones may be of long before it is sent: no burst is shown then. */
static void test_quick_after_idle(void **state)
{
	struct model *m = *state;
	const uint64_t width = 1 << 20;
	const struct fault_history *h;
	uint64_t faults = 0, blocked_ns = 0;

	model_keep_fault_history(m, true);
	quick(m, 200 * width, 40, 4000);		/* the first: within a tenth of a second */
	quick(m, 250 * width, 100, 50000);
	h = history_of(m);
	assert_int_equal(fault_axis_width(&h->time), width);
	assert_int_equal(fault_axis_begin(&h->time, 0), (200 * width - 100000000) / width * width);
	for (unsigned int i = 0; i < h->time.used; i++) {
		uint64_t at_ns = fault_axis_begin(&h->time, i);

		faults += h->columns[i].faults;
		blocked_ns += h->columns[i].blocked_ns;
		if (at_ns < 200 * width)
			assert_in_range(h->columns[i].faults, 0, 1);
		else
			assert_int_equal(h->columns[i].faults, at_ns < 250 * width ? 2 : 0);
	}
	assert_int_equal(faults, 140);
	assert_int_equal(blocked_ns, 54000);
}

/* A sum that says when they were is of then, and of no time before, nor of when it was sent. */
static void test_quick_span(void **state)
{
	struct model *m = *state;
	const uint64_t width = 1 << 20;
	const struct sdei_record_apf r = {
		.head = { .time_ns = 120 * width, .vm = VM, .event = SDEI_NONE, .kind = SDEI_APF, .origin = APF_QUICK, .arg = 7 * width },
		.span_ns = 4 * width, .faults = 400, .duration_ns = 8000,
	};
	const struct fault_history *h;

	model_keep_fault_history(m, true);
	quick(m, 100 * width, 0, 0);
	waited(m, 0, 100 * width, 1, 100, APF_FROM_USERFAULT);
	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
	waited(m, 0, 120 * width, 1, 100, APF_FROM_USERFAULT);
	h = history_of(m);
	assert_int_equal(fault_axis_width(&h->time), width);
	for (unsigned int i = 0; i < h->time.used; i++) {
		uint64_t at = fault_axis_begin(&h->time, i) / width;
		bool within = at >= 109 && at < 113;

		assert_int_equal(h->columns[i].faults, within ? 100 : at == 100 || at == 120);
		if (at < 99 || (at > 100 && at < 119))
			assert_int_equal(h->columns[i].blocked_ns, within ? 2000 : 0);
	}
}

/* One that was handed to a worker counts at once; that its vCPU was halted is known at its end. */
static void test_halted(void **state)
{
	struct model *m = *state;
	const struct fault_history *h;
	const uint64_t width = 1 << 20;

	model_keep_fault_history(m, true);
	step(m, 10 * width, APF_SETUP, 0, 5, 100);
	step(m, 10 * width + 1, APF_NOT_PRESENT, APF_HALTED, 5, 100);
	step(m, 11 * width + 3, APF_PRESENT, APF_SILENT, 5, 100);
	h = history_of(m);
	assert_int_equal(h->columns[0].faults, 1);
	assert_int_equal(h->columns[0].blocked_ns, width);
	assert_int_equal(h->columns[1].faults, 0);
	assert_int_equal(h->columns[1].blocked_ns, 3);
}

struct want {
	uint64_t begin_ns, end_ns, gfn, faults;
};

static uint64_t overlap(const struct want *w, uint64_t from_ns, uint64_t to_ns)
{
	uint64_t begin = w->begin_ns > from_ns ? w->begin_ns : from_ns, end = w->end_ns < to_ns ? w->end_ns : to_ns;

	return end > begin ? end - begin : 0;
}

/* Each cell, worked out anew from the list. */
static void check_history(const struct fault_history *h, const struct want *wants, size_t count)
{
	uint64_t faults = 0, blocked = 0;

	for (unsigned int c = 0; c < h->time.used; c++) {
		uint64_t from_ns = fault_axis_begin(&h->time, c), to_ns = fault_axis_begin(&h->time, c + 1);
		struct fault_column want = { 0 };

		for (size_t i = 0; i < count; i++) {
			want.blocked_ns += overlap(&wants[i], from_ns, to_ns);
			if (wants[i].end_ns < from_ns || wants[i].end_ns >= to_ns)
				continue;
			want.faults++;
			want.rows[(wants[i].gfn >> h->frames.shift) - h->frames.first]++;
		}
		assert_int_equal(h->columns[c].faults, want.faults);
		assert_int_equal(h->columns[c].blocked_ns, want.blocked_ns);
		assert_memory_equal(h->columns[c].rows, want.rows, sizeof(want.rows));
		faults += want.faults;
		blocked += want.blocked_ns;
	}
	assert_int_equal(faults, count);
	for (size_t i = 0; i < count; i++)
		blocked -= wants[i].end_ns - wants[i].begin_ns;
	assert_int_equal(blocked, 0);
}

/* Columns and rows double, and grow to either side, and nothing of it changes what is where. */
static void test_folds(void **state)
{
	enum { FAULTS = 300 };
	struct want wants[FAULTS];

	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct fault_history *h = fault_history_new();
		uint64_t random = seed, middle = 1ULL << (30 + seed % 30), spread = 1ULL << (20 + seed % 9 * (seed % 30) / 9);

		assert_non_null(h);
		for (size_t i = 0; i < FAULTS; i++) {
			struct want *w = &wants[i];

			w->end_ns = middle + chance(&random, spread) * (1 + i);
			w->begin_ns = w->end_ns - chance(&random, middle / 2);
			w->gfn = 1 + (middle >> 12) + chance(&random, 40 + i * (spread >> 18)) * (i % 2 ? 1 : seed);
			w->faults = 1;
			fault_history_add(h, &(struct fault_happened) {
				.time_ns = w->end_ns, .faults = 1, .gfn = w->gfn, .blocked_ns = w->end_ns - w->begin_ns,
			});
			if (i % 30 == 29)
				check_history(h, wants, i + 1);
		}
		assert_true(h->time.used <= FAULT_COLUMNS && h->frames.used <= FAULT_ROWS);
		free(h);
	}
}

/* Whatever a recording claims. */
static void test_hostile(void **state)
{
	static const uint64_t numbers[] = { 0, 1, 2, 1ULL << 20, 1ULL << 32, 1ULL << 63, UINT64_MAX - 1, UINT64_MAX };
	enum { NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };
	struct model *m = *state;
	uint64_t seed = 5, faults = 0, seen = 0;
	const struct fault_history *h;

	model_keep_fault_history(m, true);
	for (int i = 0; i < 20000; i++) {
		uint64_t time_ns = numbers[chance(&seed, NUMBERS)] + chance(&seed, 3), ns = numbers[chance(&seed, NUMBERS)];

		waited(m, chance(&seed, 3), time_ns, ns, numbers[chance(&seed, NUMBERS)], APF_FROM_FILE);
		faults++;
	}
	h = history_of(m);
	assert_true(h->time.used <= FAULT_COLUMNS && h->frames.used <= FAULT_ROWS);
	for (unsigned int c = 0; c < h->time.used; c++)
		seen += h->columns[c].faults;
	assert_int_equal(seen, faults);
}

/* VMs beyond the last that has one are counted. */
static void test_left_out(void **state)
{
	struct model *m = *state;
	struct sdei_record_apf r = {
		.head = { .time_ns = 1000, .event = SDEI_NONE, .kind = SDEI_APF, .origin = APF_SYNC }, .gfn = 5, .duration_ns = 10,
	};

	model_keep_fault_history(m, true);
	for (uint32_t vm = 1; vm <= FAULT_HISTORIES + 3; vm++) {
		r.head.vm = vm;
		assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
	}
	assert_int_equal(model_fault_histories_left_out(m), 3);
	assert_non_null(model_vm_fault_history(model_vm(m, FAULT_HISTORIES)));
	assert_null(model_vm_fault_history(model_vm(m, FAULT_HISTORIES + 1)));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_frames),
		TEST(test_mapped),
		TEST(test_vcpus),
		TEST(test_worker),
		TEST(test_late),
		TEST(test_at_once),
		TEST(test_at_once_as_a_worker),
		TEST(test_reset),
		cmocka_unit_test(test_room),
		TEST(test_unfollowed),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_bytes),
		TEST(test_not_asked),
		TEST(test_columns),
		TEST(test_quick_after_idle),
		TEST(test_quick_span),
		TEST(test_halted),
		cmocka_unit_test(test_folds),
		TEST(test_hostile),
		TEST(test_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
