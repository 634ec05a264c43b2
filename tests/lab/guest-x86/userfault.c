// SPDX-License-Identifier: GPL-2.0-only
#include "userfault.h"

#include <errno.h>
#include <linux/kvm.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../guest/clock.h"
#include "../guest/say.h"
#include "pager.h"
#include "vm.h"

#define PAGE_SHIFT 12
#define PAGE (1UL << PAGE_SHIFT)
#define SYNC_EACH 4	/* one exit in so many is answered with the page itself */

/* --- what the kernel's patches add to <linux/kvm.h>, or later kernels have; under names of our own */

#define CAP_USERFAULT		246	/* KVM_CAP_ASYNC_PF_USERFAULT */
#define CAP_USERFAULT_EVENTFD	247
#define EXIT_MEMORY_FAULT	39	/* KVM_EXIT_MEMORY_FAULT */
#define MEMORY_FAULT_APF	(1ULL << 5)	/* KVM_MEMORY_EXIT_FLAG_APF */
#define OP_ACCEPT		1	/* KVM_APF_OP_ACCEPT */
#define OP_READY		2
#define PAGE_OFFSET_RINGS	3	/* KVM_APF_PAGE_OFFSET */
#define NOTIFY_ARMED		1	/* KVM_APF_SHARED_FLAG_NOTIFY_ARMED */

struct memory_fault {
	uint64_t flags, gpa, size;
};

struct request {		/* struct kvm_async_pf_req */
	uint64_t gpa;
	uint32_t op, flags;
	uint64_t reserved[2];
};

struct eventfds {		/* struct kvm_apf_eventfd */
	int32_t notify, complete;
	uint32_t flags, padding;
	uint64_t reserved[2];
};

#define ASYNC_PF	_IOW(KVMIO, 0xd6, struct request)
#define SET_EVENTFDS	_IOW(KVMIO, 0xd9, struct eventfds)

struct ring {			/* struct kvm_apf_ring */
	uint32_t head, pad_head[15];
	uint32_t tail, pad_tail[15];
	struct {
		uint64_t gpa, flags;
	} entries[RING_SIZE];
};

struct rings {			/* struct kvm_apf_shared_page */
	uint32_t version, ring_size, entry_size, flags;
	uint64_t reserved[6];
	struct ring notify, complete;
};

/* --- */

/* To one vCPU. */
struct channel {
	int fd;			/* the vCPU's */
	uint64_t exits;
	struct rings *rings;	/* NULL: none */
	int notify, complete;
	uint32_t next;		/* entry of the notify ring to be read */
};

struct userfault {
	struct pager *pager;
	unsigned int vcpus;
	struct channel channels[MAX_VCPUS];
	bool has_rings;
	int end;
	pthread_t thread;
};

static int fail(const char *what)
{
	int err = errno;

	complain("%s: %s", what, strerror(err));
	return err ? -err : -EIO;
}

/* --- saying */

static int say_to_kvm(const struct channel *channel, uint64_t gfn, uint32_t op)
{
	const struct request request = { .gpa = gfn << PAGE_SHIFT, .op = op };

	if (ioctl(channel->fd, ASYNC_PF, &request) == 0)
		return 0;
	return fail(op == OP_ACCEPT ? "cannot accept a page fault" : "cannot say that a page is there");
}

/* That a fault is through frees its place in the notify ring, too: entries are counted there, not named. */
static void complete_in_ring(const struct channel *channel, uint64_t gfn)
{
	struct rings *rings = channel->rings;
	uint32_t head = rings->complete.head;
	const uint64_t one = 1;

	__atomic_store_n(&rings->notify.tail, rings->notify.tail + 1, __ATOMIC_RELEASE);
	rings->complete.entries[head % RING_SIZE].gpa = gfn << PAGE_SHIFT;
	__atomic_store_n(&rings->complete.head, head + 1, __ATOMIC_RELEASE);
	if (write(channel->complete, &one, sizeof(one)) != sizeof(one))
		fail("cannot say that a page is there");
}

/* The pager has brought it. */
static void say_ready(void *context, struct serving *serving)
{
	struct userfault *userfault = context;
	const struct channel *channel = &userfault->channels[serving->vcpu];

	serving->saying = clock_now_ns();
	if (serving->told_by == TOLD_BY_RING)
		complete_in_ring(channel, serving->gfn);
	else
		say_to_kvm(channel, serving->gfn, OP_READY);
	serving->said = clock_now_ns();
}

/* --- told by an exit */

int userfault_answer(struct userfault *userfault, const struct vcpu *vcpu)
{
	struct channel *channel = &userfault->channels[vcpu->id];
	struct serving serving = { .vcpu = vcpu->id, .told_by = TOLD_BY_EXIT, .asked = clock_now_ns() };
	struct memory_fault fault;
	int err;

	memcpy(&fault, &vcpu->run->hw, sizeof(fault));	/* the first in the union */
	if (vcpu->run->exit_reason != EXIT_MEMORY_FAULT || !(fault.flags & MEMORY_FAULT_APF))
		return -ENOENT;
	serving.gfn = fault.gpa >> PAGE_SHIFT;
	if (++channel->exits % SYNC_EACH == 0) {
		serving.told_by = TOLD_BY_EXIT_SYNC;
		pager_bring(userfault->pager, &serving);
		return 0;
	}
	serving.accepting = clock_now_ns();
	err = say_to_kvm(channel, serving.gfn, OP_ACCEPT);
	serving.accepted = clock_now_ns();
	if (!err)
		pager_ask(userfault->pager, &serving);
	return err;
}

/* --- told by a ring */

static bool has_entry(const struct channel *channel)
{
	return __atomic_load_n(&channel->rings->notify.head, __ATOMIC_ACQUIRE) != channel->next;
}

