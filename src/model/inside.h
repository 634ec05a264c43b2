/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the model share; nobody else includes it.
 *   model.c   records and reports in, intervals, totals
 *   life.c    VMs and vCPUs: found, created, reborn, gone, forgotten
 *   event.c   the state of an event: counts, episodes, handlers
 *   mask.c    the PE mask
 *   call.c    the table of calls and results
 *   blame.c   where the time of pending episodes went
 *   rules.c   records that SDEI does not allow
 *   limits.c  what takes too long or comes too often
 *   finding.c what these found
 *   keep.c    what is kept only when asked for
 *   worst.c   the worst of the past and of what is open
 *   power.c   calls of PSCI, and whether vCPUs are on
 *   senders.c who interrupts whom
 *   stop.c    a vCPU that stops all others
 *   standstill.c VMs whose VMM had stopped them
 *   migration.c VMs that were restored: from which VM, and whether their state came whole
 *   apf.c     page faults; apf_frames.c: of which guest frames, and when
 *   gic.c     what is wrong with how interrupt controllers are restored; gic_state.c: what KVM makes of each step
 *   ahead.c   many records at a time
 *   image.c   all of it as bytes and back
 */
#ifndef MODEL_INSIDE_H
#define MODEL_INSIDE_H

#include "model/apf.h"
#include "model/fault_history.h"
#include "model/guest_index.h"
#include "model/spread.h"
#include "util/idmap.h"
#include "model/model.h"
#include "model/power.h"
#include "model/senders.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* The bits that records are checked against: an open episode, an open handler. */
#define OPEN_BITS (SDEI_PENDING | SDEI_RUNNING)

/* Whom a finding is about; event NULL: the PE. Of those from FINDING_GIC on gic, and nothing else. */
struct finding_owner {
	struct model_vcpu *vcpu;
	struct model_event *event;
	struct vm_gic *gic;
};

struct suspicion {
	struct model_finding finding;
	struct finding_owner owner;
};

#define SUSPICIONS_MAX 256

/* All allocated with the model, so that raising one cannot fail. */
struct findings {
	struct model_finding *list;	/* by first_ns */
	struct finding_owner *owners;	/* of each; all NULL: freed */
	size_t count;
	struct suspicion *suspicions;
	size_t suspicion_count;
};

/* Records by what they may do to the state, see rules.c. */
enum variant {
	OTHER,		/* calls, and what was refused: nothing changes */
	REGISTER, UNREGISTER, ENABLE, DISABLE, MASK, UNMASK, PRIVATE_RESET, VCPU_RESET,
	QUEUED, COALESCED, CANCELLED, DISPATCHED, DISPATCHED_ALONE, COMPLETED, CREATED, STATE_RESET, RESTORED, ENDED,
	VARIANTS
};

/*
 * By variant and the state before, a bit for each post-state that goes with them. Of the PE, whose state is the mask alone,
 * bit 2 * before + after.
 */
#define STATES 32U	/* combinations of the bits of enum sdei_state */
struct rules_fits {
	uint32_t of_event[VARIANTS][STATES];
	uint8_t of_pe[VARIANTS];
};

struct model {
	struct model_options options;
	struct model_totals totals;
	struct idmap vcpus;		/* (pid, vcpu id): the newest vCPU of that name */
	struct idmap by_pid;		/* pid: its newest VM */
	struct model_vm **vms;
	size_t vm_count, vm_room;
	struct guest_index guests;	/* has room for all VMs */
	struct model_counts mark;
	uint64_t mark_records;
	size_t fault_histories;		/* of VMs */
	struct finding_limits limits;	/* defaults filled in */
	struct findings findings;
	uint64_t newest_ns;		/* of all records */
	uint64_t trust_ns;		/* as model_vcpu.trust_ns, for all */
	uint64_t gic_trust_ns;		/* the same of steps of interrupt controllers */
	struct vm_gic **gics;		/* of VMs whose interrupt controllers are saved or restored */
	size_t gic_count, gic_room;
	bool ever_lost;
	bool keep_intervals, keep_recent, keep_fault_history;
	bool ever_apf;			/* a vCPU has or had asynchronous page faults */
	struct rules_fits fits;		/* constant */
};

