// SPDX-License-Identifier: GPL-2.0-only
/* Which flight recordings stay: quotas of a guest and of all, the order of numbers whatever the clock says, what is nobody's. */
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
#include "recording/flight_quota.h"

#define SECOND 1000000000LL
#define WALL (1767225600LL * SECOND)	/* 2026-01-01T00:00:00Z */

static char directory[64];

static int begin(void **state)
{
	strcpy(directory, "/tmp/sdeitop-quota-XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int end(void **state)
{
	return remove_tree(directory);
}

static void make_file(const char *in, const char *name)
{
	char path[300];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", in, name);
	out = fopen(path, "w");
	assert_non_null(out);
	fclose(out);
}

static struct flight_quota *new_quota(unsigned int keep, unsigned int keep_of_guest)
{
	struct flight_quota *q = flight_quota_new(directory, keep, keep_of_guest);

	assert_non_null(q);
	return q;
}

static void begin_one(struct flight_quota *q, int64_t wall_ns, const char *guest, char name[200])
{
	assert_int_equal(flight_quota_name(q, wall_ns, guest ? "x" : "exit", guest, name, 200), 0);
	assert_int_equal(mkdir(name, 0700), 0);
	make_file(name, "metadata");
	make_file(name, "sdei-000000");
}

/* How many it pushes out. */
static unsigned int put_at(struct flight_quota *q, int64_t wall_ns, const char *guest)
{
	char name[200];

	begin_one(q, wall_ns, guest, name);
	return flight_quota_add(q, name);
}

static unsigned int put(struct flight_quota *q, const char *guest)
{
	return put_at(q, WALL, guest);
}

/* One guest that makes trouble for ever has its own, and no more. */
static void test_of_guest(void **state)
{
	struct flight_quota *q = new_quota(10, 2);

	put(q, "victim");
	put(q, "victim");
	for (int i = 0; i < 50; i++)
		put(q, "noisy");
	check_names(directory, "20260101T000000Z-000001-x@victim 20260101T000000Z-000002-x@victim "
		    "20260101T000000Z-000051-x@noisy 20260101T000000Z-000052-x@noisy ");
	flight_quota_free(q);
	flight_quota_free(NULL);
}

/* Of those who have most the oldest goes, then of all. */
static void test_in_all(void **state)
{
	struct flight_quota *q = new_quota(4, 3);

	put(q, "a");
	put(q, "b");
	put(q, "b");
	assert_int_equal(put(q, "b"), 0);
	assert_int_equal(put(q, "c"), 1);
	check_names(directory, "20260101T000000Z-000001-x@a 20260101T000000Z-000003-x@b 20260101T000000Z-000004-x@b "
		    "20260101T000000Z-000005-x@c ");
	assert_int_equal(put(q, "d"), 1);
	assert_int_equal(put(q, "e"), 1);
	check_names(directory, "20260101T000000Z-000004-x@b 20260101T000000Z-000005-x@c 20260101T000000Z-000006-x@d "
		    "20260101T000000Z-000007-x@e ");
	flight_quota_free(q);
}

/* A clock that is set back makes nothing old, and one that was set forward keeps nothing for ever; the next run knows it, too. */
static void test_clock(void **state)
{
	struct flight_quota *q = new_quota(0, 2);

	put_at(q, WALL + 1000000 * SECOND, "a");
	put_at(q, WALL + 2 * SECOND, "a");
	flight_quota_free(q);
	q = new_quota(0, 2);
	assert_int_equal(put_at(q, WALL + SECOND, "a"), 1);
	check_names(directory, "20260101T000001Z-000003-x@a 20260101T000002Z-000002-x@a ");
	assert_int_equal(put_at(q, WALL, "a"), 1);
	check_names(directory, "20260101T000000Z-000004-x@a 20260101T000001Z-000003-x@a ");
	flight_quota_free(q);
}

static void test_of_nobody(void **state)
{
	struct flight_quota *q = new_quota(1, 1);

	for (int i = 0; i < 3; i++)
		assert_int_equal(put(q, NULL), 0);
	assert_int_equal(put(q, "a"), 0);
	assert_int_equal(put(q, "b"), 1);
	check_names(directory, "20260101T000000Z-000001-exit 20260101T000000Z-000002-exit 20260101T000000Z-000003-exit "
		    "20260101T000000Z-000005-x@b ");
	flight_quota_free(q);
}

/* One that fails takes nobody's place, and leaves nothing. */
static void test_give_back(void **state)
{
	struct flight_quota *q = new_quota(2, 2);
	char name[200];

	put(q, "a");
	put(q, "b");
	for (int i = 0; i < 5; i++) {
		begin_one(q, WALL, "c", name);
		flight_quota_give_back(name);
	}
	check_names(directory, "20260101T000000Z-000001-x@a 20260101T000000Z-000002-x@b ");
	flight_quota_free(q);
}

/* What a guest is called makes no path, and no guest another one's. */
static void test_names(void **state)
{
	struct flight_quota *q = new_quota(0, 1);
	char name[200], small[30];

	put(q, "../../etc@a b\n\xc3\xa9");
	put(q, "a-name-of-which-only-the-first-characters-are-taken");
	put(q, "");
	check_names(directory, "20260101T000000Z-000001-x@.._.._etc_a_b___ "
		    "20260101T000000Z-000002-x@a-name-of-which-only-the-first-c 20260101T000000Z-000003-x@ ");
	assert_int_equal(flight_quota_name(q, WALL, "x", NULL, small, sizeof(small)), -ENAMETOOLONG);
	assert_int_equal(flight_quota_name(q, INT64_MIN, "x", "g", name, sizeof(name)), 0);
	assert_int_equal(flight_quota_name(q, INT64_MAX, "x", "g", name, sizeof(name)), 0);
	flight_quota_free(q);
}

/* What is none of ours stays, and what somebody put into one of ours, which does not count any more. */
static void test_others(void **state)
{
	struct flight_quota *q = new_quota(1, 0);
	char name[200];

	make_file(directory, "20260101T000000Z-000009-x");
	make_file(directory, "20260101-something");
	make_file(directory, "20260101T000000Z-9-x@a");
	begin_one(q, WALL, "a", name);
	make_file(name, "notes");
	flight_quota_add(q, name);
	flight_quota_free(q);
	q = new_quota(1, 0);
	assert_int_equal(put(q, "a"), 1);
	check_names(directory, "20260101-something 20260101T000000Z-000001-x@a 20260101T000000Z-000009-x "
		    "20260101T000000Z-000010-x@a 20260101T000000Z-9-x@a ");
	flight_quota_free(q);
	q = new_quota(1, 0);
	assert_int_equal(put(q, "a"), 1);
	flight_quota_free(q);
	strcat(name, "/notes");
	assert_int_equal(access(name, F_OK), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_of_guest), TEST(test_in_all), TEST(test_clock), TEST(test_of_nobody), TEST(test_give_back), TEST(test_names),
		TEST(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
