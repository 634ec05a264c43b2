/* SPDX-License-Identifier: GPL-2.0-only */
#include "recording/gzip_blocks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libdeflate.h>

#include "util/write_all.h"

#define LEVEL 6
#define TRAILER 8

/* RFC 1952: deflate, with an extra field; no time; of Unix. Then the extra field: its length, name, and the length of what it says. */
static const uint8_t member_start[16] = { 0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 3, 12, 0, 'S', 'd', 8, 0 };

static void put_u32(uint8_t *to, uint32_t value)
{
	for (unsigned int i = 0; i < 4; i++)
		to[i] = value >> 8 * i;
}

static uint32_t get_u32(const uint8_t *from)
{
	return from[0] | from[1] << 8 | from[2] << 16 | (uint32_t)from[3] << 24;
}

bool gzip_block_parse(const uint8_t head[GZIP_BLOCK_HEAD], struct gzip_block *block)
{
	block->size = get_u32(head + sizeof(member_start));
	block->content = get_u32(head + sizeof(member_start) + 4);
	return memcmp(head, member_start, sizeof(member_start)) == 0 && block->size > GZIP_BLOCK_HEAD + TRAILER && block->size <= GZIP_BLOCK_SIZE_MAX &&
	       block->content && block->content <= GZIP_BLOCK_CONTENT_MAX;
}

/* --- writing */

struct packing {
	struct libdeflate_compressor *compressor;
	uint8_t content[GZIP_BLOCK_CONTENT_MAX], block[GZIP_BLOCK_SIZE_MAX];
};

/* The size of what is then in block. */
static size_t pack(struct packing *p, size_t size)
{
	uint8_t *end = p->block + GZIP_BLOCK_HEAD;

	/* Its bound is far below the room there is. */
	end += libdeflate_deflate_compress(p->compressor, p->content, size, end, GZIP_BLOCK_SIZE_MAX - GZIP_BLOCK_HEAD - TRAILER);
	put_u32(end, libdeflate_crc32(0, p->content, size));
	put_u32(end + 4, size);
	end += TRAILER;
	memcpy(p->block, member_start, sizeof(member_start));
	put_u32(p->block + sizeof(member_start), end - p->block);
	put_u32(p->block + sizeof(member_start) + 4, size);
	return end - p->block;
}

/* As many as there are, up to a block. */
static ssize_t read_block(int fd, uint8_t *content)
{
	size_t have = 0;

	while (have < GZIP_BLOCK_CONTENT_MAX) {
		ssize_t got = read(fd, content + have, GZIP_BLOCK_CONTENT_MAX - have);

		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			break;
		have += got > 0 ? got : 0;
	}
	return have;
}

static int pack_all(struct packing *p, int to, int from)
{
	ssize_t got;
	int err = 0;

	while (!err && (got = read_block(from, p->content)) != 0)
		err = got < 0 ? (int)got : write_all(to, p->block, pack(p, got));
	return err;
}

int gzip_blocks_write(int to, int from)
{
	struct packing *p = malloc(sizeof(*p));
	int err = -ENOMEM;

	if (!p)
		return err;
	p->compressor = libdeflate_alloc_compressor(LEVEL);
	if (p->compressor)
		err = pack_all(p, to, from);
	libdeflate_free_compressor(p->compressor);
	free(p);
	return err;
}
