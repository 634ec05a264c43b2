/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a reader that starts in the middle has to know: the state that the records so far left, per vCPU and
 * event, and the names of VMs. Small, and forgets what is gone.
 */
#ifndef TRACE_KNOWN_H
#define TRACE_KNOWN_H

#include "recording.h"

struct known;

struct known *known_new(void);		/* NULL: no memory */
void known_free(struct known *k);	/* NULL is fine */

/* Learns from an item of any kind. 0 or -ENOMEM. */
int known_learn(struct known *k, const struct recording_item *item);

/* Whether this VM has a name and still lives, as far as is known. */
bool known_has_name(const struct known *k, uint32_t vm);

/*
 * Hands all of it to put, as ITEM_NAME and ITEM_SNAPSHOT items of time_ns: per VM its name, per vCPU its events (one
 * record with event SDEI_NONE for a vCPU that has none yet). put's first error ends it and is returned.
 */
int known_tell(const struct known *k, uint64_t time_ns, int (*put)(void *ctx, const struct recording_item *item), void *ctx);

/* About how many bytes known_tell() takes in packets. */
size_t known_size(const struct known *k);

#endif
