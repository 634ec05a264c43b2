// SPDX-License-Identifier: GPL-2.0-only
#include "util/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "util/log.h"

int error_set(struct error *error, int code, const char *format, ...)
{
	va_list args;

	error->code = code;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return code;
}

int error_no_memory(struct error *error)
{
	return error_set(error, -ENOMEM, "%s", MSG_NO_MEMORY);
}
