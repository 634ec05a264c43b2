/* SPDX-License-Identifier: GPL-2.0-only */
/* The flight recorder of the daemon: the last packets in memory, saved as a recording when something happens. */
#ifndef DAEMON_RECORDER_H
#define DAEMON_RECORDER_H

#include "recording/flight.h"
#include "session/status.h"
#include "daemon/config.h"

struct recorder;

/* config stays in use. NULL: the user has been told. */
struct recorder *recorder_open(const struct daemon_config *config);
void recorder_close(struct recorder *r);	/* NULL is fine */

/* The configuration was read anew: where recordings go, what for from now on, and how many are kept. The size stays. */
void recorder_follow(struct recorder *r, const struct daemon_config *config, const struct model *m);

void recorder_take(struct recorder *r, const struct packet *packet);

/* Whether it is time for a snapshot, which would take size bytes. */
bool recorder_wants_snapshot(const struct recorder *r, size_t size);

/* SIGUSR2, or the end. */
void recorder_signalled(struct recorder *r, uint64_t now_ns);
void recorder_ending(struct recorder *r, uint64_t now_ns);

/*
 * Looks for new findings, and saves what is due (at the end: all). status is the last one in the stream. The disk is waited
 * for aside, except at the end: the rings go on being read; triggers meanwhile are only counted.
 */
void recorder_check(struct recorder *r, const struct model *m, const struct recording_about *about,
		    const struct recording_status *status, bool end);

/* Until what is being saved is there, and that was told. */
void recorder_wait(struct recorder *r);

#endif
