/* SPDX-License-Identifier: GPL-2.0-only */
#include "recording/unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libdeflate.h>
#include <zlib.h>

#include "recording/gzip_blocks.h"

/* A block and where it is, in the file and in what was packed. */
struct place {
	uint64_t at, offset;
};

struct unpack {
	int fd;
	uint64_t plain_size;		/* of a file that is not compressed; else 0 */
	uint64_t offset;		/* of the next byte in what was packed */
	int error;
	gzFile gz;			/* NULL: blocks. Else for what is no block, from there on: */
	struct place gz_start;

	struct libdeflate_decompressor *inflater;
	struct place next;		/* the block behind the one that is in content */
	size_t filled;			/* bytes of content, which end at next.offset */
	uint8_t block[GZIP_BLOCK_SIZE_MAX], content[GZIP_BLOCK_CONTENT_MAX];
};

/* --- what is no block: plain, or compressed by another gzip; zlib tells them apart */

static int begin_gz(struct unpack *u, struct place start)
{
	int fd = lseek(u->fd, start.at, SEEK_SET) < 0 ? -1 : dup(u->fd);

	u->gz = fd < 0 ? NULL : gzdopen(fd, "rb");
	u->gz_start = start;
	if (u->gz)
		return 0;
	u->error = fd < 0 ? -errno : -ENOMEM;
	if (fd >= 0)
		close(fd);
	return u->error;
}

static void end_gz(struct unpack *u)
{
	if (u->gz)
		gzclose_r(u->gz);
	u->gz = NULL;
}

/* The compressed bytes are at fault; what they gave so far is good. */
static int gz_error(const struct unpack *u)
{
	int error;

	gzerror(u->gz, &error);
	switch (error) {
	case Z_OK:
	case Z_STREAM_END:
		return 0;
	case Z_ERRNO:
		return -errno;
	case Z_MEM_ERROR:
		return -ENOMEM;
	case Z_BUF_ERROR:
		return -EPIPE;
	default:
		return -EBADMSG;
	}
}

static size_t read_gz(struct unpack *u, void *bytes, size_t size)
{
	int got = gzread(u->gz, bytes, size);

	if (got <= 0 || (size_t)got < size)
		u->error = gz_error(u);
	if (got <= 0)
		return 0;
	u->offset += got;
	return got;
}

/* --- blocks */

static bool find_block(const struct unpack *u, uint64_t at, struct gzip_block *block)
{
	uint8_t head[GZIP_BLOCK_HEAD];

	return pread(u->fd, head, sizeof(head), at) == sizeof(head) && gzip_block_parse(head, block);
}

/* The block that has the next byte; those before it are passed over. False: there is none, or it is no block. */
static bool go_to_block(struct unpack *u, struct gzip_block *block)
{
	while (find_block(u, u->next.at, block)) {
		if (u->offset < u->next.offset + block->content)
			return true;
		u->next.at += block->size;
		u->next.offset += block->content;
	}
	return false;
}

static bool load_block(struct unpack *u)
{
	struct gzip_block block;

	u->filled = 0;
	if (!go_to_block(u, &block) || pread(u->fd, u->block, block.size, u->next.at) != block.size ||
	    libdeflate_gzip_decompress(u->inflater, u->block, block.size, u->content, block.content, NULL) != LIBDEFLATE_SUCCESS)
		return false;
	u->next.at += block.size;
	u->next.offset += block.content;
	u->filled = block.content;
	return true;
}

static bool is_at_end(struct unpack *u)
{
	struct stat st;

	if (fstat(u->fd, &st) < 0) {
		u->error = -errno;
		return true;
	}
	return u->next.at >= (uint64_t)st.st_size;
}

/* zlib takes what is left: as much as can be had of a damaged block, and what it is that is wrong. */
static int leave_blocks(struct unpack *u)
{
	if (is_at_end(u) || begin_gz(u, u->next))
		return -EIO;
	return unpack_seek(u, u->offset);
}

static size_t take_content(struct unpack *u, void *bytes, size_t size)
{
	uint64_t left = u->next.offset - u->offset;

	if (size > left)
		size = left;
	memcpy(bytes, u->content + u->filled - left, size);
	u->offset += size;
	return size;
}

static bool has_content(const struct unpack *u)
{
	return u->filled && u->offset < u->next.offset && u->offset >= u->next.offset - u->filled;
}

/* --- both */

size_t unpack_read(struct unpack *u, void *bytes, size_t size)
{
	if (u->error || !size)
		return 0;
	if (!u->gz && !has_content(u) && !load_block(u) && leave_blocks(u))
		return 0;
	return u->gz ? read_gz(u, bytes, size) : take_content(u, bytes, size);
}

int unpack_seek(struct unpack *u, uint64_t offset)
{
	if (u->gz && offset < u->gz_start.offset)
		end_gz(u);
	u->offset = offset;
	u->error = 0;
	if (u->gz)
		return gzseek(u->gz, offset - u->gz_start.offset, SEEK_SET) < 0 ? -EIO : 0;
	if (!has_content(u) && offset < u->next.offset) {
		u->next = (struct place){ 0 };
		u->filled = 0;
	}
	return 0;
}

uint64_t unpack_plain_size(const struct unpack *u)
{
	return u->plain_size;
}

uint64_t unpack_done(const struct unpack *u)
{
	z_off_t done = u->gz ? gzoffset(u->gz) : (z_off_t)u->next.at;

	return done > 0 ? done : 0;
}

int unpack_error(const struct unpack *u)
{
	return u->error;
}

/* --- begin and end */

static int begin(struct unpack *u)
{
	struct gzip_block block;
	struct stat st;
	int err;

	u->inflater = libdeflate_alloc_decompressor();
	if (!u->inflater)
		return -ENOMEM;
	if (find_block(u, 0, &block))
		return 0;
	err = begin_gz(u, (struct place){ 0 });
	if (!err && gzdirect(u->gz) && fstat(u->fd, &st) == 0)
		u->plain_size = st.st_size;
	return err;
}

struct unpack *unpack_open(int fd)
{
	struct unpack *u = malloc(sizeof(*u));

	if (!u) {
		close(fd);
		return NULL;
	}
	memset(u, 0, offsetof(struct unpack, block));
	u->fd = fd;
	if (begin(u) == 0)
		return u;
	unpack_close(u);
	return NULL;
}

void unpack_close(struct unpack *u)
{
	if (!u)
		return;
	end_gz(u);
	libdeflate_free_decompressor(u->inflater);
	close(u->fd);
	free(u);
}
