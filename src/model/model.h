/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model: records in, figures out. It has no clock, no I/O and no globals;
 * live and recorded events take the same way, so that they give the same figures.
 * Meanings of all figures: design section 5.
 *
 * Records come in time order per vCPU (the source sees to that). A late or a
 * missing record costs samples, never a wrong state: each carries the
 * post-state, which the model takes over; what does not fit is counted.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/blame.h"
#include "model/finding.h"
#include "model/hist.h"
#include "record/sdei.h"
#include "bpf/record.h"

/* X(field, help). Counters only grow. The text, JSON and metric names are these. */
#define MODEL_COUNTS(X)							\
	X(signals, "signals to this event, whatever became of them")	\
	X(queued, "signals that made the event pending")		\
	X(coalesced, "signals that found it pending already")		\
	X(rejected, "signals that were refused")			\
	X(dispatched, "times the handler was entered")			\
	X(completed, "handlers ended by COMPLETE")			\
	X(resumed, "handlers ended by COMPLETE_AND_RESUME")		\
	X(cancelled, "pending signals that were withdrawn")		\
	X(cleared, "pending signals lost to unregister, reset or the end of the vCPU") \
	X(running_cleared, "running handlers that a reset or the end of the vCPU cut off")

struct model_counts {
#define X(field, help) uint64_t field;
	MODEL_COUNTS(X)
#undef X
};

/* rejected, by errno */
enum model_reject { REJECT_ENOENT, REJECT_EPERM, REJECT_EBUSY, REJECT_OTHER, REJECT_COUNT };

/* X(field, title, help): the histograms of an event. NULL until the first sample. */
#define MODEL_EVENT_HISTS(X)						\
	X(dispatch, "first queued signal of an episode to its dispatch")	\
	X(handler, "dispatch to complete")				\
	X(total, "first queued signal to complete")			\
	X(coalesce_age, "age of the pending episode when a signal was coalesced into it") \
	X(episode_signals, "signals per pending episode (a number, not ns)")

/* Ordered so that a record touches the first three cache lines of it, and a dispatch that of blame. */
struct model_event {
	uint32_t event;
	uint8_t state;			/* SDEI_REGISTERED|...; the MASKED bit is the vCPU's */
	bool inexact;			/* records of it were lost: distributions miss samples */
	uint8_t role;			/* of SDEI_ROLES: what the kernel uses it for, see sdei_role_name(); 0: not known */
	/* inside of the model */
	bool seen : 1;			/* in a record, not only in a report of lost ones */
	bool born : 1;			/* seen since its vCPU was created */
	bool uncertain : 1;		/* records lost or late: see model_unaccounted() */
	bool sketched : 1;		/* known from a snapshot only */
	bool split : 1;			/* parts of the open episode are in `open` */
	bool blameless : 1;		/* there was no memory for that, or it began before the recording */
	bool stopped : 1;		/* its vCPU is part of a GUEST_STOP: see stop.c */
	uint64_t pending_since_ns, running_since_ns, running_signal_ns;	/* 0: unknown or none */
	uint64_t last_ns;		/* its newest record of this life; 0: none */
	uint64_t phase_ns;		/* running, else pending and enabled, else neither: for so long at least */
	struct model_vcpu *vcpu;
#define X(field, help) struct hist *field;
	MODEL_EVENT_HISTS(X)
#undef X
	/* inside */
	struct event_intervals *intervals;
	struct event_open *open;	/* parts of the open episode; NULL until a first one had several */
	uint64_t episode_count;		/* signals in the open episode, if pending_since_ns is known; and the vCPU that began it, */
	uint32_t sender, running_sender;	/* and the one whose signal the running handler is for; SDEI_NONE: none, or not known */
	struct model_counts count;	/* since start (or model_reset) */
	struct model_counts interval;	/* during the last closed interval, see model_tick */
	uint64_t rejected[REJECT_COUNT];
	uint64_t carried_pending;	/* episodes that were pending when first seen */
	uint64_t carried_running;	/* handlers that were running when first seen, or were restored running */
	uint64_t unsignalled;		/* dispatches of what nobody was seen to signal: firmware raises the event by itself */
	uint64_t lost;			/* records about it that were lost, calls apart */
	uint64_t misfits;		/* records that contradicted the state that the one before had left */
	uint64_t ep_addr, ep_arg;	/* handler; 0 when unknown */
	int64_t missed_ends;		/* inside: see life_end_lost() */
	uint64_t missed_restores;	/* inside: restores that may have made it running unnoticed, if records were lost */
	struct model_counts mark;	/* inside */
	/* inside, all of it */
	uint64_t registered_ns;		/* registered since, for certain */
	uint64_t drops_from_ns, drops;	/* the window for DROP_BURST */
	uint16_t finding[FINDING_GIC];	/* what is open: see finding.c */
	uint64_t stood_ns;		/* inside: pending_since_ns is so much later than the signal: see standstill.h */
	uint8_t begin_state, end_state;	/* with which its vCPU began to run, and was destroyed: see migration.c */
	struct model_late *late;	/* room for MODEL_LATE_COUNT; NULL until the first */
	unsigned int late_count;
	_Alignas(64) struct model_blame blame;
	uint64_t late_above_ns;		/* what a latency has to exceed to be kept; see blame.c */
};

