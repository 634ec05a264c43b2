// SPDX-License-Identifier: GPL-2.0-only
/*
 * calls FILE COMMAND...: becomes COMMAND, while a tracer of its own notes which system calls it and its children make. When all
 * have ended FILE has a line for each: "NUMBER COUNT", or "NUMBER COUNT VALUE" where an argument matters to sandboxes (the family
 * of sockets, what memory may be used for), ordered; it appears at once.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLS 1024
#define VALUES 32

static uint64_t counts[CALLS][VALUES];

/* Which value of an argument it was; 0: none matters. */
static unsigned int value_of(const struct __ptrace_syscall_info *info)
{
	uint64_t value = 0;

	switch (info->entry.nr) {
	case SYS_socket:
		value = info->entry.args[0];
		break;
	case SYS_mmap:
	case SYS_mprotect:
		value = info->entry.args[2];
		break;
	}
	return value < VALUES ? value : VALUES - 1;
}

static void note(pid_t pid)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0 &&
	    info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr < CALLS)
		counts[info.entry.nr][value_of(&info)]++;
}

/* What the tracee is to go on with. */
static int stopped(pid_t pid, int status)
{
	int signal = WSTOPSIG(status);

	if (signal == (SIGTRAP | 0x80))
		note(pid);
	return status >> 16 || signal == (SIGTRAP | 0x80) ? 0 : signal;
}

static void follow(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR)
		if (pid > 0 && WIFSTOPPED(status))
			ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(intptr_t)stopped(pid, status));
}

static int print(const char *path)
{
	char temporary[4096];
	FILE *out;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	out = fopen(temporary, "w");
	for (int nr = 0; out && nr < CALLS; nr++)
		for (int value = 0; value < VALUES; value++)
			if (counts[nr][value] && value)
				fprintf(out, "%d %llu %d\n", nr, (unsigned long long)counts[nr][value], value);
			else if (counts[nr][value])
				fprintf(out, "%d %llu\n", nr, (unsigned long long)counts[nr][value]);
	return !out || fclose(out) || rename(temporary, path);
}

/* Tells by ready that it traces. */
static int trace(pid_t pid, int ready, const char *path)
{
	long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;

	setsid();
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)options) || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL)) {
		perror("calls: ptrace");
		return 1;
	}
	if (write(ready, "", 1) != 1)
		return 1;
	close(ready);
	follow();
	return print(path);
}

/* Not a child of COMMAND, which might wait for all of its own. */
static bool start_tracer(const char *path)
{
	pid_t pid = getpid(), child;
	int ready[2];
	char byte;

	if (pipe(ready))
		return false;
	child = fork();
	if (!child) {
		close(ready[0]);
		_exit(fork() ? 0 : trace(pid, ready[1], path));
	}
	close(ready[1]);
	waitpid(child, NULL, 0);
	if (read(ready[0], &byte, 1) != 1)
		return false;
	close(ready[0]);
	return true;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: calls FILE COMMAND...\n");
		return 2;
	}
	if (!start_tracer(argv[1])) {
		fprintf(stderr, "calls: cannot trace\n");
		return 1;
	}
	execvp(argv[2], argv + 2);
	fprintf(stderr, "calls: %s: %s\n", argv[2], strerror(errno));
	return 127;
}
