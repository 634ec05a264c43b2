// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/lib/command_run.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int run_in_child(const struct command *command, char **argv, const char *folder, FILE *out)
{
	int argc = 0, status;

	while (argv[argc])
		argc++;
	dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
	dup2(fileno(out), STDOUT_FILENO);
	dup2(fileno(out), STDERR_FILENO);
	if (folder && chdir(folder))
		return 99;
	status = command->run(command, argc, argv);
	fflush(stdout);
	return status;
}

int run_command(const struct command *command, char **argv, const char *folder, char *output, size_t size)
{
	FILE *out = tmpfile();
	size_t length;
	int status;
	pid_t child;

	assert_non_null(out);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(run_in_child(command, argv, folder, out));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	rewind(out);
	length = fread(output, 1, size - 1, out);
	output[length] = '\0';
	fclose(out);
	return WEXITSTATUS(status);
}

void assert_printed(const char *output, const char *words)
{
	if (!strstr(output, words))
		fail_msg("no '%s' in '%.3000s'", words, output);
}

void assert_not_printed(const char *output, const char *words)
{
	if (strstr(output, words))
		fail_msg("'%s' in '%.3000s'", words, output);
}
