// SPDX-License-Identifier: GPL-2.0-only
#include "util/buf.h"

#include <stdlib.h>
#include "util/line.h"

void buf_grow(struct buf *t, size_t more)
{
	size_t room = t->room ? t->room : 4096;
	char *bytes;

	while (room - t->size < more)
		room *= 2;
	bytes = t->failed ? NULL : realloc(t->bytes, room);
	if (!bytes) {
		t->failed = true;
		return;
	}
	t->bytes = bytes;
	t->room = room;
}

void buf_put_u64(struct buf *t, uint64_t value)
{
	char *to = buf_room(t, LINE_DIGITS);

	if (to)
		t->size = (size_t)(line_decimal(to, value) - t->bytes);
}
