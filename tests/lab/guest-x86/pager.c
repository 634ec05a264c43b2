// SPDX-License-Identifier: GPL-2.0-only
#include "pager.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../guest/clock.h"
#include "../guest/say.h"

#define PAGE 4096
#define MAX_WAITING 1024	/* more than MAX_VCPUS * 64 and their threads */
#define MAX_KEPT 200000

struct waiting {
	struct serving serving;
	uint64_t due;
};

struct pager {
	int fd, wake;
	bool ended;
	pthread_mutex_t lock;	/* of what is waiting and what is kept: vCPUs' threads ask, too */
	void (*ready)(void *context, struct serving *serving);
	void *context;
	struct delay delay;
	uint64_t random;
	uint8_t *memory;
	uint64_t first_gfn;
	struct waiting waiting[MAX_WAITING];
	size_t count;
	struct serving *servings;
	size_t kept;
	uint64_t total;
	uint64_t source[PAGE / sizeof(uint64_t)];
	pthread_t thread;
};

/* --- how long */

static bool parse_time(const char *text, uint64_t *ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = { { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 } };
	char *end;
	uint64_t value = strtoull(text, &end, 10);

	if (end == text || value > 3600)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].name) == 0) {
			*ns = value * units[i].ns;
			return true;
		}
	return false;
}

bool delay_parse(struct delay *delay, const char *text)
{
	char low[16], high[16] = "";
	unsigned int percent = 0;

	*delay = (struct delay){ 0 };
	if (sscanf(text, "fixed:%15[0-9a-z]", low) == 1)
		return parse_time(low, &delay->low_ns);
	if (sscanf(text, "bimodal:%15[0-9a-z],%15[0-9a-z],%u", low, high, &percent) == 3)
		delay->kind = DELAY_BIMODAL;
	else if (sscanf(text, "tail:%15[0-9a-z],%15[0-9a-z]", low, high) == 2)
		delay->kind = DELAY_TAIL;
	delay->percent = percent;
	return delay->kind && percent <= 100 && parse_time(low, &delay->low_ns) && parse_time(high, &delay->high_ns);
}

/* xorshift: the same row of delays in every run. */
static uint64_t random_number(struct pager *pager)
{
	pager->random ^= pager->random << 13;
	pager->random ^= pager->random >> 7;
	pager->random ^= pager->random << 17;
	return pager->random;
}

static uint64_t next_delay(struct pager *pager)
{
	const struct delay *d = &pager->delay;
	uint64_t ns = d->low_ns, random = random_number(pager);

	if (d->kind == DELAY_BIMODAL)
		return random % 100 < d->percent ? d->high_ns : d->low_ns;
	for (; d->kind == DELAY_TAIL && random & 1 && ns < d->high_ns; random >>= 1)
		ns *= 2;
	return d->kind == DELAY_TAIL && ns > d->high_ns ? d->high_ns : ns;
}

/* --- requests */

static bool is_waiting(const struct pager *pager, uint64_t gfn)
{
	for (size_t i = 0; i < pager->count; i++)
		if (pager->waiting[i].serving.gfn == gfn)
			return true;
	return false;
}

static void add(struct pager *pager, const struct serving *serving)
{
	if (pager->count == MAX_WAITING) {
		complain("more than %d pages are asked for at once", MAX_WAITING);
		abort();
	}
	pager->waiting[pager->count++] = (struct waiting){ *serving, serving->asked + next_delay(pager) };
}

/* A page may be asked for by a worker and by its vCPU. */
static void take_request(struct pager *pager, uint64_t address)
{
	const struct serving serving = {
		.gfn = pager->first_gfn + (address - (uintptr_t)pager->memory) / PAGE, .asked = clock_now_ns(),
	};

	if (!is_waiting(pager, serving.gfn))
		add(pager, &serving);
}

static void read_requests(struct pager *pager)
{
	struct uffd_msg messages[32];
	ssize_t size = read(pager->fd, messages, sizeof(messages));

	for (ssize_t i = 0; i < size / (ssize_t)sizeof(messages[0]); i++)
		if (messages[i].event == UFFD_EVENT_PAGEFAULT)
			take_request(pager, messages[i].arg.pagefault.address);
}

static void wake(struct pager *pager)
{
	const uint64_t one = 1;

	if (write(pager->wake, &one, sizeof(one)) != sizeof(one))
		complain("cannot wake the pager: %s", strerror(errno));
}

void pager_tell(struct pager *pager, void (*ready)(void *context, struct serving *serving), void *context)
{
	pager->ready = ready;
	pager->context = context;
}

void pager_ask(struct pager *pager, const struct serving *serving)
{
	pthread_mutex_lock(&pager->lock);
	add(pager, serving);
	pthread_mutex_unlock(&pager->lock);
	wake(pager);
}

