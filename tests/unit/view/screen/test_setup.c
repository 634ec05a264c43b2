/* SPDX-License-Identifier: GPL-2.0-only */
/* The set-up of the screen as text: what is written is read back, and no text breaks it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "view/screen/setup.h"

static int read_setup(struct setup *setup, const char *text, char *message, size_t size)
{
	char *copy = strdup(text);
	int err = setup_read(setup, copy, message, size);

	free(copy);
	return err;
}

/* Each column once. */
static void check(const struct setup *setup)
{
	for (size_t i = 0; i < column_count; i++) {
		assert_true(setup->columns[i].column >= columns && setup->columns[i].column < columns + column_count);
		for (size_t j = 0; j < i; j++)
			assert_ptr_not_equal(setup->columns[i].column, setup->columns[j].column);
	}
}

static void test_usual(void **state)
{
	struct setup setup;
	char message[200];

	assert_int_equal(read_setup(&setup, "", message, sizeof(message)), 0);
	check(&setup);
	assert_false(setup.chosen);
	assert_null(setup.sort);
	assert_int_equal(setup.delay_ms, 0);
	for (size_t i = 0; i < column_count; i++)
		assert_true(setup.columns[i].column == &columns[i] && setup.columns[i].shown);
}

static void test_back(void **state)
{
	static const char text[] = "# mine\n\n columns = vm  max\tp99 blame\r\nsort=p99\nreverse = yes\ndelay = 2.5\nmouse = no";
	struct setup setup, again;
	char message[200], *written;
	size_t size;
	FILE *out = open_memstream(&written, &size);

	assert_int_equal(read_setup(&setup, text, message, sizeof(message)), 0);
	check(&setup);
	assert_true(setup.chosen && setup.reverse && setup.no_mouse);
	assert_string_equal(setup.columns[1].column->id, "max");
	assert_string_equal(setup.columns[3].column->id, "blame");
	assert_true(setup.columns[3].shown && !setup.columns[4].shown);
	assert_string_equal(setup.sort->id, "p99");
	assert_int_equal(setup.delay_ms, 2500);
	setup_write(&setup, out);
	fclose(out);
	assert_int_equal(read_setup(&again, written, message, sizeof(message)), 0);
	assert_memory_equal(&setup, &again, sizeof(setup));
	free(written);
}

static void test_wrong(void **state)
{
	static const struct {
		const char *text, *why;
	} wrong[] = {
		{ "sort = p99\ncolumns = vm p98", "line 2: columns expects names of columns" }, { "columns = vm vm", "each once" },
		{ "columns =", "line 1: columns" }, { "sort = ", "line 1: sort expects" }, { "delay = 0", "seconds from 0.1 to 3600" },
		{ "delay = nan", "seconds" }, { "delay = 1e9", "seconds" }, { "mouse = maybe", "yes or no" }, { "nothing", "NAME = VALUE" },
		{ "color = red", "'color = red': nothing has this name" }, { "\x1b[2J = 1", "'\\x1b[2J = 1': nothing" },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct setup setup, usual;
		char message[200] = "";

		assert_int_equal(read_setup(&setup, wrong[i].text, message, sizeof(message)), -EINVAL);
		if (!strstr(message, wrong[i].why))
			fail_msg("%s: %s", wrong[i].text, message);
		setup_init(&usual);
		assert_memory_equal(&setup, &usual, sizeof(setup));
	}
}

static void test_hostile(void **state)
{
	static const char *const pieces[] = {
		"columns", "sort", "delay", "=", " ", "\n", "vm", "p99", "unaccounted", "#", "1", "yes", "\x1b", "\xff", "\t", "9999999999",
	};
	unsigned int seed = 12345;

	for (int round = 0; round < 20011; round++) {
		char text[512] = "", message[64];
		struct setup setup;

		for (int i = round % 23; i >= 0; i--) {
			seed = seed * 1103515245 + 12345;
			strcat(text, pieces[(seed >> 16) % (sizeof(pieces) / sizeof(pieces[0]))]);
		}
		read_setup(&setup, text, message, sizeof(message));
		check(&setup);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usual), cmocka_unit_test(test_back), cmocka_unit_test(test_wrong), cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
