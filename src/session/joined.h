/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recordings of one host, one or several, as one: what they hold comes in order of time.
 *
 * What two of them have comes once, if that can be known: of recordings of one recorder (saved by a flight recorder, copies), whose
 * packets are numbered. Others may have the same time only if no VM is in both. Where nothing was recorded in between, records are lost.
 */
#ifndef SESSION_JOINED_H
#define SESSION_JOINED_H

#include "session/playback.h"

struct joined_calls {
	/* Records; before the range, those that give the states then. */
	struct record_sink sink;
	/* The range begins at time_ns: before the first record in it. */
	void (*begin)(void *ctx, uint64_t time_ns);
	/* A moment at which a recorder said how it was doing: all of them together, as far as is known. */
	void (*status)(void *ctx, const struct recording_status *status);
	/* From here on the VM is called that. */
	void (*name)(void *ctx, uint32_t vm, const char *name, uint64_t time_ns);
	void *ctx;
};

struct joined;

/* config is that of each recording, without its input. NULL: the error has been reported and *exit_status says what to exit with. */
struct joined *joined_open(const struct playback_config *config, const struct string_list *directories,
			   const struct joined_calls *calls, int *exit_status);
void joined_close(struct joined *j);	/* NULL is fine */

/* Where records go from now on, instead of to that of the calls. */
void joined_set_sink(struct joined *j, const struct record_sink *sink);

/* Plays all of it. */
void joined_run(struct joined *j);

/* Ends joined_run() soon: for a sink that has enough. */
void joined_end(struct joined *j);

/* How the recorders were doing at the end of what was played. */
struct recording_status joined_status(const struct joined *j);

/* The first one's, with a uuid of its own: what is joined is another recording. */
struct recording_about joined_about(const struct joined *j);

/* The name of a VM of the record that is being handed on: a new string, NULL: no memory. */
char *joined_name(void *joined, uint32_t vm);

/* playback_finish() of each. */
int joined_finish(struct joined *j);

#endif
