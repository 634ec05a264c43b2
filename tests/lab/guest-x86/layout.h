/* SPDX-License-Identifier: GPL-2.0-only */
/* What the VMM and its guest share: where things lie in guest memory, and each vCPU's area. Both are x86_64 programs. */
#ifndef APF_GUEST_LAYOUT_H
#define APF_GUEST_LAYOUT_H

#include <stdint.h>

#define GUEST_GDT	0x8000
#define GUEST_TABLES	0x10000		/* one PML4, one page of pointers, four of 2 MiB entries: 4 GiB as they are */
#define GUEST_PAYLOAD	0x100000
#define GUEST_AREAS	0x1000000
#define AREA_SIZE	0x400000
#define MAX_VCPUS	8
#define GUEST_RAM_SIZE	(GUEST_AREAS + MAX_VCPUS * AREA_SIZE)

/* Where nothing is until it is touched and the VMM's pager brings it; each vCPU has its own part. */
#define GUEST_PAGED	0x40000000ULL
#define MAX_PAGES	16384
#define PAGED_SIZE	(MAX_PAGES * 4096ULL)
#define PAGED_OF(vcpu)	(GUEST_PAGED + (vcpu) * PAGED_SIZE)

#define CODE_SELECTOR	8
#define DATA_SELECTOR	16

#define MAX_TASKS	96
#define STACK_SIZE	4096
#define AREA_STACKS	0x100000	/* in an area: one for each task, and that of the idle loop */
#define AREA_TOUCHES	0x200000
#define MAX_TOUCHES	((AREA_SIZE - AREA_TOUCHES) / sizeof(struct touch))

#define IDLE		MAX_TASKS	/* index of the idle loop among the tasks */

enum mode {
	MODE_PLAIN,	/* the guest knows nothing of asynchronous page faults: its vCPU is halted meanwhile */
	MODE_IRQS_OFF,	/* interrupts are off, so that it cannot even be halted: the vCPU waits in the host */
	MODE_ENABLED,	/* it is told, and goes on with another task */
	MODE_USER_ONLY,	/* it asks to be told about its user mode alone, which it never enters */
	MODE_DEAF,	/* as enabled, but it acknowledges nothing */
};

/* The guest's answer to its VMM: what it writes to this port. */
#define PORT		0x5ec
enum {
	SAYS_PASS,	/* all pages were touched: take them away and come back */
	SAYS_UNEXPECTED,	/* an exception: area->unexpected */
};

/*
 * Instructions that do nothing, which tests/bench/qemu-plugin/count.c tells apart: a no-op with a long operand, whose displacement is
 * MARK and one of these.
 */
#define MARK 0x5de10000
enum {
	MARK_TOUCHES,		/* pages are touched from here */
	MARK_CPUIDS,		/* to here; and from here CPUID is asked for */
	MARK_MSRS,		/* to here; and from here an MSR is set */
	MARK_DEVICE,		/* to here; and from here a device is read */
	MARK_END,		/* to here */
};

/* One page touched; times are the guest's time stamp counter, 0 where it never came to that. */
struct touch {
	uint64_t gfn;
	uint64_t before, after;
	uint64_t told, ready;	/* in the handler of not-present, and of page-ready */
	uint64_t token;
};

enum task_state { TASK_DONE, TASK_RUNNABLE, TASK_PARKED };

struct frame;

struct task {
	struct frame *frame;	/* on its stack, while another one runs */
	uint64_t state;
	struct touch touch;
};

/* A vCPU's. Pointers in it are guest addresses. */
struct area {
	struct area *self;	/* the GS segment begins here */
	/* said by the VMM */
	uint64_t mode, tasks, pages;
	uint64_t work;		/* rounds of computing after each touch */
	uint64_t exits;		/* of each kind, after the last page of a task */
	uint64_t computes;	/* compute rather than halt where no task can run */
	uint64_t first_gfn;
	uint64_t stop;		/* touch no more pages, come to an end */
	/* said by the guest */
	uint64_t next_page, finished, current;
	uint64_t touched, parks, wakes, wake_alls, acks, strays;
	uint64_t work_done, idle_work;	/* rounds; idle: while every task was parked */
	uint64_t touches;	/* in the log; at most MAX_TOUCHES */
	uint64_t unexpected[4];	/* vector, error, RIP, CR2 */
	/* said by KVM: struct kvm_vcpu_pv_apf_data */
	struct {
		uint32_t flags, token;
		uint8_t pad[56];
	} apf __attribute__((aligned(64)));
	struct task list[MAX_TASKS + 1];
	struct {
		uint64_t low, high;
	} idt[256] __attribute__((aligned(16)));
};

#define AREA_OF(vcpu)	(GUEST_AREAS + (uint64_t)(vcpu) * AREA_SIZE)

_Static_assert(sizeof(struct area) <= AREA_STACKS, "an area has room for it");
_Static_assert(AREA_STACKS + (MAX_TASKS + 1) * STACK_SIZE <= AREA_TOUCHES, "and for the stacks");

#endif
