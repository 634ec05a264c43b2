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
		{ "max", { .kind = CELL_NUMBER, .number = 408e6, .mark = 'P' } },
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
		"state=P", "state=pm", "state!=U", "state~^RE", "state=RE-PM", "state!=gone", "state!=RE---", "state=re*", "blame=blk*",
		"max=p", "max>400ms", "max!=U", "blame=blocked", "blame=Block", "blame=blk", "blame=\"blk 93%\"", "blame!=masked", "blame!=\"off cpu\"", "masked=yes", "masked!=no",
		"masked!=1/4", "masked>0.2s", "masked<1m", "masked<1m05s", "drops=2.5k", "drops=2500", "P99us>1ms", "STATE=P", "VM=4312",
		"SIGS=-", "MASK%>10", "EV=0", "masked>1ms p99>1ms", "blame~93", "p50=-", "p99!=-", "vm!=db*",
		"vm=web* p99>500us", "vcpu=3 event=0 masked>10% drops>0 state=P", "  web   vcpu=3 ",
	};
	static const char *const wrong[] = {
		"db", "vm=4311", "vm=db*", "vm=shop", "vcpu=2", "vcpu!=3", "vcpu>3", "p99<500us", "p99>1s", "drops<1k", "masked>40%",
		"state=RE---", "state=gone", "state=off", "blame=masked", "blame=\"blk 94%\"", "blame=guest", "masked=no", "masked=1/4", "masked>1m", "masked!=yes",
		"max=M", "max!=P", "state=U", "state!=P", "state=PU", "p50=3", "p50>0", "p50!=3", "p50!=-", "p99=-", "web db", "vm=web* p99>2ms",
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

	assert_bad("p98>3", "character 1: no column is called 'p98'");
	assert_bad("web  p98>3", "character 6: no column");
	assert_bad("p99>", "character 5: a value is missing behind p99");
	assert_bad("p99>fast", "character 5: 'fast' is not a time, as in");
	assert_bad("vm=\"w\u00e4b 1\" p99>fast", "character 16: 'fast' is not a time");
	assert_bad("p99>5parsec", "a time");
	assert_bad("p99>inf", "a time");
	assert_bad("p99>nan", "a time");
	assert_bad("p99=P", "a time");
	assert_bad("max=X", "a time");
	assert_bad("p99>1s5", "a time");
	assert_bad("p99>s", "a time");
	assert_bad("share>x", "a share");
	assert_bad("share>1%2%", "a share");
	assert_bad("vcpu=all", "character 6: 'all' is not a number");
	assert_bad("state>P", "character 7: state is a text: it takes =, != and ~");
	assert_bad("state=X", "character 7: 'X' is not gone, off (by PSCI), or some of R, E, U, P and M");
	assert_bad("blame=who", "character 7: 'who' is not one of masked, disabled");
	assert_bad("masked=maybe", "character 8: 'maybe' is not a time, as in 500us or 2ms, nor yes, no or 1/4");
	assert_bad("masked>no", "character 8: 'no' is not a time");
	assert_bad("p99 > 500us", "character 5: a column belongs before an operator");
	assert_bad("p99!500", "character 4: an operator is one of");
	assert_bad("web vm=\"web", "character 8: this \" has no end");
	assert_bad("(", "character 1: not a regular expression");
	assert_bad("name~[", "character 6: not a regular expression");
	assert_bad("a{99}{99}{99}", "repeats too much");
	memset(much, 'a', sizeof(much) - 1);
	assert_bad(much, "longer than");
	much[500] = '\0';
	assert_bad(much, "too long");
	for (int i = 0; i < 40; i++)
		memcpy(much + 2 * i, "a ", 3);
	assert_bad(much, "more than 32");
}

/* What help says can be typed as it stands. */
static void test_examples(void **state)
{
	for (size_t i = 0; i < filter_example_count; i++)
		holds(filter_examples[i].text);
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
		char text[256] = "", why[80];
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
		cmocka_unit_test(test_meaning), cmocka_unit_test(test_errors), cmocka_unit_test(test_examples), cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
