// SPDX-License-Identifier: GPL-2.0-only
/*
 * From records to packets: all that comes is in one of them, in order, with its name in front; what cannot be kept is counted,
 * and leaves a gap in the numbers.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recording/packetizer.h"
#include "tests/unit/lib/sdei_machine.h"

#define ROOM 4096

/* What was taken. */
static struct {
	struct packet_head heads[ROOM];
	uint32_t first[ROOM];		/* items of each from here on */
	size_t packets, sizes;
	size_t count;
	int err;			/* what take() says */
	unsigned int refused;		/* how often it said so */
	unsigned int names;		/* how often a name was asked for */
	size_t texts_size;
	struct recording_item items[100000];
	char texts[100000];		/* the names of items, which do not last */
} got;

static const uint8_t uuid[16] = "sixteen letters.";

static void keep_name(struct recording_item *item)
{
	char *text = got.texts + got.texts_size;

	assert_true(strlen(item->name.text) < sizeof(got.texts) - got.texts_size);
	item->name.text = strcpy(text, item->name.text);
	got.texts_size += strlen(text) + 1;
}

static void decode(const struct packet *p)
{
	uint64_t clock = p->head.begin_ns;
	size_t at = sizeof(p->head);

	while (at < p->size) {
		size_t taken;

		assert_true(got.count < sizeof(got.items) / sizeof(got.items[0]));
		taken = codec_get(p->bytes + at, p->size - at, &got.items[got.count++], &clock);
		assert_true(taken > 0);
		if (got.items[got.count - 1].kind == ITEM_NAME)
			keep_name(&got.items[got.count - 1]);
		at += taken;
	}
	assert_int_equal(clock, p->head.end_ns);
}

/* Each packet is whole, of bounded size, behind the one before, and of what it says it is. */
static int take(void *ctx, const struct packet *packet)
{
	struct packet_head *head = &got.heads[got.packets];
	const struct packet_head *before = got.packets ? head - 1 : NULL;

	if (got.err) {
		got.refused++;
		return got.err;
	}
	assert_true(got.packets < ROOM);
	assert_true(packet->size <= RECORDING_PACKET_MAX);
	assert_int_equal(packet_check(packet->bytes, packet->size, uuid, head), PACKET_WHOLE);
	assert_int_equal(head->packet_bits, 8 * packet->size);
	assert_int_equal(head->sequence, before ? before->sequence + 1 + got.refused : got.refused);
	assert_true(!before || head->begin_ns >= before->end_ns);
	assert_true(!before || head->discarded >= before->discarded);
	got.refused = 0;
	got.sizes += packet->size;
	got.first[got.packets++] = got.count;
	decode(packet);
	assert_int_equal(got.count - got.first[got.packets - 1], head->items);
	for (size_t i = got.first[got.packets - 1]; i < got.count; i++)
		if (head->holds == PACKET_SNAPSHOT)
			assert_true(got.items[i].kind == ITEM_SNAPSHOT || got.items[i].kind == ITEM_NAME);
		else
			assert_int_not_equal(got.items[i].kind, ITEM_SNAPSHOT);
	return 0;
}

static char *name(void *ctx, uint32_t vm, char *guest_uuid)
{
	char text[32];

	got.names++;
	snprintf(guest_uuid, RECORDING_UUID_SIZE, "uuid %u", vm);
	snprintf(text, sizeof(text), "vm %u %s", vm, (const char *)ctx);
	return strdup(text);
}

static struct packetizer *start(void)
{
	struct packetizer_options options = { .take = take, .name = name, .name_ctx = "a" };
	struct packetizer *p;

	memset(&got, 0, offsetof(typeof(got), items));
	memcpy(options.uuid, uuid, sizeof(uuid));
	p = packetizer_new(&options);
	assert_non_null(p);
	return p;
}

static void status(struct packetizer *p, uint64_t time_ns)
{
	struct recording_status s = { .time_ns = time_ns, .wall_ns = time_ns + 1000 };

	packetizer_status(p, &s);
}

