// SPDX-License-Identifier: GPL-2.0-only
#include "session/name_book.h"

#include <stdlib.h>
#include <string.h>

#include "recording/recording.h"

void name_book_learn(struct name_book *book, uint32_t vm, const char *text)
{
	char *name = strndup(text, RECORDING_NAME_MAX), *old = idmap_find(&book->names, vm);

	if (name && idmap_put(&book->names, vm, name) == 0)
		free(old);
	else
		free(name);
}

const char *name_book_find(const struct name_book *book, uint32_t vm)
{
	return idmap_find(&book->names, vm);
}

void name_book_forget(struct name_book *book, uint32_t vm)
{
	char *name = idmap_find(&book->names, vm);

	if (!name)
		return;
	idmap_remove(&book->names, vm, name);
	free(name);
}

void name_book_release(struct name_book *book)
{
	for (size_t i = 0; book->names.slots && i <= book->names.mask; i++)
		free(book->names.slots[i].value);
	idmap_release(&book->names);
}
