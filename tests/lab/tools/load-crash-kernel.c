// SPDX-License-Identifier: GPL-2.0-only
/* load-crash-kernel IMAGE INITRD COMMAND-LINE: what this kernel goes on as when it panics (kdump). */
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fprintf(stderr, "load-crash-kernel: %s: %s\n", path, strerror(errno));
	return fd;
}

int main(int argc, char **argv)
{
	int image, initrd;

	if (argc != 4) {
		fprintf(stderr, "usage: load-crash-kernel IMAGE INITRD COMMAND-LINE\n");
		return 2;
	}
	image = open_file(argv[1]);
	initrd = open_file(argv[2]);
	if (image < 0 || initrd < 0)
		return 1;
	if (syscall(SYS_kexec_file_load, image, initrd, strlen(argv[3]) + 1, argv[3], KEXEC_FILE_ON_CRASH)) {
		fprintf(stderr, "load-crash-kernel: the kernel does not take it: %s\n", strerror(errno));
		return 1;
	}
	return 0;
}
