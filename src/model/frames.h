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

/* What one that is added was before. */
enum frames_found {
	FRAMES_NEW,		/* not in the set */
	FRAMES_KNOWN,		/* in the set */
	FRAMES_WAITED,		/* likewise, but for a fault that was not over when this one began: both wait for the same page */
	FRAMES_NO_ROOM,		/* not in the set, and it has FRAMES_BLOCKS_MAX blocks */
	FRAMES_NO_MEMORY,
};

/*
 * Adds the frame of a fault that lasted from begin_ns to end_ns; UINT64_MAX: it is not over, see frames_end(). *set NULL is the
 * empty set. When faults were over is kept of FRAMES_RECENT frames, the newest of each place in a table: so two that overlap are taken
 * for one after the other if, before the second is added, another one of their place was.
 */
#define FRAMES_RECENT 128
enum frames_found frames_add(struct frames **set, uint64_t gfn, uint64_t begin_ns, uint64_t end_ns);
void frames_end(struct frames *set, uint64_t gfn, uint64_t end_ns);	/* set NULL is fine */

void frames_free(struct frames *set);	/* NULL is fine */

/* As bytes and back; errors are those of the bytes. frames_load() may give a set that is not whole, and the error; NULL: empty. */
void frames_save(const struct frames *set, struct bytes_out *out);
struct frames *frames_load(struct bytes_in *in);

#endif
