/* SPDX-License-Identifier: GPL-2.0-only */
#include "recording/flight_save.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "util/background.h"
#include "recording/flight_quota.h"

#define REASON_SIZE 64
#define GUEST_SIZE 64
#define NAME_SIZE 512

struct flight_save {
	struct flight_save_options options;
	struct flight_save_counters counters;
	bool armed, triggered;
	uint64_t trigger_ns;		/* the last one that was taken */
	char reason[REASON_SIZE];
	char guest[GUEST_SIZE];		/* that caused it */
	bool has_guest;

	struct background saving;		/* has quota, the other counters and all below while it is busy */
	struct flight_quota *quota;
	struct flight *copy;		/* NULL: flight itself */
	const struct flight *flight;
	struct recording_about about;
	struct recording_status status;
	char result[ERROR_TEXT];	/* where it was saved, or why not */
	int err;
};

/* --- triggers */

static struct flight_quota *new_quota(const struct flight_save_options *options)
{
	return flight_quota_new(options->directory, options->keep, options->keep_of_guest);
}

struct flight_save *flight_save_new(const struct flight_save_options *options)
{
	struct flight_save *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->options = *options;
	c->quota = new_quota(options);
	if (c->quota)
		return c;
	free(c);
	return NULL;
}

void flight_save_free(struct flight_save *c)
{
	if (!c)
		return;
	background_wait(&c->saving);
	flight_free(c->copy);
	flight_quota_free(c->quota);
	free(c);
}

int flight_save_follow(struct flight_save *c, const struct flight_save_options *options)
{
	struct flight_quota *quota = new_quota(options);

	if (!quota)
		return -ENOMEM;
	flight_quota_free(c->quota);
	c->quota = quota;
	c->options = *options;
	return 0;
}

const struct flight_save_counters *flight_save_counters(const struct flight_save *c)
{
	return &c->counters;
}

bool flight_save_trigger(struct flight_save *c, const char *reason, const char *guest, uint64_t now_ns)
{
	if (c->armed || flight_save_is_saving(c) || (c->triggered && now_ns < c->trigger_ns + c->options.gap_ns)) {
		c->counters.suppressed++;
		return false;
	}
	c->armed = c->triggered = true;
	c->trigger_ns = now_ns;
	snprintf(c->reason, sizeof(c->reason), "%s", reason);
	snprintf(c->guest, sizeof(c->guest), "%s", guest ?: "");
	c->has_guest = guest;
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

/* --- saving */

static int make_directory(const struct flight_save *c, struct error *error)
{
	int err = mkdir(c->options.directory, c->options.for_group ? 0750 : 0700) < 0 && errno != EEXIST ? -errno : 0;

	return err ? error_set(error, err, "cannot make %s: %s", c->options.directory, strerror(-err)) : 0;
}

static int save_as(struct flight_save *c, const char *name, struct error *error)
{
	const struct writer_options options = { .directory = name, .for_group = c->options.for_group };
	int err, close_err;
	struct writer *store = writer_open(&options, &c->about, error);

	if (!store && error->code != -ENOTEMPTY)	/* else it is somebody else's */
		flight_quota_give_back(name);
	if (!store)
		return error->code;
	err = flight_save(c->flight, store, &c->status);
	close_err = writer_close(store);
	if (!err)
		err = close_err;
	if (!err) {
		c->counters.removed += flight_quota_add(c->quota, name);
		return 0;
	}
	flight_quota_give_back(name);
	return error_set(error, err, "writing %s failed: %s; none of it is kept", name, strerror(-err));
}

static void save(void *ctx)
{
	char where[NAME_SIZE];
	struct error error;
	struct flight_save *c = ctx;
	int err = flight_quota_name(c->quota, c->status.wall_ns, c->reason, c->has_guest ? c->guest : NULL, where, sizeof(where));

	if (err)
		error_set(&error, err, "cannot save in %.64s...: the name is too long", c->options.directory);
	if (!err)
		err = make_directory(c, &error);
	if (!err)
		err = save_as(c, where, &error);
	c->counters.saved += !err;
	c->counters.failed += err != 0;
	snprintf(c->result, sizeof(c->result), "%s", err ? error.text : where);
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
