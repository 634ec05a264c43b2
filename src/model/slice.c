// SPDX-License-Identifier: GPL-2.0-only
/*
 * The starts of what is open are looked at before and after the model has taken a record: what had a start
 * and has it no more has ended. What ended it is the record, or nobody knows. Stages of page faults come from their samples.
 */
#include "model/slice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/inside.h"

/* An event, and what was open of it. */
struct was_event {
	struct model_event *event;
	uint64_t pending_ns, running_ns;
	bool blamed, carried_pending, carried_running;
	struct model_late late;
};

/* A vCPU as it was; some or all of its events are in slicer.events. */
struct was {
	struct model_vcpu *vcpu;
	uint64_t masked_ns, last_ns;
	bool initial, gone, masked;
	uint32_t episodes;
};

/* The samples of page faults that there were, and the fault that a record may end a stage of; id 0: none. */
struct was_apf {
	uint64_t counts[APF_STAGE_COUNT], sums[APF_STAGE_COUNT];
	struct apf_fault fault;
};

struct slicer {
	struct model *model;
	struct slicer_calls calls;
	struct was_event *events;
	size_t count, room;
	uint64_t unknown;
	bool ended, no_memory;
};

#define X(NAME, name, help) #name,
static const char *const kind_names[] = { SLICE_KINDS(X) };
static const char *const end_names[] = { SLICE_ENDS(X) };
#undef X

const char *slice_kind_name(unsigned int kind)
{
	return kind < SLICE_KIND_COUNT ? kind_names[kind] : "?";
}

const char *slice_end_name(unsigned int end)
{
	return end < SLICE_END_COUNT ? end_names[end] : "?";
}

struct slicer *slicer_new(struct model *m, const struct slicer_calls *calls)
{
	struct slicer *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->model = m;
	s->calls = *calls;
	s->room = 1;
	s->events = malloc(sizeof(*s->events));
	if (!s->events) {
		free(s);
		return NULL;
	}
	return s;
}

void slicer_free(struct slicer *s)
{
	if (s)
		free(s->events);
	free(s);
}

uint64_t slicer_unknown(const struct slicer *s)
{
	return s->unknown;
}

const struct model_vcpu *slicer_vcpu(const struct slicer *s, uint32_t vm, uint32_t vcpu)
{
	return life_find(s->model, vm, vcpu);
}

/* --- before */

static int make_room(struct slicer *s, size_t room)
{
	struct was_event *events;

	if (room <= s->room)
		return 0;
	events = reallocarray(s->events, room, sizeof(*events));
	if (!events)
		return -ENOMEM;
	s->events = events;
	s->room = room;
	return 0;
}

static void note_event(struct slicer *s, struct model_event *e)
{
	struct was_event *was = &s->events[s->count++];

	was->event = e;
	was->pending_ns = e->pending_since_ns;
	was->running_ns = e->running_since_ns;
	was->carried_pending = e->state & SDEI_PENDING && !e->pending_since_ns;
	was->carried_running = e->state & SDEI_RUNNING && !e->running_since_ns;
	was->blamed = false;
}

static void note_vcpu(struct was *was, struct model_vcpu *v)
{
	was->vcpu = v;
	if (!v)
		return;
	was->masked = v->masked;
	was->masked_ns = v->masked_since_ns;
	was->initial = v->initial;
	was->last_ns = v->last_ns;
	was->gone = v->gone;
	was->episodes = v->episodes;
}

/* Without memory slices will be missing, and nothing else. */
static void note_all(struct slicer *s, struct was *was, struct model_vcpu *v)
{
	s->count = 0;
	note_vcpu(was, v);
	if (make_room(s, v->event_count + 1)) {
		s->no_memory = true;
		return;
	}
	for (size_t i = 0; i < v->event_count; i++)
		note_event(s, v->events[i]);
}

static struct model_event *event_of(const struct model_vcpu *v, uint32_t number)
{
	struct model_event *recent = v->recent;

	if (number == SDEI_NONE)
		return NULL;
	return likely(recent && recent->event == number) ? recent : model_event(v, number);
}

static void note_one(struct slicer *s, struct was *was, struct model_vcpu *v, uint32_t number)
{
	struct model_event *e = v ? event_of(v, number) : NULL;

	s->count = 0;
	note_vcpu(was, v);
	if (e)
		note_event(s, e);
}

/* Only a new life ends more than the record is about. */
static bool begins_life(const struct model_vcpu *v, const struct sdei_record *r)
{
	return v && (v->gone || is_state(r, SDEI_CREATED));
}

