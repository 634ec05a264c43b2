// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs a command with its output going nowhere and prints, as one line of JSON, what it took: time, CPU time and the most memory
 * that it held. A program of its own because the kernel counts the memory of whoever starts a command as the command's, too,
 * and this one is small. Exits as the command does.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static double seconds(const struct timeval *tv)
{
	return tv->tv_sec + tv->tv_usec / 1e6;
}

static void become(char **command)
{
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (nowhere >= 0 && dup2(nowhere, STDOUT_FILENO) >= 0)
		execvp(command[0], command);
	perror(command[0]);
	_exit(127);
}

int main(int argc, char **argv)
{
	double start = now();
	struct rusage usage;
	int status;
	pid_t pid;

	if (argc < 2) {
		fprintf(stderr, "usage: %s COMMAND...\n", argv[0]);
		return 2;
	}
	pid = fork();
	if (pid == 0)
		become(argv + 1);
	if (pid < 0 || wait4(pid, &status, 0, &usage) < 0) {
		perror(argv[1]);
		return 1;
	}
	printf("{\"wall_s\":%.6f,\"cpu_s\":%.6f,\"peak_kib\":%ld}\n", now() - start, seconds(&usage.ru_utime) + seconds(&usage.ru_stime),
	       usage.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
