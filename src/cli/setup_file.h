/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The user's set-up of the screen in a file: $XDG_CONFIG_HOME/sdeitop/screen.conf, else below $HOME/.config. What belongs to
 * another user, as HOME under sudo may, is neither read nor written.
 */
#ifndef CLI_SETUP_FILE_H
#define CLI_SETUP_FILE_H

#include <stddef.h>

#include "util/sandbox.h"
#include "view/screen/setup.h"

/* Without a file, or with one that is of no use, as usual; message says what is wrong with it, "" nothing. */
void setup_file_read(struct setup *setup, char *message, size_t size);

/* Makes the folder, and lets the process write there from within a sandbox. */
void setup_file_allow(struct sandbox *sandbox);

/* A whole file or the one before. message says where it is, or why it is not. */
void setup_file_write(const struct setup *setup, char *message, size_t size);

#endif
