/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What sdei-guest and its payload share: the layout of guest RAM, the op program of each vCPU, the counters and logs
 * that the payload leaves behind, and the doorbell by which it asks the VMM for something.
 *
 * Single writer everywhere: the payload's main program writes context MAIN, its handlers context HANDLER (a handler
 * interrupts the main program between any two instructions), the VMM writes the rest before the vCPU runs, or while
 * its vCPU thread serves a doorbell. So plain aligned accesses do; nothing needs to be atomic.
 */
#ifndef SDEI_GUEST_LAYOUT_H
#define SDEI_GUEST_LAYOUT_H

#define GUEST_RAM	0x40000000	/* also where the payload is linked and entered */
#define GUEST_TABLE	0x40100000	/* level 1 translation table, identity, 1 GiB blocks */
#define GUEST_CONTROL	0x40110000	/* struct control */
#define GUEST_AREAS	0x42000000	/* struct area of vCPU 0, then AREA_STRIDE apart */
#define AREA_STRIDE	0x04000000
#define GUEST_GICD	0x08000000
#define GUEST_DOORBELL	0x09000000	/* a write of the context's number rings the VMM */
#define GUEST_GICR	0x10000000	/* 0x20000 for each vCPU */
#define GUEST_TIMER_PPI	27		/* the EL1 virtual timer's */
#define GUEST_PAGES	0x1000000000	/* memory that may fail: PAGES_OF_VCPU pages of vCPU 0, then those of the next */
#define PAGES_OF_VCPU	256
#define PAGE_SIZE	4096
#define MAX_VCPUS	120
#define PAYLOAD_ENTRY	8		/* offsets of the addresses of sdei_entry and sdei_resume in the payload */
#define PAYLOAD_RESUME	16
#define PAYLOAD_EL0	24		/* and of the code that runs at EL0, two words */

/* Offsets that assembly needs; checked below. */
#define AREA_STACK	0
#define AREA_RESUME_ELR	8
#define AREA_RESUME_PSTATE 24
#define AREA_SCRATCH	32
#define AREA_FAULT	48
#define AREA_PATTERN	88
#define FRAME_X		0
#define FRAME_SP	248
#define FRAME_ENTRY	256
#define FRAME_STACK	264
#define FRAME_PSTATE	272
#define FRAME_RUN	280
#define FRAME_STATUS	288
#define FRAME_CONDUIT	296
#define FRAME_DENIED	304
#define RUN_EXIT	8

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#define NR_EVENTS	4	/* that KVM knows */
#define NR_CALLS	20	/* the nineteen by number, then all others */
#define CALL_OTHER	19
#define NR_RESULTS	7

enum context { MAIN, HANDLER, NR_CONTEXTS };

#define SDEI_FIRST	0xC4000020u
#define SDEI_NUMBERS	0x20	/* for SDEI, by the calling convention */

/* One SDEI call's place in the tables: its function number less SDEI_FIRST. */
enum call {
	CALL_VERSION, CALL_REGISTER, CALL_ENABLE, CALL_DISABLE, CALL_CONTEXT, CALL_COMPLETE, CALL_RESUME, CALL_UNREGISTER,
	CALL_STATUS, CALL_GET_INFO, CALL_ROUTING_SET, CALL_MASK, CALL_UNMASK, CALL_BIND, CALL_RELEASE, CALL_SIGNAL,
	CALL_FEATURES, CALL_PRIVATE_RESET, CALL_SHARED_RESET,
};

enum result {
	RESULT_SUCCESS, RESULT_NOT_SUPPORTED, RESULT_INVALID_PARAMETERS, RESULT_DENIED, RESULT_PENDING,
	RESULT_OUT_OF_RESOURCE, RESULT_OTHER,
};

enum op_code {
	OP_END,		/* of the main program, or of a handler: complete */
	OP_RESUME,	/* ends a handler: complete and resume */
	OP_CALL,	/* arg: function id, then x1..x5 */
	OP_LOOP,	/* arg[0] times; jump: past the end */
	OP_FOREVER,	/* until the VMM says stop; jump: past the end */
	OP_REPEAT,	/* end of either; jump: the loop */
	OP_EVERY,	/* each arg[0]-th pass goes in; jump: past the end */
	OP_ONCE,	/* the first pass goes in; jump: past the end */
	OP_NOP,
	OP_SPIN,	/* arg[0]..arg[1] ticks, running */
	OP_NAP,		/* arg[0]..arg[1] ticks, in WFI with the timer set */
	OP_WFI,		/* until anything wakes the PE */
	OP_AWAIT,	/* arg[0] more runs of event on vCPU target */
	OP_BARRIER,	/* all vCPUs */
	OP_INJECT,	/* event, target, arg[0] immediate; by the VMM */
	OP_CANCEL,	/* event, target; by the VMM */
	OP_VCPU_RESET,	/* KVM_ARM_VCPU_INIT by the VMM; the program goes on after it */
	OP_CPU_OFF,	/* PSCI; the program goes on after CPU_ON */
	OP_CPU_ON,	/* PSCI, target */
	OP_CHECK,	/* the VMM looks; arg[0]: enum check */
	OP_PATTERN,	/* fill the registers, ring for CHECK_PATTERN, note what is left of them; arg[1]: NZCV, DAIF, bit 0: on SP_EL0 */
	OP_EL0,		/* arg[0]..arg[1] ticks, running at EL0 */
	OP_TOUCH,	/* reads the next page of those that may fail; the result is enum touched */
	OP_TAKE,	/* notes the pages that have failed */
	OP_AWAY,	/* arg[1] ticks outside of the guest, in the VMM */
	NR_OPS,
};

