/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page faults of a vCPU, map `vcpus_faults`: written by the vCPU's thread, from KVM_RUN, and looked at by user space, which so
 * sees the one that is not over yet. Included by both sides.
 */
#ifndef SDEI_FAULTS_H
#define SDEI_FAULTS_H

#ifndef __bpf__
#include <linux/types.h>
#endif

struct sdei_vcpu_faults {
	__u64 since_ns;			/* when the one that it is in began; 0: it is in none. Set when the rest is */
	__u64 gfn;			/* guest page of that one */
	__u64 sleeps, majors, minors;	/* of its thread, and of the vCPU, by then */
	__u64 devices;
	__u64 quick, quick_ns;		/* not sent yet */
	__u64 flushed_ns;		/* when the others were; 0: none ever */
	__u32 vm, vcpu;
	__u32 thread;			/* the last one that was in a fault */
	__u8 cause;			/* enum sdei_apf_cause that was met inside; 0: none */
	__u8 handed_over;		/* to a worker */
	__u8 wanted;			/* by the filters */
	__u8 pad;
};

#endif /* SDEI_FAULTS_H */