/* Ordered so that most records touch the first two cache lines of it, and those about the mask a third one. */
struct model_vcpu {
	struct model_vm *vm;
	void *user;			/* the view's, which frees it with that of the VM */
	uint32_t id;
	bool gone;			/* destroyed */
	bool mask_known, masked, initial;	/* initial: masked ever since creation or reset */
	bool inexact;
	bool doomed;			/* inside: its end was reported lost; gone at the tick that finds it quiet */
	bool power_known;		/* off and suspended are */
	bool off;			/* it is parked: until it is turned on (PSCI), or, suspended by its VMM, wakes; see model_off_since_ns() */
	bool suspended;			/* parked by its VMM */
	bool idle;			/* inside: its guest has suspended it with its PE masked, and has not unmasked since */
	bool begun;			/* inside: it has run since it was created or reset; see migration.c */
	uint64_t last_ns, first_seen_ns;	/* newest record; oldest record (or model_reset) */
	uint64_t masked_since_ns;	/* 0: not masked, or since an unknown time */
	struct model_event *recent;	/* inside: of the last record */
	struct model_event *running;	/* inside: whose handler runs, as far as is known */
	uint32_t episodes;		/* inside: events whose pending_since_ns is known */
	uint8_t place;			/* inside: enum sdei_place of its thread; 0: unknown */
	uint64_t free_ns;		/* inside: when a mask or a handler last ended */
	uint64_t handlers_ns;		/* inside: last time that it was certain which handler runs; 0: never */
	uint64_t trust_ns;		/* inside: what it showed until then proves nothing; see trusted() */
	struct model_event **events;	/* by event number, ascending */
	struct vcpu_apf *apf;		/* inside: see model_vcpu_apf(); NULL: nothing about it */
	struct vcpu_calls *calls;	/* inside: see model_call_count(); NULL until the first call */
	struct vcpu_senders *senders;	/* inside: see model_senders(); NULL: there is none */
	struct vcpu_power *power;	/* inside: see model_add_psci(); NULL: nothing of PSCI was seen of it */
	size_t event_count;
	uint64_t masked_ns;		/* time seen masked in closed intervals; see model_masked_ns() */
	uint64_t masked_from_ns;	/* inside: from when on the open interval counts, a lower bound where since is 0 */
	uint64_t interval_masked_ns;	/* masked time in the last closed interval */
	uint64_t mask_calls, unmask_calls;
	uint64_t lost;
	uint64_t gone_ns;
	struct hist *mask;		/* PE_MASK..PE_UNMASK */
	struct hist *initial_mask;	/* creation or reset .. first PE_UNMASK */
	uint64_t masked_told_ns;	/* masked time up to the last tick, but never goes back whatever a late record says */
	uint64_t mark_masked_ns, mark_last_ns;	/* inside */
	uint64_t place_ns;			/* inside: of the newest PLACE */
	struct vcpu_recent *records;		/* inside */
	struct vcpu_refused *refused;		/* inside */
	uint16_t finding[FINDING_GIC];	/* inside: what is open about the PE */
	uint64_t outside_ns, ran_ns;	/* inside: its newest record that a VMM made, and the newest before that which none made */
	uint64_t source_ns, first_ns;	/* inside: see model_blackout() */
	uint64_t found[FINDING_GIC];		/* findings about it and its events, those of which there is no record any more included */
};

