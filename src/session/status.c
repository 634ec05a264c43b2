/* SPDX-License-Identifier: GPL-2.0-only */
#include "session/status.h"

#include <stdio.h>
#include <unistd.h>

void status_set_host_name(struct status *status, const char *name)
{
	snprintf(status->host, sizeof(status->host), "%s", name);
	for (char *at = status->host; *at; at++)
		if (*at <= ' ' || *at > '~')
			*at = '?';
}

void status_set_host(struct status *status)
{
	char name[sizeof(status->host)] = "";

	gethostname(name, sizeof(name) - 1);
	status_set_host_name(status, name);
}

/* --- as recordings have it */

static uint64_t sum(const uint64_t counters[SDEI_KIND_COUNT])
{
	uint64_t all = 0;

	for (int kind = 0; kind < SDEI_KIND_COUNT; kind++)
		all += counters[kind];
	return all;
}

struct recording_status status_for_recording(const struct status *now, bool end)
{
	return (struct recording_status){
		.time_ns = now->now_ns, .wall_ns = now->wall_ns,
		.attempted = sum(now->counters.attempted), .lost = sum(now->counters.lost),
		.read = now->counters.read, .malformed = now->counters.malformed, .late = now->counters.late,
		.probes_attached = now->probes_attached, .probes_total = now->probes_total,
		.cpu_permille = now->cpu_percent < 0 ? UINT16_MAX : (uint16_t)(10 * now->cpu_percent + 0.5),
		.end = end, .counter = now->counter,
	};
}

void status_from_recording(struct status *status, const struct recording_status *said)
{
	status->probes_attached = said->probes_attached;
	status->probes_total = said->probes_total;
	status->cpu_percent = said->cpu_permille == UINT16_MAX || !said->time_ns ? -1 : said->cpu_permille / 10.0;
	status->counters.malformed = said->malformed;
	status->counters.late = said->late;
	status->counter = said->counter;
}

int64_t status_wall_ns(const struct status *status, uint64_t time_ns)
{
	if (status->times)
		return wall_steps_wall_ns(&status->times->wall, time_ns);
	return (int64_t)((uint64_t)status->wall_ns + time_ns - status->now_ns);
}

const struct times *status_times(const struct status *status, struct times *plain)
{
	if (status->times)
		return status->times;
	*plain = (struct times){
		.wall = { .count = 1, .step = { { .offset_ns = (int64_t)((uint64_t)status->wall_ns - status->now_ns) } } },
	};
	return plain;
}
