// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/lib/sdei_machine.h"
#include "tests/random_bits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SUCCESS 0
#define INVALID_PARAMETERS (-2)
#define DENIED (-3)
#define PENDING (-5)

uint64_t machine_random(struct machine *m, uint64_t below)
{
	return (random_bits(&m->seed) >> 11) % below;
}

static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static void add_span(struct spans *s, uint64_t from, uint64_t to, uint64_t value)
{
	if (!from)
		return;
	if (s->count == s->room) {
		s->room = s->room ? s->room * 2 : 64;
		s->span = must(realloc(s->span, s->room * sizeof(*s->span)));
	}
	s->span[s->count++] = (struct span){ from, to, value };
}

/* --- time */

/* What holds now for a pending event. by: whose handler blocks it. */
static unsigned int part_of(const struct machine_vcpu *v, const struct machine_event *e, uint32_t *by)
{
	if (v->masked)
		return PART_MASKED;
	if (!e->enabled)
		return PART_DISABLED;
	for (*by = 0; *by < MACHINE_EVENTS; ++*by) {
		if (v->events[*by].running)
			return PART_BLOCKED;
	}
	switch (v->place) {
	case SDEI_IN_GUEST:
		return PART_IN_GUEST;
	case SDEI_IN_HOST:
		return PART_IN_HOST;
	case SDEI_DESCHEDULED:
		return PART_DESCHEDULED;
	default:
		return PART_ENTRY;
	}
}

/* All that waits does so for ns longer: whatever changes, changes in between two of these. */
static void pass(struct machine *m, uint64_t ns)
{
	m->time += ns;
	for (unsigned int i = 0; i < m->count * MACHINE_EVENTS; i++) {
		struct machine_vcpu *v = &m->vcpus[i / MACHINE_EVENTS];
		struct machine_event *e = &v->events[i % MACHINE_EVENTS];
		uint32_t by = 0;
		unsigned int part = part_of(v, e, &by);

		if (!e->pending)
			continue;
		e->wait.parts[part] += ns;
		if (part == PART_BLOCKED)
			e->wait.by[by] += ns;
	}
}

static void keep_wait(struct machine *m, struct machine_event *e)
{
	e->wait.from = e->pending_since;
	e->wait.to = m->time;
	e->wait.signals = e->episode;
	if (e->wait_count == e->wait_room) {
		e->wait_room = e->wait_room ? e->wait_room * 2 : 64;
		e->waits = must(realloc(e->waits, e->wait_room * sizeof(*e->waits)));
	}
	e->waits[e->wait_count++] = e->wait;
}

/* --- records */

union any {
	struct sdei_record head;
	struct sdei_record_handler handler;
	struct sdei_record_call call;
	struct sdei_record_smccc smccc;
};

static uint8_t state_of(const struct machine_vcpu *v, uint32_t event)
{
	uint8_t state = v->masked ? SDEI_MASKED : 0;

	if (event == SDEI_NONE)
		return state;
	state |= v->events[event].registered ? SDEI_REGISTERED : 0;
	state |= v->events[event].enabled ? SDEI_ENABLED : 0;
	state |= v->events[event].running ? SDEI_RUNNING : 0;
	state |= v->events[event].pending ? SDEI_PENDING : 0;
	return state;
}

static union any record(struct machine *m, unsigned int vcpu, uint32_t event, uint8_t kind)
{
	return (union any){
		.head = {
			.time_ns = m->time, .vm = MACHINE_VM, .vcpu = vcpu, .event = event, .kind = kind,
			.state = state_of(&m->vcpus[vcpu], event),
		},
	};
}

static void emit(struct machine *m, union any *r)
{
	size_t size = sizeof(r->head);

	if (r->head.kind == SDEI_REGISTER || r->head.kind == SDEI_STATE)
		size = sizeof(r->handler);
	if (r->head.kind == SDEI_CALL)
		size = sizeof(r->call);
	if (r->head.kind == SDEI_SMCCC)
		size = sizeof(r->smccc);
	m->emit(m->ctx, &r->head, size);
	pass(m, 1 + machine_random(m, 100));
}

static void emit_plain(struct machine *m, unsigned int vcpu, uint32_t event, uint8_t kind, int error)
{
	union any r = record(m, vcpu, event, kind);

	r.head.error = error;
	emit(m, &r);
}

static void emit_state(struct machine *m, unsigned int vcpu, uint32_t event, uint8_t reason, uint8_t cleared)
{
	union any r = record(m, vcpu, event, SDEI_STATE);

	r.head.origin = reason;
	r.head.outcome = cleared;
	r.handler.ep_addr = m->vcpus[vcpu].events[event].address;
	emit(m, &r);
}

