/* SPDX-License-Identifier: GPL-2.0-only */
/* Open-addressing hash from an id to a pointer; finding one costs a cache line. */
#ifndef UTIL_IDMAP_H
#define UTIL_IDMAP_H

#include <stddef.h>
#include <stdint.h>

struct idmap_slot {
	uint64_t id;
	void *value;		/* NULL: the slot is free */
};

/* All zero is the empty map. */
struct idmap {
	struct idmap_slot *slots;
	size_t mask;		/* slots less one */
	size_t used;
	unsigned int shift;	/* takes a 64-bit hash to a slot */
};

static inline size_t idmap_home(const struct idmap *map, uint64_t id)
{
	return id * 0x9e3779b97f4a7c15ULL >> map->shift;
}

static inline void *idmap_find(const struct idmap *map, uint64_t id)
{
	size_t at;

	if (!map->slots)
		return NULL;
	for (at = idmap_home(map, id); map->slots[at].value; at = (at + 1) & map->mask) {
		if (map->slots[at].id == id)
			return map->slots[at].value;
	}
	return NULL;
}

/* A hint: id will be looked for soon. */
static inline void idmap_prefetch(const struct idmap *map, uint64_t id)
{
	if (map->slots)
		__builtin_prefetch(&map->slots[idmap_home(map, id)]);
}

/* Adds, or replaces the value of that id. 0 or -ENOMEM; replacing cannot fail. */
int idmap_put(struct idmap *map, uint64_t id, void *value);

/* Takes id out if it has that value. */
void idmap_remove(struct idmap *map, uint64_t id, const void *value);

void idmap_release(struct idmap *map);

#endif
