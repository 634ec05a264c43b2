// SPDX-License-Identifier: GPL-2.0-only
/*
 * refuse-program NAME[,NAME...] COMMAND...: runs COMMAND, to which the kernel refuses BPF programs whose names begin so: a kernel of
 * another version. The system call is made without instructions, which no kernel takes.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_refused(const char *names, const char *program)
{
	while (*names) {
		size_t length = strcspn(names, ",");

		if (length < BPF_OBJ_NAME_LEN && strncmp(names, program, length) == 0)
			return true;
		names += length + (names[length] == ',');
	}
	return false;
}

static void read_name(pid_t pid, uint64_t from, char name[BPF_OBJ_NAME_LEN])
{
	for (size_t i = 0; i < BPF_OBJ_NAME_LEN; i += sizeof(long)) {
		long word = ptrace(PTRACE_PEEKDATA, pid, (void *)(uintptr_t)(from + i), NULL);

		memcpy(name + i, &word, sizeof(word));
	}
}

/* A system call is about to be made. */
static void look(pid_t pid, const char *names)
{
	struct __ptrace_syscall_info info;
	char program[BPF_OBJ_NAME_LEN];

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0 || info.op != PTRACE_SYSCALL_INFO_ENTRY ||
	    info.entry.nr != SYS_bpf || info.entry.args[0] != BPF_PROG_LOAD)
		return;
	read_name(pid, info.entry.args[1] + offsetof(union bpf_attr, prog_name), program);
	/* prog_type and insn_cnt are one word. */
	if (is_refused(names, program) && ptrace(PTRACE_POKEDATA, pid, (void *)(uintptr_t)info.entry.args[1], NULL))
		perror("refuse-program: ptrace");
}

/* The exit status of child; its own children are not looked at. */
static int follow(pid_t child, const char *names)
{
	int status, signal;

	for (;;) {
		if (waitpid(child, &status, 0) < 0) {
			if (errno == EINTR)
				continue;
			return 1;
		}
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		if (WIFSIGNALED(status))
			return 128 + WTERMSIG(status);
		signal = WSTOPSIG(status);
		if (signal == (SIGTRAP | 0x80))
			look(child, names);
		ptrace(PTRACE_SYSCALL, child, NULL,
		       (void *)(intptr_t)(status >> 16 || signal == (SIGTRAP | 0x80) || signal == SIGTRAP ? 0 : signal));
	}
}

static void become(char **command)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	execvp(command[0], command);
	fprintf(stderr, "refuse-program: %s: %s\n", command[0], strerror(errno));
	_exit(127);
}

int main(int argc, char **argv)
{
	int status;
	pid_t child;

	if (argc < 3) {
		fprintf(stderr, "usage: refuse-program NAME,... COMMAND...\n");
		return 2;
	}
	child = fork();
	if (!child)
		become(argv + 2);
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)(long)PTRACE_O_TRACESYSGOOD) ||
	    ptrace(PTRACE_SYSCALL, child, NULL, NULL)) {
		perror("refuse-program");
		return 1;
	}
	return follow(child, argv[1]);
}
