/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every vCPU there is, from the files that hold them, is like: its SDEI
 * state, where the kernel keeps one, as records of kind STATE, and on arm64
 * whether it is on, as one of kind POWER, and how far its counter is behind the
 * host's, as one of kind COUNTER. They do not go through a ring: user space
 * reads them from the iterator, so none is ever lost.
 *
 * A file of a vCPU is known by its name, which only KVM can give to an inode of
 * that file system: comparing f_op with kvm_vcpu_fops would need its address
 * from kallsyms, which needs CAP_SYSLOG and KALLSYMS_ALL.
 */
#ifndef SDEI_SNAPSHOT_H
#define SDEI_SNAPSHOT_H

#include "counter.h"
#include "place.h"

#define ANON_INODE_FS_MAGIC 0x09041934
#define VCPU_FILE "kvm-vcpu:"	/* followed by its id */
#define TRIES 16
#define MAX_EVENTS 64	/* as many as the bitmaps can hold */

/* vCPUs written already: a file may have several descriptors. Sized by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, __u8);
} told SEC(".maps");

struct snapshot {
	__u64 vcpu;		/* its address */
	__u64 time_ns;
	__u64 registered, enabled, running, pending;
	__u64 masked;
};

static __always_inline bool is_vcpu_file(struct file *file)
{
	char name[sizeof(VCPU_FILE) - 1] = "";
	const char expected[] = VCPU_FILE;

	if (BPF_CORE_READ(file, f_path.dentry, d_sb, s_magic) != ANON_INODE_FS_MAGIC)
		return false;
	bpf_probe_read_kernel(name, sizeof(name), BPF_CORE_READ(file, f_path.dentry, d_name.name));
	for (int i = 0; i < (int)sizeof(name); i++)
		if (name[i] != expected[i])
			return false;
	return true;
}

/* Kernels without the lock's word (!SMP, PREEMPT_RT): never. */
static __always_inline bool is_locked(struct kvm_vcpu *vcpu)
{
	if (!bpf_core_field_exists(vcpu->arch.sdei.lock.rlock.raw_lock.val.counter))
		return false;
	return BPF_CORE_READ(vcpu, arch.sdei.lock.rlock.raw_lock.val.counter);
}

static __always_inline void read_state(struct kvm_vcpu *vcpu, struct snapshot *state)
{
	state->registered = BPF_CORE_READ(vcpu, arch.sdei.registered);
	state->enabled = BPF_CORE_READ(vcpu, arch.sdei.enabled);
	state->running = BPF_CORE_READ(vcpu, arch.sdei.running);
	state->pending = BPF_CORE_READ(vcpu, arch.sdei.pending);
	state->masked = BPF_CORE_READ(vcpu, arch.sdei.masked);
}

static __always_inline bool is_same(const struct snapshot *a, const struct snapshot *b)
{
	return a->registered == b->registered && a->enabled == b->enabled && a->running == b->running &&
	       a->pending == b->pending && a->masked == b->masked;
}

/* 1: it held still, no other try. */
static long try_snapshot(__u32 try, struct snapshot *state)
{
	struct kvm_vcpu *vcpu = (void *)state->vcpu;
	struct snapshot after;
	bool locked = is_locked(vcpu);

	read_state(vcpu, state);
	state->time_ns = bpf_ktime_get_ns();
	read_state(vcpu, &after);
	return !locked && !is_locked(vcpu) && is_same(state, &after);
}

/*
 * Changes are traced under the lock that the state is changed under, but it cannot be taken here. The state that is the
 * same, and not locked, before and after the time is taken was that of this time: what changed it before has been
 * traced before, what will change it will be traced later. The time is that of the last try, if it never holds still.
 */
static __always_inline void take_snapshot(struct kvm_vcpu *vcpu, struct snapshot *state)
{
	state->vcpu = (__u64)vcpu;
	bpf_loop(TRIES, try_snapshot, state, 0);
}

static __always_inline __u8 state_of(const struct snapshot *state, __u32 event)
{
	return (state->registered >> event & 1) * SDEI_REGISTERED | (state->enabled >> event & 1) * SDEI_ENABLED |
	       (state->running >> event & 1) * SDEI_RUNNING | (state->pending >> event & 1) * SDEI_PENDING |
	       (state->masked & 1) * SDEI_MASKED;
}

/* The number of events this kernel knows. */
static __always_inline __u32 event_count(struct kvm_vcpu *vcpu)
{
	return bpf_core_field_size(vcpu->arch.sdei.handlers) / bpf_core_type_size(struct kvm_sdei_handler);
}

struct event_writer {
	struct seq_file *seq;
	struct snapshot *state;
	struct sdei_record_handler record;
	bool full;
};

/* 1: no room, no other event. */
static long write_event(__u32 event, struct event_writer *w)
{
	struct sdei_record_handler *record = &w->record;
	struct kvm_vcpu *vcpu = (void *)w->state->vcpu;
	struct kvm_sdei_handler *handler;

	record->head.event = event;
	record->head.state = state_of(w->state, event);
	if (!is_wanted(&record->head))
		return 0;
	handler = (void *)((char *)&vcpu->arch.sdei.handlers[0] + event * bpf_core_type_size(struct kvm_sdei_handler));
	record->ep_addr = BPF_CORE_READ(handler, ep_addr);
	record->ep_arg = BPF_CORE_READ(handler, ep_arg);
	w->full = bpf_seq_write(w->seq, record, sizeof(*record)) != 0;
	return w->full;
}

