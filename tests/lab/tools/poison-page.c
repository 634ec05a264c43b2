// SPDX-License-Identifier: GPL-2.0-only
/*
 * poison-page FILE OFFSET: the page of FILE that has OFFSET fails, as memory does: madvise(MADV_HWPOISON). Who else maps it is told, or
 * finds out. FILE is one in memory, such as /proc/PID/fd/N of a VMM whose guest's memory is shared.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void nothing(int number)
{
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = nothing };	/* this process is told, too */
	size_t size = sysconf(_SC_PAGESIZE);
	int fd = argc == 3 ? open(argv[1], O_RDWR) : -1;
	volatile char *page = MAP_FAILED;

	if (argc != 3) {
		fputs("Usage: poison-page FILE OFFSET\n", stderr);
		return 2;
	}
	sigaction(SIGBUS, &action, NULL);
	if (fd >= 0)
		page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, strtoull(argv[2], NULL, 0) & ~(size - 1));
	if (page != MAP_FAILED) {
		*page = *page;		/* of a clean page nobody is told */
		if (!madvise((void *)page, size, MADV_HWPOISON))
			return 0;
	}
	fprintf(stderr, "poison-page: %s at %s: %m\n", argv[1], argv[2]);
	return 1;
}
