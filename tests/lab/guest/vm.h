/* SPDX-License-Identifier: GPL-2.0-only */
/* A VM on the public KVM API: RAM with the payload in it, a vGICv3, one thread per vCPU that serves its doorbell. */
#ifndef SDEI_GUEST_VM_H
#define SDEI_GUEST_VM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "kvm_sdei.h"
#include "layout.h"
#include "say.h"

struct vm;

/* What a vCPU's thread is asked to do with its vCPU. Lives on the asking thread's stack until done. */
struct request {
	uint32_t command, event;
	bool immediate, done;
	int64_t result;
	struct request *next;
};

/* Something the VMM did to a vCPU, CLOCK_MONOTONIC ns around it. */
struct vmm_act {
	uint64_t before, after;
	uint32_t command;	/* DOOR_INJECT, DOOR_CANCEL or DOOR_RESET (also PSCI's: `after` is not known then) */
	uint32_t event;
	uint32_t runs;		/* handler runs begun before; exact, as the vCPU was not running */
	int error;
};

struct vcpu {
	struct vm *vm;
	unsigned int id;
	int fd;
	struct kvm_run *run;
	struct area *area;	/* in guest RAM */
	uint64_t mpidr;
	pthread_t thread;
	bool started, done;	/* done: its thread no longer serves requests; under vm->lock */
	struct request *requests;
	uint64_t injected[NR_EVENTS], refused[NR_EVENTS], cancelled[NR_EVENTS];
	uint64_t cleared[NR_EVENTS], running_cleared[NR_EVENTS];
	struct vmm_act *acts;
	unsigned int nr_acts, act_capacity;
	uint64_t resets;
};

/* The SDEI registers of one vCPU, as KVM gives them. */
struct sdei_state {
	uint64_t registered, enabled, running, pending, masked;
};

struct vm_options {
	unsigned int vcpus;
	bool without_sdei;	/* clear the SDEI bit of STD_BMAP; a kernel without SDEI will do */
	bool forward;		/* calls of SDEI come to this VMM */
	bool without_gic;
	bool logging;
	const char *payload, *payload_end;	/* the image; NULL: the scripts' */
};

struct vm {
	int kvm, fd, gic;
	unsigned int nr_vcpus;
	struct vm_options options;
	uint8_t *ram;
	uint64_t ram_size;
	struct vcpu *vcpus;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	volatile bool abort;
	bool failed;
	/* A semantics test's look at the stopped vCPU; its answer goes to the payload. */
	int64_t (*check)(struct vcpu *vcpu, enum context which, const struct door *door);
	void *check_context;
	/* On the vCPU's thread when a signal has ended its KVM_RUN; NULL: nothing to be done. */
	void (*interrupted)(struct vcpu *vcpu);
};

int vm_create(struct vm *vm, const struct vm_options *options);
void vm_destroy(struct vm *vm);
void vm_rewind(struct vm *vm);			/* between two programs: counters and logs as in a new VM */
int vm_start(struct vm *vm);			/* threads begin to run the programs in the areas */
bool vm_wait(struct vm *vm, int milliseconds);	/* true when every vCPU is done or the VM has failed */
void vm_stop(struct vm *vm, unsigned int how);	/* 1 endless loops end, 2 all loops */
void vm_kill(struct vm *vm);			/* leave KVM_RUN and end the threads */
void vm_join(struct vm *vm);

void *vm_memory(struct vm *vm, uint64_t address);
void vcpu_boot(struct vcpu *vcpu);		/* registers at the payload's start */
int vcpu_init(struct vcpu *vcpu);		/* KVM_ARM_VCPU_INIT */
void vcpu_kick(struct vcpu *vcpu);		/* out of KVM_RUN */
void vcpu_finish_exit(struct vcpu *vcpu);	/* let KVM complete the last exit, without running */
int vcpu_get(struct vcpu *vcpu, uint64_t id, uint64_t *value);
int vcpu_set(struct vcpu *vcpu, uint64_t id, uint64_t value);
/* KVM_ARM_VCPU_SDEI_INJECT or _CANCEL; 0 or -errno */
int vcpu_sdei_act(struct vcpu *vcpu, uint64_t attribute, uint32_t event, uint32_t flags);
/* The lines of its SGIs and PPIs that are high, a bit each, or -errno. No vCPU runs. */
int64_t vcpu_interrupt_lines(struct vcpu *vcpu);
/*
 * The VMM signals an event of target, on target's thread. asking: the vCPU whose thread calls, NULL if it is no vCPU's. Waits until it is
 * done; 0 or -errno, counted and logged like the scripts' `inject`.
 */
int64_t vcpu_inject(struct vcpu *asking, struct vcpu *target, uint32_t event);
/* The vCPU's own thread stays out of the guest, doing what others ask of it, until done(of), NULL being never, or for ns; true if done. */
bool vcpu_stay(struct vcpu *vcpu, bool (*done)(void *of), void *of, uint64_t ns);
void vm_tell(struct vm *vm);			/* who stays looks again whether it is done */
uint64_t vcpu_read(struct vcpu *vcpu, uint64_t id);	/* a register that must be readable */
struct sdei_state vcpu_sdei(struct vcpu *vcpu);
uint64_t payload_symbol(unsigned int offset);	/* PAYLOAD_ENTRY, PAYLOAD_RESUME */
#endif
