// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "util/clock.h"

struct notify {
	int fd;			/* -1: nobody wants to know */
	struct sockaddr_un address;
	socklen_t address_size;
	uint64_t watchdog_ns;	/* how often it hears; 0: never */
	uint64_t told_ns;
};

/* "@name" is an abstract one. */
static void find_socket(struct notify *n)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t size = path ? strlen(path) : 0;

	if (size < 2 || size >= sizeof(n->address.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	n->address.sun_family = AF_UNIX;
	memcpy(n->address.sun_path, path, size);
	if (path[0] == '@')
		n->address.sun_path[0] = '\0';
	n->address_size = offsetof(struct sockaddr_un, sun_path) + size;
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static void find_watchdog(struct notify *n)
{
	const char *period = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (period && (!pid || strtoimax(pid, NULL, 10) == getpid()))
		n->watchdog_ns = strtoumax(period, NULL, 10) * 1000 / 2;
}

struct notify *notify_new(void)
{
	struct notify *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->fd = -1;
	find_socket(n);
	find_watchdog(n);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return n;
}

void notify_free(struct notify *n)
{
	if (n && n->fd >= 0)
		close(n->fd);
	free(n);
}

/* A manager that does not listen must not hold us up. */
static void send_text(const struct notify *n, const char *text)
{
	if (n->fd >= 0)
		sendto(n->fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&n->address, n->address_size);
}

void notify_ready(struct notify *n)
{
	send_text(n, "READY=1");
}

void notify_reloading(struct notify *n)
{
	char text[96];

	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, (uint64_t)(clock_monotonic_ns() / NS_PER_US));
	send_text(n, text);
}

void notify_stopping(struct notify *n)
{
	send_text(n, "STOPPING=1");
}

void notify_status(struct notify *n, const char *format, ...)
{
	char text[256] = "STATUS=";
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, sizeof(text) - used, format, args);
	va_end(args);
	send_text(n, text);
}

void notify_alive(struct notify *n, uint64_t now_ns)
{
	if (!n->watchdog_ns || now_ns < n->told_ns + n->watchdog_ns)
		return;
	send_text(n, "WATCHDOG=1");
	n->told_ns = now_ns;
}
