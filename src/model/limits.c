// SPDX-License-Identifier: GPL-2.0-only
/*
 * What takes too long, and what comes too often. What lasts is noticed at a tick,
 * or by the record that ends it. A time counts from when it was first certain,
 * so that what a loss hides is rather noticed late than wrongly.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/inside.h"

const struct finding_limits finding_defaults = {
	.handler_ns = SECOND_NS,
	.pending_ns = SECOND_NS,
	.nmi_ns = SECOND_NS,
	.mask_ns = SECOND_NS,
	.drops = 100,
	.drops_ns = SECOND_NS,
	.refused = 10,
	.refused_ns = SECOND_NS,
	.page_ns = SECOND_NS,
	.ack_ns = SECOND_NS,
	.fallbacks = 100,
	.fallbacks_ns = SECOND_NS,
};

void limits_fill(struct finding_limits *limits)
{
	const struct finding_limits *d = &finding_defaults;

	limits->handler_ns = limits->handler_ns ? limits->handler_ns : d->handler_ns;
	limits->pending_ns = limits->pending_ns ? limits->pending_ns : d->pending_ns;
	limits->nmi_ns = limits->nmi_ns ? limits->nmi_ns : d->nmi_ns;
	limits->mask_ns = limits->mask_ns ? limits->mask_ns : d->mask_ns;
	limits->drops = limits->drops ? limits->drops : d->drops;
	limits->drops_ns = limits->drops_ns ? limits->drops_ns : d->drops_ns;
	limits->refused = limits->refused ? limits->refused : d->refused;
	limits->refused_ns = limits->refused_ns ? limits->refused_ns : d->refused_ns;
	limits->page_ns = limits->page_ns ? limits->page_ns : d->page_ns;
	limits->ack_ns = limits->ack_ns ? limits->ack_ns : d->ack_ns;
	limits->fallbacks = limits->fallbacks ? limits->fallbacks : d->fallbacks;
	limits->fallbacks_ns = limits->fallbacks_ns ? limits->fallbacks_ns : d->fallbacks_ns;
}

static uint64_t latest(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* --- what lasts */

/* Since when it lasts for certain; 0: it does not, or nobody knows. */
struct lasting {
	enum model_finding_code code;
	uint64_t limit_ns;
	uint64_t begin_ns;	/* as far as is known, losses or not; 0: it does not last */
	uint64_t sure_ns;	/* for certain; 0: not known */
};

static struct lasting handler_of(const struct model *m, const struct model_event *e)
{
	struct lasting l = { .code = FINDING_HANDLER_HUNG, .limit_ns = m->limits.handler_ns };

	if (!(e->state & SDEI_RUNNING) || e->stopped || e->vcpu->off)
		return l;
	l.begin_ns = e->phase_ns;
	if (trusted(m, e->vcpu, e->phase_ns))
		l.sure_ns = e->phase_ns;
	else if (trusted(m, e->vcpu, e->last_ns))
		l.sure_ns = e->last_ns;
	return l;
}

/* Another vCPU waits for its handler. */
static bool is_nmi(const struct model_event *e)
{
	return e->pending_since_ns && e->sender != SDEI_NONE && e->sender != e->vcpu->id;
}

/* Deliverable, and the vCPU free for it. That no handler runs must have been seen. */
static struct lasting wait_of(const struct model *m, const struct model_event *e)
{
	struct lasting l = { .code = FINDING_PENDING_STUCK, .limit_ns = m->limits.pending_ns };
	const struct model_vcpu *v = e->vcpu;

	if (is_nmi(e))
		l = (struct lasting) { .code = FINDING_NMI_UNANSWERED, .limit_ns = m->limits.nmi_ns };

	if (phase_of(e->state) != PHASE_READY || v->masked || !v->mask_known || v->running)
		return l;
	l.begin_ns = latest(e->phase_ns, latest(v->free_ns, v->handlers_ns));
	if (trusted(m, v, e->phase_ns) && v->handlers_ns && trusted(m, v, v->handlers_ns))
		l.sure_ns = l.begin_ns;
	return l;
}

/* Since when the vCPU has had a registered event, for certain; UINT64_MAX: it has none. */
static uint64_t registered_since_ns(const struct model_vcpu *v)
{
	uint64_t since_ns = UINT64_MAX;

	for (size_t i = 0; i < v->event_count; i++) {
		const struct model_event *e = v->events[i];

		if (e->state & SDEI_REGISTERED && e->registered_ns < since_ns)
			since_ns = e->registered_ns;
	}
	return since_ns;
}

/*
 * A mask whose beginning was not seen may be the initial one. Without a registered event a mask keeps nothing away: so is a CPU
 * that the guest's kernel has not brought up, or has taken down. One that is idle is masked for as long as nothing wakes it.
 */
