// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asynchronous page faults of a vCPU. A record does two things: it counts, also if it was lost or is late; and it ends or begins
 * stages of the fault whose id it has. Where the guest is told by an SDEI event, that event's records are joined: of the
 * faults told of, only the newest can be waiting for its dispatch, because KVM signals nothing while the event is pending.
 *
 * What a lost record would have shown is a stage without a sample. Only the end of a fault is missed for longer: then all that
 * is in flight is forgotten, and what comes of it counts, but is not followed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/inside.h"
#include "record/kinds.h"
#include "util/array.h"

/* --- names */

const char *apf_stage_name(enum apf_stage stage)
{
	static const char *const names[APF_STAGE_COUNT] = {
#define X(name, help) #name,
		APF_STAGES(X)
#undef X
	};

	return names[stage];
}

const char *apf_stage_help(enum apf_stage stage)
{
	static const char *const helps[APF_STAGE_COUNT] = {
#define X(name, help) help,
		APF_STAGES(X)
#undef X
	};

	return helps[stage];
}

/* --- samples */

static int sample(struct vcpu_apf *a, enum apf_stage stage, uint64_t value, const struct sdei_record *r)
{
	int err = sample_add(&a->shown.stage[stage], value, r, SDEI_NONE);

	if (unlikely(a->intervals) && sample_add(&a->intervals->now[stage], value, r, SDEI_NONE))
		err = -ENOMEM;
	if (unlikely(err))
		a->shown.inexact = true;
	return err;
}

/* From since_ns (0: unknown) to r; kept in *stages (NULL: of a fault that is not known any more). */
static int sample_since(struct vcpu_apf *a, enum apf_stage stage, uint64_t since_ns, const struct sdei_record *r, uint64_t *stages)
{
	uint64_t value = r->time_ns - since_ns;

	if (!since_ns || since_ns > r->time_ns)
		return 0;
	if (stages)
		stages[stage] = value;
	return sample(a, stage, value, r);
}

/* --- what is in flight */

struct apf_open *apf_find_open(const struct vcpu_apf *a, uint64_t id)
{
	for (uint64_t i = a->shown.in_flight; id && i--;) {
		if (a->open[i].fault.id == id)
			return &a->open[i];
	}
	return NULL;
}

void apf_set_in_flight(struct vcpu_apf *a, unsigned int count)
{
	a->shown.in_flight = count;
	a->shown.oldest_ns = apf_older_ns(count ? a->open[0].fault.setup_ns : 0, a->waiting.since_ns);
}

static void set_waiting(struct vcpu_apf *a, struct apf_waiting waiting)
{
	a->waiting = waiting;
	apf_set_in_flight(a, a->shown.in_flight);
}

static void forget(struct vcpu_apf *a, struct apf_open *f)
{
	struct apf_open *end = a->open + a->shown.in_flight;

	memmove(f, f + 1, (char *)end - (char *)(f + 1));
	apf_set_in_flight(a, a->shown.in_flight - 1);
}

const struct apf_fault *apf_find(const struct vcpu_apf *a, uint64_t id)
{
	struct apf_open *f = apf_find_open(a, id);

	for (unsigned int i = 0; !f && i < a->shown.slow_count; i++) {
		if (id && a->shown.slow[i].id == id)
			return &a->shown.slow[i];
	}
	return f ? &f->fault : NULL;
}

/* Where the stages of a fault are kept, which may be over; or NULL. */
static uint64_t *stages_of(struct vcpu_apf *a, uint64_t id)
{
	struct apf_fault *fault = (struct apf_fault *)apf_find(a, id);

	return fault ? fault->stage : NULL;
}

static void begin_fault(struct apf_fault *fault, const struct sdei_record_apf *r, uint64_t begin_ns)
{
	*fault = (struct apf_fault){ .id = r->id, .token = r->head.arg, .gfn = r->gfn, .setup_ns = begin_ns, .vcpu = r->head.vcpu };
	for (unsigned int i = 0; i < APF_STAGE_COUNT; i++)
		fault->stage[i] = APF_UNKNOWN;
}

static void add_open(struct vcpu_apf *a, const struct sdei_record_apf *r)
{
	struct apf_open *f = &a->open[a->shown.in_flight];

	*f = (struct apf_open){ 0 };
	begin_fault(&f->fault, r, r->head.time_ns);
	apf_set_in_flight(a, a->shown.in_flight + 1);
}

