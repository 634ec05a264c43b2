/* SPDX-License-Identifier: GPL-2.0-only */
#include "recording_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/trace/packet.h"

#define MS RECORDED_NS_PER_MS
#define BEGIN RECORDED_BEGIN_NS
#define RE (SDEI_REGISTERED | SDEI_ENABLED)
#define VM 1201
#define WALL_OFFSET (1767225600LL * 1000 * 1000000)	/* 2026-01-01T00:00:00Z */

static struct recording_item items[10007];
static size_t item_count;

static struct recording_item *put(uint64_t time_ns, enum recording_item_kind kind)
{
	assert_true(item_count < sizeof(items) / sizeof(items[0]));
	items[item_count] = (struct recording_item){ .kind = kind, .time_ns = time_ns };
	return &items[item_count++];
}

static void put_status(uint64_t time_ns, bool end)
{
	put(time_ns, ITEM_STATUS)->status = (struct recording_status){
		.time_ns = time_ns, .wall_ns = (int64_t)time_ns + WALL_OFFSET, .probes_attached = 14, .probes_total = 14,
		.cpu_permille = 3, .end = end,
	};
}

static void put_record(uint64_t time_ns, uint32_t vcpu, uint8_t kind, uint8_t state, uint8_t outcome)
{
	struct recording_item *item = put(time_ns, ITEM_RECORD);

	item->size = sizeof(struct sdei_record);
	item->record.head = (struct sdei_record){
		.time_ns = time_ns, .vm = VM, .vcpu = vcpu, .kind = kind, .state = state, .outcome = outcome,
	};
	if (kind == SDEI_SIGNAL) {
		item->record.head.sender = SDEI_NONE;
		item->record.head.origin = SDEI_FROM_VMM;
	}
}

static void put_episode(uint64_t time_ns, uint32_t vcpu, uint64_t latency_ns, uint64_t handler_ns)
{
	put_record(time_ns, vcpu, SDEI_SIGNAL, RE | SDEI_PENDING, SDEI_QUEUED);
	put_record(time_ns + latency_ns, vcpu, SDEI_DISPATCH, RE | SDEI_RUNNING, 0);
	put_record(time_ns + latency_ns + handler_ns, vcpu, SDEI_COMPLETE, RE, SDEI_COMPLETED);
}

static int compare(const void *a, const void *b)
{
	const struct recording_item *left = a, *right = b;

	return (left->time_ns > right->time_ns) - (left->time_ns < right->time_ns);
}

const struct recording_item *recorded_items(size_t *count)
{
	struct recording_item *name;

	item_count = 0;
	put_status(BEGIN, false);
	name = put(BEGIN, ITEM_NAME);
	name->name.vm = VM;
	strcpy(name->name.text, "web");
	for (uint64_t i = 1; i * 17 < 30000; i++)
		put_episode(BEGIN + i * 17 * MS, 0, (1 + i % 13) * MS / 11, MS / 7);
	put_episode(BEGIN + 12200 * MS, 1, MS, 3799 * MS);
	put_record(BEGIN + 7300 * MS, 2, SDEI_SIGNAL, RE | SDEI_PENDING, SDEI_QUEUED);
	for (int i = 1; i <= 211; i++)
		put_record(BEGIN + (7300 + i) * MS, 2, SDEI_SIGNAL, RE | SDEI_PENDING, SDEI_COALESCED);
	put_record(BEGIN + 7550 * MS, 2, SDEI_DISPATCH, RE | SDEI_RUNNING, 0);
	put_record(BEGIN + 7551 * MS, 2, SDEI_COMPLETE, RE, SDEI_COMPLETED);
	for (int second = 1; second <= 30; second++)
		put_status(BEGIN + second * 1000 * MS, false);
	put_status(RECORDED_END_NS, true);
	/* The name is before the first record, in the order in which they were put. */
	qsort(items + 2, item_count - 2, sizeof(items[0]), compare);
	*count = item_count;
	return items;
}

static FILE *create(const char *directory, const char *name)
{
	char path[512];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	out = fopen(path, "w");
	assert_non_null(out);
	return out;
}

static void write_metadata(const char *directory, const struct recording_about *about)
{
	FILE *out = create(directory, "metadata");
	char *text = codec_metadata(about);

	assert_non_null(text);
	fputs(text, out);
	free(text);
	assert_int_equal(fclose(out), 0);
}

static void write_packets(const char *directory, const struct recording_about *about)
{
	static struct packet packet;
	FILE *out = create(directory, "sdei-000000");
	uint64_t sequence = 0;
	size_t count;
	const struct recording_item *item = recorded_items(&count), *end = item + count;

	while (item < end) {
		packet_open(&packet, about->uuid, PACKET_EVENTS, sequence ? packet.head.end_ns : 0);
		while (item < end && packet_put(&packet, item))
			item++;
		packet_close(&packet, sequence++, 0, WALL_OFFSET);
		assert_int_equal(fwrite(packet.bytes, 1, packet.size, out), packet.size);
	}
	assert_int_equal(fclose(out), 0);
}

const char *recorded_directory(void)
{
	static const struct recording_about about = {
		.uuid = { 1, 2, 3, 4 }, .major = RECORDING_MAJOR, .minor = RECORDING_MINOR, .version = "0.1.0", .host = "recorded",
		.clock_offset_ns = WALL_OFFSET, .cpus = 2,
	};
	static char directory[] = "/tmp/sdeitop-recorded-XXXXXX";

	strcpy(strrchr(directory, '-'), "-XXXXXX");
	assert_non_null(mkdtemp(directory));
	write_metadata(directory, &about);
	write_packets(directory, &about);
	return directory;
}

void remove_recorded(const char *directory)
{
	static const char *const names[] = { "metadata", "sdei-000000" };
	char path[512];

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	rmdir(directory);
}
