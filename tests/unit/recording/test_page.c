// SPDX-License-Identifier: GPL-2.0-only
/* The tables in the page on the format of recordings are those of the code; and what was once released never changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recording/codec.h"
#include "recording/layouts.h"

#define PAGE "man/sdeitop-recording.5"
#define RELEASED "tests/data/recording-1/metadata"
#define WIDTH 70

static char *read_file(const char *name)
{
	FILE *in = fopen(name, "r");
	char *text = NULL;
	size_t room = 0;

	assert_non_null(in);
	assert_true(getdelim(&text, &room, '\0', in) > 0);
	fclose(in);
	return text;
}

/* --- layouts, as the page has them */

/* Up to ids that nobody has given yet. */
static const struct layout *next_of(const struct event_class *class, unsigned int *id)
{
	while (*id < LAYOUT_IDS) {
		const struct layout *l = layout_of((*id)++);

		if (l && l->of == class)
			return l;
	}
	return NULL;
}

static unsigned int bits_of(const struct layout *l, unsigned int field)
{
	return l->wide ? 8 * l->of->fields[field].bytes : l->bits[field];
}

static void put_word(FILE *out, size_t *column, const char *name, unsigned int bits, bool is_signed)
{
	char word[64];
	size_t length = snprintf(word, sizeof(word), " %s:%u%s", name, bits, is_signed ? "s" : "");

	if (*column + length > WIDTH)
		*column = fprintf(out, "\n        ") - 1;
	fputs(word, out);
	*column += length;
}

static void put_layout(FILE *out, const struct layout *l)
{
	unsigned int bytes = l->wide ? 8 : 0, bits = 0;
	size_t column;

	for (unsigned int i = 0; l->of->fields[i].name; i++)
		bits += bits_of(l, i);
	assert_int_equal(bits % 8, 0);
	column = fprintf(out, "%3u %3u ", l->id, bytes + bits / 8);
	if (l->wide)
		put_word(out, &column, "time", 64, false);
	for (unsigned int i = 0; l->of->fields[i].name; i++)
		if (bits_of(l, i))
			put_word(out, &column, l->of->fields[i].name, bits_of(l, i), l->of->fields[i].is_signed);
	fputc('\n', out);
}

static void put_layouts(FILE *out)
{
	for (unsigned int id = 0; id < LAYOUT_IDS; id++) {
		const struct layout *first = layout_of(id), *l;
		unsigned int next = 0;

		if (!first || next_of(first->of, &next) != first)
			continue;
		fprintf(out, ".TP\n.B %s\n.EX\n", first->of->name);
		for (next = 0; (l = next_of(first->of, &next));)
			put_layout(out, l);
		fputs(".EE\n", out);
	}
}

/* --- values */

/* False: no field of its own has them. */
static bool put_users(FILE *out, enum labels set)
{
	const char *field = NULL;

	for (unsigned int id = 0; id < LAYOUT_IDS; id++) {
		const struct layout *l = layout_of(id);
		unsigned int next = 0;

		if (!l || next_of(l->of, &next) != l)
			continue;
		for (const struct field *f = l->of->fields; f->name; f++) {
			if (f->labels != set)
				continue;
			fprintf(out, field ? ", %s" : ".TP\n.BR %s \" of %s", field ? l->of->name : f->name, l->of->name);
			field = f->name;
		}
	}
	if (field)
		fputs("\"\n", out);
	return field;
}

static void put_values(FILE *out)
{
	for (enum labels set = LABELS_NONE + 1; set < LABELS_COUNT; set++) {
		size_t count;
		const struct label *labels = labels_of(set, &count);

		if (!put_users(out, set))
			continue;
		for (size_t i = 0; i < count; i++)
			fprintf(out, labels[i].value > UINT16_MAX ? "%#x %s%s" : "%u %s%s", labels[i].value, labels[i].name,
				i + 1 == count ? ".\n" : i % 4 == 3 ? ",\n" : ", ");
	}
}

/* --- the page */

static char *part(void (*put)(FILE *out))
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	put(out);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* Between the line with begin and the one that says end. */
static void check_part(const char *begin, void (*put)(FILE *out))
{
	char *page = read_file(PAGE), *want = part(put), *from = strstr(page, begin), *to;

	assert_non_null(from);
	from += strlen(begin);
	to = strstr(from, ".\\\" end\n");
	assert_non_null(to);
	if (getenv("UPDATE_GOLDEN")) {
		FILE *out = fopen(PAGE, "w");

		assert_non_null(out);
		fprintf(out, "%.*s%s%s", (int)(from - page), page, want, to);
		assert_int_equal(fclose(out), 0);
	} else {
		*to = '\0';
		assert_string_equal(from, want);
	}
	free(want);
	free(page);
}

static void test_layouts(void **state)
{
	check_part(".\\\" layouts\n", put_layouts);
}

static void test_values(void **state)
{
	check_part(".\\\" values\n", put_values);
}

/* --- what was released */

/* Whether now begins with the words of before. An enumeration may have got more values, behind those it had. */
static bool begins_with(const char *now, const char *before)
{
	while (*before) {
		if (*now != *before && strncmp(before, " }", 2) == 0 && strncmp(now, ", \"", 3) == 0)
			now = strstr(now, " }");
		if (!now || *now++ != *before++)
			return false;
	}
	return true;
}

static bool is_described(const char *now, const char *before)
{
	while ((now = strstr(now, "event {\n"))) {
		if (begins_with(now, before))
			return true;
		now++;
	}
	return false;
}

/* Each event that the metadata of the first release describes is described with the same words now. */
static void test_released(void **state)
{
	static const struct recording_about about = { .major = RECORDING_MAJOR, .minor = RECORDING_MINOR };
	char *released = read_file(RELEASED), *now = codec_metadata(&about);
	char *at = strstr(released, "event {\n");
	unsigned int events = 0;

	assert_non_null(now);
	for (; at; events++) {
		char *next = strstr(at + 1, "event {\n");

		if (next)
			next[-1] = '\0';
		if (!is_described(now, at))
			print_error("this is described otherwise now, or not at all:\n%s\n", at);
		assert_true(is_described(now, at));
		at = next;
	}
	assert_int_equal(events, 47);
	free(released);
	free(now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layouts),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_released),
	};

	return cmocka_run_group_tests_name("trace_page", tests, NULL, NULL);
}
