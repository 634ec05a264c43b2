/* SPDX-License-Identifier: GPL-2.0-only */
/* The names of VMs as a stream of items gives them. */
#ifndef SESSION_NAME_BOOK_H
#define SESSION_NAME_BOOK_H

#include "util/idmap.h"

/* All zero is the empty book. */
struct name_book {
	struct idmap names;	/* pid to a string */
};

/* From now on vm is called that; text is copied, without what is beyond RECORDING_NAME_MAX bytes. Without memory it keeps its name. */
void name_book_learn(struct name_book *book, uint32_t vm, const char *text);

/* NULL: no name is known. Valid until the next name_book_learn(). */
const char *name_book_find(const struct name_book *book, uint32_t vm);

void name_book_forget(struct name_book *book, uint32_t vm);
void name_book_release(struct name_book *book);

#endif
