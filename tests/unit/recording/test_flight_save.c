// SPDX-License-Identifier: GPL-2.0-only
/* When a flight recorder saves, what it leaves on disk, and what it takes away again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/lib/directory.h"
#include "recording/flight_save.h"
#include "recording/packetizer.h"
#include "recording/reader.h"

#define SECOND 1000000000ULL
#define WALL (1767225600LL * 1000000000)	/* 2026-01-01T00:00:00Z */
#define RECORDS 7

static char top[64], directory[80];
static struct flight *flight;
static uint8_t uuid[16] = "what was caught.";

/* --- something to save */

static int begin(void **state)
{
	struct packetizer_options options = { .take = flight_take };
	struct recording_status status = { .time_ns = 100 };
	struct sdei_record record = { .vm = 1, .event = 1, .kind = SDEI_ENABLE };
	struct packetizer *p;

	strcpy(top, "/tmp/sdeitop-capture-XXXXXX");
	if (!mkdtemp(top))
		return -1;
	snprintf(directory, sizeof(directory), "%s/caught", top);
	flight = flight_new(1 << 20);
	memcpy(options.uuid, uuid, sizeof(uuid));
	options.ctx = flight;
	p = packetizer_new(&options);
	for (record.time_ns = 1; record.time_ns <= RECORDS; record.time_ns++)
		packetizer_record(p, &record, sizeof(record));
	packetizer_status(p, &status);
	packetizer_free(p);
	return 0;
}

static int end(void **state)
{
	limit_files(RLIM_INFINITY);
	flight_free(flight);
	return remove_tree(top);
}

static struct flight_save *new_capture(unsigned int keep)
{
	const struct flight_save_options options = {
		.directory = directory, .keep = keep, .after_ns = 2 * SECOND, .gap_ns = 10 * SECOND,
	};
	struct flight_save *c = flight_save_new(&options);

	assert_non_null(c);
	return c;
}

/* Saves so many seconds after WALL, for that reason; name is what it says. */
static int save(struct flight_save *c, unsigned int seconds, const char *reason, char name[640])
{
	struct recording_about about = { .major = RECORDING_MAJOR, .host = "h" };
	struct recording_status status = { .time_ns = seconds * SECOND, .wall_ns = WALL + seconds * SECOND };
	static uint64_t now_ns;

	memcpy(about.uuid, uuid, sizeof(uuid));
	now_ns += 100 * SECOND;
	flight_save_trigger(c, reason, strchr(reason, '-') ? NULL : "g", now_ns);
	assert_true(flight_save_is_armed(c));
	assert_false(flight_save_is_saving(c));
	flight_save_start(c, flight, &about, &status);
	assert_false(flight_save_is_armed(c));
	assert_true(flight_save_is_saving(c));
	return flight_save_end(c, name, 640);
}

static void check_counters(const struct flight_save *c, uint64_t saved, uint64_t failed, uint64_t suppressed, uint64_t removed)
{
	const struct flight_save_counters *n = flight_save_counters(c);

	assert_int_equal(n->saved, saved);
	assert_int_equal(n->failed, failed);
	assert_int_equal(n->suppressed, suppressed);
	assert_int_equal(n->removed, removed);
}

/* --- when */

