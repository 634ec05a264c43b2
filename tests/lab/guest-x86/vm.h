/* SPDX-License-Identifier: GPL-2.0-only */
/* A VM on the public KVM API: in long mode from the start, an in-kernel interrupt controller, one thread per vCPU. */
#ifndef APF_GUEST_VM_H
#define APF_GUEST_VM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "layout.h"

struct vm;

struct vcpu {
	struct vm *vm;
	unsigned int id;
	int fd;
	struct kvm_run *run;
	struct area *area;	/* in guest RAM */
	pthread_t thread;
	bool started;
	uint64_t passes;	/* done */
};

struct vm_options {
	uint64_t vcpus;
	enum mode mode;
	uint64_t tasks, pages, work, exits, passes;	/* passes: 0: until it is stopped */
	bool present;		/* the paged memory is there at first */
	bool computes;
};

struct vm {
	int kvm, fd;
	struct vm_options options;
	uint8_t *ram, *paged;
	size_t paged_size;
	struct vcpu vcpus[MAX_VCPUS];
	struct userfault *userfault;	/* who answers page faults; NULL: KVM's workers */
	unsigned int running;	/* vCPUs that have not come to their end */
	bool failed;
};

/* 0 or -errno, having complained. The memory at vm->paged is there, but without pages. */
int vm_create(struct vm *vm, const struct vm_options *options);
void vm_destroy(struct vm *vm);
int vm_start(struct vm *vm);
bool vm_is_done(const struct vm *vm);	/* every vCPU is, or one has failed */
void vm_stop(struct vm *vm);		/* no more pages are touched: it comes to an end */
void vm_join(struct vm *vm);

/* A reading of vCPU's time stamp counter in terms of the host's. 0 stays 0. */
uint64_t vcpu_host_ticks(const struct vcpu *vcpu, uint64_t ticks);
const struct touch *vcpu_touches(const struct vcpu *vcpu);	/* area->touches of them */
#endif