enum check {
	CHECK_STATE,		/* answer the event's state, STATE_* */
	CHECK_STATE_AND_MASK,	/* likewise with the PE mask */
	CHECK_PATTERN,		/* from `pattern`: the test's business */
	CHECK_POINT,		/* from `checkpoint`: likewise */
	CHECK_POISON,		/* the next page of vCPU target fails (ras.h) */
};
enum { STATE_REGISTERED = 1, STATE_ENABLED = 2, STATE_RUNNING = 4, STATE_PENDING = 8, STATE_MASKED = 16 };

enum touched {
	TOUCHED_WHOLE,
	TOUCHED_LOST,		/* the guest knew, or was told before it saw what it had read */
	TOUCHED_SPOILT,		/* it went on with content that is not the page's */
	TOUCHED_NOTHING,	/* there are no more pages */
};

#define EXPECT_ANY	INT32_MIN	/* no expectation */
#define EXPECT_OK	INT32_MAX	/* anything >= 0 */
#define NO_VCPU		0xffffffffu
#define CONDUIT_SMC	1

struct op {
	uint16_t code;
	uint8_t conduit;
	uint8_t event;
	uint32_t line;		/* of the script */
	uint32_t target;	/* vCPU, NO_VCPU where none is meant */
	int32_t expect;		/* a call's result */
	uint64_t arg[6];
	uint64_t state;		/* passes left or made */
	uint32_t jump;
	uint32_t pad;
};

struct run {			/* of a handler */
	uint64_t entry, exit, after;	/* after: the main program's first stamp since, 0 if none */
	uint32_t event;
	uint32_t resumed;
};

struct sent {			/* one EVENT_SIGNAL */
	uint64_t before, after;	/* after: 0 if the vCPU was reset meanwhile */
	uint32_t target, event;
	int32_t result;
	uint32_t runs;		/* handler runs that this vCPU had begun before */
};

enum change_kind { CHANGE_MASK, CHANGE_UNMASK, CHANGE_CLEAR };
struct change {			/* of the PE mask, or pending events taken away */
	uint64_t before, after;
	uint32_t kind;
	uint32_t value;		/* result of MASK, bitmap of CLEAR */
};

/* A log of fixed capacity: what no longer fits is counted, not kept. */
struct log {
	uint64_t base;		/* guest address of the entries */
	uint32_t capacity;
	uint32_t count;		/* attempted */
};

struct tally {			/* signals sent to one vCPU */
	uint64_t accepted[NR_EVENTS], refused[NR_EVENTS];
};

enum door_command {
	DOOR_DONE, DOOR_FAULT, DOOR_INJECT, DOOR_CANCEL, DOOR_PEEK, DOOR_RESET, DOOR_NOTE_RESET, DOOR_CHECK, DOOR_AWAY,
};

struct door {
	uint32_t command, event, target, immediate;
	uint64_t value;		/* ticks of AWAY */
	int64_t result;		/* the VMM's answer: 0 or -errno, or bitmaps of PEEK: running << 32 | pending */
};

struct pcontext {		/* what one of the two contexts writes */
	uint64_t calls[NR_CALLS][NR_RESULTS];
	uint64_t cleared[NR_EVENTS];
	struct door door;
	struct log sent, changes;
	uint64_t tally;		/* guest address of struct tally[nr_vcpus] */
	uint64_t failures;	/* expectations not met */
	uint64_t failed_line;	/* of the first */
	int64_t failed_got;
	uint64_t last_result;
	uint32_t pc;		/* next op */
	uint32_t in_call;	/* op + 1 of the call under way: a reset may cut it short */
	uint64_t call_before;
	uint64_t random;
	struct log results;	/* of every call, int64_t each; for the semantics tests */
};

