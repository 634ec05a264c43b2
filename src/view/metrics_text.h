/* SPDX-License-Identifier: GPL-2.0-only */
/* Text that grows, and what the Prometheus format makes of numbers and names. */
#ifndef VIEW_METRICS_TEXT_H
#define VIEW_METRICS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Zeroed it is empty. Once failed (no memory), what is put there is dropped. */
struct metrics_text {
	char *bytes;
	size_t size, room;
	bool failed;
};

void metrics_text_grow(struct metrics_text *t, size_t more);

/* Room for more bytes at the end, NULL: failed. */
static inline char *metrics_text_room(struct metrics_text *t, size_t more)
{
	if (__builtin_expect(t->room - t->size < more, 0))
		metrics_text_grow(t, more);
	return t->failed ? NULL : t->bytes + t->size;
}

static inline void metrics_put(struct metrics_text *t, const char *bytes, size_t size)
{
	char *to = metrics_text_room(t, size);

	if (!to || !size)	/* of nothing, bytes may be NULL */
		return;
	memcpy(to, bytes, size);
	t->size += size;
}

static inline void metrics_puts(struct metrics_text *t, const char *text)
{
	metrics_put(t, text, strlen(text));
}

void metrics_put_u64(struct metrics_text *t, uint64_t value);

/* Exact: 1500000000 is 1.5. */
void metrics_put_seconds(struct metrics_text *t, uint64_t ns);

/*
 * A label's value without its quotes, at most max bytes of name: backslash, quote and newline escaped, other controls,
 * what changes how text looks, and what is not UTF-8 replaced by U+FFFD.
 */
void metrics_put_label(struct metrics_text *t, const char *name, size_t max);

#endif