static void emit_call(struct machine *m, unsigned int vcpu, uint32_t event, uint32_t low, int64_t result)
{
	static const int results[MACHINE_RESULTS - 1] = { 0, -1, -2, -3, -5, -10 };
	union any r = record(m, vcpu, event, SDEI_CALL);
	unsigned int class = 0;

	while (class < MACHINE_RESULTS - 1 && results[class] != (result < 0 ? result : 0))
		class++;
	m->vcpus[vcpu].calls[low - 0x20][class]++;
	r.call.function = 0xC4000000 + low;
	r.head.result = result;
	emit(m, &r);
}

/* --- what happens to an event */

static void end_episode(struct machine *m, struct machine_event *e)
{
	add_span(&e->spans[SPAN_SIGNALS], e->pending_since, m->time, e->episode);
	e->pending = false;
	e->pending_since = 0;
}

static void clear_running(struct machine_event *e)
{
	e->running = false;
	e->running_since = e->running_signal = 0;
}

/* The bits that something outside of the calls took away. */
static uint8_t clear_event(struct machine *m, struct machine_event *e, bool running)
{
	uint8_t cleared = 0;

	e->registered = e->enabled = false;
	if (e->pending) {
		cleared |= SDEI_PENDING;
		e->count.cleared++;
		end_episode(m, e);
	}
	if (running && e->running) {
		cleared |= SDEI_RUNNING;
		e->count.running_cleared++;
		clear_running(e);
	}
	return cleared;
}

static void begin_episode(struct machine *m, struct machine_event *e)
{
	e->pending = true;
	e->pending_since = m->time;
	e->episode = 1;
	e->wait = (struct machine_wait){ 0 };
	e->count.queued++;
}

static int refusal(struct machine *m, const struct machine_event *e)
{
	if (!e->registered)
		return -ENOENT;
	switch (machine_random(m, 20)) {
	case 0:
		return -EPERM;
	case 1:
		return e->pending || e->running ? -EBUSY : 0;
	default:
		return 0;
	}
}

static void reject(struct machine_event *e, int error)
{
	e->count.rejected++;
	e->rejected[error == -ENOENT ? 0 : error == -EPERM ? 1 : 2]++;
}

static void coalesce(struct machine *m, struct machine_event *e)
{
	e->count.coalesced++;
	e->episode++;
	add_span(&e->spans[SPAN_AGE], e->pending_since, m->time, m->time - e->pending_since);
}

static void do_signal(struct machine *m, unsigned int vcpu, uint32_t event)
{
	struct machine_event *e = &m->vcpus[vcpu].events[event];
	int error = refusal(m, e);
	uint8_t outcome = error ? SDEI_REJECTED : e->pending ? SDEI_COALESCED : SDEI_QUEUED;
	union any r;

	e->count.signals++;
	if (error)
		reject(e, error);
	else if (e->pending)
		coalesce(m, e);
	else
		begin_episode(m, e);
	r = record(m, vcpu, event, SDEI_SIGNAL);
	r.head.outcome = outcome;
	r.head.error = error;
	r.head.origin = event ? SDEI_FROM_VMM : SDEI_FROM_GUEST;
	r.head.sender = event ? SDEI_NONE : machine_random(m, m->count);
	emit(m, &r);
}

static void do_cancel(struct machine *m, unsigned int vcpu, uint32_t event)
{
	struct machine_event *e = &m->vcpus[vcpu].events[event];
	int error = e->running ? -EBUSY : !e->pending ? -ENOENT : 0;

	if (!error) {
		e->count.cancelled++;
		end_episode(m, e);
	}
	emit_plain(m, vcpu, event, SDEI_CANCEL, error);
}

/* --- what a vCPU does */

static struct machine_event *running(struct machine_vcpu *v, uint32_t *event)
{
	for (*event = 0; *event < MACHINE_EVENTS; ++*event) {
		if (v->events[*event].running)
			return &v->events[*event];
	}
	return NULL;
}

