/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a VMM saves and restores the interrupt controller of a VM, with --gic: records of kind GIC. From functions of arm64's KVM
 * that only such calls reach, so on any kernel and without a patch. A VM that runs pays for one look at a number each time that its
 * VMM lets a vCPU run.
 *
 * A value is in memory of the VMM, and is read when KVM has done so, too: by then its page is there.
 */
#ifndef SDEI_GIC_H
#define SDEI_GIC_H

#include "emit.h"

#define QUIET_NS 100000000	/* registers of a vCPU that are set later than this after the ones before begin a new row */

/* Groups of attributes whose values have 32 bits (arm-vgic-v3.rst); a command has none. */
enum {
	GRP_DIST_REGS = 1, GRP_CPU_REGS, GRP_NR_IRQS, GRP_CTRL, GRP_REDIST_REGS, GRP_LEVEL_INFO = 7,
};

/* Registers of a vCPU that were set. */
struct vcpu_registers {
	__u64 count;		/* since it was last let run, or was created */
	__u64 last_ns;
};

/* Sized by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);	/* thread that is in a call */
	__type(value, __u64);	/* since when */
} gic_calls SEC(".maps");

/* Devices and vCPUs end unseen: the oldest make room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);	/* address of the device */
	__type(value, __u32);	/* its number */
} gic_devices SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);	/* address of the vCPU */
	__type(value, struct vcpu_registers);
} vcpus_registers SEC(".maps");

volatile __u32 last_device;	/* number */
volatile __u32 set_vcpus;	/* whose count above is not 0: so many at most, as some end unseen */

/* since_ns: when the call began; 0: not known. */
static __always_inline void gic_send(struct sdei_record_gic *record, __u64 since_ns)
{
	if (is_wanted(&record->head))
		send_lasting(&record->head, SDEI_GIC, sizeof(*record), (struct lasting){ since_ns, .short_ns = &record->duration_ns },
			     record->head.error, 0);
}

/* --- calls on devices */

/* *is_new: it has had no call before. */
static __always_inline __u32 number_of(struct kvm_device *device, bool *is_new)
{
	__u64 key = (__u64)device;
	__u32 *known = bpf_map_lookup_elem(&gic_devices, &key), number;

	*is_new = !known;
	if (known)
		return *known;
	number = __sync_fetch_and_add(&last_device, 1) + 1;
	bpf_map_update_elem(&gic_devices, &key, &number, BPF_ANY);
	return number;
}

/* Its VM is new: once that is gone, it cannot be asked for its name. */
static __always_inline void wake_for_new(void)
{
	__u32 id = bpf_get_smp_processor_id();
	struct sdei_cpu *cpu = bpf_map_lookup_elem(&counters, &id);

	if (cpu)
		wake(cpu, bpf_ktime_get_ns());
}

static __always_inline bool is_short(__u32 group, __u8 step)
{
	if (step == GIC_ITS_SET || step == GIC_ITS_GET)
		return false;
	return group == GRP_DIST_REGS || group == GRP_CPU_REGS || group == GRP_NR_IRQS || group == GRP_REDIST_REGS || group == GRP_LEVEL_INFO;
}

static __always_inline void read_value(struct sdei_record_gic *record, const void *address)
{
	__u32 value = 0;
	int err;

	if (record->group == GRP_CTRL)
		return;
	if (is_short(record->group, record->head.origin)) {
		err = bpf_probe_read_user(&value, sizeof(value), address);
		record->value = value;
	} else {
		err = bpf_probe_read_user(&record->value, sizeof(record->value), address);
	}
	record->head.outcome = err ? 0 : GIC_HAS_VALUE;
}

/* When the call of this thread began; 0: the program that takes the time was missed. */
static __always_inline __u64 call_since(void)
{
	__u32 thread = bpf_get_current_pid_tgid();
	__u64 *begin_ns = bpf_map_lookup_elem(&gic_calls, &thread), since_ns;

	if (!begin_ns)
		return 0;
	since_ns = *begin_ns;
	bpf_map_delete_elem(&gic_calls, &thread);
	return since_ns;
}

static __always_inline int begin_gic_call(void)
{
	__u32 thread = bpf_get_current_pid_tgid();
	__u64 now_ns = bpf_ktime_get_ns();

	if (tracing)
		bpf_map_update_elem(&gic_calls, &thread, &now_ns, BPF_ANY);
	return 0;
}

static __always_inline int end_gic_call(struct kvm_device *device, struct kvm_device_attr *attr, __u8 step, int err)
{
	struct sdei_record_gic record = {
		.head = { .vm = BPF_CORE_READ(device, kvm, userspace_pid), .vcpu = SDEI_NONE, .event = SDEI_NONE, .kind = SDEI_GIC, .origin = step },
		.attr = attr->attr, .group = attr->group,
	};
	__u64 since_ns;
	bool is_new;

	if (!tracing)
		return 0;
	record.head.error = err;
	record.device = number_of(device, &is_new);
	since_ns = step == GIC_ITS_SET || step == GIC_SET ? call_since() : 0;
	read_value(&record, (const void *)attr->addr);
	gic_send(&record, since_ns);
	if (is_new)
		wake_for_new();
	return 0;
}

