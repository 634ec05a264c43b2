// SPDX-License-Identifier: GPL-2.0-only
#include "ras.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

#define EVENT 2
#define SLOT 1				/* of the pages, in KVM */
#define PATIENCE_NS 10000000000ull	/* until a failure that is told at once must have been heard of */

struct heard {			/* by SIGBUS */
	uint8_t *address;
	int code;
	uint64_t ns;
};

struct failed {
	uint32_t page;		/* of all */
	unsigned int vcpu;	/* that was told */
	uint32_t index;		/* of its struct failure */
	bool required;		/* action: BUS_MCEERR_AR */
	bool on_vcpu;		/* heard on the vCPU's thread */
	uint64_t heard_ns;
	bool told;		/* the event was injected */
};

struct ras {
	enum memory memory;
	uint8_t *pages;
	uint32_t nr_pages;
	struct vm *vm;
	pid_t poisoner;
	int channel;		/* to it: the number of a page, answered by 0 or -errno */
	pthread_t listener;
	bool listening;
	pthread_mutex_t lock;	/* of what follows, and of the channel */
	uint32_t next[MAX_VCPUS];	/* of each vCPU's pages, that may be poisoned */
	uint32_t poisoned;
	bool busy;		/* a page has been poisoned, or is being, that nobody was told of */
	struct failed *failed;
	uint32_t nr_failed;
};

/* the other process ------------------------------------------------------------ */

static void nothing(int number)
{
}

/* Each page it poisons is told to it, too: it was the one to touch it. */
static void poison_by_request(const struct ras *ras, int channel)
{
	struct sigaction action = { .sa_handler = nothing };
	uint32_t page;

	sigaction(SIGBUS, &action, NULL);
	while (read(channel, &page, sizeof(page)) == sizeof(page)) {
		int error = madvise(ras->pages + page * PAGE_SIZE, PAGE_SIZE, MADV_HWPOISON) ? -errno : 0;

		if (write(channel, &error, sizeof(error)) != sizeof(error))
			break;
	}
	_exit(0);
}

static int start_poisoner(struct ras *ras)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) {
		complain("socketpair: %s", strerror(errno));
		return -errno;
	}
	ras->channel = ends[0];
	ras->poisoner = fork();
	if (!ras->poisoner) {
		close(ends[0]);
		poison_by_request(ras, ends[1]);
	}
	close(ends[1]);
	if (ras->poisoner > 0)
		return 0;
	complain("fork: %s", strerror(errno));
	return -errno;
}

/* A vCPU's thread may be kicked meanwhile. */
static int ask_poisoner(struct ras *ras, uint32_t page)
{
	int error;

	if (TEMP_FAILURE_RETRY(write(ras->channel, &page, sizeof(page))) != sizeof(page) ||
	    TEMP_FAILURE_RETRY(read(ras->channel, &error, sizeof(error))) != sizeof(error))
		error = -EPIPE;
	if (error)
		complain("madvise(MADV_HWPOISON) of page %u: %s; it needs root, and CONFIG_MEMORY_FAILURE in the host's kernel", page,
			 strerror(-error));
	return error;
}

/* what the VMM does about it ------------------------------------------------------ */

/* With the lock. */
static struct failed *find_failed(struct ras *ras, uint32_t page)
{
	for (uint32_t i = 0; i < ras->nr_failed; i++)
		if (ras->failed[i].page == page)
			return &ras->failed[i];
	return NULL;
}

