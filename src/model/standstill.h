/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long a VM's guest stood still while its VMM had stopped it: what its VMM, when it lets it go on, sets its counter back by, so that the
 * guest does not see it. That time is in none of the times of its events: neither in latencies and their blame, nor in those of
 * handlers and masks. A VMM that lets the counter run on (QEMU's kvm-no-adjvtime) is not seen to stop it,
 * nor is one that a signal stops: their guests see that time pass, and so it is in the times of their events.
 *
 * It is known when the VM goes on. Until then all that is open goes on, and may be found to last too long.
 */
#ifndef MODEL_STANDSTILL_H
#define MODEL_STANDSTILL_H

#include "model/model.h"

/* model_vm.stood_ns and stops are of a VM that runs; of one that moved to another process, how long the guest stood still for that. */
bool model_moved_ns(const struct model_vm *vm, uint64_t *ns);	/* false: not known */

#endif