/* Some of it may be over. */
static void forget_all(struct vcpu_apf *a)
{
	a->waiting = (struct apf_waiting){ 0 };
	apf_set_in_flight(a, 0);
	a->dispatch = a->handler = a->ack = (struct apf_span){ 0 };
	a->unacked_ns = 0;
}

/* --- the slowest */

uint64_t apf_fault_ns(const struct apf_fault *fault)
{
	return fault->stage[APF_STAGE_total] == APF_UNKNOWN ? fault->stage[APF_STAGE_sync] : fault->stage[APF_STAGE_total];
}

static void take_slow(struct model_apf *shown, const struct apf_fault *fault)
{
	unsigned int at = shown->slow_count;

	while (at && apf_fault_ns(&shown->slow[at - 1]) < apf_fault_ns(fault))
		at--;
	if (at == APF_SLOW_COUNT)
		return;
	if (shown->slow_count < APF_SLOW_COUNT)
		shown->slow_count++;
	memmove(&shown->slow[at + 1], &shown->slow[at], (shown->slow_count - 1 - at) * sizeof(*fault));
	shown->slow[at] = *fault;
}

static void warm_up(struct apf_warmup *w, uint64_t begin_ns, uint64_t end_ns, uint64_t faults, uint64_t blocked_ns)
{
	w->over |= w->start_ns && begin_ns > w->end_ns && begin_ns - w->end_ns > APF_CALM_NS;
	if (w->over)
		return;
	if (!w->start_ns)
		w->start_ns = begin_ns;
	if (end_ns > w->end_ns)
		w->end_ns = end_ns;
	w->faults += faults;
	w->blocked_ns += blocked_ns;
}

/* --- steps of a fault */

/* The kernel's own number, unless it can be none. */
static uint64_t depth_of(const struct vcpu_apf *a, const struct sdei_record_apf *r)
{
	return r->queued >= a->shown.in_flight && r->queued <= APF_OPEN_MAX ? r->queued : a->shown.in_flight;
}

static int take_depth(struct vcpu_apf *a, const struct sdei_record_apf *r)
{
	uint64_t depth = depth_of(a, r);

	if (depth > a->shown.most_in_flight)
		a->shown.most_in_flight = depth;
	return sample_add(&a->shown.depth, depth, &r->head, SDEI_NONE);
}

/* An id that is there already is of another tracing: that fault is over. */
static void forget_stale(struct vcpu_apf *a, uint64_t id)
{
	struct apf_open *stale = apf_find_open(a, id);

	if (!stale && a->shown.in_flight == APF_OPEN_MAX)
		stale = &a->open[0];
	if (!stale)
		return;
	forget(a, stale);
	a->shown.inexact = true;
}

static void count_setup(struct vcpu_apf *a, unsigned int by, uint64_t n)
{
	a->shown.count.setup += n;
	if (by == APF_BY_USER)
		a->shown.count.user += n;
}

static void count_working(struct vcpu_apf *a, unsigned int by, uint64_t n)
{
	if (by == APF_BY_USER)
		a->shown.count.accepted += n;
	else if (by == APF_BY_RING)
		a->shown.count.ring += n;
}

/* One that is late may be over already, so it is not followed. */
static int take_setup(struct vcpu_apf *a, const struct sdei_record_apf *r, bool late)
{
	int err = 0;

	count_setup(a, r->head.outcome, 1);
	warm_up(&a->shown.warmup, r->head.time_ns, r->head.time_ns, 1, 0);
	forget_stale(a, r->id);
	if (r->id && !late)
		err = ARRAY_ROOM(a->open, a->room, a->shown.in_flight, 2);
	if (!r->id || late || err) {
		a->shown.inexact = true;
		return err;
	}
	add_open(a, r);
	return take_depth(a, r);
}

static int take_told(struct vcpu_apf *a, struct apf_open *f, const struct sdei_record *r, bool late)
{
	if (!f || f->told || r->outcome < APF_TOLD || r->outcome > APF_UNTOLD)
		return 0;
	f->told = r->outcome;
	if (r->outcome != APF_TOLD) {
		a->quiet = r->outcome;
		return 0;
	}
	if (!late)
		a->dispatch = (struct apf_span){ f->fault.id, r->time_ns };
	f->unseen = a->signal_ns >= f->fault.setup_ns && a->signal_ns <= r->time_ns;
	return sample_since(a, APF_STAGE_signal, f->fault.setup_ns, r, f->fault.stage);
}

