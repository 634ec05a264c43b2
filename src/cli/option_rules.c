/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/option_rules.h"

#include "cli/commands.h"
#include "util/log.h"

#define RECORDING "DIR", "input"

const struct option_rule option_rules[] = {
	{ &cmd_top, { "filter", "sort", "reverse", "no-mouse" }, false, { "json" }, MSG_NOT_JSON },
	{ &cmd_replay, { "filter", "sort", "reverse", "no-mouse" }, false, { "json" }, MSG_NOT_JSON },
	{ &cmd_events, { "no-calls", "client", "gic", "sched", "ring-size" }, false, { RECORDING }, MSG_LIVE_ONLY },
	{ &cmd_events, { "since", "until", "no-sandbox" }, true, { RECORDING }, MSG_RECORDING_ONLY },
	{ &cmd_restore, { "since", "until", "no-sandbox" }, true, { RECORDING }, MSG_RECORDING_ONLY },
	{ &cmd_record, { "keep" }, true, { "max-size", "flight" }, MSG_KEEP_SIZE },
	{ &cmd_record, { "json" }, true, { "summary" }, MSG_JSON_SUMMARY },
	{ &cmd_record, { "max-size", "compress" }, false, { "flight" }, MSG_FLIGHT_ALONE },
	{ &cmd_record, { "flight" }, true, { "on" }, MSG_FLIGHT_ON },
	{ &cmd_record, { "on" }, true, { "flight" }, MSG_ON_FLIGHT },
	{ &cmd_export, { "compress" }, true, { "ctf" }, MSG_CTF_ONLY },
	{ 0 },
};

static bool is_any_given(const struct option_rule *rule, const void *config)
{
	for (const char *const *other = rule->others; *other; other++)
		if (option_given(rule->command, config, *other))
			return true;
	return false;
}

/* NULL: not broken. */
static const char *broken_by(const struct option_rule *rule, const void *config)
{
	if (is_any_given(rule, config) == rule->needs)
		return NULL;
	for (const char *const *option = rule->options; *option; option++)
		if (option_given(rule->command, config, *option))
			return *option;
	return NULL;
}

const struct option_rule *option_rules_broken(const struct command *command, const void *config, const char **option)
{
	for (const struct option_rule *rule = option_rules; rule->command; rule++)
		if (rule->command == command && (*option = broken_by(rule, config)))
			return rule;
	return NULL;
}

int option_rules_check(const struct command *command, const void *config)
{
	const char *option;
	const struct option_rule *rule = option_rules_broken(command, config, &option);

	if (rule)
		say(rule->message, option);
	return rule ? EXIT_USAGE : EXIT_DONE;
}

int option_rules_check_input(const struct command *command, const void *config, const char *input, char **run)
{
	if (input && run) {
		say(MSG_INPUT_AND_COMMAND);
		return EXIT_USAGE;
	}
	return option_rules_check(command, config);
}
