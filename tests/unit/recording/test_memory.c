// SPDX-License-Identifier: GPL-2.0-only
/* Each allocation of what writes and reads recordings fails once: what can go on goes on, and what is missing is told. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recording/flight_save.h"
#include "recording/packetizer.h"
#include "recording/reader.h"
#include "tests/unit/lib/directory.h"
#include "tests/unit/lib/sdei_machine.h"

#ifdef __SANITIZE_ADDRESS__
static void test_writing(void **state)
{
	skip();
}

static void test_capturing(void **state)
{
	skip();
}

static void test_reading(void **state)
{
	skip();
}
#else

#include "tests/unit/lib/failing_malloc.h"

#define STEPS 400
#define WALL (1767225600LL * 1000000000)

static char top[64], directory[80];
static const uint8_t uuid[16] = "out of memory...";

static void fail_at(long n)
{
	failing.failed = false;
	failing.after = n;
	failing.count = 1;
	failing.armed = true;
}

static void make_top(void)
{
	strcpy(top, "/tmp/sdeitop-memory-XXXXXX");
	assert_non_null(mkdtemp(top));
	snprintf(directory, sizeof(directory), "%s/recording", top);
}

static void remove_top(void)
{
	assert_int_equal(remove_tree(top), 0);
}

/* --- the records of a machine, kept, so that it does not allocate while they are written */

static struct sdei_record_call kept[8 * STEPS];
static size_t sizes[8 * STEPS], kept_count;

static void keep(void *ctx, const struct sdei_record *r, size_t size)
{
	assert_true(kept_count < sizeof(sizes) / sizeof(sizes[0]));
	memcpy(&kept[kept_count], r, size);
	sizes[kept_count++] = size;
}

static int make_records(void **state)
{
	struct machine *m;

	kept_count = 0;
	m = machine_new(3, 5, keep, NULL);
	for (int i = 0; i < STEPS; i++)
		machine_step(m);
	machine_free(m);
	return 0;
}

static char *name(void *ctx, uint32_t vm, char *guest_uuid)
{
	return strdup("machine");
}

/* --- writing */

static void put_status(struct packetizer *p, uint64_t time_ns, bool end)
{
	struct recording_status status = { .time_ns = time_ns, .wall_ns = WALL, .end = end };

	packetizer_status(p, &status);
}

/* Everything, in several files if it goes to a store. */
static uint64_t put_all(struct packetizer *p, struct writer *store)
{
	uint64_t unrecorded;

	for (size_t i = 0; i < kept_count; i++) {
		packetizer_record(p, &kept[i].head, sizes[i]);
		if (i % 97 == 0)
			put_status(p, kept[i].head.time_ns, false);
		if (store && i % 301 == 300) {
			assert_int_equal(writer_next_file(store), 0);
			packetizer_snapshot(p, 0);
		}
	}
	put_status(p, kept[kept_count - 1].head.time_ns, true);
	unrecorded = packetizer_counters(p)->unrecorded;
	packetizer_free(p);
	return unrecorded;
}

static struct packetizer *new_pack(pack_take_t take, void *ctx)
{
	struct packetizer_options options = { .take = take, .ctx = ctx, .name = name };

	memcpy(options.uuid, uuid, sizeof(uuid));
	return packetizer_new(&options);
}

static struct recording_about about_this(void)
{
	struct recording_about about = { .major = RECORDING_MAJOR, .host = "h" };

	memcpy(about.uuid, uuid, sizeof(uuid));
	return about;
}

/* 0 or -ENOMEM: it could not be begun. */
static int record(bool compress, uint64_t *unrecorded)
{
	const struct writer_options options = { .directory = directory, .compress = compress };
	const struct recording_about about = about_this();
	struct error error;
	struct writer *store = writer_open(&options, &about, &error);
	struct packetizer *p = store ? new_pack(writer_take, store) : NULL;

	if (!store)
		assert_true(strlen(error.text) > 10);
	if (p)
		*unrecorded = put_all(p, store);
	failing.armed = false;
	assert_int_equal(writer_close(store), 0);
	return p ? 0 : -ENOMEM;
}

/* All records are there, as they were, and nothing else is amiss. */
static void check_recording(const char *where)
{
	struct error error;
	const struct recording_item *item;
	size_t next = 0, known;
	uint64_t all;
	struct reader *r;

	r = reader_open(where, &error);
	assert_non_null(r);
	while ((item = reader_next(r))) {
		if (item->kind != ITEM_RECORD)
			continue;
		assert_int_equal(item->size, sizes[next]);
		assert_memory_equal(&item->record, &kept[next++], item->size);
	}
	assert_int_equal(next, kept_count);
	reader_problems(r, &known, &all);
	assert_int_equal(all, 0);
	reader_close(r);
}

