/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page faults: what became of each, and how long its stages took. Fed by model_feed() with records of kind APF,
 * and on arm64 joined with the SDEI records of the event that tells the guest (event 1). Design section 5.
 *
 * A fault is known by its id from APF_SETUP until APF_PRESENT, APF_CLEAR or a loss; one whose start was not seen gives no samples.
 * Its worker's steps are joined by the id alone; a loss costs the stages that it touches, never a wrong sample.
 */
#ifndef MODEL_APF_H
#define MODEL_APF_H

#include <stdbool.h>

#include "model/hist.h"

struct fault_history;
struct model;
struct model_vcpu;
struct model_vm;
struct spread;

/* X(name, what it lasts). In the order of a fault's life; text, JSON and metric names are these. */
#define APF_STAGES(X)							\
	X(signal, "handed over until the guest is told that the page is not present")	\
	X(dispatch, "told until the guest's handler is entered (SDEI)")	\
	X(handler, "entered until completed (SDEI)")			\
	X(wait, "handed to a worker until it begins, or to user space until it accepts")	\
	X(page, "that beginning until the page is there")		\
	X(present, "page there until the guest is told so")		\
	X(ack, "told so until the guest acknowledges")			\
	X(total, "handed over until the guest is told that the page is there")	\
	X(halt, "of total: faults for which the vCPU is halted or waits, because the guest was not told")	\
	X(sync, "faults handled synchronously, the quick ones apart: how long they kept the vCPU in the host")

enum apf_stage {
#define X(name, help) APF_STAGE_##name,
	APF_STAGES(X)
#undef X
	APF_STAGE_COUNT
};

/* X(name, what it counts): how a fault that was handed over ended. */
#define APF_OUTCOMES(X)							\
	X(async, "told to the guest, and the page was told ready afterwards")	\
	X(halted, "the vCPU was halted instead, the guest being unable to be told")	\
	X(untold, "refused by the guest's state: waited for synchronously")	\
	X(cancelled, "not-present withdrawn in time, because the page came first")	\
	X(wasted, "the page was ready before the guest had seen that it was not present")	\
	X(cleared, "forgotten with their vCPU, when it was reset or restored, or when the guest switched it off")

/* X(name, what it counts). setup + carried = the outcomes + in_flight, without loss: see apf_unaccounted(). */
#define APF_COUNTS(X)							\
	X(setup, "faults handed to a worker, or to user space")		\
	APF_OUTCOMES(X)							\
	X(user, "of setup: those whose page user space brings")		\
	X(accepted, "of these: it was told by an exit, and let the vCPU go on before the page was there")	\
	X(ring, "of these: it was told without an exit")		\
	X(wake_all, "times that all who wait were woken")		\
	X(acked, "page-ready acknowledged by the guest")		\
	X(fallback, "faults that were not handed over, see fallbacks")	\
	X(sync, "faults that kept the vCPU in the host, see causes")	\
	X(quick, "faults that were too short to be recorded one by one")	\
	X(frames, "guest frames that had not had a fault before: the sum is how many different ones had")	\
	X(again, "faults of a frame that had one before, and whose page had to be brought again")	\
	X(sequential, "of these two, those a few frames after the one before of the same vCPU")	\
	X(unfollowed, "faults of frames for which there was no room")

/*
 * frames, again, sequential and unfollowed are about faults that were recorded one by one and whose frame is known. One whose frame
 * had one before counts in none of them if its page was there, so that only KVM's tables had to change, or if the one before was not
 * over when it began: its page was on its way.
 */
#define APF_SEQUENTIAL 16	/* frames, 64 KiB: what a source that fetches ahead brings at once */

struct apf_counts {
#define X(name, help) uint64_t name;
	APF_COUNTS(X)
#undef X
};

#define APF_FALLBACKS 9		/* index: enum sdei_apf_fallback; [0] none of them */

#define APF_CAUSES 7		/* index: enum sdei_apf_cause; [0] not known */

struct apf_cause {
	uint64_t count, ns;
};

/*
 * The faults of a VM that has just begun to run, or was restored: from its first one until none came for APF_CALM_NS. A long wait
 * is no calm.
 */
#define APF_CALM_NS 1000000000ULL
struct apf_warmup {
	uint64_t start_ns, end_ns;	/* of the first fault, and of the last one so far; 0: none yet */
	uint64_t faults, blocked_ns;	/* all of them, and how long they kept vCPUs in the host */
	bool over;
};

/* One of the slowest, by total or, if it was synchronous, sync. A stage that is not known is APF_UNKNOWN. */
#define APF_SLOW_COUNT 4
#define APF_UNKNOWN UINT64_MAX
struct apf_fault {
	uint64_t id, token, gfn, setup_ns;	/* setup_ns: CLOCK_MONOTONIC */
	uint64_t stage[APF_STAGE_COUNT];
	uint32_t vcpu;
	uint8_t cause;				/* of a synchronous one: enum sdei_apf_cause */
};

