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

/* So many recordings at most within a guest's gap, however many guests there are; and there is always room for nobody's. */
#define SAVED_IN_GAP 10
#define TAKEN_MAX (SAVED_IN_GAP + 2)

struct trigger {
	uint64_t time_ns, due_ns;
	char reason[REASON_SIZE];
	char guest[GUEST_SIZE];		/* that caused it */
	bool has_guest;
};

struct flight_save {
	struct flight_save_options options;
	struct flight_save_counters counters;
	struct trigger taken[TAKEN_MAX];	/* by time: those that were saved and still keep their guest away, those that wait */
	unsigned int taken_count, waiting;	/* of them the last */

	struct background saving;		/* has quota, the other counters and all below while it is busy */
	struct trigger trigger;
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

/* Those that were saved, and whose guest may have another one. */
static void forget_old(struct flight_save *c, uint64_t now_ns)
{
	unsigned int old = 0;

	while (old < c->taken_count - c->waiting && now_ns >= c->taken[old].time_ns + c->options.gap_ns)
		old++;
	c->taken_count -= old;
	memmove(c->taken, c->taken + old, c->taken_count * sizeof(c->taken[0]));
}

static bool is_of(const struct trigger *trigger, const char *guest)
{
	return trigger->has_guest == (guest != NULL) && strncmp(trigger->guest, guest ?: "", GUEST_SIZE - 1) == 0;
}

static bool is_too_soon(const struct flight_save *c, const char *guest)
{
	for (unsigned int i = 0; i < c->taken_count; i++)
		if (is_of(&c->taken[i], guest))
			return true;
	return c->taken_count >= (guest ? TAKEN_MAX - 1 : TAKEN_MAX);
}

bool flight_save_trigger(struct flight_save *c, const char *reason, const char *guest, uint64_t now_ns)
{
	uint64_t spaced_ns = 0;
	struct trigger *t;

	forget_old(c, now_ns);
	if (is_too_soon(c, guest)) {
		c->counters.suppressed++;
		return false;
	}
	if (c->taken_count)
		spaced_ns = c->taken[c->taken_count - 1].due_ns + c->options.gap_ns / SAVED_IN_GAP;
	t = &c->taken[c->taken_count++];
	c->waiting++;
	*t = (struct trigger){ .time_ns = now_ns, .due_ns = now_ns + c->options.after_ns, .has_guest = guest };
	if (t->due_ns < spaced_ns)
		t->due_ns = spaced_ns;
	snprintf(t->reason, sizeof(t->reason), "%s", reason);
	snprintf(t->guest, sizeof(t->guest), "%s", guest ?: "");
	return true;
}

bool flight_save_is_armed(const struct flight_save *c)
{
	return c->waiting;
}

static const struct trigger *first_waiting(const struct flight_save *c)
{
	return &c->taken[c->taken_count - c->waiting];
}

bool flight_save_is_due(const struct flight_save *c, uint64_t now_ns)
{
	return c->waiting && !flight_save_is_saving(c) && now_ns >= first_waiting(c)->due_ns;
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
	int err = flight_quota_name(c->quota, c->status.wall_ns, c->trigger.reason, c->trigger.has_guest ? c->trigger.guest : NULL,
				    where, sizeof(where));

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
	c->trigger = *first_waiting(c);
	c->waiting--;
	c->about = *about;
	c->status = *status;
	snprintf(c->about.reason, sizeof(c->about.reason), "%s", c->trigger.reason);
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
