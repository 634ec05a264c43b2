// SPDX-License-Identifier: GPL-2.0-only
#include "pager.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "vm.h"

#define PAGE 4096u

struct request_of {		/* a page that somebody waits for */
	uint32_t page;
	uint64_t due;		/* ns */
};

struct pager {
	struct pager_options options;
	int uffd, stop;
	uint8_t *memory;
	struct request_of *queue;	/* from head to tail in order of `due` */
	size_t head, tail, capacity;
	struct pager_counts counts;
	pthread_t thread;
	bool started;
	uint32_t content[PAGE / sizeof(uint32_t)] __attribute__((aligned(PAGE)));
};

int pager_shape(const char *name)
{
	static const char *const names[] = { "fixed", "bimodal", "tail" };

	for (int shape = 0; shape < 3; shape++)
		if (!strcmp(names[shape], name))
			return shape;
	return -1;
}

void pager_fill(void *memory, uint32_t pages)
{
	for (uint32_t page = 0; page < pages; page++)
		*(uint32_t *)((uint8_t *)memory + page * (uint64_t)PAGE) = page;
}

/* Neighbours differ, and it is no secret by how much. */
static uint32_t scatter(uint32_t page)
{
	return (page + 1) * 2654435761u >> 24;
}

uint64_t pager_delay_ns(const struct pager *pager, uint32_t page)
{
	uint64_t delay = pager->options.delay_us * 1000;
	uint32_t dice = scatter(page);

	switch (pager->options.shape) {
	case PAGER_BIMODAL:
		return dice % 4 ? delay / 4 : delay * 4;
	case PAGER_TAIL:
		return dice == 255 ? delay * 50 : dice % 16 ? delay : delay * 10;
	default:
		return delay;
	}
}

static void put_in_order(struct pager *pager, struct request_of request)
{
	size_t i = pager->tail++;

	for (; i > pager->head && pager->queue[i - 1].due > request.due; i--)
		pager->queue[i] = pager->queue[i - 1];
	pager->queue[i] = request;
}

static void expect_page(struct pager *pager, uint32_t page)
{
	if (pager->tail == pager->capacity) {
		pager->capacity = pager->capacity ? pager->capacity * 2 : 1024;
		pager->queue = realloc(pager->queue, pager->capacity * sizeof(*pager->queue));
		if (!pager->queue)
			abort();
	}
	pager->counts.requests++;
	put_in_order(pager, (struct request_of){ page, clock_now_ns() + pager_delay_ns(pager, page) });
}

static void read_requests(struct pager *pager)
{
	struct uffd_msg message;

	while (read(pager->uffd, &message, sizeof(message)) == sizeof(message))
		if (message.event == UFFD_EVENT_PAGEFAULT)
			expect_page(pager, (message.arg.pagefault.address - (uintptr_t)pager->memory) / PAGE);
}

/* Whoever asks for a page that has just come is only woken. */
static void serve(struct pager *pager, uint32_t page)
{
	struct uffdio_copy copy = { .dst = (uintptr_t)pager->memory + page * (uint64_t)PAGE, .src = (uintptr_t)pager->content,
				    .len = PAGE };
	struct uffdio_range range = { .start = copy.dst, .len = PAGE };

	pager->content[0] = page;
	if (!ioctl(pager->uffd, UFFDIO_COPY, &copy))
		pager->counts.served++;
	else if (errno == EEXIST)
		ioctl(pager->uffd, UFFDIO_WAKE, &range);
	else
		complain("page %u cannot be served: %s", page, strerror(errno));
}

static bool held(const struct pager *pager)
{
	return pager->counts.requests < pager->options.hold;
}

static void serve_due(struct pager *pager)
{
	while (!held(pager) && pager->head < pager->tail && pager->queue[pager->head].due <= clock_now_ns())
		serve(pager, pager->queue[pager->head++].page);
}

/* Until something is asked for, or the next page is due. */
static bool wait_for_more(struct pager *pager)
{
	struct pollfd fds[] = { { .fd = pager->uffd, .events = POLLIN }, { .fd = pager->stop, .events = POLLIN } };
	bool timed = !held(pager) && pager->head < pager->tail;
	struct timespec left = { 0 };
	uint64_t now = clock_now_ns();

	if (timed && pager->queue[pager->head].due > now) {
		left.tv_sec = (pager->queue[pager->head].due - now) / 1000000000;
		left.tv_nsec = (pager->queue[pager->head].due - now) % 1000000000;
	}
	ppoll(fds, 2, timed ? &left : NULL, NULL);
	return !(fds[1].revents & POLLIN);
}

static void *pager_thread(void *argument)
{
	struct pager *pager = argument;

	while (wait_for_more(pager)) {
		read_requests(pager);
		serve_due(pager);
	}
	return NULL;
}

static void be_urgent(struct pager *pager)
{
	struct sched_param param = { .sched_priority = 50 };
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	if (pthread_setaffinity_np(pager->thread, sizeof(first), &first) || pthread_setschedparam(pager->thread, SCHED_FIFO, &param))
		complain("the pager cannot be made urgent: it is not that of root");
}

static int open_uffd(struct pager *pager, size_t size)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .range = { (uintptr_t)pager->memory, size }, .mode = UFFDIO_REGISTER_MODE_MISSING };

	pager->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (pager->uffd < 0 || ioctl(pager->uffd, UFFDIO_API, &api) || ioctl(pager->uffd, UFFDIO_REGISTER, &reg)) {
		complain("userfaultfd: %s; it takes root, or vm.unprivileged_userfaultfd", strerror(errno));
		return -errno;
	}
	return 0;
}

static int start(struct pager *pager)
{
	size_t size = pager->options.pages * (size_t)PAGE;
	int err;

	pager->memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (pager->memory == MAP_FAILED) {
		pager->memory = NULL;
		complain("cannot map %zu MiB: %s", size >> 20, strerror(errno));
		return -errno;
	}
	err = open_uffd(pager, size);
	if (err)
		return err;
	pager->stop = eventfd(0, EFD_CLOEXEC);
	err = pthread_create(&pager->thread, NULL, pager_thread, pager);
	pager->started = !err;
	if (!err && pager->options.urgent)
		be_urgent(pager);
	return -err;
}

struct pager *pager_new(const struct pager_options *options)
{
	struct pager *pager = aligned_alloc(PAGE, (sizeof(*pager) + PAGE - 1) / PAGE * PAGE);

	if (!pager)
		return NULL;
	memset(pager, 0, sizeof(*pager));
	pager->options = *options;
	pager->uffd = pager->stop = -1;
	if (!start(pager))
		return pager;
	pager_free(pager);
	return NULL;
}

/* Closing the userfaultfd wakes whoever still waits. */
void pager_free(struct pager *pager)
{
	if (!pager)
		return;
	if (pager->started) {
		eventfd_write(pager->stop, 1);
		pthread_join(pager->thread, NULL);
	}
	if (pager->uffd >= 0)
		close(pager->uffd);
	if (pager->stop >= 0)
		close(pager->stop);
	if (pager->memory)
		munmap(pager->memory, pager->options.pages * (size_t)PAGE);
	free(pager->queue);
	free(pager);
}

void *pager_memory(struct pager *pager)
{
	return pager->memory;
}

struct pager_counts pager_counts(struct pager *pager)
{
	return pager->counts;
}
