// SPDX-License-Identifier: GPL-2.0-only
#include "view/export/export_ctf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recording/packetizer.h"
#include "recording/writer.h"

struct export_ctf {
	struct writer *writer;
	struct packetizer *packetizer;
	bool begun;
	uint64_t read;		/* records since then */
	int error;
};

/* The first packet that cannot be written is the end: what follows would only make a gap. */
static int take_packet(void *ctx, const struct packet *packet)
{
	struct export_ctf *x = ctx;
	int err = x->error ? -x->error : writer_take(x->writer, packet);

	if (err)
		x->error = -err;
	return err;
}

static struct packetizer *open_packetizer(struct export_ctf *x, const struct export_ctf_options *options)
{
	struct packetizer_options own = { .take = take_packet, .ctx = x, .name = options->name, .name_ctx = options->ctx };

	memcpy(own.uuid, options->about.uuid, sizeof(own.uuid));
	return packetizer_new(&own);
}

struct export_ctf *export_ctf_new(const struct export_ctf_options *options, struct error *error)
{
	const struct writer_options own = { .directory = options->directory, .compress = options->compress };
	struct export_ctf *x = calloc(1, sizeof(*x));

	error_no_memory(error);
	if (!x)
		return NULL;
	x->packetizer = open_packetizer(x, options);
	if (x->packetizer)
		packetizer_learn(x->packetizer);
	x->writer = x->packetizer ? writer_open(&own, &options->about, error) : NULL;
	if (x->writer)
		return x;
	export_ctf_free(x);
	return NULL;
}

void export_ctf_free(struct export_ctf *x)
{
	if (!x)
		return;
	writer_close(x->writer);
	packetizer_free(x->packetizer);
	free(x);
}

/* --- records */

static void take_record(void *ctx, const struct sdei_record *record, size_t size)
{
	struct export_ctf *x = ctx;

	packetizer_record(x->packetizer, record, size);
	if (!x->begun)
		return;
	x->read++;
	if (packetizer_wants_snapshot(x->packetizer))
		packetizer_snapshot(x->packetizer, 0);
}

static void take_lost(void *ctx, const struct sdei_lost_key *key, uint64_t count)
{
	packetizer_lost(((struct export_ctf *)ctx)->packetizer, key, count);
}

struct record_sink export_ctf_sink(struct export_ctf *x)
{
	return (struct record_sink){ .record = take_record, .lost = take_lost, .ctx = x };
}

void export_ctf_begin(struct export_ctf *x, uint64_t time_ns)
{
	packetizer_snapshot(x->packetizer, time_ns);
	x->begun = true;
}

void export_ctf_name(struct export_ctf *x, uint32_t vm, const char *name, const char *uuid, bool late, uint64_t time_ns)
{
	if (late)
		packetizer_rename(x->packetizer, vm, name, uuid);
	else
		packetizer_name(x->packetizer, vm, name, uuid, time_ns);
}

void export_ctf_status(struct export_ctf *x, struct recording_status status)
{
	status.read = x->read;
	status.lost = packetizer_counters(x->packetizer)->lost;
	status.attempted = status.read + status.lost;
	packetizer_status(x->packetizer, &status);
}

/* --- the end */

int export_ctf_error(const struct export_ctf *x)
{
	return x->error;
}

int export_ctf_end(struct export_ctf *x, struct recording_status status)
{
	int err;

	status.end = true;
	export_ctf_status(x, status);
	err = writer_close(x->writer);
	x->writer = NULL;
	if (x->error)
		return -x->error;
	return err || !packetizer_counters(x->packetizer)->unrecorded ? err : -ENOMEM;
}