/* The parts are settled with the state before the record, as the model does it. */
static void note_blame(struct slicer *s, const struct sdei_record *r)
{
	struct was_event *was = s->events;

	if (r->kind != SDEI_DISPATCH && r->state & SDEI_PENDING && !(1U << r->kind & (1U << SDEI_UNREGISTER | 1U << SDEI_STATE)))
		return;
	for (size_t i = 0; i < s->count; i++, was++) {
		if (was->pending_ns && was->event->event == r->event)
			was->blamed = model_event_open(was->event, r->time_ns, &was->late);
	}
}

/* --- after */

static bool is_late(const struct was *was, const struct sdei_record *r)
{
	return r->time_ns < was->last_ns || (was->gone && !is_state(r, SDEI_DESTROYED));
}

static enum slice_end cleared_by(const struct sdei_record *r, unsigned int bit)
{
	return (r->kind == SDEI_UNREGISTER || r->kind == SDEI_STATE) && r->outcome & bit ? SLICE_CLEARED : SLICE_LOST;
}

static enum slice_end end_of_pending(const struct sdei_record *r)
{
	switch (r->kind) {
	case SDEI_DISPATCH:
		return SLICE_DISPATCHED;
	case SDEI_CANCEL:
		return r->error ? SLICE_LOST : SLICE_CANCELLED;
	default:
		return cleared_by(r, SDEI_PENDING);
	}
}

static enum slice_end end_of_handler(const struct sdei_record *r)
{
	if (r->kind == SDEI_COMPLETE)
		return r->outcome == SDEI_RESUMED ? SLICE_RESUMED : SLICE_COMPLETED;
	return cleared_by(r, SDEI_RUNNING);
}

