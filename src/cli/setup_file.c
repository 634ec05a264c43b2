/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/setup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/atomic_file.h"

#define FOLDER "sdeitop"
#define NAME "screen.conf"
#define FILE_MAX 8192

struct place {
	char base[PATH_MAX / 2];		/* may be missing */
	char folder[PATH_MAX / 2 + 16], file[PATH_MAX / 2 + 32];
};

/* --- where it is */

static bool is_own(const struct stat *status)
{
	return status->st_uid == geteuid();
}

/* What is missing belongs to who has the folder that it would be in. */
static int check_owner(const char *path)
{
	char folder[PATH_MAX];
	struct stat status;
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	while (stat(folder, &status) != 0) {
		slash = strrchr(folder, '/');
		if (errno != ENOENT || !slash || slash == folder)
			return -errno;
		*slash = '\0';
	}
	return is_own(&status) ? 0 : -EPERM;
}

/* 0; -ENOENT: there is no HOME; -EPERM: it is another user's; -errno. */
static int find_place(struct place *place)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	bool own = config && *config == '/';
	int length;

	if (!own && (!home || *home != '/'))
		return -ENOENT;
	length = snprintf(place->base, sizeof(place->base), own ? "%s" : "%s/.config", own ? config : home);
	if (length >= (int)sizeof(place->base))
		return -ENAMETOOLONG;
	snprintf(place->folder, sizeof(place->folder), "%s/" FOLDER, place->base);
	snprintf(place->file, sizeof(place->file), "%s/" NAME, place->folder);
	return check_owner(place->file);
}

static const char *why(int err)
{
	switch (err) {
	case -ENOENT:
		return "HOME is not set";
	case -EPERM:
		return "it belongs to another user";
	case -EFBIG:
		return "it is too long";
	default:
		return strerror(-err);
	}
}

/* --- reading */

/* A regular file of this user only: whatever else is there may never end. */
static int read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), err = 0;
	struct stat status;
	ssize_t length = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) != 0)
		err = -errno;
	else if (!S_ISREG(status.st_mode))
		err = -EINVAL;
	else if (!is_own(&status))
		err = -EPERM;
	else
		length = read(fd, text, size - 1);
	if (length < 0)
		err = -errno;
	close(fd);
	if (!err && (size_t)length == size - 1)
		err = -EFBIG;
	text[err ? 0 : length] = '\0';
	return !err && memchr(text, '\0', length) ? -EINVAL : err;
}

void setup_file_read(struct setup *setup, char *message, size_t size)
{
	char text[FILE_MAX], wrong[200];
	struct place place;
	int err;

	*message = '\0';
	setup_init(setup);
	if (find_place(&place) != 0)
		return;
	err = read_text(place.file, text, sizeof(text));
	if (err == -ENOENT)
		return;
	if (err)
		snprintf(message, size, NAME " is not used: %s", why(err));
	else if (setup_read(setup, text, wrong, sizeof(wrong)) != 0)
		snprintf(message, size, NAME " is not used: %s", wrong);
}

/* --- writing */

static int make_folder(const struct place *place)
{
	mkdir(place->base, 0700);
	return mkdir(place->folder, 0700) == 0 || errno == EEXIST ? 0 : -errno;
}

void setup_file_allow(struct sandbox *sandbox)
{
	struct place place;

	if (find_place(&place) != 0 || make_folder(&place) != 0)
		return;
	sandbox_read(sandbox, place.folder);
	sandbox_write(sandbox, place.file);
}

static int write_text(const char *path, const char *text, size_t size)
{
	int err;
	struct atomic_file *file = atomic_file_open(path, &err);

	if (!file)
		return err;
	atomic_file_set_mode(file, 0600);
	err = atomic_file_write(file, text, size);
	atomic_file_close(file, false);
	return err;
}

static int write_setup(const struct place *place, const struct setup *setup)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int err = -ENOMEM;

	if (out) {
		setup_write(setup, out);
		if (fclose(out) == 0)
			err = write_text(place->file, text, size);
	}
	free(text);
	return err;
}

void setup_file_write(const struct setup *setup, char *message, size_t size)
{
	struct place place;
	int err = find_place(&place);

	if (!err)
		err = make_folder(&place);
	if (!err)
		err = write_setup(&place, setup);
	if (err)
		snprintf(message, size, "not saved: %s", why(err));
	else
		snprintf(message, size, "saved in %s", place.file);
}
