/* SPDX-License-Identifier: GPL-2.0-only */
/* Scenario scripts (README.md tells the language): text in, one op program per vCPU out. */
#ifndef SDEI_GUEST_SCRIPT_H
#define SDEI_GUEST_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "layout.h"

#define MAX_OPS 2400	/* of one vCPU: what its area holds */

enum counted {
	COUNT_SIGNALS, COUNT_QUEUED, COUNT_COALESCED, COUNT_REJECTED, COUNT_DISPATCHED, COUNT_COMPLETED, COUNT_RESUMED,
	COUNT_CANCELLED, COUNT_CLEARED, COUNT_RUNNING_CLEARED, NR_COUNTED,
};
extern const char *const counted_names[NR_COUNTED];

enum memory {			/* of the guest, that fails */
	MEMORY_SOUND,		/* it does not */
	MEMORY_LATE,		/* the VMM is told when a vCPU reads it: action required, on the vCPU's thread */
	MEMORY_EARLY,		/* the VMM is told at once: action optional, on a thread that is no vCPU's */
};

struct prediction {
	unsigned int vcpu, event, line;
	enum counted field;
	uint64_t value;
};

struct script {
	const char *name, *text;
	char about[160];
	uint64_t events;	/* $N */
	unsigned int vcpus;	/* at least */
	unsigned int instances;	/* VMs one after the other */
	bool endless;		/* has a `forever` */
	enum memory memory;
	struct prediction *predictions;
	unsigned int nr_predictions;
};

struct program {
	struct op ops[MAX_OPS];
	unsigned int nr_ops;
	unsigned int handler[NR_EVENTS];	/* where each begins */
};

struct machine {		/* what a script is compiled for */
	unsigned int nr_vcpus;
	const uint64_t *mpidr;
	uint64_t frequency;
	uint64_t entry;		/* sdei_entry */
};

int script_open(struct script *script, const char *name_or_file);	/* reads the header; complains and returns -errno */
int script_from_text(struct script *script, const char *name, const char *text);
struct vm;
int script_load(struct script *script, struct vm *vm);	/* compiles it into the areas of the VM's vCPUs */
int script_compile(struct script *script, const struct machine *machine, unsigned int vcpu, struct program *program);
void script_close(struct script *script);
void script_list(void);			/* the embedded ones, to stdout */
#endif
