/* SPDX-License-Identifier: GPL-2.0-only */
#include "recording/flight_save.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "util/background.h"
#include "recording/files.h"

#define REASON_SIZE 64
#define NAME_SIZE 512

struct flight_save {
	struct flight_save_options options;
	struct flight_save_counters counters;
	bool armed, triggered;
	uint64_t trigger_ns;		/* the last one that was taken */
	char reason[REASON_SIZE];
	char (*names)[NAME_SIZE];	/* of those that are there, oldest first */
	size_t count;

	struct background saving;		/* has names, the other counters and all below while it is busy */
	struct flight *copy;		/* NULL: flight itself */
	const struct flight *flight;
	struct recording_about about;
	struct recording_status status;
	char result[NAME_SIZE + 128];	/* where it was saved, or why not */
	int err;
};

/* --- those of earlier runs */

/* "20261121T081500Z-pending-stuck" */
static bool is_ours(const char *name)
{
	static const char form[] = "ddddddddTddddddZ-";

	for (size_t i = 0; form[i]; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)name[i]) : name[i] != form[i])
			return false;
	return true;
}

static bool add_name(struct flight_save *c, const char *name)
{
	void *names = reallocarray(c->names, c->count + 1, sizeof(*c->names));

	if (!names)
		return false;
	c->names = names;
	snprintf(c->names[c->count++], NAME_SIZE, "%s", name);
	return true;
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* By name is by time. What there is no memory for stays for ever, which harms less than losing it. */
static void find_earlier(struct flight_save *c)
{
	DIR *entries = opendir(c->options.directory);
	const struct dirent *entry;
	char name[NAME_SIZE];

	while (entries && (entry = readdir(entries)))
		if (is_ours(entry->d_name) &&
		    snprintf(name, sizeof(name), "%s/%s", c->options.directory, entry->d_name) < (int)sizeof(name))
			add_name(c, name);
	if (entries)
		closedir(entries);
	if (c->count)
		qsort(c->names, c->count, sizeof(*c->names), compare);
}

/* --- triggers */

struct flight_save *flight_save_new(const struct flight_save_options *options)
{
	struct flight_save *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	flight_save_follow(c, options);
	return c;
}

void flight_save_free(struct flight_save *c)
{
	if (!c)
		return;
	background_wait(&c->saving);
	flight_free(c->copy);
	free(c->names);
	free(c);
}

void flight_save_follow(struct flight_save *c, const struct flight_save_options *options)
{
	c->options = *options;
	free(c->names);
	c->names = NULL;
	c->count = 0;
	if (options->keep)
		find_earlier(c);
}

const struct flight_save_counters *flight_save_counters(const struct flight_save *c)
{
	return &c->counters;
}

bool flight_save_trigger(struct flight_save *c, const char *reason, uint64_t now_ns)
{
	if (c->armed || flight_save_is_saving(c) || (c->triggered && now_ns < c->trigger_ns + c->options.gap_ns)) {
		c->counters.suppressed++;
		return false;
	}
	c->armed = c->triggered = true;
	c->trigger_ns = now_ns;
	snprintf(c->reason, sizeof(c->reason), "%s", reason);
	return true;
}

bool flight_save_is_armed(const struct flight_save *c)
{
	return c->armed;
}

bool flight_save_is_due(const struct flight_save *c, uint64_t now_ns)
{
	return c->armed && now_ns >= c->trigger_ns + c->options.after_ns;
}

/* --- retention */

/* Only what a store makes is taken away: whatever else somebody put there keeps its directory. */
static void remove_recording(const char *name)
{
	int fd = open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char file[FILES_NAME_MAX];

	if (fd < 0)
		return;
	files_name(file, 0, false);
	unlinkat(fd, file, 0);
	unlinkat(fd, FILES_METADATA, 0);
	close(fd);
	rmdir(name);
}

static void keep(struct flight_save *c, const char *name)
{
	if (!c->options.keep || !add_name(c, name))
		return;
	while (c->count > c->options.keep) {
		remove_recording(c->names[0]);
		c->counters.removed++;
		memmove(c->names, c->names + 1, --c->count * sizeof(*c->names));
	}
}

/* --- saving */

/* False: the name is too long. */
static bool name_recording(const struct flight_save *c, int64_t wall_ns, char *name, size_t size)
{
	time_t seconds = wall_ns / 1000000000;
	struct tm tm;
	char when[32];

	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", gmtime_r(&seconds, &tm));
	return snprintf(name, size, "%s/%s-%s", c->options.directory, when, c->reason) < (int)size;
}

static int make_directory(const struct flight_save *c, char *message, size_t size)
{
	int err = mkdir(c->options.directory, c->options.for_group ? 0750 : 0700) < 0 && errno != EEXIST ? -errno : 0;

	if (err)
		snprintf(message, size, "cannot make %s: %s", c->options.directory, strerror(-err));
	return err;
}

static int save_as(struct flight_save *c, const char *name, char *message, size_t size)
{
	const struct writer_options options = { .directory = name, .for_group = c->options.for_group };
	int err, close_err;
	struct writer *store = writer_open(&options, &c->about, &err, message, size);

	if (!store)
		return err;
	err = flight_save(c->flight, store, &c->status);
	close_err = writer_close(store);
	if (!err)
		err = close_err;
	if (err)
		snprintf(message, size, "writing %s failed: %s", name, strerror(-err));
	/* One that is not complete is better than none, and takes room like any other. */
	keep(c, name);
	return err;
}

static void save(void *ctx)
{
	char where[NAME_SIZE], message[sizeof(((struct flight_save *)0)->result)];
	struct flight_save *c = ctx;
	int err = 0;

	if (!name_recording(c, c->status.wall_ns, where, sizeof(where))) {
		err = -ENAMETOOLONG;
		snprintf(message, sizeof(message), "cannot save in %.64s...: the name is too long", c->options.directory);
	}
	if (!err)
		err = make_directory(c, message, sizeof(message));
	if (!err)
		err = save_as(c, where, message, sizeof(message));
	c->counters.saved += !err;
	c->counters.failed += err != 0;
	snprintf(c->result, sizeof(c->result), "%s", err ? message : where);
	c->err = err;
}

void flight_save_start(struct flight_save *c, const struct flight *flight, const struct recording_about *about,
		   const struct recording_status *status)
{
	c->armed = false;
	c->about = *about;
	c->status = *status;
	snprintf(c->about.reason, sizeof(c->about.reason), "%s", c->reason);
	c->copy = flight_copy(flight);
	c->flight = c->copy ? c->copy : flight;
	if (c->copy)
		background_start(&c->saving, save, c);
	else
		background_do(&c->saving, save, c);
}

bool flight_save_is_saving(const struct flight_save *c)
{
	return background_is_busy(&c->saving);
}

bool flight_save_is_saved(const struct flight_save *c)
{
	return background_is_done(&c->saving);
}

int flight_save_end(struct flight_save *c, char *name, size_t size)
{
	background_wait(&c->saving);
	flight_free(c->copy);
	c->copy = NULL;
	snprintf(name, size, "%s", c->result);
	return c->err;
}
