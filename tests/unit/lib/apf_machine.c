// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "tests/unit/lib/apf_machine.h"

#define ENABLED (SDEI_REGISTERED | SDEI_ENABLED)

static uint64_t chance(struct apf_machine *m, uint64_t below)
{
	m->seed = m->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (m->seed >> 33) % below;
}

static unsigned int id_of(const struct apf_machine *m, const struct apf_machine_vcpu *v)
{
	return v - m->vcpus;
}

/* --- records */

static struct sdei_record head(struct apf_machine *m, const struct apf_machine_vcpu *v, unsigned int kind)
{
	m->time += 1 + chance(m, 300);
	return (struct sdei_record){ .time_ns = m->time, .vm = MACHINE_VM, .vcpu = id_of(m, v), .kind = kind, .event = SDEI_NONE };
}

static void emit_apf(struct apf_machine *m, const struct apf_machine_vcpu *v, const struct apf_machine_fault *f,
		     unsigned int step, unsigned int outcome)
{
	struct sdei_record_apf r = { .head = head(m, v, SDEI_APF), .id = f ? f->id : 0, .gfn = f ? f->gfn : 0, .queued = v->count };

	r.head.origin = step;
	r.head.outcome = outcome;
	r.head.arg = f ? f->id << 12 : 0;
	m->emit(m->ctx, &r.head, sizeof(r));
}

static unsigned int state_of(const struct apf_machine_vcpu *v)
{
	return ENABLED | (v->is_pending ? SDEI_PENDING : 0) | (v->is_running ? SDEI_RUNNING : 0);
}

static void emit_event(struct apf_machine *m, const struct apf_machine_vcpu *v, unsigned int kind, unsigned int origin,
		       unsigned int outcome)
{
	struct sdei_record r = head(m, v, kind);

	r.event = 1;
	r.state = state_of(v);
	r.origin = origin;
	r.outcome = outcome;
	m->emit(m->ctx, &r, sizeof(r));
}

static void emit_state(struct apf_machine *m, const struct apf_machine_vcpu *v, unsigned int kind, unsigned int reason,
		       unsigned int state, unsigned int cleared)
{
	struct sdei_record_handler r = { .head = head(m, v, kind), .ep_addr = 0x1000 };

	r.head.event = 1;
	r.head.origin = reason;
	r.head.state = state;
	r.head.outcome = cleared;
	m->emit(m->ctx, &r.head, sizeof(r));
}

/* --- figures */

static void add(struct apf_machine *m, struct apf_machine_vcpu *v, unsigned int stage, uint64_t since)
{
	struct hist_worst who = { .time_ns = m->time, .vm = MACHINE_VM, .vcpu = id_of(m, v), .event = SDEI_NONE };

	if (!v->stage[stage])
		v->stage[stage] = hist_new();
	if (!v->stage[stage] || hist_add(v->stage[stage], m->time - since, &who))
		abort();
}

/* --- what happens */

static void create(struct apf_machine *m, struct apf_machine_vcpu *v)
{
	struct sdei_record unmask;

	v->exists = true;
	if (!m->sdei)
		return;
	emit_state(m, v, SDEI_STATE, SDEI_CREATED, SDEI_MASKED, 0);
	unmask = head(m, v, SDEI_UNMASK);
	m->emit(m->ctx, &unmask, sizeof(unmask));
	emit_state(m, v, SDEI_REGISTER, 0, SDEI_REGISTERED, 0);
	emit_event(m, v, SDEI_ENABLE, 0, 0);
}

static void end(struct apf_machine *m, struct apf_machine_vcpu *v)
{
	unsigned int cleared = state_of(v) & (SDEI_PENDING | SDEI_RUNNING);

	if (v == m->vcpus)
		return;
	v->cleared += v->count;
	v->count = 0;
	v->exists = v->is_pending = v->is_running = false;
	v->ack_since = 0;
	if (m->sdei)
		emit_state(m, v, SDEI_STATE, SDEI_DESTROYED, 0, cleared);
	else
		emit_apf(m, v, NULL, APF_VCPU_END, 0);
}

/* SDEI tells only if nothing is pending or running. */
static unsigned int tell(struct apf_machine *m, struct apf_machine_vcpu *v, const struct apf_machine_fault *f)
{
	if (!m->sdei)
		return chance(m, 3) ? APF_TOLD : APF_HALTED;
	if (v->is_pending || v->is_running)
		return APF_UNTOLD;
	v->is_pending = true;
	v->pending = f->id;
	emit_event(m, v, SDEI_SIGNAL, SDEI_FROM_APF, SDEI_QUEUED);
	return APF_TOLD;
}

static void begin(struct apf_machine *m, struct apf_machine_vcpu *v)
{
	struct apf_machine_fault *f = &v->fault[v->count];

	if (v->count == 64)
		return;
	v->count++;
	v->setup++;
	*f = (struct apf_machine_fault){ .id = ++m->last_id, .gfn = 1 + chance(m, 1 << 20) };
	emit_apf(m, v, f, APF_SETUP, 0);
	f->setup = m->time;
	f->told = tell(m, v, f);
	emit_apf(m, v, f, APF_NOT_PRESENT, f->told);
	if (f->told != APF_TOLD)
		return;
	add(m, v, APF_STAGE_signal, f->setup);
	v->pending_since = m->time;
}

static void work(struct apf_machine *m, struct apf_machine_vcpu *v, struct apf_machine_fault *f)
{
	if (!f->working) {
		emit_apf(m, v, f, APF_WORKING, 0);
		f->working = m->time;
		add(m, v, APF_STAGE_wait, f->setup);
	} else if (!f->ready) {
		emit_apf(m, v, f, APF_READY, 0);
		f->ready = m->time;
		add(m, v, APF_STAGE_page, f->working);
	}
}

