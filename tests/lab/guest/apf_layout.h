/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What sdei-guest --apf and its payload share, on top of layout.h: a vCPU's tasks, their pages, and the log of every
 * first touch of a page. The payload writes what it counts, the VMM the rest before the vCPU runs.
 */
#ifndef SDEI_GUEST_APF_LAYOUT_H
#define SDEI_GUEST_APF_LAYOUT_H

#include "layout.h"

#define GUEST_APF		0x1000000000	/* the pages that are served late, for EL0 */
#define GUEST_APF_EL1		0x1040000000	/* the same pages, for EL1 only: PAN does not matter there */
#define APF_PPI			20
#define APF_MAX_TASKS		80
#define APF_LOSSES		3		/* wake-ups that are forgotten: fewer than there are tasks */
#define APF_STACK_SIZE		0x2000

/* Within a vCPU's 64 MiB, instead of the script payload's parts. */
#define APF_AREA		0x10000		/* struct apf_vcpu */
#define APF_SCHED_STACK		0x48000
#define APF_HANDLER_STACK	0x50000
#define APF_STACKS		0x100000	/* of the tasks */
#define APF_TOUCHES		0x1000000	/* struct touch */
#define APF_TOUCHES_SIZE	0x1000000
#define APF_DATA		0x3000000	/* struct apf_data, a page of its own */

#define TASK_X		0
#define TASK_SP		248
#define TASK_PC		256
#define TASK_PSTATE	264

#define APF_SCHED_SP		0
#define APF_CURRENT		8
#define APF_HANDLER_SP		16

#ifndef __ASSEMBLER__

/* How the guest behaves; VMM and payload switch on it. */
enum apf_mode {
	APF_PARK,	/* not present: the task is parked, another one runs */
	APF_WAIT,	/* complete: the vCPU waits for the page */
	APF_NEVER_ACK,	/* likewise, and the first page-ready interrupt is never acknowledged */
	APF_BARE,	/* there is nothing that the guest could ask for */
	APF_OFF,	/* the guest does not ask for it */
	APF_MASKED,	/* the PE stays masked */
	APF_NO_HANDLER,	/* event 1 is never enabled */
	APF_USER_ONLY,	/* asked for EL0's faults only; tasks alternate between EL0 and EL1 */
	APF_UNREAD,	/* the handler does not take the fault from the data */
	APF_BUSY,	/* the handler touches a page, too */
	APF_SIGNALS,	/* odd vCPUs signal event 0 to those before them all the time */
	APF_FULL,	/* pages come only when all tasks have faulted */
	APF_IRQS_OFF,	/* tasks alternate between EL0 and EL1 with interrupts masked */
	APF_WRITE_BACK,	/* the VMM writes back what it has read of the registers while tasks are parked */
	APF_SUSPEND,	/* the VMM suspends the vCPU while tasks are parked; their pages come in meanwhile */
	APF_RESTORE,	/* the VMM restores the vCPU, as after a migration, while tasks are parked */
	APF_RESTORE_RAISED,	/* likewise, while a page-ready interrupt is raised */
	APF_FORGET,	/* the VMM forgets page-ready interrupts that are raised, as one that restores vCPUs without them */
	APF_DISABLE,	/* the guest switches it off and on while tasks are parked */
	APF_RENEW,	/* interrupts are never acknowledged until it is switched off and on; then as APF_PARK */
	APF_RESET,	/* the vCPU is reset while tasks are parked */
	APF_IN_TIME,	/* pages come before the vCPU is back in the guest */
	APF_NO_ACCESS,	/* the guest's data cannot be written */
	APF_BROKEN,	/* pages that do not come: KVM_RUN fails */
	APF_EXIT,	/* the VM ends with faults in flight */
	NR_APF_MODES,
};

