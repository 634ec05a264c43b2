/* SPDX-License-Identifier: GPL-2.0-only */
/* The names of VMs as a stream of items gives them. */
#ifndef SESSION_NAME_BOOK_H
#define SESSION_NAME_BOOK_H

#include <stdbool.h>

#include "source/guest_name.h"
#include "util/idmap.h"

/* All zero is the empty book. */
struct name_book {
	struct idmap names;	/* by pid */
	size_t news;		/* of them, those that name_book_tell_news() has not told yet */
};

/*
 * From now on vm is called that, and has that UUID ("": not known); text is copied, without what is beyond RECORDING_NAME_MAX
 * bytes. Without memory it keeps its name. True if its name or its UUID was another one before.
 */
bool name_book_learn(struct name_book *book, uint32_t vm, const char *text, const char *uuid);

/* NULL: no name is known. Valid until the next name_book_learn(). */
const char *name_book_find(const struct name_book *book, uint32_t vm);

/* "" if it is not known. Likewise. */
const char *name_book_uuid(const struct name_book *book, uint32_t vm);

/* Tells each VM whose name or UUID is another one than when this was last done. */
void name_book_tell_news(struct name_book *book, name_news_t tell, void *ctx);

void name_book_forget(struct name_book *book, uint32_t vm);
void name_book_release(struct name_book *book);

#endif
