/* SPDX-License-Identifier: GPL-2.0-only */
#include "recording/writer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/background.h"
#include "util/write_all.h"
#include "recording/files.h"
#include "recording/gzip_blocks.h"

#define TEMPORARY ".compressing"

struct writer {
	struct writer_options options;
	int directory, fd;
	uint32_t first, number;		/* of the oldest file there, of the open one */
	uint64_t offset;		/* in the open file: the end of the last whole packet */
	bool blocked;			/* that could not be cut back: this file takes no more */
	struct background finishing;		/* the file before is synced: whoever takes records cannot wait for that */
	int finished_fd;

	pthread_mutex_t lock;		/* of all below */
	pthread_cond_t change;
	pthread_t thread;
	bool has_thread, closing;
	uint32_t to_compress;		/* files from this one up to number, which is excluded, wait for it */
	struct writer_counters counters;
	int error;			/* the first that was not reported */
};

/* --- counters, which the thread changes, too */

static int note_failure(struct writer *s, int err)
{
	pthread_mutex_lock(&s->lock);
	s->counters.failed_writes++;
	s->counters.last_error = -err;
	pthread_mutex_unlock(&s->lock);
	return err;
}

static void note_error(struct writer *s, int err)
{
	pthread_mutex_lock(&s->lock);
	if (!s->error)
		s->error = err;
	pthread_mutex_unlock(&s->lock);
}

void writer_counters(const struct writer *s, struct writer_counters *counters)
{
	pthread_mutex_lock((pthread_mutex_t *)&s->lock);
	*counters = s->counters;
	pthread_mutex_unlock((pthread_mutex_t *)&s->lock);
}

/* --- files */

static int create(const struct writer *s, const char *name)
{
	mode_t mode = s->options.for_group ? 0640 : 0600;
	int fd = openat(s->directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);

	return fd < 0 ? -errno : fd;
}

static int write_file(const struct writer *s, const char *name, const char *text)
{
	int fd = create(s, name), err;

	if (fd < 0)
		return fd;
	err = write_all(fd, text, strlen(text));
	if (!err && fsync(fd) < 0)
		err = -errno;
	if (close(fd) < 0 && !err)
		err = -errno;
	return err;
}

