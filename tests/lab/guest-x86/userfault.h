/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page faults whose page KVM has its user bring, rather than a worker of the kernel: it is told of each, by KVM_RUN, which returns,
 * or by a ring. Of kernels with what is in tests/lab/kernel/userfault.
 */
#ifndef APF_GUEST_USERFAULT_H
#define APF_GUEST_USERFAULT_H

#include <stdbool.h>
#include <stdint.h>

#define RING_SIZE 64	/* of KVM */

struct pager;
struct serving;
struct vcpu;
struct vm;

struct userfault;

/*
 * From now on the VM's faults are its user's, for whom pager brings the pages. ring: how many the ring may tell of at once, of each
 * vCPU; the others, or all if it is 0, come by an exit. To be called before the vCPUs run. NULL: having complained.
 */
struct userfault *userfault_start(struct vm *vm, struct pager *pager, uint64_t ring);

/*
 * KVM_RUN has failed with EFAULT: if that is such a fault, see to it that its page comes, now or later. 0: the vCPU can run again;
 * -ENOENT: it is none; another -errno: having complained.
 */
int userfault_answer(struct userfault *userfault, const struct vcpu *vcpu);

void userfault_end(struct userfault *userfault);	/* no fault is in flight, and no vCPU runs, any more */
#endif
