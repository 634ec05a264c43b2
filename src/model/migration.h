/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMs whose VMM has restored their SDEI state before they ran: what they were before. A VM that moves from one process of this host
 * to another one stays two VMs with their own figures; the second knows the first, and how long each vCPU was silent in between.
 *
 * The first is the VM whose guest has the same UUID, or where one of the two is not known the same name (model_options.guest), that has
 * done nothing since the restore began, and whose handlers are at the same addresses. It is looked for at ticks, as a name may come
 * late.
 */
#ifndef MODEL_MIGRATION_H
#define MODEL_MIGRATION_H

#include "model/model.h"

enum model_came {
	CAME_NEW,	/* it was not restored, or before anybody looked */
	CAME_IN_PLACE,	/* an older state of its own was loaded */
	CAME_FROM_VM,	/* model_vm.from_pid, from_instance */
	CAME_RESTORED,	/* from a file, from another host, or nobody knows where from */
};
enum model_came model_came(const struct model_vm *vm);

/* As which VM its guest began, as far as that is known: itself, or the one that it was before, and so on. */
const struct model_vm *model_first_vm(const struct model *m, const struct model_vm *vm);

/*
 * Its vCPU's last record before the restore, and the first one behind it, CLOCK_MONOTONIC: of those that show that its guest ran, not
 * those of the restore itself. It stood still for at most the time in between.
 */
struct model_blackout {
	uint64_t last_ns, first_ns;
};
bool model_blackout(const struct model_vcpu *vcpu, struct model_blackout *blackout);	/* false: one of the two is not known, or not yet */

/* The vCPU of the VM with the longest one; NULL: of none it is known. */
const struct model_vcpu *model_longest_blackout(const struct model_vm *vm, struct model_blackout *blackout);

#endif
