/* SPDX-License-Identifier: GPL-2.0-only */
#include <dirent.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/lib/directory.h"

FILE *create_file(const char *directory, const char *name)
{
	char path[512];
	FILE *file;

	assert_in_range(snprintf(path, sizeof(path), "%s/%s", directory, name), 1, sizeof(path) - 1);
	file = fopen(path, "w");
	assert_non_null(file);
	return file;
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *at)
{
	return remove(path);
}

int remove_tree(const char *path)
{
	return nftw(path, remove_entry, 20, FTW_DEPTH | FTW_PHYS);
}

static int is_entry(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

unsigned int count_names(const char *directory)
{
	struct dirent **entries;
	int count = scandir(directory, &entries, is_entry, NULL);

	assert_true(count >= 0);
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	return count;
}

void check_names(const char *directory, const char *want)
{
	struct dirent **entries;
	char names[2000] = "";
	int count = scandir(directory, &entries, is_entry, alphasort);

	assert_true(count >= 0);
	for (int i = 0; i < count; i++) {
		strcat(strcat(names, entries[i]->d_name), " ");
		free(entries[i]);
	}
	free(entries);
	assert_string_equal(names, want);
}

void limit_files(rlim_t size)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}
