/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page faults of a vCPU, map `vcpus_faults`: written by the vCPU's thread, from KVM_RUN, and mapped by user space, which so sees the one
 * that is not over yet, and takes the sum of those that are too short for a record each. Included by both sides.
 */
#ifndef SDEI_FAULTS_H
#define SDEI_FAULTS_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/*
 * A sum is one number, which is added to and taken at once: how many in the upper bits, how long all of them in the lower ones, 18 minutes.
 * From any of the bits of SDEI_QUICK_FULL on there is half of that room left.
 */
#define SDEI_QUICK_SHIFT 40
#define SDEI_QUICK_NS ((1ULL << SDEI_QUICK_SHIFT) - 1)
#define SDEI_QUICK_FULL (1ULL << 63 | 1ULL << (SDEI_QUICK_SHIFT - 1))

/* Two cache lines, as of a ring: neighbours belong to other vCPUs. */
struct sdei_vcpu_faults {
	__u64 since_ns;			/* when the one that it is in began; 0: it is in none. Set when the rest is */
	__u64 gfn;			/* guest page of that one */
	__u64 sleeps, majors, minors;	/* of its thread, and of the vCPU, by then */
	__u64 devices;
	__u64 quick;			/* sum of the short ones that nobody has taken; user space takes it, too */
	__u64 quick_since_ns, quick_until_ns;	/* when the first of these began, and the last one ended: see add_quick() */
	__u32 vm, vcpu;
	__u32 thread;			/* the last one that was in a fault */
	__u8 cause;			/* enum sdei_apf_cause that was met inside; 0: none */
	__u8 handed_over;		/* to a worker */
	__u8 wanted;			/* by the filters, and not ended */
	__u8 pad[41];
};

_Static_assert(sizeof(struct sdei_vcpu_faults) == 128, "see above");

#endif /* SDEI_FAULTS_H */