static void record(struct packetizer *p, uint64_t time_ns, uint32_t vm, uint8_t kind, uint8_t origin)
{
	struct sdei_record_call r = {
		.head = { .time_ns = time_ns, .vm = vm, .event = 1, .kind = kind, .state = SDEI_REGISTERED, .origin = origin },
	};
	size_t size = kind == SDEI_STATE ? sizeof(struct sdei_record_handler) :
		      kind == SDEI_CALL ? sizeof(struct sdei_record_call) : sizeof(struct sdei_record);

	packetizer_record(p, &r.head, size);
}

static void check_counters(const struct packetizer *p, uint64_t items, uint64_t unrecorded, uint64_t lost)
{
	const struct packetizer_counters *c = packetizer_counters(p);

	assert_int_equal(c->items, items);
	assert_int_equal(c->packets, got.packets);
	assert_int_equal(c->bytes, got.sizes);
	assert_int_equal(c->unrecorded, unrecorded);
	assert_int_equal(c->lost, lost);
}

/* --- what comes is what was put */

static struct sdei_record_call kept[100000];
static size_t kept_count;

static void put_and_keep(void *ctx, const struct sdei_record *r, size_t size)
{
	assert_true(kept_count < sizeof(kept) / sizeof(kept[0]));
	memset(&kept[kept_count], 0, sizeof(kept[0]));
	memcpy(&kept[kept_count++], r, size);
	packetizer_record(ctx, r, size);
}

static void test_everything(void **state)
{
	struct packetizer *p = start();
	struct machine *m;
	size_t next = 0;

	kept_count = 0;
	m = machine_new(3, 17, put_and_keep, p);
	for (int i = 0; i < 30000; i++)
		machine_step(m);
	status(p, m->time);
	assert_true(got.packets > 3);	/* they end before a status ends them */
	assert_int_equal(got.items[0].kind, ITEM_NAME);
	assert_string_equal(got.items[0].name.text, "vm 4242 a");
	for (size_t i = 1; i < got.count - 1; i++) {
		assert_int_equal(got.items[i].kind, ITEM_RECORD);
		assert_memory_equal(&got.items[i].record, &kept[next++], got.items[i].size);
	}
	assert_int_equal(next, kept_count);
	assert_int_equal(got.items[got.count - 1].kind, ITEM_STATUS);
	check_counters(p, kept_count + 2, 0, 0);
	machine_free(m);
	packetizer_free(p);
	packetizer_free(NULL);
}

/* --- names */

static void check_items(const char *want)
{
	static const char letters[] = { [ITEM_RECORD] = 'r', [ITEM_SNAPSHOT] = 's', [ITEM_LOST] = 'l', [ITEM_NAME] = 'n', [ITEM_STATUS] = 't' };
	char found[256] = "";

	for (size_t i = 0; i < got.count; i++)
		found[i] = letters[got.items[i].kind];
	assert_string_equal(found, want);
}

/* Each VM's comes in front of its first record, once, and again when its pid is used again. */
static void test_names(void **state)
{
	struct packetizer *p = start();

	record(p, 10, 1, SDEI_ENABLE, 0);
	record(p, 20, 1, SDEI_ENABLE, 0);
	record(p, 30, 2, SDEI_ENABLE, 0);
	record(p, 40, 1, SDEI_ENABLE, 0);
	record(p, 50, 1, SDEI_STATE, SDEI_DESTROYED);
	record(p, 51, 1, SDEI_STATE, SDEI_DESTROYED);
	record(p, 60, 1, SDEI_STATE, SDEI_CREATED);
	record(p, 70, 1, SDEI_ENABLE, 0);
	status(p, 80);
	check_items("nrrnrrrrnrrt");
	assert_int_equal(got.names, 3);
	assert_int_equal(got.items[3].name.vm, 2);
	assert_int_equal(got.items[3].time_ns, 30);
	packetizer_free(p);
}

static char *no_name(void *ctx, uint32_t vm, char *guest_uuid)
{
	return NULL;
}

