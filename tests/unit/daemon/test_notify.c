// SPDX-License-Identifier: GPL-2.0-only
/* What the service manager hears, on a socket as its own is: by path and abstract. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/notify.h"

#define SECOND 1000000000ULL

static char directory[] = "/tmp/sdeitop-notify-XXXXXX";
static char path[sizeof(directory) + 16];

static int set_up(void **state)
{
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/socket", directory);
	return 0;
}

static int tear_down(void **state)
{
	unlink(path);
	return rmdir(directory);
}

/* A manager's end; where: a path, or "@name". */
static int listen_as_manager(const char *where)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	unlink(where);
	strcpy(address.sun_path, where);
	if (where[0] == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + strlen(where)), 0);
	return fd;
}

/* NULL: nothing was said. */
static const char *hear(int fd)
{
	static char text[4096];
	ssize_t got = recv(fd, text, sizeof(text) - 1, 0);

	if (got < 0) {
		assert_int_equal(errno, EAGAIN);
		return NULL;
	}
	text[got] = '\0';
	return text;
}

static void hear_all(int fd, struct notify *n)
{
	unsigned long long usec;
	struct timespec now;

	notify_ready(n);
	assert_string_equal(hear(fd), "READY=1");
	notify_reloading(n);
	clock_gettime(CLOCK_MONOTONIC, &now);
	assert_int_equal(sscanf(hear(fd), "RELOADING=1\nMONOTONIC_USEC=%llu", &usec), 1);
	/* Microseconds of the same clock: not later than now, and of this hour. */
	assert_true(usec <= now.tv_sec * 1000000ULL + now.tv_nsec / 1000);
	assert_true(usec + 3600 * 1000000ULL > now.tv_sec * 1000000ULL);
	notify_status(n, "%d VMs, %s", 7, "fine");
	assert_string_equal(hear(fd), "STATUS=7 VMs, fine");
	notify_stopping(n);
	assert_string_equal(hear(fd), "STOPPING=1");
	assert_null(hear(fd));
}

static void talk_to(const char *where)
{
	int fd = listen_as_manager(where);
	struct notify *n;

	setenv("NOTIFY_SOCKET", where, 1);
	n = notify_new();
	assert_non_null(n);
	assert_null(getenv("NOTIFY_SOCKET"));
	hear_all(fd, n);
	notify_free(n);
	close(fd);
}

static void test_path(void **state)
{
	talk_to(path);
}

static void test_abstract(void **state)
{
	char where[64];

	snprintf(where, sizeof(where), "@sdeitop-test-notify-%d", getpid());
	talk_to(where);
}

/* A status is cut, not split: one that is too long may not say anything else. */
static void test_long_status(void **state)
{
	int fd = listen_as_manager(path);
	char text[5000];
	struct notify *n;
	const char *heard;

	setenv("NOTIFY_SOCKET", path, 1);
	n = notify_new();
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	notify_status(n, "%s", text);
	heard = hear(fd);
	assert_int_equal(strncmp(heard, "STATUS=xxxx", 11), 0);
	assert_true(strlen(heard) > 100 && strlen(heard) < 300);
	assert_null(hear(fd));
	notify_free(n);
	close(fd);
}

/* --- the watchdog */

static struct notify *with_watchdog(const char *usec, const char *pid)
{
	struct notify *n;

	setenv("NOTIFY_SOCKET", path, 1);
	setenv("WATCHDOG_USEC", usec, 1);
	if (pid)
		setenv("WATCHDOG_PID", pid, 1);
	n = notify_new();
	assert_non_null(n);
	assert_null(getenv("WATCHDOG_USEC"));
	assert_null(getenv("WATCHDOG_PID"));
	return n;
}

/* How often it is told in some seconds of a loop that turns each second. */
static unsigned int count_signs(const char *usec, const char *pid, unsigned int seconds)
{
	int fd = listen_as_manager(path);
	struct notify *n = with_watchdog(usec, pid);
	unsigned int count = 0;
	const char *heard;

	for (unsigned int second = 0; second < seconds; second++)
		notify_alive(n, 1000 * SECOND + second * SECOND);
	while ((heard = hear(fd))) {
		assert_string_equal(heard, "WATCHDOG=1");
		count++;
	}
	notify_free(n);
	close(fd);
	return count;
}

static void test_watchdog(void **state)
{
	char self[32];

	assert_int_equal(count_signs("2000000", NULL, 9), 9);
	assert_int_equal(count_signs("6000000", NULL, 9), 3);		/* twice in each period */
	assert_int_equal(count_signs("9000000", NULL, 10), 2);
	assert_int_equal(count_signs("0", NULL, 9), 0);
	assert_int_equal(count_signs("soon", NULL, 9), 0);
	snprintf(self, sizeof(self), "%d", getpid());
	assert_int_equal(count_signs("2000000", self, 9), 9);
	assert_int_equal(count_signs("2000000", "1", 9), 0);		/* it is somebody else's */
}

/* --- nobody, or nobody any more, listens */

static void say_everything(struct notify *n)
{
	notify_ready(n);
	notify_reloading(n);
	notify_status(n, "%d", 1);
	notify_alive(n, SECOND);
	notify_stopping(n);
}

static void test_no_manager(void **state)
{
	static const char *const wheres[] = { "", "/", "@", "relative", "/nowhere/at/all", "vsock:2:1234" };
	char longer[256];
	struct notify *n;

	unsetenv("NOTIFY_SOCKET");
	n = notify_new();
	say_everything(n);
	notify_free(n);
	for (size_t i = 0; i <= sizeof(wheres) / sizeof(wheres[0]); i++) {
		memset(longer, '/', sizeof(longer));
		longer[sizeof(longer) - 1] = '\0';
		setenv("NOTIFY_SOCKET", i < sizeof(wheres) / sizeof(wheres[0]) ? wheres[i] : longer, 1);
		n = notify_new();
		assert_non_null(n);
		assert_null(getenv("NOTIFY_SOCKET"));
		say_everything(n);
		notify_free(n);
	}
	notify_free(NULL);
}

/* A manager that hangs does not hold us up: what does not go is left. */
static void test_deaf_manager(void **state)
{
	int fd = listen_as_manager(path);
	struct notify *n;
	unsigned int heard = 0;

	setenv("NOTIFY_SOCKET", path, 1);
	n = notify_new();
	for (int i = 0; i < 10007; i++)
		notify_status(n, "%d", i);
	while (hear(fd))
		heard++;
	assert_true(heard > 0 && heard < 10007);
	notify_ready(n);
	assert_string_equal(hear(fd), "READY=1");
	close(fd);
	say_everything(n);
	notify_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path), cmocka_unit_test(test_abstract), cmocka_unit_test(test_long_status),
		cmocka_unit_test(test_watchdog), cmocka_unit_test(test_no_manager), cmocka_unit_test(test_deaf_manager),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
