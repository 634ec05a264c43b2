/* SPDX-License-Identifier: GPL-2.0-only */
/* Varints of every length, written and read again byte by byte as the format's description has it; messages that find no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "view/export/protobuf.h"

/* Returns how many bytes it has. */
static size_t read_varint(const uint8_t *bytes, uint64_t *value)
{
	size_t at = 0;

	*value = 0;
	do
		*value |= (uint64_t)(bytes[at] & 0x7f) << 7 * at;
	while (bytes[at++] & 0x80);
	return at;
}

static void check_varint(uint64_t value)
{
	uint8_t bytes[PROTOBUF_VARINT_MAX + 1];
	uint64_t found;
	size_t length = 1;

	for (uint64_t rest = value >> 7; rest; rest >>= 7)
		length++;
	memset(bytes, 0xa5, sizeof(bytes));
	assert_ptr_equal(protobuf_put_value(bytes, value), bytes + length);
	assert_int_equal(read_varint(bytes, &found), length);
	assert_int_equal(found, value);
	assert_int_equal(bytes[PROTOBUF_VARINT_MAX], 0xa5);
}

static void test_varints(void **state)
{
	(void)state;
	for (unsigned int bit = 0; bit < 64; bit++) {
		uint64_t power = 1ULL << bit;

		check_varint(power - 1);
		check_varint(power);
		check_varint(power + 1);
		check_varint(power | 0x0123456789abcdef >> (63 - bit));
	}
	check_varint(UINT64_MAX);
}

static void test_fields(void **state)
{
	struct protobuf p = { .size = 0 };
	uint64_t tag, length, value;
	size_t outer, inner, at = 0;

	(void)state;
	outer = protobuf_begin(&p, 1);
	protobuf_number(&p, 58, 300);
	inner = protobuf_open(&p, 3);
	protobuf_text(&p, 2, "pending");
	protobuf_close(&p, inner);
	protobuf_close(&p, outer);

	at += read_varint(p.bytes + at, &tag);
	assert_int_equal(tag, 1 << 3 | PROTOBUF_BYTES);
	at += read_varint(p.bytes + at, &length);
	assert_int_equal(at + length, p.size);
	at += read_varint(p.bytes + at, &tag);
	assert_int_equal(tag, 58 << 3 | PROTOBUF_VARINT);
	at += read_varint(p.bytes + at, &value);
	assert_int_equal(value, 300);
	at += read_varint(p.bytes + at, &tag);
	assert_int_equal(tag, 3 << 3 | PROTOBUF_BYTES);
	at += read_varint(p.bytes + at, &length);
	assert_int_equal(at + length, p.size);
	at += read_varint(p.bytes + at, &tag);
	at += read_varint(p.bytes + at, &length);
	assert_int_equal(tag, 2 << 3 | PROTOBUF_BYTES);
	assert_int_equal(length, strlen("pending"));
	assert_memory_equal(p.bytes + at, "pending", length);
	assert_int_equal(at + length, p.size);
}

/* What finds no room is left out, whole, and the message stays one. */
static void test_no_room(void **state)
{
	static struct protobuf p;
	static char text[PROTOBUF_MAX];
	size_t outer, before;
	uint64_t tag, length;

	(void)state;
	outer = protobuf_begin(&p, 1);
	memset(text, 'a', PROTOBUF_MAX - 100);
	protobuf_text(&p, 2, text);
	before = p.size;
	assert_true(before > PROTOBUF_MAX - 100);
	protobuf_text(&p, 2, text);
	assert_int_equal(p.size, before);
	for (unsigned int i = 0; i < 100; i++)
		protobuf_number(&p, 3, UINT64_MAX);
	assert_true(p.size <= PROTOBUF_MAX);
	before = p.size;
	assert_int_equal(protobuf_open(&p, 4), 0);
	protobuf_close(&p, 0);
	assert_int_equal(p.size, before);
	protobuf_close(&p, outer);
	assert_int_equal(read_varint(p.bytes, &tag), 1);
	read_varint(p.bytes + 1, &length);
	assert_int_equal(3 + length, p.size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_varints),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