/* Whether it was not known yet; the guest may read of it from now on. */
static bool note_failed(struct ras *ras, const struct failed *failed)
{
	struct pages *pages = &ras->vm->vcpus[failed->vcpu].area->pages;
	struct failure *failures = vm_memory(ras->vm, pages->failures);
	uint32_t index;
	bool new;

	pthread_mutex_lock(&ras->lock);
	index = pages->failed;
	new = !find_failed(ras, failed->page);
	if (new) {
		ras->failed[ras->nr_failed] = *failed;
		ras->failed[ras->nr_failed++].index = index;
		failures[index].address = GUEST_PAGES + (uint64_t)failed->page * PAGE_SIZE;
		__atomic_store_n(&pages->failed, index + 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&ras->lock);
	return new;
}

struct awaited {
	struct ras *ras;
	uint32_t page;
};

static bool is_told(void *of)
{
	const struct awaited *awaited = of;
	const struct failed *failed;
	bool told;

	pthread_mutex_lock(&awaited->ras->lock);
	failed = find_failed(awaited->ras, awaited->page);
	told = failed && failed->told;
	pthread_mutex_unlock(&awaited->ras->lock);
	return told;
}

static void set_told(struct ras *ras, uint32_t page)
{
	pthread_mutex_lock(&ras->lock);
	find_failed(ras, page)->told = true;
	pthread_mutex_unlock(&ras->lock);
	vm_tell(ras->vm);
}

static void put_fresh_page(struct ras *ras, uint32_t page)
{
	void *at = ras->pages + (uint64_t)page * PAGE_SIZE;

	if (mmap(at, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
		return;
	complain("cannot put a fresh page in the place of one that has failed: %s", strerror(errno));
	ras->vm->failed = true;
}

static void signal_event(struct ras *ras, struct vcpu *hearing, struct vcpu *target, uint32_t page)
{
	int err = vcpu_inject(hearing, target, EVENT);

	if (!err)
		return;
	complain("vCPU %u cannot be told that page %u has failed: %s", target->id, page, strerror(-err));
	ras->vm->failed = true;
}

/* hearing: the vCPU whose thread heard of it, NULL if none did. */
static void tell(struct ras *ras, struct vcpu *hearing, const struct heard *heard)
{
	uint32_t page = (heard->address - ras->pages) / PAGE_SIZE;
	struct vcpu *target = hearing ?: &ras->vm->vcpus[page / PAGES_OF_VCPU];
	struct failed failed = { .page = page, .vcpu = target->id, .required = heard->code == BUS_MCEERR_AR, .on_vcpu = hearing,
				 .heard_ns = heard->ns };

	if (note_failed(ras, &failed)) {
		put_fresh_page(ras, page);
		signal_event(ras, hearing, target, page);
		set_told(ras, page);
	} else if (hearing) {		/* it must not go on before it is told */
		vcpu_stay(hearing, is_told, &(struct awaited){ ras, page }, PATIENCE_NS);
	}
}

static bool is_ours(const struct ras *ras, const siginfo_t *info)
{
	const uint8_t *address = info->si_addr;

	return (info->si_code == BUS_MCEERR_AO || info->si_code == BUS_MCEERR_AR) && address >= ras->pages &&
	       address < ras->pages + (uint64_t)ras->nr_pages * PAGE_SIZE;
}

/* On a vCPU's thread, at the end of KVM_RUN: what is heard there, until interrupted() looks. */
static __thread struct heard heard_here;
static struct ras *handled;		/* whose pages SIGBUS is about */

static void on_bus(int number, siginfo_t *info, void *context)
{
	if (heard_here.code || !is_ours(handled, info)) {
		signal(SIGBUS, SIG_DFL);	/* the VMM's own mistake comes again at once */
		return;
	}
	heard_here = (struct heard){ info->si_addr, info->si_code, clock_now_ns() };
}

static void interrupted(struct vcpu *vcpu)
{
	struct heard heard = heard_here;

	if (!heard.code)
		return;
	heard_here = (struct heard){ 0 };
	tell(vcpu->vm->check_context, vcpu, &heard);
}

/* A thread that is told of every failure at once, and takes the signal when it likes. Any other SIGBUS ends it. */
static void *hear(void *argument)
{
	struct ras *ras = argument;
	siginfo_t info;
	sigset_t bus;

	sigemptyset(&bus);
	sigaddset(&bus, SIGBUS);
	while (sigwaitinfo(&bus, &info) < 0 || is_ours(ras, &info)) {
		struct heard heard = { info.si_addr, info.si_code, clock_now_ns() };

		tell(ras, NULL, &heard);
	}
	return NULL;
}

/* It begins with this thread's policy and blocked signals. */
static int start_listener(struct ras *ras)
{
	sigset_t bus, before;
	int err;

	sigemptyset(&bus);
	sigaddset(&bus, SIGBUS);
	pthread_sigmask(SIG_BLOCK, &bus, &before);
	err = prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0) ? errno : pthread_create(&ras->listener, NULL, hear, ras);
	prctl(PR_MCE_KILL, PR_MCE_KILL_CLEAR, 0, 0, 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	ras->listening = !err;
	if (err)
		complain("cannot start a thread that is told of memory that fails: %s", strerror(err));
	return -err;
}

static bool get_busy(void *of)
{
	struct ras *ras = of;
	bool got;

	pthread_mutex_lock(&ras->lock);
	got = !ras->busy;
	ras->busy = true;
	pthread_mutex_unlock(&ras->lock);
	return got;
}

static void end_busy(struct ras *ras)
{
	pthread_mutex_lock(&ras->lock);
	ras->busy = false;
	pthread_mutex_unlock(&ras->lock);
	vm_tell(ras->vm);
}

/* The target's next page that it has not touched; *page is which. */
static int poison_next(struct ras *ras, const struct vcpu *target, uint32_t *page)
{
	uint32_t *next = &ras->next[target->id], touched = target->area->pages.touched;
	int err;

	pthread_mutex_lock(&ras->lock);
	*next = touched > *next ? touched : *next;
	*page = target->id * PAGES_OF_VCPU + *next;
	err = *next < PAGES_OF_VCPU ? ask_poisoner(ras, *page) : -ERANGE;
	*next += !err;
	ras->poisoned += !err;
	pthread_mutex_unlock(&ras->lock);
	return err;
}

/*
 * Where the VMM hears of it at once, returns when it has injected the event. One at a time: SIGBUS is not queued, of two that come before
 * the first is taken the second is lost.
 */
static int64_t poison(struct ras *ras, struct vcpu *vcpu, uint32_t target)
{
	struct awaited awaited = { .ras = ras };
	int64_t err;

	if (target >= ras->vm->nr_vcpus)
		return -EINVAL;
	if (!vcpu_stay(vcpu, get_busy, ras, PATIENCE_NS))
		return -ETIMEDOUT;
	err = poison_next(ras, &ras->vm->vcpus[target], &awaited.page);
	if (!err && ras->memory == MEMORY_EARLY && !vcpu_stay(vcpu, is_told, &awaited, PATIENCE_NS))
		err = -ETIMEDOUT;
	end_busy(ras);
	return err;
}

static int64_t serve(struct vcpu *vcpu, enum context which, const struct door *door)
{
	return door->immediate == CHECK_POISON ? poison(vcpu->vm->check_context, vcpu, door->target) : 0;
}

/* life ------------------------------------------------------------------------------ */

/* Shared, or the other process would poison copies. */
static int map_pages(struct ras *ras)
{
	uint64_t size = (uint64_t)ras->nr_pages * PAGE_SIZE;
	int fd = memfd_create("pages", MFD_CLOEXEC);

	if (fd >= 0 && !ftruncate(fd, size))
		ras->pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (ras->pages == MAP_FAILED) {
		complain("cannot map %u pages that may fail: %s", ras->nr_pages, strerror(errno));
		return -errno;
	}
	for (uint32_t i = 0; i < ras->nr_pages; i++)
		*(uint64_t *)(ras->pages + (uint64_t)i * PAGE_SIZE) = GUEST_PAGES + (uint64_t)i * PAGE_SIZE;
	return 0;
}

struct ras *ras_new(enum memory memory, unsigned int vcpus)
{
	struct ras *ras = calloc(1, sizeof(*ras));

	if (!ras)
		abort();
	*ras = (struct ras){ .memory = memory, .pages = MAP_FAILED, .nr_pages = vcpus * PAGES_OF_VCPU, .channel = -1 };
	pthread_mutex_init(&ras->lock, NULL);
	ras->failed = calloc(ras->nr_pages, sizeof(*ras->failed));
	if (!ras->failed)
		abort();
	if (!map_pages(ras) && !start_poisoner(ras))
		return ras;
	ras_free(ras);
	return NULL;
}

int ras_attach(struct ras *ras, struct vm *vm)
{
	struct sigaction action = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO };
	struct kvm_userspace_memory_region region = {
		.slot = SLOT, .guest_phys_addr = GUEST_PAGES, .memory_size = (uint64_t)ras->nr_pages * PAGE_SIZE,
		.userspace_addr = (uintptr_t)ras->pages,
	};

	ras->vm = vm;
	vm->check = serve;
	vm->check_context = ras;
	vm->interrupted = interrupted;
	handled = ras;
	sigaction(SIGBUS, &action, NULL);
	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region)) {
		complain("KVM_SET_USER_MEMORY_REGION of the pages that may fail: %s", strerror(errno));
		return -errno;
	}
	return ras->memory == MEMORY_EARLY ? start_listener(ras) : 0;
}

