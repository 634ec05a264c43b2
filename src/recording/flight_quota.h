/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many flight recordings stay in a directory: so many of one guest, so many in all, so that no guest can push out what was
 * saved because of another. Which one is older is said by a number in its name, not by a clock, which may be set.
 *
 * A recording is a directory TIME-NUMBER-REASON@GUEST: when (UTC), its number, why, because of which guest. One of no guest
 * (SIGUSR2, exit) was asked for by somebody: it is not counted and never removed.
 */
#ifndef RECORDING_FLIGHT_QUOTA_H
#define RECORDING_FLIGHT_QUOTA_H

#include <stddef.h>
#include <stdint.h>

struct flight_quota;

/* Finds those of earlier runs. 0: all stay. directory is copied, and need not be there. NULL: no memory. */
struct flight_quota *flight_quota_new(const char *directory, unsigned int keep, unsigned int keep_of_guest);
void flight_quota_free(struct flight_quota *q);		/* NULL is fine */

/*
 * Where the next recording is to be saved. guest: its name, or any word for it; NULL: none. Of its characters those that are safe
 * in file names are taken, 32 at most. 0; -ENAMETOOLONG: it does not fit into size.
 */
int flight_quota_name(struct flight_quota *q, int64_t wall_ns, const char *reason, const char *guest, char *name, size_t size);

/*
 * The recording of that name is there, whole: what is too many now is removed. First the oldest of its guest, then the oldest of
 * those guests that have most. Returns how many were removed.
 */
unsigned int flight_quota_add(struct flight_quota *q, const char *name);

/* It could not be saved: what there is of it goes, as if it had not been tried. */
void flight_quota_give_back(const char *name);

#endif
