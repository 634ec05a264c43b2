/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recordings of one host, one or several, as one: what they hold comes in order of time.
 *
 * What two of them have comes once, if that can be known: of recordings of one recorder (saved by a flight recorder, copies), whose
 * packets are numbered. Others may have the same time only if no VM is in both. Where nothing was recorded in between, records are lost.
 */
#ifndef SESSION_MERGED_H
#define SESSION_MERGED_H

#include "session/playback.h"

struct merged_calls {
	/* Records; before the range, those that give the states then. */
	struct record_sink sink;
	/* The range begins at time_ns: before the first record in it. */
	void (*begin)(void *ctx, uint64_t time_ns);
	/* A moment at which a recorder said how it was doing: all of them together, as far as is known. */
	void (*status)(void *ctx, const struct recording_status *status);
	/* From here on the VM is called that. */
	void (*name)(void *ctx, uint32_t vm, const char *name, const char *uuid, bool late, uint64_t time_ns);
	void *ctx;
};

struct merged;

/* config is that of each recording, without its input. NULL: the error has been reported and *exit_status says what to exit with. */
struct merged *merged_open(const struct playback_config *config, const struct string_list *directories,
			   const struct merged_calls *calls, int *exit_status);
void merged_close(struct merged *m);	/* NULL is fine */

/* Where records go from now on, instead of to that of the calls. */
void merged_set_sink(struct merged *m, const struct record_sink *sink);

/* Plays all of it. */
void merged_run(struct merged *m);

/* Ends merged_run() soon: for a sink that has enough. */
void merged_end(struct merged *m);

/* How the recorders were doing at the end of what was played. */
struct recording_status merged_status(const struct merged *m);

/* The first one's, with a uuid of its own: what is merged is another recording. */
struct recording_about merged_about(const struct merged *m);

/* The name of a VM of the record that is being handed on: a vm_lookup_t whose ctx is m. */
char *merged_vm(void *m, uint32_t vm, char uuid[GUEST_UUID_SIZE]);

/* playback_finish() of each. */
int merged_finish(struct merged *m);

#endif
