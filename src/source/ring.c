// SPDX-License-Identifier: GPL-2.0-only
#include "source/ring.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>

#include "record/kinds.h"

/* At nine million records a second, 1 MiB lasts for 3.6 ms. A virtual machine takes longer breaks than that. */
#define BYTES_MOST (4U << 20)
#define BYTES_LEAST (1U << 20)
#define BYTES_TOGETHER (32U << 20)

size_t ring_default_bytes(unsigned int cpus)
{
	size_t bytes = BYTES_MOST;

	while (bytes > BYTES_LEAST && bytes * cpus > BYTES_TOGETHER)
		bytes /= 2;
	return bytes;
}

void ring_init(struct ring *ring, struct sdei_ring *shared, size_t bytes)
{
	*ring = (struct ring) {
		.shared = shared, .bytes = bytes, .at = shared->consumed, .end = shared->consumed, .released = shared->consumed,
	};
}

int ring_create(const char *name, size_t bytes)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);

	return bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(__u32), SDEI_RING_EXTRA + bytes, 1, &options);
}

/* The kernel maps whole pages. */
static size_t mapped_bytes(size_t bytes)
{
	size_t page = sysconf(_SC_PAGESIZE);

	return (SDEI_RING_EXTRA + bytes + page - 1) & ~(page - 1);
}

int ring_map(struct ring *ring, int fd, size_t bytes)
{
	void *shared = mmap(NULL, mapped_bytes(bytes), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (shared == MAP_FAILED)
		return -errno;
	ring_init(ring, shared, bytes);
	return 0;
}

void ring_unmap(struct ring *ring)
{
	if (ring->shared)
		munmap(ring->shared, mapped_bytes(ring->bytes));
	ring->shared = NULL;
}

static uint64_t reserved(const struct ring *ring)
{
	return __atomic_load_n(&ring->shared->reserved, __ATOMIC_ACQUIRE);
}

size_t ring_used(const struct ring *ring)
{
	return ring->shared ? (reserved(ring) >> SDEI_RING_SHIFT) - ring->released : 0;
}

/* All that has been handed out, unless some of it is still being written. */
static uint64_t readable(const struct ring *ring)
{
	uint64_t word = reserved(ring);

	if (!(word & SDEI_RING_WRITERS))
		return word >> SDEI_RING_SHIFT;
	return __atomic_load_n(&ring->shared->settled, __ATOMIC_ACQUIRE);
}

static const struct sdei_record *record_at(const struct ring *ring)
{
	const uint8_t *records = (const uint8_t *)(ring->shared + 1);

	return (const void *)(records + (ring->at & (ring->bytes - 1)));
}

const void *ring_peek(struct ring *ring, size_t *size)
{
	const struct sdei_record *record;
	const struct kind *kind;
	uint64_t end;

	if (ring->at == ring->end) {
		end = readable(ring);
		if (end > ring->end)	/* a writer that was interrupted may set `settled` back */
			ring->end = end;
	}
	if (ring->at == ring->end)
		return NULL;
	record = record_at(ring);
	kind = kind_of(record->kind);
	ring->size = kind && kind->size <= ring->end - ring->at ? kind->size : ring->end - ring->at;
	*size = ring->size;
	return record;
}

void ring_take(struct ring *ring)
{
	ring->at += ring->size;
	ring->read++;
}

void ring_release(struct ring *ring)
{
	if (ring->released == ring->at)
		return;
	ring->released = ring->at;
	__atomic_store_n(&ring->shared->consumed, ring->at, __ATOMIC_RELEASE);
}

bool ring_is_worth_release(const struct ring *ring)
{
	return ring->at - ring->released > ring->bytes / 16;
}
