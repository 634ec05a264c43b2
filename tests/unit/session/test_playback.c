// SPDX-License-Identifier: GPL-2.0-only
/* What is played of a small recording: all of it, what filters and times leave, and what is said of one that is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/lib/directory.h"
#include "tests/unit/lib/recording_scene.h"
#include "tests/unit/lib/sdei_machine.h"
#include "util/log.h"
#include "session/feeder.h"
#include "session/playback.h"
#include "session/vm_names.h"
#include "recording/packet.h"

#define WALL_OFFSET_NS (1767225600LL * 1000000000)	/* the clock starts at 2026-01-01T00:00Z */
#define START_NS 100000000000ULL

/* One record a second: vCPU i % 3, event i % 4. */
#define RECORDS 60U

static char directory[64];

static void put(struct packet *p, const struct recording_item *item)
{
	assert_true(packet_put(p, item));
}

static void put_records(struct packet *p)
{
	for (unsigned int i = 0; i < RECORDS; i++) {
		struct recording_item item = { .kind = ITEM_RECORD, .time_ns = START_NS + i * 1000000000ULL };

		item.size = sizeof(item.record.head);
		item.record.head = (struct sdei_record){
			.time_ns = item.time_ns, .vm = 7, .vcpu = i % 3, .event = i % 4, .kind = SDEI_ENABLE, .state = 3,
		};
		put(p, &item);
	}
}

static int make_recording(void **state)
{
	static struct packet packet;
	const struct recording_about about = {
		.uuid = "fifteen letters", .major = RECORDING_MAJOR, .minor = RECORDING_MINOR, .clock_offset_ns = WALL_OFFSET_NS,
	};
	struct recording_item name = { .kind = ITEM_NAME, .time_ns = START_NS, .name = { .vm = 7, .text = "web-1" } };
	struct recording_item end = { .kind = ITEM_STATUS, .time_ns = START_NS + RECORDS * 1000000000ULL, .status.end = true };
	char *metadata = codec_metadata(&about);
	FILE *file;

	strcpy(directory, "/tmp/sdeitop-playback-XXXXXX");
	assert_non_null(mkdtemp(directory));
	assert_non_null(metadata);
	file = create_file(directory, "metadata");
	fputs(metadata, file);
	free(metadata);
	assert_int_equal(fclose(file), 0);
	packet_open(&packet, about.uuid, PACKET_EVENTS, 0);
	put(&packet, &name);
	put_records(&packet);
	end.status.time_ns = end.time_ns;
	put(&packet, &end);
	packet_close(&packet, 0, 0, WALL_OFFSET_NS);
	file = create_file(directory, "sdei-000000");
	assert_int_equal(fwrite(packet.bytes, 1, packet.size, file), packet.size);
	return fclose(file);
}

static int remove_recording(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", directory);
	return system(command);
}

struct played {
	struct playback *playback;
	uint64_t first_ns, last_ns;	/* of those in range */
	unsigned int count, statuses;
};

static void on_record(void *ctx, const struct sdei_record *r, size_t size)
{
	struct played *played = ctx;

	if (!playback_in_range(played->playback))
		return;
	if (!played->count++)
		played->first_ns = r->time_ns;
	played->last_ns = r->time_ns;
}

static void on_status(void *ctx, const struct recording_status *status)
{
	((struct played *)ctx)->statuses++;
}

static int play(struct played *played, const struct playback_config *config, int *status)
{
	const struct playback_calls calls = { .sink = { .record = on_record, .ctx = played }, .status = on_status, .ctx = played };

	memset(played, 0, sizeof(*played));
	played->playback = playback_open(config, &calls, status);
	if (!played->playback)
		return -1;
	assert_false(playback_run(played->playback, UINT64_MAX));
	*status = playback_finish(played->playback);
	playback_close(played->playback);
	return 0;
}

static void moment(struct moment *m, const char *text)
{
	if (text)
		assert_int_equal(option_moment.set(m, text), 0);
}

/* Between two moments: the numbers of the first and last record. */
static void assert_range(const char *since, const char *until, unsigned int first, unsigned int last)
{
	struct playback_config config = { .input = directory };
	struct played played;
	int status;

	moment(&config.since, since);
	moment(&config.until, until);
	assert_int_equal(play(&played, &config, &status), 0);
	assert_int_equal(status, EXIT_DONE);
	assert_int_equal(played.first_ns, START_NS + first * 1000000000ULL);
	assert_int_equal(played.last_ns, START_NS + last * 1000000000ULL);
	assert_int_equal(played.count, last - first + 1);
}

