/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one way from a tracepoint's arguments to a record in the ring of this CPU:
 * filter (is_wanted()), count, take the time, reserve, commit. Everything is
 * inlined into the programs; only a loss leaves the line.
 *
 * Order matters to the reader: attempted is raised before the time is taken, so
 * a CPU whose attempts are all read or lost has nothing older under way.
 */
#ifndef SDEI_EMIT_H
#define SDEI_EMIT_H

#include "cpu.h"
#include "kvm.h"
#include "ring.h"

#define WAKEUP_NS 200000	/* least time between two wakeups by one CPU */

/* Set between open and load; an unused filter is compiled out by the verifier. */
const volatile __u32 record_abi = SDEI_RECORD_ABI;
const volatile bool filter_vms, filter_denied, filter_vcpus, filter_events;
const volatile __u64 ring_bytes = 4096;
const volatile __u64 wakeup_bytes = ~0ULL;	/* fill of a ring at which the reader is woken */

/*
 * The programs are attached and detached one after the other, but tracing starts and ends at once, with this: so what a
 * vCPU did is seen from one point on and up to one point, never a COMPLETE whose DISPATCH had no program any more.
 */
volatile bool tracing;

/* Set by the reader when nothing has come for long: it has no timer then, and what comes first wakes it. */
volatile bool reader_sleeps;

/* A ring per CPU, because a shared one does not scale: an array of one struct sdei_ring each. Filled by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} rings SEC(".maps");

/* Wakes the reader, who can wait for this. What is in it says nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);	/* of the page size everywhere */
} wakeups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sdei_cpu);
} counters SEC(".maps");

struct lost {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct sdei_lost_key);
	__type(value, __u64);
};

/*
 * Two, so that what was lost long ago takes no room for ever: user space lets the programs count in the other one, waits until
 * none counts in this one any more, and empties it.
 */
struct lost lost_0 SEC(".maps");
struct lost lost_1 SEC(".maps");
volatile __u32 lost_in;	/* which one is counted in */

/* Sized by user space. */
struct set {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8);
};

struct set vms SEC(".maps");
struct set vcpus SEC(".maps");
struct set events SEC(".maps");
struct set denied SEC(".maps");	/* VMs that user space was asked about and does not want */

/* A new vCPU may belong to another VM with a denied VM's pid: user space must see it. */
static __always_inline bool is_created(const struct sdei_record *record)
{
	return record->kind == SDEI_STATE && record->origin == SDEI_CREATED;
}

/* Records about the PE as a whole (no event) pass every choice of events: its mask holds up each of them. */
static __always_inline bool is_wanted(const struct sdei_record *record)
{
	__u32 vm = record->vm, vcpu = record->vcpu, event = record->event;

	if (filter_vms && !bpf_map_lookup_elem(&vms, &vm))
		return false;
	if (filter_vcpus && !bpf_map_lookup_elem(&vcpus, &vcpu))
		return false;
	if (filter_events && event != SDEI_NONE && !bpf_map_lookup_elem(&events, &event))
		return false;
	return !filter_denied || is_created(record) || !bpf_map_lookup_elem(&denied, &vm);
}

/* The count of key, NULL when there is no room for it. */
static __always_inline __u64 *lost_count(void *lost, const struct sdei_lost_key *key)
{
	__u64 *count = bpf_map_lookup_elem(lost, key), none = 0;

	if (count)
		return count;
	/* It may fail because another CPU was faster: then the key is there. */
	bpf_map_update_elem(lost, key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(lost, key);
}

static __always_inline void wake(struct sdei_cpu *cpu, __u64 now_ns)
{
	const __u32 nothing = 0;

	reader_sleeps = false;
	cpu->woken_ns = now_ns;
	bpf_ringbuf_output(&wakeups, (void *)&nothing, sizeof(nothing), BPF_RB_FORCE_WAKEUP);
}

static __always_inline void wake_reader(__u64 now_ns)
{
	__u32 id = bpf_get_smp_processor_id();
	struct sdei_cpu *cpu = bpf_map_lookup_elem(&counters, &id);

	if (cpu)
		wake(cpu, now_ns);
}

static __noinline int count_loss(struct sdei_cpu *cpu, const struct sdei_lost_key *key)
{
	__u64 *count;

	/* Each call has one map: older verifiers want it so. */
	if (lost_in)
		count = lost_count(&lost_1, key);
	else
		count = lost_count(&lost_0, key);
	__sync_fetch_and_add(count ?: &cpu->lost_unknown, 1);
	if (reader_sleeps)
		wake(cpu, bpf_ktime_get_ns());
	return 0;
}

/* Kinds that several programs count, which not every kernel keeps apart on a CPU. An object may say that it has others. */
#ifndef IS_SHARED_KIND
#define IS_SHARED_KIND(kind) ((kind) == SDEI_PLACE || (kind) == SDEI_APF || (kind) == SDEI_GIC || (kind) == SDEI_SMCCC || \
	(kind) == SDEI_COUNTER)
#endif

static __always_inline void raise(__u64 *count, __u8 kind)
{
	if (IS_SHARED_KIND(kind))
		__sync_fetch_and_add(count, 1);
	else
		++*count;
}

