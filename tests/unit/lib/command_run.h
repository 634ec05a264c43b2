/* SPDX-License-Identifier: GPL-2.0-only */
/* Running a command as main() would, in a child, for tests of what it prints and how it ends. */
#ifndef TESTS_COMMAND_RUN_H
#define TESTS_COMMAND_RUN_H

#include <stddef.h>

#include "session/options.h"

/* In the folder (NULL: this one), both of its outputs in output, which holds size bytes; the exit status. argv ends with NULL. */
int run_command(const struct command *command, char **argv, const char *folder, char *output, size_t size);

/* Fail unless these words are in that output, or if they are. */
void assert_printed(const char *output, const char *words);
void assert_not_printed(const char *output, const char *words);

/* The same for a test that has it in output. */
#define assert_says(words) assert_printed(output, words)
#define assert_says_not(words) assert_not_printed(output, words)

#endif
