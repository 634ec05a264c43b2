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
	.mask_ns = SECOND_NS,
	.drops = 100,
	.drops_ns = SECOND_NS,
	.refused = 10,
	.refused_ns = SECOND_NS,
};

void limits_fill(struct finding_limits *limits)
{
	const struct finding_limits *d = &finding_defaults;

	limits->handler_ns = limits->handler_ns ? limits->handler_ns : d->handler_ns;
	limits->pending_ns = limits->pending_ns ? limits->pending_ns : d->pending_ns;
	limits->mask_ns = limits->mask_ns ? limits->mask_ns : d->mask_ns;
	limits->drops = limits->drops ? limits->drops : d->drops;
	limits->drops_ns = limits->drops_ns ? limits->drops_ns : d->drops_ns;
	limits->refused = limits->refused ? limits->refused : d->refused;
	limits->refused_ns = limits->refused_ns ? limits->refused_ns : d->refused_ns;
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

	if (!(e->state & SDEI_RUNNING))
		return l;
	l.begin_ns = e->phase_ns;
	if (trusted(m, e->vcpu, e->phase_ns))
		l.sure_ns = e->phase_ns;
	else if (trusted(m, e->vcpu, e->last_ns))
		l.sure_ns = e->last_ns;
	return l;
}

/* Deliverable, and the vCPU free for it. That no handler runs must have been seen. */
static struct lasting wait_of(const struct model *m, const struct model_event *e)
{
	struct lasting l = { .code = FINDING_PENDING_STUCK, .limit_ns = m->limits.pending_ns };
	const struct model_vcpu *v = e->vcpu;

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
 * that the guest's kernel has not brought up, or has taken down.
 */
static struct lasting mask_of(const struct model *m, const struct model_vcpu *v)
{
	struct lasting l = { .code = FINDING_MASK_LONG, .limit_ns = m->limits.mask_ns };
	uint64_t registered_ns = v->masked && !v->initial ? registered_since_ns(v) : UINT64_MAX;

	if (registered_ns == UINT64_MAX)
		return l;
	l.begin_ns = latest(latest(v->masked_since_ns, registered_ns), 1);
	l.sure_ns = trusted(m, v, v->masked_since_ns) ? l.begin_ns : 0;
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

void limits_tick(struct model *m, struct model_vcpu *v, uint64_t now_ns, uint64_t grace_ns)
{
	struct lasting l;

	if (v->gone)
		return;
	l = mask_of(m, v);
	tick_lasting(m, (struct finding_owner){ v, NULL }, &l, now_ns, grace_ns);
	for (size_t i = 0; i < v->event_count; i++) {
		struct finding_owner owner = { v, v->events[i] };

		l = handler_of(m, owner.event);
		tick_lasting(m, owner, &l, now_ns, grace_ns);
		l = wait_of(m, owner.event);
		tick_lasting(m, owner, &l, now_ns, grace_ns);
	}
}

void limits_waited(struct model *m, struct model_event *e, const struct sdei_record *r)
{
	struct lasting l = wait_of(m, e);

	end_lasting(m, (struct finding_owner){ e->vcpu, e }, &l, r);
}

void limits_phase(struct model *m, struct model_event *e, const struct sdei_record *r)
{
	struct lasting l;

	if (e->state & SDEI_RUNNING) {
		l = handler_of(m, e);
		end_lasting(m, (struct finding_owner){ e->vcpu, e }, &l, r);
	} else if (phase_of(e->state) == PHASE_READY) {
		limits_waited(m, e, r);
	}
}

void limits_unmask(struct model *m, struct model_vcpu *v, const struct sdei_record *r)
{
	struct lasting l = mask_of(m, v);

	end_lasting(m, (struct finding_owner){ v, NULL }, &l, r);
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
		too_many(m, (struct finding_owner){ e->vcpu, e }, FINDING_DROP_BURST, r, number);
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

int limits_call(struct model *m, struct model_vcpu *v, const struct sdei_record_call *call)
{
	struct finding_owner owner = { v, NULL };
	struct model_finding *f;
	uint64_t number;

	if (likely(!model_call_is_refused(v, call)))
		return 0;
	if (!v->refused)
		v->refused = calloc(1, sizeof(*v->refused));
	if (!v->refused)
		return -ENOMEM;
	number = count_in_window(&v->refused->from_ns, &v->refused->count, m->limits.refused_ns, call->head.time_ns);
	if (!finding_current(m, owner, FINDING_REFUSED_CALLS, call->head.time_ns) && v->refused->all != number - 1)
		number = start_over(v->refused, call->head.time_ns);
	tally(v->refused, call->function, call->head.result);
	if (number < m->limits.refused)
		return 0;
	f = too_many(m, owner, FINDING_REFUSED_CALLS, &call->head, number);
	if (f)
		report_most(v->refused, f);
	return 0;
}
