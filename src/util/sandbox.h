/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A process that reads what others wrote shuts itself in once its files are open: Landlock leaves it the folders that it named, a
 * seccomp filter takes away programs, processes, sockets and what only administrators need. Each of the two where the kernel has it.
 */
#ifndef UTIL_SANDBOX_H
#define UTIL_SANDBOX_H

#include <stdbool.h>

struct sandbox {
	int rules;	/* Landlock's; negative: there are none */
	bool off;
};

/* For main() only: without this, nothing here does anything, as for tests that run several commands in one process. */
void sandbox_permit(void);

/* off: the user does not want it. */
void sandbox_begin(struct sandbox *s, bool off);

/* What is in that folder may be read; a file may be made, replaced and removed beside that one, or where it leads. NULL: nothing. */
void sandbox_read(struct sandbox *s, const char *directory);
void sandbox_write(struct sandbox *s, const char *file);

/* For all threads that will be, and for good. verbose: says what was done. What cannot be had is left out. */
void sandbox_enter(struct sandbox *s, bool verbose);

#endif
