// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU that stops all others: it signals event 0 to each of them, and none completes. So does Linux, when it panics or restarts, with CPUs
 * that answer no interrupt. That is one finding about who did it, and no hung handler and long mask of each of them.
 *
 * Of two vCPUs one is all others. Whether it is stopped or just slow shows in its PE, which a CPU that is stopped masks.
 */
#include "model/inside.h"

#define STOP_EVENT 0	/* the only one that a vCPU can signal */
#define STOP_VCPUS_MAX 512	/* as many as KVM has on arm64: what a recording claims beyond is not worth a look at each of them */

/* What the vCPUs of a VM have to do with a stop. */
struct stop {
	uint32_t sender;	/* SDEI_NONE: nobody is stopped */
	uint64_t since_ns;	/* the first of its signals */
	uint64_t stopped, running, masked;	/* vCPUs that have it; of these, in their handlers; of these, masked there */
	const struct model_vcpu *free;	/* one that has not, and could */
	bool fresh;		/* one of them has not been seen stopped before */
	bool none;		/* it is no stop */
};

static struct model_event *event_of(const struct model_vcpu *v)
{
	return v->gone ? NULL : model_event(v, STOP_EVENT);
}

bool stop_has(const struct model_vcpu *v)
{
	const struct model_event *e = event_of(v);

	return e && e->stopped;
}

/* Since when what another vCPU has signalled waits, or runs, for certain; 0: nothing does. */
static uint64_t signalled_ns(const struct model *m, const struct model_event *e, uint32_t *sender)
{
	bool running = e->state & SDEI_RUNNING;
	uint64_t since_ns = running ? e->running_signal_ns : e->pending_since_ns;

	*sender = running ? e->running_sender : e->sender;
	if (*sender == SDEI_NONE || *sender == e->vcpu->id || !trusted(m, e->vcpu, since_ns))
		return 0;
	return since_ns;
}

static void add_stopped(struct stop *stop, const struct model_event *e, uint32_t sender, uint64_t since_ns)
{
	stop->none |= stop->stopped && stop->sender != sender;
	stop->sender = sender;
	stop->since_ns = stop->stopped && stop->since_ns < since_ns ? stop->since_ns : since_ns;
	stop->stopped++;
	stop->fresh |= !e->stopped;
	stop->running += !!(e->state & SDEI_RUNNING);
	stop->masked += e->state & SDEI_RUNNING && e->vcpu->masked;
}

/* A vCPU that has not registered the event is not up. */
static void add_vcpu(struct stop *stop, const struct model *m, const struct model_vcpu *v)
{
	const struct model_event *e = event_of(v);
	uint32_t sender;
	uint64_t since_ns = e ? signalled_ns(m, e, &sender) : 0;

	if (since_ns) {
		add_stopped(stop, e, sender, since_ns);
	} else if (e && e->state & SDEI_REGISTERED) {
		stop->none |= stop->free != NULL;
		stop->free = v;
	}
}

/* The vCPU that has stopped all others; NULL: there is none. */
static struct model_vcpu *find_stop(const struct model *m, const struct model_vm *vm, struct stop *stop)
{
	*stop = (struct stop) { .sender = SDEI_NONE };
	if (vm->vcpu_count > STOP_VCPUS_MAX)
		return NULL;
	for (size_t i = 0; i < vm->vcpu_count && !stop->none; i++)
		add_vcpu(stop, m, vm->vcpus[i]);
	if (stop->none || !stop->running || (stop->stopped == 1 && !stop->masked))
		return NULL;
	return !stop->free || stop->free->id == stop->sender ? model_vcpu(vm, stop->sender) : NULL;
}

static void mark(const struct model_vm *vm, bool stopped)
{
	for (size_t i = 0; i < vm->vcpu_count; i++) {
		struct model_event *e = event_of(vm->vcpus[i]);

		if (e)
			e->stopped = stopped;
	}
}

static void show(struct model_finding *f, const struct stop *stop, uint64_t now_ns)
{
	f->last_ns = now_ns > f->last_ns ? now_ns : f->last_ns;
	f->value = f->last_ns - f->first_ns;
	f->most = stop->stopped > f->most ? stop->stopped : f->most;
}

/* Has it lasted long enough? */
static void take(struct model *m, struct model_vcpu *by, const struct stop *stop, uint64_t now_ns, uint64_t grace_ns)
{
	struct finding_owner owner = { .vcpu = by };
	struct model_finding *f = finding_of(m, owner, FINDING_GUEST_STOP);

	if (now_ns < stop->since_ns || now_ns - stop->since_ns < m->limits.handler_ns + grace_ns)
		return;
	mark(by->vm, true);
	if (!f && stop->fresh)	/* else the one that did it has ended, and its finding with it */
		f = finding_raise(m, owner, FINDING_GUEST_STOP, stop->since_ns);
	if (f)
		show(f, stop, now_ns);
}

/* Those that are over. by NULL: all are. */
static void close_others(struct model *m, const struct model_vm *vm, const struct model_vcpu *by, uint64_t since_ns)
{
	for (size_t i = 0; i < vm->vcpu_count; i++) {
		struct finding_owner owner = { .vcpu = vm->vcpus[i] };
		const struct model_finding *f = finding_of(m, owner, FINDING_GUEST_STOP);

		if (owner.vcpu != by || (f && f->first_ns < since_ns))
			finding_close(m, owner, FINDING_GUEST_STOP);
	}
}

void stop_look(struct model *m, const struct model_vm *vm, uint64_t now_ns)
{
	struct stop stop;
	struct model_vcpu *by = find_stop(m, vm, &stop);

	if (by)
		take(m, by, &stop, now_ns, 0);
}

void stop_tick(struct model *m, const struct model_vm *vm, uint64_t now_ns, uint64_t grace_ns)
{
	struct stop stop;
	struct model_vcpu *by = find_stop(m, vm, &stop);

	close_others(m, vm, by, stop.since_ns);
	if (by)
		take(m, by, &stop, now_ns, grace_ns);
	else
		mark(vm, false);
}
