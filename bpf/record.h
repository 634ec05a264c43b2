/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The records that BPF programs write and user space reads: the one ABI
 * between the two. Included by both sides, so plain fixed-width types only.
 *
 * What each field means is the tracepoint contract, tracepoints/README.md.
 * Fixed-width, explicitly padded, at most 64 bytes; the kinds that make up the
 * traffic (signal, dispatch, complete, mask, unmask) take 32.
 * A change of layout, or another kind, raises SDEI_RECORD_ABI.
 */
#ifndef SDEI_RECORD_H
#define SDEI_RECORD_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define SDEI_RECORD_ABI 7
#define SDEI_RECORD_MAX 64	/* bytes */

/* No event (records about a PE as a whole), no sender: unknown, shown as "-". */
#define SDEI_NONE 0xffffffffU

/*
 * The VM of records that come from the SDEI client of this machine: the machine itself, whose CPUs are the vCPUs. It is the
 * pid of init, which is no VMM.
 */
#define SDEI_THIS_MACHINE 1

/* One per tracepoint kvm_sdei_*; the order is ABI. X(NAME, name). */
#define SDEI_KINDS(X)		\
	X(REGISTER, register)	\
	X(UNREGISTER, unregister) \
	X(ENABLE, enable)	\
	X(DISABLE, disable)	\
	X(MASK, mask)		\
	X(UNMASK, unmask)	\
	X(RESET, reset)		\
	X(SIGNAL, signal)	\
	X(CANCEL, cancel)	\
	X(DISPATCH, dispatch)	\
	X(COMPLETE, complete)	\
	X(CALL, call)		\
	X(STATE, state)		\
	X(PLACE, place)		\
	X(APF, apf)		\
	X(GIC, gic)		\
	X(SMCCC, smccc)		\
	X(POWER, power)		\
	X(COUNTER, counter)

/* PLACE is no tracepoint of SDEI's: with --sched it says where a vCPU's thread went; its state byte says nothing.
 * APF is a step in the life of an asynchronous page fault, on any architecture; event and state say nothing.
 * GIC, with --gic, is a step in which a VMM saves or restores a VM's interrupt controller; event and state say nothing.
 * SMCCC, on arm64, is a call of a guest that KVM's SDEI does not see: one of SDEI where KVM has none, or one of PSCI; event and state say
 * nothing.
 * POWER, on arm64, is what was found about a vCPU, not a step: is it on? From the iterator at attach, and from a recording's snapshot; event
 * and state say nothing.
 * COUNTER, on arm64, is how far the virtual counter of a vCPU is behind the host's; event and state say nothing. */
enum sdei_kind {
	SDEI_KIND_NONE,
#define X(NAME, name) SDEI_##NAME,
	SDEI_KINDS(X)
#undef X
	SDEI_KIND_COUNT
};

/* Post-state of the event and its PE (sdei_record.state). */
enum sdei_state {
	SDEI_REGISTERED	= 1 << 0,
	SDEI_ENABLED	= 1 << 1,
	SDEI_RUNNING	= 1 << 2,
	SDEI_PENDING	= 1 << 3,
	SDEI_MASKED	= 1 << 4,
};

/* sdei_record.origin of SIGNAL. */
enum sdei_source {
	SDEI_FROM_GUEST	= 1,
	SDEI_FROM_VMM	= 2,
	SDEI_FROM_APF	= 3,
	SDEI_FROM_RESTORE = 4,
};

/* sdei_record.outcome of SIGNAL. */
enum sdei_outcome {
	SDEI_QUEUED	= 1,
	SDEI_COALESCED	= 2,
	SDEI_REJECTED	= 3,
};

/* sdei_record.outcome of COMPLETE. */
enum sdei_how {
	SDEI_COMPLETED	= 1,
	SDEI_RESUMED	= 2,
	SDEI_END_UNSEEN	= 3,	/* the handler cannot be traced: when and how it ended is not known */
};

/* sdei_record.origin of DISPATCH: bits, as the client sees it; KVM's programs set none. */
enum sdei_dispatch_flags {
	SDEI_UNSIGNALLED = 1 << 0,	/* no signal was seen: firmware raises this event by itself */
	SDEI_CRITICAL	= 1 << 1,	/* of critical priority: it may preempt the handler of a normal event */
	SDEI_FOR_NMI	= 1 << 2,	/* its handler is that of Linux's NMIs between CPUs */
	SDEI_FOR_GHES	= 1 << 3,	/* its handler is that of hardware errors which firmware has seen first */
	SDEI_ROLES	= SDEI_FOR_NMI | SDEI_FOR_GHES,	/* neither: the handler is another one, or its address is not known */
};