/* --- life.c */

/* New ones, found by their names from now on; neither living nor counted yet. NULL: no memory, or see life_no_vcpu(). */
struct model_vm *life_make_vm(struct model *m, uint32_t pid);
struct model_vcpu *life_make_vcpu(struct model *m, struct model_vm *vm, uint32_t id);
void life_set_living(struct model *m, struct model_vcpu *v);

/* The vCPU that the record is about, made if need be; v is the newest one of that name, if any. NULL: see life_no_vcpu(). */
struct model_vcpu *life_vcpu(struct model *m, struct model_vcpu *v, const struct sdei_record *r);

/* Why there is none of a VM: -E2BIG, it has as many vCPUs as are kept, or -ENOMEM. */
int life_no_vcpu(const struct model *m, uint32_t pid);

/* What vCPUs are found by. */
static inline uint64_t vcpu_key(uint32_t pid, uint32_t id)
{
	return (uint64_t)pid << 32 | id;
}

/* The newest vCPU of that name, or NULL. */
static inline struct model_vcpu *life_find(const struct model *m, uint32_t pid, uint32_t id)
{
	return idmap_find(&m->vcpus, vcpu_key(pid, id));
}

/* The one that a snapshot saw; NULL: it is gone, or cannot be made (then *err is as of life_no_vcpu()). */
struct model_vcpu *life_vcpu_seen(struct model *m, const struct sdei_record *r, int *err);

/* The one that a report of lost records is about. NULL: see life_no_vcpu(). */
struct model_vcpu *life_vcpu_lost(struct model *m, const struct sdei_lost_key *key);

/* The vCPU was destroyed at time_ns. */
void life_end(struct model *m, struct model_vcpu *v, uint64_t time_ns);

/* STATE destroyed of that event was lost count times. */
void life_end_lost(struct model_event *e, uint64_t count);

/* The time of its newest record, but for those that say where its thread is. */
uint64_t life_newest_ns(const struct model_vcpu *v);

/* At every tick. */
void life_tick(struct model *m, struct model_vcpu *v);

void life_free_vm(struct model *m, struct model_vm *vm);

/* --- event.c */

struct model_event *event_get_other(struct model_vcpu *v, uint32_t number);

/* Why there is none: -E2BIG, the vCPU has as many as are kept, or -ENOMEM. */
int event_none(const struct model_vcpu *v);

/* The event, made if need be. NULL: see event_none(). */
static inline struct model_event *event_get(struct model_vcpu *v, uint32_t number)
{
	struct model_event *e = v->recent;

	return likely(e && e->event == number) ? e : event_get_other(v, number);
}

void event_free(struct model_event *e);

/*
 * Takes a record about an event. late: it is older than one before. fits: rules_fit() said so.
 * 0 or -ENOMEM (a sample is missing, the rest is done).
 */
int event_take(struct model *m, struct model_event *e, const struct sdei_record *r, bool late, bool fits);

/* count records like key were lost. */
void event_take_lost(struct model *m, struct model_event *e, const struct sdei_lost_key *key, uint64_t count);

/* As a snapshot saw it, if no record has shown it since. */
void event_sketch(struct model_event *e, const struct sdei_record *r);

/* Its vCPU begins a new life: nothing is open, nothing is registered. */
void event_renew(struct model_event *e);

void event_reset(struct model_event *e);

/* A sample that ended with r, about event (SDEI_NONE: the PE); *h is made if need be. 0 or -ENOMEM. */
int sample_add(struct hist **h, uint64_t value, const struct sdei_record *r, uint32_t event);

/* --- mask.c */

/* The mask as a snapshot saw it. */
void mask_sketch(struct model_vcpu *v, const struct sdei_record *r);

/* Takes the mask bit of any record; of MASK, UNMASK, RESET and STATE more. 0 or -ENOMEM. */
int mask_take(struct model_vcpu *v, const struct sdei_record *r);

