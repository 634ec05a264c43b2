// SPDX-License-Identifier: GPL-2.0-only
/* The objects "attempted" and "lost" of JSON: a key for each kind of record, with what a recording has of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/commands.h"
#include "record/kinds.h"
#include "tests/unit/lib/run_in_folder.h"
#include "util/exit_status.h"

#define COMMAND cmd_replay
#define MS RECORDED_NS_PER_MS
#define ITEMS_MAX 1024
#define UNKNOWN 1009	/* were lost, nobody knows of which kind */

/* Of each kind other numbers: so many that came, so many that were lost. */
#define CAME(kind) (2 + (kind))
#define LOST(kind) (100 + 3 * (kind))

static struct recording_item items[ITEMS_MAX];
static size_t item_count;

static struct recording_item *put(struct recording_item item)
{
	assert_true(item_count < ITEMS_MAX);
	items[item_count] = item;
	return &items[item_count++];
}

static uint64_t next_ns(void)
{
	return RECORDED_BEGIN_NS + item_count * MS;
}

static void put_record(unsigned int kind)
{
	struct recording_item *item = put(record_item((struct sdei_record){
		.time_ns = next_ns(), .vm = 1201, .event = SDEI_NONE, .kind = kind, .outcome = 1, .origin = 1,
	}));

	item->size = kind_sizes[kind];
	if (kind == SDEI_CALL)
		item->record.call.function = 0xC4000020;
	if (kind == SDEI_SMCCC)
		item->record.smccc.function = 0xC4000020;
}

static void put_lost(unsigned int kind, uint64_t count)
{
	struct recording_item *item = put((struct recording_item){ .kind = ITEM_LOST, .time_ns = next_ns() });

	item->lost.count = count;
	item->lost.key_known = kind != SDEI_KIND_NONE;
	if (item->lost.key_known)
		item->lost.key = (struct sdei_lost_key){ .vm = 1201, .event = SDEI_NONE, .kind = kind, .outcome = 1, .origin = 1 };
}

/* Kinds from one to another; nothing of the others. */
static void record(const char *name, unsigned int from, unsigned int to)
{
	static const struct recording_about about = {
		.uuid = { 7 }, .major = RECORDING_MAJOR, .minor = RECORDING_MINOR, .version = "0.1.0", .host = "recorded",
		.clock_offset_ns = RECORDED_WALL_OFFSET, .cpus = 2,
	};

	item_count = 0;
	put(status_item(next_ns(), false));
	for (unsigned int kind = from; kind <= to; kind++) {
		for (unsigned int i = 0; i < CAME(kind); i++)
			put_record(kind);
		put_lost(kind, LOST(kind));
	}
	put_lost(SDEI_KIND_NONE, UNKNOWN);
	put(status_item(next_ns(), true));
	record_as(name, &about, items, item_count);
}

/* A key for each kind, in their order: what there was of those from one to another, 0 of the others. */
static void put_object(FILE *out, const char *key, unsigned int from, unsigned int to, bool attempted)
{
	static const char *const names[] = {
#define X(NAME, name) #name,
		SDEI_KINDS(X)
#undef X
	};

	fprintf(out, "\"%s\":{", key);
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		unsigned int kind = i + 1, count = LOST(kind) + (attempted ? CAME(kind) : 0);

		fprintf(out, "%s\"%s\":%u", i ? "," : "", names[i], kind >= from && kind <= to ? count : 0);
	}
	fprintf(out, "}");
}

static void check(const char *name, unsigned int from, unsigned int to)
{
	char *want = NULL;
	unsigned int came = 0;
	size_t size;
	FILE *out = open_memstream(&want, &size);

	for (unsigned int kind = from; kind <= to; kind++)
		came += CAME(kind);
	fprintf(out, "\"counters\":{");
	put_object(out, "attempted", from, to, true);
	fprintf(out, ",");
	put_object(out, "lost", from, to, false);
	fprintf(out, ",\"read\":%u,", came);
	fclose(out);
	assert_int_equal(RUN("-b", "-j", (char *)name), EXIT_DONE);
	assert_says("\"type\":\"summary\"");
	assert_printed(strstr(output, "\"type\":\"summary\""), want);
	free(want);
}

static void test_every_kind(void **state)
{
	record("all", SDEI_KIND_NONE + 1, SDEI_KIND_COUNT - 1);
	check("all", SDEI_KIND_NONE + 1, SDEI_KIND_COUNT - 1);
}

/* Kinds of which there was nothing have their keys, too. */
static void test_one_kind(void **state)
{
	for (unsigned int kind = SDEI_KIND_NONE + 1; kind < SDEI_KIND_COUNT; kind++) {
		char name[16];

		snprintf(name, sizeof(name), "%u", kind);
		record(name, kind, kind);
		check(name, kind, kind);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_kind), cmocka_unit_test(test_one_kind) };

	return cmocka_run_group_tests_name("json_counters", tests, make_folder, remove_folder);
}