static bool write_failing(long n)
{
	uint64_t unrecorded;
	int err;

	make_top();
	fail_at(n);
	err = record(false, &unrecorded);
	if (!err) {
		check_recording(directory);
		/* What snapshots lack for want of memory counts; a name may be missing instead. */
		assert_true(unrecorded <= 1);
		assert_true(failing.failed || !unrecorded);
	}
	remove_top();
	return failing.failed;
}

static void test_writing(void **state)
{
	long n = 0;

	while (write_failing(n))
		n++;
	assert_true(n > 20);
}

/* --- the flight recorder's captures */

static bool capture_failing(const struct flight *flight, long n)
{
	const struct recording_status status = { .time_ns = UINT64_MAX / 2, .wall_ns = WALL, .end = true };
	const struct flight_save_options options = { .directory = directory, .keep = 3 };
	struct recording_about about = about_this();
	char text[640] = "";
	struct flight_save *c;
	int err = -ENOMEM;

	make_top();
	fail_at(n);
	c = flight_save_new(&options);
	if (c) {
		flight_save_trigger(c, "reason", NULL, 1);
		flight_save_start(c, flight, &about, &status);
		err = flight_save_end(c, text, sizeof(text));
	}
	failing.armed = false;
	assert_true(err == 0 || err == -ENOMEM);
	assert_true(err == 0 || failing.failed);
	assert_true(!c || strlen(text) > 10);
	assert_true(!c || flight_save_counters(c)->saved + flight_save_counters(c)->failed == 1);
	if (!err)
		check_recording(text);
	flight_save_free(c);
	remove_top();
	return failing.failed;
}

static void test_capturing(void **state)
{
	struct flight *flight = flight_new(1 << 20);
	long n = 0;

	put_all(new_pack(flight_take, flight), NULL);
	while (capture_failing(flight, n))
		n++;
	assert_true(n > 5);
	flight_free(flight);
}

/* --- reading */

static bool tells_no_memory(const struct reader *r)
{
	size_t count;
	uint64_t all;
	const struct reader_problem *problems = reader_problems(r, &count, &all);

	for (size_t i = 0; i < count; i++)
		if (problems[i].kind == PROBLEM_FILE && problems[i].error == ENOMEM)
			return true;
	return false;
}

static uint64_t count_items(struct reader *r)
{
	uint64_t items = 0;

	while (reader_next(r))
		items++;
	return items;
}

/* All that there is, or it is told that memory was short. */
static bool read_failing(uint64_t items, long n)
{
	struct reader_span span;
	struct error error;
	struct reader *r;
	int span_err = 0, seek_err = 0;
	uint64_t found = 0, again = 0;

	fail_at(n);
	r = reader_open(directory, &error);
	if (r) {
		found = count_items(r);
		span_err = reader_span(r, &span);
		seek_err = reader_seek(r, kept[kept_count / 2].head.time_ns);
		if (!seek_err)
			seek_err = reader_seek(r, 0);
		again = seek_err ? items : count_items(r);
	}
	failing.armed = false;
	if (!r) {
		assert_int_equal(error.code, -ENOMEM);
		assert_true(failing.failed);
	} else {
		assert_true(found == items || tells_no_memory(r));
		assert_true(again == items || tells_no_memory(r));
		assert_true(!span_err || span_err == -ENOMEM);
		assert_true(!seek_err || seek_err == -ENOMEM || seek_err == -EIO);
		assert_true(failing.failed || (span.items == items && found == items && again == items && !seek_err));
	}
	reader_close(r);
	return failing.failed;
}

static void test_reading(void **state)
{
	uint64_t unrecorded, items;
	struct reader *r;
	struct error error;
	long n = 0;

	make_top();
	assert_int_equal(record(true, &unrecorded), 0);
	r = reader_open(directory, &error);
	items = count_items(r);
	reader_close(r);
	while (read_failing(items, n))
		n++;
	assert_true(n > 20);
	remove_top();
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writing),
		cmocka_unit_test(test_capturing),
		cmocka_unit_test(test_reading),
	};

#ifdef __SANITIZE_ADDRESS__
	return cmocka_run_group_tests_name("trace_memory", tests, NULL, NULL);
#else
	return cmocka_run_group_tests_name("trace_memory", tests, make_records, NULL);
#endif
}