static enum slice_end end_of_mask(const struct was *was, const struct sdei_record *r)
{
	if (r->kind == SDEI_UNMASK && !(r->state & SDEI_MASKED))
		return SLICE_UNMASKED;
	if (r->kind == SDEI_RESET || (was->vcpu->gone && !was->gone))
		return SLICE_CLEARED;
	return r->kind == SDEI_STATE && r->origin != SDEI_CREATED && !(r->state & SDEI_MASKED) ? SLICE_CLEARED : SLICE_LOST;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* What is LOST was seen until the record before. */
static void emit(struct slicer *s, const struct was *was, struct slice *slice, const struct sdei_record *r)
{
	bool known = r && slice->end != SLICE_LOST;

	slice->vcpu = was->vcpu;
	slice->to_ns = later(known ? r->time_ns : was->last_ns, slice->from_ns);
	slice->record = known ? r : NULL;
	s->calls.slice(s->calls.ctx, slice);
}

/* r: the record, if it may say what ended it. */
static void emit_pending(struct slicer *s, const struct was *was, const struct was_event *e, const struct sdei_record *r)
{
	struct slice slice = { .kind = SLICE_PENDING, .event = e->event, .from_ns = e->pending_ns };

	slice.end = r ? end_of_pending(r) : SLICE_LOST;
	slice.blamed = e->blamed && slice.end != SLICE_LOST;
	if (slice.blamed)
		slice.late = e->late;
	emit(s, was, &slice, r);
}

static void emit_handler(struct slicer *s, const struct was *was, const struct was_event *e, const struct sdei_record *r)
{
	struct slice slice = { .kind = SLICE_HANDLER, .event = e->event, .from_ns = e->running_ns };

	slice.end = r ? end_of_handler(r) : SLICE_LOST;
	emit(s, was, &slice, r);
}

static void emit_mask(struct slicer *s, const struct was *was, const struct sdei_record *r)
{
	struct slice slice = { .kind = SLICE_MASK, .from_ns = was->masked_ns, .initial = was->initial };

	slice.end = r ? end_of_mask(was, r) : SLICE_LOST;
	emit(s, was, &slice, r);
}

/* What had no start ends without a slice. */
static void count_unknown(struct slicer *s, const struct was_event *was)
{
	const struct model_event *e = was->event;

	s->unknown += was->carried_pending && (!(e->state & SDEI_PENDING) || e->pending_since_ns);
	s->unknown += was->carried_running && (!(e->state & SDEI_RUNNING) || e->running_since_ns);
}

static void compare_event(struct slicer *s, const struct was *was, const struct was_event *e, const struct sdei_record *r)
{
	const struct sdei_record *own = r && r->event == e->event->event && !is_late(was, r) ? r : NULL;

	if (e->pending_ns && e->event->pending_since_ns != e->pending_ns)
		emit_pending(s, was, e, own);
	if (e->running_ns && e->event->running_since_ns != e->running_ns)
		emit_handler(s, was, e, own);
	if (unlikely(e->carried_pending || e->carried_running))
		count_unknown(s, e);
}

static void compare_mask(struct slicer *s, const struct was *was, const struct sdei_record *r)
{
	const struct model_vcpu *v = was->vcpu;

	if (was->masked_ns && v->masked_since_ns != was->masked_ns)
		emit_mask(s, was, r && !is_late(was, r) ? r : NULL);
	if (unlikely(was->masked && !was->masked_ns) && (!v->masked || v->masked_since_ns))
		s->unknown++;
}

static void compare_pending(struct slicer *s, const struct model_vcpu *v, uint32_t episodes, uint64_t time_ns)
{
	if (s->calls.pending && v->episodes != episodes)
		s->calls.pending(s->calls.ctx, v, time_ns, v->episodes);
}

/* r may be NULL. Events that the model made meanwhile had nothing open. */
static void compare(struct slicer *s, const struct was *was, const struct sdei_record *r)
{
	for (size_t i = 0; i < s->count; i++)
		compare_event(s, was, &s->events[i], r);
	if (was->vcpu)
		compare_mask(s, was, r);
}

/* --- page faults: every sample ends with the record, so that its length says when it began */

static bool may_end_stage(const struct slicer *s, const struct sdei_record *r)
{
	return s->calls.fault && (r->kind == SDEI_APF || (r->event == APF_EVENT && s->model->ever_apf));
}

static uint64_t id_of(const struct vcpu_apf *a, const struct sdei_record *r)
{
	switch (r->kind) {
	case SDEI_APF:
		return r->origin == APF_ACK ? a->ack.id : ((const struct sdei_record_apf *)r)->id;
	case SDEI_DISPATCH:
		return a->dispatch.id;
	default:
		return a->handler.id;
	}
}

static void note_apf(struct was_apf *was, const struct model_vcpu *v, const struct sdei_record *r)
{
	const struct apf_fault *fault;

	memset(was, 0, sizeof(*was));
	if (!v || !v->apf)
		return;
	for (unsigned int i = 0; i < APF_STAGE_COUNT; i++) {
		was->counts[i] = hist_count(v->apf->shown.stage[i]);
		was->sums[i] = hist_sum(v->apf->shown.stage[i]);
	}
	fault = apf_find(v->apf, id_of(v->apf, r));
	if (fault)
		was->fault = *fault;
}

static void emit_stage(struct slicer *s, struct was_apf *was, const struct model_vcpu *v, const struct sdei_record *r,
		       unsigned int stage)
{
	const struct hist *h = v->apf->shown.stage[stage];
	uint64_t length_ns = hist_sum(h) - was->sums[stage];
	struct fault_slice slice = { .vcpu = v, .stage = stage, .to_ns = r->time_ns, .record = r };

	if (hist_count(h) == was->counts[stage])
		return;
	slice.from_ns = length_ns < r->time_ns ? r->time_ns - length_ns : 0;
	was->fault.stage[stage] = length_ns;
	slice.fault = was->fault.id ? &was->fault : NULL;
	s->calls.fault(s->calls.ctx, &slice);
}

static void compare_apf(struct slicer *s, struct was_apf *was, const struct model_vcpu *v, const struct sdei_record *r)
{
	for (unsigned int i = 0; v && v->apf && i < APF_STAGE_COUNT; i++) {
		if (i != APF_STAGE_total)
			emit_stage(s, was, v, r, i);
	}
	if (v && v->apf)
		emit_stage(s, was, v, r, APF_STAGE_total);
}

/* The samples are of the vCPU that has the name after the record. */
static int feed_fault(struct slicer *s, const struct sdei_record *r, size_t size)
{
	const struct model_vcpu *v = life_find(s->model, r->vm, r->vcpu);
	struct was_apf was;
	int err;

	note_apf(&was, v, r);
	err = model_feed(s->model, r, size);
	compare_apf(s, &was, life_find(s->model, r->vm, r->vcpu), r);
	return err;
}

/* --- the model's calls */

/* What is none the model counts. */
static bool is_record(const struct sdei_record *r, size_t size)
{
	return size >= sizeof(*r) && r->kind < SDEI_KIND_COUNT;
}

int slicer_feed(struct slicer *s, const struct sdei_record *r, size_t size)
{
	struct model_vcpu *v, *now;
	struct was was;
	int err;

	if (!is_record(r, size))
		return model_feed(s->model, r, size);
	v = life_find(s->model, r->vm, r->vcpu);
	if (likely(!begins_life(v, r)))
		note_one(s, &was, v, r->event);
	else
		note_all(s, &was, v);
	note_blame(s, r);
	err = unlikely(may_end_stage(s, r)) ? feed_fault(s, r, size) : model_feed(s->model, r, size);
	compare(s, &was, r);
	now = likely(v && !v->gone) ? v : life_find(s->model, r->vm, r->vcpu);
	if (now)
		compare_pending(s, now, now == v ? was.episodes : 0, r->time_ns);
	return err;
}

int slicer_feed_lost(struct slicer *s, const struct sdei_lost_key *key, uint64_t count)
{
	struct model_vcpu *v = key ? life_find(s->model, key->vm, key->vcpu) : NULL;
	struct was was;
	int err;

	if (!key)
		return model_feed_lost(s->model, NULL, count);
	note_one(s, &was, v, key->event);
	err = model_feed_lost(s->model, key, count);
	compare(s, &was, NULL);
	if (v)
		compare_pending(s, v, was.episodes, s->model->newest_ns);
	return err;
}

static void each_vcpu(struct slicer *s, void (*call)(struct slicer *s, struct model_vcpu *v, uint64_t time_ns), uint64_t time_ns)
{
	for (size_t i = 0; i < s->model->vm_count; i++) {
		for (size_t k = 0; k < s->model->vms[i]->vcpu_count; k++)
			call(s, s->model->vms[i]->vcpus[k], time_ns);
	}
}

/* A vCPU whose end was lost, and that the tick will end: all that is open of it ended with it. */
static void emit_doomed(struct slicer *s, struct model_vcpu *v, uint64_t time_ns)
{
	struct was was;

	if (likely(!v->doomed) || life_newest_ns(v) != v->mark_last_ns)
		return;
	note_all(s, &was, v);
	for (size_t i = 0; i < s->count; i++) {
		if (s->events[i].pending_ns)
			emit_pending(s, &was, &s->events[i], NULL);
		if (s->events[i].running_ns)
			emit_handler(s, &was, &s->events[i], NULL);
	}
	if (was.masked_ns)
		emit_mask(s, &was, NULL);
}

void slicer_tick(struct slicer *s, uint64_t now_ns)
{
	each_vcpu(s, emit_doomed, now_ns);
	model_tick(s->model, now_ns);
}

/* Of a vCPU that is gone nothing can be open any more. */
static void emit_open_event(struct slicer *s, const struct was *was, struct was_event *e, struct slice *slice, uint64_t time_ns)
{
	slice->event = e->event;
	if (e->pending_ns) {
		slice->kind = SLICE_PENDING;
		slice->from_ns = e->pending_ns;
		slice->to_ns = later(time_ns, e->pending_ns);
		slice->blamed = !was->gone && model_event_open(e->event, slice->to_ns, &slice->late);
		s->calls.slice(s->calls.ctx, slice);
	}
	if (e->running_ns) {
		slice->kind = SLICE_HANDLER;
		slice->from_ns = e->running_ns;
		slice->to_ns = later(time_ns, e->running_ns);
		slice->blamed = false;
		s->calls.slice(s->calls.ctx, slice);
	}
	s->unknown += e->carried_pending + e->carried_running;
}

static void emit_open(struct slicer *s, struct model_vcpu *v, uint64_t time_ns)
{
	struct slice slice = { .end = v->gone ? SLICE_LOST : SLICE_OPEN, .vcpu = v };
	struct was was;

	note_all(s, &was, v);
	if (v->gone)
		time_ns = v->gone_ns;
	for (size_t i = 0; i < s->count; i++)
		emit_open_event(s, &was, &s->events[i], &slice, time_ns);
	if (v->gone || !v->masked)
		return;
	s->unknown += !v->masked_since_ns;
	slice = (struct slice){ .kind = SLICE_MASK, .vcpu = v, .from_ns = v->masked_since_ns, .initial = v->initial };
	slice.to_ns = later(time_ns, slice.from_ns);
	if (slice.from_ns)
		s->calls.slice(s->calls.ctx, &slice);
}

void slicer_expire(struct slicer *s, uint64_t before_ns)
{
	for (size_t i = 0; i < s->model->vm_count; i++) {
		const struct model_vm *vm = s->model->vms[i];

		for (size_t k = 0; vm->gone && vm->gone_ns < before_ns && k < vm->vcpu_count; k++)
			emit_open(s, vm->vcpus[k], vm->gone_ns);
	}
	model_expire(s->model, before_ns);
}

int slicer_end(struct slicer *s, uint64_t now_ns)
{
	if (!s->ended)
		each_vcpu(s, emit_open, now_ns);
	s->ended = true;
	return s->no_memory ? -ENOMEM : 0;
}
