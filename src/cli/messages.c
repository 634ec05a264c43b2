/* SPDX-License-Identifier: GPL-2.0-only */
#include "messages.h"

#include <stdarg.h>
#include <stdio.h>

void say(const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* One write, so that lines of several processes do not mix. */
	fprintf(stderr, "%s: %s\n", PROGRAM, text);
}
