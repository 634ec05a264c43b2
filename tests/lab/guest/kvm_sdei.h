/* SPDX-License-Identifier: GPL-2.0-only */
/* The user API of the SDEI series (tracepoints/README.md) and what else older headers lack. */
#ifndef SDEI_GUEST_KVM_SDEI_H
#define SDEI_GUEST_KVM_SDEI_H

#include <linux/kvm.h>

#ifndef KVM_REG_ARM_STD_BIT_SDEI_V1_1
#define KVM_REG_ARM_STD_BIT_SDEI_V1_1	1
#endif
#ifndef KVM_REG_ARM_SDEI
#define KVM_REG_ARM_SDEI		(0x0017 << KVM_REG_ARM_COPROC_SHIFT)
#endif
#ifndef KVM_CAP_COUNTER_OFFSET
#define KVM_CAP_COUNTER_OFFSET		227
struct kvm_arm_counter_offset {
	__u64 counter_offset;
	__u64 reserved;
};
#define KVM_ARM_SET_COUNTER_OFFSET	_IOW(KVMIO, 0xb5, struct kvm_arm_counter_offset)
#endif

#define SDEI_REG(n)		(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_SDEI | (n))
#define SDEI_EVENTS		SDEI_REG(0x000)
#define SDEI_REGISTERED		SDEI_REG(0x001)
#define SDEI_ENABLED		SDEI_REG(0x002)
#define SDEI_RUNNING		SDEI_REG(0x003)
#define SDEI_PENDING_BITS	SDEI_REG(0x004)
#define SDEI_PE_MASKED		SDEI_REG(0x005)
#define SDEI_CONTEXT_X(i)	SDEI_REG(0x010 + (i))
#define SDEI_CONTEXT_PC		SDEI_REG(0x022)
#define SDEI_CONTEXT_PSTATE	SDEI_REG(0x023)
#define SDEI_HANDLER_ADDR(e)	SDEI_REG(0x100 + 2 * (e))
#define SDEI_HANDLER_ARG(e)	SDEI_REG(0x101 + 2 * (e))

#ifndef KVM_ARM_VCPU_SDEI_CTRL
#define KVM_ARM_VCPU_SDEI_CTRL		3
#define KVM_ARM_VCPU_SDEI_INJECT	0
#define KVM_ARM_VCPU_SDEI_CANCEL	1

struct kvm_arm_sdei_event {
	__u32 event;
#define KVM_ARM_SDEI_IMMEDIATE		(1 << 0)
	__u32 flags;
};
#endif

#ifndef KVM_ARM_VM_SMCCC_CTRL
#define KVM_ARM_VM_SMCCC_CTRL		0
#define KVM_ARM_VM_SMCCC_FILTER		0

struct kvm_smccc_filter {
	__u32 base;
	__u32 nr_functions;
#define KVM_SMCCC_FILTER_FWD_TO_USER	2
	__u8 action;
	__u8 pad[15];
};
#endif

#ifndef KVM_REG_ARM_APF
#define KVM_REG_ARM_APF			(0x0018 << KVM_REG_ARM_COPROC_SHIFT)
#endif
#define APF_REG(n)		(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_APF | (n))
#define APF_REG_PPI		APF_REG(0)
#define APF_REG_CONTROL		APF_REG(1)
#define APF_REG_OUTSTANDING	APF_REG(2)
#define APF_REG_SEQUENCE	APF_REG(3)

#define CORE_REG(field)		(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(field))
#define REG_MPIDR_EL1		ARM64_SYS_REG(3, 0, 0, 0, 5)
#endif
