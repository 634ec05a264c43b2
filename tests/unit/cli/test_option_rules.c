/* SPDX-License-Identifier: GPL-2.0-only */
/* Which options have a meaning in which mode: each row of the table, by what the parser makes of a command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/lib/command_run.h"
#include "cli/commands.h"
#include "cli/option_rules.h"
#include "util/log.h"

#define CONFIG_SIZE 8192	/* of any command's */

static const struct option_spec *find(const struct option_spec *spec, const char *name)
{
	while (spec && spec->name && strcmp(spec->name, name) != 0)
		spec++;
	return spec && spec->name ? spec : NULL;
}

/* A value that the option takes. */
static const char *value_for(const struct option_spec *spec)
{
	static const char *const values[] = { "1", "64K", "any", "max", "1s", "vm=web" };
	char field[256];

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		int err;

		memset(field, 0, sizeof(field));
		err = spec->type->set(field, values[i]);
		if (spec->type->clear)
			spec->type->clear(field);
		if (err == 0)
			return values[i];
	}
	fail_msg("no value for --%s", spec->name);
	return NULL;
}

/* Appends what gives the option or operand. */
static void give(const struct command *command, const char *name, char **argv, int *argc)
{
	static char words[8][32];
	const struct option_spec *spec = find(command->options, name);
	char *word = words[*argc % 8];

	if (!spec) {
		assert_non_null(find(command->operands, name));
		argv[(*argc)++] = "tests/data/recording-1";
		return;
	}
	snprintf(word, sizeof(words[0]), "--%s", name);
	argv[(*argc)++] = word;
	if (!spec->type->flag)
		argv[(*argc)++] = (char *)value_for(spec);
}

/* What is broken with that option, and another one unless NULL; by: by which option. */
static const struct option_rule *broken(const struct command *command, const char *option, const char *other, const char **by)
{
	static _Alignas(16) char config[CONFIG_SIZE];
	char *argv[8] = { "command" }, message[256], **rest;
	const struct option_rule *rule;
	int argc = 1;

	memset(config, 0, sizeof(config));
	give(command, option, argv, &argc);
	if (other)
		give(command, other, argv, &argc);
	assert_int_equal(options_parse(command, argc, argv, config, &rest, message, sizeof(message)), 0);
	rule = option_rules_broken(command, config, by);
	options_clear(command, config);
	return rule;
}

static void check_other(const struct option_rule *rule, const char *option, const char *other)
{
	const char *by = NULL;
	const struct option_rule *found = broken(rule->command, option, other, &by);

	if (rule->needs) {
		assert_true(found != rule);
		return;
	}
	assert_ptr_equal(found, rule);
	assert_string_equal(by, option);
}

static void check_option(const struct option_rule *rule, const char *option)
{
	const char *by = NULL;
	const struct option_rule *found = broken(rule->command, option, NULL, &by);

	for (const char *const *other = rule->others; *other; other++)
		check_other(rule, option, *other);
	if (!rule->needs) {
		assert_true(found != rule);
		return;
	}
	assert_ptr_equal(found, rule);
	assert_string_equal(by, option);
}

static void test_table(void **state)
{
	for (const struct option_rule *rule = option_rules; rule->command; rule++) {
		assert_true(rule->command->given);
		for (const char *const *option = rule->options; *option; option++)
			check_option(rule, *option);
	}
}

/* Each command asks the table, before it does anything else. */
static void test_commands(void **state)
{
	static const struct {
		const struct command *command;
		char *argv[6];
		const char *says;
	} lines[] = {
		{ &cmd_top, { "sdeitop", "-j", "--sort", "max", NULL }, "--sort is for the screen and for text" },
		{ &cmd_replay, { "replay", "-j", "-f", "vm=web", "tests/data/recording-1" }, "--filter is for the screen and for text" },
		{ &cmd_events, { "events", "--until", "1s", NULL }, "--until is for recordings" },
		{ &cmd_events, { "events", "--no-calls", "-i", "tests/data/recording-1", NULL }, "--no-calls is for live tracing" },
		{ &cmd_record, { "record", "--on", "any", NULL }, "--on needs --flight" },
		{ &cmd_export, { "export", "--csv", "--compress", "tests/data/recording-1", NULL }, "--compress is for --ctf" },
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char *argv[7] = { 0 }, output[1024];

		memcpy(argv, lines[i].argv, sizeof(lines[i].argv));
		assert_int_equal(run_command(lines[i].command, argv, NULL, output, sizeof(output)), EXIT_USAGE);
		assert_non_null(strstr(output, lines[i].says));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