static void do_dispatch(struct machine *m, unsigned int vcpu)
{
	struct machine_vcpu *v = &m->vcpus[vcpu];
	struct machine_event *e;
	uint32_t event;
	union any r;

	if (v->masked || running(v, &event))
		return;
	for (event = 0; event < MACHINE_EVENTS; event++) {
		e = &v->events[event];
		if (!e->pending || !e->enabled)
			continue;
		add_span(&e->spans[SPAN_DISPATCH], e->pending_since, m->time, m->time - e->pending_since);
		e->count.dispatched++;
		e->running = true;
		e->running_since = m->time;
		e->running_signal = e->pending_since;
		keep_wait(m, e);
		end_episode(m, e);
		r = record(m, vcpu, event, SDEI_DISPATCH);
		r.head.pc = 0xffff800000000000 + machine_random(m, 1000);
		emit(m, &r);
		return;
	}
}

static void do_complete(struct machine *m, unsigned int vcpu, bool resume)
{
	uint32_t event;
	struct machine_event *e = running(&m->vcpus[vcpu], &event);
	union any r;

	if (!e) {
		emit_call(m, vcpu, SDEI_NONE, resume ? 0x26 : 0x25, DENIED);
		return;
	}
	add_span(&e->spans[SPAN_HANDLER], e->running_since, m->time, m->time - e->running_since);
	add_span(&e->spans[SPAN_TOTAL], e->running_signal, m->time, m->time - e->running_signal);
	clear_running(e);
	*(resume ? &e->count.resumed : &e->count.completed) += 1;
	r = record(m, vcpu, event, SDEI_COMPLETE);
	r.head.outcome = resume ? SDEI_RESUMED : SDEI_COMPLETED;
	r.head.arg = machine_random(m, 3);
	emit(m, &r);
	emit_call(m, vcpu, SDEI_NONE, resume ? 0x26 : 0x25, SUCCESS);
}

static void do_register(struct machine *m, unsigned int vcpu, uint32_t event)
{
	struct machine_event *e = &m->vcpus[vcpu].events[event];
	union any r;

	if (e->registered || e->running) {
		emit_call(m, vcpu, event, 0x21, DENIED);
		return;
	}
	e->registered = true;
	e->address = 0x1000 + machine_random(m, 0x1000);
	r = record(m, vcpu, event, SDEI_REGISTER);
	r.handler.ep_addr = e->address;
	emit(m, &r);
	emit_call(m, vcpu, event, 0x21, SUCCESS);
}

static void do_unregister(struct machine *m, unsigned int vcpu, uint32_t event)
{
	struct machine_event *e = &m->vcpus[vcpu].events[event];
	int result = e->running ? PENDING : SUCCESS;
	uint8_t cleared;
	union any r;

	if (!e->registered) {
		emit_call(m, vcpu, event, 0x27, DENIED);
		return;
	}
	cleared = clear_event(m, e, false);
	r = record(m, vcpu, event, SDEI_UNREGISTER);
	r.head.outcome = cleared;
	r.head.error = result;
	emit(m, &r);
	emit_call(m, vcpu, event, 0x27, result);
}

static void do_enable(struct machine *m, unsigned int vcpu, uint32_t event, bool enable)
{
	struct machine_event *e = &m->vcpus[vcpu].events[event];
	int result = e->registered ? SUCCESS : DENIED;

	if (!result) {
		e->enabled = enable;
		emit_plain(m, vcpu, event, enable ? SDEI_ENABLE : SDEI_DISABLE, 0);
	}
	emit_call(m, vcpu, event, enable ? 0x22 : 0x23, result);
}

static void begin_mask(struct machine *m, struct machine_vcpu *v, bool initial)
{
	v->masked = true;
	v->initial = initial;
	v->masked_since = m->time;
}

static void end_mask(struct machine *m, struct machine_vcpu *v)
{
	if (v->masked)
		v->masked_ns += m->time - v->masked_since;
	v->masked = false;
}

static void do_mask(struct machine *m, unsigned int vcpu)
{
	struct machine_vcpu *v = &m->vcpus[vcpu];
	bool changes = !v->masked;

	if (changes)
		begin_mask(m, v, false);
	v->mask_calls++;
	emit_plain(m, vcpu, SDEI_NONE, SDEI_MASK, changes);
	emit_call(m, vcpu, SDEI_NONE, 0x2b, changes);
}

static void do_unmask(struct machine *m, unsigned int vcpu)
{
	struct machine_vcpu *v = &m->vcpus[vcpu];

	if (v->masked)
		add_span(v->initial ? &v->initial_mask : &v->mask, v->masked_since, m->time, m->time - v->masked_since);
	end_mask(m, v);
	v->unmask_calls++;
	emit_plain(m, vcpu, SDEI_NONE, SDEI_UNMASK, 0);
	emit_call(m, vcpu, SDEI_NONE, 0x2c, SUCCESS);
}