static int take_working(struct vcpu_apf *a, struct apf_open *f, const struct sdei_record *r)
{
	count_working(a, r->outcome, 1);
	if (!f || f->working_ns)
		return 0;
	f->working_ns = r->time_ns;
	return sample_since(a, APF_STAGE_wait, f->fault.setup_ns, r, f->fault.stage);
}

static int take_ready(struct vcpu_apf *a, struct apf_open *f, const struct sdei_record *r)
{
	if (!f || f->ready_ns)
		return 0;
	f->ready_ns = r->time_ns;
	return sample_since(a, APF_STAGE_page, f->working_ns, r, f->fault.stage);
}

/*
 * How one ended. told: as it was told, if that is known; else what its end shows. Whoever was told that the page is not present, and
 * not that it is ready, was reset or restored meanwhile, or has switched it off.
 */
static uint64_t *outcome(struct vcpu_apf *a, unsigned int present, unsigned int told, bool unseen)
{
	struct apf_counts *count = &a->shown.count;

	if (present == APF_CANCELLED)
		return &count->cancelled;
	if (!told)
		told = present == APF_SIGNALLED ? APF_TOLD : a->quiet;
	if (told == APF_TOLD && present == APF_SILENT)
		return &count->cleared;
	if (told == APF_TOLD)
		return unseen ? &count->wasted : &count->async;
	return told == APF_UNTOLD ? &count->untold : &count->halted;
}

static int end_fault(struct vcpu_apf *a, struct apf_open *f, const struct sdei_record *r)
{
	uint64_t *stage = f->fault.stage;
	int err = sample_since(a, APF_STAGE_present, f->ready_ns, r, stage);

	if (sample_since(a, APF_STAGE_total, f->fault.setup_ns, r, stage))
		err = -ENOMEM;
	if ((f->told == APF_HALTED || f->told == APF_UNTOLD) && sample_since(a, APF_STAGE_halt, f->fault.setup_ns, r, stage))
		err = -ENOMEM;
	if (stage[APF_STAGE_halt] != APF_UNKNOWN)
		warm_up(&a->shown.warmup, f->fault.setup_ns, r->time_ns, 0, stage[APF_STAGE_halt]);
	if (stage[APF_STAGE_total] != APF_UNKNOWN)
		take_slow(&a->shown, &f->fault);
	forget(a, f);
	return err;
}

static void expect_ack(struct vcpu_apf *a, uint64_t id, uint64_t time_ns)
{
	a->ack = (struct apf_span){ id, time_ns };
	a->ackless |= a->unacked_ns && !a->acks;
	a->unacked_ns = time_ns;
}

/* One that is not in flight began before the first record, unless its begin may have been missed. */
static int take_present(struct vcpu_apf *a, const struct sdei_record_apf *r, bool late)
{
	struct apf_open *f = apf_find_open(a, r->id);
	uint64_t *count = outcome(a, r->head.outcome, f ? f->told : 0, f && f->unseen);

	++*count;
	if (r->head.outcome == APF_SIGNALLED && !late)
		expect_ack(a, r->id, r->head.time_ns);
	if (f && count == &a->shown.count.cleared) {
		forget(a, f);
		return 0;
	}
	if (f)
		return end_fault(a, f, &r->head);
	if (late)
		a->shown.inexact = true;
	else
		a->shown.carried += !a->shown.inexact;
	return 0;
}

static int take_wake_all(struct vcpu_apf *a, const struct sdei_record *r, bool late)
{
	a->shown.count.wake_all++;
	if (!late)
		expect_ack(a, 0, r->time_ns);
	return 0;
}

/* --- steps that are not about one fault */

static int take_ack(struct vcpu_apf *a, const struct sdei_record *r, bool late)
{
	struct apf_span ack = a->ack;

	a->shown.count.acked++;
	a->acks = true;
	a->ackless = false;
	if (r->time_ns >= a->unacked_ns)
		a->unacked_ns = 0;
	if (late)
		return 0;
	a->ack = (struct apf_span){ 0 };
	return sample_since(a, APF_STAGE_ack, ack.since_ns, r, stages_of(a, ack.id));
}

static void count_fallback(struct vcpu_apf *a, unsigned int reason, uint64_t n)
{
	a->shown.count.fallback += n;
	a->shown.fallbacks[reason && reason < APF_FALLBACKS ? reason : APF_FALLBACK_OTHER] += n;
}

