/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which stretches of a recording have been read, so that what is met there again after a seek is not counted again.
 * Memory grows with seeks that leave something out in between, never with what is read.
 */
#ifndef RECORDING_READ_RANGES_H
#define RECORDING_READ_RANGES_H

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

struct read_ranges {
	struct seen_stretch *stretches;	/* in order, none touches the next */
	size_t count, room, current;
};

void read_ranges_clear(struct read_ranges *s);	/* of zeros is one of which nothing was read */

/* Reading goes on from there. Without memory what is read is not remembered: it may count twice. */
void read_ranges_go(struct read_ranges *s, struct seen_place from);

/* All from where reading began, up to and without to, has been read. */
void read_ranges_advance(struct read_ranges *s, struct seen_place to);

bool read_ranges_has(const struct read_ranges *s, struct seen_place place);

#endif
