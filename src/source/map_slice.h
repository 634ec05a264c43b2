/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hash map of the kernel, read some of its keys at a time. The kernel gives whole buckets only: one with more keys than there is
 * room for makes the room grow.
 */
#ifndef SOURCE_MAP_SLICE_H
#define SOURCE_MAP_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

struct map_slice {
	void *keys, *values;	/* count of each, until the next call */
	__u32 count;
	bool halfway;		/* there are more: the next call goes on */
	size_t key_size, value_size;
	__u32 room;
	__u32 at;		/* the kernel's: where to go on */
};

/* Of a map with such keys and values, at first with so much room. 0 or -ENOMEM. */
int map_slice_init(struct map_slice *s, size_t key_size, size_t value_size, __u32 room);
void map_slice_free(struct map_slice *s);	/* all zero is fine */

/* The next keys of map fd, from its first one on unless s is halfway; take: they are also taken out. 0 or -errno. */
int map_slice_next(struct map_slice *s, int fd, bool take);

#endif
