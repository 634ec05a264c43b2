/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Compressed files of a recording: a gzip file (RFC 1952) of many members, each of which says in its extra field how large it is and
 * what it holds. Every gzip reads it; one that knows it passes over members that it does not need, and inflates the others at once.
 *
 *   extra field 'S' 'd', 8 bytes: the member's size, then that of its content, each 32 bits, little-endian
 */
#ifndef RECORDING_GZIP_BLOCKS_H
#define RECORDING_GZIP_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GZIP_BLOCK_CONTENT_MAX (256U << 10)
#define GZIP_BLOCK_SIZE_MAX (2 * GZIP_BLOCK_CONTENT_MAX)
#define GZIP_BLOCK_HEAD 24

struct gzip_block {
	uint32_t size, content;		/* bytes */
};

/* Of the first GZIP_BLOCK_HEAD bytes of a member. False: it is no such member, or claims too much. */
bool gzip_block_parse(const uint8_t head[GZIP_BLOCK_HEAD], struct gzip_block *block);

/* Reads from to its end and writes it compressed to to. Both are positioned, and stay open. 0 or -errno. */
int gzip_blocks_write(int to, int from);

#endif
