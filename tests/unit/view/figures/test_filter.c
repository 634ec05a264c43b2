/* SPDX-License-Identifier: GPL-2.0-only */
/* Filter expressions: what they mean, and that no text breaks them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "view/figures/filter.h"

/* One row: each column has a known cell. */
static struct cell cell_of(const void *row, const struct column *column)
{
	static const struct {
		const char *id;
		struct cell cell;
	} cells[] = {
		{ "vm", { .kind = CELL_NUMBER, .number = 4312 } },
		{ "name", { .kind = CELL_TEXT, .string = "Web shop-1" } },
		{ "vcpu", { .kind = CELL_NUMBER, .number = 3 } },
		{ "event", { .kind = CELL_NUMBER, .number = 0 } },
		{ "state", { .kind = CELL_TEXT, .letters = "RE-PM" } },
		{ "p99", { .kind = CELL_NUMBER, .number = 1500000 } },
		{ "drops", { .kind = CELL_NUMBER, .number = 2500 } },
		{ "masked", { .kind = CELL_NUMBER, .number = 300e6 } },
		{ "share", { .kind = CELL_NUMBER, .number = 0.3 } },
		{ "blame", { .kind = CELL_TEXT, .letters = "blk 93%" } },
	};

	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
		if (strcmp(cells[i].id, column->id) == 0)
			return cells[i].cell;
	return (struct cell){ .kind = CELL_UNKNOWN };
}

static bool holds(const char *text)
{
	struct filter *filter;
	char why[128] = "";
	bool match;

	if (filter_new(&filter, text, why, sizeof(why)) != 0)
		fail_msg("%s: %s", text, why);
	match = filter_match(filter, cell_of, NULL);
	filter_free(filter);
	return match;
}

static void test_meaning(void **state)
{
	static const char *const right[] = {
		"", "  ", "web", "WEB", "43", "shop|db", "vm=4312", "vm=web*", "vm=\"web shop*\"", "name~shop", "vm~43", "vcpu=3",
		"vcpu=0x3", "vcpu!=4", "event=0", "event<1", "p99>500us", "p99>500", "p99>1ms", "p99<2ms", "p99=1.5ms", "p99>=1500us",
		"p99<=1500us", "p99<1s", "p99>1499999ns", "drops>2k", "drops>0", "masked>10%", "masked>100ms", "share=30%", "share>20",
		"state=P", "state=pm", "state!=U", "state~^RE", "blame=blk*", "blame~93", "p50=-", "p99!=-", "vm!=db*",
		"vm=web* p99>500us", "vcpu=3 event=0 masked>10% drops>0 state=P", "  web   vcpu=3 ",
	};
	static const char *const wrong[] = {
		"db", "vm=4311", "vm=db*", "vm=shop", "vcpu=2", "vcpu!=3", "vcpu>3", "p99<500us", "p99>1s", "drops<1k", "masked>40%",
		"state=U", "state!=P", "state=PU", "p50=3", "p50>0", "p50!=3", "p50!=-", "p99=-", "web db", "vm=web* p99>2ms",
	};

	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		if (!holds(right[i]))
			fail_msg("%s", right[i]);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (holds(wrong[i]))
			fail_msg("%s", wrong[i]);
}

static void assert_bad(const char *text, const char *want)
{
	struct filter *filter;
	char why[128] = "";

	assert_int_equal(filter_new(&filter, text, why, sizeof(why)), -EINVAL);
	assert_null(filter);
	if (!strstr(why, want))
		fail_msg("%s: %s", text, why);
}

static void test_errors(void **state)
{
	static char much[3000];

	assert_bad("p98>3", "no column is called 'p98'");
	assert_bad("p99>", "a value is missing");
	assert_bad("p99>fast", "a time");
	assert_bad("p99>5parsec", "a time");
	assert_bad("p99>inf", "a time");
	assert_bad("p99>nan", "a time");
	assert_bad("share>x", "a share");
	assert_bad("vcpu=all", "a number");
	assert_bad("state>P", "takes =, != and ~");
	assert_bad("vm=\"web", "has no end");
	assert_bad("(", "not a regular expression");
	assert_bad("name~[", "not a regular expression");
	assert_bad("a{99}{99}{99}", "repeats too much");
	memset(much, 'a', sizeof(much) - 1);
	assert_bad(much, "longer than");
	much[500] = '\0';
	assert_bad(much, "too long");
	for (int i = 0; i < 40; i++)
		memcpy(much + 2 * i, "a ", 3);
	assert_bad(much, "more than 32");
}

/* Bytes made from pieces of the language, in any order: an answer or a complaint, and nothing leaks. */
static void test_hostile(void **state)
{
	static const char *const pieces[] = {
		"vm", "p99", "state", "=", "!", "<", ">", "~", "\"", " ", "\t", "\n", "-", "*", "?", "[", "]", "(", ")", "{", "}", "\\",
		"0x", "1e999", "%", "us", ".", "\xff\xfe", "\x1b[2J", "|", "+", "^", "$", ",", "9999999999999999999999", "masked", "name",
	};
	unsigned int seed = 12345;

	for (int round = 0; round < 20011; round++) {
		char text[256] = "", why[64];
		struct filter *filter;
		int err;

		for (int i = round % 12; i >= 0; i--) {
			seed = seed * 1103515245 + 12345;
			strcat(text, pieces[(seed >> 16) % (sizeof(pieces) / sizeof(pieces[0]))]);
		}
		err = filter_new(&filter, text, why, sizeof(why));
		assert_true(err == 0 || err == -EINVAL);
		if (!err)
			filter_match(filter, cell_of, NULL);
		else
			assert_null(filter);
		filter_free(filter);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meaning), cmocka_unit_test(test_errors), cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
