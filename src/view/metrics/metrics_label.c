// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "util/text.h"
#include "view/metrics/metrics_inside.h"

static void put_character(struct buf *t, const char *bytes, unsigned int length, uint32_t code)
{
	if (code == '\n')
		buf_puts(t, "\\n");
	else if (!length || escape_is_unsafe(code))
		buf_puts(t, "\xef\xbf\xbd");
	else if (code == '\\' || code == '"')
		buf_put(t, code == '"' ? "\\\"" : "\\\\", 2);
	else
		buf_put(t, bytes, length);
}

void metrics_put_label(struct buf *t, const char *name, size_t max)
{
	const char *end = name + strnlen(name, max);

	while (name < end && *name) {
		uint32_t code = 0;
		unsigned int length = utf8_decode(name, &code);

		if (name + length > end)
			break;
		put_character(t, name, length, code);
		name += length ? length : 1;
	}
}
