// SPDX-License-Identifier: GPL-2.0-only
/*
 * refuse-program NAME[,NAME...] COMMAND...: runs COMMAND, to which the kernel refuses BPF programs whose names begin so: a kernel of
 * another version. The system call is made without instructions, which no kernel takes.
 *
 * refuse-program --map-reads COMMAND...: to which the kernel refuses to read many keys of a BPF map at a time (EPERM), as Linux 5.13 to
 * 5.18 do to who has given up CAP_BPF. The system call is not made at all.
 */
#include <errno.h>
#include <elf.h>
#include <fcntl.h>
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
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAP_READS "--map-reads"

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

#ifndef NT_ARM_SYSTEM_CALL
#define NT_ARM_SYSTEM_CALL 0x404
#endif

/* It ends at once, with an error that set_result() sets. */
static void skip_call(pid_t pid)
{
	int none = -1;
	struct iovec number = { &none, sizeof(none) };

	if (ptrace(PTRACE_SETREGSET, pid, (void *)(long)NT_ARM_SYSTEM_CALL, &number))
		perror("refuse-program: ptrace");
}

static void set_result(pid_t pid, long result)
{
	struct user_regs_struct regs;
	struct iovec all = { &regs, sizeof(regs) };

	if (ptrace(PTRACE_GETREGSET, pid, (void *)(long)NT_PRSTATUS, &all)) {
		perror("refuse-program: ptrace");
		return;
	}
	regs.regs[0] = (unsigned long)result;
	if (ptrace(PTRACE_SETREGSET, pid, (void *)(long)NT_PRSTATUS, &all))
		perror("refuse-program: ptrace");
}

/* True: it will have a result of ours. */
static bool look_at_read(pid_t pid, uint64_t command)
{
	if (command != BPF_MAP_LOOKUP_BATCH && command != BPF_MAP_LOOKUP_AND_DELETE_BATCH)
		return false;
	skip_call(pid);
	return true;
}

/* A system call is about to be made, or, if it is skipped, was. */
static void look(pid_t pid, const char *names)
{
	static bool skipped;
	struct __ptrace_syscall_info info;
	char program[BPF_OBJ_NAME_LEN];

	if (skipped)
		set_result(pid, -EPERM);
	if (skipped || ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0 || info.op != PTRACE_SYSCALL_INFO_ENTRY ||
	    info.entry.nr != SYS_bpf) {
		skipped = false;
		return;
	}
	if (strcmp(names, MAP_READS) == 0) {
		skipped = look_at_read(pid, info.entry.args[0]);
		return;
	}
	if (info.entry.args[0] != BPF_PROG_LOAD)
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
		if (signal == (SIGTRAP | 0x80)) {
			look(child, names);
			signal = 0;
		} else if (status >> 16 == PTRACE_EVENT_STOP && signal != SIGTRAP) {
			/* Stopped by a signal, as without a tracer: so it stays until SIGCONT. */
			ptrace(PTRACE_LISTEN, child, NULL, NULL);
			continue;
		} else if (status >> 16) {
			signal = 0;
		}
		ptrace(PTRACE_SYSCALL, child, NULL, (void *)(intptr_t)signal);
	}
}

/* Not before go says so, and not at all if it ends. */
static void become(char **command, int go)
{
	char byte;

	if (read(go, &byte, 1) != 1)
		_exit(127);
	execvp(command[0], command);
	fprintf(stderr, "refuse-program: %s: %s\n", command[0], strerror(errno));
	_exit(127);
}

int main(int argc, char **argv)
{
	int go[2];
	pid_t child;

	if (argc < 3) {
		fprintf(stderr, "usage: refuse-program NAME,...|" MAP_READS " COMMAND...\n");
		return 2;
	}
	if (pipe2(go, O_CLOEXEC)) {
		perror("refuse-program");
		return 1;
	}
	child = fork();
	if (!child) {
		close(go[1]);
		become(argv + 2, go[0]);
	}
	/* Seized, it stops for SIGSTOP as any other process; its system calls are looked at from the moment it is COMMAND. */
	if (child < 0 || ptrace(PTRACE_SEIZE, child, NULL, (void *)(long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC)) ||
	    write(go[1], "", 1) != 1) {
		perror("refuse-program");
		return 1;
	}
	return follow(child, argv[1]);
}
