/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's counts of what was lost only grow, until its map is emptied as a whole; this turns them into what is new. One for
 * each map.
 */
#ifndef SOURCE_LOSSES_H
#define SOURCE_LOSSES_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/record.h"

struct losses;

struct losses *losses_new(size_t keys);	/* at most as many; NULL: no memory */
void losses_free(struct losses *l);	/* NULL is fine */

/* The count of key is total now: how much of it is new. */
uint64_t losses_update(struct losses *l, const struct sdei_lost_key *key, uint64_t total);

size_t losses_keys(const struct losses *l);	/* that have lost something */

/* All counts begin at nothing again. */
void losses_clear(struct losses *l);

#endif
