/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records of recordings to a recording of their own: what was cut out of them, what is whole in a damaged one, or several as one.
 */
#ifndef VIEW_EXPORT_EXPORT_CTF_H
#define VIEW_EXPORT_EXPORT_CTF_H

#include "record/sink.h"
#include "recording/recording.h"
#include "util/error.h"

struct export_ctf_options {
	const char *directory;			/* made; otherwise must be empty */
	bool compress;				/* as writer_options */
	struct recording_about about;		/* the uuid is its own */
	/* As of packetizer_options. */
	char *(*name)(void *ctx, uint32_t vm, char uuid[RECORDING_UUID_SIZE]);
	void *ctx;
};

struct export_ctf;

/* NULL: message (of at least 512 bytes) says why. */
struct export_ctf *export_ctf_new(const struct export_ctf_options *options, struct error *error);
void export_ctf_free(struct export_ctf *x);	/* NULL is fine */

/* Takes records; of those before export_ctf_begin() only the states that they leave. */
struct record_sink export_ctf_sink(struct export_ctf *x);

/* What is wanted begins at time_ns: with a snapshot of the states then. */
void export_ctf_begin(struct export_ctf *x, uint64_t time_ns);

/* The VM is called that from here on. One that had another name is gone, unless this one came late. */
void export_ctf_name(struct export_ctf *x, uint32_t vm, const char *name, const char *uuid, bool late, uint64_t time_ns);

/* How the recorder was doing. What was attempted, read and lost is counted here. */
void export_ctf_status(struct export_ctf *x, struct recording_status status);

/* errno of the first write that failed; 0: none has. */
int export_ctf_error(const struct export_ctf *x);

/* The last status, and everything to disk. 0, -ENOMEM or the first -errno. */
int export_ctf_end(struct export_ctf *x, struct recording_status status);

#endif