static int take_fallback(struct vcpu_apf *a, const struct sdei_record *r)
{
	count_fallback(a, r->outcome, 1);
	return 0;
}

static void count_cause(struct vcpu_apf *a, unsigned int cause, uint64_t count, uint64_t ns)
{
	struct apf_cause *sum = &a->shown.causes[cause < APF_CAUSES ? cause : 0];

	sum->count += count;
	sum->ns += ns;
}

/* A duration from a recording may be anything. */
static uint64_t before(uint64_t time_ns, uint64_t duration_ns)
{
	return duration_ns < time_ns ? time_ns - duration_ns : time_ns;
}

static uint64_t begin_of(const struct sdei_record_apf *r)
{
	return before(r->head.time_ns, r->duration_ns);
}

uint64_t apf_quick_end_ns(const struct sdei_record_apf *r)
{
	return before(r->head.time_ns, r->head.arg);
}

#define FIRST_QUICK_NS 100000000	/* older recordings: quick faults were added up at least so long */

uint64_t apf_quick_begin_ns(const struct sdei_record_apf *r, uint64_t last_sum_ns)
{
	uint64_t end_ns = apf_quick_end_ns(r);

	if (r->span_ns)
		return before(end_ns, r->span_ns);
	if (last_sum_ns && last_sum_ns < end_ns)
		return last_sum_ns;
	return end_ns > FIRST_QUICK_NS ? end_ns - FIRST_QUICK_NS : 0;
}

static int take_sync(struct vcpu_apf *a, const struct sdei_record_apf *r)
{
	struct apf_fault fault;

	a->shown.count.sync++;
	count_cause(a, r->head.outcome, 1, r->duration_ns);
	begin_fault(&fault, r, begin_of(r));
	fault.stage[APF_STAGE_sync] = r->duration_ns;
	fault.cause = r->head.outcome;
	take_slow(&a->shown, &fault);
	warm_up(&a->shown.warmup, fault.setup_ns, r->head.time_ns, 1, r->duration_ns);
	return sample(a, APF_STAGE_sync, r->duration_ns, &r->head);
}

/* It is reported again while it lasts. */
static int take_waiting(struct vcpu_apf *a, const struct sdei_record_apf *r, bool late)
{
	uint64_t since_ns = begin_of(r);

	if (late)
		return 0;
	set_waiting(a, (struct apf_waiting){ since_ns, r->gfn, a->waiting.since_ns == since_ns && a->waiting.late });
	warm_up(&a->shown.warmup, since_ns, r->head.time_ns, 0, 0);
	return 0;
}

/* Several sums of an interval are one, from the begin of the first to the end of the last. */
static void add_spread(struct spread *to, const struct spread *sum)
{
	if (!to->end_ns || sum->begin_ns < to->begin_ns)
		to->begin_ns = sum->begin_ns;
	if (sum->end_ns > to->end_ns)
		to->end_ns = sum->end_ns;
	to->faults += sum->faults;
	to->blocked_ns += sum->blocked_ns;
}

static int take_quick(struct vcpu_apf *a, const struct sdei_record_apf *r)
{
	const struct spread sum = { apf_quick_begin_ns(r, a->quick_until_ns), apf_quick_end_ns(r), r->faults, r->duration_ns };

	a->shown.count.quick += sum.faults;
	a->shown.quick_ns += sum.blocked_ns;
	if (sum.end_ns > a->quick_until_ns)
		a->quick_until_ns = sum.end_ns;
	if (a->intervals)
		add_spread(&a->intervals->quick_now, &sum);
	warm_up(&a->shown.warmup, r->span_ns ? sum.begin_ns : begin_of(r), sum.end_ns, sum.faults, sum.blocked_ns);
	return 0;
}

/* Those that were there at the time. What the guest was told of it may see yet. */
static int take_clear(struct vcpu_apf *a, const struct sdei_record *r, bool late)
{
	for (uint64_t i = a->shown.in_flight; i--;) {
		if (late && a->open[i].fault.setup_ns > r->time_ns)
			continue;
		forget(a, &a->open[i]);
		a->shown.count.cleared++;
	}
	if (r->time_ns >= a->unacked_ns)
		a->unacked_ns = 0;
	return 0;
}

