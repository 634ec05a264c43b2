/* SPDX-License-Identifier: GPL-2.0-only */
/* Which options have a meaning in which mode of a command, one table for all. */
#ifndef CLI_OPTION_RULES_H
#define CLI_OPTION_RULES_H

#include "session/options.h"

/* Each of options is refused with (or, if needs, without) every one of others, which say what the mode is. */
struct option_rule {
	const struct command *command;
	const char *options[6];		/* NULL behind them */
	bool needs;
	const char *others[3];		/* options and operands; NULL behind them */
	const char *message;		/* takes the name of the option */
};

extern const struct option_rule option_rules[];	/* the last one has command NULL */

/* The first rule that is broken, and by which option; NULL: none is. */
const struct option_rule *option_rules_broken(const struct command *command, const void *config, const char **option);

/* EXIT_DONE, or EXIT_USAGE: what is wrong has been reported. */
int option_rules_check(const struct command *command, const void *config);
/* The same of a command that looks at a recording, input, or at what a command does that it runs; either may be NULL. */
int option_rules_check_input(const struct command *command, const void *config, const char *input, char **run);

#endif
