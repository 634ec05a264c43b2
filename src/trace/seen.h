/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which stretches of a recording have been read, so that what is met there again after a seek is not counted again.
 * Memory grows with seeks that leave something out in between, never with what is read.
 */
#ifndef TRACE_SEEN_H
#define TRACE_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seen_place {
	uint64_t file, offset;
};

/* Behind everything. */
#define SEEN_END ((struct seen_place){ UINT64_MAX, 0 })

struct seen_stretch {
	struct seen_place from, to;	/* without to */
};

struct seen {
	struct seen_stretch *stretches;	/* in order, none touches the next */
	size_t count, room, current;
};

void seen_clear(struct seen *s);	/* of zeros is one of which nothing was read */

/* Reading goes on from there. Without memory what is read is not remembered: it may count twice. */
void seen_go(struct seen *s, struct seen_place from);

/* All from where reading began, up to and without to, has been read. */
void seen_advance(struct seen *s, struct seen_place to);

bool seen_has(const struct seen *s, struct seen_place place);

#endif
