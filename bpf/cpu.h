/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each CPU counts; shared with user space, which maps these counters.
 * One CPU writes, without atomics: a kind is counted by one program only, and
 * the kernel does not let a program interrupt itself. Those of IS_SHARED_KIND() are the exceptions.
 */
#ifndef SDEI_CPU_H
#define SDEI_CPU_H

#include "record.h"

/* Value of the mmapable array `counters`, index CPU. Whole cache lines, so that CPUs do not share any. */
struct sdei_cpu {
	struct sdei_counter kinds[SDEI_KIND_COUNT];
	__u64 lost_unknown;	/* of the losses, those that `lost` has no room to name */
	__u64 woken_ns;		/* when this CPU last woke the reader */
	__u64 current_task;	/* with --sched, its address; 0: none was switched to yet */
	__u64 pad[5];
};

#ifndef __bpf__
_Static_assert(sizeof(struct sdei_cpu) == 384, "whole cache lines");
#endif

#endif /* SDEI_CPU_H */
