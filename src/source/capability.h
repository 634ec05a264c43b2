/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What this kernel and this process can do, each found by trying or looking, never by a version; what it gives; and where it
 * is missing, what to do. capability_look() finds out, capability_judge() makes sentences of it and knows no system.
 */
#ifndef SOURCE_CAPABILITY_H
#define SOURCE_CAPABILITY_H

#include "source/kvm_module.h"
#include "source/privilege.h"
#include "source/probes.h"
#include "util/error.h"

enum capability_state { CAPABILITY_YES, CAPABILITY_NO, CAPABILITY_UNKNOWN };
const char *capability_state_name(enum capability_state state);	/* "yes", … */

struct capability {
	const char *name;		/* stable: "btf", "kvm_sdei_signal", … */
	enum capability_state state;
	bool needed;			/* without it there is no live tracing at all */
	const char *gives;
	char found[512];		/* what was seen */
	char remedy[512];		/* what to do; empty: nothing */
};

#define CAPABILITY_MAX 88

/* An answer of the kernel: >0 yes, 0 no, <0 -errno: it could not be asked. */
struct capability_facts {
	char release[65];
	int btf;			/* 0, or -errno of reading it */
	struct probes probes;		/* if btf is 0 */
	bool sdei;			/* the kernel keeps SDEI state for vCPUs */
	bool client_bound;		/* the kernel's SDEI client has found SDEI */
	int kvm;			/* /dev/kvm is there: 0 or -errno */
	int tracing, functions, ringbuf, array_of_maps;	/* BPF programs on tracepoints and on functions, and maps */
	enum kvm_module kvm_module;
	bool filtered, user_namespace;	/* seccomp; another user namespace than the initial one */
	bool iterator;
	int charges_memory;		/* maps count as the control group's memory, not against RLIMIT_MEMLOCK */
	uint64_t capabilities;
	enum lockdown lockdown;
	unsigned int cpus;		/* that are present */
	size_t ring_bytes;
	uint64_t memlock;		/* RLIMIT_MEMLOCK; UINT64_MAX: none */
	bool pid_namespace;		/* this process does not see the host's pids */
	int names;			/* another process's command line can be read: 0 or -errno */
	/* The trial: everything loaded, attached and let go again. */
	struct error live;		/* live_open()'s; code 0: it worked */
	unsigned int attached, wanted;
	bool trial_client;		/* it was that of --client, as there is nothing else */
	struct source_probe trial[PROBE_COUNT];	/* names and states; why_not is in trial_why */
	char trial_why[PROBE_COUNT][96];
	size_t trial_count;
};

void capability_look(struct capability_facts *facts);

/* The number of them, at most CAPABILITY_MAX. */
size_t capability_judge(const struct capability_facts *facts, struct capability list[CAPABILITY_MAX]);

#endif