static void test_ranges(void **state)
{
	assert_range(NULL, NULL, 0, RECORDS - 1);
	assert_range("10s", "20s", 10, 20);
	assert_range("9.5s", "0m20s999ms", 10, 20);
	assert_range("109.000000001", "120", 10, 20);
	assert_range("00:01:50", "00:02", 10, 20);
	assert_range("2026-01-01T00:01:50Z", "2026-01-01T00:02:00.5", 10, 20);
	assert_range("50s", "1h", 50, RECORDS - 1);
}

static void test_bad_moments(void **state)
{
	static const char *const bad[] = {
		"", "x", "5x", "10m20", ".5s", "1.5.5s", "24:00", "10:60", "10:00:60", "10:00:05x", "2026-13-01", "2026-01-01X", "-5", "+5s",
		"99999999999999999999", "99999999999h", "1 s", "10:", "s",
	};
	struct moment m;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_not_equal(option_moment.set(&m, bad[i]), 0);
}

static void test_filters(void **state)
{
	uint32_t one = 1, seven = 7, eight = 8;
	const char *web = "web*", *other = "db";
	const struct {
		struct playback_config config;
		unsigned int count;
	} cases[] = {
		{ { .input = directory, .vcpus = { &one, 1 } }, RECORDS / 3 },
		{ { .input = directory, .events = { &one, 1 } }, RECORDS / 4 },
		{ { .input = directory, .vms = { &seven, 1 } }, RECORDS },
		{ { .input = directory, .vms = { &eight, 1 } }, 0 },
		{ { .input = directory, .guests = { &web, 1 } }, RECORDS },
		{ { .input = directory, .guests = { &other, 1 } }, 0 },
	};
	struct played played;
	int status;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(play(&played, &cases[i].config, &status), 0);
		assert_int_equal(status, EXIT_DONE);
		assert_int_equal(played.count, cases[i].count);
		assert_int_equal(played.statuses, 1);
	}
}

static void test_failures(void **state)
{
	struct playback_config config = { .input = "/nonexistent" };
	struct played played;
	char path[128];
	int status;

	assert_int_equal(play(&played, &config, &status), -1);
	assert_int_equal(status, EXIT_FAILED);
	config.input = directory;
	moment(&config.since, "2h");
	assert_int_equal(play(&played, &config, &status), -1);
	assert_int_equal(status, EXIT_USAGE);
	moment(&config.since, "10");		/* CLOCK_MONOTONIC, before its start: hardly what is meant */
	assert_int_equal(play(&played, &config, &status), -1);
	assert_int_equal(status, EXIT_USAGE);
	snprintf(path, sizeof(path), "%s/sdei-000001", directory);
	assert_int_equal(fclose(create_file(directory, "sdei-000001")), 0);
	assert_int_equal(truncate(path, 100), 0);
	memset(&config.since, 0, sizeof(config.since));
	assert_int_equal(play(&played, &config, &status), 0);
	assert_int_equal(status, EXIT_INCOMPLETE);
	assert_int_equal(played.count, RECORDS);
}

/* --- one that is long enough to be read ahead */

#define LONG 300000U
#define LONG_PER_VM 1000U

struct long_play {
	struct playback *playback;
	unsigned int count, end_after;
};

static const char *vm_name(uint32_t vm)
{
	static char text[32];

	snprintf(text, sizeof(text), "guest %u", vm);
	return text;
}

static void on_long_record(void *ctx, const struct sdei_record *r, size_t size)
{
	struct long_play *play = ctx;
	struct status status;
	char *name;

	assert_int_equal(r->time_ns, START_NS + play->count * 1000ULL);
	assert_int_equal(r->vm, play->count / LONG_PER_VM);
	if (play->count % 100 == 0) {
		name = playback_name(play->playback, r->vm);
		playback_view_status(play->playback, &status);
		assert_string_equal(name, vm_name(r->vm));
		assert_int_equal(status.wall_ns, (int64_t)r->time_ns + WALL_OFFSET_NS);
		assert_int_equal(playback_from_ns(play->playback), START_NS);
		free(name);
	}
	if (++play->count == play->end_after)
		playback_end(play->playback);
}

