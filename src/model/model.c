// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/inside.h"
#include "record/kinds.h"

struct model *model_new(const struct model_options *options)
{
	struct model *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	if (options)
		m->options = *options;
	m->limits = m->options.limits;
	limits_fill(&m->limits);
	rules_fill(&m->fits);
	if (finding_init(m)) {
		model_free(m);
		return NULL;
	}
	return m;
}

void model_free(struct model *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->vm_count; i++)
		life_free_vm(m, m->vms[i]);
	gic_release(m);
	idmap_release(&m->vcpus);
	idmap_release(&m->by_pid);
	finding_release(m);
	free(m->vms);
	guest_index_free(&m->guests);
	free(m);
}

/* --- records */

/* A recording's snapshot has vCPUs without events, too. */
static bool is_sound(const struct sdei_record *r, size_t size)
{
	return size >= sizeof(*r) && size == kind_sizes[r->kind] && (has_needed_event(r->kind, r->event) || is_state(r, SDEI_SNAPSHOT));
}

/* Older than what its vCPU has shown, or of a vCPU that has ended. */
static bool is_late(const struct model_vcpu *v, const struct sdei_record *r)
{
	return r->time_ns < v->last_ns || (unlikely(v->gone) && !is_state(r, SDEI_DESTROYED));
}

static int take_call(struct model *m, struct model_vcpu *v, const struct sdei_record *r, bool late)
{
	const struct sdei_record_call *call = (const struct sdei_record_call *)r;
	int err = call_take(v, call);

	if (err == -EINVAL)
		m->totals.unknown++;
	if (!late && unlikely(model_call_is_refused(v, call)) && limits_refused(m, v, r, call->function))
		err = -ENOMEM;
	return err;
}

static bool is_about_event(const struct sdei_record *r)
{
	return r->event != SDEI_NONE && !(1U << r->kind & ABOUT_PE);
}

static int take_event(struct model *m, struct model_event *e, const struct sdei_record *r, bool late, bool fits)
{
	if (unlikely(m->keep_intervals && !e->intervals) && keep_event(e))
		return -ENOMEM;
	return event_take(m, e, r, late, fits);
}

/* What has to be done while the state still is the one before. Most often that is nothing. */
static int look_before(struct model *m, struct model_vcpu *v, struct model_event *e, const struct sdei_record *r, bool fits)
{
	int err = v->episodes && blame_is_due(v, e, r) ? blame_before(m, v, e, r) : 0;

	if (unlikely(!fits))
		rules_check(m, v, e, r);
	if (v->masked && !(r->state & SDEI_MASKED)) {
		if (unlikely(r->time_ns - v->masked_since_ns >= m->limits.mask_ns))
			limits_unmask(m, v, r);
		v->free_ns = r->time_ns;
	}
	return err;
}

/* Kinds that may have something to do with the mask, and records that show it for the first time. */
#define ABOUT_MASK (1U << SDEI_MASK | 1U << SDEI_UNMASK | 1U << SDEI_RESET | 1U << SDEI_STATE)

static bool is_about_mask(const struct model_vcpu *v, const struct sdei_record *r, bool fits)
{
	return !fits || 1U << r->kind & ABOUT_MASK || !v->mask_known || !v->last_ns;
}

/* Its time is that of the vCPU from now on. */
static int take_in_time(struct model *m, struct model_vcpu *v, struct model_event *e, const struct sdei_record *r, bool fits)
{
	int err = 0;

	if (likely(!v->gone)) {
		err = look_before(m, v, e, r, fits);
		if (is_about_mask(v, r, fits) && mask_take(v, r))
			err = -ENOMEM;
	}
	if (unlikely(!v->begun || migration_is_outside(r)))
		migration_look(m, v, e, r);
	if (unlikely(!v->first_seen_ns))
		v->first_seen_ns = r->time_ns;
	v->last_ns = r->time_ns;
	return err;
}

static int take_late(struct model *m, struct model_vcpu *v, const struct sdei_record *r)
{
	m->totals.late++;
	finding_distrust(m, v);
	mask_missed(v, r->kind, 1);
	if (v->apf)
		apf_join_missed(v, r->event);
	return 0;
}