struct frame {			/* a handler's: ep_arg points to it */
	uint64_t x[31];
	uint64_t sp;
	uint64_t entry;
	uint64_t stack;
	uint64_t pstate;	/* NZCV | DAIF | CurrentEL | SPSel as the handler found them */
	uint64_t run;		/* guest address of the struct run to stamp */
	uint64_t status;
	uint64_t conduit;
	uint64_t denied;	/* what COMPLETE answered, had it returned */
	uint64_t area;
	uint32_t event;
	uint32_t start;		/* its first op */
};

struct failure {		/* of a page */
	uint64_t address;	/* guest's, of the page */
	uint64_t taken;		/* counter value when the handler read of it, 0 not yet */
	uint32_t run;		/* the handler run that did, of all that this vCPU had */
	uint32_t pad;
};

struct pages {			/* a vCPU's that may fail; the first word of each is its address */
	uint64_t base;		/* guest address */
	uint64_t failures;	/* of struct failure[PAGES_OF_VCPU] */
	volatile uint32_t failed;	/* entries of it; the VMM counts one before it injects the event */
	volatile uint32_t taken;	/* of those, how many the handler has read */
	uint32_t touched;	/* pages */
	uint32_t pad;
};

struct area {
	uint64_t stack;		/* of the main program */
	uint64_t resume_elr, resume_spsr;
	uint64_t resume_pstate;	/* as pstate of struct frame, at the resume address */
	uint64_t scratch[2];
	uint64_t fault[5];	/* ESR, ELR, FAR, LR, vector */
	uint64_t pattern[34];	/* x0..x30 as left, NZCV|DAIF, the address after the doorbell, spare */
	uint32_t vcpu, nr_vcpus;
	uint64_t mpidr;
	uint64_t frequency;
	uint64_t ops;		/* guest address of struct op[] */
	uint64_t gicr;		/* this vCPU's redistributor, 0 without a GIC */
	uint32_t logging;	/* keep logs as well as counts */
	uint32_t boots;
	volatile uint64_t barrier;	/* arrivals; UINT64_MAX once the program is over */
	struct log runs;
	uint32_t stamped;	/* runs that have their `after` */
	uint32_t pad;
	volatile uint64_t begun[NR_EVENTS];	/* handler runs */
	volatile uint64_t ended[NR_EVENTS];
	uint64_t resumed[NR_EVENTS];
	uint64_t wrong_event;	/* runs whose x0 or x1 was not what was registered */
	uint64_t awaited;	/* guest address of uint64_t[nr_vcpus][NR_EVENTS] */
	uint32_t registered, enabled;	/* as this vCPU's call results tell */
	struct run spare_run;	/* stamped when the log is full */
	struct pages pages;
	struct pcontext context[NR_CONTEXTS];
	struct frame frames[NR_EVENTS];
};

struct control {
	volatile uint32_t stop;	/* 1: endless loops end; 2: everything ends */
	uint32_t nr_vcpus;
	uint64_t mpidr[MAX_VCPUS];
};

#define AREA_OF(vcpu)	(GUEST_AREAS + (uint64_t)(vcpu) * AREA_STRIDE)

_Static_assert(offsetof(struct area, stack) == AREA_STACK, "asm");
_Static_assert(offsetof(struct area, resume_elr) == AREA_RESUME_ELR, "asm");
_Static_assert(offsetof(struct area, resume_spsr) == AREA_RESUME_ELR + 8, "asm");
_Static_assert(offsetof(struct area, resume_pstate) == AREA_RESUME_PSTATE, "asm");
_Static_assert(offsetof(struct area, scratch) == AREA_SCRATCH, "asm");
_Static_assert(offsetof(struct area, fault) == AREA_FAULT, "asm");
_Static_assert(offsetof(struct area, pattern) == AREA_PATTERN, "asm");
_Static_assert(offsetof(struct frame, x) == FRAME_X, "asm");
_Static_assert(offsetof(struct frame, sp) == FRAME_SP, "asm");
_Static_assert(offsetof(struct frame, entry) == FRAME_ENTRY, "asm");
_Static_assert(offsetof(struct frame, stack) == FRAME_STACK, "asm");
_Static_assert(offsetof(struct frame, pstate) == FRAME_PSTATE, "asm");
_Static_assert(offsetof(struct frame, run) == FRAME_RUN, "asm");
_Static_assert(offsetof(struct frame, status) == FRAME_STATUS, "asm");
_Static_assert(offsetof(struct frame, conduit) == FRAME_CONDUIT, "asm");
_Static_assert(offsetof(struct frame, denied) == FRAME_DENIED, "asm");
_Static_assert(offsetof(struct run, exit) == RUN_EXIT, "asm");
_Static_assert(sizeof(struct op) == 80, "VMM and payload agree");
#endif
#endif
