// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which VM and vCPU a record is about: pids and vCPU ids are used again.
 *
 * - A vCPU is gone with the first STATE destroyed; those of its other events
 *   still count and never bring it back. A VM whose vCPUs are all gone is gone.
 *   Where there is no SDEI, a step of kind APF says the same.
 * - Anything but these that is newer than the end of a gone VM is a
 *   new VM with its pid: the next instance. It usually is STATE created.
 * - But one that was never used and is followed at once (QEMU asks a scratch VM what KVM can do, and then makes its own)
 *   is no VM of its own: what comes then is the same VM.
 * - The same for a gone vCPU of a living VM: the vCPU lives again.
 * - STATE created of an event that this life has shown already: the vCPU was
 *   destroyed unseen. It is a new life of the same vCPU in the same VM (the
 *   other reason, two VMs of one process at a time, cannot be distinguished).
 *   What was open is abandoned; it counts when its end is reported lost.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/inside.h"
#include "util/array.h"

/* --- VMs */

struct model_vm *life_make_vm(struct model *m, uint32_t pid)
{
	struct model_vm *vm;

	if (ARRAY_ROOM(m->vms, m->vm_room, m->vm_count, 16) || guest_index_room(&m->guests, m->vm_count + 1))
		return NULL;
	vm = calloc(1, sizeof(*vm));
	if (!vm || idmap_put(&m->by_pid, pid, vm)) {
		free(vm);
		return NULL;
	}
	vm->pid = pid;
	m->vms[m->vm_count++] = vm;
	return vm;
}

static struct model_vm *vm_add(struct model *m, uint32_t pid, const struct model_vm *before)
{
	struct model_vm *vm = life_make_vm(m, pid);

	if (!vm)
		return NULL;
	vm->instance = before ? before->instance + 1 : 0;
	m->totals.vms++;
	gic_claim(m, vm);
	return vm;
}

struct model_vm *model_vm(const struct model *m, uint32_t pid)
{
	struct model_vm *vm = idmap_find(&m->by_pid, pid);

	return vm && !vm->gone ? vm : NULL;
}

/* No call, no signal, no handler. */
static bool is_unused(const struct model_vcpu *v)
{
	static const struct model_counts none;

	for (size_t i = 0; i < v->event_count; i++) {
		const struct model_event *e = v->events[i];

		if (memcmp(&e->count, &none, sizeof(none)) || e->registered_ns)
			return false;
	}
	return !v->calls && !v->mask_calls && !v->unmask_calls && !v->lost && !v->apf && !v->power;
}

/* No process can have got the pid of another one so soon. */
#define SCRATCH_NS SECOND_NS

static bool is_scratch(const struct model_vm *vm, const struct sdei_record *r)
{
	if (!is_state(r, SDEI_CREATED) || r->time_ns - vm->gone_ns > SCRATCH_NS)
		return false;
	for (size_t i = 0; i < vm->vcpu_count; i++)
		if (!is_unused(vm->vcpus[i]))
			return false;
	return true;
}

/* The VM that a record belongs to, a new instance if it must be. */
static struct model_vm *vm_of(struct model *m, const struct sdei_record *r)
{
	struct model_vm *vm = idmap_find(&m->by_pid, r->vm);

	if (vm && (!vm->gone || is_end(r) || r->time_ns <= vm->gone_ns))
		return vm;
	if (!vm || !is_scratch(vm, r))
		return vm_add(m, r->vm, vm);
	vm->gone = false;
	vm->gone_ns = 0;
	m->totals.vms++;
	return vm;
}

/* --- vCPUs */

/* Index of the first vCPU whose id is not below. */
static size_t lower_bound(const struct model_vm *vm, uint32_t id)
{
	return ARRAY_LOWER_BOUND(vm->vcpu_count, i, vm->vcpus[i]->id < id);
}

struct model_vcpu *model_vcpu(const struct model_vm *vm, uint32_t id)
{
	size_t at = lower_bound(vm, id);

	return at < vm->vcpu_count && vm->vcpus[at]->id == id ? vm->vcpus[at] : NULL;
}

