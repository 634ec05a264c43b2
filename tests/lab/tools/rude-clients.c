// SPDX-License-Identifier: GPL-2.0-only
/*
 * rude-clients SOCKET: until it is ended, as fast as it can, one after the other: a client that goes at once, one that talks where
 * it should listen, one that goes in the middle, one that never reads and is kept until there are too many. Says how many.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define KEPT 32

enum manner { GOES, TALKS, GOES_IN_THE_MIDDLE, STAYS, MANNERS };

static volatile sig_atomic_t ended;
static int kept[KEPT];
static unsigned long counts[MANNERS], refused;

static void end(int signal)
{
	ended = true;
}

static int come(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return fd;
	close(fd);
	refused++;
	return -1;
}

static void behave(int fd, enum manner manner)
{
	static unsigned int number;
	static char text[4096];

	if (manner == TALKS) {
		memset(text, 0xff, sizeof(text));
		send(fd, text, sizeof(text), MSG_NOSIGNAL | MSG_DONTWAIT);
	} else if (manner == GOES_IN_THE_MIDDLE) {
		recv(fd, text, 100, 0);
	} else if (manner == STAYS) {
		close(kept[number % KEPT]);
		kept[number++ % KEPT] = fd;
		return;
	}
	close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct sigaction action = { .sa_handler = end };

	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path)) {
		fprintf(stderr, "usage: rude-clients SOCKET\n");
		return 2;
	}
	strcpy(address.sun_path, argv[1]);
	sigaction(SIGTERM, &action, NULL);
	memset(kept, -1, sizeof(kept));
	for (unsigned int i = 0; !ended; i++) {
		int fd = come(&address);

		if (fd < 0)
			continue;
		behave(fd, i % MANNERS);
		counts[i % MANNERS]++;
	}
	printf("%lu came and went, %lu talked, %lu went in the middle, %lu stayed\n", counts[GOES], counts[TALKS],
	       counts[GOES_IN_THE_MIDDLE], counts[STAYS]);
	return 0;
}
