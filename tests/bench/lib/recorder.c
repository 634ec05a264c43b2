// SPDX-License-Identifier: GPL-2.0-only
#include "tests/bench/lib/recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS 1000000000ULL
#define WALL_OFFSET_NS (1767225600LL * 1000000000)
#define FILE_SIZE (64U << 20)
#define SNAPSHOT_LEAST (1U << 20)

static char *name(void *ctx, uint32_t vm, char *uuid)
{
	char text[32];

	snprintf(text, sizeof(text), "guest-%u", vm);
	return strdup(text);
}

void bench_recorder_open(struct bench_recorder *r, const char *directory)
{
	const struct writer_options store = { .directory = directory, .file_size = FILE_SIZE };
	const struct recording_about about = {
		.uuid = { 0xbe }, .major = RECORDING_MAJOR, .minor = RECORDING_MINOR, .version = SDEITOP_VERSION, .host = "bench",
		.clock_offset_ns = WALL_OFFSET_NS, .cpus = 8,
	};
	struct packetizer_options pack = { .take = writer_take, .name = name };
	struct error error;

	*r = (struct bench_recorder){ 0 };
	memcpy(pack.uuid, about.uuid, sizeof(pack.uuid));
	r->store = writer_open(&store, &about, &error);
	pack.ctx = r->store;
	r->pack = r->store ? packetizer_new(&pack) : NULL;
	if (!r->pack) {
		fprintf(stderr, "%s: %s\n", directory, r->store ? "out of memory" : error.text);
		exit(1);
	}
}

void bench_recorder_status(struct bench_recorder *r, uint64_t time_ns, bool end)
{
	struct recording_status status = {
		.time_ns = time_ns, .wall_ns = (int64_t)time_ns + WALL_OFFSET_NS, .attempted = packetizer_counters(r->pack)->items,
		.read = packetizer_counters(r->pack)->items, .probes_attached = 14, .probes_total = 14, .cpu_permille = 120, .end = end,
	};

	packetizer_status(r->pack, &status);
	r->status_due_ns = time_ns + SECOND_NS;
}

/* As cmd_record.c does. */
static void add_snapshot(struct bench_recorder *r, uint64_t time_ns)
{
	if (writer_is_file_full(r->store))
		writer_next_file(r->store);
	else if (packetizer_counters(r->pack)->bytes - r->snapshot_at < SNAPSHOT_LEAST)
		return;
	packetizer_snapshot(r->pack, time_ns);
	r->snapshot_at = packetizer_counters(r->pack)->bytes;
}

void bench_recorder_drained(struct bench_recorder *r, uint64_t time_ns)
{
	add_snapshot(r, time_ns);
	if (time_ns >= r->status_due_ns)
		bench_recorder_status(r, time_ns + 1, false);
}

int bench_recorder_close(struct bench_recorder *r)
{
	bool failed = packetizer_counters(r->pack)->unrecorded != 0;

	packetizer_free(r->pack);
	if (writer_close(r->store))
		failed = true;
	return failed ? -1 : 0;
}