/* A record that mask_take() cannot use, because it is late or was lost. */
void mask_missed(struct model_vcpu *v, unsigned int kind, uint64_t count);

/* Nothing is known about the mask from time_ns on. */
void mask_forget(struct model_vcpu *v, uint64_t time_ns);

void mask_reset(struct model_vcpu *v, uint64_t now_ns);

/* --- call.c */

#define CALL_CLASSES 8	/* room for MODEL_RESULT_CLASSES */
#define CALLS_MAX (SDEI_CALL_COUNT * CALL_CLASSES)

/* CALL_CLASSES * function from SDEI_FN_FIRST on + result class. */
typedef unsigned int call_kind_t;

/* Hardly any call is refused: a table of those that succeed, which is what most records touch, and a list of the others. */
struct vcpu_calls {
	uint64_t succeeded[SDEI_CALL_COUNT];
	size_t other_count;
	struct call_count {
		call_kind_t kind;	/* ascending */
		uint64_t count;
	} *others;
	struct call_times {
		struct hist *of[SDEI_CALL_COUNT];	/* model_call_time() */
	} *times;	/* NULL: of no call it is known */
};

uint64_t call_get(const struct vcpu_calls *calls, call_kind_t kind);	/* calls may be NULL */
int call_add(struct model_vcpu *v, call_kind_t kind, uint64_t count);	/* 0 or -ENOMEM */

/* Where the times of calls of SDEI_FN_FIRST + index belong, of a vCPU that has made some; NULL: no memory. */
struct hist **call_time_slot(struct model_vcpu *v, unsigned int index);
void call_reset(struct model_vcpu *v);

/* -EINVAL: not a function of SDEI's. */
int call_take(struct model_vcpu *v, const struct sdei_record_call *call);
int call_take_smccc(struct model_vcpu *v, const struct sdei_record_smccc *r);
int call_take_lost(struct model_vcpu *v, const struct sdei_lost_key *key, uint64_t count);

/* A hint: call_take() of a call that most likely succeeds comes soon. */
void call_prefetch(const struct model_vcpu *v, const struct sdei_record_call *call);

/* EVENT_CONTEXT that gave a register's value: no state changes by it, and a handler calls it many times. */
bool call_is_value(const struct model_vcpu *v, const struct sdei_record *r);

/* --- blame.c */

/* Handlers that blocked one episode. With more than that the shortest ones are forgotten. */
#define BLOCKERS 4

/* ahead.c fetches two lines of it. */
struct event_open {
	struct model_blame blame;	/* of the open episode, until until_ns */
	uint64_t until_ns;
	unsigned int last;		/* the part settled last */
	struct { uint32_t event; uint64_t ns; } blockers[BLOCKERS];
};

/* Does r change what others, or e (which it is about; NULL: none), wait for? To be asked only if an episode is open on the vCPU. */
static inline bool blame_is_due(const struct model_vcpu *v, const struct model_event *e, const struct sdei_record *r)
{
	if (v->masked != !!(r->state & SDEI_MASKED))
		return true;
	if (!e)
		return false;
	if (r->kind == SDEI_DISPATCH)
		return v->episodes > 1 || !e->pending_since_ns;	/* its own ends here: blame_dispatch() */
	return (e->state ^ r->state) & (SDEI_ENABLED | SDEI_RUNNING) || (r->state & SDEI_RUNNING && v->running != e);
}

/* To be called before r changes anything, if blame_is_due(). 0 or -ENOMEM. */
int blame_before(struct model *m, struct model_vcpu *v, struct model_event *e, const struct sdei_record *r);

/* The open episode of e is dispatched by r. 0 or -ENOMEM. */
int blame_dispatch(struct model_event *e, const struct sdei_record *r);

int blame_place(struct model *m, struct model_vcpu *v, const struct sdei_record *r);
void blame_reset(struct model_event *e);

/* --- finding.c */

#define SECOND_NS 1000000000ULL

/*
 * The state that was seen at time_ns is what the records since began with: none
 * was lost or late in between, nor so shortly before that it may come yet.
 */