struct model_vm {
	uint32_t pid;
	uint32_t instance;		/* 0, 1, … when a pid was used again */
	bool gone;			/* all its vCPUs are */
	uint64_t gone_ns;
	struct model_vcpu **vcpus;	/* by vcpu_id, ascending */
	size_t vcpu_count;
	size_t living;			/* vCPUs that are not gone */
	uint64_t restored_ns;		/* when its VMM had restored its SDEI state before it ran; 0: it has not. See migration.h */
	uint32_t from_pid, from_instance;	/* the VM that it was before; from_pid 0: not known */
	uint64_t stood_ns, stops;	/* its VMM had stopped it so long, and so often: see standstill.h */
	uint64_t counter, begin_counter, source_counter;	/* inside: ticks that its guest's counter is behind the host's; when it began; of the VM that it was */
	uint32_t counter_hz, begin_hz, source_hz;	/* inside: of these; 0: not known */
	uint32_t counter_vcpu;		/* inside: which set it first when the VM went on last */
	bool restoring, sought;		/* inside: it has not run since; the VM that it was is not looked for any more */
	uint64_t restore_found[FINDING_COUNT - FINDING_GIC];	/* findings about how its interrupt controller was saved and restored */
	struct frames *frames;		/* inside: those that had a page fault; NULL: none */
	struct fault_history *fault_history;	/* inside: see model_vm_fault_history() */
	void *user;			/* the view's, e.g. its name; freed by model_options.free_user */
};

/* What the view calls the guest of a VM, for as long as its user is there; NULL: it is not known. */
struct model_guest {
	const char *name, *uuid;
};

struct model_options {
	void (*free_user)(void *user);	/* may be NULL */
	struct model_guest (*guest)(const void *user);	/* NULL: nothing is known of any. See migration.h. */
	struct finding_limits limits;
};

struct model;

/*
 * KVM has 4 events of a vCPU and at most 4096 vCPUs of a VM, with ids up to four times that. A record may cost a look at all
 * events of its vCPU, so what a stream claims beyond these is left out.
 */
#define MODEL_EVENTS_MAX 64
#define MODEL_VCPUS_MAX 16384

struct model *model_new(const struct model_options *options);	/* options may be NULL; NULL: no memory */
void model_free(struct model *m);

/*
 * Takes one record of size bytes. 0; -EINVAL: unknown kind or wrong size, counted in model_totals.unknown;
 * -ENOMEM: counted in model_totals.no_memory; -E2BIG: it is about one event or vCPU more than the model keeps of a vCPU
 * or VM, counted in model_totals.crowded.
 */
int model_feed(struct model *m, const struct sdei_record *record, size_t size);

/*
 * model_feed() of each, in order; what fails is counted as there. For thousands of vCPUs it is several times
 * as fast, because it fetches what the next records will touch while it works on this one. From a few dozen on.
 */
void model_feed_many(struct model *m, const struct sdei_record *const records[], const size_t sizes[], size_t count);

/*
 * count records with that key found no room in their ring (reported by the source when it notices, so later than they happened).
 * The counts stay exact; the event and vCPU are marked inexact, open intervals of that event are abandoned. key NULL: it is not
 * known which records, so all is inexact. Returns as model_feed().
 */
int model_feed_lost(struct model *m, const struct sdei_lost_key *key, uint64_t count);

/* Closes the interval at now_ns: fills the `interval` fields with what came since the tick before, for rates. */
void model_tick(struct model *m, uint64_t now_ns);

/* The stream has ended: there is nothing to wait for any more, so what is suspected is a finding. */
void model_settle(struct model *m, uint64_t now_ns);

/* Forgets the figures (key r); states stay. Handlers and episodes under way become carried ones. */
void model_reset(struct model *m, uint64_t now_ns);

/* Frees VMs gone since before before_ns; their counts stay in model_totals. */
void model_expire(struct model *m, uint64_t before_ns);

/* Forgets findings that do not hold any more and were last seen before before_ns, which makes room for new ones. */
void model_expire_findings(struct model *m, uint64_t before_ns);

struct model_totals {
	struct model_counts count, interval;
	uint64_t records;		/* fed, all kinds */
	uint64_t interval_records;
	uint64_t interval_ns;		/* length of the last closed interval */
	uint64_t start_ns, now_ns;	/* first tick or record; last tick */
	uint64_t lost;			/* all losses */
	uint64_t lost_by[SDEI_KIND_COUNT];	/* the same by kind; [SDEI_KIND_NONE]: kind unknown */
	uint64_t unknown, no_memory, crowded, late;	/* crowded: see MODEL_EVENTS_MAX */
	uint64_t misfits;		/* of all events */
	uint64_t apf;			/* records of kind APF, lost ones too */
	uint64_t vms, vcpus;		/* those that are not gone */
	uint64_t findings_unkept;	/* that had no room in model_findings() */
	uint64_t found[FINDING_COUNT];	/* all findings raised: grows even when model_findings() is full */
	bool inexact;
};
const struct model_totals *model_totals(const struct model *m);

