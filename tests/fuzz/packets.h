/* SPDX-License-Identifier: GPL-2.0-only */
/* What fuzz targets that deal with packets have in common. */
#ifndef TESTS_FUZZ_PACKETS_H
#define TESTS_FUZZ_PACKETS_H

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "recording/packet.h"

/* A directory in memory, which each input finds empty. */
struct fuzz_directory {
	char path[64];
};

static inline void fuzz_clear_path(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		abort();
	while ((entry = readdir(dir))) {
		char inner[512];

		if (entry->d_name[0] == '.' || unlinkat(dirfd(dir), entry->d_name, 0) == 0)
			continue;
		snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
		fuzz_clear_path(inner);
		rmdir(inner);
	}
	closedir(dir);
}

static inline void fuzz_clear(const struct fuzz_directory *d)
{
	fuzz_clear_path(d->path);
}

static struct fuzz_directory *fuzz_at_exit;

static inline void fuzz_leave(void)
{
	fuzz_clear(fuzz_at_exit);
	rmdir(fuzz_at_exit->path);
}

static inline int fuzz_make_directory(struct fuzz_directory *d)
{
	strcpy(d->path, access("/dev/shm", W_OK) == 0 ? "/dev/shm/sdeitop-fuzz-XXXXXX" : "/tmp/sdeitop-fuzz-XXXXXX");
	if (!mkdtemp(d->path))
		abort();
	fuzz_at_exit = d;
	return atexit(fuzz_leave);
}

static inline void fuzz_put_file(const struct fuzz_directory *d, const char *name, const void *bytes, size_t size)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", d->path, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		abort();
	close(fd);
}

/* Sizes, magic, uuid and CRC of all packets that there is room for. How long the first one is. */
static inline size_t fuzz_put_right(uint8_t *bytes, size_t size)
{
	size_t at = 0, first = size;

	while (size - at >= sizeof(struct packet_head)) {
		size_t left = size - at, length;
		struct packet_head head;

		memcpy(&head, bytes + at, sizeof(head));
		length = head.packet_bits / 8;
		if (length < sizeof(head) || length > left)
			length = left;
		if (length > RECORDING_PACKET_CLAIM_MAX)
			length = RECORDING_PACKET_CLAIM_MAX;
		head.magic = PACKET_MAGIC;
		memset(head.uuid, 7, sizeof(head.uuid));
		head.stream_id = head.stream_instance_id = 0;
		head.content_bits = head.packet_bits = length * 8;
		if (head.begin_ns > head.end_ns)
			head.end_ns = head.begin_ns;
		head.crc = 0;
		memcpy(bytes + at, &head, sizeof(head));
		head.crc = crc32(0, bytes + at, length);
		memcpy(bytes + at, &head, sizeof(head));
		first = at ? first : length;
		at += length;
	}
	return first;
}

#endif
