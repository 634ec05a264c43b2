/* SPDX-License-Identifier: GPL-2.0-only */
/* From inside of a sandbox: what it named still works, what it did not name is refused. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/lib/directory.h"
#include "util/sandbox.h"

static char directory[40], inside[64], outside[64], file[96], page[96], other[96];

static void put(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static int make_it(void **state)
{
	strcpy(directory, "/tmp/sdeitop-sandbox-XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(inside, sizeof(inside), "%s/inside", directory);
	snprintf(outside, sizeof(outside), "%s/outside", directory);
	assert_int_equal(mkdir(inside, 0700), 0);
	assert_int_equal(mkdir(outside, 0700), 0);
	snprintf(file, sizeof(file), "%s/file", inside);
	snprintf(page, sizeof(page), "%s/page", outside);
	snprintf(other, sizeof(other), "%s/other", directory);
	put(file);
	put(other);
	return 0;
}

static int remove_it(void **state)
{
	return remove_tree(directory);
}

static bool has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

/* In a child that has entered one. The number of the first that is not as it should be; 0: all are. */
static int in_child(int (*look)(void), bool off)
{
	pid_t child = fork();
	int status;

	if (!child) {
		struct sandbox s;

		sandbox_permit();
		sandbox_begin(&s, off);
		sandbox_read(&s, inside);
		sandbox_write(&s, page);
		sandbox_enter(&s, false);
		_exit(look());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int opens(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int look_at_files(void)
{
	char temporary[128];

	snprintf(temporary, sizeof(temporary), "%s.new", page);
	if (opens(file, O_RDONLY) || opens(temporary, O_RDWR | O_CREAT | O_EXCL))
		return 1;
	if (rename(temporary, page))
		return 2;
	if (opens(file, O_WRONLY) != EACCES || opens(other, O_RDONLY) != EACCES || opens("/etc/passwd", O_RDONLY) != EACCES)
		return 3;
	if (opens(other, O_WRONLY) != EACCES || opens("/proc/self/mem", O_RDWR) != EACCES)
		return 4;
	return unlink(other) == 0 || errno != EACCES ? 5 : 0;
}

static bool refused(long result)
{
	return result < 0 && errno == EPERM;
}

static void *think(void *ctx)
{
	return ctx;
}

static int look_at_calls(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/run/nobody" };
	char *words[] = { "true", NULL };
	pthread_t thread;
	void *thought;

	if (!refused(socket(AF_UNIX, SOCK_STREAM, 0)) || !refused(socket(AF_INET, SOCK_STREAM, 0)))
		return 1;
	if (!refused(connect(0, (struct sockaddr *)&address, sizeof(address))))
		return 2;
	if (!refused(execv("/bin/true", words)))
		return 3;
	if (!refused(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)) || !refused(fork()))
		return 4;
	if (!refused(ptrace(PTRACE_TRACEME, 0, 0, 0)) || !refused(syscall(SYS_bpf, 0, NULL, 0)))
		return 5;
	if (pthread_create(&thread, NULL, think, words) || pthread_join(thread, &thought) || thought != words)
		return 6;
	return 0;
}

/* What is said to be off is: all of these work. */
static int look_when_off(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return fd < 0 || opens("/etc/passwd", O_RDONLY) || opens(other, O_RDONLY);
}

static void test_files(void **state)
{
	if (!has_landlock())
		skip();
	assert_int_equal(in_child(look_at_files, false), 0);
}

static void test_calls(void **state)
{
	if (prctl(PR_GET_SECCOMP) < 0)
		skip();
	assert_int_equal(in_child(look_at_calls, false), 0);
}

static void test_off(void **state)
{
	assert_int_equal(in_child(look_when_off, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files), cmocka_unit_test(test_calls), cmocka_unit_test(test_off),
	};

	return cmocka_run_group_tests_name("sandbox", tests, make_it, remove_it);
}
