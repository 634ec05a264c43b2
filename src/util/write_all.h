/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UTIL_WRITE_ALL_H
#define UTIL_WRITE_ALL_H

#include <stddef.h>

/* write(2) until all of it is written, signals or not. 0 or -errno; -EIO: the file takes no more, and does not say why. */
int write_all(int fd, const void *bytes, size_t size);

#endif