struct model_apf {
	struct hist *stage[APF_STAGE_COUNT];	/* NULL until the first sample */
	struct hist *depth;			/* faults in flight when one is added (a number, not ns) */
	struct apf_counts count, interval;	/* since start (or model_reset); of the last closed interval */
	uint64_t fallbacks[APF_FALLBACKS];
	struct apf_cause causes[APF_CAUSES];	/* of the synchronous ones */
	uint64_t quick_ns;			/* how long the quick ones kept the vCPU in the host */
	uint64_t interval_blocked_ns;		/* apf_blocked_ns() of the last closed interval: of faults that ended in it */
	struct apf_warmup warmup;
	uint64_t in_flight;			/* now, those whose start was not seen apart */
	uint64_t oldest_ns;			/* when the oldest of them began, or of those that a vCPU still waits for itself; 0: none is there */
	uint64_t most_in_flight;		/* of one vCPU */
	uint64_t carried;			/* ended, but begun before the first record; at model_reset(): in flight */
	uint64_t lost;				/* records about it that were lost */
	bool inexact;				/* records were lost or late: distributions miss samples */
	struct apf_fault slow[APF_SLOW_COUNT];	/* slowest first */
	unsigned int slow_count;
};

/* NULL: this vCPU had none, nor anything else about them. */
const struct model_apf *model_vcpu_apf(const struct model_vcpu *vcpu);

/*
 * Adds up the vCPUs of a VM into *sum, whose histograms are the caller's to free with apf_release(), whatever comes.
 * vcpu: NULL, or the only one. recent: the stages' samples of the last closed interval, if model_keep_intervals() asked
 * for them, instead of all. 0 or -ENOMEM.
 */
int model_apf_sum(const struct model_vm *vm, const struct model_vcpu *vcpu, bool recent, struct model_apf *sum);
int model_vm_apf(const struct model_vm *vm, struct model_apf *sum);	/* of all, since the start */
void apf_release(struct model_apf *sum);

/* What of several vCPUs can be added up without a histogram. Zeroed it is empty. */
struct apf_tally {
	struct model_apf all;			/* stage, depth: NULL */
	uint64_t unaccounted;			/* apf_unaccounted() of each, as an amount */
	uint64_t saved_ns, blocked_ns;		/* apf_saved_ns(), apf_blocked_ns() */
};

void apf_tally_add(struct apf_tally *tally, const struct model_apf *apf);

/* Has any vCPU of it, or of m, anything about them? */
bool model_vm_has_apf(const struct model_vm *vm);
bool model_has_apf(const struct model *m);

/* The samples of the last closed interval, if model_keep_intervals() asked for them; NULL: none. */
const struct hist *model_vcpu_apf_interval(const struct model_vcpu *vcpu, enum apf_stage stage);

/* The same of the quick faults that it counts: when they were, which may be before it began. NULL: none, or nobody asked. */
const struct spread *model_vcpu_apf_quick(const struct model_vcpu *vcpu);

/*
 * What was handed to workers (and carried) less what became of it and is in flight. 0 without loss; and if inexact,
 * because then it may be anything.
 */
int64_t apf_unaccounted(const struct model_apf *apf);

/*
 * What asynchronous page faults saved, and what page faults still cost (ns): how long pages were on their way while their
 * vCPUs could do something else (total less halt), and how long vCPUs stood still for one (halt, sync, and the quick ones).
 */
uint64_t apf_saved_ns(const struct model_apf *apf);
uint64_t apf_blocked_ns(const struct model_apf *apf);

/* The earlier of two oldest_ns, of which 0 is none. */
static inline uint64_t apf_older_ns(uint64_t a, uint64_t b)
{
	return a && (!b || a < b) ? a : b;
}

/* How long it took, ns: total, or of a synchronous one, sync. */
uint64_t apf_fault_ns(const struct apf_fault *fault);

/* What share (0 .. 1) of the faults whose frame is known came a few frames after the one before of their vCPU. */
double apf_sequential_share(const struct apf_counts *count);

/* NULL: there was no fault, model_keep_fault_history() did not ask for it, or the VM is beyond FAULT_HISTORIES. */
const struct fault_history *model_vm_fault_history(const struct model_vm *vm);

/* How many VMs that had faults are beyond these. */
size_t model_fault_histories_left_out(const struct model *m);

/* The warm-up is over: none came for APF_CALM_NS, as of now_ns. */
bool apf_is_settled(const struct apf_warmup *warmup, uint64_t now_ns);

const char *apf_stage_name(enum apf_stage stage);
const char *apf_stage_help(enum apf_stage stage);

#endif
