/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A set of guest frames, a bit each: exact as long as there are fewer than FRAMES_BLOCKS_MAX blocks. The bits are in blocks of neighbouring frames,
 * and a block is there once it has a frame. So a set of n frames takes n/8 bytes where the guest uses its memory densely, and 512 n
 * where it does not, at most 34 MB.
 */
#ifndef MODEL_FRAMES_H
#define MODEL_FRAMES_H

#include <stdint.h>

#include "util/bytes.h"

#define FRAMES_PER_BLOCK 4096		/* 16 MiB of the guest's memory */
#define FRAMES_BLOCKS_MAX 65536		/* 1 TiB of it */

struct frames;

/*
 * Adds one; *set NULL is the empty set. 1: it is new; 0: it is in the set already; -ENOSPC: it is not, and there are
 * FRAMES_BLOCKS_MAX blocks; or -ENOMEM.
 */
int frames_add(struct frames **set, uint64_t gfn);

void frames_free(struct frames *set);	/* NULL is fine */

/* As bytes and back; errors are those of the bytes. frames_load() may give a set that is not whole, and the error; NULL: empty. */
void frames_save(const struct frames *set, struct bytes_out *out);
struct frames *frames_load(struct bytes_in *in);

#endif
