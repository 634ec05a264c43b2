/* SPDX-License-Identifier: GPL-2.0-only */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "util/log.h"
#include "util/sandbox.h"

static const struct command *const commands[] = {
	&cmd_top, &cmd_events, &cmd_replay, &cmd_state, &cmd_doctor, &cmd_record, &cmd_report, &cmd_diff, &cmd_export,
};

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i]->name && strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

/* A first word that is neither an option nor a number was meant to be a command. */
static int no_such(const char *name)
{
	say(MSG_UNKNOWN_COMMAND, name);
	say(MSG_TRY_HELP, say_program(), "", "");
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	const struct command *command = argc > 1 ? find(argv[1]) : NULL;

	/* Characters are the user's, numbers are always C's. */
	setlocale(LC_CTYPE, "");
	sandbox_permit();
	if (command)
		return command->run(command, argc - 1, argv + 1);
	if (argc > 1 && strspn(argv[1], "0123456789.-") == 0)
		return no_such(argv[1]);
	return cmd_top.run(&cmd_top, argc, argv);
}