/* PRIVATE_RESET is refused while a handler runs and leaves the mask alone; the vCPU's reset takes everything and masks. */
static void do_reset(struct machine *m, unsigned int vcpu, bool of_vcpu)
{
	struct machine_vcpu *v = &m->vcpus[vcpu];
	uint32_t event;
	union any r;

	if (!of_vcpu && running(v, &event)) {
		emit_call(m, vcpu, SDEI_NONE, 0x31, DENIED);
		return;
	}
	if (of_vcpu) {
		end_mask(m, v);
		begin_mask(m, v, true);
	}
	for (event = 0; event < MACHINE_EVENTS; event++)
		emit_state(m, vcpu, event, SDEI_STATE_RESET, clear_event(m, &v->events[event], true));
	if (of_vcpu) {	/* the reset is when its last record says so */
		end_mask(m, v);
		begin_mask(m, v, true);
	}
	r = record(m, vcpu, SDEI_NONE, SDEI_RESET);
	r.head.origin = of_vcpu ? SDEI_VCPU_RESET : SDEI_PRIVATE_RESET;
	emit(m, &r);
	if (!of_vcpu)
		emit_call(m, vcpu, SDEI_NONE, 0x31, SUCCESS);
}

/* --- lives of vCPUs */

/* What a migration brings: a handler running, another event pending. */
static void restore(struct machine *m, unsigned int vcpu)
{
	struct machine_event *ran = &m->vcpus[vcpu].events[machine_random(m, 2)];
	struct machine_event *waits = &m->vcpus[vcpu].events[2 + machine_random(m, 2)];
	union any r;

	ran->registered = waits->registered = waits->enabled = true;
	emit_state(m, vcpu, ran - m->vcpus[vcpu].events, SDEI_RESTORED, 0);
	emit_state(m, vcpu, waits - m->vcpus[vcpu].events, SDEI_RESTORED, 0);
	ran->running = true;
	ran->restored_running++;
	emit_state(m, vcpu, ran - m->vcpus[vcpu].events, SDEI_RESTORED, 0);
	waits->count.signals++;
	begin_episode(m, waits);
	r = record(m, vcpu, waits - m->vcpus[vcpu].events, SDEI_SIGNAL);
	r.head.origin = SDEI_FROM_RESTORE;
	r.head.outcome = SDEI_QUEUED;
	r.head.sender = SDEI_NONE;
	emit(m, &r);
	emit_state(m, vcpu, waits - m->vcpus[vcpu].events, SDEI_RESTORED, 0);
}

static void create(struct machine *m, unsigned int vcpu)
{
	struct machine_vcpu *v = &m->vcpus[vcpu];

	v->exists = true;
	v->place = 0;
	begin_mask(m, v, true);
	for (uint32_t event = 0; event < MACHINE_EVENTS; event++)
		emit_state(m, vcpu, event, SDEI_CREATED, 0);
	if (!machine_random(m, 3))
		restore(m, vcpu);
}

static void destroy(struct machine *m, unsigned int vcpu)
{
	struct machine_vcpu *v = &m->vcpus[vcpu];

	end_mask(m, v);
	v->exists = v->off = false;
	for (uint32_t event = 0; event < MACHINE_EVENTS; event++) {
		struct machine_event *e = &v->events[event];
		bool registered = e->registered, enabled = e->enabled;
		uint8_t cleared = clear_event(m, e, true);

		e->registered = registered;	/* as in KVM, which has no use for it any more */
		e->enabled = enabled;
		emit_state(m, vcpu, event, SDEI_DESTROYED, cleared);
		e->registered = e->enabled = false;
	}
}

/* --- PSCI */

static void emit_psci(struct machine *m, unsigned int vcpu, uint32_t function, uint32_t target)
{
	union any r = record(m, vcpu, SDEI_NONE, SDEI_SMCCC);

	r.head.state = 0;
	r.head.outcome = SMCCC_ANSWERED;
	r.smccc.function = function;
	r.smccc.target = target;
	r.smccc.duration_ns = 1;	/* no less than there is between two records */
	emit(m, &r);
}

/* Whatever it was in the middle of. */
static void turn_off(struct machine *m, unsigned int vcpu)
{
	m->vcpus[vcpu].off = true;
	m->vcpus[vcpu].turned_off++;
	emit_psci(m, vcpu, 0x84000002, SDEI_NONE);
}

