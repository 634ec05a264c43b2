// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a VM's SDEI state came from, and whether it came whole.
 *
 * A vCPU has begun with its first record that no VMM made. What a VMM writes (STATE restored) before any vCPU of the VM has begun is a
 * restore; later it is what a VMM has read and writes back, which changes nothing, unless it undoes what came in between.
 *
 * The states with which vCPUs begin and end are kept, so that those of two processes can be compared when it is known that they are
 * one guest: restore-lost.
 */
#include "model/inside.h"

#include <string.h>

#include "model/guest_index.h"
#include "model/migration.h"

#define KNOWN 0x80U			/* in a kept state */
#define ALL_BITS (SDEI_REGISTERED | SDEI_ENABLED | SDEI_RUNNING | SDEI_PENDING)
#define QUIET_NS SECOND_NS		/* a VM that has been restored, but does not run: nothing more is written */
#define SEEK_NS (3 * SECOND_NS)		/* names may come as late */
#define NEVER UINT64_MAX		/* its first record says nothing: it was reset first */

/* --- what is kept of a vCPU */

static uint64_t last_ran_ns(const struct model_vcpu *v)
{
	return v->last_ns == v->outside_ns ? v->ran_ns : v->last_ns;
}

bool migration_has_begun(const struct model_vm *vm)
{
	for (size_t i = 0; i < vm->vcpu_count; i++)
		if (vm->vcpus[i]->begun && !vm->vcpus[i]->gone)
			return true;
	return false;
}

static unsigned int kept_state(const struct model_event *e)
{
	const struct model_vcpu *v = e->vcpu;

	if (!(e->seen || e->sketched) || !v->mask_known)
		return 0;
	return KNOWN | (e->state & ALL_BITS) | (v->masked ? SDEI_MASKED : 0);
}

static void keep_begin(struct model_vcpu *v)
{
	for (size_t i = 0; i < v->event_count; i++)
		v->events[i]->begin_state = kept_state(v->events[i]);
}

static void begin(struct model_vcpu *v, uint64_t time_ns)
{
	struct model_vm *vm = v->vm;

	keep_begin(v);
	v->begun = true;
	if (vm->restoring) {
		vm->begin_counter = vm->counter;
		vm->begin_hz = vm->counter_hz;
	}
	vm->restoring = false;
	if (vm->restored_ns && !v->first_ns)
		v->first_ns = time_ns;
}

void migration_runs(struct model_vm *vm, uint32_t vcpu, uint64_t time_ns)
{
	struct model_vcpu *v = model_vcpu(vm, vcpu);

	if (v && !v->begun && !v->gone && v->last_ns && time_ns >= v->last_ns)
		begin(v, time_ns);
}

/* The state of the VM that runs in this process is replaced, or it is the first that it has. */
static void begin_restore(struct model_vm *vm)
{
	vm->restoring = true;
	vm->sought = false;
	vm->from_pid = vm->from_instance = 0;
	vm->source_hz = vm->begin_hz = 0;
	for (size_t i = 0; i < vm->vcpu_count; i++) {
		struct model_vcpu *v = vm->vcpus[i];

		v->first_ns = 0;
		v->source_ns = last_ran_ns(v);
		if (!v->source_ns)
			continue;
		vm->sought = true;
		vm->from_pid = vm->pid;
		vm->from_instance = vm->instance;
	}
}

static void take_restored(struct model *m, struct model_event *e, const struct sdei_record *r)
{
	struct model_vm *vm = e->vcpu->vm;

	if (migration_has_begun(vm)) {
		if (r->outcome & SDEI_PENDING)
			finding_suspect(m, (struct finding_owner){ .vcpu = e->vcpu, .event = e }, FINDING_RESTORE_LOST, r, RULE_NONE);
		return;
	}
	if (!vm->restoring)
		begin_restore(vm);
	vm->restored_ns = r->time_ns;
}

/* As one that is new: what it does next it does not go on with. */
static void take_reset(struct model_vcpu *v)
{
	v->begun = false;
	if (v->vm->restored_ns && !v->vm->restoring && !v->first_ns)
		v->first_ns = NEVER;
}

