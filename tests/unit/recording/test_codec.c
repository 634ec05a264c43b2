/* SPDX-License-Identifier: GPL-2.0-only */
/* Items to bytes and back: whatever is put comes out the same; whatever bytes come are safe. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record/kinds.h"
#include "recording/codec.h"
#include "recording/layouts.h"
#include "tests/random_bits.h"

static uint64_t seed = 1;

/* Often small, often extreme, sometimes just anything. */
static uint64_t random_value(void)
{
	switch (random_bits(&seed) % 6) {
	case 0:
		return random_bits(&seed) % 8;
	case 1:
		return UINT64_MAX - random_bits(&seed) % 20;
	case 2:
		return random_bits(&seed) % 4096;
	case 3:
		return 0;
	case 4:
		return SDEI_NONE;
	default:
		return random_bits(&seed) >> random_bits(&seed) % 64;
	}
}

static void set(struct recording_item *item, const struct field *f, uint64_t value)
{
	if (f->is_bool)
		value &= 1;
	memcpy((uint8_t *)item + f->offset, &value, f->bytes);
}

static void random_item(struct recording_item *item, enum recording_item_kind kind)
{
	static char text[RECORDING_NAME_MAX + 1];
	const struct event_class *class;

	memset(item, 0, sizeof(*item));
	item->kind = kind;
	if (kind == ITEM_RECORD || kind == ITEM_SNAPSHOT) {
		static const uint8_t in_snapshots[] = { SDEI_STATE, SDEI_POWER, SDEI_COUNTER };

		item->record.head.kind = kind != ITEM_SNAPSHOT ? 1 + random_bits(&seed) % (SDEI_KIND_COUNT - 1) :
					 in_snapshots[random_bits(&seed) % sizeof(in_snapshots)];
		item->size = kind_of(item->record.head.kind)->size;
	}
	if (kind == ITEM_STATUS)
		item->status.counter.hz = random_bits(&seed) % 2;
	class = event_class_of(item);
	assert_non_null(class);
	for (const struct field *f = class->fields; f->name; f++)
		set(item, f, random_value());
	if (kind == ITEM_STATUS && class != event_class_of(item))
		item->status.counter.hz = 1000000000;
	if (kind == ITEM_NAME) {
		snprintf(text, sizeof(text), "%.*s", (int)(random_bits(&seed) % 256),
			 "a name \xff\"\\\n that goes on: 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "
			 "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "
			 "0123456789 0123456789 0123456789 0123456789");
		item->name.text = text;
		if (random_bits(&seed) % 2)
			memcpy(item->name.uuid, "4dd25b7e-a6b7-4b1c-9d0e-0000000000\xff\n", random_bits(&seed) % RECORDING_UUID_SIZE);
	}
}

static void set_time(struct recording_item *item, uint64_t time_ns)
{
	item->time_ns = time_ns;
	if (item->kind == ITEM_RECORD || item->kind == ITEM_SNAPSHOT)
		item->record.head.time_ns = time_ns;
	if (item->kind == ITEM_STATUS)
		item->status.time_ns = time_ns;
}

static void assert_same(const struct recording_item *a, const struct recording_item *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->time_ns, b->time_ns);
	switch (a->kind) {
	case ITEM_RECORD:
	case ITEM_SNAPSHOT:
		assert_int_equal(a->size, b->size);
		assert_memory_equal(&a->record, &b->record, a->size);
		break;
	case ITEM_LOST:
		assert_memory_equal(&a->lost.key, &b->lost.key, sizeof(a->lost.key));
		assert_int_equal(a->lost.count, b->lost.count);
		assert_int_equal(a->lost.key_known, b->lost.key_known);
		break;
	case ITEM_NAME:
		assert_int_equal(a->name.vm, b->name.vm);
		assert_string_equal(a->name.text, b->name.text);
		assert_string_equal(a->name.uuid, b->name.uuid);
		break;
	case ITEM_STATUS:
		assert_memory_equal(&a->status, &b->status, sizeof(a->status));
		break;
	}
}

/* Small steps, none, large ones, and now and then one back. */
static uint64_t random_time(uint64_t now)
{
	switch (random_bits(&seed) % 16) {
	case 0:
		return now + (random_bits(&seed) >> 30);
	case 1:
		return now;
	case 2:
		return now - random_bits(&seed) % 1000;
	case 3:
		return now + (1 << (random_bits(&seed) % 2 ? 19 : 30)) - 2 + random_bits(&seed) % 4;
	default:
		return now + random_bits(&seed) % 100000;
	}
}

