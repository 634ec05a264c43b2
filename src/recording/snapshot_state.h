/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a reader that starts in the middle has to know: the state that the records so far left, per vCPU and
 * event, whether vCPUs are on, how far their counters are behind, and the names of VMs. Small, and forgets what is gone.
 */
#ifndef RECORDING_SNAPSHOT_STATE_H
#define RECORDING_SNAPSHOT_STATE_H

#include "recording/recording.h"

struct snapshot_state;

struct snapshot_state *snapshot_state_new(void);		/* NULL: no memory */
void snapshot_state_free(struct snapshot_state *k);	/* NULL is fine */

/* Learns from an item of any kind. 0 or -ENOMEM. */
int snapshot_state_learn(struct snapshot_state *k, const struct recording_item *item);

/* The name of a VM that still lives, as far as is known; NULL: none. Valid until the next item is learned. */
const char *snapshot_state_name(const struct snapshot_state *k, uint32_t vm);
const char *snapshot_state_uuid(const struct snapshot_state *k, uint32_t vm);	/* likewise; "": not known */

/* A record that says that a vCPU of that VM is destroyed, which ends it once it is learned. False: none is known. */
bool snapshot_state_end(const struct snapshot_state *k, uint32_t vm, uint64_t time_ns, struct recording_item *item);

/*
 * Hands all of it to put, as ITEM_NAME and ITEM_SNAPSHOT items of time_ns: per VM its name, per vCPU its events (one
 * record with event SDEI_NONE for a vCPU that has none yet) where anything of SDEI is known of it, and whether it is on and how far its
 * counter is behind, where that is. put's first error ends it and is returned.
 */
int snapshot_state_send(const struct snapshot_state *k, uint64_t time_ns, int (*put)(void *ctx, const struct recording_item *item), void *ctx);

/* About how many bytes snapshot_state_send() takes in packets. */
size_t snapshot_state_size(const struct snapshot_state *k);

#endif