static int take_step(struct vcpu_apf *a, const struct sdei_record_apf *r, bool late)
{
	switch (r->head.origin) {
	case APF_SETUP:
		return take_setup(a, r, late);
	case APF_NOT_PRESENT:
		return take_told(a, apf_find_open(a, r->id), &r->head, late);
	case APF_WORKING:
		return take_working(a, apf_find_open(a, r->id), &r->head);
	case APF_READY:
		return take_ready(a, apf_find_open(a, r->id), &r->head);
	case APF_PRESENT:
		return r->head.outcome == APF_WAKE_ALL ? take_wake_all(a, &r->head, late) : take_present(a, r, late);
	case APF_ACK:
		return take_ack(a, &r->head, late);
	case APF_FALLBACK:
		return take_fallback(a, &r->head);
	case APF_CLEAR:
		return take_clear(a, &r->head, late);
	case APF_SYNC:
		return take_sync(a, r);
	case APF_QUICK:
		return take_quick(a, r);
	case APF_WAITING:
		return take_waiting(a, r, late);
	default:
		return 0;
	}
}

/* --- records */

static bool is_step(unsigned int step)
{
	return step >= APF_SETUP && step <= APF_WAITING;
}

/* Those of the vCPU's own thread. The others may come when it has ended, so that they bring none to life. */
static bool is_own(unsigned int step)
{
	return step != APF_WORKING && step != APF_READY && step != APF_CLEAR && step != APF_VCPU_END;
}

/* Its thread has gone on, since the fault that it was found in. */
static bool ends_waiting(const struct vcpu_apf *a, const struct sdei_record_apf *r)
{
	if (r->head.origin == APF_QUICK)
		return apf_quick_end_ns(r) > a->waiting.since_ns;
	return is_own(r->head.origin) && r->head.origin != APF_WAITING;
}

static struct vcpu_apf *apf_of(struct model *m, struct model_vcpu *v)
{
	if (!v->apf)
		v->apf = calloc(1, sizeof(*v->apf));
	m->ever_apf |= !!v->apf;
	return v->apf;
}

static struct model_vcpu *vcpu_of(struct model *m, const struct sdei_record *r)
{
	struct model_vcpu *v = life_find(m, r->vm, r->vcpu);

	return !v || v->gone ? life_vcpu(m, v, r) : v;
}

static int take(struct model *m, struct model_vcpu *v, const struct sdei_record_apf *r)
{
	struct vcpu_apf *a = apf_of(m, v);
	struct fault_history *history;
	struct fault_happened was;
	bool late;
	int err;

	if (!a || (unlikely(m->keep_intervals && !a->intervals) && apf_keep(a)))
		return -ENOMEM;
	late = v->gone || r->head.time_ns < a->last_ns;
	if (late)
		m->totals.late++;
	else
		a->last_ns = r->head.time_ns;
	if (!v->first_seen_ns)
		v->first_seen_ns = r->head.time_ns;
	if (likely(!late))
		limits_apf(m, v, r);
	if (unlikely(a->waiting.since_ns) && !late && ends_waiting(a, r))
		set_waiting(a, (struct apf_waiting){ 0 });
	if (is_apf(&r->head, APF_VCPU_END) && !v->gone && !late)
		life_end(m, v, r->head.time_ns);
	history = apf_history(m, v->vm);
	if (unlikely(history))
		was = apf_happened(a);
	err = take_step(a, r, late);
	if (apf_has_frame(r) && apf_take_frame(v, r, late))
		err = -ENOMEM;
	apf_end_frame(v, r);
	if (unlikely(history))
		apf_take_history(history, a, r, &was);
	return err;
}

int apf_take(struct model *m, const struct sdei_record_apf *r)
{
	struct model_vcpu *v = life_find(m, r->head.vm, r->head.vcpu);

	m->totals.apf++;
	if (!is_step(r->head.origin)) {
		m->totals.unknown++;
		return -EINVAL;
	}
	if (!is_own(r->head.origin) && (!v || v->gone))
		return 0;
	v = vcpu_of(m, &r->head);
	if (v && unlikely(v->off) && record_shows_on(&r->head))
		power_seen(v, r->head.time_ns);
	return v ? take(m, v, r) : life_no_vcpu(m, r->head.vm);
}

/* --- what was lost */

static void count_lost(struct vcpu_apf *a, const struct sdei_lost_key *key, uint64_t n)
{
	struct apf_counts *count = &a->shown.count;

	switch (key->origin) {
	case APF_SETUP:
		count_setup(a, key->outcome, n);
		break;
	case APF_WORKING:
		count_working(a, key->outcome, n);
		break;
	case APF_PRESENT:
		*(key->outcome == APF_WAKE_ALL ? &count->wake_all : outcome(a, key->outcome, 0, false)) += n;
		break;
	case APF_ACK:
		count->acked += n;
		break;
	case APF_FALLBACK:
		count_fallback(a, key->outcome, n);
		break;
	case APF_SYNC:
		count->sync += n;
		count_cause(a, key->outcome, n, 0);
		break;
	}
}

