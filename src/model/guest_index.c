// SPDX-License-Identifier: GPL-2.0-only
#include "model/inside.h"

#include <stdlib.h>
#include <string.h>

#include "model/guest_index.h"
#include "util/array.h"

#define WORDS 2	/* of a guest: its name and its UUID */

int guest_index_room(struct guest_index *index, size_t vms)
{
	return ARRAY_ROOM(index->words, index->room, WORDS * vms - 1, 16 * WORDS);
}

static int compare(const void *one, const void *other)
{
	const struct guest_word *a = one, *b = other;
	int order = strcmp(a->word, b->word);

	return order ? order : (a->vm > b->vm) - (a->vm < b->vm);
}

static void add(struct guest_index *index, const char *word, size_t vm)
{
	if (word)
		index->words[index->count++] = (struct guest_word){ word, vm };
}

void guest_index_make(struct model *m)
{
	struct guest_index *index = &m->guests;

	if (index->made)
		return;
	for (size_t i = 0; i < m->vm_count; i++) {
		struct model_guest guest = m->vms[i]->user ? m->options.guest(m->vms[i]->user) : (struct model_guest){ 0 };

		add(index, guest.name, i);
		add(index, guest.uuid, i);
	}
	if (index->count)
		qsort(index->words, index->count, sizeof(*index->words), compare);
	index->made = true;
}

const struct guest_word *guest_index_find(const struct guest_index *index, const char *word, size_t *count)
{
	size_t first;

	*count = 0;
	if (!word)
		return NULL;
	first = ARRAY_LOWER_BOUND(index->count, i, strcmp(index->words[i].word, word) < 0);
	*count = ARRAY_LOWER_BOUND(index->count, i, strcmp(index->words[i].word, word) <= 0) - first;
	return &index->words[first];
}

void guest_index_drop(struct guest_index *index)
{
	index->count = 0;
	index->made = false;
}

void guest_index_free(struct guest_index *index)
{
	free(index->words);
}