void migration_look(struct model *m, struct model_vcpu *v, struct model_event *e, const struct sdei_record *r)
{
	if (!migration_is_outside(r)) {
		begin(v, r->time_ns);
		return;
	}
	v->ran_ns = last_ran_ns(v);
	v->outside_ns = v->last_ns = r->time_ns;
	if (r->kind == SDEI_RESET)
		take_reset(v);
	if (r->kind != SDEI_STATE || !e)
		return;
	if (r->origin == SDEI_RESTORED)
		take_restored(m, e, r);
	else if (r->origin == SDEI_DESTROYED)
		e->end_state = KNOWN | ((r->state | r->outcome) & (ALL_BITS | SDEI_MASKED));
}

void migration_renew(struct model_vcpu *v)
{
	v->begun = false;
	v->ran_ns = v->first_ns = v->source_ns = 0;
	v->outside_ns = v->last_ns;
	for (size_t i = 0; i < v->event_count; i++)
		v->events[i]->begin_state = v->events[i]->end_state = 0;
}

/* --- the VM that it was */

uint64_t migration_ran_ns(const struct model_vm *vm)
{
	uint64_t newest = 0;

	for (size_t i = 0; i < vm->vcpu_count; i++) {
		uint64_t ran_ns = last_ran_ns(vm->vcpus[i]);

		newest = ran_ns > newest ? ran_ns : newest;
	}
	return newest;
}

/* One that has done nothing since somebody looks is one, too. */
static uint64_t lived_ns(const struct model_vm *vm)
{
	uint64_t newest = migration_ran_ns(vm);

	for (size_t i = 0; !newest && i < vm->vcpu_count; i++)
		newest = vm->vcpus[i]->first_seen_ns;
	return newest;
}

/* Handlers of another guest are elsewhere, or of the same kernel by chance in the same place. */
static bool has_same_handlers(const struct model_vcpu *v, const struct model_vcpu *other)
{
	for (size_t i = 0; i < v->event_count; i++) {
		const struct model_event *e = model_event(other, v->events[i]->event);

		if (e && e->ep_addr && v->events[i]->ep_addr && e->ep_addr != v->events[i]->ep_addr)
			return false;
	}
	return true;
}

static bool is_same_guest(struct model_guest a, struct model_guest b)
{
	if (a.uuid && b.uuid)
		return !strcmp(a.uuid, b.uuid);
	return a.name && b.name && !strcmp(a.name, b.name);
}

static bool may_be(const struct model *m, const struct model_vm *vm, const struct model_vm *other)
{
	if (other == vm || vm->vcpu_count != other->vcpu_count)
		return false;
	for (size_t i = 0; i < vm->vcpu_count; i++)
		if (vm->vcpus[i]->id != other->vcpus[i]->id || !has_same_handlers(vm->vcpus[i], other->vcpus[i]))
			return false;
	return is_same_guest(m->options.guest(vm->user), m->options.guest(other->user));
}

struct candidate {
	uint64_t ran_ns;	/* 0: there is none */
	size_t vm;		/* number of the VM */
};

/* Who ran last is more likely the source; of those that ran as long the first one. */
static bool is_likelier(const struct candidate *c, uint64_t ran_ns, size_t vm)
{
	return ran_ns > c->ran_ns || (ran_ns == c->ran_ns && vm < c->vm);
}

/* Among those whose guest has that name or UUID. */
static void look_among(const struct model *m, const struct model_vm *vm, const char *word, struct candidate *best)
{
	size_t count;
	const struct guest_word *among = guest_index_find(&m->guests, word, &count);

	for (size_t i = 0; i < count; i++) {
		const struct model_vm *other = m->vms[among[i].vm];
		uint64_t ran_ns = lived_ns(other);

		if (ran_ns <= vm->restored_ns && is_likelier(best, ran_ns, among[i].vm) && may_be(m, vm, other))
			*best = (struct candidate){ ran_ns, among[i].vm };
	}
}

static const struct model_vm *find_source(struct model *m, const struct model_vm *vm)
{
	struct candidate best = { 0 };
	struct model_guest guest;

	if (!m->options.guest || !vm->user)
		return NULL;
	guest = m->options.guest(vm->user);
	guest_index_make(m);
	look_among(m, vm, guest.name, &best);
	look_among(m, vm, guest.uuid, &best);
	return best.ran_ns ? m->vms[best.vm] : NULL;
}

/* --- what was lost on the way */

static unsigned int end_state(const struct model_event *e)
{
	return e->vcpu->gone ? e->end_state : kept_state(e);
}

static unsigned int begin_state(const struct model_event *e)
{
	return e->vcpu->begun || e->vcpu->gone ? e->begin_state : kept_state(e);
}

