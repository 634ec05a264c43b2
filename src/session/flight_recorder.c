// SPDX-License-Identifier: GPL-2.0-only
#include "session/flight_recorder.h"

#include <stdlib.h>

#include "util/clock.h"
#include "util/log.h"

#define AFTER_NS NS_PER_SEC		/* what follows a trigger belongs to it */
#define ALWAYS_NS (UINT64_MAX / 2)	/* later than any gap */
#define FLIGHT_LEAST (1U << 20)		/* what flight_new() takes */

struct flight_recorder {
	struct flight_recorder_options options;
	struct flight *flight;
	struct flight_save *save;
	uint64_t found;		/* findings to save for, so far */
	uint64_t suppressed;	/* triggers that were logged */
};

static struct flight_save_options save_options(const struct flight_recorder_options *own)
{
	return (struct flight_save_options){
		.directory = own->directory, .for_group = own->for_group, .keep = own->keep,
		.keep_of_guest = own->keep_of_guest, .after_ns = AFTER_NS, .gap_ns = own->gap_s * NS_PER_SEC,
	};
}

struct flight_recorder *flight_recorder_open(const struct flight_recorder_options *own)
{
	const struct flight_save_options options = save_options(own);
	struct flight_recorder *r = calloc(1, sizeof(*r));

	if (r) {
		r->options = *own;
		r->flight = flight_new(own->size < FLIGHT_LEAST ? FLIGHT_LEAST : own->size);
		r->save = flight_save_new(&options);
	}
	if (r && r->flight && r->save)
		return r;
	say_at(SAY_ERROR, "no memory for a flight recorder of %" PRIu64 " bytes: choose a smaller one", own->size);
	flight_recorder_close(r);
	return NULL;
}

void flight_recorder_close(struct flight_recorder *r)
{
	if (!r)
		return;
	if (r->save)
		flight_recorder_wait(r);
	flight_save_free(r->save);
	flight_free(r->flight);
	free(r);
}

int flight_recorder_take(struct flight_recorder *r, const struct packet *packet)
{
	return flight_take(r->flight, packet);
}

bool flight_recorder_wants_snapshot(const struct flight_recorder *r, size_t size)
{
	return flight_wants_snapshot(r->flight, size);
}

const struct flight_save_counters *flight_recorder_counters(const struct flight_recorder *r)
{
	return flight_save_counters(r->save);
}

/* --- saving */

static void report_suppressed(struct flight_recorder *r)
{
	uint64_t suppressed = flight_save_counters(r->save)->suppressed;

	if (suppressed != r->suppressed)
		say("%" PRIu64 " more reasons to save a flight recording came within %u s of one of the same guest: not saved again",
		    suppressed - r->suppressed, r->options.gap_s);
	r->suppressed = suppressed;
}

void flight_recorder_wait(struct flight_recorder *r)
{
	char name[640];

	if (!flight_save_is_saving(r->save))
		return;
	if (flight_save_end(r->save, name, sizeof(name)) < 0)
		say_at(SAY_ERROR, "%s", name);
	else
		say_at(SAY_INFO, "saved %s; now: " PROGRAM " report %s", name, name);
	report_suppressed(r);
}

/* --- triggers */

void flight_recorder_signalled(struct flight_recorder *r, uint64_t now_ns)
{
	if (!r->options.on.usr2)
		say("SIGUSR2: nothing is saved, as it is not among the reasons to save");
	else if (!flight_save_trigger(r->save, "SIGUSR2", NULL, now_ns))
		say("SIGUSR2: not saved again within %u s of the last one", r->options.gap_s);
}

void flight_recorder_ending(struct flight_recorder *r)
{
	flight_recorder_wait(r);
	/* However soon that is after one before: there is no other time for it. */
	if (r->options.on.exit)
		flight_save_trigger(r->save, "exit", NULL, ALWAYS_NS);
}

/* The newest of each guest, as each has its own recordings. */
static void look_for_findings(struct flight_recorder *r, const struct model *m, uint64_t now_ns)
{
	const uint64_t found = triggers_count(&r->options.on, m);
	uint64_t left = found - r->found;
	const struct model_finding *newest;
	size_t count = triggers_newest(&r->options.on, m, left, &newest);
	char id[16];

	while (count--) {
		const struct model_finding *finding = &newest[count];

		if (!triggers_mean(&r->options.on, finding->code))
			continue;
		flight_save_trigger(r->save, finding_code_name(finding->code), triggers_guest(m, finding, id), now_ns);
		left--;
	}
	if (left)
		flight_save_trigger(r->save, "finding", "unknown", now_ns);
	r->found = found;
}

void flight_recorder_check(struct flight_recorder *r, const struct model *m, const struct recording_about *about,
			   const struct recording_status *status, bool end)
{
	if (end || flight_save_is_saved(r->save))
		flight_recorder_wait(r);
	if (m)
		look_for_findings(r, m, status->time_ns);
	if (flight_save_is_due(r->save, status->time_ns))
		flight_save_start(r->save, r->flight, about, status);
	for (; end && flight_save_is_armed(r->save); flight_recorder_wait(r))
		flight_save_start(r->save, r->flight, about, status);
}

void flight_recorder_follow(struct flight_recorder *r, const struct flight_recorder_options *own, const struct model *m)
{
	const struct flight_save_options options = save_options(own);

	flight_recorder_wait(r);
	if (flight_save_follow(r->save, &options) < 0) {
		say_at(SAY_ERROR, MSG_NO_MEMORY "; flight recordings go on as before");
		return;
	}
	r->options = *own;
	r->found = triggers_count(&own->on, m);
}