static inline bool trusted(const struct model *m, const struct model_vcpu *v, uint64_t time_ns)
{
	return time_ns > v->trust_ns && time_ns > m->trust_ns;
}

/* Records of v (NULL: of any vCPU) were lost or came late. What was suspected of it may be due to that. */
void finding_distrust(struct model *m, struct model_vcpu *v);

/* The open one, or NULL. */
struct model_finding *finding_of(struct model *m, struct finding_owner owner, enum model_finding_code code);

/* As finding_of(), unless it is over because there was no record for long; then it is closed. */
struct model_finding *finding_current(struct model *m, struct finding_owner owner, enum model_finding_code code, uint64_t time_ns);

/* Opens one. NULL: it is not kept. */
struct model_finding *finding_raise(struct model *m, struct finding_owner owner, enum model_finding_code code, uint64_t first_ns);
void finding_close(struct model *m, struct finding_owner owner, enum model_finding_code code);
void finding_close_all(struct model *m, struct model_vcpu *v);

/* r shows it, unless a loss explains r: see model_findings(). To be called before r changes the state. */
void finding_suspect(struct model *m, struct finding_owner owner, enum model_finding_code code, const struct sdei_record *r,
		     unsigned int rule);

/* r ended what began to be one at first_ns and has not been raised. */
void finding_suspect_ended(struct model *m, struct finding_owner owner, enum model_finding_code code,
			   const struct sdei_record *r, uint64_t first_ns, uint64_t value);

/* A loss was reported that explains what is suspected of v under that code. */
void finding_unsuspect(struct model *m, const struct model_vcpu *v, enum model_finding_code code);

/* What is suspected for grace_ns becomes findings; those about records close when they are over. */
void finding_tick(struct model *m, uint64_t now_ns, uint64_t grace_ns);

/* For an image: what an owner has open of those codes (a bit each) is not kept. false: that cannot be. */
unsigned int finding_unkept(const uint16_t slots[FINDING_GIC]);
bool finding_set_unkept(uint16_t slots[FINDING_GIC], bool is_event, unsigned int codes);

/* Puts one back behind the others, as it was; the vCPU and event that it names are its owner. false: that cannot be. */
bool finding_put_back(struct model *m, struct finding_owner owner, const struct model_finding *finding);
bool finding_put_back_suspicion(struct model *m, struct finding_owner owner, const struct model_finding *finding);

/* It goes away: a vCPU with its events, or a VM's interrupt controller. */
void finding_orphan(struct model *m, struct finding_owner whose);

/* A loss was reported that explains what is suspected of it. */
void finding_distrust_gic(struct model *m, struct vm_gic *gic);
void finding_reset(struct model *m);
int finding_init(struct model *m);	/* 0 or -ENOMEM */
void finding_release(struct model *m);

/* --- rules.c */

void rules_fill(struct rules_fits *fits);

extern const uint8_t rules_variants[SDEI_KIND_COUNT][8];

/* By kind, and what distinguishes records of one kind. */
static inline enum variant variant_of(const struct sdei_record *r)
{
	switch (r->kind) {
	case SDEI_SIGNAL:
		return rules_variants[r->kind][r->outcome & 7];
	case SDEI_CANCEL:
		return rules_variants[r->kind][!!r->error];
	case SDEI_DISPATCH:
		return rules_variants[r->kind][r->origin & 3];
	case SDEI_RESET:
	case SDEI_STATE:
		return rules_variants[r->kind][r->origin & 7];
	default:
		return rules_variants[r->kind][0];
	}
}

/*
 * Nothing is wrong with r, whether or not the state before can be trusted. If not, rules_check()
 * knows. e is NULL if r is about the PE.
 */
