/* SPDX-License-Identifier: GPL-2.0-only */
/* The files of a recording: their names, which there are, and their bytes, compressed or not. */
#ifndef RECORDING_FILES_H
#define RECORDING_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILES_METADATA "metadata"
#define FILES_NAME_MAX 32

struct stream_file {
	uint32_t number;
	bool compressed;
	uint64_t size;		/* on disk */
};

/* "sdei-000001" or "sdei-000001.gz", and back; false: that is no name of ours. */
void files_name(char name[FILES_NAME_MAX], uint32_t number, bool compressed);
bool files_parse(const char *name, uint32_t *number, bool *compressed);

/* The stream files of a directory by number, plain ones rather than compressed of the same number: a new array. 0 or -errno. */
int files_list(int directory, struct stream_file **files, size_t *count);

/* Opens a regular file there, and nothing else. A descriptor or -errno. */
int files_open(int directory, const char *name);

#endif