static void test_triggers(void **state)
{
	struct flight_save *c = new_capture(0);
	char name[640];

	assert_false(flight_save_is_armed(c));
	assert_false(flight_save_is_due(c, UINT64_MAX));
	flight_save_trigger(c, "first", NULL, 1 * SECOND);	/* no earlier one to keep away from */
	assert_true(flight_save_is_armed(c));
	assert_false(flight_save_is_due(c, 3 * SECOND - 1));
	assert_true(flight_save_is_due(c, 3 * SECOND));
	flight_save_trigger(c, "second", NULL, 30 * SECOND);	/* while the first waits */
	check_counters(c, 0, 0, 1, 0);
	flight_save_start(c, flight, &(struct recording_about){ .major = 1, .uuid = "what was caught" },
		      &(struct recording_status){ .wall_ns = WALL });
	flight_save_trigger(c, "meanwhile", NULL, 11 * SECOND - 1);
	assert_false(flight_save_is_armed(c));
	assert_int_equal(flight_save_end(c, name, sizeof(name)), 0);
	assert_false(flight_save_is_saving(c));
	assert_non_null(strstr(name, "-first"));
	assert_false(flight_save_is_due(c, UINT64_MAX));
	flight_save_trigger(c, "third", NULL, 11 * SECOND - 1);
	assert_false(flight_save_is_armed(c));
	check_counters(c, 1, 0, 3, 0);
	flight_save_trigger(c, "fourth", NULL, 11 * SECOND);
	assert_true(flight_save_is_armed(c));
	check_counters(c, 1, 0, 3, 0);
	flight_save_free(c);
	flight_save_free(NULL);
}

static void save_next(struct flight_save *c, const char *name_part)
{
	char name[640];

	flight_save_start(c, flight, &(struct recording_about){ .major = 1, .uuid = "of a guest" }, &(struct recording_status){ .wall_ns = WALL });
	assert_false(flight_save_is_due(c, UINT64_MAX));	/* not two at a time */
	assert_int_equal(flight_save_end(c, name, sizeof(name)), 0);
	assert_non_null(strstr(name, name_part));
}

/* A guest that gives reasons all the time keeps nobody else's from being saved, under its own name. */
static void test_guests(void **state)
{
	struct flight_save *c = new_capture(0);

	assert_true(flight_save_trigger(c, "noise", "loud", 100 * SECOND));
	assert_false(flight_save_trigger(c, "noise", "loud", 101 * SECOND));
	assert_true(flight_save_trigger(c, "once", "quiet", 101 * SECOND));
	assert_true(flight_save_trigger(c, "SIGUSR2", NULL, 101 * SECOND));
	assert_false(flight_save_is_due(c, 102 * SECOND - 1));
	assert_true(flight_save_is_due(c, 102 * SECOND));
	save_next(c, "-noise@loud");
	assert_false(flight_save_is_due(c, 103 * SECOND - 1));
	assert_true(flight_save_is_due(c, 103 * SECOND));
	save_next(c, "-once@quiet");
	assert_false(flight_save_is_due(c, 104 * SECOND - 1));
	assert_true(flight_save_is_due(c, 104 * SECOND));
	save_next(c, "-SIGUSR2");
	assert_false(flight_save_trigger(c, "again", "quiet", 111 * SECOND - 1));
	assert_true(flight_save_trigger(c, "noise", "loud", 111 * SECOND - 1));
	assert_true(flight_save_trigger(c, "again", "quiet", 111 * SECOND));
	flight_save_free(c);
}

/* However many guests there are, no more than a tenth of the gap apart, and none waits for ever. */
static void test_many_guests(void **state)
{
	struct flight_save *c = new_capture(0);
	uint64_t now_ns = 100 * SECOND;
	unsigned int taken = 0, saved = 0;
	char guest[16];

	for (unsigned int i = 0; i < 1000; i++, now_ns += SECOND / 10) {
		snprintf(guest, sizeof(guest), "guest-%u", i);
		taken += flight_save_trigger(c, "noise", guest, now_ns);
		if (flight_save_is_due(c, now_ns)) {
			save_next(c, "-noise@guest-");
			saved++;
		}
	}
	/* In 100 s, with gaps of 10 s. */
	assert_in_range(saved, 90, 101);
	assert_in_range(taken - saved, 1, 12);
	check_counters(c, saved, 0, 1000 - taken, 0);
	flight_save_free(c);
}

/* --- what */

static mode_t mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(name, &st), 0);
	return st.st_mode & 07777;
}