static void test_round_trip(void **state)
{
	for (int i = 0; i < 200000; i++) {
		uint8_t bytes[CODEC_ITEM_MAX];
		struct recording_item item, back;
		uint64_t before = 1 + (random_bits(&seed) >> 20), clock = before;
		size_t size;

		random_item(&item, i % 5);
		set_time(&item, random_time(before + 1000));
		size = codec_put(bytes, &item, &clock);
		assert_in_range(size, 4, CODEC_ITEM_MAX - 8);
		assert_int_equal(clock, item.time_ns > before ? item.time_ns : before);
		assert_int_equal(codec_get(bytes, size, &back, &before), size);
		assert_int_equal(before, clock);
		assert_same(&item, &back);
		if (back.kind == ITEM_NAME)
			assert_in_range((size_t)(back.name.text - (const char *)bytes), 1, size - 1);
	}
}

/* Cut off, an item is none; its bytes are where the memory ends, for the sanitizer to session. */
static void test_cut(void **state)
{
	for (int i = 0; i < 2000; i++) {
		uint8_t bytes[CODEC_ITEM_MAX];
		struct recording_item item, back;
		uint64_t clock = 1000;
		size_t size;

		random_item(&item, i % 5);
		set_time(&item, random_time(clock));
		size = codec_put(bytes, &item, &clock);
		for (size_t cut = 0; cut < size; cut++) {
			uint8_t *part = malloc(cut ?: 1);
			uint64_t again = 1000;

			memcpy(part, bytes, cut);
			assert_int_equal(codec_get(part, cut, &back, &again), 0);
			assert_int_equal(again, 1000);
			free(part);
		}
	}
}

static void test_any_bytes(void **state)
{
	for (int i = 0; i < 500000; i++) {
		size_t size = random_bits(&seed) % 128;	/* whole ones of any kind, and hardly any */
		uint8_t *bytes = malloc(size ?: 1);
		struct recording_item item;
		uint64_t clock = random_bits(&seed) >> random_bits(&seed) % 64;
		size_t taken;

		for (size_t at = 0; at < size; at++)
			bytes[at] = random_bits(&seed) >> 32;
		taken = codec_get(bytes, size, &item, &clock);
		assert_true(taken <= size);
		free(bytes);
	}
}

/* --- what the table says, bit by bit */

static uint64_t bits_at(const uint8_t *bytes, unsigned int at, unsigned int count)
{
	uint64_t value = 0;

	for (unsigned int bit = 0; bit < count; bit++, at++)
		value |= (uint64_t)(bytes[at / 8] >> at % 8 & 1) << bit;
	return value;
}

static uint64_t value_at(const uint8_t *bytes, unsigned int at, unsigned int bits, const struct field *f)
{
	uint64_t value = bits_at(bytes, at, bits);

	if (!bits)
		return f->implied;
	if (f->is_signed && bits < 64 && value >> (bits - 1))
		value -= 1ULL << bits;
	return f->labels == LABELS_FUNCTION && bits < 32 ? value + LAYOUT_FUNCTION_BASE : value;
}

/* The item of that narrow layout; its bytes. */
static size_t expect(const uint8_t *bytes, const struct layout *l, uint64_t time_ns, struct recording_item *item)
{
	unsigned int at = 0;

	memset(item, 0, sizeof(*item));
	item->kind = l->of->item;
	item->record.head.kind = l->of->record;
	item->size = kind_of(l->of->record)->size;
	set_time(item, time_ns);
	for (unsigned int i = 0; l->of->fields[i].name; i++) {
		set(item, &l->of->fields[i], value_at(bytes, at, l->bits[i], &l->of->fields[i]));
		at += l->bits[i];
	}
	return at / 8;
}