static int take(struct model *m, struct model_vcpu *v, const struct sdei_record *r)
{
	bool about_event = is_about_event(r), late = is_late(v, r), fits;
	struct model_event *e = NULL;
	int err, own_err = 0;

	if (about_event)
		e = event_get(v, r->event);
	fits = rules_fit(m, v, e, r);
	if (unlikely(late))
		err = take_late(m, v, r);
	else
		err = take_in_time(m, v, e, r, fits);
	if (unlikely(v->off) && record_shows_on(r))
		power_seen(v, r->time_ns);
	if (r->kind == SDEI_CALL)
		own_err = take_call(m, v, r, late);
	if (about_event && unlikely(!e))
		own_err = event_none(v);
	else if (about_event && take_event(m, e, r, late, fits))
		own_err = -ENOMEM;
	if (r->kind == SDEI_SIGNAL && sender_of(r) != SDEI_NONE && !own_err)
		own_err = senders_signal(v, r);
	if (unlikely(v->apf) && !late && apf_join(v, r))
		err = -ENOMEM;
	if (unlikely(is_state(r, SDEI_DESTROYED)) && !late && !v->gone)
		life_end(m, v, r->time_ns);
	if (unlikely(m->keep_recent) && keep_record(v, r))
		return -ENOMEM;
	return unlikely(err) ? err : own_err;
}

static int sketch_event(struct model_vcpu *v, const struct sdei_record *r)
{
	struct model_event *e = event_get(v, r->event);

	if (!e)
		return event_none(v);
	event_sketch(e, r);
	return 0;
}

/* What the iterator saw at attach, or a recorder knew where its recording begins. */
static int take_snapshot(struct model *m, const struct sdei_record *r)
{
	int err;
	struct model_vcpu *v = life_vcpu_seen(m, r, &err);

	if (!v)
		return err;
	mask_sketch(v, r);
	v->begun |= r->state != SDEI_MASKED;
	err = r->event == SDEI_NONE ? 0 : sketch_event(v, r);
	if (!err && !v->first_seen_ns)
		v->first_seen_ns = r->time_ns;
	return err;
}

/* The thread of a vCPU that nothing is known of, or that is gone, does not matter. */
static int take_place(struct model *m, const struct sdei_record *r)
{
	struct model_vcpu *v = life_find(m, r->vm, r->vcpu);

	return v && !v->gone ? blame_place(m, v, r) : 0;
}

/* Those that are no part of the stream of a vCPU's state. */
static bool is_aside(const struct sdei_record *r)
{
	return r->kind >= SDEI_PLACE || is_state(r, SDEI_SNAPSHOT);
}
_Static_assert(SDEI_PLACE == SDEI_KIND_COUNT - 6 && SDEI_APF > SDEI_PLACE && SDEI_GIC > SDEI_PLACE && SDEI_SMCCC > SDEI_PLACE && SDEI_POWER > SDEI_PLACE &&
	       SDEI_COUNTER > SDEI_PLACE,
	       "see is_aside()");

static int feed_aside(struct model *m, const struct sdei_record *r)
{
	switch (r->kind) {
	case SDEI_PLACE:
		return take_place(m, r);
	case SDEI_APF:
		return apf_take(m, (const struct sdei_record_apf *)r);
	case SDEI_GIC:
		return gic_take(m, (const struct sdei_record_gic *)r);
	case SDEI_SMCCC:
		return power_take(m, (const struct sdei_record_smccc *)r);
	case SDEI_POWER:
		return power_sketch(m, r);
	case SDEI_COUNTER:
		standstill_take(m, (const struct sdei_record_counter *)r);
		return 0;
	default:
		return take_snapshot(m, r);
	}
}

static int feed_state(struct model *m, const struct sdei_record *r)
{
	struct model_vcpu *v = life_find(m, r->vm, r->vcpu);

	if (unlikely(!v || v->gone || is_state(r, SDEI_CREATED)))
		v = life_vcpu(m, v, r);
	return likely(v) ? take(m, v, r) : life_no_vcpu(m, r->vm);
}

/* What is malformed has been counted as such. */
static int count_failed(struct model *m, int err, uint64_t count)
{
	m->totals.no_memory += err == -ENOMEM ? count : 0;
	m->totals.crowded += err == -E2BIG ? count : 0;
	return err;
}

