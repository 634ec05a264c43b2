/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/commands.h"

#include <string.h>

const struct command *const commands[] = {
	&cmd_top, &cmd_record, &cmd_replay, &cmd_report, &cmd_diff, &cmd_join, &cmd_events, &cmd_export, &cmd_restore, &cmd_state, &cmd_doctor,
	&cmd_help, NULL,
};

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (commands[i]->name && strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}