/* sdei_record.origin of STATE. */
enum sdei_state_reason {
	SDEI_CREATED	= 1,
	SDEI_STATE_RESET = 2,
	SDEI_RESTORED	= 3,
	SDEI_DESTROYED	= 4,
	SDEI_SNAPSHOT	= 5,	/* not the tracepoint's: read by the iterator at attach */
};

/* sdei_record.origin of PLACE. */
enum sdei_place {
	SDEI_IN_GUEST	= 1,
	SDEI_IN_HOST	= 2,	/* on a CPU, outside the guest */
	SDEI_DESCHEDULED = 3,
};

/*
 * sdei_record.origin of APF: the steps of a fault, in the order in which most have them. Which there are depends on the
 * architecture; between the first and the last, a fault has its id.
 */
enum sdei_apf_step {
	APF_SETUP	= 1,	/* handed to whoever brings the page (outcome): kvm_setup_async_pf() */
	APF_NOT_PRESENT	= 2,	/* the guest is told, or is not (outcome): kvm_arch_async_page_not_present() */
	APF_WORKING	= 3,	/* who brings the page begins (outcome): async_pf_execute(); user space accepts */
	APF_READY	= 4,	/* the page is there (outcome: who brought it) */
	APF_PRESENT	= 5,	/* the guest is told that, or need not be (outcome): kvm_arch_async_page_present() */
	APF_ACK		= 6,	/* the guest has seen that; about the newest APF_PRESENT of the vCPU; no id */
	APF_FALLBACK	= 7,	/* handled synchronously instead (outcome says why); no id */
	APF_CLEAR	= 8,	/* all of the vCPU are forgotten: kvm_clear_async_pf_completion_queue(); no id */
	APF_SYNC	= 9,	/* a fault that has kept the vCPU in the host for duration_ns (outcome says why); no id */
	APF_VCPU_END	= 10,	/* the vCPU is destroyed; no id. Only where no record of kind STATE shows it */
	APF_QUICK	= 11,	/* `faults` that were too short for a record each, duration_ns in all, in the course of span_ns; no id. Mostly from user space */
	APF_WAITING	= 12,	/* one that has kept the vCPU in the host for duration_ns so far, and is not over; no id. From user space */
};

/* sdei_record.outcome of APF_SETUP, APF_WORKING and APF_READY: who brings the page. */
enum sdei_apf_server {
	APF_BY_WORKER	= 0,	/* of the kernel's */
	APF_BY_USER	= 1,	/* user space, told by an exit of the vCPU. Of APF_SETUP: however it is told */
	APF_BY_RING	= 2,	/* user space, told by a ring that it shares with KVM, without an exit */
};

/* sdei_record.outcome of APF_NOT_PRESENT: how the guest was told. */
enum sdei_apf_told {
	APF_TOLD	= 1,	/* by an SDEI event, an exception or an interrupt */
	APF_HALTED	= 2,	/* not at all: the vCPU is halted until the page is there */
	APF_UNTOLD	= 3,	/* refused (masked, busy, pending): waits synchronously */
};

/* sdei_record.outcome of APF_PRESENT. */
enum sdei_apf_present {
	APF_SIGNALLED	= 1,	/* the page-ready interrupt or its like */
	APF_CANCELLED	= 2,	/* the not-present was withdrawn before the guest saw it */
	APF_SILENT	= 3,	/* not told: it was not told of the fault either, or has forgotten it since */
	APF_WAKE_ALL	= 4,	/* not about one fault: everybody who waits looks again */
};

/* sdei_record.outcome of APF_FALLBACK. */
enum sdei_apf_fallback {
	APF_FALLBACK_OFF	= 1,	/* the guest has not asked for it */
	APF_FALLBACK_NOT_NOW	= 2,	/* the vCPU is where it cannot be told: interrupts off, kernel mode only user mode was asked for */
	APF_FALLBACK_FULL	= 3,	/* as many are in flight as there may be */
	APF_FALLBACK_NO_MEMORY	= 4,
	APF_FALLBACK_MASKED	= 5,	/* SDEI: the PE is masked */
	APF_FALLBACK_BUSY	= 6,	/* SDEI: a handler is running */
	APF_FALLBACK_PENDING	= 7,	/* SDEI: the event is pending already */
	APF_FALLBACK_OTHER	= 8,
};

/*
 * sdei_record.outcome of APF_SYNC and APF_WAITING: where its page came from, as the kernel counts it for the vCPU's thread. The first of these
 * that was met. 0: not known, as in recordings made before there were any.
 */
