/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the threads of vCPUs go, with --sched: records of kind PLACE.
 *
 * Only those vCPUs are followed that have an event pending: a host with nothing
 * pending pays for a look at one counter on each switch, entry and exit, and for
 * noting who is current on each switch. So
 * where a thread is when its vCPU's event becomes pending is read from the
 * kernel's own state, and sent right after the signal.
 *
 * The scheduler and KVM's entry and exit name no vCPU, but the thread is
 * current; which thread that is KVM knows, too.
 */
#ifndef SDEI_PLACE_H
#define SDEI_PLACE_H

#include "emit.h"

const volatile bool sched;

/* Threads in `watched`, mostly none: then there is no need to look. */
volatile __u32 watching;

/* A vCPU that has events pending. Written under its SDEI lock, in which all its tracepoints are, and by the snapshot. */
struct waiting {
	__u64 events;	/* bits by event number, modulo 64 */
	__u32 thread;	/* that is watched for it; 0: none has ever run it */
	__u32 pad;
};

struct watched {
	__u64 key;	/* of the vCPU in `waiting` */
	__u32 vm, vcpu;
	__u64 moves;	/* seen since it is watched */
};

/* Sized by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);	/* address of the vCPU */
	__type(value, struct waiting);
} waiting SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);	/* thread */
	__type(value, struct watched);
} watched SEC(".maps");

static __always_inline struct sdei_record place_record(__u32 vm, __u32 vcpu, __u8 place)
{
	return (struct sdei_record) {
		.vm = vm, .vcpu = vcpu, .event = SDEI_NONE, .kind = SDEI_PLACE, .origin = place,
	};
}

/* The thread that runs the vCPU, 0: none yet. */
static __always_inline __u32 thread_of(struct kvm_vcpu *vcpu)
{
	struct pid *pid = BPF_CORE_READ(vcpu, pid);

	return pid ? BPF_CORE_READ(pid, numbers[0].nr) : 0;
}

/*
 * A thread that leaves its CPU is on it for a while after sched_switch has said that it leaves. But the next one is noted
 * already. (The run queue knows it, too, but for each program that names the run queues the kernel's verifier goes through
 * all of its BTF, twice, whether the program is for --sched or not.)
 */
static __always_inline bool is_current(struct task_struct *task)
{
	struct sdei_cpu *cpu;
	__u32 id;

	if (!bpf_core_field_exists(struct task_struct, thread_info.cpu))
		return true;
	id = BPF_CORE_READ(task, thread_info.cpu);
	cpu = bpf_map_lookup_elem(&counters, &id);
	return !cpu || !cpu->current_task || cpu->current_task == (__u64)task;
}

/* In one piece with a barrier: whoever is put among those watched after it was looked for there finds it noted. */
static __always_inline void note_current(struct task_struct *task)
{
	__u32 id = bpf_get_smp_processor_id();
	struct sdei_cpu *cpu = bpf_map_lookup_elem(&counters, &id);

	if (cpu)
		__sync_lock_test_and_set(&cpu->current_task, (__u64)task);
}

static __always_inline bool is_on_cpu(struct kvm_vcpu *vcpu)
{
	struct pid *pid = BPF_CORE_READ(vcpu, pid);
	char *link = (char *)BPF_CORE_READ(pid, tasks[0].first);
	struct task_struct *task;

	if (!link || !bpf_core_field_exists(struct task_struct, on_cpu))
		return false;	/* without SMP it is us who have the CPU */
	task = (void *)(link - bpf_core_field_offset(struct task_struct, pid_links));
	return BPF_CORE_READ(task, on_cpu) && is_current(task);
}

static __always_inline __u8 place_of(struct kvm_vcpu *vcpu, __u32 thread)
{
	if ((__u32)bpf_get_current_pid_tgid() == thread)
		return SDEI_IN_HOST;
	if (BPF_CORE_READ(vcpu, mode))
		return SDEI_IN_GUEST;
	return is_on_cpu(vcpu) ? SDEI_IN_HOST : SDEI_DESCHEDULED;
}

/* Where the vCPU, whose thread has just been put among those watched, is; 0: a move that came meanwhile has said it. */
static __always_inline __u8 first_place(struct kvm_vcpu *vcpu)
{
	__u32 thread = thread_of(vcpu);
	__u8 place = place_of(vcpu, thread);
	struct watched *entry = bpf_map_lookup_elem(&watched, &thread);

	return entry && !entry->moves ? place : 0;
}

static __always_inline void unwatch(__u64 key, __u32 thread)
{
	struct watched *entry = bpf_map_lookup_elem(&watched, &thread);

	if (entry && entry->key == key && !bpf_map_delete_elem(&watched, &thread))
		__sync_fetch_and_add(&watching, -1);
}

