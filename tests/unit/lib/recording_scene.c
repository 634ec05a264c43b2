/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/lib/recording_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "recording/packet.h"
#include "tests/unit/lib/directory.h"

#define MS RECORDED_NS_PER_MS
#define BEGIN RECORDED_BEGIN_NS
#define RE (SDEI_REGISTERED | SDEI_ENABLED)
#define VM 1201

static struct recording_item items[10007];
static size_t item_count;

struct recording_item status_item(uint64_t time_ns, bool end)
{
	return (struct recording_item){
		.kind = ITEM_STATUS, .time_ns = time_ns,
		.status = {
			.time_ns = time_ns, .wall_ns = (int64_t)time_ns + RECORDED_WALL_OFFSET, .probes_attached = 14, .probes_total = 14,
			.cpu_permille = 3, .end = end,
		},
	};
}

struct recording_item record_item(struct sdei_record head)
{
	struct recording_item item = { .kind = ITEM_RECORD, .time_ns = head.time_ns, .size = sizeof(head) };

	if (head.kind == SDEI_SIGNAL) {
		head.sender = SDEI_NONE;
		head.origin = SDEI_FROM_VMM;
	}
	item.record.head = head;
	return item;
}

int compare_items(const void *a, const void *b)
{
	const struct recording_item *left = a, *right = b;

	return (left->time_ns > right->time_ns) - (left->time_ns < right->time_ns);
}

static struct recording_item *put(struct recording_item item)
{
	assert_true(item_count < sizeof(items) / sizeof(items[0]));
	items[item_count] = item;
	return &items[item_count++];
}

static void put_record(uint64_t time_ns, uint32_t vcpu, uint8_t kind, uint8_t state, uint8_t outcome)
{
	put(record_item((struct sdei_record){
		.time_ns = time_ns, .vm = VM, .vcpu = vcpu, .kind = kind, .state = state, .outcome = outcome,
	}));
}

static void put_episode(uint64_t time_ns, uint32_t vcpu, uint64_t latency_ns, uint64_t handler_ns)
{
	put_record(time_ns, vcpu, SDEI_SIGNAL, RE | SDEI_PENDING, SDEI_QUEUED);
	put_record(time_ns + latency_ns, vcpu, SDEI_DISPATCH, RE | SDEI_RUNNING, 0);
	put_record(time_ns + latency_ns + handler_ns, vcpu, SDEI_COMPLETE, RE, SDEI_COMPLETED);
}

const struct recording_item *recorded_items(size_t *count)
{
	struct recording_item *name;

	item_count = 0;
	put(status_item(BEGIN, false));
	name = put((struct recording_item){ .kind = ITEM_NAME, .time_ns = BEGIN });
	name->name.vm = VM;
	name->name.text = "web";
	for (uint64_t i = 1; i * 17 < 30000; i++)
		put_episode(BEGIN + i * 17 * MS, 0, (1 + i % 13) * MS / 11, MS / 7);
	put_episode(BEGIN + 12200 * MS, 1, MS, 3799 * MS);
	put_record(BEGIN + 7300 * MS, 2, SDEI_SIGNAL, RE | SDEI_PENDING, SDEI_QUEUED);
	for (int i = 1; i <= 211; i++)
		put_record(BEGIN + (7300 + i) * MS, 2, SDEI_SIGNAL, RE | SDEI_PENDING, SDEI_COALESCED);
	put_record(BEGIN + 7550 * MS, 2, SDEI_DISPATCH, RE | SDEI_RUNNING, 0);
	put_record(BEGIN + 7551 * MS, 2, SDEI_COMPLETE, RE, SDEI_COMPLETED);
	for (int second = 1; second <= 30; second++)
		put(status_item(BEGIN + second * 1000 * MS, false));
	put(status_item(RECORDED_END_NS, true));
	/* The name is before the first record, in the order in which they were put. */
	qsort(items + 2, item_count - 2, sizeof(items[0]), compare_items);
	*count = item_count;
	return items;
}

static void write_metadata(const char *directory, const struct recording_about *about)
{
	FILE *out = create_file(directory, "metadata");
	char *text = codec_metadata(about);

	assert_non_null(text);
	fputs(text, out);
	free(text);
	assert_int_equal(fclose(out), 0);
}

static void write_packets(const char *directory, const struct recording_about *about, const struct recording_item *item, size_t count)
{
	static struct packet packet;
	const struct recording_item *end = item + count;
	FILE *out = create_file(directory, "sdei-000000");
	uint64_t sequence = 0;

	while (item < end) {
		packet_open(&packet, about->uuid, PACKET_EVENTS, sequence ? packet.head.end_ns : 0);
		while (item < end && packet_put(&packet, item))
			item++;
		packet_close(&packet, sequence++, 0, about->clock_offset_ns);
		assert_int_equal(fwrite(packet.bytes, 1, packet.size, out), packet.size);
	}
	assert_int_equal(fclose(out), 0);
}

void record_items(const char *directory, const struct recording_about *about, const struct recording_item *item_list, size_t count)
{
	write_metadata(directory, about);
	write_packets(directory, about, item_list, count);
}

void cut_recording(const char *directory)
{
	char path[600];
	struct stat st;

	snprintf(path, sizeof(path), "%s/sdei-000000", directory);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 1), 0);
}

const char *recorded_directory(void)
{
	static const struct recording_about about = {
		.uuid = { 1, 2, 3, 4 }, .major = RECORDING_MAJOR, .minor = RECORDING_MINOR, .version = "0.1.0", .host = "recorded",
		.clock_offset_ns = RECORDED_WALL_OFFSET, .cpus = 2,
	};
	static char directory[] = "/tmp/sdeitop-recorded-XXXXXX";
	size_t count;
	const struct recording_item *all = recorded_items(&count);

	strcpy(strrchr(directory, '-'), "-XXXXXX");
	assert_non_null(mkdtemp(directory));
	record_items(directory, &about, all, count);
	return directory;
}
