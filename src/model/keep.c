// SPDX-License-Identifier: GPL-2.0-only
/* What is kept only when asked for: histograms of the last interval, the last records. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/inside.h"

/* --- intervals */

struct hist **keep_interval(struct model_event *e, unsigned int which)
{
	return &e->intervals->now[which];
}

int keep_event(struct model_event *e)
{
	e->intervals = calloc(1, sizeof(*e->intervals));
	return e->intervals ? 0 : -ENOMEM;
}

/* The older one is emptied and used again. */
void keep_turn(struct hist **now, struct hist **last, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		struct hist *older = last[i];

		last[i] = now[i];
		now[i] = older;
		if (older)
			hist_clear(older);
	}
}

void keep_tick(struct model_event *e)
{
	keep_turn(e->intervals->now, e->intervals->last, HIST_KINDS);
}

void keep_free_event(struct model_event *e)
{
	if (!e->intervals)
		return;
	for (unsigned int i = 0; i < HIST_KINDS; i++) {
		hist_free(e->intervals->now[i]);
		hist_free(e->intervals->last[i]);
	}
	free(e->intervals);
	e->intervals = NULL;
}

static const struct hist *last_of(const struct model_event *e, unsigned int which)
{
	const struct hist *h = e->intervals ? e->intervals->last[which] : NULL;

	return hist_count(h) ? h : NULL;
}

void model_event_interval(const struct model_event *e, struct model_event_interval *hists)
{
#define X(field, help) hists->field = last_of(e, HIST_##field);
	MODEL_EVENT_HISTS(X)
#undef X
}

/* --- records */

int keep_record(struct model_vcpu *v, const struct sdei_record *r)
{
	if (call_is_value(v, r))
		return 0;
	if (!v->records)
		v->records = calloc(1, sizeof(*v->records));
	if (!v->records)
		return -ENOMEM;
	v->records->records[v->records->count++ % MODEL_RECENT] = record_brief(r);
	return 0;
}

uint64_t keep_newest_ns(const struct model_vcpu *v)
{
	const struct vcpu_recent *kept = v->records;

	return kept && kept->count ? kept->records[(kept->count - 1) % MODEL_RECENT].head.time_ns : 0;
}

void keep_free_vcpu(struct model_vcpu *v)
{
	free(v->records);
	v->records = NULL;
}

size_t model_recent(const struct model_vcpu *vcpu, struct record_brief records[MODEL_RECENT])
{
	const struct vcpu_recent *kept = vcpu->records;
	size_t count = !kept ? 0 : kept->count < MODEL_RECENT ? kept->count : MODEL_RECENT;

	for (size_t i = 0; i < count; i++)
		records[i] = kept->records[(kept->count - count + i) % MODEL_RECENT];
	return count;
}

/* --- asking */

static void for_each_vcpu(struct model *m, void (*act)(struct model_vcpu *v))
{
	for (size_t i = 0; i < m->vm_count; i++) {
		for (size_t k = 0; k < m->vms[i]->vcpu_count; k++)
			act(m->vms[i]->vcpus[k]);
	}
}

static void free_intervals(struct model_vcpu *v)
{
	for (size_t i = 0; i < v->event_count; i++)
		keep_free_event(v->events[i]);
	if (v->apf)
		apf_free_intervals(v->apf);
}

void model_keep_intervals(struct model *m, bool keep)
{
	m->keep_intervals = keep;
	if (!keep)
		for_each_vcpu(m, free_intervals);
}

void model_keep_recent(struct model *m, bool keep)
{
	m->keep_recent = keep;
	if (!keep)
		for_each_vcpu(m, keep_free_vcpu);
}