/* True if the thread is watched from now on. */
static __always_inline bool watch(__u64 key, __u32 thread, __u32 vm, __u32 vcpu)
{
	struct watched entry = { .key = key, .vm = vm, .vcpu = vcpu };

	/* Whether it is watched already may change under our hands: once more then. */
	for (int i = 0; i < 2; i++) {
		if (!bpf_map_update_elem(&watched, &thread, &entry, BPF_NOEXIST)) {
			__sync_fetch_and_add(&watching, 1);
			return true;
		}
		/* A thread that runs several vCPUs in turn is watched for the last one. */
		if (!bpf_map_update_elem(&watched, &thread, &entry, BPF_EXIST))
			return true;
	}
	return false;
}

/*
 * Events (bits) of the vCPU have become pending. True if its thread was not watched yet and is now, so that its place
 * is to be sent; *full if there was no room.
 */
static __always_inline bool begin_waiting(struct kvm_vcpu *vcpu, __u32 vm, __u32 id, __u64 events, bool *full)
{
	struct waiting *entry, fresh = { .events = events, .thread = thread_of(vcpu) };
	__u64 key = (__u64)vcpu;

	*full = false;
	entry = bpf_map_lookup_elem(&waiting, &key);
	if (!entry && bpf_map_update_elem(&waiting, &key, &fresh, BPF_NOEXIST)) {
		/* The snapshot and a signal may be at the same vCPU at once: the other one has put it there. */
		entry = bpf_map_lookup_elem(&waiting, &key);
		*full = !entry;
		if (!entry)
			return false;
	}
	if (entry) {
		__sync_fetch_and_or(&entry->events, events);
		if (entry->thread == fresh.thread)
			return false;
		unwatch(key, entry->thread);
		entry->thread = fresh.thread;
	}
	if (!fresh.thread)
		return false;
	*full = !watch(key, fresh.thread, vm, id);
	return !*full;
}

static __always_inline void stop_waiting(__u64 key, __u64 events)
{
	struct waiting *entry = bpf_map_lookup_elem(&waiting, &key);

	if (!entry)
		return;
	__sync_fetch_and_and(&entry->events, ~events);
	if (entry->events)
		return;
	unwatch(key, entry->thread);
	bpf_map_delete_elem(&waiting, &key);
}

/* A vCPU that cannot be followed for want of room shows as a lost record. */
static __always_inline void lose_place(struct sdei_record *record)
{
	__u32 id = bpf_get_smp_processor_id();
	struct sdei_cpu *cpu = bpf_map_lookup_elem(&counters, &id);

	if (!cpu)
		return;
	raise(&cpu->kinds[SDEI_PLACE].attempted, SDEI_PLACE);
	lose(cpu, record, SDEI_PLACE, 0, 0);
}

/* After every record of an event: its vCPU is followed as long as anything is pending. */
static __noinline int follow(struct kvm_vcpu *vcpu, struct sdei_record *record)
{
	__u64 event = 1ULL << (record->event & 63);
	struct sdei_record place;
	bool full;

	if (record->event == SDEI_NONE)
		return 0;
	if (!(record->state & SDEI_PENDING)) {
		stop_waiting((__u64)vcpu, event);
		return 0;
	}
	place = place_record(record->vm, record->vcpu, 0);
	if (begin_waiting(vcpu, record->vm, record->vcpu, event, &full)) {
		place.origin = first_place(vcpu);
		if (place.origin)
			send(&place, SDEI_PLACE, sizeof(place), 0, 0);
	} else if (full) {
		lose_place(&place);
	}
	return 0;
}

/* The thread is there now. */
static __always_inline void tell_place(__u32 thread, __u8 place)
{
	struct watched *entry = bpf_map_lookup_elem(&watched, &thread);
	struct sdei_record record;

	if (!entry)
		return;
	__sync_fetch_and_add(&entry->moves, 1);
	record = place_record(entry->vm, entry->vcpu, place);
	if (is_wanted(&record))
		send(&record, SDEI_PLACE, sizeof(record), 0, 0);
	else	/* its VM was denied meanwhile */
		unwatch(entry->key, thread);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(sched_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	note_current(next);
	if (!watching || !tracing)
		return 0;
	tell_place(FAR(prev, pid), SDEI_DESCHEDULED);
	tell_place(FAR(next, pid), SDEI_IN_HOST);
	return 0;
}

SEC("tp_btf/kvm_entry")
int kvm_entry(void *ctx)
{
	if (watching && tracing)
		tell_place(bpf_get_current_pid_tgid(), SDEI_IN_GUEST);
	return 0;
}

SEC("tp_btf/kvm_exit")
int kvm_exit(void *ctx)
{
	if (watching && tracing)
		tell_place(bpf_get_current_pid_tgid(), SDEI_IN_HOST);
	return 0;
}

#endif /* SDEI_PLACE_H */
