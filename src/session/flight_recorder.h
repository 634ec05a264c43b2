/* SPDX-License-Identifier: GPL-2.0-only */
/* A flight recorder: the last packets in memory, saved as a recording when something happens. */
#ifndef SESSION_FLIGHT_RECORDER_H
#define SESSION_FLIGHT_RECORDER_H

#include "recording/flight.h"
#include "recording/flight_save.h"
#include "session/triggers.h"

struct flight_recorder_options {
	const char *directory;	/* where recordings go; stays the caller's, and in use */
	uint64_t size;		/* bytes in memory, 1 MiB at least */
	uint64_t keep, keep_of_guest;	/* as flight_quota_new() */
	unsigned int gap_s;	/* at least between two savings for one guest: a storm of findings must neither fill nor wear out the disk */
	bool for_group;		/* as flight_save_options */
	struct triggers on;
};

struct flight_recorder;

/* NULL: the error has been reported. */
struct flight_recorder *flight_recorder_open(const struct flight_recorder_options *options);
void flight_recorder_close(struct flight_recorder *r);	/* NULL is fine */

/* From now on so, but for the size, which stays. Without memory all stays as it was, and that is logged. */
void flight_recorder_follow(struct flight_recorder *r, const struct flight_recorder_options *options, const struct model *m);

/* 0 or -errno: the packet is not kept. */
int flight_recorder_take(struct flight_recorder *r, const struct packet *packet);

/* Whether it is time for a snapshot, which would take size bytes. */
bool flight_recorder_wants_snapshot(const struct flight_recorder *r, size_t size);

/* SIGUSR2, or the end. */
void flight_recorder_signalled(struct flight_recorder *r, uint64_t now_ns);
void flight_recorder_ending(struct flight_recorder *r);

/*
 * Looks for new findings (m NULL: there are none), and saves what is due (at the end: all). status is the last one in the stream.
 * The disk is waited for in a thread, except at the end: the rings go on being read; triggers meanwhile are only counted.
 */
void flight_recorder_check(struct flight_recorder *r, const struct model *m, const struct recording_about *about,
			   const struct recording_status *status, bool end);

/* Until what is being saved is there, and that was reported. */
void flight_recorder_wait(struct flight_recorder *r);

const struct flight_save_counters *flight_recorder_counters(const struct flight_recorder *r);

#endif
