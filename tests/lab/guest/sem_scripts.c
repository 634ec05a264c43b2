// SPDX-License-Identifier: GPL-2.0-only
/* Runs semantics.tests: what a script can tell of order, wake-up, other PEs, resets, conduits, refusals, migration. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

extern const char semantics_tests[];

struct script_test {
	char name[100];
	char *text;		/* begins with as many empty lines as are before it in the file */
	unsigned int vcpus;
	bool without_gic, migrate, inject;
};

static const char *next_test(const char *text)
{
	const char *next = strstr(text, "\ntest ");

	return next ? next + 1 : NULL;
}

static unsigned int lines_before(const char *place)
{
	unsigned int lines = 0;

	for (const char *c = semantics_tests; c < place; c++)
		lines += *c == '\n';
	return lines;
}

static char *cut_out(const char *begin, const char *end)
{
	unsigned int lines = lines_before(begin);
	char *text = calloc(1, lines + (end - begin) + 1);

	if (!text)
		abort();
	memset(text, '\n', lines);
	memcpy(text + lines, begin, end - begin);
	return text;
}

static struct script_test read_test(const char *begin, const char *end)
{
	struct script_test test = { .text = cut_out(begin, end), .vcpus = 1 };
	const char *with = strstr(test.text, "\nwith "), *vcpus = strstr(test.text, "\nvcpus ");
	char options[100] = "";

	sscanf(begin, "test %99[^\n]", test.name);
	if (vcpus)
		test.vcpus = atoi(vcpus + 7);
	if (with)
		sscanf(with, "\nwith %99[^\n]", options);
	test.without_gic = strstr(options, "without-gic");
	test.migrate = strstr(options, "migrate");
	test.inject = strstr(options, "inject");
	return test;
}

static void run_here(const struct script_test *test)
{
	struct rig rig = { .options = { .vcpus = test->vcpus, .without_gic = test->without_gic } };

	rig_do(&rig, test->text);
	rig_down(&rig);
}

void run_scripts(void)
{
	const char *end = semantics_tests + strlen(semantics_tests), *next;

	for (const char *begin = next_test(semantics_tests); begin; begin = next) {
		struct script_test test;

		next = next_test(begin);
		test = read_test(begin, next ?: end);
		if (test_wanted("%s", test.name)) {
			if (test.migrate)
				run_migration(test.text, test.inject);
			else
				run_here(&test);
			test_end();
		}
		free(test.text);
	}
}
