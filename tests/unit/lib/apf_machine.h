/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small machine of asynchronous page faults, the model's reference: several vCPUs of one VM to which random legal
 * things happen, with or without SDEI, that emits the records that a kernel would, and keeps its own figures.
 */
#ifndef TESTS_APF_MACHINE_H
#define TESTS_APF_MACHINE_H

#include "model/apf.h"
#include "tests/unit/lib/sdei_machine.h"

struct apf_machine_fault {
	uint64_t id, gfn, setup, working, ready;	/* 0: not yet */
	unsigned int told;
};

struct apf_machine_vcpu {
	bool exists;
	struct apf_machine_fault fault[64];
	unsigned int count;
	uint64_t pending, pending_since;	/* id of the fault that event 1 is pending for */
	uint64_t running_since;
	bool is_pending, is_running;
	uint64_t ack_since;
	uint64_t setup, async, halted, untold, cancelled, wasted, cleared, wake_all, acked, fallback, sync;
	uint64_t fallbacks[APF_FALLBACKS];
	struct hist *stage[APF_STAGE_COUNT];
	uint64_t slowest;			/* total of the slowest fault */
};

struct apf_machine {
	struct apf_machine_vcpu *vcpus;
	unsigned int count;
	uint64_t time, seed, last_id;
	bool sdei;
	machine_emit *emit;
	void *ctx;
};

/* Aborts without memory. */
struct apf_machine *apf_machine_new(unsigned int vcpus, bool sdei, uint64_t seed, machine_emit *emit, void *ctx);
void apf_machine_free(struct apf_machine *m);

/* One random thing happens: a record or two, or none. vCPU 0 never ends. */
void apf_machine_step(struct apf_machine *m);

#endif