static int open_stream(struct writer *s, uint32_t number)
{
	char name[FILES_NAME_MAX];
	int fd;

	files_name(name, number, false);
	fd = create(s, name);
	if (fd < 0)
		return fd;
	s->fd = fd;
	s->offset = 0;
	s->blocked = false;
	pthread_mutex_lock(&s->lock);
	s->number = number;
	s->counters.files++;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static int64_t size_of(const struct writer *s, const char *name)
{
	struct stat st;

	return fstatat(s->directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_size : 0;
}

/* In one of its two forms. */
static void remove_stream(struct writer *s, uint32_t number)
{
	for (int compressed = 0; compressed < 2; compressed++) {
		char name[FILES_NAME_MAX];
		int64_t size;

		files_name(name, number, compressed);
		size = size_of(s, name);
		if (unlinkat(s->directory, name, 0) == 0)
			s->counters.bytes -= size;
	}
	s->counters.files--;
	s->counters.removed++;
}

static void remove_oldest(struct writer *s)
{
	pthread_mutex_lock(&s->lock);
	while (s->options.keep && s->number - s->first >= s->options.keep)
		remove_stream(s, s->first++);
	if (s->to_compress < s->first)
		s->to_compress = s->first;
	pthread_mutex_unlock(&s->lock);
}

/* --- compression of files that are closed, in a thread of its own */

static int write_compressed(struct writer *s, const char *plain)
{
	int from = files_open(s->directory, plain), fd, err;

	if (from < 0)
		return from;
	unlinkat(s->directory, TEMPORARY, 0);
	fd = create(s, TEMPORARY);
	err = fd < 0 ? fd : gzip_blocks_write(fd, from);
	if (!err && fsync(fd) < 0)
		err = -errno;
	if (fd >= 0)
		close(fd);
	close(from);
	return err;
}

/* The plain file goes when the other is there; a reader takes either. */
static int replace(struct writer *s, const char *plain, const char *packed)
{
	int64_t before = size_of(s, plain), after = size_of(s, TEMPORARY);

	if (renameat(s->directory, TEMPORARY, s->directory, packed) < 0)
		return -errno;
	if (unlinkat(s->directory, plain, 0) == 0)
		s->counters.bytes += after - before;
	return 0;
}

static void compress_file(struct writer *s, uint32_t number)
{
	char plain[FILES_NAME_MAX], packed[FILES_NAME_MAX];
	bool rotated;
	int err;

	files_name(plain, number, false);
	files_name(packed, number, true);
	err = write_compressed(s, plain);
	/* Not while it is being removed. */
	pthread_mutex_lock(&s->lock);
	rotated = number < s->first;
	if (!err && !rotated)
		err = replace(s, plain, packed);
	pthread_mutex_unlock(&s->lock);
	if (err || rotated)
		unlinkat(s->directory, TEMPORARY, 0);
	/* Of a file that was rotated away, reading fails as its file system likes: nothing is amiss. */
	if (err && !rotated)
		note_error(s, err);
}

static void *compress_all(void *ctx)
{
	struct writer *s = ctx;

	setpriority(PRIO_PROCESS, 0, 19);	/* of this thread only, on Linux */
	pthread_mutex_lock(&s->lock);
	for (;;) {
		uint32_t number = s->to_compress;

		if (number < s->number || (s->closing && number == s->number)) {
			s->to_compress++;
			pthread_mutex_unlock(&s->lock);
			compress_file(s, number);
			pthread_mutex_lock(&s->lock);
		} else if (s->closing) {
			break;
		} else {
			pthread_cond_wait(&s->change, &s->lock);
		}
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static void wake_thread(struct writer *s, bool closing)
{
	pthread_mutex_lock(&s->lock);
	s->closing = closing;
	pthread_cond_signal(&s->change);
	pthread_mutex_unlock(&s->lock);
}

/* --- life */

static int check_empty(int directory)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir)
		return -errno;
	while (!err && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			err = -ENOTEMPTY;
	closedir(dir);
	return err;
}

static int open_directory(struct writer *s)
{
	if (mkdir(s->options.directory, s->options.for_group ? 0750 : 0700) < 0 && errno != EEXIST)
		return -errno;
	s->directory = open(s->options.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->directory < 0)
		return -errno;
	return check_empty(s->directory);
}

static int fill_directory(struct writer *s, const struct recording_about *about)
{
	char *text = codec_metadata(about);
	int err = text ? write_file(s, FILES_METADATA, text) : -ENOMEM;

	free(text);
	if (!err)
		err = open_stream(s, 0);
	if (!err && s->options.compress) {
		err = -pthread_create(&s->thread, NULL, compress_all, s);
		s->has_thread = !err;
	}
	return err;
}

static void explain(const struct writer *s, int err, struct error *error)
{
	if (err == -ENOTEMPTY)
		error_set(error, err, "%s is not empty: a recording needs a directory of its own; name another with -o, or remove it",
			 s->options.directory);
	else
		error_set(error, err, "cannot make a recording in %s: %s", s->options.directory, strerror(-err));
}

struct writer *writer_open(const struct writer_options *options, const struct recording_about *about, struct error *error)
{
	struct writer *s = calloc(1, sizeof(*s));
	int err;

	if (!s) {
		error_no_memory(error);
		return NULL;
	}
	s->options = *options;
	s->directory = s->fd = -1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->change, NULL);
	err = open_directory(s);
	if (!err)
		err = fill_directory(s, about);
	if (!err)
		return s;
	explain(s, err, error);
	writer_close(s);
	return NULL;
}

/* Only the writer itself changes what this looks at. One that takes no more is full, too. */
bool writer_is_file_full(const struct writer *s)
{
	return s->options.file_size && (s->blocked || s->offset >= s->options.file_size);
}

static int close_stream(int fd)
{
	int err = fsync(fd) < 0 ? -errno : 0;

	if (close(fd) < 0 && !err)
		err = -errno;
	return err;
}

static void finish(void *ctx)
{
	struct writer *s = ctx;
	int err = close_stream(s->finished_fd);

	if (err)
		note_error(s, err);
}

int writer_next_file(struct writer *s)
{
	int old = s->fd, err = open_stream(s, s->number + 1);

	if (err)
		return note_failure(s, err);
	background_wait(&s->finishing);	/* no more than one file behind */
	s->finished_fd = old;
	background_start(&s->finishing, finish, s);
	remove_oldest(s);
	wake_thread(s, false);
	return 0;
}

int writer_take(void *ctx, const struct packet *packet)
{
	struct writer *s = ctx;
	int err = s->blocked ? -EIO : write_all(s->fd, packet->bytes, packet->size);

	if (err) {
		/* What was written of it must not stand before the next one. */
		if (!s->blocked && (ftruncate(s->fd, s->offset) < 0 || lseek(s->fd, s->offset, SEEK_SET) < 0))
			s->blocked = true;
		return note_failure(s, err);
	}
	s->offset += packet->size;
	pthread_mutex_lock(&s->lock);
	s->counters.bytes += packet->size;
	s->counters.last_error = 0;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

int writer_close(struct writer *s)
{
	int err;

	if (!s)
		return 0;
	background_wait(&s->finishing);
	err = s->fd < 0 ? 0 : close_stream(s->fd);
	if (s->has_thread) {
		wake_thread(s, true);
		pthread_join(s->thread, NULL);
	}
	if (s->directory >= 0) {
		if (fsync(s->directory) < 0 && !err)
			err = -errno;
		close(s->directory);
	}
	if (s->error && !err)
		err = s->error;
	pthread_cond_destroy(&s->change);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return err;
}
