/* SPDX-License-Identifier: GPL-2.0-only */
/* Text that grows in memory. */
#ifndef UTIL_BUF_H
#define UTIL_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Zeroed it is empty. Once failed (no memory), what is put there is dropped. */
struct buf {
	char *bytes;
	size_t size, room;
	bool failed;
};

void buf_grow(struct buf *t, size_t more);

/* Room for more bytes at the end, NULL: failed. */
static inline char *buf_room(struct buf *t, size_t more)
{
	if (__builtin_expect(t->room - t->size < more, 0))
		buf_grow(t, more);
	return t->failed ? NULL : t->bytes + t->size;
}

static inline void buf_put(struct buf *t, const char *bytes, size_t size)
{
	char *to = buf_room(t, size);

	if (!to || !size)	/* of nothing, bytes may be NULL */
		return;
	memcpy(to, bytes, size);
	t->size += size;
}

static inline void buf_puts(struct buf *t, const char *text)
{
	buf_put(t, text, strlen(text));
}

void buf_put_u64(struct buf *t, uint64_t value);

#endif
