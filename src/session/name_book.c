// SPDX-License-Identifier: GPL-2.0-only
#include "session/name_book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recording/recording.h"

struct entry {
	uint32_t vm;
	bool is_news;
	char uuid[RECORDING_UUID_SIZE];
	char name[];
};

static struct entry *find(const struct name_book *book, uint32_t vm)
{
	return idmap_find(&book->names, vm);
}

static struct entry *entry_new(uint32_t vm, const char *text, const char *uuid)
{
	size_t length = strnlen(text, RECORDING_NAME_MAX);
	struct entry *e = malloc(sizeof(*e) + length + 1);

	if (!e)
		return NULL;
	e->vm = vm;
	e->is_news = true;
	snprintf(e->uuid, sizeof(e->uuid), "%s", uuid);
	memcpy(e->name, text, length);
	e->name[length] = '\0';
	return e;
}

static bool is_same(const struct entry *e, const char *text, const char *uuid)
{
	return strncmp(e->name, text, RECORDING_NAME_MAX) == 0 && strcmp(e->uuid, uuid) == 0;
}

static void entry_free(struct name_book *book, struct entry *e)
{
	book->news -= e && e->is_news;
	free(e);
}

bool name_book_learn(struct name_book *book, uint32_t vm, const char *text, const char *uuid)
{
	struct entry *old = find(book, vm), *e;

	if (old && is_same(old, text, uuid))
		return false;
	e = entry_new(vm, text, uuid);
	if (!e || idmap_put(&book->names, vm, e)) {
		free(e);
		return false;
	}
	book->news++;
	entry_free(book, old);
	return old;
}

const char *name_book_find(const struct name_book *book, uint32_t vm)
{
	const struct entry *e = find(book, vm);

	return e ? e->name : NULL;
}

const char *name_book_uuid(const struct name_book *book, uint32_t vm)
{
	const struct entry *e = find(book, vm);

	return e ? e->uuid : "";
}

void name_book_tell_news(struct name_book *book, name_news_t tell, void *ctx)
{
	for (size_t i = 0; book->news && i <= book->names.mask; i++) {
		struct entry *e = book->names.slots[i].value;

		if (!e || !e->is_news)
			continue;
		e->is_news = false;
		book->news--;
		tell(ctx, e->vm, e->name, e->uuid);
	}
}

void name_book_forget(struct name_book *book, uint32_t vm)
{
	struct entry *e = find(book, vm);

	if (!e)
		return;
	idmap_remove(&book->names, vm, e);
	entry_free(book, e);
}

void name_book_release(struct name_book *book)
{
	for (size_t i = 0; book->names.slots && i <= book->names.mask; i++)
		free(book->names.slots[i].value);
	idmap_release(&book->names);
	book->news = 0;
}
