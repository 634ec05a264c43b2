// SPDX-License-Identifier: GPL-2.0-only
#include "source/losses.h"

#include <stdlib.h>
#include <string.h>

struct entry {
	struct sdei_lost_key key;
	uint64_t total;		/* 0: free, a key has lost something */
};

struct losses {
	size_t keys;
	size_t size;		/* of the open-addressed table, a power of two, never more than half full */
	struct entry table[];
};

struct losses *losses_new(size_t keys)
{
	size_t size = 16;
	struct losses *l;

	while (size < 2 * keys)
		size *= 2;
	l = calloc(1, sizeof(*l) + size * sizeof(l->table[0]));
	if (l)
		l->size = size;
	return l;
}

void losses_free(struct losses *l)
{
	free(l);
}

/* FNV-1a over the whole words of the key, which has no holes. */
static uint64_t hash(const struct sdei_lost_key *key)
{
	uint64_t h = 0xcbf29ce484222325u;
	uint32_t words[sizeof(*key) / 4];

	memcpy(words, key, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		h = (h ^ words[i]) * 0x100000001b3u;
	return h ^ h >> 32;
}

static struct entry *place_of(struct losses *l, const struct sdei_lost_key *key)
{
	size_t i = hash(key) & (l->size - 1);

	while (l->table[i].total && memcmp(&l->table[i].key, key, sizeof(*key)))
		i = (i + 1) & (l->size - 1);
	return &l->table[i];
}

uint64_t losses_update(struct losses *l, const struct sdei_lost_key *key, uint64_t total)
{
	struct entry *entry = place_of(l, key);
	uint64_t fresh = total > entry->total ? total - entry->total : 0;

	if (!fresh)
		return 0;
	l->keys += !entry->total;
	entry->key = *key;
	entry->total = total;
	return fresh;
}

size_t losses_keys(const struct losses *l)
{
	return l->keys;
}

void losses_clear(struct losses *l)
{
	l->keys = 0;
	memset(l->table, 0, l->size * sizeof(l->table[0]));
}
