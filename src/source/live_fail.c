// SPDX-License-Identifier: GPL-2.0-only
#include "source/live_private.h"

#include <stdarg.h>
#include <stdio.h>

int live_fail(const struct live_error *error, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->message, error->size, format, args);
	va_end(args);
	return err;
}