static struct lasting mask_of(const struct model *m, const struct model_vcpu *v)
{
	struct lasting l = { .code = FINDING_MASK_LONG, .limit_ns = m->limits.mask_ns };
	uint64_t registered_ns = v->masked && !v->initial ? registered_since_ns(v) : UINT64_MAX;

	if (registered_ns == UINT64_MAX || stop_has(v) || v->off || v->idle)
		return l;
	l.begin_ns = latest(latest(v->masked_since_ns, registered_ns), 1);
	l.sure_ns = trusted(m, v, v->masked_since_ns) ? l.begin_ns : 0;
	return l;
}

/* A loss that could explain it ends it: see apf.c. So it is certain. */
static struct lasting unacked_of(const struct model *m, const struct model_vcpu *v)
{
	struct lasting l = { .code = FINDING_PAGE_UNACKED, .limit_ns = m->limits.ack_ns };

	if (!v->apf->ackless)
		l.begin_ns = l.sure_ns = v->apf->unacked_ns;
	return l;
}

static void stretch(struct model_finding *f, struct finding_owner owner, const struct lasting *l, uint64_t now_ns)
{
	if (l->code == FINDING_HANDLER_HUNG)
		f->state_before = owner.event->state | (owner.vcpu->masked ? SDEI_MASKED : 0);
	f->last_ns = latest(f->last_ns, now_ns);
	f->value = f->last_ns - (f->first_ns - l->limit_ns);
}

static void tick_lasting(struct model *m, struct finding_owner owner, const struct lasting *l, uint64_t now_ns, uint64_t grace_ns)
{
	struct model_finding *f = finding_of(m, owner, l->code);

	if (!l->begin_ns || (f && l->begin_ns + l->limit_ns > f->first_ns)) {
		finding_close(m, owner, l->code);
		f = NULL;
	}
	if (!f && l->sure_ns && now_ns >= l->sure_ns && now_ns - l->sure_ns >= l->limit_ns + grace_ns)
		f = finding_raise(m, owner, l->code, l->sure_ns + l->limit_ns);
	if (f)
		stretch(f, owner, l, now_ns);
}

/* r ends it. Most did not last long enough to be looked at. */
static void end_lasting(struct model *m, struct finding_owner owner, const struct lasting *l, const struct sdei_record *r)
{
	struct model_finding *f;

	if (likely(!l->begin_ns || r->time_ns < l->begin_ns || r->time_ns - l->begin_ns < l->limit_ns))
		return;
	f = finding_of(m, owner, l->code);
	if (f)
		stretch(f, owner, l, r->time_ns);
	else if (l->sure_ns && r->time_ns - l->sure_ns >= l->limit_ns)
		finding_suspect_ended(m, owner, l->code, r, l->sure_ns + l->limit_ns, r->time_ns - l->sure_ns);
	finding_close(m, owner, l->code);
}

/*
 * A page that has not come until until_ns, or came then with r, which is more than the limit after begin_ns. known: it is counted
 * already.
 */
static void late_page(struct model *m, struct model_vcpu *v, uint64_t gfn, uint64_t begin_ns, uint64_t until_ns,
		      const struct sdei_record *r, bool known)
{
	struct finding_owner owner = { .vcpu = v };
	struct model_finding *f = finding_current(m, owner, FINDING_PAGE_STUCK, begin_ns);

	if (f)
		f->count += !known;
	else
		f = finding_raise(m, owner, FINDING_PAGE_STUCK, begin_ns + m->limits.page_ns);
	if (!f)
		return;
	f->last_ns = latest(f->last_ns, until_ns);
	if (until_ns - begin_ns < f->value)
		return;
	f->value = until_ns - begin_ns;
	f->gfn = gfn;
	f->has_record = r != NULL;
	f->record = r ? record_brief(r) : (struct record_brief){ 0 };
}

/* Pages that workers have not brought yet. */
static void tick_pages(struct model *m, struct model_vcpu *v, uint64_t now_ns, uint64_t grace_ns)
{
	struct vcpu_apf *a = v->apf;

	for (uint64_t i = 0; i < a->shown.in_flight; i++) {
		struct apf_open *f = &a->open[i];
		uint64_t begin_ns = f->fault.setup_ns;

		if (f->ready_ns || begin_ns <= a->doubt_ns || now_ns < begin_ns || now_ns - begin_ns < m->limits.page_ns ||
		    now_ns - begin_ns - m->limits.page_ns < grace_ns)
			continue;
		late_page(m, v, f->fault.gfn, begin_ns, now_ns, NULL, f->late);
		f->late = true;
	}
}

