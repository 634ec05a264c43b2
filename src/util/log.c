/* SPDX-License-Identifier: GPL-2.0-only */
#include "util/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *program = PROGRAM;
static bool to_journal;

/* systemd.exec(5): $JOURNAL_STREAM is the device and inode of what it connected to the journal. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat own;
	char text[64];

	if (!stream || fstat(STDERR_FILENO, &own) < 0)
		return false;
	snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)own.st_dev, (uintmax_t)own.st_ino);
	return strcmp(stream, text) == 0;
}

void say_as(const char *name)
{
	program = name;
	to_journal = stderr_is_journal();
}

const char *say_program(void)
{
	return program;
}

static void vsay(enum say_level level, const char *format, va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, args);
	/* One write, so that lines of several processes do not mix. */
	if (to_journal)
		fprintf(stderr, "<%d>%s\n", level, text);
	else
		fprintf(stderr, "%s: %s\n", program, text);
}

void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsay(SAY_WARNING, format, args);
	va_end(args);
}

void say_at(enum say_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsay(level, format, args);
	va_end(args);
}