/* kind is that of record: as a constant, or the verifier does not know that it is one of cpu->kinds. */
static __always_inline void lose(struct sdei_cpu *cpu, const struct sdei_record *record, __u8 kind, __s32 error, __u32 function)
{
	struct sdei_lost_key key = {
		.vm = record->vm, .vcpu = record->vcpu, .event = record->event, .kind = kind,
		.outcome = record->outcome, .origin = record->origin, .error = error, .function = function,
	};

	raise(&cpu->kinds[kind].lost, kind);
	count_loss(cpu, &key);
}

/* A record that is not sent, as it is not known which vCPU it is about: any choice of vCPUs may want it. */
static __always_inline void lose_unplaced(const struct sdei_record *record)
{
	const struct sdei_record unknown = {
		.vm = SDEI_ANY_VM, .vcpu = SDEI_NONE, .event = SDEI_NONE, .kind = record->kind,
	};
	__u32 id = bpf_get_smp_processor_id();
	struct sdei_cpu *cpu = bpf_map_lookup_elem(&counters, &id);

	if (!cpu || record->kind >= SDEI_KIND_COUNT)	/* cannot be */
		return;
	raise(&cpu->kinds[record->kind].attempted, record->kind);
	lose(cpu, &unknown, record->kind, 0, 0);
}

/*
 * Waking the reader costs microseconds. One that is awake already, but behind, need not be woken again at once. A new VM is
 * worth it: once it is gone it cannot be asked for its name. ring_commit() is before this in the order that the reader sees.
 */
static __always_inline bool is_time_to_wake(const struct sdei_cpu *cpu, const struct sdei_record *record, __u64 filled)
{
	return is_created(record) || reader_sleeps || (filled >= wakeup_bytes && record->time_ns - cpu->woken_ns >= WAKEUP_NS);
}

static __always_inline struct sdei_ring *ring_of(__u32 cpu)
{
	void *ring = bpf_map_lookup_elem(&rings, &cpu);
	const __u32 first = 0;

	return ring ? bpf_map_lookup_elem(ring, &first) : NULL;
}

/* A member of a record: how long what it is about has lasted at the record's time, so that the one less the other is when it began. */
struct lasting {
	__u64 since_ns;		/* 0: not known, and so is how long */
	__u64 *duration_ns;	/* one of these, or none */
	__u32 *short_ns;	/* at most UINT32_MAX */
};

static __always_inline void set_duration(const struct lasting *lasting, __u64 time_ns)
{
	__u64 duration_ns = time_ns - lasting->since_ns;

	if (!lasting->since_ns)
		return;
	if (lasting->duration_ns)
		*lasting->duration_ns = duration_ns;
	if (lasting->short_ns)
		*lasting->short_ns = duration_ns < 0xffffffff ? duration_ns : 0xffffffff;
}

/*
 * Sends record, of size bytes (a constant) and complete but for its time and its duration. kind is that of record: as a constant where
 * it is one, because the compiler may have lost sight of it, and a verifier does not know then what it indexes. error and function are
 * those of struct sdei_lost_key, should it be lost. False: it is.
 */
static __always_inline bool send_lasting(struct sdei_record *record, __u8 kind, __u64 size, struct lasting lasting, __s32 error,
					 __u32 function)
{
	__u32 id = bpf_get_smp_processor_id();
	struct sdei_ring *ring;
	struct sdei_cpu *cpu;
	void *place = NULL;
	__u64 filled = 0, time_ns = 0;

	cpu = bpf_map_lookup_elem(&counters, &id);
	if (!cpu)	/* cannot be: sized by the possible CPUs */
		return false;
	if (kind >= SDEI_KIND_COUNT)	/* cannot be; some verifiers have forgotten what kind is */
		return false;
	raise(&cpu->kinds[kind].attempted, kind);
	ring = ring_of(id);
	if (ring)	/* else the CPU was plugged in after the start */
		place = ring_reserve(ring, ring_bytes, size, bpf_ktime_get_ns, &time_ns, &filled);
	if (!place) {
		lose(cpu, record, kind, error, function);
		return false;
	}
	record->time_ns = time_ns;
	set_duration(&lasting, time_ns);
	__builtin_memcpy(__builtin_assume_aligned(place, 8), record, size);
	ring_commit(ring);
	if (is_time_to_wake(cpu, record, filled))
		wake(cpu, record->time_ns);
	return true;
}

static __always_inline bool send(struct sdei_record *record, __u8 kind, __u64 size, __s32 error, __u32 function)
{
	return send_lasting(record, kind, size, (struct lasting){ 0 }, error, function);
}

/* The head of a record but for its time. */
static __always_inline struct sdei_record head(struct kvm_vcpu *vcpu, __u32 event, __u32 state, __u8 kind)
{
	return (struct sdei_record) {
		.vm = vm_of(vcpu), .vcpu = FAR(vcpu, vcpu_id), .event = event, .state = state, .kind = kind,
	};
}

/* The same of what happens seldom. */
static __always_inline struct sdei_record head_seldom(struct kvm_vcpu *vcpu, __u32 event, __u32 state, __u8 kind)
{
	return (struct sdei_record) {
		.vm = vm_of_seldom(vcpu), .vcpu = FAR(vcpu, vcpu_id), .event = event, .state = state, .kind = kind,
	};
}

#endif /* SDEI_EMIT_H */