static inline bool rules_fit(const struct model *m, const struct model_vcpu *v, const struct model_event *e,
			     const struct sdei_record *r)
{
	enum variant variant = variant_of(r);
	unsigned int after = r->state & (STATES - 1), before;

	if (!e) {
		before = v->masked;
		return m->fits.of_pe[variant] >> (2 * before + !!(after & SDEI_MASKED)) & 1 &&
		       (r->kind != SDEI_MASK || (r->error == 1) != v->masked);
	}
	before = (e->state & (STATES - 1)) | (v->masked ? SDEI_MASKED : 0);
	if (!(m->fits.of_event[variant][before] >> after & 1))
		return false;
	if (after & SDEI_RUNNING && (v->running != e || r->kind == SDEI_DISPATCH))
		return !v->running && v->episodes <= !!e->pending_since_ns;
	return true;
}

/* To be called before r (in time), which does not fit, changes anything. */
void rules_check(struct model *m, struct model_vcpu *v, struct model_event *e, const struct sdei_record *r);

/* --- limits.c */

/* Refused calls: those of this window, and those that a finding counts, or would count, by call and result. */
#define REFUSED_CALLS (SDEI_CALL_COUNT + 1)	/* the last one is for all that are not SDEI's */
struct vcpu_refused {
	uint64_t from_ns, count;
	uint64_t all;			/* the sum of those below */
	struct refusal {
		uint64_t count;
		int64_t result;		/* the last one of its class */
	} calls[REFUSED_CALLS][MODEL_RESULT_CLASSES];
};

/* 0 in limits means the default. */
void limits_fill(struct finding_limits *limits);

/* What an event waits or works for. */
enum { PHASE_IDLE, PHASE_READY, PHASE_RUNNING };

static inline unsigned int phase_of(unsigned int state)
{
	if (state & SDEI_RUNNING)
		return PHASE_RUNNING;
	return (state & (SDEI_PENDING | SDEI_ENABLED)) == (SDEI_PENDING | SDEI_ENABLED) ? PHASE_READY : PHASE_IDLE;
}

/* Before r ends the phase that e is in. */
void limits_phase(struct model *m, struct model_event *e, const struct sdei_record *r);

/* r shows a signal to e that will not be dispatched, or not for itself. */
void limits_dropped(struct model *m, struct model_event *e, const struct sdei_record *r);

/* Before r ends how long e has been deliverable. */
void limits_waited(struct model *m, struct model_event *e, const struct sdei_record *r);
void limits_unmask(struct model *m, struct model_vcpu *v, const struct sdei_record *r);
int limits_refused(struct model *m, struct model_vcpu *v, const struct sdei_record *r, uint32_t function);	/* r is a refused call; 0 or -ENOMEM */
void limits_tick(struct model *m, struct model_vcpu *v, uint64_t now_ns, uint64_t grace_ns);

/* Before r, of kind APF and in time, changes anything. */
void limits_apf(struct model *m, struct model_vcpu *v, const struct sdei_record_apf *r);

/* --- stop.c */

/* Does a vCPU that stops all others of vm begin or end to be a finding? What that explains is none of its own. */
void stop_tick(struct model *m, const struct model_vm *vm, uint64_t now_ns, uint64_t grace_ns);

/* --- standstill.c */

void standstill_take(struct model *m, const struct sdei_record_counter *r);

/* --- migration.c */

/* Was it made by a VMM, so that it does not show that the guest runs? */
static inline bool migration_is_outside(const struct sdei_record *r)
{
	return r->kind == SDEI_STATE || (r->kind == SDEI_RESET && r->origin == SDEI_VCPU_RESET) ||
	       (r->kind == SDEI_SIGNAL && r->origin == SDEI_FROM_RESTORE);
}

/*
 * To be called for each of these, and for any record of a vCPU that has not begun, before it changes anything; e NULL: it is about the
 * PE.
 */
void migration_look(struct model *m, struct model_vcpu *v, struct model_event *e, const struct sdei_record *r);

void migration_renew(struct model_vcpu *v);	/* another life of it begins */
void migration_runs(struct model_vm *vm, uint32_t vcpu, uint64_t time_ns);	/* a vCPU runs for the first time, on this thread */
bool migration_has_begun(const struct model_vm *vm);	/* has any of its vCPUs run? */
uint64_t migration_ran_ns(const struct model_vm *vm);	/* the newest record that shows that its guest runs; 0: there is none */
void migration_tick(struct model *m, struct model_vm *vm, uint64_t now_ns, uint64_t grace_ns);

