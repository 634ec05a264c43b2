/* SPDX-License-Identifier: GPL-2.0-only */
/* The flight recorder holds the newest packets, whatever their sizes, and saves what can be read from a snapshot on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recording/flight.h"
#include "recording/packetizer.h"
#include "recording/reader.h"
#include "tests/unit/lib/directory.h"
#include "tests/unit/lib/sdei_machine.h"

#define SIZE (1U << 20)

static char directory[64];

struct flying {
	struct flight *flight;
	struct packetizer *pack;
	uint64_t records;
};

static void emit(void *ctx, const struct sdei_record *record, size_t size)
{
	struct flying *f = ctx;

	packetizer_record(f->pack, record, size);
	f->records++;
}

static void fly(struct flying *f, struct machine *machine, unsigned int steps, unsigned int per_packet)
{
	struct recording_status status = { 0 };

	for (unsigned int i = 1; i <= steps; i++) {
		machine_step(machine);
		if (i % per_packet == 0) {
			status.time_ns = machine->time;
			packetizer_status(f->pack, &status);
		}
		if (flight_wants_snapshot(f->flight, packetizer_snapshot_size(f->pack)))
			packetizer_snapshot(f->pack, 0);
		assert_true(flight_bytes(f->flight) <= SIZE);
	}
}

static struct flying new_flying(void)
{
	struct flying f = { .flight = flight_new(SIZE) };
	struct packetizer_options options = { .uuid = { 1 }, .take = flight_take };

	assert_non_null(f.flight);
	options.ctx = f.flight;
	f.pack = packetizer_new(&options);
	return f;
}

static void save_as_of(const struct flight *flight, uint64_t time_ns)
{
	struct recording_status end = { .time_ns = time_ns };
	struct recording_about about = { .major = 1, .uuid = { 1 }, .reason = "test" };
	struct writer_options options = { .directory = directory };
	struct writer *store;
	struct error error;

	strcpy(directory, "/tmp/sdeitop-flight-XXXXXX");
	assert_non_null(mkdtemp(directory));
	store = writer_open(&options, &about, &error);
	assert_non_null(store);
	assert_int_equal(flight_save(flight, store, &end), 0);
	assert_int_equal(writer_close(store), 0);
}

static void save(const struct flying *f, const struct machine *machine)
{
	save_as_of(f->flight, machine->time);
}

static void check_saved(const struct machine *machine, bool from_start)
{
	struct error error;
	const struct recording_item *item;
	struct reader *r;
	size_t kept;
	uint64_t all, last_ns = 0, items = 0;

	r = reader_open(directory, &error);
	assert_non_null(r);
	item = reader_next(r);
	assert_non_null(item);
	if (!from_start)
		assert_true(item->kind == ITEM_NAME || item->kind == ITEM_SNAPSHOT);
	for (; item; item = reader_next(r)) {
		last_ns = item->time_ns;
		items++;
	}
	assert_int_equal(last_ns, machine->time);
	assert_true(items > 10);
	reader_problems(r, &kept, &all);
	assert_int_equal(all, from_start ? 0 : 1);	/* the start is gone */
	assert_string_equal(reader_about(r)->reason, "test");
	reader_close(r);
	assert_int_equal(remove_tree(directory), 0);
}

static void test_newest(void **state)
{
	static const unsigned int per_packet[] = { 1, 7, 97, 1009, 9973 };

	for (size_t i = 0; i < sizeof(per_packet) / sizeof(per_packet[0]); i++) {
		struct flying f = new_flying();
		struct machine *machine = machine_new(5, 3 + i, emit, &f);

		fly(&f, machine, per_packet[i], per_packet[i]);
		if (per_packet[i] > 50) {
			save(&f, machine);
			check_saved(machine, true);
		}
		fly(&f, machine, 39892 / per_packet[i] * 7 * per_packet[i], per_packet[i]);
		assert_true(flight_bytes(f.flight) > SIZE / 2);
		save(&f, machine);
		check_saved(machine, false);
		machine_free(machine);
		packetizer_free(f.pack);
		flight_free(f.flight);
	}
}

/* Whatever comes to the other one later, byte for byte. */
static void test_copy(void **state)
{
	struct flying f = new_flying();
	struct machine *machine = machine_new(5, 3, emit, &f);
	char first[sizeof(directory)], command[300];

	for (unsigned int i = 0; i < 3; i++) {
		struct flight *copy;
		uint64_t time_ns;

		fly(&f, machine, 10007 + i * 39892, 97);
		time_ns = machine->time;
		save_as_of(f.flight, time_ns);
		strcpy(first, directory);
		copy = flight_copy(f.flight);
		assert_non_null(copy);
		assert_int_equal(flight_bytes(copy), flight_bytes(f.flight));
		fly(&f, machine, 200000, 97);
		save_as_of(copy, time_ns);
		flight_free(copy);
		snprintf(command, sizeof(command), "diff -rq %s %s && rm -r %s %s", first, directory, first, directory);
		assert_int_equal(system(command), 0);
	}
	machine_free(machine);
	packetizer_free(f.pack);
	flight_free(f.flight);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_newest), cmocka_unit_test(test_copy) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
