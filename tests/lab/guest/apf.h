/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sdei-guest --apf: a VM whose guest uses asynchronous page faults, on memory that userfaultfd serves late or that has gone
 * to swap, and what happened to every page.
 */
#ifndef SDEI_GUEST_APF_H
#define SDEI_GUEST_APF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct apf_options {
	const char *mode;		/* see apf_list() */
	const char *name;		/* for the truth */
	unsigned int vcpus, tasks, pages;	/* 0: the mode's; pages of each task */
	uint64_t delay_us;		/* from the request of a page to its arrival; 0: the mode's */
	const char *shape;		/* how the delays are distributed: fixed (also NULL), bimodal, tail */
	bool plain;			/* memory of the process, all of it written to, instead */
	unsigned int work;		/* units of parallel work of each vCPU */
	unsigned int timeout;		/* seconds; 0: 120 */
	bool quiet;
	bool held;			/* until stdin has a line, the vCPUs do not run */
};

/* Runs it; the truth as JSON to `truth` unless NULL. 0, or -errno; -EINVAL: no such mode; -EILSEQ: something was wrong. */
int apf_run(const struct apf_options *options, FILE *truth);
void apf_list(FILE *out);		/* the modes, a line each */
#endif
