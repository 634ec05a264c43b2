/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When a flight recorder saves what it holds: some time after a trigger, so that the aftermath is in it, not too
 * often, and not more recordings than wanted.
 */
#ifndef TRACE_CAPTURE_H
#define TRACE_CAPTURE_H

#include "flight.h"

struct capture_options {
	const char *directory;	/* made if it is not there; each recording is a directory in it */
	unsigned int keep;	/* so many recordings at most, whole or not, the oldest goes, those of earlier runs included; 0: all */
	uint64_t after_ns;	/* how long after the trigger it saves */
	uint64_t gap_ns;	/* triggers that come earlier after the last one are only counted */
};

struct capture;

/* directory stays the caller's. NULL: no memory. */
struct capture *capture_new(const struct capture_options *options);
void capture_free(struct capture *c);	/* waits for what is being saved; NULL is fine */

/* From now on so; what was triggered stays so. Not while it saves. */
void capture_follow(struct capture *c, const struct capture_options *options);

/* Something has happened; false: it came too soon after the one before, or while it saves, and is only counted. reason is a word: a finding's code, "SIGUSR2", "exit". */
bool capture_trigger(struct capture *c, const char *reason, uint64_t now_ns);

/* Whether it is time to save. */
bool capture_is_due(const struct capture *c, uint64_t now_ns);
bool capture_is_armed(const struct capture *c);

/*
 * Saves what flight holds now as DIRECTORY/<UTC time>-<reason>, closed with status; about's reason is filled in. The disk is
 * waited for in a thread, so that flight can take more meanwhile; without memory for a copy of it, here.
 */
void capture_start(struct capture *c, const struct flight *flight, const struct recording_about *about,
		   const struct recording_status *status);

/* It was started, and capture_end() was not called. */
bool capture_is_saving(const struct capture *c);

/* That has come to its end: capture_end() will not wait. */
bool capture_is_saved(const struct capture *c);

/* Waits for it. name, of at least 640 bytes, is where it is, or on failure a message. 0 or -errno. */
int capture_end(struct capture *c, char *name, size_t size);

struct capture_counters {
	uint64_t saved, failed, suppressed, removed;
};
const struct capture_counters *capture_counters(const struct capture *c);

#endif