SEC("fentry/vgic_its_set_attr")
int BPF_PROG(gic_its_begin, struct kvm_device *device, struct kvm_device_attr *attr)
{
	return begin_gic_call();
}

SEC("fexit/vgic_its_set_attr")
int BPF_PROG(gic_its_set, struct kvm_device *device, struct kvm_device_attr *attr, int err)
{
	return end_gic_call(device, attr, GIC_ITS_SET, err);
}

SEC("fexit/vgic_its_get_attr")
int BPF_PROG(gic_its_get, struct kvm_device *device, struct kvm_device_attr *attr, int err)
{
	return end_gic_call(device, attr, GIC_ITS_GET, err);
}

SEC("fentry/vgic_v3_set_attr")
int BPF_PROG(gic_v3_begin, struct kvm_device *device, struct kvm_device_attr *attr)
{
	return begin_gic_call();
}

SEC("fexit/vgic_v3_set_attr")
int BPF_PROG(gic_v3_set, struct kvm_device *device, struct kvm_device_attr *attr, int err)
{
	return end_gic_call(device, attr, GIC_SET, err);
}

SEC("fexit/vgic_v3_get_attr")
int BPF_PROG(gic_v3_get, struct kvm_device *device, struct kvm_device_attr *attr, int err)
{
	return end_gic_call(device, attr, GIC_GET, err);
}

/* --- vCPUs */

static __always_inline struct sdei_record_gic vcpu_step(struct kvm_vcpu *vcpu, __u8 step)
{
	return (struct sdei_record_gic){
		.head = {
			.vm = vm_of_seldom(vcpu), .vcpu = FAR(vcpu, vcpu_id), .event = SDEI_NONE, .kind = SDEI_GIC, .origin = step,
		},
	};
}

/* False: they are more of those that were set just before. */
static __always_inline bool count_register(struct kvm_vcpu *vcpu)
{
	__u64 key = (__u64)vcpu, now_ns = bpf_ktime_get_ns();
	struct vcpu_registers *set = bpf_map_lookup_elem(&vcpus_registers, &key), first = { .count = 1, .last_ns = now_ns };
	bool begins;

	if (!set || !set->count)
		__sync_fetch_and_add(&set_vcpus, 1);
	if (!set) {
		bpf_map_update_elem(&vcpus_registers, &key, &first, BPF_ANY);
		return true;
	}
	begins = now_ns - set->last_ns > QUIET_NS;
	set->count++;
	set->last_ns = now_ns;
	return begins;
}

SEC("fexit/kvm_arm_set_reg")
int BPF_PROG(gic_registers, struct kvm_vcpu *vcpu, const struct kvm_one_reg *reg, int err)
{
	struct sdei_record_gic record;

	if (!tracing || (!count_register(vcpu) && !err))
		return 0;
	record = vcpu_step(vcpu, GIC_REGISTERS);
	record.head.error = err;
	record.attr = reg->id;
	gic_send(&record, 0);
	return 0;
}

/* How many registers were set since the last time; set: of the vCPU, may be NULL. */
static __always_inline void send_run(struct kvm_vcpu *vcpu, struct vcpu_registers *set)
{
	struct sdei_record_gic record = vcpu_step(vcpu, GIC_RUN);

	if (set) {
		record.value = set->count;
		record.head.outcome = GIC_HAS_VALUE;
		if (set->count)
			__sync_fetch_and_add(&set_vcpus, -1);
		set->count = 0;
	}
	gic_send(&record, 0);
}

/* Called when another thread than before is to run it. */
SEC("fentry/kvm_arch_vcpu_run_pid_change")
int BPF_PROG(gic_run, struct kvm_vcpu *vcpu)
{
	__u64 key = (__u64)vcpu;

	if (tracing)
		send_run(vcpu, bpf_map_lookup_elem(&vcpus_registers, &key));
	return 0;
}

/* Called each time that the VMM lets it run, after the one above: the first time after a restore in place, by the same thread as before. */
SEC("fentry/kvm_arch_vcpu_ioctl_run")
int BPF_PROG(gic_run_again, struct kvm_vcpu *vcpu)
{
	__u64 key = (__u64)vcpu;
	struct vcpu_registers *set;

	if (!tracing || !set_vcpus)
		return 0;
	set = bpf_map_lookup_elem(&vcpus_registers, &key);
	if (set && set->count)
		send_run(vcpu, set);
	return 0;
}

#endif /* SDEI_GIC_H */
