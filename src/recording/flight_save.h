/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When a flight recorder saves what it holds: some time after a trigger, so that the aftermath is in it, not too often for one
 * guest nor for all, and not more recordings than wanted (flight_quota.h).
 */
#ifndef RECORDING_FLIGHT_SAVE_H
#define RECORDING_FLIGHT_SAVE_H

#include "recording/flight.h"

struct flight_save_options {
	const char *directory;	/* made if it is not there; each recording is a directory in it */
	bool for_group;		/* as writer_options */
	unsigned int keep, keep_of_guest;	/* as flight_quota_new() */
	uint64_t after_ns;	/* how long after the trigger it saves */
	uint64_t gap_ns;	/* a guest's triggers that come earlier after its last one are only counted; between any two it is a tenth */
};

struct flight_save;

/* directory stays the caller's. NULL: no memory. */
struct flight_save *flight_save_new(const struct flight_save_options *options);
void flight_save_free(struct flight_save *c);	/* waits for what is being saved; NULL is fine */

/* From now on so; what was triggered stays so. Not while it saves. 0; -ENOMEM: all is as before. */
int flight_save_follow(struct flight_save *c, const struct flight_save_options *options);

/*
 * Something has happened; false: it came too soon after one of the same guest, or too many wait, and is only counted. reason is a
 * word: a finding's code, "SIGUSR2", "exit". guest: whose finding, as flight_quota_name(); NULL: nobody's. Those of several guests wait
 * for each other, each to be saved under its own name.
 */
bool flight_save_trigger(struct flight_save *c, const char *reason, const char *guest, uint64_t now_ns);

/* Whether it is time to save for the first that waits; whether one waits. */
bool flight_save_is_due(const struct flight_save *c, uint64_t now_ns);
bool flight_save_is_armed(const struct flight_save *c);

/*
 * One waits, and nothing is being saved. Saves what flight holds now as DIRECTORY/<UTC time>-<number>-<reason>@<guest>, closed with status; about's reason is filled in.
 * What cannot be saved whole is removed again. The disk is waited for in a thread, so that flight can take more meanwhile; without
 * memory for a copy of it, here.
 */
void flight_save_start(struct flight_save *c, const struct flight *flight, const struct recording_about *about,
		   const struct recording_status *status);

/* It was started, and flight_save_end() was not called. */
bool flight_save_is_saving(const struct flight_save *c);

/* That has come to its end: flight_save_end() will not wait. */
bool flight_save_is_saved(const struct flight_save *c);

/* Waits for it. name, of at least 640 bytes, is where it is, or on failure a message. 0 or -errno. */
int flight_save_end(struct flight_save *c, char *name, size_t size);

struct flight_save_counters {
	uint64_t saved, failed, suppressed, removed;
};
const struct flight_save_counters *flight_save_counters(const struct flight_save *c);

#endif
