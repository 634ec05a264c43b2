// SPDX-License-Identifier: GPL-2.0-only
/*
 * When a terminal is told something: runs COMMAND on one of 160x50 and prints a line each time that TEXT comes:
 *
 *	CLOCK_MONOTONIC-NS NS-SINCE-THE-START CPU-NS-OF-COMMAND
 *
 * After COUNT of them (0: never) it types q and waits for the end, whose line begins with "end" instead.
 */
#include <errno.h>
#include <pty.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct screen {
	int terminal;
	pid_t command;
	uint64_t start_ns, cpu_ns;
	const char *text;
	unsigned long left;		/* 0: for ever */
	size_t kept;			/* of what came last: too short for all of text */
	char bytes[65536];
} screen;

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now))
		return 0;
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* 0 when it has ended. */
static uint64_t cpu_ns(pid_t pid)
{
	clockid_t clock;

	return clock_getcpuclockid(pid, &clock) ? 0 : clock_ns(clock);
}

static void tell(struct screen *s, uint64_t now_ns, const char *prefix)
{
	s->cpu_ns = cpu_ns(s->command) ?: s->cpu_ns;
	printf("%s%llu %llu %llu\n", prefix, (unsigned long long)now_ns, (unsigned long long)(now_ns - s->start_ns),
	       (unsigned long long)s->cpu_ns);
	fflush(stdout);
}

static void look(struct screen *s, size_t got)
{
	uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	size_t used = s->kept + got, length = strlen(s->text);

	if (memmem(s->bytes, used, s->text, length)) {
		tell(s, now_ns, "");
		used = 0;
		if (s->left && --s->left == 0 && write(s->terminal, "q", 1) < 0)
			perror("on-screen: typing q");
	}
	s->kept = used < length ? used : length - 1;
	memmove(s->bytes, s->bytes + used - s->kept, s->kept);
}

/* The terminal of a command that has ended fails with EIO. */
static void follow(struct screen *s)
{
	ssize_t got;

	while ((got = read(s->terminal, s->bytes + s->kept, sizeof(s->bytes) - s->kept)) > 0 || (got < 0 && errno == EINTR))
		if (got > 0)
			look(s, got);
}

int main(int argc, char **argv)
{
	const struct winsize size = { .ws_row = 50, .ws_col = 160 };
	struct screen *s = &screen;
	int status;

	if (argc < 4 || !*argv[1] || strlen(argv[1]) > 100) {
		fprintf(stderr, "usage: on-screen TEXT COUNT COMMAND...\n");
		return 2;
	}
	s->text = argv[1];
	s->left = strtoul(argv[2], NULL, 0);
	s->start_ns = clock_ns(CLOCK_MONOTONIC);
	s->command = forkpty(&s->terminal, NULL, NULL, &size);
	if (s->command < 0) {
		perror("on-screen: a terminal");
		return 1;
	}
	if (s->command == 0) {
		setenv("TERM", "xterm-256color", 1);
		execvp(argv[3], argv + 3);
		perror(argv[3]);
		_exit(127);
	}
	follow(s);
	waitpid(s->command, &status, 0);
	tell(s, clock_ns(CLOCK_MONOTONIC), "end ");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
