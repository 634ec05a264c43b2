/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a view shows besides the model: when, where, and how well it is watched.
 * Plain figures, so that views know neither source nor clock.
 */
#ifndef SESSION_STATUS_H
#define SESSION_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "record/counters.h"
#include "recording/recording.h"
#include "util/times.h"

/* The place in a recording. */
struct replay_status {
	uint64_t position_ns, length_ns;	/* since its start */
	int speed;				/* a power of two */
	bool playing, ended;
	int jump_percent;			/* of the way to another place; -1: it is on none */
	const uint64_t *marks;			/* positions of findings, ascending; only while it is drawn */
	size_t mark_count;
};

struct status {
	uint64_t now_ns;	/* CLOCK_MONOTONIC, that of the last tick: every record up to then is in the figures */
	int64_t wall_ns;	/* CLOCK_REALTIME at the same moment */
	const struct times *times;	/* how times are shown; NULL: as wall_ns says, in UTC */
	uint64_t delay_ns;	/* what the interval should be; 0: none */
	char host[65];
	unsigned int probes_attached, probes_total;
	double cpu_percent;	/* of one CPU, our own; negative: unknown */
	struct record_counters counters;
	struct counter_look counter;	/* of this machine, at about now_ns; hz 0: it has none */
	struct replay_status replay;	/* only of a screen with top_options.replay */
};

/* The name of a host, as far as it can be shown: anybody may have chosen it. */
void status_set_host_name(struct status *status, const char *name);

/* This host's. */
void status_set_host(struct status *status);

/* What a recording keeps of it; end: it ends here. */
struct recording_status status_for_recording(const struct status *status, bool end);

/* What a recording or a daemon said last, into probes, CPU, malformed and late; all 0: nothing was said. */
void status_from_recording(struct status *status, const struct recording_status *said);

/* CLOCK_REALTIME at time_ns. A recording may claim any times: what does not fit wraps around. */
int64_t status_wall_ns(const struct status *status, uint64_t time_ns);

/* How its times are shown: status->times, or plain, filled in. */
const struct times *status_times(const struct status *status, struct times *plain);

#endif
