/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file that others read while it is rewritten: each version is written to .NAME.PID beside it, synced and renamed, so a
 * reader finds a whole one, always. There is one writer for each file, ensured by a lock on .NAME.lock.
 *
 * A write may fail (disk full, directory gone, read-only): the version before stays, the failure is counted, and the next
 * write starts afresh, in the directory that then has the name.
 */
#ifndef UTIL_ATOMIC_FILE_H
#define UTIL_ATOMIC_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct atomic_file;

/*
 * path: DIR/NAME. NULL on failure with *err: -EBUSY another process has the lock, -ENOLCK its file belongs to another user,
 * -EINVAL no name, -ENOMEM, else why the directory or the lock cannot be opened. A lock that root makes belongs to whom the
 * directory does. A kernel without file locks (CONFIG_FILE_LOCKING) lets everybody write. What an
 * earlier writer that was killed has left is removed.
 */
struct atomic_file *atomic_file_open(const char *path, int *err);

/* remove: the file, too. NULL is fine. */
void atomic_file_close(struct atomic_file *t, bool remove);

/* 0 or -errno: -EBUSY and -ENOLCK as above, where the directory was away meanwhile. */
int atomic_file_write(struct atomic_file *t, const char *bytes, size_t size);

/* Of what is written from now on, whatever the umask is; 0644 unless set. */
void atomic_file_set_mode(struct atomic_file *t, mode_t mode);

/* Failed writes so far. */
uint64_t atomic_file_errors(const struct atomic_file *t);

/*
 * What there is to log about the last write, a sentence; NULL: nothing new. A failure is news if the write before did not
 * fail in the same way, a success if it did fail. Valid until the next call.
 */
const char *atomic_file_events(struct atomic_file *t);

#endif