/* The page that the vCPU waits for itself. */
static void tick_waiting(struct model *m, struct model_vcpu *v, uint64_t now_ns, uint64_t grace_ns)
{
	struct apf_waiting *w = &v->apf->waiting;

	if (!w->since_ns || now_ns < w->since_ns || now_ns - w->since_ns < m->limits.page_ns ||
	    now_ns - w->since_ns - m->limits.page_ns < grace_ns)
		return;
	late_page(m, v, w->gfn, w->since_ns, now_ns, NULL, w->late);
	w->late = true;
}

static void tick_apf(struct model *m, struct model_vcpu *v, uint64_t now_ns, uint64_t grace_ns)
{
	struct lasting l = unacked_of(m, v);

	tick_pages(m, v, now_ns, grace_ns);
	tick_waiting(m, v, now_ns, grace_ns);
	tick_lasting(m, (struct finding_owner){ .vcpu = v }, &l, now_ns, grace_ns);
}

void limits_tick(struct model *m, struct model_vcpu *v, uint64_t now_ns, uint64_t grace_ns)
{
	struct lasting l;

	if (v->gone)
		return;
	if (v->apf)
		tick_apf(m, v, now_ns, grace_ns);
	l = mask_of(m, v);
	tick_lasting(m, (struct finding_owner){ .vcpu = v }, &l, now_ns, grace_ns);
	for (size_t i = 0; i < v->event_count; i++) {
		struct finding_owner owner = { .vcpu = v, .event = v->events[i] };

		l = handler_of(m, owner.event);
		tick_lasting(m, owner, &l, now_ns, grace_ns);
		l = wait_of(m, owner.event);
		tick_lasting(m, owner, &l, now_ns, grace_ns);
		finding_close(m, owner, l.code == FINDING_PENDING_STUCK ? FINDING_NMI_UNANSWERED : FINDING_PENDING_STUCK);
	}
}

void limits_waited(struct model *m, struct model_event *e, const struct sdei_record *r)
{
	struct lasting l = wait_of(m, e);

	end_lasting(m, (struct finding_owner){ .vcpu = e->vcpu, .event = e }, &l, r);
}

void limits_phase(struct model *m, struct model_event *e, const struct sdei_record *r)
{
	struct lasting l;

	if (e->state & SDEI_RUNNING) {
		stop_look(m, e->vcpu->vm, r->time_ns);
		l = handler_of(m, e);
		end_lasting(m, (struct finding_owner){ .vcpu = e->vcpu, .event = e }, &l, r);
	} else if (phase_of(e->state) == PHASE_READY) {
		limits_waited(m, e, r);
	}
}

void limits_unmask(struct model *m, struct model_vcpu *v, const struct sdei_record *r)
{
	struct lasting l;

	stop_look(m, v->vm, r->time_ns);
	l = mask_of(m, v);
	end_lasting(m, (struct finding_owner){ .vcpu = v }, &l, r);
}

/* --- what comes often */

/* The number in the window that r is in. */
static uint64_t count_in_window(uint64_t *from_ns, uint64_t *count, uint64_t window_ns, uint64_t time_ns)
{
	if (!*count || time_ns - *from_ns > window_ns) {
		*from_ns = time_ns;
		*count = 0;
	}
	return ++*count;
}

/* One more of number in a window, which is more than there may be. NULL: not kept. */
static struct model_finding *too_many(struct model *m, struct finding_owner owner, enum model_finding_code code,
				      const struct sdei_record *r, uint64_t number)
{
	struct model_finding *f = finding_current(m, owner, code, r->time_ns);

	if (f) {
		f->count++;
	} else {
		f = finding_raise(m, owner, code, r->time_ns);
		if (!f)
			return NULL;
		f->count = number;
		f->has_record = true;
		f->record = record_brief(r);
		f->before_ns = keep_newest_ns(owner.vcpu);
		f->state_before = owner.event ? owner.event->state : 0;
	}
	f->last_ns = r->time_ns;
	f->value = latest(f->value, number);
	return f;
}

void limits_dropped(struct model *m, struct model_event *e, const struct sdei_record *r)
{
	uint64_t number = count_in_window(&e->drops_from_ns, &e->drops, m->limits.drops_ns, r->time_ns);

	if (unlikely(number >= m->limits.drops))
		too_many(m, (struct finding_owner){ .vcpu = e->vcpu, .event = e }, FINDING_DROP_BURST, r, number);
}

static void tally(struct vcpu_refused *refused, uint32_t function, int64_t result)
{
	uint32_t index = function - SDEI_FN_FIRST;
	struct refusal *r = &refused->calls[index < SDEI_CALL_COUNT ? index : SDEI_CALL_COUNT][model_result_class(result)];

	r->count++;
	r->result = result;
	refused->all++;
}

