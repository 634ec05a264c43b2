/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Merges streams that are each in time order: says which stream is next. Pure:
 * it holds the key of each stream's head and nothing else. Order: time, then
 * rank (causal order among equal times), then stream number.
 */
#ifndef SOURCE_MERGE_H
#define SOURCE_MERGE_H

#include <stdbool.h>
#include <stdint.h>

struct merge;

struct merge *merge_new(unsigned int streams);	/* NULL: no memory */
void merge_free(struct merge *m);		/* NULL is fine */

/* The stream, which has no head here yet, has this one. */
void merge_add(struct merge *m, unsigned int stream, uint64_t time_ns, uint8_t rank);

/* The stream whose head is the earliest; false when no stream has one. */
bool merge_first(const struct merge *m, unsigned int *stream, uint64_t *time_ns);

/* That head is taken: the stream's next one is this, or there is none for now. */
void merge_replace_first(struct merge *m, uint64_t time_ns, uint8_t rank);
void merge_drop_first(struct merge *m);

#endif
