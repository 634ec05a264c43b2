// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>

#include "util/idmap.h"

#define FIRST_BITS 6

/* Where id is, or the free slot where it belongs. */
static size_t place_of(const struct idmap *map, uint64_t id)
{
	size_t at = idmap_home(map, id);

	while (map->slots[at].value && map->slots[at].id != id)
		at = (at + 1) & map->mask;
	return at;
}

static int resize(struct idmap *map, unsigned int bits)
{
	struct idmap new = { .mask = ((size_t)1 << bits) - 1, .used = map->used, .shift = 64 - bits };

	new.slots = calloc((size_t)1 << bits, sizeof(*new.slots));
	if (!new.slots)
		return -ENOMEM;
	for (size_t i = 0; map->slots && i <= map->mask; i++) {
		if (map->slots[i].value)
			new.slots[place_of(&new, map->slots[i].id)] = map->slots[i];
	}
	free(map->slots);
	*map = new;
	return 0;
}

/* At most half full: probing stays short. */
static int make_room(struct idmap *map)
{
	if (!map->slots)
		return resize(map, FIRST_BITS);
	return map->used * 2 > map->mask ? resize(map, 64 - map->shift + 1) : 0;
}

int idmap_put(struct idmap *map, uint64_t id, void *value)
{
	struct idmap_slot *slot;

	if (map->slots) {
		slot = &map->slots[place_of(map, id)];
		if (slot->value) {
			slot->value = value;
			return 0;
		}
	}
	if (make_room(map))
		return -ENOMEM;
	map->slots[place_of(map, id)] = (struct idmap_slot){ .id = id, .value = value };
	map->used++;
	return 0;
}

/*
 * Closes the gap that a removal left: whatever follows without a break and is
 * on the wrong side of its home moves up, so that no search ends too early.
 */
static void close_gap(struct idmap *map, size_t gap)
{
	size_t at = gap;

	for (;;) {
		at = (at + 1) & map->mask;
		if (!map->slots[at].value)
			break;
		if (((at - idmap_home(map, map->slots[at].id)) & map->mask) < ((at - gap) & map->mask))
			continue;
		map->slots[gap] = map->slots[at];
		gap = at;
	}
	map->slots[gap].value = NULL;
}

void idmap_remove(struct idmap *map, uint64_t id, const void *value)
{
	size_t at;

	if (!map->slots)
		return;
	at = place_of(map, id);
	if (!map->slots[at].value || map->slots[at].value != value)
		return;
	map->used--;
	close_gap(map, at);
}

void idmap_release(struct idmap *map)
{
	free(map->slots);
	*map = (struct idmap){ 0 };
}