static void test_as_the_table_says(void **state)
{
	for (int i = 0; i < 300000; i++) {
		const struct layout *l = layout_of(1 + random_bits(&seed) % LAYOUT_NARROW_MAX);
		struct recording_item expected, item;
		unsigned int header = l->id <= LAYOUT_SHORT_MAX ? 3 : 5;
		uint64_t clock = random_bits(&seed) >> 8, low, mask = header == 3 ? (1 << 19) - 1 : (1 << 30) - 1;
		uint8_t bytes[96];
		size_t size;

		assert_non_null(l);
		for (size_t at = 0; at < sizeof(bytes); at++)
			bytes[at] = random_bits(&seed) >> 32;
		if (header == 3) {
			bytes[0] = (bytes[0] & ~31) | l->id;
		} else {
			bytes[0] = LAYOUT_MEDIUM | (l->id << 5 & 0xff);
			bytes[1] = (bytes[1] & ~3) | l->id >> 3;
		}
		low = header == 3 ? bits_at(bytes, 5, 19) : bits_at(bytes, 10, 30);
		size = header + expect(bytes + header, l, clock + ((low - clock) & mask), &expected);
		/* With all that stands behind it, and as the last of a packet. */
		assert_int_equal(codec_get(bytes, i % 2 ? sizeof(bytes) : size, &item, &clock), size);
		assert_int_equal(clock, expected.time_ns);
		assert_int_equal(item.kind, expected.kind);
		assert_int_equal(item.time_ns, expected.time_ns);
		assert_int_equal(item.size, expected.size);
		assert_memory_equal(&item.record, &expected.record, sizeof(item.record));
	}
}

static void test_layouts_are_whole_bytes(void **state)
{
	for (unsigned int id = 0; id < LAYOUT_IDS; id++) {
		const struct layout *l = layout_of(id);
		unsigned int bits = 0;

		if (!l || l->wide)
			continue;
		assert_in_range(id, 1, LAYOUT_NARROW_MAX);
		for (unsigned int i = 0; l->of->fields[i].name; i++) {
			if (l->bits[i] == 64)
				assert_int_equal(bits % 8, 0);
			else
				assert_true(l->bits[i] <= 56);
			bits += l->bits[i];
		}
		assert_int_equal(bits % 8, 0);
	}
}

/* What the hot kinds take: the reason for narrow layouts. */
static void test_hot_sizes(void **state)
{
	struct recording_item item = { .kind = ITEM_RECORD, .time_ns = 5000, .size = 32 };
	uint8_t bytes[CODEC_ITEM_MAX];
	uint64_t clock = 4000;

	item.record.head = (struct sdei_record){
		.time_ns = 5000, .vm = 4000000, .vcpu = 1000, .event = 0, .kind = SDEI_SIGNAL, .state = 31,
		.outcome = SDEI_QUEUED, .origin = SDEI_FROM_VMM, .sender = SDEI_NONE,
	};
	assert_int_equal(codec_put(bytes, &item, &clock), 9);
	item.record.head.kind = SDEI_COMPLETE;
	item.record.head.origin = 0;
	item.record.head.arg = 0;
	assert_int_equal(codec_put(bytes, &item, &clock), 9);
	item.record.head.kind = SDEI_DISPATCH;
	item.record.head.outcome = 0;
	item.record.head.pc = 0xffff800080012345;
	assert_int_equal(codec_put(bytes, &item, &clock), 17);
}

/* A step of a page fault, and one that kept the vCPU in the host. */
static void test_page_fault_sizes(void **state)
{
	struct recording_item item = { .kind = ITEM_RECORD, .time_ns = 5000, .size = sizeof(struct sdei_record_apf) };
	struct sdei_record_apf *apf = &item.record.apf;
	uint8_t bytes[CODEC_ITEM_MAX];
	uint64_t clock = 4000;

	*apf = (struct sdei_record_apf){
		.head = { .time_ns = 5000, .vm = 4000000, .vcpu = 1000, .event = SDEI_NONE, .kind = SDEI_APF, .origin = APF_PRESENT,
			  .outcome = APF_SIGNALLED, .arg = 0xfedcba98 },
		.id = 0xffffffff, .gfn = 0xffffffffff, .queued = 64,
	};
	assert_int_equal(codec_put(bytes, &item, &clock), 24);
	apf->head.origin = APF_SYNC;
	apf->head.arg = apf->id = 0;
	apf->duration_ns = 0xffffffffff;
	assert_int_equal(codec_put(bytes, &item, &clock), 21);
}

/* All of a record comes back. */
static void check_whole(struct recording_item *item)
{
	struct recording_item back;
	uint8_t bytes[CODEC_ITEM_MAX];
	uint64_t clock = 4000;
	size_t size = codec_put(bytes, item, &clock);

	assert_true(size > 0);
	clock = 4000;
	assert_int_equal(codec_get(bytes, size, &back, &clock), size);
	assert_int_equal(back.size, item->size);
	assert_memory_equal(&back.record, &item->record, item->size);
}