/* Who has none is called that: nobody asks again and again. */
static void test_no_name(void **state)
{
	struct packetizer_options options = { .take = take };
	struct packetizer *p;

	for (int i = 0; i < 2; i++) {
		memset(&got, 0, offsetof(typeof(got), items));
		memcpy(options.uuid, uuid, sizeof(uuid));
		options.name = i ? no_name : NULL;
		p = packetizer_new(&options);
		record(p, 10, 1, SDEI_ENABLE, 0);
		record(p, 20, 2, SDEI_ENABLE, 0);
		record(p, 30, 1, SDEI_ENABLE, 0);
		status(p, 40);
		check_items("nrnrrt");
		assert_string_equal(got.items[0].name.text, "-");
		packetizer_free(p);
	}
}

static char *long_name(void *ctx, uint32_t vm, char *guest_uuid)
{
	char *text = malloc(5000);

	memset(text, 'y', 4999);
	text[4999] = '\0';
	return text;
}

static void test_long_name(void **state)
{
	struct packetizer_options options = { .take = take, .name = long_name };
	struct packetizer *p;

	memset(&got, 0, offsetof(typeof(got), items));
	memcpy(options.uuid, uuid, sizeof(uuid));
	p = packetizer_new(&options);
	record(p, 10, 1, SDEI_ENABLE, 0);
	status(p, 40);
	assert_int_equal(strlen(got.items[0].name.text), RECORDING_NAME_MAX);
	packetizer_free(p);
}

/* --- loss */

static void test_loss(void **state)
{
	const struct sdei_lost_key key = { .vm = 1, .vcpu = 2, .event = 3, .kind = SDEI_CALL, .error = -3, .function = 0xc4000020 };
	struct packetizer *p = start();

	record(p, 10, 1, SDEI_ENABLE, 0);
	packetizer_lost(p, &key, 41);
	packetizer_lost(p, NULL, 2);
	status(p, 20);
	status(p, 30);
	check_items("nrlltt");
	assert_true(got.items[2].lost.key_known);
	assert_memory_equal(&got.items[2].lost.key, &key, sizeof(key));
	assert_int_equal(got.items[2].lost.count, 41);
	assert_int_equal(got.items[2].time_ns, 10);
	assert_false(got.items[3].lost.key_known);
	assert_int_equal(got.items[3].lost.count, 2);
	assert_int_equal(got.heads[0].discarded, 43);
	assert_int_equal(got.heads[1].discarded, 43);
	check_counters(p, 6, 0, 43);
	packetizer_free(p);
}

/* What cannot be kept is counted item by item, and told when there is room again. */
static void test_refused(void **state)
{
	struct packetizer *p = start();

	status(p, 10);
	got.err = -ENOSPC;
	record(p, 20, 1, SDEI_ENABLE, 0);
	record(p, 30, 1, SDEI_ENABLE, 0);
	status(p, 40);
	status(p, 50);
	check_counters(p, 1, 5, 0);
	got.err = 0;
	record(p, 60, 1, SDEI_ENABLE, 0);
	status(p, 70);
	check_items("trt");
	assert_int_equal(got.items[2].status.unrecorded, 5);
	assert_int_equal(got.heads[1].sequence, 3);
	assert_int_equal(got.heads[1].discarded, 5);
	check_counters(p, 3, 5, 0);
	packetizer_free(p);
}

/* A record that no layout takes would make its packet unreadable. */
static void test_no_records(void **state)
{
	struct sdei_record_call r = { .head = { .time_ns = 10, .vm = 1, .kind = SDEI_ENABLE } };
	struct packetizer *p = start();

	packetizer_record(p, &r.head, sizeof(r.head) - 1);
	packetizer_record(p, &r.head, sizeof(r.head) + 1);
	packetizer_record(p, &r.head, 1000);
	r.head.kind = SDEI_KIND_COUNT;
	packetizer_record(p, &r.head, sizeof(r.head));
	r.head.kind = SDEI_KIND_NONE;
	packetizer_record(p, &r.head, sizeof(r.head));
	r.head.kind = SDEI_CALL;
	packetizer_record(p, &r.head, sizeof(r.head));
	status(p, 20);
	check_items("t");
	assert_int_equal(got.items[0].status.unrecorded, 6);
	check_counters(p, 1, 6, 0);
	packetizer_free(p);
}