static void write_long(const char *to)
{
	static const struct recording_about about = {
		.uuid = "fifteen letters", .major = RECORDING_MAJOR, .minor = RECORDING_MINOR, .clock_offset_ns = WALL_OFFSET_NS,
	};
	struct recording_item *items = calloc(LONG + LONG / LONG_PER_VM + 1, sizeof(*items));
	size_t count = 0;

	assert_non_null(items);
	for (unsigned int i = 0; i < LONG; i++) {
		uint64_t time_ns = START_NS + i * 1000ULL;
		uint32_t vm = i / LONG_PER_VM;

		if (i % LONG_PER_VM == 0)
			items[count++] = (struct recording_item){
				.kind = ITEM_NAME, .time_ns = time_ns, .name = { .vm = vm, .text = strdup(vm_name(vm)) } };
		items[count++] = record_item((struct sdei_record){
			.time_ns = time_ns, .vm = vm, .vcpu = i % 3, .event = i % 4, .kind = SDEI_ENABLE, .state = 3 });
	}
	items[count++] = status_item(START_NS + LONG * 1000ULL, true);
	record_items(to, &about, items, count);
	for (size_t i = 0; i < count; i++)
		if (items[i].kind == ITEM_NAME)
			free((char *)items[i].name.text);
	free(items);
}

/* The VM goes on under a name, and with a UUID, that came late; what had ended by then keeps its own. */
static void test_late_name(void **state)
{
	static const struct recording_about about = {
		.uuid = "fifteen letters", .major = RECORDING_MAJOR, .minor = RECORDING_MINOR, .clock_offset_ns = WALL_OFFSET_NS,
	};
	const struct sdei_record enable = { .time_ns = START_NS, .vm = 7, .kind = SDEI_ENABLE, .state = 3 };
	struct sdei_record later = enable;
	struct recording_item items[4] = {
		{ .kind = ITEM_NAME, .time_ns = START_NS, .name = { .vm = 7, .text = "qemu" } }, record_item(enable),
		{ .kind = ITEM_NAME, .time_ns = START_NS + 1, .name = { .vm = 7, .text = "web1", .uuid = "4dd25b7e" } },
	};
	char place[80], *name, uuid[GUEST_UUID_SIZE];
	const struct playback_config config = { .input = place };
	struct feeder *f = feeder_new(false, NULL);
	struct playback_calls calls = { .sink = feeder_sink(f) };
	struct playback *p;
	int status;

	later.time_ns += 2;
	items[3] = record_item(later);
	snprintf(place, sizeof(place), "%s/late", directory);
	assert_int_equal(mkdir(place, 0700), 0);
	record_items(place, &about, items, 4);
	p = playback_open(&config, &calls, &status);
	assert_non_null(p);
	feeder_set_playback(f, p);
	playback_run(p, START_NS);
	feeder_flush(f);
	assert_string_equal(name_of(model_vm(feeder_model(f), 7))->raw, "qemu");
	assert_string_equal(name_of(model_vm(feeder_model(f), 7))->uuid, "");
	playback_run(p, UINT64_MAX);
	feeder_flush(f);
	assert_string_equal(name_of(model_vm(feeder_model(f), 7))->raw, "web1");
	assert_string_equal(name_of(model_vm(feeder_model(f), 7))->uuid, "4dd25b7e");
	name = playback_vm(p, 7, uuid);
	assert_string_equal(name, "web1");
	assert_string_equal(uuid, "4dd25b7e");
	free(name);
	playback_close(p);
	feeder_free(f);
	assert_int_equal(remove_tree(place), 0);
}

static void test_long(void **state)
{
	char place[] = "/tmp/sdeitop-playback-XXXXXX", path[64];
	const struct playback_config config = { .input = place };
	struct long_play play = { .end_after = LONG / 2 };
	const struct playback_calls calls = { .sink = { .record = on_long_record, .ctx = &play } };
	struct stat st;
	int status;

	assert_non_null(mkdtemp(place));
	write_long(place);
	snprintf(path, sizeof(path), "%s/sdei-000000", place);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > 1 << 20);
	play.playback = playback_open(&config, &calls, &status);
	assert_non_null(play.playback);
	assert_false(playback_run(play.playback, UINT64_MAX));
	assert_int_equal(play.count, LONG / 2);
	for (int again = 0; again < 2; again++) {
		play.count = play.end_after = 0;
		assert_int_equal(playback_again(play.playback, &calls), 0);
		assert_false(playback_run(play.playback, UINT64_MAX));
		assert_int_equal(play.count, LONG);
	}
	assert_int_equal(playback_now_ns(play.playback), START_NS + LONG * 1000ULL);
	assert_int_equal(playback_finish(play.playback), EXIT_DONE);
	playback_close(play.playback);
	assert_int_equal(remove_tree(place), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_bad_moments),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_late_name),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_failures),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, make_recording, remove_recording);
}