enum sdei_apf_cause {
	APF_FROM_USERFAULT	= 1,	/* a process answered a userfaultfd */
	APF_FROM_SWAP		= 2,
	APF_FROM_FILE		= 3,	/* read from storage (a major fault) */
	APF_FROM_MEMORY		= 4,	/* a page was found in the page cache, filled with zeros, or copied (a minor fault) */
	APF_FROM_NOTHING	= 5,	/* it was there: only KVM's tables had to change, or a lock was waited for */
	APF_FROM_HWPOISON	= 6,	/* it did not come: its memory has failed, and the vCPU's thread got SIGBUS. Whatever else was met */
};

/*
 * sdei_record.origin of GIC. The first four are calls on a device of KVM (KVM_SET_DEVICE_ATTR, KVM_GET_DEVICE_ATTR), the others
 * are about a vCPU. Of calls the vCPU is SDEI_NONE: whose registers they are about is in attr.
 */
enum sdei_gic_step {
	GIC_ITS_SET	= 1,	/* a register or a command of the interrupt translation service */
	GIC_ITS_GET	= 2,
	GIC_SET		= 3,	/* the same of a GICv3: distributor, redistributors, CPU interfaces */
	GIC_GET		= 4,
	GIC_REGISTERS	= 5,	/* KVM_SET_ONE_REG, the first of many, or one that was refused: attr is the register */
	GIC_RUN		= 6,	/* the vCPU runs: for the first time, after registers of it were set, or on another thread; value: so many were set since the last one */
};

/* sdei_record.outcome of GIC: bits. */
enum sdei_gic_flags {
	GIC_HAS_VALUE	= 1 << 0,	/* value is known */
};

/* sdei_record.outcome of SMCCC: who answers. */
enum sdei_smccc_outcome {
	SMCCC_ANSWERED	= 1,	/* KVM, with head.result */
	SMCCC_FORWARDED	= 2,	/* its VMM: the result is not known; a SYSTEM_OFF or SYSTEM_RESET has none */
	SMCCC_BEGUN	= 3,	/* nobody yet: a CPU that is idle has masked its PE and suspends itself, by CPU_SUSPEND */
};

/* sdei_record.origin of POWER. */
enum sdei_power {
	SDEI_POWER_ON	= 1,
	SDEI_POWER_OFF	= 2,	/* until another vCPU turns it on, or its VMM does */
	SDEI_POWER_SUSPENDED = 3,	/* by its VMM, until something wakes it */
};

/* sdei_record.origin of COUNTER. */
enum sdei_counter_reason {
	SDEI_COUNTER_FOUND = 1,	/* by the iterator at attach, or repeated by a recording's snapshot */
	SDEI_COUNTER_RUNS = 2,	/* the vCPU runs for the first time, or on another thread */
	SDEI_COUNTER_SET = 3,	/* its VMM has set the counter: so does QEMU when a VM that was stopped goes on */
};

/* sdei_record.origin of RESET. */
enum sdei_reset_reason {
	SDEI_PRIVATE_RESET = 1,
	SDEI_VCPU_RESET	= 2,
};

/* The head every record starts with, and the whole of the hot kinds. */
struct sdei_record {
	__u64 time_ns;		/* CLOCK_MONOTONIC */
	__u32 vm;		/* pid of the VM: kvm->userspace_pid */
	__u32 vcpu;		/* vcpu_id of the vCPU whose state this is */
	__u32 event;		/* SDEI event number or SDEI_NONE */
	__u8 kind;		/* enum sdei_kind */
	__u8 state;		/* enum sdei_state: the post-state */
	__u8 outcome;		/* SIGNAL, COMPLETE, SMCCC: see above; UNREGISTER, STATE: the cleared bits; else 0 */
	__u8 origin;		/* SIGNAL: enum sdei_source; DISPATCH: enum sdei_dispatch_flags; STATE, RESET: the reason; else 0 */
	union {
		__u64 pc;	/* DISPATCH: the interrupted PC */
		__u64 arg;	/* COMPLETE: status, or the address to resume at; STATE and POWER of a recording's snapshot: since when, see below */
		__s64 result;	/* CALL, SMCCC: x0 as returned */
		struct {
			__s32 error;	/* SIGNAL, CANCEL: 0 or -errno; MASK, UNMASK, UNREGISTER: SDEI result */
			__u32 sender;	/* SIGNAL from a guest: the calling vcpu_id, else SDEI_NONE */
		};
	};
};

/*
 * REGISTER, STATE. A DISPATCH enters the handler that the last of these named. In a recording's snapshot head.arg is since when
 * (CLOCK_MONOTONIC) the handler runs, else the event pends; with event SDEI_NONE, since when the PE is masked; 0: not known. That of POWER
 * is since when the vCPU is off.
 */
struct sdei_record_handler {
	struct sdei_record head;
	__u64 ep_addr;
	__u64 ep_arg;
};