/* Also where no vCPU and no event are meant. */
static void test_gic_step(void **state)
{
	struct recording_item item = { .kind = ITEM_RECORD, .time_ns = 5000, .size = sizeof(struct sdei_record_gic) };

	item.record.gic = (struct sdei_record_gic){
		.head = { .time_ns = 5000, .vm = 4000000, .vcpu = SDEI_NONE, .event = SDEI_NONE, .kind = SDEI_GIC, .origin = GIC_SET,
			  .outcome = GIC_HAS_VALUE, .error = -16 },
		.attr = 0x0102030400000070, .value = 0xfedcba9876543210, .group = 5, .duration_ns = 0xfffffffe, .device = 0xfffffffd,
	};
	check_whole(&item);
}

static void test_guest_call(void **state)
{
	struct recording_item item = { .kind = ITEM_RECORD, .time_ns = 5000, .size = sizeof(struct sdei_record_smccc) };

	item.record.smccc = (struct sdei_record_smccc){
		.head = { .time_ns = 5000, .vm = 4000000, .vcpu = 16383, .event = SDEI_NONE, .kind = SDEI_SMCCC, .outcome = SMCCC_ANSWERED, .result = -4 },
		.args = { 0x8000000000000102, 0xfedcba9876543210 }, .duration_ns = 0x123456789ab, .function = 0xC4000003, .target = 16382,
	};
	check_whole(&item);
}

static void test_counter(void **state)
{
	struct recording_item item = { .kind = ITEM_RECORD, .time_ns = 5000, .size = sizeof(struct sdei_record_counter) };

	item.record.counter = (struct sdei_record_counter){
		.head = { .time_ns = 5000, .vm = 4000000, .vcpu = 16383, .event = SDEI_NONE, .kind = SDEI_COUNTER, .origin = SDEI_COUNTER_SET },
		.offset = 0xfedcba9876543210, .hz = 1000000000,
	};
	check_whole(&item);
	item.kind = ITEM_SNAPSHOT;
	check_whole(&item);
}

static void test_clock(void **state)
{
	struct recording_item item = { .kind = ITEM_STATUS, .time_ns = 5000 }, back;
	uint8_t bytes[CODEC_ITEM_MAX];
	uint64_t clock = 4000;
	size_t size;

	item.status = (struct recording_status){
		.time_ns = 5000, .wall_ns = -1, .counter = { .ticks = UINT64_MAX, .time_ns = 4999, .error_ns = UINT32_MAX, .hz = 62500000 },
	};
	size = codec_put(bytes, &item, &clock);
	clock = 4000;
	assert_int_equal(codec_get(bytes, size, &back, &clock), size);
	assert_same(&back, &item);
}

static struct recording_about example(void)
{
	struct recording_about about = {
		.major = RECORDING_MAJOR, .minor = 7, .clock_offset_ns = 1700000000123456789, .cpus = 96,
		.version = "0.1", .host = "ho\"st\\\n\x01\xff", .kernel = "6.12.1", .reason = "}; env { hostname = \"x\"; };",
	};

	for (int i = 0; i < 16; i++)
		about.uuid[i] = 17 * i;
	return about;
}

static void test_about(void **state)
{
	struct recording_about about = example(), back;
	char *text = codec_metadata(&about);

	assert_non_null(text);
	assert_int_equal(codec_about(text, strlen(text), &back), 0);
	assert_memory_equal(&about, &back, sizeof(about));
	about.clock_offset_ns = -1;
	free(text);
	text = codec_metadata(&about);
	assert_int_equal(codec_about(text, strlen(text), &back), 0);
	assert_int_equal(back.clock_offset_ns, -1);
	free(text);
	about.major++;
	text = codec_metadata(&about);
	assert_int_equal(codec_about(text, strlen(text), &back), -ENOTSUP);
	free(text);
}

/* Cut off anywhere: what is there is told, and that it is not all, up to where only the events are missing. */
static void test_about_cut(void **state)
{
	struct recording_about about = example(), back;
	char *text = codec_metadata(&about);
	size_t enough = strstr(text, "stream {") + strlen("stream {\n") - text;

	for (size_t cut = 0; cut <= strlen(text); cut++) {
		char *part = malloc(cut ?: 1);

		memcpy(part, text, cut);
		assert_int_equal(codec_about(part, cut, &back), cut < enough ? -EINVAL : 0);
		free(part);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_as_the_table_says),
		cmocka_unit_test(test_layouts_are_whole_bytes),
		cmocka_unit_test(test_hot_sizes),
		cmocka_unit_test(test_page_fault_sizes), cmocka_unit_test(test_gic_step), cmocka_unit_test(test_guest_call), cmocka_unit_test(test_counter),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_about),
		cmocka_unit_test(test_about_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
