/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets into a directory: files, their rotation, compression of those that are closed. A packet is written by one
 * write; if that fails half way, the file is cut back to the packet before.
 */
#ifndef RECORDING_WRITER_H
#define RECORDING_WRITER_H

#include "recording/packet.h"
#include "util/error.h"

struct writer_options {
	const char *directory;		/* made, mode 0700, if it is not there; otherwise must be empty */
	bool for_group;			/* who may read: the group, too, as far as the umask lets it */
	uint64_t file_size;		/* a file that has this many bytes is closed; 0: one file */
	unsigned int keep;		/* so many files at most, the oldest goes; 0: all */
	bool compress;			/* closed files, gzip: in a thread of its own, so that recording does not wait */
};

struct writer;

/* Writes the metadata. NULL: see *error. */
struct writer *writer_open(const struct writer_options *options, const struct recording_about *about, struct error *error);

/* 0, or -errno: nothing of the packet is there. ENOSPC and the like may pass: try the next packet. */
int writer_take(void *store, const struct packet *packet);

/* Whether the next packet starts a new file: a snapshot is due before it. */
bool writer_is_file_full(const struct writer *s);

/*
 * Starts the next file; the packets that follow go there. 0 or -errno: the old one is still in use. It is synced in a thread,
 * meanwhile; that this failed is reported by writer_close().
 */
int writer_next_file(struct writer *s);

struct writer_counters {
	uint64_t bytes;			/* there now, compressed ones as they are */
	unsigned int files, removed;	/* there; taken away because of keep */
	uint64_t failed_writes;
	int last_error;			/* errno of the last failed write; 0: none, or one has succeeded since */
};
void writer_counters(const struct writer *s, struct writer_counters *counters);

/* fsync, the last file compressed if asked. 0 or the first -errno that was not reported yet. NULL is fine. */
int writer_close(struct writer *s);

#endif
