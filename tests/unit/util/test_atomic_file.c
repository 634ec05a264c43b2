/* SPDX-License-Identifier: GPL-2.0-only */
/* The file that others read while it is rewritten: never torn, one writer, failures counted, told once and mended. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/atomic_file.h"
#include "tests/unit/lib/directory.h"

#define REWRITE_SECONDS 8
#define ANOTHER 65534	/* a user */

static char top[40], path[64], directory[64];

/* In $TMPDIR: what a million rewrites cost is up to the file system. */
static int make_directory(void **state)
{
	const char *where = getenv("TMPDIR");

	snprintf(top, sizeof(top), "%s/sdei-textfile-XXXXXX", where && strlen(where) < 16 ? where : "/tmp");
	if (!mkdtemp(top))
		return -1;
	snprintf(directory, sizeof(directory), "%s/d", top);
	snprintf(path, sizeof(path), "%s/d/sdei.prom", top);
	return 0;
}

/* Each test has an empty one. */
static int empty_directory(void **state)
{
	if (access(directory, F_OK) == 0 && remove_tree(directory) != 0)
		return -1;
	return mkdir(directory, 0755);
}

static int remove_directory(void **state)
{
	return remove_tree(top);
}

static struct atomic_file *open_it(void)
{
	int err;
	struct atomic_file *t = atomic_file_open(path, &err);

	assert_non_null(t);
	assert_int_equal(err, 0);
	return t;
}

static void assert_content(const char *want)
{
	char text[64] = "";
	FILE *in = fopen(path, "r");

	assert_non_null(in);
	text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
	fclose(in);
	assert_string_equal(text, want);
}

static void test_write(void **state)
{
	struct atomic_file *t;
	struct stat status;

	umask(077);
	t = open_it();
	assert_int_equal(atomic_file_write(t, "one\n", 4), 0);
	assert_content("one\n");
	assert_int_equal(atomic_file_write(t, "two\n", 4), 0);
	assert_content("two\n");
	assert_null(atomic_file_events(t));
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0644);
	check_names(directory, ".sdei.prom.lock sdei.prom ");
	atomic_file_close(t, false);
	assert_content("two\n");
	atomic_file_close(open_it(), true);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_names(void **state)
{
	int err;

	assert_null(atomic_file_open("/", &err));
	assert_int_equal(err, -EINVAL);
	assert_null(atomic_file_open("/tmp/..", &err));
	assert_int_equal(err, -EINVAL);
	assert_null(atomic_file_open("/no/such/directory/sdei.prom", &err));
	assert_int_equal(err, -ENOENT);
	atomic_file_close(NULL, true);
}

static void test_one_writer(void **state)
{
	struct atomic_file *t = open_it();
	int err;

	assert_null(atomic_file_open(path, &err));
	assert_int_equal(err, -EBUSY);
	atomic_file_close(t, false);
	atomic_file_close(open_it(), false);
}