/* --- times */

static void test_wall(void **state)
{
	struct recording_status s = { .time_ns = 20, .wall_ns = 5 };
	struct packetizer *p = start();

	status(p, 10);
	assert_int_equal(got.heads[0].wall_offset_ns, 1000);
	record(p, 15, 1, SDEI_ENABLE, 0);
	packetizer_status(p, &s);
	assert_int_equal(got.heads[1].wall_offset_ns, -15);
	packetizer_free(p);
}

/* Late records keep their time, in whatever packet they come. */
static void test_late(void **state)
{
	struct packetizer *p = start();

	record(p, 1000, 1, SDEI_ENABLE, 0);
	record(p, 900, 1, SDEI_ENABLE, 0);
	status(p, 2000);
	record(p, 1500, 1, SDEI_ENABLE, 0);
	record(p, 1999, 1, SDEI_ENABLE, 0);
	status(p, 2001);
	check_items("nrrtrrt");
	assert_int_equal(got.items[2].time_ns, 900);
	assert_int_equal(got.items[4].time_ns, 1500);
	assert_int_equal(got.items[4].record.head.time_ns, 1500);
	assert_int_equal(got.heads[1].begin_ns, 2000);
	packetizer_free(p);
}

/* --- snapshots */

static void test_snapshot(void **state)
{
	struct packetizer *p = start();

	packetizer_snapshot(p, 5);
	assert_int_equal(got.packets, 0);	/* nothing lives */
	record(p, 10, 1, SDEI_ENABLE, 0);
	record(p, 20, 2, SDEI_ENABLE, 0);
	packetizer_snapshot(p, 0);
	assert_int_equal(got.packets, 2);
	check_items("nrnrnsns");
	assert_int_equal(got.heads[1].holds, PACKET_SNAPSHOT);
	assert_int_equal(got.heads[1].begin_ns, 20);
	assert_int_equal(got.heads[1].end_ns, 20);
	assert_int_equal(got.items[5].record.head.state, SDEI_REGISTERED);
	assert_int_equal(packetizer_counters(p)->items, 4);	/* what is repeated is no item of its own */
	assert_int_equal(packetizer_counters(p)->snapshot_bytes, got.heads[1].packet_bits / 8);
	packetizer_free(p);
}

/* A VM with the pid of one that has another name: that one is gone, all of it. */
static void test_renamed(void **state)
{
	struct packetizer *p = start();

	packetizer_name(p, 1, "unknown as yet", "", 5);
	record(p, 10, 1, SDEI_ENABLE, 0);
	packetizer_name(p, 1, "vm 1 a", "", 20);
	status(p, 25);
	check_items("nrt");
	packetizer_name(p, 1, "other", "", 30);
	record(p, 40, 1, SDEI_ENABLE, 0);
	packetizer_flush(p);
	check_items("nrtrnr");
	assert_int_equal(got.items[3].record.head.kind, SDEI_STATE);
	assert_int_equal(got.items[3].record.head.origin, SDEI_DESTROYED);
	assert_int_equal(got.items[3].time_ns, 30);
	assert_string_equal(got.items[4].name.text, "other");
	assert_int_equal(got.names, 1);
	packetizer_free(p);
}

/* A name that comes late: the VM goes on under it, snapshots have it; whoever comes after it is named anew. */
static void test_late_name(void **state)
{
	struct packetizer *p = start();

	packetizer_rename(p, 1, "of nobody", "");
	record(p, 10, 1, SDEI_ENABLE, 0);
	packetizer_rename(p, 1, "vm 1 a", "uuid 1");
	packetizer_rename(p, 1, "late", "uuid 1");
	record(p, 20, 1, SDEI_ENABLE, 0);
	packetizer_rename(p, 1, "late", "another");
	packetizer_flush(p);
	check_items("nrnrn");
	assert_string_equal(got.items[0].name.text, "vm 1 a");
	assert_string_equal(got.items[0].name.uuid, "uuid 1");
	assert_string_equal(got.items[2].name.text, "late");
	assert_int_equal(got.items[2].time_ns, 10);
	assert_string_equal(got.items[4].name.uuid, "another");
	packetizer_snapshot(p, 0);
	assert_string_equal(got.items[5].name.text, "late");
	assert_string_equal(got.items[5].name.uuid, "another");
	record(p, 30, 1, SDEI_STATE, SDEI_DESTROYED);
	packetizer_rename(p, 1, "too late", "");
	record(p, 40, 1, SDEI_ENABLE, 0);
	packetizer_flush(p);
	assert_string_equal(got.items[got.count - 2].name.text, "vm 1 a");
	assert_int_equal(got.names, 2);
	packetizer_free(p);
}