static void count_end(struct apf_machine *m, struct apf_machine_vcpu *v, const struct apf_machine_fault *f)
{
	bool unseen = m->sdei && v->is_pending && v->pending == f->id;

	if (f->told == APF_HALTED)
		v->halted++;
	else if (f->told == APF_UNTOLD)
		v->untold++;
	else if (unseen)
		v->wasted++;
	else
		v->async++;
}

/* Before the guest has seen that it was not there, it may be withdrawn. */
static unsigned int present_outcome(struct apf_machine *m, struct apf_machine_vcpu *v, const struct apf_machine_fault *f)
{
	if (m->sdei && v->is_pending && v->pending == f->id && chance(m, 2)) {
		v->is_pending = false;
		emit_event(m, v, SDEI_CANCEL, 0, 0);
		v->cancelled++;
		return APF_CANCELLED;
	}
	count_end(m, v, f);
	return f->told == APF_TOLD ? APF_SIGNALLED : APF_SILENT;
}

static void present(struct apf_machine *m, struct apf_machine_vcpu *v, struct apf_machine_fault *f)
{
	unsigned int outcome;

	if (!f->ready)
		return;
	outcome = present_outcome(m, v, f);
	emit_apf(m, v, f, APF_PRESENT, outcome);
	add(m, v, APF_STAGE_present, f->ready);
	add(m, v, APF_STAGE_total, f->setup);
	if (f->told != APF_TOLD)
		add(m, v, APF_STAGE_halt, f->setup);
	if (m->time - f->setup > v->slowest)
		v->slowest = m->time - f->setup;
	if (outcome == APF_SIGNALLED)
		v->ack_since = m->time;
	*f = v->fault[--v->count];
}

static void handle(struct apf_machine *m, struct apf_machine_vcpu *v)
{
	if (v->is_running) {
		v->is_running = false;
		emit_event(m, v, SDEI_COMPLETE, 0, SDEI_COMPLETED);
		add(m, v, APF_STAGE_handler, v->running_since);
	} else if (v->is_pending) {
		v->is_running = true;
		v->is_pending = false;
		emit_event(m, v, SDEI_DISPATCH, 0, 0);
		add(m, v, APF_STAGE_dispatch, v->pending_since);
		v->running_since = m->time;
	}
}

static void acknowledge(struct apf_machine *m, struct apf_machine_vcpu *v)
{
	if (!v->ack_since)
		return;
	emit_apf(m, v, NULL, APF_ACK, 0);
	v->acked++;
	add(m, v, APF_STAGE_ack, v->ack_since);
	v->ack_since = 0;
}

static void wake_all(struct apf_machine *m, struct apf_machine_vcpu *v)
{
	emit_apf(m, v, NULL, APF_PRESENT, APF_WAKE_ALL);
	v->wake_all++;
	v->ack_since = m->time;
}

static void fall_back(struct apf_machine *m, struct apf_machine_vcpu *v)
{
	unsigned int reason = 1 + chance(m, APF_FALLBACKS - 1);

	emit_apf(m, v, NULL, APF_FALLBACK, reason);
	v->fallback++;
	v->fallbacks[reason]++;
}

static void stay(struct apf_machine *m, struct apf_machine_vcpu *v)
{
	struct sdei_record_apf r = { .head = head(m, v, SDEI_APF), .duration_ns = 1 + chance(m, 100000) };

	r.head.origin = APF_SYNC;
	m->emit(m->ctx, &r.head, sizeof(r));
	v->sync++;
	add(m, v, APF_STAGE_sync, m->time - r.duration_ns);
}

static void clear(struct apf_machine *m, struct apf_machine_vcpu *v)
{
	emit_apf(m, v, NULL, APF_CLEAR, 0);
	v->cleared += v->count;
	v->count = 0;
}

void apf_machine_step(struct apf_machine *m)
{
	struct apf_machine_vcpu *v = &m->vcpus[chance(m, m->count)];
	struct apf_machine_fault *f = v->count ? &v->fault[chance(m, v->count)] : NULL;
	unsigned int what = chance(m, 1000);

	if (!v->exists)
		create(m, v);
	else if (what < 250)
		begin(m, v);
	else if (what < 600 && f)
		work(m, v, f);
	else if (what < 780 && f)
		present(m, v, f);
	else if (what < 880)
		handle(m, v);
	else if (what < 930)
		acknowledge(m, v);
	else if (what < 950)
		fall_back(m, v);
	else if (what < 980)
		stay(m, v);
	else if (what < 990)
		wake_all(m, v);
	else if (what < 993)
		clear(m, v);
	else if (what < 995)
		end(m, v);
}

struct apf_machine *apf_machine_new(unsigned int vcpus, bool sdei, uint64_t seed, machine_emit *emit, void *ctx)
{
	struct apf_machine *m = calloc(1, sizeof(*m));

	if (!m)
		abort();
	*m = (struct apf_machine){ .count = vcpus, .sdei = sdei, .seed = seed, .time = 1000000, .emit = emit, .ctx = ctx };
	m->vcpus = calloc(vcpus, sizeof(*m->vcpus));
	if (!m->vcpus)
		abort();
	for (unsigned int i = 0; i < vcpus; i++)
		create(m, &m->vcpus[i]);
	return m;
}

void apf_machine_free(struct apf_machine *m)
{
	for (unsigned int i = 0; i < m->count; i++) {
		for (unsigned int k = 0; k < APF_STAGE_COUNT; k++)
			hist_free(m->vcpus[i].stage[k]);
	}
	free(m->vcpus);
	free(m);
}
