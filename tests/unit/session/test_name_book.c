// SPDX-License-Identifier: GPL-2.0-only
/* The names of VMs as a stream tells them: the newest counts, and nothing of the caller's is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "session/name_book.h"
#include "recording/recording.h"

#define MANY 5003

static void test_newest_counts(void **state)
{
	struct name_book book = { 0 };
	char text[16] = "one";

	assert_null(name_book_find(&book, 7));
	name_book_learn(&book, 7, text, "");
	strcpy(text, "two");
	assert_string_equal(name_book_find(&book, 7), "one");
	name_book_learn(&book, 7, text, "");
	assert_string_equal(name_book_find(&book, 7), "two");
	assert_null(name_book_find(&book, 8));
	name_book_learn(&book, 7, "", "");
	assert_string_equal(name_book_find(&book, 7), "");
	name_book_release(&book);
}

static void test_forget(void **state)
{
	struct name_book book = { 0 };

	name_book_forget(&book, 7);	/* not there, in a book without a page */
	name_book_learn(&book, 7, "one", "");
	name_book_forget(&book, 8);
	assert_string_equal(name_book_find(&book, 7), "one");
	name_book_forget(&book, 7);
	assert_null(name_book_find(&book, 7));
	name_book_learn(&book, 7, "again", "");
	assert_string_equal(name_book_find(&book, 7), "again");
	name_book_release(&book);
	name_book_release(&(struct name_book){ 0 });
}

static void test_long_name(void **state)
{
	struct name_book book = { 0 };
	char text[3 * RECORDING_NAME_MAX];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	name_book_learn(&book, UINT32_MAX, text, "");
	assert_int_equal(strlen(name_book_find(&book, UINT32_MAX)), RECORDING_NAME_MAX);
	name_book_release(&book);
}

static const char *name_of_many(uint32_t vm, unsigned int generation)
{
	static char text[32];

	snprintf(text, sizeof(text), "vm %u, %u", vm, generation);
	return text;
}

static void test_many(void **state)
{
	struct name_book book = { 0 };

	for (uint32_t vm = 0; vm < MANY; vm++)
		name_book_learn(&book, vm * 2654435761U, name_of_many(vm, 1), "");
	for (uint32_t vm = 0; vm < MANY; vm += 3)
		name_book_forget(&book, vm * 2654435761U);
	for (uint32_t vm = 0; vm < MANY; vm += 5)
		name_book_learn(&book, vm * 2654435761U, name_of_many(vm, 2), "");
	for (uint32_t vm = 0; vm < MANY; vm++) {
		const char *name = name_book_find(&book, vm * 2654435761U);

		if (vm % 5 == 0)
			assert_string_equal(name, name_of_many(vm, 2));
		else if (vm % 3 == 0)
			assert_null(name);
		else
			assert_string_equal(name, name_of_many(vm, 1));
	}
	name_book_release(&book);
}

struct news {
	unsigned int count;
	uint32_t vm;
	char text[64];
};

static void take_news(void *ctx, uint32_t vm, const char *name, const char *uuid)
{
	struct news *news = ctx;

	news->count++;
	news->vm = vm;
	snprintf(news->text, sizeof(news->text), "%s %s", name, uuid);
}

static struct news news_of(struct name_book *book)
{
	struct news news = { 0 };

	name_book_tell_news(book, take_news, &news);
	return news;
}

/* Each once, and only what is another name or UUID than before. */
static void test_news(void **state)
{
	struct name_book book = { 0 };
	struct news news;

	assert_int_equal(news_of(&book).count, 0);
	name_book_learn(&book, 7, "one", "");
	name_book_learn(&book, 8, "two", "");
	assert_int_equal(news_of(&book).count, 2);
	name_book_learn(&book, 7, "one", "");
	assert_int_equal(news_of(&book).count, 0);
	assert_true(name_book_learn(&book, 7, "one", "4dd25b7e"));
	assert_false(name_book_learn(&book, 7, "one", "4dd25b7e"));
	assert_false(name_book_learn(&book, 9, "new", ""));
	name_book_forget(&book, 9);
	news = news_of(&book);
	assert_int_equal(news.count, 1);
	assert_int_equal(news.vm, 7);
	assert_string_equal(news.text, "one 4dd25b7e");
	assert_string_equal(name_book_uuid(&book, 7), "4dd25b7e");
	assert_string_equal(name_book_uuid(&book, 8), "");
	assert_string_equal(name_book_uuid(&book, 9), "");
	name_book_learn(&book, 8, "three", "");
	name_book_forget(&book, 8);
	assert_int_equal(news_of(&book).count, 0);
	name_book_release(&book);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_newest_counts), cmocka_unit_test(test_forget), cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_many), cmocka_unit_test(test_news),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
