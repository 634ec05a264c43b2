// SPDX-License-Identifier: GPL-2.0-only
/*
 * A recording read in a thread ahead of who takes it: the same items, names, problems and times as without, whoever is the faster of
 * the two, and wherever it is stopped.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/lib/directory.h"
#include "tests/unit/lib/recording_scene.h"
#include "recording/readahead.h"

#define COUNT 60000U		/* several times what is read ahead */
#define NAME_EVERY 97U
#define PROBLEMS_ROOM 16

static char directory[64];

/* --- what the system may do */

static int create_err;
static bool slow_disk;

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attr, void *(*start)(void *), void *restrict arg)
{
	static int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	if (create_err)
		return create_err;
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "pthread_create");
	return next(thread, attr, start, arg);
}

static bool has_one_cpu(void)
{
	cpu_set_t cpus;

	return sched_getaffinity(0, sizeof(cpus), &cpus) == 0 && CPU_COUNT(&cpus) == 1;
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 3000000 }, NULL);
}

ssize_t read(int fd, void *to, size_t size)
{
	if (slow_disk)
		nap();
	return syscall(SYS_read, fd, to, size);
}

/* --- a recording with a hole in it, and no end */

static const char *name_of(uint32_t vm)
{
	static char texts[COUNT / NAME_EVERY + 1][32];

	snprintf(texts[vm], sizeof(texts[vm]), "guest %u", vm);
	return texts[vm];
}

static struct recording_item item_of(unsigned int i)
{
	uint64_t time_ns = RECORDED_BEGIN_NS + i * 1000ULL;

	if (i % NAME_EVERY == 0)
		return (struct recording_item){ .kind = ITEM_NAME, .time_ns = time_ns,
			.name = { .vm = i / NAME_EVERY, .text = name_of(i / NAME_EVERY) } };
	return record_item((struct sdei_record){ .time_ns = time_ns, .vm = i / NAME_EVERY, .vcpu = i % 7, .event = i % 3,
		.kind = SDEI_ENABLE, .state = SDEI_REGISTERED | SDEI_ENABLED });
}

static void damage(void)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/sdei-000000", directory);
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "damaged", 7, lseek(fd, 0, SEEK_END) / 2), 7);
	assert_int_equal(close(fd), 0);
}

static int make_recording(void **state)
{
	static const struct recording_about about = {
		.uuid = { 5 }, .major = RECORDING_MAJOR, .minor = RECORDING_MINOR, .version = "0.1.0", .host = "ahead",
		.clock_offset_ns = RECORDED_WALL_OFFSET, .cpus = 2,
	};
	static struct recording_item items[COUNT];

	for (unsigned int i = 0; i < COUNT; i++)
		items[i] = item_of(i);
	strcpy(directory, "/tmp/sdeitop-ahead-XXXXXX");
	assert_non_null(mkdtemp(directory));
	record_items(directory, &about, items, COUNT);
	damage();
	return 0;
}

static int remove_recording(void **state)
{
	return remove_tree(directory);
}

static struct reader *open_reader(void)
{
	struct error error;
	struct reader *r = reader_open(directory, &error);

	assert_non_null(r);
	return r;
}

/* --- the same as without */

static void assert_same(const struct recording_item *a, const struct recording_item *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->time_ns, b->time_ns);
	if (a->kind == ITEM_NAME) {
		assert_int_equal(a->name.vm, b->name.vm);
		assert_string_equal(a->name.text, b->name.text);
	} else if (a->kind == ITEM_LOST) {
		assert_int_equal(a->lost.count, b->lost.count);
	} else {
		assert_int_equal(a->size, b->size);
		assert_memory_equal(&a->record, &b->record, a->size);
	}
}

static void assert_same_problems(const struct reader *a, const struct reader *b)
{
	size_t kept_a, kept_b;
	uint64_t all_a, all_b;
	const struct reader_problem *of_a = reader_problems(a, &kept_a, &all_a), *of_b = reader_problems(b, &kept_b, &all_b);

	assert_true(kept_a >= 2 && kept_a < PROBLEMS_ROOM);
	assert_int_equal(kept_a, kept_b);
	assert_int_equal(all_a, all_b);
	assert_memory_equal(of_a, of_b, kept_a * sizeof(*of_a));
}

/* Takes up to most items; how many there were. */
static size_t take(struct readahead *a, struct reader *other, size_t most, void (*meanwhile)(void))
{
	struct reader_run run;
	size_t taken = 0;

	while (taken < most && readahead_next_run(a, &run)) {
		for (size_t i = 0; i < run.count; i++) {
			const struct recording_item *item = reader_next(other);

			assert_non_null(item);
			assert_same(&run.items[i], item);
		}
		assert_int_equal(run.begin_ns, reader_begin_ns(other));
		assert_int_equal(run.wall_offset_ns, reader_wall_offset_ns(other));
		taken += run.count;
		if (meanwhile && taken % 5 == 0)
			meanwhile();
	}
	return taken;
}

static void compare(void (*meanwhile)(void))
{
	struct reader *r = open_reader(), *other = open_reader();
	struct readahead *a = readahead_start(r);
	struct reader_run run;
	uint64_t done, total;

	assert_non_null(a);
	assert_in_range(take(a, other, SIZE_MAX, meanwhile), COUNT * 2 / 3, COUNT);
	for (int i = 0; i < 3; i++)
		assert_false(readahead_next_run(a, &run));
	readahead_stop(a);
	assert_null(reader_next(other));
	assert_same_problems(r, other);
	reader_progress(r, &done, &total);
	assert_int_equal(done, total);
	reader_close(r);
	reader_close(other);
}

static void test_all(void **state)
{
	compare(NULL);
}

static void test_slow_taker(void **state)
{
	compare(nap);
}

static void test_slow_disk(void **state)
{
	slow_disk = true;
	compare(NULL);
	slow_disk = false;
}

/* Wherever it is stopped, the reader can go back, and read all. */
static void test_stopped(void **state)
{
	static const size_t stops[] = { 0, 1, 300, 5000, 40000 };
	struct reader *r = open_reader();

	for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]); i++) {
		struct reader *other = open_reader();
		struct readahead *a = readahead_start(r);
		size_t taken;

		assert_non_null(a);
		taken = take(a, other, stops[i], NULL);
		assert_in_range(taken, stops[i], stops[i] + 1000);
		readahead_stop(a);
		assert_int_equal(reader_seek(r, 0), 0);
		reader_close(other);
	}
	for (unsigned int i = 0; i < 1000; i++) {
		const struct recording_item *item = reader_next(r), same = item_of(i);

		assert_non_null(item);
		assert_same(item, &same);
	}
	reader_close(r);
}

/* --- where it cannot be */

static void test_no_thread(void **state)
{
	struct reader *r = open_reader();

	create_err = EAGAIN;
	assert_null(readahead_start(r));
	create_err = 0;
	assert_non_null(reader_next(r));
	reader_close(r);
}

static void test_one_cpu(void **state)
{
	struct reader *r = open_reader();
	cpu_set_t before, one;
	unsigned int cpu = 0;

	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	while (!CPU_ISSET(cpu, &before))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_null(readahead_start(r));
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	reader_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_slow_taker),
		cmocka_unit_test(test_slow_disk),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_no_thread),
		cmocka_unit_test(test_one_cpu),
	};

	if (!has_one_cpu())
		return cmocka_run_group_tests(tests, make_recording, remove_recording);
	puts("skip ahead there is one CPU only");
	return 0;
}
