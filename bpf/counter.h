/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How far the virtual counter of a guest is behind the host's: records of kind COUNTER. From functions of arm64's KVM that are
 * called when a vCPU runs first and when its VMM sets a register, and from the iterator at attach. A recording of the host and one of the
 * guest, both with what the counter shows, have one clock by that.
 */
#ifndef SDEI_COUNTER_H
#define SDEI_COUNTER_H

#include "emit.h"

/* KVM_REG_ARM_TIMER_CNT of uapi/asm/kvm.h: by mistake, the number of CNTVCT_EL0's register is that of the compare value. */
#define REG_TIMER_CNT 0x603000000013df1aULL

const volatile __u32 counter_hz;	/* CNTFRQ_EL0; user space reads it */

static __always_inline bool has_counter(void)
{
	const struct kvm *kvm = NULL;

	return bpf_core_field_exists(kvm->arch.timer_data.voffset) || bpf_core_enum_value_exists(enum vcpu_sysreg, CNTVOFF_EL2);
}

static __always_inline __u64 counter_offset(struct kvm_vcpu *vcpu)
{
	struct kvm *kvm = BPF_CORE_READ(vcpu, kvm);
	const void *registers = (const void *)vcpu + bpf_core_field_offset(vcpu->arch.ctxt.sys_regs);
	__u64 offset = 0;

	if (bpf_core_field_exists(kvm->arch.timer_data.voffset))
		return BPF_CORE_READ(kvm, arch.timer_data.voffset);
	bpf_probe_read_kernel(&offset, sizeof(offset), registers + sizeof(offset) * bpf_core_enum_value(enum vcpu_sysreg, CNTVOFF_EL2));
	return offset;
}

static __always_inline void send_counter(struct kvm_vcpu *vcpu, __u8 reason)
{
	struct sdei_record_counter record = { .head = head_seldom(vcpu, SDEI_NONE, 0, SDEI_COUNTER), .hz = counter_hz };

	if (!tracing || !is_wanted(&record.head))
		return;
	record.head.origin = reason;
	record.offset = counter_offset(vcpu);
	send(&record.head, SDEI_COUNTER, sizeof(record), 0, 0);
}

/* Called when another thread than before is to run it: the first time, and hardly ever again. */
SEC("fentry/kvm_arch_vcpu_run_pid_change")
int BPF_PROG(counter_runs, struct kvm_vcpu *vcpu)
{
	send_counter(vcpu, SDEI_COUNTER_RUNS);
	return 0;
}

SEC("fexit/kvm_arm_set_reg")
int BPF_PROG(counter_set, struct kvm_vcpu *vcpu, const struct kvm_one_reg *reg, int err)
{
	if (reg->id == REG_TIMER_CNT && !err)
		send_counter(vcpu, SDEI_COUNTER_SET);
	return 0;
}

#endif /* SDEI_COUNTER_H */