int model_feed(struct model *m, const struct sdei_record *record, size_t size)
{
	int err;

	if (unlikely(!is_sound(record, size))) {
		m->totals.unknown++;
		return -EINVAL;
	}
	m->totals.records++;
	if (unlikely(!m->totals.start_ns))
		m->totals.start_ns = record->time_ns;
	if (record->time_ns > m->newest_ns)
		m->newest_ns = record->time_ns;
	err = unlikely(is_aside(record)) ? feed_aside(m, record) : feed_state(m, record);
	return unlikely(err) ? count_failed(m, err, 1) : 0;
}

/* --- what was lost */

static int take_lost(struct model *m, struct model_vcpu *v, const struct sdei_lost_key *key, uint64_t count)
{
	struct model_event *e;

	v->lost += count;
	v->inexact = true;
	if (v->apf)
		apf_join_missed(v, key->event);
	if (key->kind != SDEI_CALL)
		finding_distrust(m, v);
	else
		return call_take_lost(v, key, count);
	mask_missed(v, key->kind, count);
	if (1U << key->kind & ABOUT_PE)
		return 0;
	e = event_get(v, key->event);
	if (!e)
		return event_none(v);
	event_take_lost(m, e, key, count);
	return 0;
}

static void note_lost(struct model *m, unsigned int kind, uint64_t count)
{
	m->totals.lost += count;
	m->totals.lost_by[is_kind(kind) ? kind : SDEI_KIND_NONE] += count;
	m->totals.inexact = true;
	m->ever_lost = true;
}

/* Where the thread is shows with the next one. */
static int lose_place(struct model *m, const struct sdei_lost_key *key)
{
	struct model_vcpu *v = life_find(m, key->vm, key->vcpu);
	struct sdei_record unknown = { .time_ns = m->newest_ns };

	return v && !v->gone && m->newest_ns >= v->place_ns ? blame_place(m, v, &unknown) : 0;
}

/* Whose they were is not known, perhaps their kind is. */
static int lose_unknown(struct model *m, unsigned int kind, uint64_t count)
{
	note_lost(m, kind, count);
	if (kind == SDEI_CALL)	/* it changes no state */
		return 0;
	finding_distrust(m, NULL);
	if (kind == SDEI_SMCCC || kind == SDEI_COUNTER)
		return 0;
	apf_doubt_all(m);
	gic_lost(m, SDEI_ANY_VM);
	return 0;
}

/* No figure of a vCPU depends on it. */
static int lose_gic(struct model *m, const struct sdei_lost_key *key, uint64_t count)
{
	m->totals.lost += count;
	m->totals.lost_by[SDEI_GIC] += count;
	gic_lost(m, key->vm);
	return 0;
}

int model_feed_lost(struct model *m, const struct sdei_lost_key *key, uint64_t count)
{
	struct model_vcpu *v;
	int err = -EINVAL;

	if (!count)
		return 0;
	if (!key)
		return lose_unknown(m, SDEI_KIND_NONE, count);
	if (key->kind == SDEI_GIC)
		return lose_gic(m, key, count);
	if (key->vm == SDEI_ANY_VM && is_kind(key->kind) && key->kind != SDEI_APF)
		return lose_unknown(m, key->kind, count);
	note_lost(m, key->kind, count);
	if (key->kind == SDEI_COUNTER)
		return 0;
	if (key->kind == SDEI_PLACE)
		return lose_place(m, key);
	if (key->kind == SDEI_SMCCC)
		return count_failed(m, power_take_lost(m, key, count), count);
	if (key->kind == SDEI_APF)
		return count_failed(m, apf_take_lost(m, key, count), count);
	if (is_kind(key->kind) && has_needed_event(key->kind, key->event)) {
		v = life_vcpu_lost(m, key);
		err = v ? take_lost(m, v, key, count) : life_no_vcpu(m, key->vm);
	}
	m->totals.unknown += err == -EINVAL ? count : 0;
	return count_failed(m, err, count);
}

/* --- time */

