/* SPDX-License-Identifier: GPL-2.0-only */
#include "recording/files.h"
#include "util/array.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void files_name(char name[FILES_NAME_MAX], uint32_t number, bool compressed)
{
	snprintf(name, FILES_NAME_MAX, "sdei-%06" PRIu32 "%s", number, compressed ? ".gz" : "");
}

bool files_parse(const char *name, uint32_t *number, bool *compressed)
{
	char again[FILES_NAME_MAX];
	unsigned long value;
	char *end;

	if (strncmp(name, "sdei-", 5) != 0 || name[5] < '0' || name[5] > '9')
		return false;
	value = strtoul(name + 5, &end, 10);
	*compressed = strcmp(end, ".gz") == 0;
	*number = value;
	files_name(again, *number, *compressed);
	return value <= UINT32_MAX && strcmp(name, again) == 0;
}

int files_open(int directory, const char *name)
{
	/* Not to wait for the other end of a FIFO. */
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	int err;

	if (fd < 0)
		return -errno;
	err = fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
	if (!err)
		return fd;
	close(fd);
	return err;
}

struct list {
	struct stream_file *files;
	size_t count, room;
};

static int append(struct list *list, const struct stream_file *file)
{
	if (ARRAY_ROOM(list->files, list->room, list->count, 16))
		return -ENOMEM;
	list->files[list->count++] = *file;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct stream_file *x = a, *y = b;

	if (x->number != y->number)
		return x->number > y->number ? 1 : -1;
	return x->compressed - y->compressed;
}

static void drop_twins(struct list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		if (!kept || list->files[kept - 1].number != list->files[i].number)
			list->files[kept++] = list->files[i];
	list->count = kept;
}

static int read_entries(DIR *dir, struct list *list)
{
	struct dirent *entry;
	int err = 0;

	while (!err && (entry = readdir(dir))) {
		struct stream_file file = { 0 };
		struct stat st;

		if (!files_parse(entry->d_name, &file.number, &file.compressed))
			continue;
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			file.size = st.st_size;
		err = append(list, &file);
	}
	return err;
}

int files_list(int directory, struct stream_file **files, size_t *count)
{
	struct list list = { 0 };
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	err = read_entries(dir, &list);
	closedir(dir);
	if (err) {
		free(list.files);
		return err;
	}
	if (list.count)
		qsort(list.files, list.count, sizeof(*list.files), compare);
	drop_twins(&list);
	*files = list.files;
	*count = list.count;
	return 0;
}