static void test_saved(void **state)
{
	struct error error;
	struct flight_save *c = new_capture(0);
	const struct recording_item *item, *last = NULL;
	struct recording_item newest;
	char name[640];
	unsigned int records = 0;
	struct reader *r;

	assert_int_equal(save(c, 3661, "handler-stuck", name), 0);
	check_names(directory, "20260101T010101Z-000001-handler-stuck ");
	assert_string_equal(strrchr(name, '/'), "/20260101T010101Z-000001-handler-stuck");
	assert_int_equal(mode_of(directory), 0700);
	assert_int_equal(mode_of(name), 0700);
	r = reader_open(name, &error);
	assert_non_null(r);
	assert_string_equal(reader_about(r)->reason, "handler-stuck");
	while ((item = reader_next(r))) {
		records += item->kind == ITEM_RECORD;
		newest = *item;
		last = &newest;
	}
	assert_int_equal(records, RECORDS);
	assert_non_null(last);
	assert_int_equal(last->kind, ITEM_STATUS);
	assert_true(last->status.end);
	assert_int_equal(last->time_ns, 3661 * SECOND);
	assert_false(reader_is_incomplete(r));
	reader_close(r);
	check_counters(c, 1, 0, 0, 0);
	flight_save_free(c);
}

/* Group and others: what the umask leaves of what each is meant for. */
static void check_modes(bool for_group, mode_t mask, mode_t directories, mode_t files)
{
	const struct flight_save_options options = { .directory = directory, .for_group = for_group };
	struct flight_save *c = flight_save_new(&options);
	char name[640], path[700];
	mode_t before = umask(mask);

	assert_int_equal(save(c, 1, "x", name), 0);
	umask(before);
	assert_int_equal(mode_of(directory), directories);
	assert_int_equal(mode_of(name), directories);
	snprintf(path, sizeof(path), "%s/metadata", name);
	assert_int_equal(mode_of(path), files);
	snprintf(path, sizeof(path), "%s/sdei-000000", name);
	assert_int_equal(mode_of(path), files);
	flight_save_free(c);
	assert_int_equal(remove_tree(directory), 0);
}

static void test_modes(void **state)
{
	check_modes(false, 0, 0700, 0600);
	check_modes(true, 0, 0750, 0640);
	check_modes(true, 027, 0750, 0640);
	check_modes(true, 077, 0700, 0600);
}

/* --- how many */

static void test_keep(void **state)
{
	struct flight_save *c = new_capture(2);
	char name[640];

	for (unsigned int i = 1; i <= 5; i++)
		assert_int_equal(save(c, i, "x", name), 0);
	check_names(directory, "20260101T000004Z-000004-x@g 20260101T000005Z-000005-x@g ");
	check_counters(c, 5, 0, 0, 3);
	flight_save_free(c);
}

static void test_keep_all(void **state)
{
	struct flight_save *c = new_capture(0);
	char name[640];

	for (unsigned int i = 1; i <= 5; i++)
		assert_int_equal(save(c, i, "x", name), 0);
	check_names(directory, "20260101T000001Z-000001-x@g 20260101T000002Z-000002-x@g 20260101T000003Z-000003-x@g "
		    "20260101T000004Z-000004-x@g 20260101T000005Z-000005-x@g ");
	check_counters(c, 5, 0, 0, 0);
	flight_save_free(c);
}

static void make_file(const char *in, const char *name)
{
	char path[800];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", in, name);
	out = fopen(path, "w");
	assert_non_null(out);
	fclose(out);
}

/* Those of earlier runs count, and a quota that is made smaller holds from the next one on. */
static void test_earlier(void **state)
{
	struct flight_save_options options = { .directory = directory, .keep_of_guest = 2 };
	struct flight_save *c = new_capture(0);
	char name[640];

	for (unsigned int i = 5; i <= 7; i++)
		assert_int_equal(save(c, i, "x", name), 0);
	flight_save_free(c);
	c = new_capture(3);
	assert_int_equal(save(c, 1, "x", name), 0);	/* the clock was set back */
	check_names(directory, "20260101T000001Z-000004-x@g 20260101T000006Z-000002-x@g 20260101T000007Z-000003-x@g ");
	assert_int_equal(flight_save_follow(c, &options), 0);
	assert_int_equal(save(c, 2, "x", name), 0);
	check_names(directory, "20260101T000001Z-000004-x@g 20260101T000002Z-000005-x@g ");
	check_counters(c, 2, 0, 0, 3);
	flight_save_free(c);
}