static void count_since(struct model_counts *interval, struct model_counts *mark, const struct model_counts *count)
{
#define X(field, help) interval->field = count->field - mark->field;
	MODEL_COUNTS(X)
#undef X
	*mark = *count;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* Records that were under way at the tick before may end a mask interval earlier than it assumed: hence no negative time. */
static void tick_vcpu(struct model *m, struct model_vcpu *v, uint64_t now_ns)
{
	uint64_t masked_ns;

	for (size_t i = 0; i < v->event_count; i++) {
		struct model_event *e = v->events[i];

		count_since(&e->interval, &e->mark, &e->count);
		if (e->intervals)
			keep_tick(e);
	}
	if (unlikely(v->apf))
		apf_tick(v->apf);
	life_tick(m, v);
	limits_tick(m, v, now_ns, FINDING_GRACE_NS);
	masked_ns = model_masked_ns(v, now_ns);
	v->interval_masked_ns = less(masked_ns, v->mark_masked_ns);
	v->mark_masked_ns = masked_ns;
	if (masked_ns > v->masked_told_ns)
		v->masked_told_ns = masked_ns;
}

void model_tick(struct model *m, uint64_t now_ns)
{
	struct model_totals *t = &m->totals;

	for (size_t i = 0; i < m->vm_count; i++) {
		migration_tick(m, m->vms[i], now_ns, FINDING_GRACE_NS);
		stop_tick(m, m->vms[i], now_ns, FINDING_GRACE_NS);
		for (size_t k = 0; k < m->vms[i]->vcpu_count; k++)
			tick_vcpu(m, m->vms[i]->vcpus[k], now_ns);
	}
	guest_index_drop(&m->guests);
	finding_tick(m, now_ns, FINDING_GRACE_NS);
	count_since(&t->interval, &m->mark, &t->count);
	t->interval_records = t->records - m->mark_records;
	m->mark_records = t->records;
	if (!t->start_ns)
		t->start_ns = now_ns;
	t->interval_ns = less(now_ns, t->now_ns ? t->now_ns : t->start_ns);
	t->now_ns = now_ns;
}

void model_settle(struct model *m, uint64_t now_ns)
{
	for (size_t i = 0; i < m->vm_count; i++) {
		migration_tick(m, m->vms[i], now_ns, 0);
		stop_tick(m, m->vms[i], now_ns, 0);
		for (size_t k = 0; k < m->vms[i]->vcpu_count; k++)
			limits_tick(m, m->vms[i]->vcpus[k], now_ns, 0);
	}
	guest_index_drop(&m->guests);
	gic_settle(m);
	finding_tick(m, now_ns, 0);
}

/* --- starting over */

static void reset_vcpu(struct model_vcpu *v, uint64_t now_ns)
{
	for (size_t i = 0; i < v->event_count; i++)
		event_reset(v->events[i]);
	mask_reset(v, now_ns);
	if (v->apf)
		apf_reset(v->apf);
	call_reset(v);
	power_reset(v);
	free(v->refused);
	v->refused = NULL;
	senders_free(v->senders);
	v->senders = NULL;
	v->first_seen_ns = now_ns;
	v->lost = 0;
	v->inexact = false;
}

/*
 * Starts of what is open stay known, so that its age does, and so that it gives
 * its true sample when it ends: the figures are of what ends from now on.
 */
void model_reset(struct model *m, uint64_t now_ns)
{
	struct model_totals fresh = { .start_ns = now_ns, .now_ns = now_ns, .vms = m->totals.vms, .vcpus = m->totals.vcpus };

	for (size_t i = 0; i < m->vm_count; i++) {
		for (size_t k = 0; k < m->vms[i]->vcpu_count; k++)
			reset_vcpu(m->vms[i]->vcpus[k], now_ns);
		apf_free_vm(m, m->vms[i]);
		m->vms[i]->stood_ns = m->vms[i]->stops = 0;
	}
	finding_reset(m);
	m->totals = fresh;
	memset(&m->mark, 0, sizeof(m->mark));
	m->mark_records = 0;
}

const struct model_totals *model_totals(const struct model *m)
{
	return &m->totals;
}

struct model_vm *const *model_vms(const struct model *m, size_t *count)
{
	*count = m->vm_count;
	return m->vms;
}

double model_per_second(uint64_t count, uint64_t ns)
{
	return ns ? count * 1e9 / ns : 0;
}
