/* SPDX-License-Identifier: GPL-2.0-only */
#include "capture.h"

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

#include "aside.h"
#include "files.h"

#define REASON_SIZE 64
#define NAME_SIZE 512

struct capture {
	struct capture_options options;
	struct capture_counters counters;
	bool armed, triggered;
	uint64_t trigger_ns;		/* the last one that was taken */
	char reason[REASON_SIZE];
	char (*names)[NAME_SIZE];	/* of those that are there, oldest first */
	size_t count;

	struct aside saving;		/* has names, the other counters and all below while it is busy */
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

static bool add_name(struct capture *c, const char *name)
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
static void find_earlier(struct capture *c)
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

struct capture *capture_new(const struct capture_options *options)
{
	struct capture *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	capture_follow(c, options);
	return c;
}

void capture_free(struct capture *c)
{
	if (!c)
		return;
	aside_wait(&c->saving);
	flight_free(c->copy);
	free(c->names);
	free(c);
}

void capture_follow(struct capture *c, const struct capture_options *options)
{
	c->options = *options;
	free(c->names);
	c->names = NULL;
	c->count = 0;
	if (options->keep)
		find_earlier(c);
}

const struct capture_counters *capture_counters(const struct capture *c)
{
	return &c->counters;
}

bool capture_trigger(struct capture *c, const char *reason, uint64_t now_ns)
{
	if (c->armed || capture_is_saving(c) || (c->triggered && now_ns < c->trigger_ns + c->options.gap_ns)) {
		c->counters.suppressed++;
		return false;
	}
	c->armed = c->triggered = true;
	c->trigger_ns = now_ns;
	snprintf(c->reason, sizeof(c->reason), "%s", reason);
	return true;
}

bool capture_is_armed(const struct capture *c)
{
	return c->armed;
}

bool capture_is_due(const struct capture *c, uint64_t now_ns)
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

static void keep(struct capture *c, const char *name)
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
static bool name_recording(const struct capture *c, int64_t wall_ns, char *name, size_t size)
{
	time_t seconds = wall_ns / 1000000000;
	struct tm tm;
	char when[32];

	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", gmtime_r(&seconds, &tm));
	return snprintf(name, size, "%s/%s-%s", c->options.directory, when, c->reason) < (int)size;
}

static int make_directory(const struct capture *c, char *message, size_t size)
{
	int err = mkdir(c->options.directory, 0700) < 0 && errno != EEXIST ? -errno : 0;

	if (err)
		snprintf(message, size, "cannot make %s: %s", c->options.directory, strerror(-err));
	return err;
}

static int save_as(struct capture *c, const char *name, char *message, size_t size)
{
	const struct store_options options = { .directory = name };
	int err, close_err;
	struct store *store = store_open(&options, &c->about, &err, message, size);

	if (!store)
		return err;
	err = flight_save(c->flight, store, &c->status);
	close_err = store_close(store);
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
	char where[NAME_SIZE], message[sizeof(((struct capture *)0)->result)];
	struct capture *c = ctx;
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

void capture_start(struct capture *c, const struct flight *flight, const struct recording_about *about,
		   const struct recording_status *status)
{
	c->armed = false;
	c->about = *about;
	c->status = *status;
	snprintf(c->about.reason, sizeof(c->about.reason), "%s", c->reason);
	c->copy = flight_copy(flight);
	c->flight = c->copy ? c->copy : flight;
	if (c->copy)
		aside_start(&c->saving, save, c);
	else
		aside_do(&c->saving, save, c);
}

bool capture_is_saving(const struct capture *c)
{
	return aside_is_busy(&c->saving);
}

bool capture_is_saved(const struct capture *c)
{
	return aside_is_done(&c->saving);
}

int capture_end(struct capture *c, char *name, size_t size)
{
	aside_wait(&c->saving);
	flight_free(c->copy);
	c->copy = NULL;
	snprintf(name, size, "%s", c->result);
	return c->err;
}