/* --- what fails */

static void test_no_directory(void **state)
{
	struct flight_save *c = new_capture(0);
	char name[640];

	make_file(top, "caught");
	assert_int_equal(save(c, 1, "x", name), -ENOTDIR);
	assert_non_null(strstr(name, directory));
	check_counters(c, 0, 1, 0, 0);
	unlink(directory);
	assert_int_equal(save(c, 2, "x", name), 0);	/* it is not given up */
	check_counters(c, 1, 1, 0, 0);
	strcat(directory, "/none/none");
	assert_int_equal(save(c, 3, "x", name), -ENOENT);
	assert_non_null(strstr(name, "cannot make"));
	flight_save_free(c);
}

static void test_twice(void **state)
{
	struct flight_save *c = new_capture(0);
	char name[640];

	assert_int_equal(save(c, 1, "x", name), 0);
	assert_int_equal(save(c, 1, "x", name), 0);
	check_names(directory, "20260101T000001Z-000001-x@g 20260101T000001Z-000002-x@g ");
	check_counters(c, 2, 0, 0, 0);
	flight_save_free(c);
}

/* Nowhere rather than somewhere else. */
static void test_long_name(void **state)
{
	char deep[600], name[640];
	const struct flight_save_options options = { .directory = deep };
	struct flight_save *c;
	size_t length = snprintf(deep, sizeof(deep), "%s/", top);

	while (length < 500)
		length += snprintf(deep + length, sizeof(deep) - length, "12345678/");
	c = flight_save_new(&options);
	assert_non_null(c);
	assert_int_equal(save(c, 1, "x", name), -ENAMETOOLONG);
	assert_non_null(strstr(name, "too long"));
	check_counters(c, 0, 1, 0, 0);
	assert_int_equal(rmdir(top), 0);		/* nothing is in it */
	assert_int_equal(mkdir(top, 0700), 0);		/* as it was */
	flight_save_free(c);
}

/* What could not be written whole leaves nothing, and pushes nothing out. */
static void test_full_disk(void **state)
{
	struct flight_save *c = new_capture(2);
	char name[640];

	assert_int_equal(save(c, 1, "x", name), 0);
	limit_files(40000);
	for (unsigned int i = 2; i <= 3; i++) {
		/* Metadata has room, packets have not. */
		struct packet big = { .size = RECORDING_PACKET_MAX };

		packet_open(&big, uuid, PACKET_EVENTS, 0);
		big.size = 60000;
		packet_close(&big, i, 0, 0);
		flight_take(flight, &big);
		assert_int_equal(save(c, i, "x", name), -EFBIG);
		assert_non_null(strstr(name, "File too large"));
	}
	check_names(directory, "20260101T000001Z-000001-x@g ");
	check_counters(c, 1, 2, 0, 0);
	limit_files(RLIM_INFINITY);
	assert_int_equal(save(c, 4, "x", name), 0);
	check_names(directory, "20260101T000001Z-000001-x@g 20260101T000004Z-000004-x@g ");
	flight_save_free(c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_triggers),
		TEST(test_guests),
		TEST(test_many_guests),
		TEST(test_saved),
		TEST(test_modes),
		TEST(test_keep),
		TEST(test_keep_all),
		TEST(test_earlier),
		TEST(test_no_directory),
		TEST(test_twice),
		TEST(test_long_name),
		TEST(test_full_disk),
	};

	return cmocka_run_group_tests_name("trace_capture", tests, NULL, NULL);
}