/* CALL: the first three of its arguments; REGISTER's others are in its own record. */
struct sdei_record_call {
	struct sdei_record head;
	__u64 args[3];		/* x1..x3 */
	__u32 function;		/* SMCCC function id */
	__u32 duration_ns;	/* of the call as its caller sees it, up to time_ns; at most UINT32_MAX; 0: not known */
};

/* APF. */
struct sdei_record_apf {
	struct sdei_record head;	/* arg: the token, as the guest sees it; 0: none. APF_QUICK: ns from the end of the last to time_ns */
	union {
		__u64 id;	/* of the fault: unique on this host since the tracing began; 0: none */
		__u64 span_ns;	/* APF_QUICK: from the begin of the first to the end of the last; 0: not known, as in older recordings */
	};
	union {
		__u64 gfn;	/* guest page; 0 where the step does not know it */
		__u64 faults;	/* APF_QUICK */
	};
	union {
		__u64 duration_ns;	/* APF_SYNC, APF_QUICK, APF_WAITING */
		__u64 queued;		/* others: faults of the vCPU in flight, this one included */
	};
};

/* GIC. head.error: what the call returned, 0 or -errno. */
struct sdei_record_gic {
	struct sdei_record head;
	__u64 attr;		/* of the group, as in Documentation/virt/kvm/devices/arm-vgic-v3.rst and arm-vgic-its.rst */
	__u64 value;		/* set, or read */
	__u32 group;		/* KVM_DEV_ARM_VGIC_GRP_* */
	__u32 duration_ns;	/* of a call that sets, up to time_ns; at most UINT32_MAX; 0: not known */
	__u32 device;		/* a number for each since the tracing began */
	__u32 pad;
};

/* SMCCC. */
struct sdei_record_smccc {
	struct sdei_record head;
	__u64 args[2];		/* x1 and x2 */
	__u64 duration_ns;	/* of the call, up to time_ns: of CPU_SUSPEND how long it slept */
	__u32 function;		/* SMCCC function id */
	__u32 target;		/* CPU_ON: vcpu_id of the vCPU that it names; SDEI_NONE: there is none, or it is not known */
};

/*
 * COUNTER. What the guest reads as CNTVCT_EL0 is what the host reads as CNTVCT_EL0 less this, modulo 2^64 (Arm DDI 0487, CNTVOFF_EL2).
 * KVM keeps the counters of a VM's vCPUs alike.
 */
struct sdei_record_counter {
	struct sdei_record head;
	__u64 offset;		/* ticks */
	__u32 hz;		/* ticks in a second: CNTFRQ_EL0 */
	__u32 pad;
};

/* Attempts and failed reserves, per CPU and kind: map `counters`, index enum sdei_kind. */
struct sdei_counter {
	__u64 attempted;	/* records that passed the filter */
	__u64 lost;		/* of those, no room in the ring */
};

/*
 * What was lost, so that counts stay exact: hash maps `lost_0` and `lost_1`, value
 * __u64 count; programs count in one of them. The fields are those of the records that found no room. vm SDEI_ANY_VM: only the kind is known.
 */
#define SDEI_ANY_VM 0	/* no process of user space has this id */

struct sdei_lost_key {
	__u32 vm;
	__u32 vcpu;
	__u32 event;
	__u8 kind;
	__u8 outcome;
	__u8 origin;
	__u8 pad;
	__s32 error;		/* as in the record; CALL, SMCCC: min(result, 0) */
	__u32 function;		/* CALL, SMCCC, else 0 */
};

#ifndef __bpf__
_Static_assert(sizeof(struct sdei_record) == 32, "hot records are 32 bytes");
_Static_assert(sizeof(struct sdei_record_handler) == 48, "record ABI");
_Static_assert(sizeof(struct sdei_record_call) == SDEI_RECORD_MAX, "record ABI");
_Static_assert(sizeof(struct sdei_record_apf) == 56, "record ABI");
_Static_assert(sizeof(struct sdei_record_gic) == SDEI_RECORD_MAX, "record ABI");
_Static_assert(sizeof(struct sdei_record_smccc) == SDEI_RECORD_MAX, "record ABI");
_Static_assert(sizeof(struct sdei_record_counter) == 48, "record ABI");
_Static_assert(sizeof(struct sdei_lost_key) == 24, "record ABI");
_Static_assert(__builtin_offsetof(struct sdei_record, event) == 16, "record ABI");
_Static_assert(__builtin_offsetof(struct sdei_record, kind) == 20, "record ABI");
_Static_assert(__builtin_offsetof(struct sdei_record, pc) == 24, "record ABI");
_Static_assert(__builtin_offsetof(struct sdei_record_call, function) == 56, "record ABI");
#endif

#endif /* SDEI_RECORD_H */
