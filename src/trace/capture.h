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
void capture_free(struct capture *c);	/* NULL is fine */

/* From now on so; what was triggered stays so. */
void capture_follow(struct capture *c, const struct capture_options *options);

/* Something has happened; false: it came too soon after the one before, and is only counted. reason is a word: a finding's code, "SIGUSR2", "exit". */
bool capture_trigger(struct capture *c, const char *reason, uint64_t now_ns);

/* Whether it is time to save. */
bool capture_is_due(const struct capture *c, uint64_t now_ns);
bool capture_is_armed(const struct capture *c);

/*
 * Saves as DIRECTORY/<UTC time>-<reason>, closed with status; name, of at least 640 bytes, is where, or on failure a
 * message. about->reason is filled in. 0 or -errno.
 */
int capture_save(struct capture *c, const struct flight *flight, struct recording_about *about,
		 const struct recording_status *status, char *name, size_t size);

struct capture_counters {
	uint64_t saved, failed, suppressed, removed;
};
const struct capture_counters *capture_counters(const struct capture *c);

#endif
