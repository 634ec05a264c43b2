/* SPDX-License-Identifier: GPL-2.0-only */
/* The bytes of a recording's file: plain, compressed in blocks as ours are (gzip_blocks.h), or by any gzip. */
#ifndef RECORDING_UNPACK_H
#define RECORDING_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unpack;

/* fd is taken, and closed if there is no memory (NULL). */
struct unpack *unpack_open(int fd);
void unpack_close(struct unpack *u);	/* NULL is fine */

/* The next bytes, at most so many; 0: no more, see unpack_error(). */
size_t unpack_read(struct unpack *u, void *bytes, size_t size);

/* The next byte is the one at that offset in what was packed, if it has one. 0 or -errno. */
int unpack_seek(struct unpack *u, uint64_t offset);

/* Of a file that is not compressed, when it was opened; else 0. */
uint64_t unpack_plain_size(const struct unpack *u);

/* How far into the file on the disk. */
uint64_t unpack_done(const struct unpack *u);

/* Why there is no more: 0: that was all; -EIO and other errors of the file, -ENOMEM; -EPIPE: it is cut off; -EBADMSG: it is damaged. */
int unpack_error(const struct unpack *u);

#endif