/* Before a record at now_ns ends what may be part of one that no tick has seen. */
void stop_look(struct model *m, const struct model_vm *vm, uint64_t now_ns);

/* Is v part of one, which may be over since? */
bool stop_has(const struct model_vcpu *v);

/* --- gic.c */

/* The interrupt controller of a VM; the VM may not have been seen otherwise, as its vCPUs have not run. */
struct vm_gic {
	struct model *model;
	uint32_t pid, instance;		/* instance: when something was found last */
	uint64_t last_ns;		/* newest step */
	bool ended;			/* its VM, since then */
	struct gic_state *state;
	uint16_t finding[FINDING_COUNT - FINDING_GIC];	/* what is open: see finding.c */
	uint64_t found[FINDING_COUNT - FINDING_GIC];	/* findings of a VM that is not seen otherwise yet: see gic_claim() */
};

#define GICS_MAX 256	/* of as many VMs at a time what is wrong is found */

int gic_take(struct model *m, const struct sdei_record_gic *step);	/* 0, -E2BIG or -ENOMEM */

/* There is a finding about it. */
void gic_count_found(struct vm_gic *gic, enum model_finding_code code);

/* The VM is seen from now on: what was found of it before is its. */
void gic_claim(struct model *m, struct model_vm *vm);

/* Steps of that VM (SDEI_ANY_VM: of any) were lost: what was written is not known. */
void gic_lost(struct model *m, uint32_t pid);

/* The stream has ended: what has not been put right is wrong. */
void gic_settle(struct model *m);

/* The VM ends: what has not been put right is wrong. To be called while it is not gone. */
void gic_end(struct model *m, uint32_t pid);

/* Forgets those of which nothing came since. */
void gic_expire(struct model *m, uint64_t before_ns);
void gic_release(struct model *m);

/* --- keep.c */

enum model_hist {
#define X(field, help) HIST_##field,
	MODEL_EVENT_HISTS(X)
#undef X
	HIST_KINDS
};

struct event_intervals {
	struct hist *now[HIST_KINDS], *last[HIST_KINDS];
};

struct vcpu_recent {
	uint64_t count;
	struct record_brief records[MODEL_RECENT];	/* the newest at (count - 1) % MODEL_RECENT */
};

/* Where samples of this interval go; NULL: nobody asked. */
struct hist **keep_interval(struct model_event *e, unsigned int which);

/* 0 or -ENOMEM. */
int keep_event(struct model_event *e);
int keep_record(struct model_vcpu *v, const struct sdei_record *r);
uint64_t keep_newest_ns(const struct model_vcpu *v);	/* of the newest record that is kept; 0: none is */
void keep_tick(struct model_event *e);
void keep_turn(struct hist **now, struct hist **last, unsigned int count);	/* histograms of an interval that is over */
void keep_free_event(struct model_event *e);
void keep_free_vcpu(struct model_vcpu *v);

/* --- power.c */

struct vcpu_power {
	struct psci_counts calls;
	uint64_t time_ns;		/* of the newest record that turned it off or on; 0: none did */
	uint64_t since_ns;		/* off: since then, or before it */
};

/* A record of kind SMCCC; some that were lost. 0, -EINVAL, -E2BIG or -ENOMEM. */
int power_take(struct model *m, const struct sdei_record_smccc *r);
int power_take_lost(struct model *m, const struct sdei_lost_key *key, uint64_t number);

/* One of kind POWER: what was so where the tracing, or a recording, begins. Likewise. */
int power_sketch(struct model *m, const struct sdei_record *r);

/* The vCPU was on at time_ns. */
void power_seen(struct model_vcpu *v, uint64_t time_ns);

/* It begins a new life, or has ended; figures are forgotten. */
void power_renew(struct model_vcpu *v);
void power_reset(struct model_vcpu *v);