/* What a vCPU asks its VMM thread for, as DOOR_CHECK; on top of enum check. */
enum apf_door {
	APF_DOOR_START = 16,	/* it begins */
	APF_DOOR_RESTORE,	/* restore the registers */
	APF_DOOR_WRITE_BACK,	/* write them back */
	APF_DOOR_SUSPEND,	/* suspend the vCPU until pages have come */
	APF_DOOR_HIDE,		/* take the data away */
	APF_DOOR_SHOW,		/* give it back */
	APF_DOOR_FORGET,	/* nothing is to be acknowledged */
};

enum task_state { TASK_NEW, TASK_READY, TASK_PARKED, TASK_DONE };

struct touch {			/* of a page that was never touched before; counter values, 0 if it did not happen */
	uint64_t before, not_present, woken, after;
	uint32_t page;		/* in the region */
	uint32_t token;		/* of the last fault that the guest was told of */
	uint32_t told;		/* faults that it was */
	uint16_t task;
	uint8_t el, parked;
};

struct task {
	uint64_t x[31];
	uint64_t sp, pc, pstate;
	uint64_t stack;		/* where it starts */
	uint32_t index, state;
	uint32_t token;		/* while parked */
	uint32_t next;		/* of its pages: those before have been touched */
	uint64_t touch;		/* guest address of the struct touch under way */
};

struct apf_slot {
	volatile uint32_t reason, token;
};

struct apf_data {		/* KVM's struct kvm_apf_data */
	struct apf_slot not_present, ready;
	uint8_t reserved[48];
};

struct apf_vcpu {
	uint64_t sched_sp;
	uint64_t current;	/* guest address of the running struct task, 0 in the scheduler */
	uint64_t handler_sp;
	uint32_t mode, tasks, pages;	/* pages: of each task */
	uint32_t first_page;	/* of this vCPU's, in the region */
	uint64_t page_bytes;	/* guest address of the region */
	uint32_t boots, nr_touches;
	uint32_t not_present, parks, waits;	/* handler runs of event 1, and what they did */
	uint32_t handler_touches;
	uint32_t signalled;	/* handler runs of event 0 */
	uint32_t sent;		/* EVENT_SIGNAL that were accepted */
	uint32_t ready, wake_alls, unknown;	/* page-ready interrupts; wake-all; whose token nobody waits for */
	uint32_t woken;		/* tasks */
	uint32_t acks;		/* accepted */
	uint32_t deeds;		/* restored, switched off and on, reset, ended: at most once; or a wake-up was forgotten */
	uint32_t abandoned;	/* tasks that were parked then */
	uint32_t lost;		/* wake-ups that were forgotten: of the tasks whose tokens are */
	uint32_t lost_tokens[APF_LOSSES];
	uint32_t wrong;		/* things that must not be, see `complaint` */
	uint32_t complaint;	/* enum apf_wrong of the first */
	uint32_t done;		/* tasks */
	uint32_t work, work_done;	/* units of parallel work, for when no task can run: how many, and how far it is */
	uint32_t work_parked;	/* of those done, how many while a task was parked */
	uint64_t started, ended;	/* counter values around all that */
	struct task task[APF_MAX_TASKS];
};

enum apf_wrong {
	WRONG_NOTHING, WRONG_REASON, WRONG_TOKEN, WRONG_CONTENT, WRONG_READY, WRONG_ACK, WRONG_ENABLE, WRONG_FEATURES,
	WRONG_INTERRUPT, WRONG_NESTED, WRONG_SDEI, WRONG_SUSPEND,
};

#define APF_OF(vcpu)	(AREA_OF(vcpu) + APF_AREA)

_Static_assert(offsetof(struct task, sp) == TASK_SP, "asm");
_Static_assert(offsetof(struct task, pc) == TASK_PC, "asm");
_Static_assert(offsetof(struct task, pstate) == TASK_PSTATE, "asm");
_Static_assert(offsetof(struct apf_vcpu, current) == APF_CURRENT, "asm");
_Static_assert(offsetof(struct apf_vcpu, handler_sp) == APF_HANDLER_SP, "asm");
_Static_assert(sizeof(struct area) <= APF_AREA, "the areas do not overlap");
_Static_assert(APF_AREA + sizeof(struct apf_vcpu) <= 0x40000, "below the stacks");
#endif
#endif