/* What the guest has to acknowledge is not known any more. */
static void doubt_acks(struct model *m, struct model_vcpu *v)
{
	v->apf->unacked_ns = 0;
	finding_unsuspect(m, v, FINDING_PAGE_UNACKED);
	finding_unsuspect(m, v, FINDING_WAKEUP_LOST);
}

/* Which faults the lost records were about is not known. */
static void doubt(struct model *m, struct model_vcpu *v, unsigned int step)
{
	struct vcpu_apf *a = v->apf;

	a->shown.inexact = true;
	a->doubt_ns = m->newest_ns;
	set_waiting(a, (struct apf_waiting){ 0 });
	if (step == APF_PRESENT || step == APF_CLEAR || step == APF_ACK)
		doubt_acks(m, v);
	if (step == APF_PRESENT || step == APF_CLEAR)
		forget_all(a);
	else if (step == APF_SETUP || step == APF_NOT_PRESENT)
		a->dispatch = (struct apf_span){ 0 };
	else if (step == APF_ACK)
		a->ack = (struct apf_span){ 0 };
}

int apf_take_lost(struct model *m, const struct sdei_lost_key *key, uint64_t count)
{
	struct model_vcpu *v = life_find(m, key->vm, key->vcpu);

	m->totals.apf += count;
	if (key->vm == SDEI_ANY_VM && !key->origin) {
		apf_doubt_all(m);
		return 0;
	}
	if (!is_step(key->origin)) {
		m->totals.unknown += count;
		return -EINVAL;
	}
	if (!v && !is_own(key->origin))
		return 0;
	v = v ? v : life_vcpu_lost(m, key);
	if (!v)
		return life_no_vcpu(m, key->vm);
	if (!apf_of(m, v))
		return -ENOMEM;
	v->apf->shown.lost += count;
	count_lost(v->apf, key, count);
	doubt(m, v, key->origin);
	if (key->origin == APF_VCPU_END)
		v->doomed = !v->gone;
	return 0;
}

void apf_doubt_all(struct model *m)
{
	for (size_t i = 0; m->ever_apf && i < m->vm_count; i++) {
		for (size_t k = 0; k < m->vms[i]->vcpu_count; k++) {
			if (m->vms[i]->vcpus[k]->apf)
				doubt(m, m->vms[i]->vcpus[k], APF_CLEAR);
		}
	}
}

/* --- the event */

/* That of a fault whose page has come meanwhile is as good a sample. */
static int join_dispatch(struct vcpu_apf *a, const struct sdei_record *r)
{
	struct apf_span dispatch = a->dispatch;
	struct apf_open *f = apf_find_open(a, dispatch.id);

	a->handler = (struct apf_span){ dispatch.id, dispatch.id ? r->time_ns : 0 };
	a->dispatch = (struct apf_span){ 0 };
	if (f)
		f->unseen = false;
	return sample_since(a, APF_STAGE_dispatch, dispatch.since_ns, r, stages_of(a, dispatch.id));
}

static int join_complete(struct vcpu_apf *a, const struct sdei_record *r)
{
	struct apf_span handler = a->handler;

	a->handler = (struct apf_span){ 0 };
	return sample_since(a, APF_STAGE_handler, handler.since_ns, r, stages_of(a, handler.id));
}

/* Whatever the record is, what it leaves neither pending nor running has no dispatch or end to come. */
static int join_other(struct vcpu_apf *a, const struct sdei_record *r)
{
	if (!(r->state & SDEI_PENDING))
		a->dispatch = (struct apf_span){ 0 };
	if (!(r->state & SDEI_RUNNING))
		a->handler = (struct apf_span){ 0 };
	return 0;
}

int apf_join(struct model_vcpu *v, const struct sdei_record *r)
{
	if (r->event != APF_EVENT)
		return 0;
	switch (r->kind) {
	case SDEI_SIGNAL:
		if (r->origin == SDEI_FROM_APF && r->outcome == SDEI_QUEUED)
			v->apf->signal_ns = r->time_ns;
		return 0;
	case SDEI_DISPATCH:
		return join_dispatch(v->apf, r);
	case SDEI_COMPLETE:
		return join_complete(v->apf, r);
	default:
		return join_other(v->apf, r);
	}
}

