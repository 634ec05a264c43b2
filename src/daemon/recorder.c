// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/recorder.h"

#include <stdlib.h>
#include <string.h>

#include "util/log.h"
#include "recording/flight_save.h"

/* What follows a trigger belongs to it; a storm of findings must not wear out the disk. */
#define AFTER_NS 1000000000ULL
#define GAP_NS 60000000000ULL
#define FLIGHT_LEAST (1U << 20)		/* what flight_new() takes */

struct recorder {
	const struct daemon_config *config;
	struct flight *flight;
	struct flight_save *capture;
	uint64_t found;		/* findings to save for, so far */
	uint64_t suppressed;	/* triggers that the user was told of */
};

static struct flight_save_options flight_save_options(const struct daemon_config *config)
{
	return (struct flight_save_options){
		.directory = config->flight, .for_group = true, .keep = config->flight_keep, .after_ns = AFTER_NS, .gap_ns = GAP_NS,
	};
}

struct recorder *recorder_open(const struct daemon_config *config)
{
	const struct flight_save_options options = flight_save_options(config);
	struct recorder *r = calloc(1, sizeof(*r));

	if (r) {
		r->config = config;
		r->flight = flight_new(config->flight_size < FLIGHT_LEAST ? FLIGHT_LEAST : config->flight_size);
		r->capture = flight_save_new(&options);
	}
	if (r && r->flight && r->capture)
		return r;
	say_at(SAY_ERROR, "no memory for a flight recorder of %" PRIu64 " bytes: make flight-size smaller", config->flight_size);
	recorder_close(r);
	return NULL;
}

void recorder_close(struct recorder *r)
{
	if (!r)
		return;
	if (r->capture)
		recorder_wait(r);
	flight_save_free(r->capture);
	flight_free(r->flight);
	free(r);
}

void recorder_take(struct recorder *r, const struct packet *packet)
{
	flight_take(r->flight, packet);
}

bool recorder_wants_snapshot(const struct recorder *r, size_t size)
{
	return flight_wants_snapshot(r->flight, size);
}

/* --- saving */

static void tell_suppressed(struct recorder *r)
{
	uint64_t suppressed = flight_save_counters(r->capture)->suppressed;

	if (suppressed != r->suppressed)
		say("%" PRIu64 " more reasons to save a flight recording came within %u s of one before: not saved again",
		    suppressed - r->suppressed, (unsigned int)(GAP_NS / 1000000000));
	r->suppressed = suppressed;
}

void recorder_wait(struct recorder *r)
{
	char name[640];

	if (!flight_save_is_saving(r->capture))
		return;
	if (flight_save_end(r->capture, name, sizeof(name)) < 0)
		say_at(SAY_ERROR, "%s", name);
	else
		say_at(SAY_INFO, MSG_CAPTURED, name, name);
	tell_suppressed(r);
}

/* --- triggers */

void recorder_signalled(struct recorder *r, uint64_t now_ns)
{
	if (!r->config->flight_on.usr2)
		say("SIGUSR2: flight-on does not name it, nothing is saved");
	else if (!flight_save_trigger(r->capture, "SIGUSR2", now_ns))
		say("SIGUSR2: not saved again within %u s of the last flight recording", (unsigned int)(GAP_NS / 1000000000));
}

void recorder_ending(struct recorder *r, uint64_t now_ns)
{
	recorder_wait(r);
	if (r->config->flight_on.exit)
		flight_save_trigger(r->capture, "exit", now_ns);
}

void recorder_check(struct recorder *r, const struct model *m, const struct recording_about *about,
		    const struct recording_status *status, bool end)
{
	uint64_t found = triggers_count(&r->config->flight_on, m);

	if (end || flight_save_is_saved(r->capture))
		recorder_wait(r);
	if (found > r->found)
		flight_save_trigger(r->capture, triggers_reason(&r->config->flight_on, m), status->time_ns);
	r->found = found;
	if (flight_save_is_due(r->capture, status->time_ns) || (end && flight_save_is_armed(r->capture)))
		flight_save_start(r->capture, r->flight, about, status);
	if (end)
		recorder_wait(r);
}

void recorder_follow(struct recorder *r, const struct daemon_config *config, const struct model *m)
{
	const struct flight_save_options options = flight_save_options(config);

	recorder_wait(r);
	flight_save_follow(r->capture, &options);
	r->config = config;
	r->found = triggers_count(&config->flight_on, m);
}
