/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which of the tracepoints, and of the rest that is wanted, this kernel has, read from its BTF before anything is
 * loaded: there every tracepoint NAME is a typedef btf_trace_NAME of a function
 * that takes a pointer of the tracing's own and then the arguments.
 */
#ifndef SOURCE_PROBES_H
#define SOURCE_PROBES_H

#include "record/kinds.h"
#include "source/live.h"

/* Probe i is about kind i + 1, as far as it has a tracepoint of its own; then come the optional ones. */
enum probe {
	PROBE_TRACEPOINTS = SDEI_STATE,
	PROBE_SNAPSHOT = PROBE_TRACEPOINTS,	/* the iterator */
	PROBE_APF,				/* page faults; asynchronous ones only where the kernel has kvm_setup_async_pf() */
	PROBE_APF_SETUP = PROBE_APF,
	PROBE_APF_NOT_PRESENT,
	PROBE_APF_REFUSED,
	PROBE_APF_NOT_NOW,
	PROBE_APF_PRESENT,
	PROBE_APF_WAKE_ALL,
	PROBE_APF_ACK,
	PROBE_APF_CLEAR,
	PROBE_APF_WORKING,
	PROBE_APF_PAGE,
	PROBE_APF_WORKED,
	PROBE_APF_VCPU_END,
	PROBE_APF_FAULT,
	PROBE_APF_SYNC,
	PROBE_APF_USERFAULT,
	PROBE_APF_SWAP,
	PROBE_APF_HWPOISON,
	PROBE_USER,				/* asynchronous page faults whose page user space brings */
	PROBE_USER_ACCEPT = PROBE_USER,
	PROBE_USER_COMPLETE,
	PROBE_USER_AUTOCOMPLETE,
	PROBE_USER_RING,
	PROBE_USER_DRAIN,
	PROBE_GIC,				/* saves and restores of interrupt controllers */
	PROBE_GIC_ITS_BEGIN = PROBE_GIC,
	PROBE_GIC_ITS_SET,
	PROBE_GIC_ITS_GET,
	PROBE_GIC_V3_BEGIN,
	PROBE_GIC_V3_SET,
	PROBE_GIC_V3_GET,
	PROBE_GIC_REGISTERS,
	PROBE_GIC_RUN,
	PROBE_GIC_RUN_AGAIN,
	PROBE_SMCCC,				/* calls of guests: refused ones of SDEI, and PSCI */
	PROBE_SMCCC_BEGIN = PROBE_SMCCC,
	PROBE_SMCCC_TARGET,
	PROBE_SMCCC_END,
	PROBE_COUNTER,				/* how far guests' counters are behind the host's */
	PROBE_COUNTER_RUNS = PROBE_COUNTER,
	PROBE_COUNTER_SET,
	PROBE_SCHED,				/* what follows is for PLACE */
	PROBE_SWITCH = PROBE_SCHED,
	PROBE_ENTRY,
	PROBE_EXIT,
	PROBE_CLIENT,				/* what follows is about the SDEI client of this machine */
	PROBE_CLIENT_HVC_BEGIN = PROBE_CLIENT,
	PROBE_CLIENT_HVC,
	PROBE_CLIENT_SMC_BEGIN,
	PROBE_CLIENT_SMC,
	PROBE_CLIENT_IDLE,
	PROBE_CLIENT_SIGNAL,
	PROBE_CLIENT_SIGNAL_END,
	PROBE_CLIENT_HANDLER,
	PROBE_CLIENT_END_NMI,
	PROBE_CLIENT_END_NORMAL,
	PROBE_CLIENT_END_CRITICAL,
	PROBE_COUNT
};

struct probes {
	struct source_probe list[PROBE_COUNT];
	char reasons[PROBE_COUNT][96];
	int args[PROBE_COUNT];	/* of the tracepoint, as this kernel has it; 0: it has none */
	const char *programs[PROBE_COUNT];	/* what they are called in the BPF object */
	int targets[PROBE_COUNT];	/* what they are attached to: the type's id in BTF; 0: not known */
	int module_types;	/* ids from here on are types of KVM's module; 0: it is none */
	bool missing[PROBE_COUNT];	/* this kernel has no such function */
	bool has_apf;		/* this kernel has asynchronous page faults */
	bool has_user;		/* user space may bring their pages */
	bool has_faults;	/* its handler of page faults is known: so the synchronous ones are */
	bool has_gic;		/* this kernel emulates a GICv3 */
	bool has_smccc;		/* its handler of guests' calls is known */
	bool has_counter;	/* guests have a counter that their VMM can set: arm64's */
	bool has_power;		/* it keeps whether a vCPU is on where the snapshot can read it */
	bool has_client;	/* this kernel has the SDEI client: likewise */
	int module_btf;		/* 0; -errno: KVM is a module whose types cannot be read, so that nothing of it is known */
};

/* The figures that probe i gives. */
const char *probe_gives(int i);

/* Is i one of the probes of page faults? */
static inline bool probe_is_apf(int i)
{
	return i >= PROBE_APF && i < PROBE_GIC;
}

/* Is i one of those whose page user space brings? */
static inline bool probe_is_user(int i)
{
	return i >= PROBE_USER && i < PROBE_GIC;
}

/* Is i one of the probes of interrupt controllers? */
static inline bool probe_is_gic(int i)
{
	return i >= PROBE_GIC && i < PROBE_SMCCC;
}

/* Is i one of the probes of guests' calls? */
static inline bool probe_is_smccc(int i)
{
	return i >= PROBE_SMCCC && i < PROBE_COUNTER;
}

/* Is i one of the probes of guests' counters? */
static inline bool probe_is_counter(int i)
{
	return i >= PROBE_COUNTER && i < PROBE_SCHED;
}

/* Is it also of use where the kernel has no asynchronous ones? */
bool probe_is_sync(int i);

static inline bool probe_is_client(int i)
{
	return i >= PROBE_CLIENT;
}

/* Is it worth to trace with nothing else? */
static inline bool probe_is_basic(int i)
{
	return i < PROBE_TRACEPOINTS || probe_is_apf(i) || probe_is_gic(i) || probe_is_smccc(i) || probe_is_client(i);
}

/* The kind of records that are missing when the program of probe i is missed; SDEI_KIND_NONE: none are. */
unsigned int probe_kind(int i);

/*
 * Fills in all probes: why_not is NULL for those that can be attached. The number of these among the tracepoints of
 * SDEI, or -errno: -ENOENT if the kernel has no BTF at all.
 */
int probes_find(struct probes *probes);

/* The same in these; module may be NULL. */
struct btf;
int probes_find_in(struct probes *probes, const struct btf *vmlinux, const struct btf *module);

/* Probe i is not attached because of that. */
void probes_refuse(struct probes *probes, int i, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * Refuses the probes that are of no use, or would report something wrong, without others that are refused; to be called when
 * some have been.
 */
void probes_settle(struct probes *probes);

#endif