/* --- senders.c */

struct vcpu_senders {
	struct model_sender *list;	/* by sender, ascending */
	size_t count;
	size_t recent;			/* where the last one is, or would be */
};

/* Who signalled, r; SDEI_NONE: not a vCPU, or it is not known which. */
static inline uint32_t sender_of(const struct sdei_record *r)
{
	return r->origin == SDEI_FROM_GUEST ? r->sender : SDEI_NONE;
}

/* That one, made if need be; NULL with *err: -E2BIG, the vCPU has as many as are kept, or -ENOMEM. */
struct model_sender *senders_get(struct model_vcpu *v, uint32_t sender, int *err);

/* r is a signal to v and names its sender. 0, -E2BIG or -ENOMEM. */
int senders_signal(struct model_vcpu *v, const struct sdei_record *r);

/* A hint: senders_signal() of the one that signalled last comes soon. */
void senders_prefetch(const struct model_vcpu *v);

/* The open episode of e, whose beginning is known, ends: with its dispatch r (0 or -ENOMEM), or without one. */
int senders_dispatched(struct model_event *e, const struct sdei_record *r);
void senders_unanswered(struct model_event *e);

void senders_free(struct vcpu_senders *s);	/* NULL is fine */

/* --- apf.c */

#define APF_OPEN_MAX 64		/* of a vCPU: ASYNC_PF_PER_VCPU; of more, the oldest are forgotten */

/* A fault in flight. */
struct apf_open {
	struct apf_fault fault;			/* the stages that are over */
	uint64_t working_ns, ready_ns;		/* 0: not yet, or not seen */
	uint8_t told;				/* enum sdei_apf_told; 0: not yet, or not seen */
	bool unseen;				/* told by an SDEI event that has not been dispatched */
	bool late;				/* counted by a finding */
};

/* A stage that is under way and whose end does not name the fault. All zero: none is. */
struct apf_span {
	uint64_t id, since_ns;
};

/* The fault that the vCPU waits for itself. All zero: none is known. */
struct apf_waiting {
	uint64_t since_ns, gfn;
	bool late;				/* counted by a finding */
};

struct apf_intervals {
	struct hist *now[APF_STAGE_COUNT], *last[APF_STAGE_COUNT];
	struct spread quick_now, quick_last;	/* end_ns 0: none */
};

/* Of a vCPU that had any record of kind APF. */
struct vcpu_apf {
	struct model_apf shown;
	struct apf_counts mark;
	uint64_t mark_blocked_ns;
	struct apf_open *open;			/* shown.in_flight of them, oldest first */
	size_t room;				/* there */
	struct apf_intervals *intervals;	/* NULL: nobody asked */
	uint64_t last_ns;			/* newest record of kind APF */
	uint64_t last_gfn;			/* of its newest fault; 0: none, or not known */
	uint64_t signal_ns;			/* KVM's newest signal to event 1; 0: none was seen */
	struct apf_span dispatch, handler, ack;
	uint8_t quiet;				/* enum sdei_apf_told, as it was when last the guest was not told */
	bool acks;				/* the guest has acknowledged a page */
	bool ackless;				/* it never did, and was told again: acknowledgements are not seen here */
	uint64_t unacked_ns;			/* since when the guest has to acknowledge one; 0: it has none, or nobody knows */
	uint64_t doubt_ns;			/* what was in flight by then may have got its page unseen */
	uint64_t fallbacks_from_ns, fallbacks;	/* the window for FALLBACK_BURST */
	struct apf_waiting waiting;
	uint64_t quick_until_ns;		/* the newest sum of quick faults is of those until then; 0: there was none */
};

/*
 * Of APF_QUICK: when the first of them began, and the last one ended. Older recordings do not say it: there the last one ended as of the
 * record, and the others were at any time since the last sum, of until last_sum_ns (0: there was none). One that is late may be of before that.
 */
uint64_t apf_quick_begin_ns(const struct sdei_record_apf *r, uint64_t last_sum_ns);
uint64_t apf_quick_end_ns(const struct sdei_record_apf *r);