void apf_join_missed(struct model_vcpu *v, uint32_t event)
{
	struct vcpu_apf *a = v->apf;

	if (event != APF_EVENT)
		return;
	a->dispatch = a->handler = (struct apf_span){ 0 };
	a->signal_ns = 0;
	a->shown.inexact = true;
	for (uint64_t i = 0; i < a->shown.in_flight; i++)
		a->open[i].unseen = false;
}

/* --- life */

void apf_end(struct vcpu_apf *a)
{
	a->shown.count.cleared += a->shown.in_flight;
	forget_all(a);
	a->signal_ns = 0;
}

/* Its end was not seen if anything is in flight. */
void apf_renew(struct vcpu_apf *a)
{
	if (a->shown.in_flight)
		a->shown.inexact = true;
	forget_all(a);
	a->signal_ns = 0;
}

static void free_hists(struct hist **hists, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		hist_free(hists[i]);
}

void apf_release(struct model_apf *sum)
{
	free_hists(sum->stage, APF_STAGE_COUNT);
	hist_free(sum->depth);
}

void apf_reset(struct vcpu_apf *a)
{
	uint64_t in_flight = a->shown.in_flight;

	apf_release(&a->shown);
	apf_free_intervals(a);
	memset(&a->mark, 0, sizeof(a->mark));
	a->mark_blocked_ns = 0;
	a->shown = (struct model_apf){ .most_in_flight = in_flight, .carried = in_flight };
	apf_set_in_flight(a, in_flight);
}

void apf_free(struct vcpu_apf *a)
{
	if (!a)
		return;
	apf_release(&a->shown);
	apf_free_intervals(a);
	free(a->open);
	free(a);
}

/* --- intervals */

int apf_keep(struct vcpu_apf *a)
{
	a->intervals = calloc(1, sizeof(*a->intervals));
	return a->intervals ? 0 : -ENOMEM;
}

void apf_free_intervals(struct vcpu_apf *a)
{
	if (!a->intervals)
		return;
	free_hists(a->intervals->now, APF_STAGE_COUNT);
	free_hists(a->intervals->last, APF_STAGE_COUNT);
	free(a->intervals);
	a->intervals = NULL;
}

void apf_tick(struct vcpu_apf *a)
{
	const struct apf_counts *count = &a->shown.count;

#define X(name, help) a->shown.interval.name = count->name - a->mark.name;
	APF_COUNTS(X)
#undef X
	a->mark = *count;
	a->shown.interval_blocked_ns = apf_blocked_ns(&a->shown) - a->mark_blocked_ns;
	a->mark_blocked_ns += a->shown.interval_blocked_ns;
	if (!a->intervals)
		return;
	keep_turn(a->intervals->now, a->intervals->last, APF_STAGE_COUNT);
	a->intervals->quick_last = a->intervals->quick_now;
	a->intervals->quick_now = (struct spread){ 0 };
}

/* --- asking */

const struct model_apf *model_vcpu_apf(const struct model_vcpu *vcpu)
{
	return vcpu->apf ? &vcpu->apf->shown : NULL;
}

const struct hist *model_vcpu_apf_interval(const struct model_vcpu *vcpu, enum apf_stage stage)
{
	const struct hist *h = vcpu->apf && vcpu->apf->intervals ? vcpu->apf->intervals->last[stage] : NULL;

	return hist_count(h) ? h : NULL;
}

const struct spread *model_vcpu_apf_quick(const struct model_vcpu *vcpu)
{
	const struct apf_intervals *intervals = vcpu->apf ? vcpu->apf->intervals : NULL;

	return intervals && intervals->quick_last.end_ns ? &intervals->quick_last : NULL;
}

bool model_vm_has_apf(const struct model_vm *vm)
{
	for (size_t i = 0; i < vm->vcpu_count; i++) {
		if (vm->vcpus[i]->apf)
			return true;
	}
	return false;
}

bool model_has_apf(const struct model *m)
{
	for (size_t i = 0; m->ever_apf && i < m->vm_count; i++) {
		if (model_vm_has_apf(m->vms[i]))
			return true;
	}
	return false;
}

int64_t apf_unaccounted(const struct model_apf *apf)
{
	uint64_t became = apf->in_flight;

#define X(name, help) became += apf->count.name;
	APF_OUTCOMES(X)
#undef X
	return apf->inexact ? 0 : (int64_t)(apf->count.setup + apf->carried - became);
}

