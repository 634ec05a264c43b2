/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flight recorder: the last packets, in memory, ready to be saved when something happens. It starts with a
 * snapshot at any time.
 */
#ifndef RECORDING_FLIGHT_H
#define RECORDING_FLIGHT_H

#include "recording/writer.h"

struct flight;

/* size: bytes of packets to keep, at least 1 MiB. NULL: no memory (all of it is taken here and now). */
struct flight *flight_new(size_t size);
void flight_free(struct flight *f);	/* NULL is fine */

/* One that holds the same, but takes nothing more: to be saved while the other goes on. NULL: no memory. */
struct flight *flight_copy(const struct flight *f);

/* A pack_take_t: never fails. What is oldest goes, up to the next snapshot. */
int flight_take(void *flight, const struct packet *packet);

/* Whether a snapshot is due, so that not more than a quarter goes at once. */
bool flight_wants_snapshot(const struct flight *f, size_t snapshot_size);

/*
 * Copies all packets from the oldest snapshot on into store, and closes with the status end; they stay here. 0 or the
 * first -errno.
 */
int flight_save(const struct flight *f, struct writer *store, const struct recording_status *end);

size_t flight_bytes(const struct flight *f);	/* held now */

#endif
