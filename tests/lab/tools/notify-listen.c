// SPDX-License-Identifier: GPL-2.0-only
/*
 * notify-listen PATH: what a service manager hears at $NOTIFY_SOCKET=PATH, one message per line (its own lines joined by
 * blanks), until it is ended.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static void print(char *text)
{
	for (char *at = text; (at = strchr(at, '\n'));)
		*at = ' ';
	puts(text);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char text[4096];
	ssize_t got;

	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path)) {
		fprintf(stderr, "usage: notify-listen PATH\n");
		return 2;
	}
	strcpy(address.sun_path, argv[1]);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || chmod(argv[1], 0666)) {
		perror(argv[1]);
		return 1;
	}
	while ((got = recv(fd, text, sizeof(text) - 1, 0)) >= 0) {
		text[got] = '\0';
		print(text);
	}
	return 1;
}