uint64_t apf_saved_ns(const struct model_apf *apf)
{
	return hist_sum(apf->stage[APF_STAGE_total]) - hist_sum(apf->stage[APF_STAGE_halt]);
}

uint64_t apf_blocked_ns(const struct model_apf *apf)
{
	return hist_sum(apf->stage[APF_STAGE_halt]) + hist_sum(apf->stage[APF_STAGE_sync]) + apf->quick_ns;
}

bool apf_is_settled(const struct apf_warmup *w, uint64_t now_ns)
{
	return w->over || (w->start_ns && now_ns > w->end_ns && now_ns - w->end_ns > APF_CALM_NS);
}

static int merge(struct hist **sum, const struct hist *h)
{
	if (!hist_count(h))
		return 0;
	if (!*sum)
		*sum = hist_new();
	return *sum ? hist_merge(*sum, h) : -ENOMEM;
}

static void add_counts(struct apf_counts *sum, const struct apf_counts *count)
{
#define X(name, help) sum->name += count->name;
	APF_COUNTS(X)
#undef X
}

static int add_hists(struct model_apf *sum, const struct model_vcpu *v, bool recent)
{
	int err = merge(&sum->depth, v->apf->shown.depth);

	for (unsigned int i = 0; i < APF_STAGE_COUNT; i++) {
		if (merge(&sum->stage[i], recent ? model_vcpu_apf_interval(v, i) : v->apf->shown.stage[i]))
			err = -ENOMEM;
	}
	return err;
}

/* Over when all of them are. */
static void add_warmup(struct apf_warmup *sum, const struct apf_warmup *w)
{
	if (!w->start_ns)
		return;
	sum->over = w->over && (sum->over || !sum->start_ns);
	if (!sum->start_ns || w->start_ns < sum->start_ns)
		sum->start_ns = w->start_ns;
	if (w->end_ns > sum->end_ns)
		sum->end_ns = w->end_ns;
	sum->faults += w->faults;
	sum->blocked_ns += w->blocked_ns;
}

static void add_up(struct model_apf *sum, const struct model_apf *apf)
{
	add_counts(&sum->count, &apf->count);
	add_counts(&sum->interval, &apf->interval);
	for (unsigned int i = 0; i < APF_FALLBACKS; i++)
		sum->fallbacks[i] += apf->fallbacks[i];
	for (unsigned int i = 0; i < APF_CAUSES; i++) {
		sum->causes[i].count += apf->causes[i].count;
		sum->causes[i].ns += apf->causes[i].ns;
	}
	sum->quick_ns += apf->quick_ns;
	sum->interval_blocked_ns += apf->interval_blocked_ns;
	add_warmup(&sum->warmup, &apf->warmup);
	sum->in_flight += apf->in_flight;
	sum->oldest_ns = apf_older_ns(sum->oldest_ns, apf->oldest_ns);
	if (apf->most_in_flight > sum->most_in_flight)
		sum->most_in_flight = apf->most_in_flight;
	sum->carried += apf->carried;
	sum->lost += apf->lost;
	sum->inexact |= apf->inexact;
	for (unsigned int i = 0; i < apf->slow_count; i++)
		take_slow(sum, &apf->slow[i]);
}

void apf_tally_add(struct apf_tally *tally, const struct model_apf *apf)
{
	int64_t unaccounted = apf_unaccounted(apf);

	add_up(&tally->all, apf);
	tally->unaccounted += unaccounted < 0 ? -(uint64_t)unaccounted : (uint64_t)unaccounted;
	tally->saved_ns += apf_saved_ns(apf);
	tally->blocked_ns += apf_blocked_ns(apf);
}

int model_apf_sum(const struct model_vm *vm, const struct model_vcpu *vcpu, bool recent, struct model_apf *sum)
{
	int err = 0;

	memset(sum, 0, sizeof(*sum));
	for (size_t i = 0; i < vm->vcpu_count; i++) {
		const struct model_vcpu *v = vm->vcpus[i];

		if (!v->apf || (vcpu && v != vcpu))
			continue;
		add_up(sum, &v->apf->shown);
		if (add_hists(sum, v, recent))
			err = -ENOMEM;
	}
	return err;
}

int model_vm_apf(const struct model_vm *vm, struct model_apf *sum)
{
	return model_apf_sum(vm, NULL, false, sum);
}