static void keep(struct pager *pager, const struct serving *serving)
{
	pager->total++;
	if (pager->kept < MAX_KEPT)
		pager->servings[pager->kept++] = *serving;
}

/* False: it was there. That is a request which was read again, as its page had just been brought. */
static bool copy_page(struct pager *pager, struct serving *serving)
{
	struct uffdio_copy copy = {
		.dst = (uintptr_t)pager->memory + (serving->gfn - pager->first_gfn) * PAGE, .src = (uintptr_t)pager->source, .len = PAGE,
	};
	int failed;

	serving->before = clock_now_ns();
	failed = ioctl(pager->fd, UFFDIO_COPY, &copy);
	serving->after = clock_now_ns();
	if (failed && errno != EEXIST)
		complain("cannot bring a page: %s", strerror(errno));
	return !failed;
}

/* Whoever asked by pager_ask() has to hear of it even if it was there. */
static void bring_and_tell(struct pager *pager, struct serving *serving)
{
	bool brought = copy_page(pager, serving);

	if (serving->told_by != TOLD_BY_UFFD)
		pager->ready(pager->context, serving);
	if (brought)
		keep(pager, serving);
}

void pager_bring(struct pager *pager, struct serving *serving)
{
	pthread_mutex_lock(&pager->lock);
	if (copy_page(pager, serving))
		keep(pager, serving);
	pthread_mutex_unlock(&pager->lock);
}

/* Brings what is due; when the next one is, UINT64_MAX if there is none. */
static uint64_t serve(struct pager *pager, uint64_t now)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < pager->count;) {
		if (pager->waiting[i].due > now) {
			next = pager->waiting[i].due < next ? pager->waiting[i].due : next;
			i++;
			continue;
		}
		bring_and_tell(pager, &pager->waiting[i].serving);
		pager->waiting[i] = pager->waiting[--pager->count];
	}
	return next;
}

/* Reads what is asked for and brings what is due; when that is next. */
static uint64_t work(struct pager *pager, uint64_t now, bool asked)
{
	uint64_t next;

	pthread_mutex_lock(&pager->lock);
	if (asked)
		read_requests(pager);
	next = serve(pager, now);
	pthread_mutex_unlock(&pager->lock);
	return next;
}

static void *run_pager(void *arg)
{
	struct pager *pager = arg;
	struct pollfd fds[] = { { .fd = pager->fd, .events = POLLIN }, { .fd = pager->wake, .events = POLLIN } };
	bool asked = false;
	uint64_t count;

	while (!__atomic_load_n(&pager->ended, __ATOMIC_RELAXED)) {
		uint64_t now = clock_now_ns(), next = work(pager, now, asked);
		const struct timespec wait = { (next - now) / 1000000000, (next - now) % 1000000000 };

		asked = ppoll(fds, 2, next == UINT64_MAX ? NULL : &wait, NULL) > 0 && fds[0].revents;
		if (fds[1].revents && read(pager->wake, &count, sizeof(count)) != sizeof(count))
			complain("cannot read who woke the pager: %s", strerror(errno));
	}
	return NULL;
}

/* --- life */

static int open_uffd(struct pager *pager, size_t size)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { (uintptr_t)pager->memory, size }, .mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	pager->fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (pager->fd < 0 || ioctl(pager->fd, UFFDIO_API, &api) || ioctl(pager->fd, UFFDIO_REGISTER, &range))
		return -errno;
	pager->wake = eventfd(0, EFD_CLOEXEC);
	return pager->wake < 0 ? -errno : 0;
}

struct pager *pager_start(void *memory, size_t size, uint64_t first_gfn, const struct delay *delay)
{
	struct pager *pager = calloc(1, sizeof(*pager));
	int err;

	if (!pager)
		return NULL;
	*pager = (struct pager){
		.memory = memory, .first_gfn = first_gfn, .delay = *delay, .random = 88172645463325252ULL,
		.servings = calloc(MAX_KEPT, sizeof(struct serving)), .lock = PTHREAD_MUTEX_INITIALIZER,
	};
	err = pager->servings ? open_uffd(pager, size) : -ENOMEM;
	if (!err)
		err = -pthread_create(&pager->thread, NULL, run_pager, pager);
	if (!err)
		return pager;
	complain("cannot bring pages by userfaultfd: %s", strerror(-err));
	return NULL;
}

void pager_stop(struct pager *pager)
{
	__atomic_store_n(&pager->ended, true, __ATOMIC_RELAXED);
	wake(pager);
	pthread_join(pager->thread, NULL);
}

const struct serving *pager_servings(const struct pager *pager, size_t *count, uint64_t *total)
{
	*count = pager->kept;
	*total = pager->total;
	return pager->servings;
}

void pager_free(struct pager *pager)
{
	close(pager->fd);
	close(pager->wake);
	free(pager->servings);
	free(pager);
}