void life_set_living(struct model *m, struct model_vcpu *v)
{
	v->gone = false;
	v->gone_ns = 0;
	v->vm->living++;
	m->totals.vcpus++;
}

struct model_vcpu *life_make_vcpu(struct model *m, struct model_vm *vm, uint32_t id)
{
	size_t size = (sizeof(struct model_vcpu) + 63) / 64 * 64;
	struct model_vcpu *v;

	if (vm->vcpu_count == MODEL_VCPUS_MAX || ARRAY_ROOM_BY_COUNT(vm->vcpus, vm->vcpu_count))
		return NULL;
	v = aligned_alloc(64, size);
	if (!v || idmap_put(&m->vcpus, vcpu_key(vm->pid, id), v)) {
		free(v);
		return NULL;
	}
	memset(v, 0, size);
	v->vm = vm;
	v->id = id;
	size = lower_bound(vm, id);
	memmove(vm->vcpus + size + 1, vm->vcpus + size, (vm->vcpu_count - size) * sizeof(v));
	vm->vcpus[size] = v;
	vm->vcpu_count++;
	return v;
}

int life_no_vcpu(const struct model *m, uint32_t pid)
{
	const struct model_vm *vm = idmap_find(&m->by_pid, pid);

	return vm && vm->vcpu_count == MODEL_VCPUS_MAX ? -E2BIG : -ENOMEM;
}

/* A vCPU of a VM that is gone already is gone, too: it was not seen before its end. */
static struct model_vcpu *vcpu_add(struct model *m, struct model_vm *vm, uint32_t id)
{
	struct model_vcpu *v = vm ? life_make_vcpu(m, vm, id) : NULL;

	if (!v)
		return NULL;
	v->gone = vm->gone;
	v->gone_ns = vm->gone_ns;
	if (!v->gone)
		life_set_living(m, v);
	return v;
}

/* A new life in the same VM. */
static void renew(struct model_vcpu *v)
{
	for (size_t i = 0; i < v->event_count; i++)
		event_renew(v->events[i]);
	mask_forget(v, v->last_ns);
	v->doomed = false;
	v->running = NULL;
	v->place = 0;
	v->free_ns = v->handlers_ns = 0;
	migration_renew(v);
	power_renew(v);
	if (v->apf)
		apf_renew(v->apf);
}

/*
 * Its end was not seen. If nothing was lost, two VMs of one process share the name, and
 * what one does looks wrong for the other: nothing it shows is trusted. Each event may report it yet, or has done so: life_end_lost().
 */
static void renew_living(struct model *m, struct model_vcpu *v)
{
	finding_distrust(m, v);
	finding_close_all(m, v);
	if (!m->ever_lost)
		v->trust_ns = UINT64_MAX;
	for (size_t i = 0; i < v->event_count; i++)
		v->events[i]->missed_ends++;
	v->inexact = true;
	renew(v);
}

static struct model_vcpu *renew_gone(struct model *m, struct model_vcpu *v, const struct sdei_record *r)
{
	struct model_vm *vm = vm_of(m, r);

	if (!vm || vm != v->vm)
		return vcpu_add(m, vm, r->vcpu);
	if (vm->gone)	/* and r is older than its end */
		return v;
	for (size_t i = 0; i < v->event_count; i++)
		v->events[i]->missed_ends = 0;
	renew(v);
	life_set_living(m, v);
	return v;
}

struct model_vcpu *life_vcpu(struct model *m, struct model_vcpu *v, const struct sdei_record *r)
{
	const struct model_event *e;

	if (!v)
		return vcpu_add(m, vm_of(m, r), r->vcpu);
	if (v->gone)
		return is_end(r) || r->time_ns <= v->gone_ns ? v : renew_gone(m, v, r);
	if (!is_state(r, SDEI_CREATED) || r->time_ns < v->last_ns)
		return v;
	e = model_event(v, r->event);
	if (e && e->born)
		renew_living(m, v);
	return v;
}

struct model_vcpu *life_vcpu_seen(struct model *m, const struct sdei_record *r, int *err)
{
	struct model_vcpu *v = life_find(m, r->vm, r->vcpu);
	struct model_vm *vm = idmap_find(&m->by_pid, r->vm);