static void report_most(const struct vcpu_refused *refused, struct model_finding *f)
{
	f->most = 0;
	for (unsigned int i = 0; i < REFUSED_CALLS; i++) {
		for (unsigned int class = 0; class < MODEL_RESULT_CLASSES; class++) {
			const struct refusal *r = &refused->calls[i][class];

			if (r->count <= f->most)
				continue;
			f->most = r->count;
			f->function = i < SDEI_CALL_COUNT ? SDEI_FN_FIRST + i : 0;
			f->result = r->result;
		}
	}
}

/* A window, or a finding, that is over takes its calls with it. Returns the number of the one at time_ns. */
static uint64_t start_over(struct vcpu_refused *refused, uint64_t time_ns)
{
	*refused = (struct vcpu_refused){ .from_ns = time_ns, .count = 1 };
	return 1;
}

int limits_refused(struct model *m, struct model_vcpu *v, const struct sdei_record *r, uint32_t function)
{
	struct finding_owner owner = { .vcpu = v };
	struct model_finding *f;
	uint64_t number;

	if (!v->refused)
		v->refused = calloc(1, sizeof(*v->refused));
	if (!v->refused)
		return -ENOMEM;
	number = count_in_window(&v->refused->from_ns, &v->refused->count, m->limits.refused_ns, r->time_ns);
	if (!finding_current(m, owner, FINDING_REFUSED_CALLS, r->time_ns) && v->refused->all != number - 1)
		number = start_over(v->refused, r->time_ns);
	tally(v->refused, function, r->result);
	if (number < m->limits.refused)
		return 0;
	f = too_many(m, owner, FINDING_REFUSED_CALLS, r, number);
	if (f)
		report_most(v->refused, f);
	return 0;
}

/* --- page faults */

/* A worker's page is there, or is told to be: whichever comes first. */
static void page_came(struct model *m, struct model_vcpu *v, const struct sdei_record_apf *r)
{
	struct apf_open *f = apf_find_open(v->apf, r->id);
	uint64_t begin_ns = f ? f->fault.setup_ns : 0;

	if (likely(!f || f->ready_ns || r->head.time_ns < begin_ns || r->head.time_ns - begin_ns < m->limits.page_ns))
		return;
	late_page(m, v, f->fault.gfn, begin_ns, r->head.time_ns, &r->head, f->late);
}

/* A vCPU has waited for its page. */
static void page_waited(struct model *m, struct model_vcpu *v, const struct sdei_record_apf *r)
{
	const struct apf_waiting *w = &v->apf->waiting;
	uint64_t begin_ns = r->head.time_ns - r->duration_ns;

	if (unlikely(r->duration_ns >= m->limits.page_ns && r->duration_ns < r->head.time_ns))
		late_page(m, v, r->gfn, begin_ns, r->head.time_ns, &r->head, w->late && w->since_ns == begin_ns);
}

static void end_unacked(struct model *m, struct model_vcpu *v, const struct sdei_record *r)
{
	struct lasting l = unacked_of(m, v);

	end_lasting(m, (struct finding_owner){ .vcpu = v }, &l, r);
}

/* KVM tells of no page before the one before is acknowledged, unless it has forgotten that; nor does the guest know of that one. */
static void page_told(struct model *m, struct model_vcpu *v, const struct sdei_record *r)
{
	end_unacked(m, v, r);
	if (unlikely(r->outcome == APF_SIGNALLED && v->apf->unacked_ns && v->apf->acks))
		finding_suspect(m, (struct finding_owner){ .vcpu = v }, FINDING_WAKEUP_LOST, r, RULE_NONE);
}

static void fell_back(struct model *m, struct model_vcpu *v, const struct sdei_record *r)
{
	struct vcpu_apf *a = v->apf;
	uint64_t number;

	if (r->outcome == APF_FALLBACK_OFF)
		return;
	number = count_in_window(&a->fallbacks_from_ns, &a->fallbacks, m->limits.fallbacks_ns, r->time_ns);
	if (unlikely(number >= m->limits.fallbacks))
		too_many(m, (struct finding_owner){ .vcpu = v }, FINDING_FALLBACK_BURST, r, number);
}

void limits_apf(struct model *m, struct model_vcpu *v, const struct sdei_record_apf *r)
{
	switch (r->head.origin) {
	case APF_READY:
		page_came(m, v, r);
		break;
	case APF_PRESENT:
		page_came(m, v, r);
		if (apf_is_told(&r->head))
			page_told(m, v, &r->head);
		break;
	case APF_ACK:
	case APF_CLEAR:
		end_unacked(m, v, &r->head);
		break;
	case APF_SYNC:
		page_waited(m, v, r);
		break;
	case APF_FALLBACK:
		fell_back(m, v, &r->head);
		break;
	}
}