/* A record of kind APF. 0 or -ENOMEM. */
int apf_take(struct model *m, const struct sdei_record_apf *r);
int apf_take_lost(struct model *m, const struct sdei_lost_key *key, uint64_t count);

/* Records were lost, of which nobody knows. */
void apf_doubt_all(struct model *m);

/* The event by which KVM tells the guest of them. */
#define APF_EVENT 1

/* Any other record of v, in time; and one that was late or lost. To be called only if v->apf. */
int apf_join(struct model_vcpu *v, const struct sdei_record *r);
void apf_join_missed(struct model_vcpu *v, uint32_t event);

/* The first count of open are those in flight. */
void apf_set_in_flight(struct vcpu_apf *a, unsigned int count);

/* One in flight, or NULL. */
struct apf_open *apf_find_open(const struct vcpu_apf *a, uint64_t id);

/* APF_PRESENT that the guest has to acknowledge. */
static inline bool apf_is_told(const struct sdei_record *r)
{
	return r->outcome == APF_SIGNALLED || r->outcome == APF_WAKE_ALL;
}

/* Of a fault in flight, or one of the slowest; or NULL. */
const struct apf_fault *apf_find(const struct vcpu_apf *a, uint64_t id);

/* Its vCPU has ended; it begins a new life; figures are forgotten. */
void apf_end(struct vcpu_apf *a);
void apf_renew(struct vcpu_apf *a);
void apf_reset(struct vcpu_apf *a);

void apf_tick(struct vcpu_apf *a);
int apf_keep(struct vcpu_apf *a);	/* 0 or -ENOMEM */
void apf_free_intervals(struct vcpu_apf *a);
void apf_free(struct vcpu_apf *a);	/* NULL is fine */

/* --- apf_frames.c */

/* Is it about a guest frame whose fault it is the first to show? Then that is to be taken, too: 0 or -ENOMEM. */
bool apf_has_frame(const struct sdei_record_apf *r);
int apf_take_frame(struct model_vcpu *v, const struct sdei_record_apf *r, bool late);

/* Does nothing but if r shows that a worker's page is there. */
void apf_end_frame(struct model_vcpu *v, const struct sdei_record_apf *r);

/* NULL: nobody asked for it, or it has no room. What r adds to it is what a has more of than it had. */
struct fault_history *apf_history(struct model *m, struct model_vm *vm);
struct fault_happened apf_happened(const struct vcpu_apf *a);
void apf_take_history(struct fault_history *history, const struct vcpu_apf *a, const struct sdei_record_apf *r,
		      const struct fault_happened *was);

/* What belongs to a VM, not to one of its vCPUs. */
void apf_free_vm(struct model *m, struct model_vm *vm);

/* Kinds that are about the PE, and those whose event may be SDEI_NONE. */
#define ABOUT_PE (1U << SDEI_MASK | 1U << SDEI_UNMASK | 1U << SDEI_RESET | 1U << SDEI_PLACE | 1U << SDEI_POWER | 1U << SDEI_COUNTER)
#define ABOUT_ANY (ABOUT_PE | 1U << SDEI_CALL | 1U << SDEI_APF | 1U << SDEI_GIC | 1U << SDEI_SMCCC)

static inline bool is_kind(unsigned int kind)
{
	return kind > SDEI_KIND_NONE && kind < SDEI_KIND_COUNT;
}

static inline bool has_needed_event(unsigned int kind, uint32_t event)
{
	return event != SDEI_NONE || 1U << kind & ABOUT_ANY;
}

static inline bool is_apf(const struct sdei_record *r, unsigned int step)
{
	return r->kind == SDEI_APF && r->origin == step;
}

static inline bool is_state(const struct sdei_record *r, unsigned int reason)
{
	return r->kind == SDEI_STATE && r->origin == reason;
}

/* Of its vCPU: such a record never brings one to life. */
static inline bool is_end(const struct sdei_record *r)
{
	return is_state(r, SDEI_DESTROYED) || is_apf(r, APF_VCPU_END);
}

#endif