	*err = 0;
	if (v || (vm && vm->gone))
		return v && !v->gone ? v : NULL;
	v = vcpu_add(m, vm ? vm : vm_add(m, r->vm, NULL), r->vcpu);
	*err = v ? 0 : life_no_vcpu(m, r->vm);
	return v;
}

/* It is late, so a vCPU that is gone stays so; it creates only what nothing is known of. */
struct model_vcpu *life_vcpu_lost(struct model *m, const struct sdei_lost_key *key)
{
	struct model_vcpu *v = life_find(m, key->vm, key->vcpu);
	struct model_vm *vm;

	if (v)
		return v;
	vm = idmap_find(&m->by_pid, key->vm);
	return vcpu_add(m, vm ? vm : vm_add(m, key->vm, NULL), key->vcpu);
}

/* --- ends */

void life_end(struct model *m, struct model_vcpu *v, uint64_t time_ns)
{
	struct model_vm *vm = v->vm;

	mask_forget(v, time_ns);
	finding_close_all(m, v);
	if (v->apf)
		apf_end(v->apf);
	power_renew(v);
	v->doomed = false;
	v->gone = true;
	v->gone_ns = time_ns;
	m->totals.vcpus--;
	if (--vm->living)
		return;
	gic_end(m, vm->pid);
	vm->gone = true;
	vm->gone_ns = time_ns;
	m->totals.vms--;
}

/*
 * A report comes later than what it reports, and may come before records that are
 * older still. So each event keeps a balance, missed_ends: new lives without an
 * end before them, less ends reported lost. Below zero the vCPU has ended for all
 * that is known, and is gone once it is quiet for an interval.
 */
void life_end_lost(struct model_event *e, uint64_t count)
{
	if (e->vcpu->gone)
		return;
	e->missed_ends -= (int64_t)count;
	if (e->missed_ends < 0)
		e->vcpu->doomed = true;
}

uint64_t life_newest_ns(const struct model_vcpu *v)
{
	return v->apf && v->apf->last_ns > v->last_ns ? v->apf->last_ns : v->last_ns;
}

void life_tick(struct model *m, struct model_vcpu *v)
{
	uint64_t last_ns = life_newest_ns(v);
	bool quiet = last_ns == v->mark_last_ns;

	v->mark_last_ns = last_ns;
	if (likely(!v->doomed) || !quiet)
		return;
	for (size_t i = 0; i < v->event_count; i++)
		event_renew(v->events[i]);
	life_end(m, v, last_ns);
}

/* --- memory */

static void vcpu_free(struct model *m, struct model_vcpu *v)
{
	idmap_remove(&m->vcpus, vcpu_key(v->vm->pid, v->id), v);
	finding_orphan(m, (struct finding_owner){ .vcpu = v });
	keep_free_vcpu(v);
	free(v->refused);
	senders_free(v->senders);
	for (size_t i = 0; i < v->event_count; i++)
		event_free(v->events[i]);
	hist_free(v->mask);
	hist_free(v->initial_mask);
	apf_free(v->apf);
	free(v->events);
	free(v->power);
	call_reset(v);
	free(v);
}

void life_free_vm(struct model *m, struct model_vm *vm)
{
	for (size_t i = 0; i < vm->vcpu_count; i++)
		vcpu_free(m, vm->vcpus[i]);
	idmap_remove(&m->by_pid, vm->pid, vm);
	if (vm->user && m->options.free_user)
		m->options.free_user(vm->user);
	apf_free_vm(m, vm);
	free(vm->vcpus);
	free(vm);
}

/* VMs keep their order. */
void model_expire(struct model *m, uint64_t before_ns)
{
	size_t kept = 0;

	gic_expire(m, before_ns);
	for (size_t i = 0; i < m->vm_count; i++) {
		struct model_vm *vm = m->vms[i];

		if (vm->gone && vm->gone_ns < before_ns)
			life_free_vm(m, vm);
		else
			m->vms[kept++] = vm;
	}
	m->vm_count = kept;
}
