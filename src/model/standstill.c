// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VMM that stops its VM reads the virtual counter of each vCPU, and writes it back when the VM goes on: the guest's counter is then farther
 * behind the host's by as long as it stood still. KVM has one offset for all vCPUs of a VM, so each write after the first one of
 * such a moment changes it by next to nothing, forward or back; a vCPU that sets it again begins another moment.
 *
 * What is open began so much later, as the guest sees it: its start is moved.
 */
#include "model/inside.h"

#include "model/standstill.h"

/* ticks may be a difference backwards; what a recording claims, anything. */
static int64_t ns_of(int64_t ticks, uint32_t hz)
{
	__int128 ns = hz ? (__int128)ticks * (int64_t)SECOND_NS / hz : 0;

	return ns > INT64_MAX ? INT64_MAX : ns < INT64_MIN ? INT64_MIN : (int64_t)ns;
}

/* A start that is known, and is older. Returns by how much. */
static uint64_t move(uint64_t *start_ns, uint64_t ns, uint64_t time_ns)
{
	uint64_t most = time_ns > *start_ns ? time_ns - *start_ns : 0, moved = ns < most ? ns : most;

	if (!*start_ns)
		return 0;
	*start_ns += moved;
	return moved;
}

static void move_event(struct model_event *e, uint64_t ns, uint64_t time_ns)
{
	uint64_t moved = move(&e->pending_since_ns, ns, time_ns);

	e->stood_ns += moved;
	if (e->split)
		e->open->until_ns += moved;
	move(&e->running_since_ns, ns, time_ns);
	move(&e->running_signal_ns, ns, time_ns);
	move(&e->phase_ns, ns, time_ns);
}

static void move_vcpu(struct model_vcpu *v, uint64_t ns, uint64_t time_ns)
{
	for (size_t i = 0; i < v->event_count; i++)
		move_event(v->events[i], ns, time_ns);
	move(&v->masked_since_ns, ns, time_ns);
	move(&v->masked_from_ns, ns, time_ns);
	move(&v->free_ns, ns, time_ns);
}

static void move_vm(struct model_vm *vm, uint64_t ns, uint64_t time_ns)
{
	for (size_t i = 0; i < vm->vcpu_count; i++)
		if (!vm->vcpus[i]->gone)
			move_vcpu(vm->vcpus[i], ns, time_ns);
}

/* By how many ns its counter is farther behind. */
static int64_t fell_behind(const struct model_vm *vm, const struct sdei_record_counter *r)
{
	return vm->counter_hz == r->hz ? ns_of((int64_t)(r->offset - vm->counter), r->hz) : 0;
}

/* A VM whose guest has run since cannot have stood still for so long: its VMM has set its clock. */
static bool can_be(const struct model_vm *vm, int64_t ns, uint64_t time_ns)
{
	uint64_t ran_ns = migration_ran_ns(vm);

	return ns > 0 && ran_ns < time_ns && (uint64_t)ns <= time_ns - ran_ns;
}

static void goes_on(struct model_vm *vm, const struct sdei_record_counter *r, int64_t ns)
{
	bool first = !vm->stops || vm->counter_vcpu == r->head.vcpu;

	if (ns > 0 ? !can_be(vm, ns, r->head.time_ns) : first || 0 - (uint64_t)ns > vm->stood_ns)
		return;
	if (first) {
		vm->stops++;
		vm->counter_vcpu = r->head.vcpu;
	}
	if (ns > 0)
		move_vm(vm, ns, r->head.time_ns);
	vm->stood_ns += ns;
}

void standstill_take(struct model *m, const struct sdei_record_counter *r)
{
	struct model_vm *vm = model_vm(m, r->head.vm);

	if (!vm)
		return;
	if (r->head.origin == SDEI_COUNTER_SET && vm->restoring)
		move_vm(vm, UINT64_MAX, r->head.time_ns);	/* it has not run yet, whatever it was restored with */
	else if (r->head.origin == SDEI_COUNTER_SET && migration_has_begun(vm))
		goes_on(vm, r, fell_behind(vm, r));
	vm->counter = r->offset;
	vm->counter_hz = r->hz;
	if (r->head.origin == SDEI_COUNTER_RUNS)
		migration_runs(vm, r->head.vcpu, r->head.time_ns);
}

bool model_moved_ns(const struct model_vm *vm, uint64_t *ns)
{
	int64_t moved;

	*ns = 0;
	if (!vm->begin_hz || vm->begin_hz != vm->source_hz)
		return false;
	moved = ns_of((int64_t)(vm->begin_counter - vm->source_counter), vm->begin_hz);
	*ns = moved > 0 ? moved : 0;
	return moved >= 0;
}
