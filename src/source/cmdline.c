// SPDX-License-Identifier: GPL-2.0-only
#include "source/cmdline.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "util/background.h"
#include "util/clock.h"

/* QEMU's command line can be longer, but its name comes early. */
#define CMDLINE_MAX_BYTES (64 << 10)

struct reader {
	enum { FREE, READING, READ } state;
	bool late;		/* nobody waits for it any more */
	uint32_t vm;
	int fd;
	struct cmdline answer;
};

/* Of this process, as its threads are. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t read;
	unsigned int late;	/* readers whose answer came late and was not taken yet */
	struct reader list[CMDLINE_READERS];
} readers = { .lock = PTHREAD_MUTEX_INITIALIZER, .read = PTHREAD_COND_INITIALIZER };

static size_t read_whole(int fd, char *bytes, size_t size)
{
	size_t used = 0;
	ssize_t got;

	while (used < size) {
		got = read(fd, bytes + used, size - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		used += got;
	}
	return used;
}

static void *run_reader(void *ctx)
{
	struct reader *r = ctx;
	size_t size = read_whole(r->fd, r->answer.bytes, CMDLINE_MAX_BYTES);

	close(r->fd);
	pthread_mutex_lock(&readers.lock);
	r->answer.size = size;
	r->state = READ;
	if (r->late)
		__atomic_fetch_add(&readers.late, 1, __ATOMIC_RELEASE);
	pthread_cond_broadcast(&readers.read);
	pthread_mutex_unlock(&readers.lock);
	return NULL;
}

/* The one that is at this VM, or has an answer about it that nobody took; NULL: none. */
static struct reader *reader_of(uint32_t vm)
{
	for (int i = 0; i < CMDLINE_READERS; i++)
		if (readers.list[i].state != FREE && readers.list[i].vm == vm)
			return &readers.list[i];
	return NULL;
}

static struct reader *free_reader(void)
{
	for (int i = 0; i < CMDLINE_READERS; i++)
		if (readers.list[i].state == FREE)
			return &readers.list[i];
	return NULL;
}

static bool copy(const struct reader *r, struct cmdline *c)
{
	char *bytes = malloc(r->answer.size + 1);

	if (!bytes)
		return false;
	memcpy(bytes, r->answer.bytes, r->answer.size);
	c->bytes = bytes;
	c->size = r->answer.size;
	return true;
}

/* Gives the answer away. */
static void take(struct reader *r, struct cmdline *c)
{
	*c = r->answer;
	memset(r, 0, sizeof(*r));
}

static bool start(struct reader *r, uint32_t vm, int fd, const struct cmdline *c)
{
	pthread_t thread;

	*r = (struct reader) { .state = READING, .vm = vm, .fd = fd, .answer = *c };
	r->answer.bytes = malloc(CMDLINE_MAX_BYTES);
	if (r->answer.bytes && background_thread(&thread, run_reader, r) == 0) {
		pthread_detach(thread);
		return true;
	}
	free(r->answer.bytes);
	memset(r, 0, sizeof(*r));
	return false;
}

static bool wait_for(struct reader *r, struct cmdline *c)
{
	uint64_t until_ns = clock_monotonic_ns() + CMDLINE_DEADLINE_MS * NS_PER_MS;
	const struct timespec until = { .tv_sec = until_ns / NS_PER_SEC, .tv_nsec = until_ns % NS_PER_SEC };
	int err = 0;

	while (r->state == READING && !err)
		err = pthread_cond_clockwait(&readers.read, &readers.lock, CLOCK_MONOTONIC, &until);
	if (r->state == READ) {
		take(r, c);
		return true;
	}
	r->late = true;
	return false;
}

/* fd is -1 afterwards if a reader has it now. */
static bool ask(uint32_t vm, int *fd, struct cmdline *c)
{
	struct reader *r = free_reader();

	if (!r || !start(r, vm, *fd, c))
		return false;
	*fd = -1;
	return wait_for(r, c);
}

bool cmdline_read(uint32_t vm, int fd, struct cmdline *c)
{
	struct reader *r;
	bool known;

	c->bytes = NULL;
	c->size = 0;
	if (fd < 0)
		return true;
	pthread_mutex_lock(&readers.lock);
	r = reader_of(vm);
	if (r)
		known = r->state == READ && copy(r, c);
	else
		known = ask(vm, &fd, c);
	pthread_mutex_unlock(&readers.lock);
	if (fd >= 0)
		close(fd);
	return known;
}

bool cmdline_is_awaited(uint32_t vm)
{
	struct reader *r;
	bool awaited;

	pthread_mutex_lock(&readers.lock);
	r = reader_of(vm);
	awaited = r && r->state == READING;
	pthread_mutex_unlock(&readers.lock);
	return awaited;
}

bool cmdline_take_late(uint32_t *vm, struct cmdline *c)
{
	bool found = false;

	if (!__atomic_load_n(&readers.late, __ATOMIC_ACQUIRE))
		return false;
	pthread_mutex_lock(&readers.lock);
	for (int i = 0; i < CMDLINE_READERS && !found; i++) {
		struct reader *r = &readers.list[i];

		found = r->state == READ && r->late;
		if (!found)
			continue;
		*vm = r->vm;
		take(r, c);
		__atomic_fetch_sub(&readers.late, 1, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&readers.lock);
	return found;
}

void cmdline_clear(struct cmdline *c)
{
	free(c->bytes);
	c->bytes = NULL;
	c->size = 0;
}