static void take_entries(struct userfault *userfault, unsigned int vcpu)
{
	struct channel *channel = &userfault->channels[vcpu];

	for (; has_entry(channel); channel->next++) {
		const struct serving serving = {
			.gfn = channel->rings->notify.entries[channel->next % RING_SIZE].gpa >> PAGE_SHIFT,
			.vcpu = vcpu, .told_by = TOLD_BY_RING, .asked = clock_now_ns(),
		};

		pager_ask(userfault->pager, &serving);
	}
}

/* Asks KVM to wake whoever waits; false if there is something to take already. */
static bool arm(struct channel *channel)
{
	__atomic_fetch_or(&channel->rings->flags, NOTIFY_ARMED, __ATOMIC_SEQ_CST);
	return !has_entry(channel);
}

static void *run_rings(void *arg)
{
	struct userfault *userfault = arg;
	struct pollfd fds[MAX_VCPUS + 1] = { [MAX_VCPUS] = { .fd = userfault->end, .events = POLLIN } };
	bool armed;

	for (unsigned int i = 0; i < MAX_VCPUS; i++)
		fds[i] = (struct pollfd){ .fd = i < userfault->vcpus ? userfault->channels[i].notify : -1, .events = POLLIN };
	while (!fds[MAX_VCPUS].revents) {
		armed = true;
		for (unsigned int i = 0; i < userfault->vcpus; i++) {
			take_entries(userfault, i);
			armed &= arm(&userfault->channels[i]);
		}
		if (!armed || poll(fds, MAX_VCPUS + 1, -1) <= 0)
			continue;
		for (unsigned int i = 0; i < userfault->vcpus; i++) {
			uint64_t count;

			if (fds[i].revents && read(fds[i].fd, &count, sizeof(count)) != sizeof(count))
				fail("cannot read a notification");
		}
	}
	return NULL;
}

/* Its tail is ahead from the start, so that KVM finds room for no more than ring entries. */
static int open_ring(struct channel *channel, uint64_t ring)
{
	struct eventfds fds = { 0 };

	channel->notify = fds.notify = eventfd(0, EFD_CLOEXEC);
	channel->complete = fds.complete = eventfd(0, EFD_CLOEXEC);
	if (fds.notify < 0 || fds.complete < 0 || ioctl(channel->fd, SET_EVENTFDS, &fds))
		return fail("cannot have a ring of page faults");
	channel->rings = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, channel->fd, PAGE_OFFSET_RINGS * PAGE);
	if (channel->rings == MAP_FAILED)
		return fail("cannot map a ring of page faults");
	if (channel->rings->version != 1 || channel->rings->ring_size != RING_SIZE ||
	    channel->rings->entry_size != sizeof(channel->rings->notify.entries[0])) {
		complain("unknown ring of page faults: version %u", channel->rings->version);
		return -EPROTO;
	}
	__atomic_store_n(&channel->rings->notify.tail, (uint32_t)(ring - RING_SIZE), __ATOMIC_RELEASE);
	return 0;
}

/* --- life */

static int open_channel(struct vm *vm, struct channel *channel, uint64_t ring)
{
	const struct kvm_enable_cap enable = { .cap = CAP_USERFAULT, .args = { 1 } };

	if (ioctl(vm->fd, KVM_CHECK_EXTENSION, ring ? CAP_USERFAULT_EVENTFD : CAP_USERFAULT) <= 0) {
		complain("this kernel has no page faults that its user answers%s: see scripts/kernel, x86-userfault", ring ? " by a ring" : "");
		return -EOPNOTSUPP;
	}
	if (ioctl(channel->fd, KVM_ENABLE_CAP, &enable))
		return fail("cannot have page faults that are answered here");
	return ring ? open_ring(channel, ring) : 0;
}

static int start_rings(struct userfault *userfault)
{
	userfault->has_rings = true;
	userfault->end = eventfd(0, EFD_CLOEXEC);
	if (userfault->end < 0)
		return fail("cannot wait for page faults");
	errno = pthread_create(&userfault->thread, NULL, run_rings, userfault);
	return errno ? fail("cannot start a thread") : 0;
}

struct userfault *userfault_start(struct vm *vm, struct pager *pager, uint64_t ring)
{
	struct userfault *userfault = calloc(1, sizeof(*userfault));
	int err = 0;

	if (!userfault)
		return NULL;
	*userfault = (struct userfault){ .pager = pager, .vcpus = vm->options.vcpus };
	for (unsigned int i = 0; i < userfault->vcpus && !err; i++) {
		userfault->channels[i].fd = vm->vcpus[i].fd;
		err = open_channel(vm, &userfault->channels[i], ring);
	}
	if (!err && ring)
		err = start_rings(userfault);
	if (err) {
		free(userfault);
		return NULL;
	}
	pager_tell(pager, say_ready, userfault);
	vm->userfault = userfault;
	return userfault;
}

static void close_ring(struct channel *channel)
{
	const struct eventfds none = { .notify = -1 };

	if (ioctl(channel->fd, SET_EVENTFDS, &none))
		fail("cannot end a ring of page faults");
	munmap(channel->rings, PAGE);
	close(channel->notify);
	close(channel->complete);
}

static void end_rings(struct userfault *userfault)
{
	const uint64_t one = 1;

	if (write(userfault->end, &one, sizeof(one)) == sizeof(one))
		pthread_join(userfault->thread, NULL);
	close(userfault->end);
	for (unsigned int i = 0; i < userfault->vcpus; i++)
		close_ring(&userfault->channels[i]);
}

void userfault_end(struct userfault *userfault)
{
	if (userfault->has_rings)
		end_rings(userfault);
	free(userfault);
}
