// SPDX-License-Identifier: GPL-2.0-only
/* What there is already when tracing starts: read once from the iterator, delivered as one more stream. */
#include "source/live_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>


#define FIRST_BYTES 65536

struct buffer {
	uint8_t *bytes;
	size_t used, size;
};

static int make_room(struct buffer *b)
{
	size_t size = b->size ? 2 * b->size : FIRST_BYTES;
	uint8_t *bytes;

	if (b->size - b->used >= FIRST_BYTES / 2)
		return 0;
	bytes = realloc(b->bytes, size);
	if (!bytes)
		return -ENOMEM;
	b->bytes = bytes;
	b->size = size;
	return 0;
}

/* EAGAIN: so many files without a vCPU among them that the kernel took a break. */
static int read_all(int fd, struct buffer *b)
{
	ssize_t got;
	int err;

	for (;;) {
		err = make_room(b);
		if (err)
			return err;
		got = read(fd, b->bytes + b->used, b->size - b->used);
		if (got == 0)
			return 0;
		if (got > 0)
			b->used += got;
		else if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
}

static int read_iterator(struct live *live, struct buffer *b)
{
	struct bpf_link *link = bpf_program__attach_iter(live_program(live, PROBE_SNAPSHOT), NULL);
	int fd, err;

	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	err = fd < 0 ? fd : read_all(fd, b);
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return err;
}

void live_take_snapshot(struct live *live)
{
	struct buffer buffer = { 0 };
	int err;

	if (live->probes.list[PROBE_SNAPSHOT].why_not)
		return;
	err = read_iterator(live, &buffer);
	if (!err)
		err = snapshot_fill(&live->snapshot, buffer.bytes, buffer.used);
	free(buffer.bytes);
	if (err) {
		probes_refuse(&live->probes, PROBE_SNAPSHOT, "open files cannot be looked through: %s", strerror(-err));
		live->probes.list[PROBE_SNAPSHOT].denied = err == -EPERM || err == -EACCES;
		return;
	}
	live->probes.list[PROBE_SNAPSHOT].attached = true;
	streams_set(live->streams, live->cpus, &live->snapshot.ring, &live->snapshot.counts);
}
