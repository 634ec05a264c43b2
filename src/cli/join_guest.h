/* SPDX-License-Identifier: GPL-2.0-only */
/* Which VMs of a host's recording are the guest that is to be joined: one, or all that a guest was which moved from one VMM to another. */
#ifndef CLI_JOIN_GUEST_H
#define CLI_JOIN_GUEST_H

#include "session/playback.h"

/* In order of first sight. */
struct join_guest {
	struct number_list vms;		/* empty: none there uses SDEI */
	uint32_t other_vm;		/* one more guest that could be meant; 0: there is none */
};

/*
 * Plays all of host, which has no filters of its own; of VMs that use SDEI the guest is the one that chosen has by process id or name, if it
 * has any. 0 or -ENOMEM. To be cleared in any case.
 */
int join_guest_find(struct join_guest *guest, struct playback *host, const struct playback_config *chosen);
void join_guest_clear(struct join_guest *guest);

#endif