static __always_inline bool write_events(struct seq_file *seq, struct kvm_vcpu *vcpu, __u32 vm, __u32 id, struct snapshot *state)
{
	struct event_writer w = {
		.seq = seq, .state = state,
		.record.head = { .time_ns = state->time_ns, .vm = vm, .vcpu = id, .kind = SDEI_STATE, .origin = SDEI_SNAPSHOT },
	};
	__u32 count = event_count(vcpu);

	bpf_loop(count < MAX_EVENTS ? count : MAX_EVENTS, write_event, &w, 0);
	return !w.full;
}

/* Whoever dispatches what is pending between the two looks finds the vCPU waiting, or we find nothing pending. */
static __always_inline bool write_place(struct seq_file *seq, struct kvm_vcpu *vcpu, __u32 vm, __u32 id, __u64 pending)
{
	struct sdei_record record = place_record(vm, id, 0);
	__u64 gone;
	bool full;

	if (!begin_waiting(vcpu, vm, id, pending, &full))
		return true;
	gone = pending & ~BPF_CORE_READ(vcpu, arch.sdei.pending);
	if (gone)
		stop_waiting((__u64)vcpu, gone);
	record.origin = first_place(vcpu);
	record.time_ns = bpf_ktime_get_ns();
	if (!record.origin || !bpf_seq_write(seq, &record, sizeof(record)))
		return true;
	stop_waiting((__u64)vcpu, ~0ULL);	/* to begin again with the next try */
	return false;
}

static __always_inline __u8 power_of(struct kvm_vcpu *vcpu)
{
	switch (BPF_CORE_READ(vcpu, arch.mp_state.mp_state)) {
	case MP_STATE_STOPPED:
		return SDEI_POWER_OFF;
	case MP_STATE_SUSPENDED:
		return SDEI_POWER_SUSPENDED;
	default:
		return SDEI_POWER_ON;
	}
}

/* It is looked at after the time is taken: a call that turns the vCPU on or off later than that has its own record, which is newer. */
static __always_inline bool write_power(struct seq_file *seq, struct kvm_vcpu *vcpu, __u32 vm, __u32 id)
{
	struct sdei_record record = {
		.time_ns = bpf_ktime_get_ns(), .vm = vm, .vcpu = id, .event = SDEI_NONE, .kind = SDEI_POWER,
	};

	if (!bpf_core_field_exists(vcpu->arch.mp_state.mp_state) || !is_wanted(&record))
		return true;
	record.origin = power_of(vcpu);
	return !bpf_seq_write(seq, &record, sizeof(record));
}

static __always_inline bool write_counter(struct seq_file *seq, struct kvm_vcpu *vcpu, __u32 vm, __u32 id)
{
	struct sdei_record_counter record = {
		.head = {
			.time_ns = bpf_ktime_get_ns(), .vm = vm, .vcpu = id, .event = SDEI_NONE, .kind = SDEI_COUNTER,
			.origin = SDEI_COUNTER_FOUND,
		},
		.hz = counter_hz,
	};

	if (!has_counter() || !is_wanted(&record.head))
		return true;
	record.offset = counter_offset(vcpu);
	return !bpf_seq_write(seq, &record, sizeof(record));
}

static __always_inline bool write_sdei(struct seq_file *seq, struct kvm_vcpu *vcpu, __u32 vm, __u32 id)
{
	struct snapshot state = {};

	take_snapshot(vcpu, &state);
	if (!write_events(seq, vcpu, vm, id, &state))
		return false;
	return !sched || !state.pending || write_place(seq, vcpu, vm, id, state.pending);
}

/* False: no room in the buffer; the kernel will come again with this file. */
static __always_inline bool write_vcpu(struct seq_file *seq, struct kvm_vcpu *vcpu, bool has_sdei)
{
	__u32 vm = BPF_CORE_READ(vcpu, kvm, userspace_pid), id = BPF_CORE_READ(vcpu, vcpu_id);

	if (has_sdei && bpf_core_field_exists(vcpu->arch.sdei.announced) && !BPF_CORE_READ(vcpu, arch.sdei.announced))
		return true;	/* it will be reported as created */
	if (!write_power(seq, vcpu, vm, id) || !write_counter(seq, vcpu, vm, id))
		return false;
	return !has_sdei || write_sdei(seq, vcpu, vm, id);
}

static __always_inline int look_at_file(struct bpf_iter__task_file *ctx, bool has_sdei)
{
	struct file *file = ctx->file;
	const __u8 yes = 1;
	__u64 vcpu;

	if (!file || !is_vcpu_file(file))
		return 0;
	vcpu = (__u64)BPF_CORE_READ(file, private_data);
	if (bpf_map_lookup_elem(&told, &vcpu) || !write_vcpu(ctx->meta->seq, (void *)vcpu, has_sdei))
		return 0;
	bpf_map_update_elem(&told, &vcpu, &yes, BPF_ANY);
	return 0;
}

SEC("iter/task_file")
int kvm_sdei_snapshot(struct bpf_iter__task_file *ctx)
{
	return look_at_file(ctx, true);
}

/* The same where KVM keeps no SDEI state: the verifier of Linux 6.1 takes no loop with code in it that is never reached. */
SEC("iter/task_file")
int kvm_power_snapshot(struct bpf_iter__task_file *ctx)
{
	return look_at_file(ctx, false);
}

#endif /* SDEI_SNAPSHOT_H */
