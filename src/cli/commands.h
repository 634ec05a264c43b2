/* SPDX-License-Identifier: GPL-2.0-only */
/* One file per command; commands.c has the table of them. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "session/options.h"

extern const struct command cmd_top, cmd_events, cmd_replay, cmd_state, cmd_doctor, cmd_record, cmd_report, cmd_diff, cmd_join, cmd_export,
	cmd_restore, cmd_help;

/* All of them, in the order in which help lists them; the last one is NULL. */
extern const struct command *const commands[];

/* NULL: there is none of that name. */
const struct command *command_find(const char *name);

#endif
