/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any bytes as a recording, for libFuzzer: the first byte says as what. Everything that is read goes on into a
 * model, as report does it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "recording/reader.h"
#include "tests/fuzz/packets.h"

enum { AS_STREAM, AS_ITEMS, AS_SNAPSHOT, AS_METADATA, AS_GZIP, AS_COUNT };

static struct fuzz_directory directory;

/* Items in a packet whose head and CRC are right, so that they are looked at. */
static void put_packet(const uint8_t *bytes, size_t size, enum packet_holds holds)
{
	static struct packet p;
	static const uint8_t uuid[16] = { 1 };

	if (size > sizeof(p.bytes) - sizeof(p.head))
		size = sizeof(p.bytes) - sizeof(p.head);
	packet_open(&p, uuid, holds, 1000);
	memcpy(p.bytes + sizeof(p.head), bytes, size);
	p.size = sizeof(p.head) + size;
	p.head.begin_ns = 1000;
	p.head.items = size / 8;
	packet_close(&p, holds == PACKET_SNAPSHOT ? 7 : 0, 0, 0);
	fuzz_put_file(&directory, "sdei-000000", p.bytes, p.size);
}

static void feed(struct model *m, const struct recording_item *item)
{
	switch (item->kind) {
	case ITEM_RECORD:
	case ITEM_SNAPSHOT:
		model_feed(m, &item->record.head, item->size);
		break;
	case ITEM_LOST:
		model_feed_lost(m, item->lost.key_known ? &item->lost.key : NULL, item->lost.count);
		break;
	case ITEM_NAME:
		break;
	case ITEM_STATUS:
		model_tick(m, item->time_ns);
		break;
	}
}

/* Some packets, by what their heads say. */
static bool wants_some(void *ctx, uint64_t begin_ns, uint64_t end_ns)
{
	return (begin_ns ^ end_ns >> 3) % 3 == 0;
}

static uint64_t hash_text(uint64_t hash, const char *text, size_t most)
{
	for (size_t i = 0; i < most && text[i]; i++)
		hash = (hash ^ (uint8_t)text[i]) * 1099511628211ULL;
	return hash;
}

/* Of all that was read so far; looks at each byte of names. */
static uint64_t hash_item(uint64_t hash, const struct recording_item *item)
{
	hash = (hash ^ item->kind ^ item->time_ns) * 1099511628211ULL;
	if (item->kind != ITEM_NAME)
		return hash;
	return hash_text(hash_text(hash, item->name.text, RECORDING_NAME_MAX), item->name.uuid, sizeof(item->name.uuid));
}

/* The same again, by runs of at most room items. */
static uint64_t hash_runs(struct reader *r, size_t room)
{
	static struct recording_item items[256];
	struct reader_run run;
	uint64_t hash = 0;

	reader_seek(r, 0);
	while (reader_read_run(r, items, room, &run))
		for (size_t i = 0; i < run.count; i++)
			hash = hash_item(hash, &run.items[i]);
	return hash;
}

static void read_all(void)
{
	uint64_t hash = 0;
	struct model *m = model_new(NULL);
	const struct reader_problem *problems;
	const struct recording_item *item;
	char text[512];
	struct reader_span span;
	uint64_t all;
	size_t kept;
	struct error error;
	struct reader *r = reader_open(directory.path, &error);

	while (r && (item = reader_next(r))) {
		feed(m, item);
		hash = hash_item(hash, item);
	}
	model_settle(m, UINT64_MAX / 2);
	model_free(m);
	if (!r)
		return;
	problems = reader_problems(r, &kept, &all);
	for (size_t i = 0; i < kept; i++)
		reader_describe(&problems[i], text, sizeof(text));
	reader_span(r, &span);
	reader_seek(r, span.begin_ns / 2 + span.end_ns / 2);
	for (int i = 0; i < 100 && reader_next(r); i++)
		;
	if (hash_runs(r, 1 + hash % 256) != hash)
		abort();
	reader_seek(r, 0);
	reader_set_wants(r, wants_some, NULL);
	while (reader_next(r))
		;
	reader_close(r);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return fuzz_make_directory(&directory);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (!size)
		return 0;
	switch (*bytes % AS_COUNT) {
	case AS_STREAM:
		fuzz_put_file(&directory, "sdei-000000", bytes + 1, size - 1);
		break;
	case AS_ITEMS:
	case AS_SNAPSHOT:
		put_packet(bytes + 1, size - 1, *bytes % AS_COUNT == AS_SNAPSHOT);
		break;
	case AS_METADATA:
		fuzz_put_file(&directory, "metadata", bytes + 1, size - 1);
		put_packet(bytes + 1, 0, PACKET_EVENTS);
		break;
	case AS_GZIP:
		fuzz_put_file(&directory, "sdei-000000.gz", bytes + 1, size - 1);
		break;
	}
	read_all();
	fuzz_clear(&directory);
	return 0;
}
