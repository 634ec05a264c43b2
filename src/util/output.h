/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The output of a command, a file or standard output: written to with stdio, and ended in one way. The first error is kept when it
 * happens, and reported once; what is written after it goes nowhere. That nobody reads it any more is no error for the user.
 */
#ifndef UTIL_OUTPUT_H
#define UTIL_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "util/exit_status.h"

/* All zero is none. It must not move while it is open: file points to it. */
struct output {
	FILE *file;		/* to write to; NULL: not open */
	const char *name;	/* for messages */
	int fd;
	int error;		/* errno of the first write that failed; 0: none has, but something may be in the buffer still */
	bool reported;
};

/* NULL and "-" are standard output. */
bool output_is_standard(const char *path);

/* path as output_is_standard(), or a file. Standard output stays open. False: the error has been reported. */
bool output_open(struct output *o, const char *path);

/* On a descriptor, which is the output's from now on, even if that fails. */
bool output_open_fd(struct output *o, int fd, const char *name);

/* Writes what is in the buffer. False: nothing can be written any more; if that is an error, the error has been reported. */
bool output_flush(struct output *o);

/* Flushes and closes: EXIT_DONE or EXIT_FAILED. Not open is fine. */
enum exit_status output_close(struct output *o);

/* How it has gone so far. */
enum exit_status output_status(const struct output *o);

#endif
