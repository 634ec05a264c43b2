/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few fields of Linux's SDEI client (drivers/firmware/arm_sdei.c) that are read, as CO-RE types: see kvm.h. The driver is
 * arm64's alone.
 */
#ifndef SDEI_ARM_SDEI_H
#define SDEI_ARM_SDEI_H

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct arm_smccc_res {
	unsigned long a0;
};

/* What is behind ___ is not part of the name: other headers may have a struct pt_regs of their own. */
struct pt_regs___arm64 {
	__u64 regs[31];
	__u64 pc;
	__u64 pstate;
};

struct sdei_registered_event {
	struct pt_regs___arm64 interrupted_regs;
	void *callback;
	__u32 event_num;
	__u8 priority;		/* 1: critical */
};

#pragma clang attribute pop

#define PSR_I_BIT	0x80	/* interrupts are masked */
#define PSR_MODE_MASK	0x1f	/* with the bit for 32 bits */
#define PSR_MODE_EL1H	0x5
#define PSR_MODE_EL2H	0x9

#endif /* SDEI_ARM_SDEI_H */
