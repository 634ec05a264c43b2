// SPDX-License-Identifier: GPL-2.0-only
/*
 * fill-lost PID ROUNDS KEYS: as if so many different things had been lost, in each round. PID reads the maps of losses; it is
 * stopped while one is filled, and the next round begins when it has emptied that one. All are of VM 2147483000, one each.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bpf/record.h"

#define VM 2147483000
#define PATIENCE 6000	/* times 10 ms */

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int open_map(uint32_t id, struct bpf_map_info *info)
{
	union bpf_attr attr = { .map_id = id };
	int fd = bpf(BPF_MAP_GET_FD_BY_ID, &attr);

	memset(info, 0, sizeof(*info));
	attr = (union bpf_attr){ .info = { .bpf_fd = fd, .info_len = sizeof(*info), .info = (uintptr_t)info } };
	if (fd >= 0)
		bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
	return fd;
}

/* -1: there is none of that name. */
static int find_map(const char *name)
{
	union bpf_attr attr = { 0 };
	struct bpf_map_info info;

	while (bpf(BPF_MAP_GET_NEXT_ID, &attr) == 0) {
		uint32_t id = attr.next_id;
		int fd = open_map(id, &info);

		if (fd >= 0 && strcmp(info.name, name) == 0)
			return fd;
		close(fd);
		attr = (union bpf_attr){ .start_id = id };
	}
	return -1;
}

static int fill(int fd, uint32_t first, uint32_t count)
{
	uint64_t value = 1;

	for (uint32_t i = first; i < first + count; i++) {
		struct sdei_lost_key key = { .vm = VM, .event = i, .kind = SDEI_CALL, .function = i };
		union bpf_attr attr = { .map_fd = fd, .key = (uintptr_t)&key, .value = (uintptr_t)&value };

		if (bpf(BPF_MAP_UPDATE_ELEM, &attr))
			return -errno;
	}
	return 0;
}

static int is_empty(int fd)
{
	struct sdei_lost_key next;
	union bpf_attr attr = { .map_fd = fd, .next_key = (uintptr_t)&next };

	return bpf(BPF_MAP_GET_NEXT_KEY, &attr) && errno == ENOENT;
}

static int wait_until_empty(int fd)
{
	const struct timespec pause = { .tv_nsec = 10000000 };

	for (int i = 0; i < PATIENCE && !is_empty(fd); i++)
		nanosleep(&pause, NULL);
	return is_empty(fd) ? 0 : -ETIME;
}

int main(int argc, char **argv)
{
	uint32_t rounds = argc == 4 ? strtoul(argv[2], NULL, 10) : 0, keys = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	int maps[2] = { find_map("lost_0"), find_map("lost_1") }, err = 0;

	if (!keys || maps[0] < 0 || maps[1] < 0) {
		fprintf(stderr, "fill-lost: wrong usage, or nobody who reads losses\n");
		return 2;
	}
	for (uint32_t round = 0; round < rounds && !err; round++) {
		kill(atoi(argv[1]), SIGSTOP);
		err = fill(maps[round % 2], round * keys, keys);
		kill(atoi(argv[1]), SIGCONT);
		if (!err)
			err = wait_until_empty(maps[round % 2]);
		if (err)
			fprintf(stderr, "fill-lost: round %u: %s\n", round, strerror(-err));
	}
	return err != 0;
}
