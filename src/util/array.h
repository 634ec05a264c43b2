/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arrays that grow by doubling: room for one more element. Each returns 0, or -ENOMEM with all as it was. And where an element is, or
 * belongs, in those that are sorted.
 */
#ifndef UTIL_ARRAY_H
#define UTIL_ARRAY_H

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* array is the address of the pointer to the elements, malloc'ed or NULL. */
static inline int array_resize(void *array, size_t count, size_t size)
{
	void *elements;

	memcpy(&elements, array, sizeof(elements));
	elements = reallocarray(elements, count, size);
	if (!elements)
		return -ENOMEM;
	memcpy(array, &elements, sizeof(elements));
	return 0;
}

static inline int array_room(void *array, size_t *room, size_t count, size_t size, size_t first)
{
	size_t more = *room ? 2 * *room : first;

	if (count < *room)
		return 0;
	if (array_resize(array, more, size))
		return -ENOMEM;
	*room = more;
	return 0;
}

/* Where the room is not kept: it is the power of two at or above the count. */
static inline int array_room_by_count(void *array, size_t count, size_t size)
{
	return count & (count - 1) ? 0 : array_resize(array, count ? 2 * count : 1, size);
}

/* Of array, a pointer, with count elements in room, both size_t; begins with first. */
#define ARRAY_ROOM(array, room, count, first) array_room(&(array), &(room), count, sizeof(*(array)), first)

#define ARRAY_ROOM_BY_COUNT(array, count) array_room_by_count(&(array), count, sizeof(*(array)))

/*
 * The number of the first of count elements of which is_below does not hold: an expression in i, the number of an element, which
 * holds of all before one and of none from there on. E.g. ARRAY_LOWER_BOUND(vm->count, i, vm->vcpus[i]->id < id).
 */
#define ARRAY_LOWER_BOUND(count, i, is_below) ({	\
	size_t low_ = 0, high_ = (count);		\
							\
	while (low_ < high_) {				\
		size_t i = low_ + (high_ - low_) / 2;	\
							\
		if (is_below)				\
			low_ = i + 1;			\
		else					\
			high_ = i;			\
	}						\
	low_;						\
})

#endif
