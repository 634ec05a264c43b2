// SPDX-License-Identifier: GPL-2.0-only
#include "util/atomic_file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/write_all.h"

#define MODE 0644	/* who reads it is another user */

struct atomic_file {
	char *directory, *name;
	char lock_name[NAME_MAX + 1], temporary[NAME_MAX + 1];
	int dir, lock;		/* -1: not open */
	mode_t mode;
	uint64_t errors, failing;	/* all, and those since it last worked */
	int err, told_err;	/* of the last write, and of the one that was reported */
	char news[PATH_MAX + 128];
};

/* --- the directory */

/* Somebody else may have made, or moved, the directory since. */
static bool is_current(const struct atomic_file *t)
{
	struct stat ours, named;

	return t->dir >= 0 && fstat(t->dir, &ours) == 0 && stat(t->directory, &named) == 0 && ours.st_dev == named.st_dev &&
	       ours.st_ino == named.st_ino;
}

static void close_directory(struct atomic_file *t)
{
	if (t->lock >= 0)
		close(t->lock);
	if (t->dir >= 0)
		close(t->dir);
	t->lock = t->dir = -1;
}

/* .NAME.123 of a writer that is no more: the lock says that it is not. */
static bool is_leftover(const struct atomic_file *t, const char *name)
{
	size_t size = strlen(t->name);

	if (name[0] != '.' || strncmp(name + 1, t->name, size) != 0 || name[size + 1] != '.' || !name[size + 2])
		return false;
	for (name += size + 2; *name; name++)
		if (!isdigit((unsigned char)*name))
			return false;
	return true;
}

static void remove_leftovers(const struct atomic_file *t)
{
	int fd = openat(t->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!entries) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(entries)))
		if (is_leftover(t, entry->d_name))
			unlinkat(t->dir, entry->d_name, 0);
	closedir(entries);
}

/* Who has the directory is who writes here later: root must not keep them out by having been the first. */
static int make_lock(const struct atomic_file *t)
{
	int fd = openat(t->dir, t->lock_name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat dir;

	if (fd >= 0 && geteuid() == 0 && fstat(t->dir, &dir) == 0 && fchown(fd, dir.st_uid, dir.st_gid) < 0)
		return fd;	/* where that is not possible the caller gets -ENOLCK */
	return fd < 0 ? -errno : fd;
}

/* Not for writing, which would keep the file system from being made read-only. A descriptor, or -errno. */
static int open_lock(const struct atomic_file *t)
{
	int fd = make_lock(t);

	if (fd != -EEXIST && fd != -EROFS)
		return fd;
	fd = openat(t->dir, t->lock_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	return errno == EACCES ? -ENOLCK : -errno;
}

/* 1: taken; 0: this kernel has no locks. */
static int take_lock(struct atomic_file *t)
{
	t->lock = open_lock(t);
	if (t->lock < 0)
		return t->lock;
	if (flock(t->lock, LOCK_EX | LOCK_NB) == 0)
		return 1;
	if (errno == ENOSYS)
		return 0;
	return errno == EWOULDBLOCK ? -EBUSY : -errno;
}

static const char *why_failed(int err)
{
	switch (err) {
	case -EBUSY:
		return "another process writes it";
	case -ENOLCK:
		return "its lock belongs to another user";
	default:
		return strerror(-err);
	}
}

static int open_directory(struct atomic_file *t)
{
	int err;

	if (is_current(t))
		return 0;
	close_directory(t);
	t->dir = open(t->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->dir < 0)
		return -errno;
	err = take_lock(t);
	if (err < 0)
		close_directory(t);
	if (err > 0)
		remove_leftovers(t);
	return err < 0 ? err : 0;
}

/* --- a write */

static int fill(int fd, mode_t mode, const char *bytes, size_t size)
{
	int err = write_all(fd, bytes, size);

	if (!err && fchmod(fd, mode))
		err = -errno;
	if (!err && fsync(fd))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	return err;
}

static int write_temporary(const struct atomic_file *t, const char *bytes, size_t size)
{
	int fd = openat(t->dir, t->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fill(fd, t->mode, bytes, size);
}

static int replace(struct atomic_file *t, const char *bytes, size_t size)
{
	int err = open_directory(t);

	if (err)
		return err;
	unlinkat(t->dir, t->temporary, 0);	/* ours, if that could not be done */
	err = write_temporary(t, bytes, size);
	if (!err && renameat(t->dir, t->temporary, t->dir, t->name))
		err = -errno;
	if (err)
		unlinkat(t->dir, t->temporary, 0);
	return err;
}

int atomic_file_write(struct atomic_file *t, const char *bytes, size_t size)
{
	t->err = replace(t, bytes, size);
	t->errors += t->err != 0;
	t->failing += t->err != 0;
	return t->err;
}

void atomic_file_set_mode(struct atomic_file *t, mode_t mode)
{
	t->mode = mode;
}

uint64_t atomic_file_errors(const struct atomic_file *t)
{
	return t->errors;
}

const char *atomic_file_events(struct atomic_file *t)
{
	if (t->err == t->told_err)
		return NULL;
	if (t->err)
		snprintf(t->news, sizeof(t->news), "writing %s/%s failed: %s; the version before stays, and it is tried again",
			 t->directory, t->name, why_failed(t->err));
	else
		snprintf(t->news, sizeof(t->news), "writing %s/%s works again, after %" PRIu64 " failures", t->directory, t->name,
			 t->failing);
	t->told_err = t->err;
	if (!t->err)
		t->failing = 0;
	return t->news;
}

/* --- life */

static int set_names(struct atomic_file *t, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t directory = slash ? (size_t)(slash - path) : 0;

	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strlen(name) > NAME_MAX - 16)
		return -EINVAL;
	t->name = strdup(name);
	t->directory = slash ? strndup(path, directory ? directory : 1) : strdup(".");
	if (!t->name || !t->directory)
		return -ENOMEM;
	snprintf(t->lock_name, sizeof(t->lock_name), ".%.*s.lock", NAME_MAX - 16, name);
	snprintf(t->temporary, sizeof(t->temporary), ".%.*s.%d", NAME_MAX - 16, name, (int)getpid());
	return 0;
}

struct atomic_file *atomic_file_open(const char *path, int *err)
{
	struct atomic_file *t = calloc(1, sizeof(*t));

	*err = -ENOMEM;
	if (!t)
		return NULL;
	t->dir = t->lock = -1;
	t->mode = MODE;
	*err = set_names(t, path);
	if (!*err)
		*err = open_directory(t);
	if (!*err)
		return t;
	atomic_file_close(t, false);
	return NULL;
}

/* The lock's file stays: to remove it would let two processes hold locks of that name. */
void atomic_file_close(struct atomic_file *t, bool remove)
{
	if (!t)
		return;
	if (remove && is_current(t))
		unlinkat(t->dir, t->name, 0);
	close_directory(t);
	free(t->directory);
	free(t->name);
	free(t);
}