/* By another one, which resets it; or by the VMM, which does the same. */
static void turn_on(struct machine *m, unsigned int vcpu)
{
	unsigned int by = machine_random(m, m->count);

	m->vcpus[vcpu].off = false;
	if (m->vcpus[by].exists && !m->vcpus[by].off && by != vcpu) {
		m->vcpus[by].turned_on_others++;
		emit_psci(m, by, 0xC4000003, vcpu);
	}
	do_reset(m, vcpu, true);
}

/* --- chance */

/* What is done to a vCPU that is off. */
static void parked_step(struct machine *m, unsigned int vcpu, uint32_t event)
{
	switch (machine_random(m, 8)) {
	case 0:
		turn_on(m, vcpu);
		break;
	case 1:
		do_cancel(m, vcpu, event);
		break;
	case 2:
		if (vcpu)
			destroy(m, vcpu);
		break;
	default:
		do_signal(m, vcpu, event);
	}
}

static void rare_step(struct machine *m, unsigned int vcpu, uint32_t event)
{
	switch (machine_random(m, 8)) {
	case 0:
		do_reset(m, vcpu, true);
		break;
	case 1:
		if (vcpu)
			destroy(m, vcpu);
		break;
	case 2:
		do_reset(m, vcpu, false);
		break;
	case 3:
		emit_call(m, vcpu, SDEI_NONE, 0x2f, INVALID_PARAMETERS);
		break;
	case 4:
		emit_call(m, vcpu, event, 0x28, m->vcpus[vcpu].events[event].registered);
		break;
	case 5:
		pass(m, machine_random(m, 1000000));
		break;
	default:
		do_unregister(m, vcpu, event);
	}
}

static void common_step(struct machine *m, unsigned int vcpu, uint32_t event)
{
	switch (machine_random(m, 12)) {
	case 0:
		do_register(m, vcpu, event);
		break;
	case 1:
		do_enable(m, vcpu, event, true);
		break;
	case 2:
		do_enable(m, vcpu, event, machine_random(m, 2));
		break;
	case 3:
		do_mask(m, vcpu);
		break;
	case 4:
	case 5:
		do_unmask(m, vcpu);
		break;
	case 6:
		do_cancel(m, vcpu, event);
		break;
	default:
		do_signal(m, vcpu, event);
	}
}

static void move(struct machine *m, unsigned int vcpu)
{
	union any r;

	m->vcpus[vcpu].place = machine_random(m, SDEI_DESCHEDULED + 1);
	r = record(m, vcpu, SDEI_NONE, SDEI_PLACE);
	r.head.state = 0;
	r.head.origin = m->vcpus[vcpu].place;
	emit(m, &r);
}

void machine_step(struct machine *m)
{
	unsigned int vcpu = machine_random(m, m->count);
	uint32_t event = machine_random(m, MACHINE_EVENTS);

	if (!m->vcpus[vcpu].exists) {
		create(m, vcpu);
		return;
	}
	if (m->vcpus[vcpu].off) {
		parked_step(m, vcpu, event);
		return;
	}
	if (m->powers && !machine_random(m, 50)) {
		turn_off(m, vcpu);
		return;
	}
	if (m->places && !machine_random(m, 3)) {
		move(m, vcpu);
		return;
	}
	switch (machine_random(m, 24)) {
	case 0:
		rare_step(m, vcpu, event);
		break;
	case 1 ... 6:
		do_dispatch(m, vcpu);
		break;
	case 7 ... 11:
		do_complete(m, vcpu, machine_random(m, 3) == 0);
		break;
	default:
		common_step(m, vcpu, event);
	}
}

struct machine *machine_new(unsigned int vcpus, uint64_t seed, machine_emit *emit_record, void *ctx)
{
	struct machine *m = must(calloc(1, sizeof(*m)));

	m->vcpus = must(calloc(vcpus, sizeof(*m->vcpus)));
	m->count = vcpus;
	m->seed = seed * 2654435761U + 88172645463325252ULL;
	m->time = 1000000;
	m->emit = emit_record;
	m->ctx = ctx;
	for (unsigned int vcpu = 0; vcpu < vcpus; vcpu++)
		create(m, vcpu);
	return m;
}

void machine_free(struct machine *m)
{
	if (!m)
		return;
	for (unsigned int vcpu = 0; vcpu < m->count; vcpu++) {
		struct machine_vcpu *v = &m->vcpus[vcpu];

		for (unsigned int event = 0; event < MACHINE_EVENTS; event++) {
			for (unsigned int kind = 0; kind < SPAN_KINDS; kind++)
				free(v->events[event].spans[kind].span);
			free(v->events[event].waits);
		}
		free(v->mask.span);
		free(v->initial_mask.span);
	}
	free(m->vcpus);
	free(m);
}
