// SPDX-License-Identifier: GPL-2.0-only
#include "ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

void ring_init(struct ring *ring, unsigned long *consumer, const unsigned long *producer, const void *content,
	       size_t size)
{
	*ring = (struct ring) {
		.consumer = consumer, .producer = producer, .content = content, .mask = size - 1,
		.at = *consumer, .end = *consumer, .released = *consumer,
	};
}

int ring_map(struct ring *ring, int fd, size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *consumer, *producer;
	int err;

	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (consumer == MAP_FAILED)
		return -errno;
	producer = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, fd, page);
	if (producer == MAP_FAILED) {
		err = -errno;
		munmap(consumer, page);
		return err;
	}
	ring_init(ring, consumer, producer, (uint8_t *)producer + page, size);
	return 0;
}

void ring_unmap(struct ring *ring)
{
	size_t page = sysconf(_SC_PAGESIZE);

	if (!ring->consumer)
		return;
	munmap((void *)ring->producer, page + 2 * (ring->mask + 1));
	munmap(ring->consumer, page);
	ring->consumer = NULL;
}

size_t ring_used(const struct ring *ring)
{
	return ring->producer ? __atomic_load_n(ring->producer, __ATOMIC_RELAXED) - ring->released : 0;
}

/* The header in front of a record: its size and two flags; then an offset of the kernel's. */
static const uint32_t *header(const struct ring *ring)
{
	return (const uint32_t *)(ring->content + (ring->at & ring->mask));
}

static unsigned long step(uint32_t length)
{
	return (length + BPF_RINGBUF_HDR_SZ + 7) & ~7UL;
}

const void *ring_peek(struct ring *ring, size_t *size)
{
	uint32_t length;

	for (;;) {
		if (ring->at == ring->end)
			ring->end = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
		if (ring->at == ring->end)
			return NULL;
		length = __atomic_load_n(header(ring), __ATOMIC_ACQUIRE);
		if (length & BPF_RINGBUF_BUSY_BIT)
			return NULL;
		if (!(length & BPF_RINGBUF_DISCARD_BIT))
			break;
		ring->at += step(length & ~BPF_RINGBUF_DISCARD_BIT);
	}
	*size = length;
	return (const uint8_t *)header(ring) + BPF_RINGBUF_HDR_SZ;
}

void ring_take(struct ring *ring)
{
	ring->at += step(*header(ring));
	ring->read++;
}

void ring_release(struct ring *ring)
{
	if (ring->released == ring->at)
		return;
	ring->released = ring->at;
	__atomic_store_n(ring->consumer, ring->at, __ATOMIC_RELEASE);
}

void ring_release_some(struct ring *ring)
{
	if (ring->at - ring->released > ring->mask / 16)
		ring_release(ring);
}