void ras_free(struct ras *ras)
{
	if (!ras)
		return;
	if (ras->listening) {
		pthread_kill(ras->listener, SIGBUS);
		pthread_join(ras->listener, NULL);
	}
	if (ras->channel >= 0)
		close(ras->channel);
	if (ras->poisoner > 0)
		waitpid(ras->poisoner, NULL, 0);
	if (ras->pages != MAP_FAILED)
		munmap(ras->pages, (uint64_t)ras->nr_pages * PAGE_SIZE);
	pthread_mutex_destroy(&ras->lock);
	free(ras->failed);
	free(ras);
}

/* what has happened -------------------------------------------------------------------- */

static const struct failure *failure_of(const struct ras *ras, const struct failed *failed)
{
	const struct pages *pages = &ras->vm->vcpus[failed->vcpu].area->pages;

	return (const struct failure *)vm_memory(ras->vm, pages->failures) + failed->index;
}

/* When the handler that took it was entered, counter value; 0 without logs. */
static uint64_t entry_of(const struct ras *ras, const struct failed *failed)
{
	const struct log *runs = &ras->vm->vcpus[failed->vcpu].area->runs;
	const struct failure *failure = failure_of(ras, failed);

	if (!failure->taken || !ras->vm->options.logging || failure->run >= runs->capacity)
		return 0;
	return ((const struct run *)vm_memory(ras->vm, runs->base))[failure->run].entry;
}