static void raise_lost(struct model *m, struct finding_owner owner, unsigned int before, unsigned int after)
{
	struct model_finding *f = finding_raise(m, owner, FINDING_RESTORE_LOST, owner.vcpu->vm->restored_ns);

	if (!f)
		return;
	f->state_before = before;
	f->state_after = after;
}

static void compare_vcpu(struct model *m, struct model_vcpu *v, const struct model_vcpu *source)
{
	bool masks = false;

	for (size_t i = 0; i < v->event_count; i++) {
		struct model_event *e = v->events[i];
		const struct model_event *was = model_event(source, e->event);
		unsigned int before = was ? end_state(was) : 0, after = begin_state(e);

		if (!(before & after & KNOWN))
			continue;
		if ((before ^ after) & ALL_BITS)
			raise_lost(m, (struct finding_owner){ .vcpu = v, .event = e }, before & ALL_BITS, after & ALL_BITS);
		if (masks || !((before ^ after) & SDEI_MASKED))
			continue;
		masks = true;
		raise_lost(m, (struct finding_owner){ .vcpu = v }, before & SDEI_MASKED, after & SDEI_MASKED);
	}
}

/* The state of one that had ended before is not its last one, perhaps, but one that was saved before. */
static bool is_live(const struct model_vm *vm, const struct model_vm *source)
{
	return !source->gone || source->gone_ns >= vm->restored_ns;
}

static void join(struct model *m, struct model_vm *vm, const struct model_vm *source)
{
	bool live = is_live(vm, source);

	vm->from_pid = source->pid;
	vm->from_instance = source->instance;
	vm->source_counter = source->counter;
	vm->source_hz = source->counter_hz;
	for (size_t i = 0; i < vm->vcpu_count; i++) {
		struct model_vcpu *v = vm->vcpus[i];
		const struct model_vcpu *was = source->vcpus[i];

		v->source_ns = was->off ? 0 : last_ran_ns(was);
		if (live && trusted(m, v, vm->restored_ns) && trusted(m, was, was->last_ns))
			compare_vcpu(m, v, was);
	}
}

void migration_tick(struct model *m, struct model_vm *vm, uint64_t now_ns, uint64_t grace_ns)
{
	const struct model_vm *source;

	if (likely(!vm->restored_ns || vm->sought) || now_ns < vm->restored_ns + grace_ns)
		return;
	if (vm->restoring && grace_ns && now_ns < vm->restored_ns + QUIET_NS)
		return;
	source = find_source(m, vm);
	if (source)
		join(m, vm, source);
	vm->sought = source || !grace_ns || now_ns >= vm->restored_ns + SEEK_NS;
}

/* --- what came of it */

enum model_came model_came(const struct model_vm *vm)
{
	if (!vm->restored_ns)
		return CAME_NEW;
	if (!vm->from_pid)
		return CAME_RESTORED;
	return vm->from_pid == vm->pid && vm->from_instance == vm->instance ? CAME_IN_PLACE : CAME_FROM_VM;
}

static const struct model_vm *vm_before(const struct model *m, const struct model_vm *vm)
{
	for (size_t i = 0; model_came(vm) == CAME_FROM_VM && i < m->vm_count; i++)
		if (m->vms[i]->pid == vm->from_pid && m->vms[i]->instance == vm->from_instance)
			return m->vms[i];
	return NULL;
}

/* An image that was tampered with may go round. */
const struct model_vm *model_first_vm(const struct model *m, const struct model_vm *vm)
{
	const struct model_vm *before = vm;

	for (size_t moves = 0; before && moves < m->vm_count; moves++) {
		vm = before;
		before = vm_before(m, vm);
	}
	return vm;
}

bool model_blackout(const struct model_vcpu *vcpu, struct model_blackout *blackout)
{
	*blackout = (struct model_blackout){ .last_ns = vcpu->source_ns, .first_ns = vcpu->first_ns };
	return blackout->last_ns && blackout->first_ns != NEVER && blackout->first_ns > blackout->last_ns;
}

const struct model_vcpu *model_longest_blackout(const struct model_vm *vm, struct model_blackout *blackout)
{
	const struct model_vcpu *longest = NULL;

	*blackout = (struct model_blackout){ 0 };
	for (size_t i = 0; i < vm->vcpu_count; i++) {
		struct model_blackout b;

		if (!model_blackout(vm->vcpus[i], &b) || b.first_ns - b.last_ns <= blackout->first_ns - blackout->last_ns)
			continue;
		longest = vm->vcpus[i];
		*blackout = b;
	}
	return longest;
}
