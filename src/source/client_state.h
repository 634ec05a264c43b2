/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The records of this machine's SDEI client (bpf/client.bpf.c) have no states: Linux does not know them, only what it asked
 * for and what came of it. As in KVM's records they are what SDEI says must hold after each of them, in the order of time:
 *
 * - A CPU is unmasked, and events are registered and enabled, until a record says otherwise: that is how the driver keeps CPUs
 *   that are online. A handler that begins proves it.
 * - A signal to an event that is pending already is coalesced, as far as a client can see.
 * - A handler that begins without a signal is one of an event that firmware raises by itself: SDEI_UNSIGNALLED.
 */
#ifndef SOURCE_CLIENT_STATE_H
#define SOURCE_CLIENT_STATE_H

#include "bpf/record.h"

struct client_state;

struct client_state *client_state_new(void);	/* NULL: no memory */
void client_state_free(struct client_state *s);	/* NULL is fine */

/* Fills in the state of record, and what follows from the states before. 0, or -ENOMEM: the record is about a new event and is not remembered. */
int client_state_fill(struct client_state *s, struct sdei_record *record);

/* The same, as far as it can be known, of records that were lost. */
void client_state_fill_lost(struct sdei_lost_key *key);

#endif