unsigned int ras_check(const struct ras *ras)
{
	unsigned int wrong = 0;

	if (ras->poisoned != ras->nr_failed) {
		complain("%u pages were poisoned, the VMM heard of %u", ras->poisoned, ras->nr_failed);
		wrong++;
	}
	for (uint32_t i = 0; i < ras->nr_failed; i++) {
		const struct failed *failed = &ras->failed[i];

		if (failure_of(ras, failed)->taken && failed->vcpu == failed->page / PAGES_OF_VCPU)
			continue;
		complain("page %u has failed, but vCPU %u, which was told, %s", failed->page, failed->vcpu,
			 failed->vcpu == failed->page / PAGES_OF_VCPU ? "never took it" : "is not the one that has it");
		wrong++;
	}
	return wrong;
}

static void write_failed(FILE *out, const struct ras *ras, const struct failed *failed)
{
	const struct failure *failure = failure_of(ras, failed);

	fprintf(out, "{\"page\":%u,\"vcpu\":%u,\"action\":\"%s\",\"heard_by\":\"%s\",\"sigbus_ns\":%" PRIu64 ",\"run\":%u,\"entry_ns\":%" PRIu64
		",\"taken_ns\":%" PRIu64 "}", failed->page, failed->vcpu, failed->required ? "required" : "optional",
		failed->on_vcpu ? "vcpu" : "other", failed->heard_ns, failure->run, clock_to_ns(entry_of(ras, failed)),
		clock_to_ns(failure->taken));
}

void ras_write(FILE *out, const struct ras *ras)
{
	fputs("\"failures\":[", out);
	for (uint32_t i = 0; i < ras->nr_failed; i++) {
		fputs(i ? ",\n" : "\n", out);
		write_failed(out, ras, &ras->failed[i]);
	}
	fputs("],\n", out);
}

void ras_say(const struct ras *ras)
{
	uint64_t least = UINT64_MAX, most = 0;

	for (uint32_t i = 0; i < ras->nr_failed; i++) {
		uint64_t taken = clock_to_ns(failure_of(ras, &ras->failed[i])->taken), heard = ras->failed[i].heard_ns;
		uint64_t ns = taken > heard ? taken - heard : 0;

		least = ns < least ? ns : least;
		most = ns > most ? ns : most;
	}
	if (ras->nr_failed)
		printf("%u pages failed; from SIGBUS to the guest's knowing of it: %" PRIu64 " to %" PRIu64 " us\n", ras->nr_failed, least / 1000,
		       most / 1000);
}
