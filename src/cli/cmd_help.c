/* SPDX-License-Identifier: GPL-2.0-only */
/* sdeitop help: what commands there are; the manual page of one of them, or of a topic. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/show.h"
#include "session/session.h"
#include "util/log.h"
#include "util/output.h"

#define NAME_WIDTH 12

struct help_config {
	struct session_config session;
	const char *word;	/* a command or a topic; NULL: list them */
};

static const struct option_spec options[] = {
	SESSION_OPTION(help_config, 'h', "help", NULL, flag, help, "this text"),
	SESSION_OPTION(help_config, 'V', "version", NULL, flag, version, "the version"),
	{ 0 },
};

static const struct option_spec operands[] = {
	{ 0, "COMMAND", NULL, &option_string, offsetof(struct help_config, word), NULL },
	{ 0 },
};

/* What is described in a manual page only. */
static const struct page {
	const char *topic, *section, *name, *brief;
} pages[] = {
	{ "findings", "7", "sdeitop-findings", "what findings, results and reasons mean, and what to do about them" },
	{ "recording", "5", "sdeitop-recording", "the format of recordings" },
	{ "metrics", "7", "sdeid-metrics", "what sdeid writes for Prometheus" },
	{ "sdeid", "8", "sdeid", "the daemon" },
	{ "sdeid.conf", "5", "sdeid.conf", "its configuration" },
	{ 0 },
};

/* --- the list */

static void put_entry(FILE *out, const char *name, const char *brief)
{
	fprintf(out, "  %-*s %s\n", NAME_WIDTH, name, brief);
}

static void put_list(FILE *out)
{
	fputs("\nCommands:\n", out);
	for (size_t i = 0; commands[i]; i++)
		put_entry(out, commands[i]->name ?: PROGRAM, commands[i]->brief);
	fputs("\nTopics:\n", out);
	for (const struct show_topic *topic = show_topics; topic->name; topic++)
		put_entry(out, topic->name, topic->brief);
	for (const struct page *page = pages; page->topic; page++)
		put_entry(out, page->topic, page->brief);
}

static void put_overview(FILE *out)
{
	fprintf(out, "Usage: %s %s\n", say_program(), cmd_help.usage);
	put_list(out);
}

/* --- the manual */

extern char **environ;

/* Runs man quietly to find out whether it has the page. */
static bool has_page(const char *section, const char *name)
{
	char *argv[] = { "man", "-w", (char *)section, (char *)name, NULL };
	posix_spawn_file_actions_t quiet;
	int status = -1;
	pid_t man;

	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&man, "man", &quiet, NULL, argv, environ) != 0 || waitpid(man, &status, 0) < 0)
		status = -1;
	posix_spawn_file_actions_destroy(&quiet);
	return status == 0;
}

/* Returns only if there is no such page here. */
static void open_page(const char *section, const char *name)
{
	if (has_page(section, name))
		execlp("man", "man", section, name, NULL);
}

/* --- the command */

static int no_page(const struct page *page)
{
	say(MSG_NO_PAGE, page->name, page->section, page->name, page->section);
	return EXIT_FAILED;
}

static int no_topic(const char *word)
{
	say(MSG_UNKNOWN_TOPIC, word, say_program());
	return EXIT_USAGE;
}

static const struct command *find_command(const char *word)
{
	return strcmp(word, PROGRAM) == 0 ? &cmd_top : command_find(word);
}

static int help_command(const struct command *command, FILE *out)
{
	char page[64];

	snprintf(page, sizeof(page), "%s%s%s", PROGRAM, command->name ? "-" : "", command->name ?: "");
	open_page("1", page);
	options_help(command, out);
	return EXIT_DONE;
}

static int help_word(const char *word, FILE *out)
{
	const struct command *command = find_command(word);

	if (command)
		return help_command(command, out);
	for (const struct show_topic *topic = show_topics; topic->name; topic++) {
		if (strcmp(topic->name, word) == 0) {
			show_topic(topic, out);
			return EXIT_DONE;
		}
	}
	for (const struct page *page = pages; page->topic; page++) {
		if (strcmp(page->topic, word) == 0) {
			open_page(page->section, page->name);
			return no_page(page);
		}
	}
	return no_topic(word);
}

static int help(const char *word)
{
	struct output out;
	int status = EXIT_DONE, closed;

	if (!output_open(&out, NULL))
		return EXIT_FAILED;
	if (word)
		status = help_word(word, out.file);
	else
		put_overview(out.file);
	closed = output_close(&out);
	return status == EXIT_DONE ? closed : status;
}

static int run(const struct command *self, int argc, char **argv)
{
	struct help_config config = { 0 };
	char **rest;
	int status;

	if (session_parse(self, argc, argv, &config, &config.session, &rest, &status))
		status = rest ? no_topic(rest[0]) : help(config.word);
	options_clear(self, &config);
	return status;
}

const struct command cmd_help = {
	.name = "help",
	.brief = "show the manual page of a command, or explain a topic",
	.usage = "help [COMMAND | TOPIC]",
	.help = "Opens the manual page of COMMAND, or prints its --help where there is no such page; explains TOPIC; else lists them.",
	.more_help = put_list,
	.options = options,
	.operands = operands,
	.run = run,
};
