/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_DIRECTORY_NAMES_H
#define TESTS_DIRECTORY_NAMES_H

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static int is_entry(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* The names in the directory, in order, with a blank behind each. */
static void check_names(const char *directory, const char *want)
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

#endif
