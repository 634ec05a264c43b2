// SPDX-License-Identifier: GPL-2.0-only
#include "say.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static char *kept;
static size_t kept_size;

void complain_into(char *buffer, size_t size)
{
	kept = buffer;
	kept_size = size;
	if (buffer)
		*buffer = 0;
}

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (kept && *kept) {
		/* the first one tells most */
	} else if (kept) {
		vsnprintf(kept, kept_size, format, args);
	} else {
		fprintf(stderr, "%s: ", program_invocation_short_name);
		vfprintf(stderr, format, args);
		fputc('\n', stderr);
	}
	va_end(args);
}

void plain_name(const char *name, char *buffer, size_t size)
{
	if (!name)
		name = program_invocation_short_name;
	if (!strncmp(name, "guest=", 6))
		name += 6;
	snprintf(buffer, size, "%.*s", (int)strcspn(name, ","), name);
}

void put_quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		unsigned char c = *text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

bool take_number(const char *text, uint64_t most, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno && *value && *value <= most)
		return true;
	complain("a number from 1 to %" PRIu64 " is expected, not '%s' (--help)", most, text);
	return false;
}

void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, set, NULL);
}
