/* SPDX-License-Identifier: GPL-2.0-only */
#include <locale.h>
#include <string.h>

#include "cli/commands.h"
#include "util/log.h"
#include "util/sandbox.h"

/* A first word that is neither an option nor a number was meant to be a command. */
static int no_such(const char *name)
{
	say(MSG_UNKNOWN_COMMAND, name);
	say(MSG_TRY_HELP, say_program(), "", "");
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	const struct command *command = argc > 1 ? command_find(argv[1]) : NULL;

	/* Characters are the user's, numbers are always C's. */
	setlocale(LC_CTYPE, "");
	sandbox_permit();
	if (command)
		return command->run(command, argc - 1, argv + 1);
	if (argc > 1 && strspn(argv[1], "0123456789.-") == 0)
		return no_such(argv[1]);
	return cmd_top.run(&cmd_top, argc, argv);
}