/* VMs in order of first sight. Valid until the next call that is not const. */
struct model_vm *const *model_vms(const struct model *m, size_t *count);
struct model_vm *model_vm(const struct model *m, uint32_t pid);			/* the living one, or NULL */
struct model_vcpu *model_vcpu(const struct model_vm *vm, uint32_t id);		/* or NULL */
struct model_event *model_event(const struct model_vcpu *vcpu, uint32_t event);	/* or NULL */

/* signals (and carried ones) less what became of them: design section 5, conservation. 0 without loss. */
int64_t model_unaccounted(const struct model_event *e);

/* dispatched (and carried ones) less completed, resumed, running and cleared. */
int64_t model_unaccounted_handlers(const struct model_event *e);

/* Masked time up to now_ns, the open interval included. */
uint64_t model_masked_ns(const struct model_vcpu *vcpu, uint64_t now_ns);

/*
 * Blame of an event: of all its dispatches whose latency is known, and its worst ones, worst first
 * (*count of them, at most MODEL_LATE_COUNT; NULL when there is none).
 */
const struct model_blame *model_event_blame(const struct model_event *e);
const struct model_late *model_event_late(const struct model_event *e, size_t *count);

/* The sums over a vCPU's or a VM's events. */
void model_vcpu_blame(const struct model_vcpu *vcpu, struct model_blame *sum);
void model_vm_blame(const struct model_vm *vm, struct model_blame *sum);

/* The episode that is open at now_ns, so far; false if there is none or its start is unknown. */
bool model_event_open(const struct model_event *e, uint64_t now_ns, struct model_late *late);

/*
 * Findings in order of their first time, at most FINDINGS_MAX. Valid until the next call that is not const.
 * What a lost or late record would explain becomes a finding at the first tick that is FINDING_GRACE_NS later, when
 * losses have been reported. None comes of a vCPU within a second of a loss or of a late record.
 */
#define FINDINGS_MAX 1024
#define FINDING_GRACE_NS 250000000ULL
const struct model_finding *model_findings(const struct model *m, size_t *count);

/*
 * Asked to (model_options are as ever), each event also keeps the histograms of the last closed interval:
 * the same names, NULL when the interval had none. They are kept from the first call on.
 */
struct model_event_interval {
#define X(field, help) const struct hist *field;
	MODEL_EVENT_HISTS(X)
#undef X
};
void model_keep_intervals(struct model *m, bool keep);
void model_event_interval(const struct model_event *e, struct model_event_interval *hists);

/* Asked to, each VM also keeps its page faults over time: see model_vm_fault_history(). Not part of an image. */
void model_keep_fault_history(struct model *m, bool keep);

/*
 * The last records of a vCPU but PLACE, APF and the values of EVENT_CONTEXT, oldest first, at most MODEL_RECENT; kept once
 * model_keep_recent() asked for them.
 */
#define MODEL_RECENT 32
void model_keep_recent(struct model *m, bool keep);
size_t model_recent(const struct model_vcpu *vcpu, struct record_brief records[MODEL_RECENT]);

/* Does a finding of that code hold about an event, or (e NULL) about the PE of v? Those without room in model_findings() count. */
bool model_is_found(const struct model_vcpu *v, const struct model_event *e, enum model_finding_code code);

/*
 * Result classes of calls: index in SDEI_RESULTS order, one for values that are not in it, and the last one for calls that the VMM has to
 * answer.
 */
unsigned int model_result_class(int64_t result);
const char *model_result_class_name(unsigned int class);
#define MODEL_RESULT_CLASSES 8
#define MODEL_RESULT_FORWARDED (MODEL_RESULT_CLASSES - 1)
uint64_t model_call_count(const struct model_vcpu *vcpu, uint32_t function, unsigned int class);
/* Adds all of them. False: it has made none. */
bool model_add_calls(const struct model_vcpu *vcpu, uint64_t counts[SDEI_CALL_COUNT][MODEL_RESULT_CLASSES]);

/*
 * How long calls of that function took, as their caller sees it: those of which that is known, which are a client's that no handler
 * interrupted. NULL: of none.
 */
const struct hist *model_call_time(const struct model_vcpu *vcpu, uint32_t function);

/*
 * Was the call refused? PENDING is no refusal. vcpu is as it was when it called, NULL: not known; it says whether an answer of
 * EVENT_CONTEXT is the value of a register. Of a lost call it is not known, so none of those counts as refused.
 */
bool model_call_is_refused(const struct model_vcpu *vcpu, const struct sdei_record_call *call);
bool model_lost_call_is_refused(const struct sdei_lost_key *key);

/* How many of them there are in a second, if count came in ns; 0 of no time. */
double model_per_second(uint64_t count, uint64_t ns);

#endif