/* As another user, in a process of its own: what atomic_file_open() says. */
static int open_as_another(void)
{
	int err, status = 0;
	pid_t child = fork();

	if (!child) {
		if (setgid(ANOTHER) || setuid(ANOTHER))
			_exit(255);
		atomic_file_close(atomic_file_open(path, &err), false);
		_exit(err ? -err : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

/* Root tries it out in a directory that belongs to a service: that can take the lock later. */
static void test_lock_of_root(void **state)
{
	char lock[96];
	struct stat status;

	if (geteuid() != 0)
		skip();
	snprintf(lock, sizeof(lock), "%s/.sdei.prom.lock", directory);
	assert_int_equal(chmod(top, 0755), 0);
	assert_int_equal(chown(directory, ANOTHER, ANOTHER), 0);
	atomic_file_close(open_it(), false);
	assert_int_equal(stat(lock, &status), 0);
	assert_int_equal(status.st_uid, ANOTHER);
	assert_int_equal(open_as_another(), 0);
	/* What was there before keeps its owner: it may be a link to anything. */
	assert_int_equal(chown(lock, 0, 0), 0);
	atomic_file_close(open_it(), false);
	assert_int_equal(stat(lock, &status), 0);
	assert_int_equal(status.st_uid, 0);
	assert_int_equal(open_as_another(), -ENOLCK);
	assert_int_equal(chown(directory, 0, 0), 0);
}

/* What a writer that was killed has left goes; what looks alike stays. */
static void test_leftovers(void **state)
{
	static const char *const names[] = { ".sdei.prom.4711", ".sdei.prom.47x", ".sdei.prom.", "sdei.prom.1", ".sdei.prom2.5" };
	char name[128];

	for (size_t i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "%s/%s", directory, names[i]);
		close(open(name, O_CREAT | O_WRONLY, 0600));
	}
	atomic_file_close(open_it(), false);
	snprintf(name, sizeof(name), "%s/%s", directory, names[0]);
	assert_int_equal(access(name, F_OK), -1);
	for (size_t i = 1; i < 5; i++) {
		snprintf(name, sizeof(name), "%s/%s", directory, names[i]);
		assert_int_equal(access(name, F_OK), 0);
	}
}

/* A link that lies in wait where the temporary file goes is not followed; nor is one in place of the file. */
static void test_links(void **state)
{
	struct atomic_file *t = open_it();
	char name[128], victim[64];
	struct stat status;

	snprintf(victim, sizeof(victim), "%s/victim", top);
	snprintf(name, sizeof(name), "%s/.sdei.prom.%d", directory, (int)getpid());
	assert_int_equal(symlink(victim, name), 0);
	assert_int_equal(symlink(victim, path), 0);
	assert_int_equal(atomic_file_write(t, "one\n", 4), 0);
	assert_int_equal(access(victim, F_OK), -1);
	assert_int_equal(lstat(path, &status), 0);
	assert_true(S_ISREG(status.st_mode));
	atomic_file_close(t, false);
}

/* --- failures */

static void assert_news(struct atomic_file *t, const char *part)
{
	const char *news = atomic_file_events(t);

	assert_non_null(news);
	assert_non_null(strstr(news, part));
	assert_null(atomic_file_events(t));
}

static void test_directory_gone(void **state)
{
	struct atomic_file *t = open_it();
	char moved[80];

	assert_int_equal(atomic_file_write(t, "one\n", 4), 0);
	snprintf(moved, sizeof(moved), "%s.moved", directory);
	assert_int_equal(rename(directory, moved), 0);
	assert_int_equal(atomic_file_write(t, "two\n", 4), -ENOENT);
	assert_news(t, "No such file or directory");
	assert_int_equal(atomic_file_write(t, "two\n", 4), -ENOENT);
	assert_null(atomic_file_events(t));
	assert_int_equal(mkdir(directory, 0755), 0);
	assert_int_equal(atomic_file_write(t, "two\n", 4), 0);
	assert_news(t, "works again, after 2 failures");
	assert_content("two\n");
	assert_int_equal(atomic_file_errors(t), 2);
	atomic_file_close(t, false);
}

/* In a file system of 64 KiB; needs root. What was there stays while there is no room for more. */
static void test_disk_full(void **state)
{
	struct atomic_file *t;
	char *big = calloc(1, 1 << 20);

	if (mount("none", directory, "tmpfs", 0, "size=64k")) {
		free(big);
		skip();
	}
	t = open_it();
	assert_int_equal(atomic_file_write(t, "one\n", 4), 0);
	assert_int_equal(atomic_file_write(t, big, 1 << 20), -ENOSPC);
	assert_news(t, "No space left on device");
	assert_int_equal(atomic_file_write(t, big, 1 << 20), -ENOSPC);
	assert_null(atomic_file_events(t));
	assert_content("one\n");
	check_names(directory, ".sdei.prom.lock sdei.prom ");
	assert_int_equal(atomic_file_write(t, "two\n", 4), 0);
	assert_news(t, "works again");
	assert_content("two\n");
	atomic_file_close(t, false);
	assert_int_equal(umount(directory), 0);
	free(big);
}

/* Bound over itself, a directory can be made read-only under an open lock. Needs root. */
static void test_read_only(void **state)
{
	struct atomic_file *t;

	if (mount(directory, directory, NULL, MS_BIND, NULL))
		skip();
	t = open_it();
	assert_int_equal(atomic_file_write(t, "one\n", 4), 0);
	assert_int_equal(mount(NULL, directory, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
	assert_int_equal(atomic_file_write(t, "two\n", 4), -EROFS);
	assert_news(t, "Read-only file system");
	assert_content("one\n");
	assert_int_equal(mount(NULL, directory, NULL, MS_REMOUNT | MS_BIND, NULL), 0);
	assert_int_equal(atomic_file_write(t, "two\n", 4), 0);
	assert_news(t, "works again, after 1 failures");
	assert_content("two\n");
	atomic_file_close(t, false);
	assert_int_equal(umount(directory), 0);
}

/* --- many rewrites and a reader */

/* Each version is one character, over and over, and a newline: how many of them says it, too. */
static size_t make_version(char *bytes, unsigned int number)
{
	size_t size = 1000 + 4099 * (number % 16);

	memset(bytes, 'a' + number % 16, size);
	bytes[size - 1] = '\n';
	return size;
}

static bool is_whole(const char *bytes, size_t size)
{
	size_t version = bytes[0] - 'a';

	if (size < 1000 || version > 15 || size != 1000 + 4099 * version || bytes[size - 1] != '\n')
		return false;
	return memcmp(bytes, bytes + 1, size - 2) == 0;
}

/* Reads until the pipe ends. Its exit status: 0 all were whole. */
static int read_all_the_time(int until)
{
	static char bytes[1 << 17];
	struct timespec pause = { .tv_nsec = 10000 };
	unsigned int reads = 0;
	char end;

	fcntl(until, F_SETFL, O_NONBLOCK);
	while (read(until, &end, 1) < 0) {
		int fd = open(path, O_RDONLY);
		ssize_t size = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));

		if (size < 0 || !is_whole(bytes, (size_t)size))
			return 1;
		close(fd);
		reads++;
		nanosleep(&pause, NULL);
	}
	return reads > 100 ? 0 : 2;
}

static void test_rewrites(void **state)
{
	static char bytes[1 << 17];
	const char *count = getenv("SDEI_REWRITES");
	unsigned long most = count ? strtoul(count, NULL, 10) : 0, written = 0;
	struct atomic_file *t = open_it();
	time_t end = time(NULL) + REWRITE_SECONDS;
	int ends[2], status;
	pid_t reader;

	assert_int_equal(atomic_file_write(t, bytes, make_version(bytes, 0)), 0);
	assert_int_equal(pipe(ends), 0);
	reader = fork();
	if (!reader) {
		close(ends[1]);
		_exit(read_all_the_time(ends[0]));
	}
	while (most ? written < most : time(NULL) < end)
		assert_int_equal(atomic_file_write(t, bytes, make_version(bytes, (unsigned int)written++ * 7)), 0);
	close(ends[1]);
	assert_int_equal(waitpid(reader, &status, 0), reader);
	print_message("%lu rewrites\n", written);
	assert_true(written > 100);
	assert_int_equal(status, 0);
	atomic_file_close(t, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_write, empty_directory), cmocka_unit_test_setup(test_names, empty_directory),
		cmocka_unit_test_setup(test_one_writer, empty_directory), cmocka_unit_test_setup(test_leftovers, empty_directory),
		cmocka_unit_test_setup(test_lock_of_root, empty_directory),
		cmocka_unit_test_setup(test_links, empty_directory), cmocka_unit_test_setup(test_directory_gone, empty_directory),
		cmocka_unit_test_setup(test_disk_full, empty_directory), cmocka_unit_test_setup(test_read_only, empty_directory),
		cmocka_unit_test_setup(test_rewrites, empty_directory),
	};

	return cmocka_run_group_tests_name("textfile", tests, make_directory, remove_directory);
}
