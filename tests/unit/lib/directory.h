/* SPDX-License-Identifier: GPL-2.0-only */
/* Directories of a test's own. */
#ifndef TESTS_DIRECTORY_H
#define TESTS_DIRECTORY_H

#include <stdio.h>
#include <sys/resource.h>

/* An empty file in the directory, to be written. */
FILE *create_file(const char *directory, const char *name);

/* Removes the directory (or file) and all that is in it, for a test's teardown: 0, else not all of it is gone. */
int remove_tree(const char *path);

/* How many names there are in the directory. */
unsigned int count_names(const char *directory);

/* The names in the directory, in order, with a blank behind each. */
void check_names(const char *directory, const char *want);

/*
 * No file of this process gets longer than this: the write that would is cut off there, the next one fails.
 * RLIM_INFINITY: as long as they like again.
 */
void limit_files(rlim_t size);

#endif
