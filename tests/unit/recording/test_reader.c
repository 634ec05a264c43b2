/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recordings as they are and as they may have become: cut off anywhere, with any byte wrong, with files missing or
 * out of place. What is whole is read, nothing else is, and what is missing is told.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "recording/cursor.h"
#include "recording/files.h"
#include "recording/snapshot_state.h"
#include "recording/packetizer.h"
#include "recording/reader.h"
#include "recording/writer.h"
#include "tests/unit/lib/try_step.h"
#include "tests/unit/lib/directory.h"
#include "tests/unit/lib/sdei_machine.h"
#include "util/crc32.h"

#define MACHINE_VCPUS 3
#define SEED 11

static char directory[64];

/* --- making recordings */

static int remove_all(void)
{
	return remove_tree(directory);
}

static int new_directory(void **state)
{
	strcpy(directory, "/tmp/sdeitop-reader-XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int old_directory(void **state)
{
	return remove_all();
}

static const char *path(const char *name)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s/%s", directory, name);
	return text;
}

struct making {
	struct packetizer *pack;
	struct writer *store;
	uint64_t records;
};

static void emit(void *ctx, const struct sdei_record *record, size_t size)
{
	struct making *m = ctx;

	packetizer_record(m->pack, record, size);
	m->records++;
}

static char *name_vm(void *ctx, uint32_t vm, char *uuid)
{
	return strdup("machine");
}

static struct recording_about about_of(uint8_t id)
{
	struct recording_about about = { .major = 1, .uuid = { 1, 2, 3, id }, .host = "test", .clock_offset_ns = 1000 };

	return about;
}

/* steps of a machine, a packet every per_packet of them, a file every per_file packets (0: one file). The records. */
static uint64_t make(uint8_t id, unsigned int steps, unsigned int per_packet, unsigned int per_file, unsigned int keep, bool compress)
{
	struct recording_about about = about_of(id);
	struct writer_options place = { .directory = directory, .keep = keep, .compress = compress };
	struct packetizer_options options = { .take = writer_take, .name = name_vm };
	struct recording_status status = { 0 };
	struct making m = { 0 };
	struct machine *machine;
	struct error error;

	m.store = writer_open(&place, &about, &error);
	assert_non_null(m.store);
	options.ctx = m.store;
	memcpy(options.uuid, about.uuid, sizeof(about.uuid));
	m.pack = packetizer_new(&options);
	machine = machine_new(MACHINE_VCPUS, SEED, emit, &m);
	for (unsigned int i = 1; i <= steps; i++) {
		machine_step(machine);
		if (i % per_packet)
			continue;
		status.time_ns = machine->time;
		status.end = i + per_packet > steps;
		packetizer_status(m.pack, &status);
		if (per_file && !status.end && i / per_packet % per_file == 0) {
			assert_int_equal(writer_next_file(m.store), 0);
			packetizer_snapshot(m.pack, 0);
		}
	}
	machine_free(machine);
	packetizer_free(m.pack);
	assert_int_equal(writer_close(m.store), 0);
	return m.records;
}

static uint8_t *read_file(const char *name, size_t *size)
{
	int fd = open(path(name), O_RDONLY);
	struct stat st;
	uint8_t *bytes;

	assert_true(fd >= 0);
	fstat(fd, &st);
	bytes = malloc(st.st_size + 1);
	assert_int_equal(read(fd, bytes, st.st_size), st.st_size);
	close(fd);
	*size = st.st_size;
	return bytes;
}

static void write_file(const char *name, const uint8_t *bytes, size_t size)
{
	int fd = open(path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

/* --- reading them */

struct read_ranges {
	uint64_t items, records, snapshots, lost, sum, first_ns, last_ns;
	uint64_t problems, skipped;	/* skipped: items of packets in which, or to which, time runs back */
	bool incomplete, has[PROBLEM_FILE + 1];
};

/* Order and content matter to the sum. */
static void add(struct read_ranges *seen, const struct recording_item *item)
{
	const uint8_t *bytes = (const uint8_t *)&item->record;

	if (!seen->items++)
		seen->first_ns = item->time_ns;
	seen->records += item->kind == ITEM_RECORD;
	seen->snapshots += item->kind == ITEM_SNAPSHOT;
	seen->lost += item->kind == ITEM_LOST ? item->lost.count : 0;
	seen->last_ns = item->time_ns;
	for (size_t i = 0; item->kind == ITEM_RECORD && i < item->size; i++)
		seen->sum = seen->sum * 31 + bytes[i];
}

static struct read_ranges rest_of(struct reader *r)
{
	const struct recording_item *item;
	const struct reader_problem *problems;
	struct read_ranges seen = { 0 };
	char text[256];
	size_t kept;

	while ((item = reader_next(r)))
		add(&seen, item);
	problems = reader_problems(r, &kept, &seen.problems);
	for (size_t i = 0; i < kept; i++) {
		reader_describe(&problems[i], text, sizeof(text));
		assert_true(strlen(text) > 10);
		seen.has[problems[i].kind] = true;
		seen.skipped += problems[i].kind == PROBLEM_RUNS_BACK ? problems[i].items : 0;
	}
	seen.incomplete = reader_is_incomplete(r);
	return seen;
}

static struct reader *open_reader(void)
{
	struct error error;
	struct reader *r = reader_open(directory, &error);

	assert_non_null(r);
	return r;
}

static struct read_ranges read_all(void)
{
	struct reader *r = open_reader();
	struct read_ranges seen = rest_of(r);

	reader_close(r);
	return seen;
}

/* What a damaged packet or one of another place claims is no part of it. */
static void check_span(uint64_t begin_ns, uint64_t end_ns, uint64_t items)
{
	struct reader *r = open_reader();
	struct reader_span span;

	assert_int_equal(reader_span(r, &span), 0);
	assert_true(span.begin_ns >= begin_ns);
	assert_true(span.end_ns <= end_ns);
	assert_int_equal(span.items, items);
	reader_close(r);
}

/* --- as they are */

static void test_round_trip(void **state)
{
	uint64_t records = make(1, 3000, 100, 0, 0, false);
	struct read_ranges one = read_all(), many, packed;

	assert_int_equal(one.records, records);
	assert_int_equal(one.problems, 0);
	assert_int_equal(one.snapshots, 0);
	remove_all();
	assert_int_equal(make(1, 3000, 100, 7, 0, false), records);
	many = read_all();
	assert_int_equal(many.sum, one.sum);
	assert_int_equal(many.snapshots, 0);
	assert_int_equal(many.problems, 0);
	remove_all();
	assert_int_equal(make(1, 3000, 100, 7, 0, true), records);
	assert_int_equal(access(path("sdei-000001.gz"), R_OK), 0);
	packed = read_all();
	assert_int_equal(packed.sum, one.sum);
	assert_int_equal(packed.problems, 0);
}

struct state_of {
	uint8_t state[MACHINE_VCPUS][MACHINE_EVENTS];
};

static void learn(struct state_of *s, const struct recording_item *item)
{
	const struct sdei_record *r = &item->record.head;

	if ((item->kind != ITEM_RECORD && item->kind != ITEM_SNAPSHOT) || r->kind == SDEI_CALL || r->event >= MACHINE_EVENTS)
		return;
	s->state[r->vcpu][r->event] = r->state & ~SDEI_MASKED;
}

/* From a snapshot in the middle, the states are the same as from the start. */
static void test_seek(void **state)
{
	const struct recording_item *item;
	struct state_of whole = { 0 }, part = { 0 };
	struct reader_span span;
	struct error error;
	struct reader *r;
	struct read_ranges all, again, half;
	uint64_t middle;

	make(1, 3000, 100, 7, 0, false);
	all = read_all();
	r = reader_open(directory, &error);
	assert_int_equal(reader_span(r, &span), 0);
	assert_int_equal(span.items, all.items);
	assert_int_equal(span.end_ns, all.last_ns);
	middle = span.begin_ns + (span.end_ns - span.begin_ns) / 2;
	while ((item = reader_next(r)))
		learn(&whole, item);
	assert_int_equal(reader_seek(r, middle), 0);
	item = reader_next(r);
	assert_non_null(item);
	assert_true(item->kind == ITEM_NAME || item->kind == ITEM_SNAPSHOT);
	assert_true(item->time_ns <= middle);
	for (; item; item = reader_next(r))
		learn(&part, item);
	assert_memory_equal(&whole, &part, sizeof(whole));
	assert_int_equal(reader_seek(r, middle), 0);
	half = rest_of(r);
	assert_true(half.records > 0 && half.records < all.records && half.snapshots > 0);
	assert_int_equal(half.problems, 0);
	assert_int_equal(reader_seek(r, 0), 0);
	again = rest_of(r);
	assert_int_equal(again.sum, all.sum);
	reader_close(r);
}

static void test_rotated(void **state)
{
	uint64_t records = make(1, 3000, 100, 7, 2, false);
	struct read_ranges seen = read_all();

	assert_true(seen.records > 0 && seen.records < records);
	assert_true(seen.snapshots > 0);
	assert_true(seen.has[PROBLEM_NO_START]);
	assert_int_equal(seen.problems, 1);
	assert_false(seen.incomplete);
}

/* --- as they may have become */

/* Of the packets of a stream, their ends. */
static size_t ends_of(const uint8_t *bytes, size_t size, size_t ends[], size_t room)
{
	size_t at = 0, count = 0;

	while (at < size && count < room) {
		struct packet_head head;

		assert_int_equal(packet_check(bytes + at, size - at, NULL, &head), PACKET_WHOLE);
		at += head.packet_bits / 8;
		ends[count++] = at;
	}
	assert_int_equal(at, size);
	return count;
}

static uint64_t items_until(const uint8_t *bytes, size_t end)
{
	uint64_t items = 0;

	for (size_t at = 0; at < end;) {
		struct packet_head head;

		packet_check(bytes + at, end - at, NULL, &head);
		items += head.items;
		at += head.packet_bits / 8;
	}
	return items;
}

static void test_cut_anywhere(void **state)
{
	size_t size, ends[32], count, whole = 0;
	uint8_t *bytes;

	make(1, 40, 8, 0, 0, false);
	bytes = read_file("sdei-000000", &size);
	count = ends_of(bytes, size, ends, 32);
	assert_int_equal(count, 5);
	for (size_t cut = 0; cut < size; cut += TRY_STEP) {
		struct read_ranges seen;

		while (ends[whole] <= cut)
			whole++;
		write_file("sdei-000000", bytes, cut);
		seen = read_all();
		assert_int_equal(seen.items, items_until(bytes, whole ? ends[whole - 1] : 0));
		assert_true(seen.incomplete);
		assert_true(seen.has[PROBLEM_NO_END]);
		assert_int_equal(seen.has[PROBLEM_CUT], cut != (whole ? ends[whole - 1] : 0));
	}
	free(bytes);
}

/* Only packets that are as they were are read: every record that comes is one of those before. */
static void test_any_byte_wrong(void **state)
{
	size_t size, ends[32], count;
	struct read_ranges good;
	uint8_t *bytes;

	make(1, 40, 8, 0, 0, false);
	good = read_all();
	bytes = read_file("sdei-000000", &size);
	count = ends_of(bytes, size, ends, 32);
	for (size_t at = 0; at < size; at += TRY_STEP) {
		size_t packet = 0, from, items;
		struct read_ranges seen;

		while (ends[packet] <= at)
			packet++;
		from = packet ? ends[packet - 1] : 0;
		items = items_until(bytes + from, ends[packet] - from);
		bytes[at] ^= 1 << at % 8;
		write_file("sdei-000000", bytes, size);
		bytes[at] ^= 1 << at % 8;
		seen = read_all();
		assert_true(seen.incomplete);
		/* In place of the packets between two whole ones, their number. */
		assert_int_equal(seen.items - (seen.lost > 0), good.items - items);
		assert_int_equal(seen.lost, packet + 1 < count ? 1 : 0);
		assert_true(seen.has[PROBLEM_DAMAGED] || seen.has[PROBLEM_CUT]);
		check_span(good.first_ns, good.last_ns, good.items - items);
	}
	free(bytes);
}

static void test_metadata(void **state)
{
	struct read_ranges good, seen;
	size_t size;
	uint8_t *bytes;

	make(1, 200, 50, 0, 0, false);
	good = read_all();
	bytes = read_file("metadata", &size);
	for (size_t cut = 0; cut < size; cut += cut < 2500 ? TRY_STEP : 997) {
		write_file("metadata", bytes, cut);
		seen = read_all();
		assert_int_equal(seen.sum, good.sum);
		assert_true(seen.has[PROBLEM_NO_METADATA] == (seen.problems == 1));
	}
	unlink(path("metadata"));
	seen = read_all();
	assert_int_equal(seen.sum, good.sum);
	assert_true(seen.has[PROBLEM_NO_METADATA]);
	assert_true(seen.incomplete);
	/* A newer format. */
	memcpy(strstr((char *)bytes, "format_major = 1"), "format_major = 2", 16);
	write_file("metadata", bytes, size);
	{
		struct error error;

		assert_null(reader_open(directory, &error));
		assert_int_equal(error.code, -ENOTSUP);
		assert_non_null(strstr(error.text, "newer"));
	}
	free(bytes);
}

static void test_not_recordings(void **state)
{
	struct error error;

	assert_null(reader_open(directory, &error));
	assert_int_equal(error.code, -ENODATA);
	assert_null(reader_open("/nonexistent", &error));
	assert_int_equal(error.code, -ENOENT);
	write_file("file", (const uint8_t *)"x", 1);
	assert_null(reader_open(path("file"), &error));
	assert_int_equal(error.code, -ENOTDIR);
}

/* None of these is opened, waited for or followed. */
static void test_strange_files(void **state)
{
	struct read_ranges good, seen;

	make(1, 200, 50, 0, 0, false);
	good = read_all();
	assert_int_equal(mkfifo(path("sdei-000001"), 0600), 0);
	assert_int_equal(symlink("/etc/passwd", path("sdei-000002")), 0);
	assert_int_equal(mkdir(path("sdei-000003"), 0700), 0);
	write_file("sdei-4", (const uint8_t *)"none of ours", 12);
	write_file("sdei-000005", (const uint8_t *)"", 0);
	seen = read_all();
	assert_int_equal(seen.sum, good.sum);
	assert_true(seen.has[PROBLEM_FILE]);
	assert_int_equal(seen.problems, 3);
}

static void test_missing_file(void **state)
{
	struct read_ranges good, seen;

	make(1, 3000, 100, 7, 0, false);
	good = read_all();
	unlink(path("sdei-000001"));
	seen = read_all();
	assert_true(seen.records < good.records);
	assert_true(seen.snapshots > 0);
	assert_true(seen.lost > 0);
	assert_true(seen.has[PROBLEM_GAP]);
	assert_true(seen.incomplete);
}

/* Twice the same file, and packets of another recording. */
static void test_foreign(void **state)
{
	struct read_ranges good, seen;
	size_t size, other_size;
	uint8_t *bytes, *other;

	make(2, 200, 50, 0, 0, false);
	other = read_file("sdei-000000", &other_size);
	remove_all();
	make(1, 200, 50, 0, 0, false);
	good = read_all();
	bytes = read_file("sdei-000000", &size);
	write_file("sdei-000001", bytes, size);
	write_file("sdei-000002", other, other_size);
	seen = read_all();
	assert_int_equal(seen.sum, good.sum);
	assert_true(seen.has[PROBLEM_DAMAGED]);
	assert_true(seen.incomplete);
	check_span(good.first_ns, good.last_ns, good.items);
	free(bytes);
	free(other);
}

/* A head of which uuid and size are wrong: what it says of itself is no reason to pass over the next packets. */
static void test_seems_foreign(void **state)
{
	size_t size, ends[8], count;
	uint8_t *bytes;
	struct packet_head head;
	struct read_ranges good, seen;

	make(1, 200, 50, 0, 0, false);
	good = read_all();
	bytes = read_file("sdei-000000", &size);
	count = ends_of(bytes, size, ends, 8);
	assert_in_range(count, 4, 7);
	memcpy(&head, bytes + ends[0], sizeof(head));
	head.uuid[5] ^= 1;
	head.packet_bits = head.content_bits = 8 * (ends[2] - ends[0] - 8);
	memcpy(bytes + ends[0], &head, sizeof(head));
	write_file("sdei-000000", bytes, size);
	seen = read_all();
	assert_true(seen.has[PROBLEM_DAMAGED]);
	assert_int_equal(seen.lost, 1);
	assert_int_equal(seen.items, good.items - head.items + 1);
	free(bytes);
}

/* How many bytes the last file makes a reader look through in vain. */
static uint64_t searched_in_last(void)
{
	int place = open(directory, O_RDONLY | O_DIRECTORY);
	struct stream_file *files;
	struct packet_head head;
	const uint8_t *bytes;
	struct cursor *c;
	uint64_t searched;
	size_t count;

	assert_int_equal(files_list(place, &files, &count), 0);
	c = cursor_new(place, &files[count - 1], 1, NULL, NULL);
	assert_non_null(c);
	while (cursor_next(c, &head, &bytes, NULL, NULL))
		;
	searched = cursor_searched(c);
	cursor_free(c);
	free(files);
	close(place);
	return searched;
}

/* Heads that claim much, one behind the other: all of them together cost no more than reading the file a few times. */
static void test_claims(void **state)
{
	struct packet *p = malloc(sizeof(*p));
	struct recording_item item = { .kind = ITEM_NAME, .time_ns = 1, .name.text = "" };
	uint8_t *bytes;
	const size_t size = 4 << 20;
	struct read_ranges seen;

	make(1, 200, 50, 0, 0, false);
	packet_open(p, about_of(1).uuid, PACKET_EVENTS, 0);
	packet_put(p, &item);
	packet_close(p, 0, 0, 0);
	p->head.packet_bits = p->head.content_bits = 8ULL * RECORDING_PACKET_CLAIM_MAX;
	bytes = malloc(size);
	for (size_t at = 0; at < size; at += sizeof(p->head))
		memcpy(bytes + at, &p->head, size - at < sizeof(p->head) ? size - at : sizeof(p->head));
	write_file("sdei-000001", bytes, size);
	free(bytes);
	seen = read_all();
	assert_true(seen.has[PROBLEM_DAMAGED]);
	assert_in_range(searched_in_last(), size, 20 * size);
	free(p);
}

/* Every other packet is damaged: more problems than are kept. */
static void make_many_problems(void)
{
	size_t size, ends[1200], count;
	uint8_t *bytes;

	make(1, 1200, 1, 0, 0, false);
	bytes = read_file("sdei-000000", &size);
	count = ends_of(bytes, size, ends, 1200);
	for (size_t i = 1; i < count; i += 2)
		bytes[ends[i] - 1] ^= 1;
	write_file("sdei-000000", bytes, size);
	free(bytes);
}

/* What was read before a seek and is met again after it is not counted again. */
static void test_counted_once(void **state)
{
	struct reader *r;
	struct reader_span span;
	uint64_t all;

	make_many_problems();
	r = open_reader();
	all = rest_of(r).problems;
	assert_int_equal(all, 600 + 599 + 1);	/* damaged, a gap behind each but the last, and no end */
	assert_int_equal(reader_seek(r, 0), 0);
	assert_int_equal(rest_of(r).problems, all);
	assert_int_equal(reader_span(r, &span), 0);
	assert_int_equal(reader_seek(r, span.begin_ns + (span.end_ns - span.begin_ns) / 2), 0);
	assert_int_equal(rest_of(r).problems, all);
	reader_close(r);
}

/* Whatever was read when, in the end all has been. */
static void test_counted_in_any_order(void **state)
{
	unsigned int seed = 5;

	make(1, 3000, 10, 7, 0, true);
	for (int file = 1; file < 42; file += 3) {
		char name[32];
		size_t size;
		uint8_t *bytes;

		snprintf(name, sizeof(name), "sdei-%06d.gz", file);
		bytes = read_file(name, &size);
		write_file(name, bytes, size - size / (file % 7 + 2));
		free(bytes);
	}
	for (int turn = 0; turn < 20; turn += TRY_STEP) {
		struct reader *whole = open_reader(), *r = open_reader();
		struct reader_span span;
		struct read_ranges once = rest_of(whole), seen;

		assert_int_equal(reader_span(r, &span), 0);
		for (int seek = 0; seek < turn; seek++) {
			int items = rand_r(&seed) % 1500;

			assert_int_equal(reader_seek(r, span.begin_ns + rand_r(&seed) % (span.end_ns - span.begin_ns)), 0);
			while (items-- && reader_next(r))
				;
		}
		assert_int_equal(reader_seek(r, 0), 0);
		seen = rest_of(r);
		assert_true(once.problems > 14);
		assert_int_equal(seen.problems, once.problems);
		assert_int_equal(seen.sum, once.sum);
		assert_int_equal(seen.lost, once.lost);
		reader_close(whole);
		reader_close(r);
	}
}

/* A start that was rotated away is no loss, on the second way through as on the first. */
static void test_rotated_and_killed(void **state)
{
	struct reader *r;
	struct read_ranges first, again;
	size_t size;
	uint8_t *bytes;

	make(1, 3000, 100, 7, 2, false);
	bytes = read_file("sdei-000004", &size);
	write_file("sdei-000004", bytes, size - 1);
	free(bytes);
	r = open_reader();
	first = rest_of(r);
	assert_true(first.incomplete);
	assert_true(first.has[PROBLEM_NO_START] && first.has[PROBLEM_NO_END] && first.has[PROBLEM_CUT]);
	assert_int_equal(reader_seek(r, 0), 0);
	again = rest_of(r);
	assert_int_equal(again.items, first.items);
	assert_int_equal(again.lost, 0);
	assert_int_equal(again.problems, 3);
	reader_close(r);
}

static void test_packed_and_cut(void **state)
{
	struct read_ranges good, seen;
	size_t size;
	uint8_t *bytes;

	make(1, 3000, 100, 7, 0, true);
	good = read_all();
	bytes = read_file("sdei-000002.gz", &size);
	for (size_t cut = 0; cut < size; cut += 61) {
		write_file("sdei-000002.gz", bytes, cut);
		seen = read_all();
		assert_true(seen.incomplete);
		assert_true(seen.records <= good.records);	/* what is missing may be the end mark of gzip only */
	}
	free(bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, new_directory, old_directory)

/* --- leaving out what is far */

struct window {
	uint64_t from_ns, to_ns;
	uint64_t asked, refused;
};

static bool wants_window(void *ctx, uint64_t begin_ns, uint64_t end_ns)
{
	struct window *w = ctx;
	bool wants = end_ns >= w->from_ns && begin_ns <= w->to_ns;

	w->asked++;
	w->refused += !wants;
	return wants;
}

/* The records in the window. */
static struct read_ranges read_window(struct reader *r, struct window *w, bool skipping)
{
	const struct recording_item *item;
	struct read_ranges seen = { 0 };

	assert_int_equal(reader_seek(r, 0), 0);
	reader_set_wants(r, skipping ? wants_window : NULL, w);
	while ((item = reader_next(r)))
		if (item->kind == ITEM_RECORD && item->time_ns >= w->from_ns && item->time_ns <= w->to_ns)
			add(&seen, item);
	reader_set_wants(r, NULL, NULL);
	return seen;
}

/* The times of all records; how many there are. */
static size_t times_of(struct reader *r, uint64_t times[], size_t room)
{
	const struct recording_item *item;
	size_t count = 0;

	assert_int_equal(reader_seek(r, 0), 0);
	while ((item = reader_next(r)) && count < room)
		if (item->kind == ITEM_RECORD)
			times[count++] = item->time_ns;
	return count;
}

/* Whatever window is read, the rest skipped, it holds the same; and nothing is said of the rest that was not said before. */
static void check_windows(void)
{
	static uint64_t times[20000];
	struct reader *r = open_reader();
	struct read_ranges all = rest_of(r);
	size_t count = times_of(r, times, 20000);
	uint64_t refused = 0;

	for (size_t i = 0; i < 190; i++) {
		size_t first = i * count / 190, last = first + 40 * (i % 3);
		struct window w = { .from_ns = times[first], .to_ns = times[last < count ? last : count - 1] };
		struct read_ranges full = read_window(r, &w, false), part = read_window(r, &w, true);

		assert_true(full.records > 0);
		refused += w.refused;
		assert_memory_equal(&full, &part, sizeof(full));
	}
	assert_true(refused > 1000);
	assert_int_equal(reader_seek(r, 0), 0);
	assert_int_equal(rest_of(r).problems, all.problems);
	reader_close(r);
}

static void test_windows(void **state)
{
	for (int compress = 0; compress < 2; compress++) {
		make(4, 6000, 60, 30, 0, compress);
		check_windows();
		remove_all();
		new_directory(NULL);
	}
}

/* Of a packet whose head is all right nobody sees that it is damaged, until it is read. */
static void test_windows_of_damaged(void **state)
{
	size_t size, count, ends[300];
	uint8_t *bytes;

	make(4, 6000, 60, 0, 0, false);
	bytes = read_file("sdei-000000", &size);
	count = ends_of(bytes, size, ends, 300);
	assert_true(count >= 100);
	/* A number that would make all that follow look old. */
	memset(bytes + ends[40] + offsetof(struct packet_head, sequence), 0x7f, 7);
	write_file("sdei-000000", bytes, ends[count - 2] + 50);
	free(bytes);
	check_windows();
}

/* A head that is whole, but tells another end than its last item has. */
static void test_contradicts_itself(void **state)
{
	size_t size;
	uint8_t *bytes;
	struct packet_head *head;
	struct read_ranges before, seen;

	make(1, 500, 500, 0, 0, false);
	before = read_all();
	assert_false(before.has[PROBLEM_TIMES]);
	bytes = read_file("sdei-000000", &size);
	head = (struct packet_head *)bytes;
	assert_int_equal(head->packet_bits / 8, size);
	head->end_ns += 1000000000;
	head->crc = 0;
	head->crc = crc32_of(0, bytes, size);
	write_file("sdei-000000", bytes, size);
	seen = read_all();
	assert_int_equal(seen.sum, before.sum);
	assert_true(seen.has[PROBLEM_TIMES]);
	assert_int_equal(seen.problems, 1);
	assert_true(seen.incomplete);
	/* The recording is as long as its items say. */
	check_span(before.first_ns, before.last_ns, before.items);
	free(bytes);
}

static void put_right(uint8_t *bytes, size_t size)
{
	struct packet_head *head = (struct packet_head *)bytes;

	head->crc = 0;
	head->crc = crc32_of(0, bytes, size);
}

/* Packet number at is all right but for its times, as early as the packet before or far ahead: it is lost, or the one behind it. */
static void check_shifted(size_t at, bool ahead)
{
	size_t size, ends[64];
	uint8_t *bytes;
	struct packet_head *head, early;
	struct read_ranges before, seen;

	make(1, 600, 60, 0, 0, false);
	before = read_all();
	bytes = read_file("sdei-000000", &size);
	assert_int_equal(ends_of(bytes, size, ends, 64), 10);
	head = (struct packet_head *)(bytes + ends[at - 1]);
	memcpy(&early, bytes + (at > 1 ? ends[at - 2] : 0), sizeof(early));
	head->begin_ns = ahead ? head->begin_ns + (1ULL << 40) : early.begin_ns;
	head->end_ns = ahead ? head->end_ns + (1ULL << 40) : early.begin_ns;
	put_right(bytes + ends[at - 1], ends[at] - ends[at - 1]);
	write_file("sdei-000000", bytes, size);
	head = (struct packet_head *)(bytes + ends[ahead ? at : at - 1]);
	seen = read_all();
	assert_true(seen.has[PROBLEM_RUNS_BACK]);
	assert_true(seen.has[PROBLEM_GAP]);
	/* The first item in it that has its whole time shows that the head is wrong. */
	assert_int_equal(seen.problems, ahead ? 3 : 2);
	assert_true(ahead ? seen.skipped > head->items : seen.skipped == head->items);
	assert_int_equal(seen.items - 1, before.items - seen.skipped);	/* and one that says that a packet is lost */
	assert_int_equal(seen.lost, 1);
	if (!ahead)
		check_span(before.first_ns, before.last_ns, before.items - seen.skipped);
	free(bytes);
	remove_all();
	new_directory(NULL);
}

static void test_runs_back_to_packet(void **state)
{
	check_shifted(4, false);
	check_shifted(4, true);
	check_shifted(1, false);
}

/* Within a packet, whose head and CRC are right: what follows is skipped. */
static void test_runs_back_in_packet(void **state)
{
	static struct packet packet;
	struct recording_about about = about_of(1);
	struct recording_item item = { .kind = ITEM_STATUS, .time_ns = 5000000000 };
	uint64_t earlier_ns = 0;
	struct read_ranges seen;

	make(1, 10, 10, 0, 0, false);
	packet_open(&packet, about.uuid, PACKET_EVENTS, 0);
	assert_true(packet_put(&packet, &item));
	item.time_ns = 1000000000;
	packet.size += codec_put(packet.bytes + packet.size, &item, &earlier_ns);
	packet.head.items++;
	packet_close(&packet, 0, 0, 0);
	write_file("sdei-000000", packet.bytes, packet.size);
	seen = read_all();
	assert_int_equal(seen.items, 1);
	assert_true(seen.has[PROBLEM_RUNS_BACK]);
	assert_false(seen.has[PROBLEM_ITEMS]);
	check_span(5000000000, 5000000000, 2);
}

/* A part of a recording begins with what came before it. */
static void test_begins_with_snapshot(void **state)
{
	struct recording_about about = about_of(1);
	struct writer_options place = { .directory = directory };
	struct packetizer_options options = { .take = writer_take, .name = name_vm };
	struct recording_status status = { .time_ns = 900000000, .end = true };
	struct making m = { 0 };
	struct machine *machine;
	struct read_ranges seen;
	struct error error;
	uint64_t begin_ns;

	m.store = writer_open(&place, &about, &error);
	options.ctx = m.store;
	memcpy(options.uuid, about.uuid, sizeof(about.uuid));
	m.pack = packetizer_new(&options);
	packetizer_learn(m.pack);
	machine = machine_new(MACHINE_VCPUS, SEED, emit, &m);
	for (int i = 0; i < 300; i++)
		machine_step(machine);
	packetizer_lost(m.pack, NULL, 7);
	assert_int_equal(packetizer_counters(m.pack)->packets, 0);
	begin_ns = machine->time + 1;
	packetizer_snapshot(m.pack, begin_ns);
	status.time_ns = begin_ns;
	packetizer_status(m.pack, &status);
	machine_free(machine);
	packetizer_free(m.pack);
	assert_int_equal(writer_close(m.store), 0);
	seen = read_all();
	assert_int_equal(seen.problems, 0);
	assert_int_equal(seen.records, 0);
	assert_int_equal(seen.lost, 0);
	assert_true(seen.snapshots >= MACHINE_VCPUS);
	assert_int_equal(seen.items, seen.snapshots + 2);	/* a name and the status */
	assert_int_equal(seen.first_ns, begin_ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip),
		TEST(test_seek),
		TEST(test_rotated),
		TEST(test_cut_anywhere),
		TEST(test_any_byte_wrong),
		TEST(test_metadata),
		TEST(test_not_recordings),
		TEST(test_strange_files),
		TEST(test_missing_file),
		TEST(test_foreign),
		TEST(test_seems_foreign),
		TEST(test_claims),
		TEST(test_packed_and_cut),
		TEST(test_counted_once),
		TEST(test_counted_in_any_order),
		TEST(test_rotated_and_killed),
		TEST(test_contradicts_itself),
		TEST(test_runs_back_to_packet),
		TEST(test_runs_back_in_packet),
		TEST(test_begins_with_snapshot),
		TEST(test_windows),
		TEST(test_windows_of_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
