/* SPDX-License-Identifier: GPL-2.0-only */
/* A folder for the recordings of all tests of one command, and that command run in it. */
#ifndef TESTS_RUN_IN_FOLDER_H
#define TESTS_RUN_IN_FOLDER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/lib/command_run.h"
#include "tests/unit/lib/directory.h"
#include "tests/unit/lib/recording_scene.h"
#include "tests/unit/lib/view_scene.h"

static char folder[64], output[1 << 20];	/* output: what was printed last */

static int make_folder(void **state)
{
	strcpy(folder, "/tmp/sdeitop-test-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	return remove_tree(folder);
}

/* Valid until the next call. */
static const char *path_of(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* A recording of these items, which are in time order. */
static void record_as(const char *name, const struct recording_about *about, const struct recording_item *items, size_t count)
{
	assert_int_equal(mkdir(path_of(name), 0777), 0);
	record_items(path_of(name), about, items, count);
}

/* The exit status of COMMAND, which the test defines, with these arguments. */
#define RUN(...) run_command(&COMMAND, (char *[]){ (char *)COMMAND.name, ##__VA_ARGS__, NULL }, folder, output, sizeof(output))

/* The same is want, and what it prints is as in tests/golden/. */
#define CHECK(golden, want, ...) do {				\
	assert_int_equal(RUN(__VA_ARGS__), want);		\
	assert_golden(golden, output);				\
} while (0)

#endif