/* Of a status that says that items are missing already, more are missing. */
static void test_unrecorded_before(void **state)
{
	struct recording_status s = { .time_ns = 20, .unrecorded = 3 };
	struct packetizer *p = start();

	record(p, 10, 1, SDEI_KIND_COUNT, 0);
	packetizer_status(p, &s);
	assert_int_equal(got.items[0].status.unrecorded, 4);
	s = (struct recording_status){ .time_ns = 30, .unrecorded = UINT32_MAX };
	packetizer_status(p, &s);
	assert_int_equal(got.items[1].status.unrecorded, UINT32_MAX);
	packetizer_free(p);
}

/* Records from before the moment that it is made for come behind it all the same. */
static void test_snapshot_ahead(void **state)
{
	struct packetizer *p = start();

	record(p, 10, 1, SDEI_ENABLE, 0);
	packetizer_snapshot(p, 500);
	record(p, 300, 1, SDEI_ENABLE, 0);
	status(p, 600);
	check_items("nrnsrt");
	assert_int_equal(got.items[3].time_ns, 500);
	assert_int_equal(got.items[4].time_ns, 300);
	assert_int_equal(got.heads[2].begin_ns, 500);
	packetizer_free(p);
}

/* A big one takes several packets, each of them bounded. */
static void test_big_snapshot(void **state)
{
	struct packetizer *p = start();
	size_t packets, items, bytes = 0;

	for (uint32_t vm = 1; vm <= 5000; vm++)
		record(p, vm, vm, SDEI_ENABLE, 0);
	status(p, 6000);
	packets = got.packets;
	items = got.count;
	packetizer_snapshot(p, 0);
	assert_true(got.packets - packets > 2);
	assert_int_equal(got.count - items, 2 * 5000);
	for (; packets < got.packets; packets++) {
		assert_int_equal(got.heads[packets].holds, PACKET_SNAPSHOT);
		bytes += got.heads[packets].packet_bits / 8;
	}
	assert_int_equal(packetizer_counters(p)->snapshot_bytes, bytes);
	assert_true(packetizer_snapshot_size(p) > bytes / 2 && packetizer_snapshot_size(p) < 2 * bytes);
	packetizer_free(p);
}

/* Nothing is lost with it, and its bytes are not there. */
static void test_refused_snapshot(void **state)
{
	struct packetizer *p = start();

	for (uint32_t vm = 1; vm <= 5000; vm++)
		record(p, vm, vm, SDEI_ENABLE, 0);
	status(p, 6000);
	got.err = -EIO;
	packetizer_snapshot(p, 0);
	assert_int_equal(got.refused, 1);	/* without its beginning the rest is of no use */
	assert_int_equal(packetizer_counters(p)->snapshot_bytes, 0);
	check_counters(p, got.count, 0, 0);
	got.err = 0;
	status(p, 7000);
	packetizer_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_no_name),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_loss),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_records),
		cmocka_unit_test(test_wall),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_snapshot),
		cmocka_unit_test(test_snapshot_ahead),
		cmocka_unit_test(test_renamed),
		cmocka_unit_test(test_late_name),
		cmocka_unit_test(test_unrecorded_before),
		cmocka_unit_test(test_big_snapshot),
		cmocka_unit_test(test_refused_snapshot),
	};

	return cmocka_run_group_tests_name("trace_pack", tests, NULL, NULL);
}
