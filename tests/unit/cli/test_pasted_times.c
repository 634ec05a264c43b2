/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a command prints as a time can be pasted into --since and --until: it finds the records that are printed with that time, and no
 * others. Of a recording of the lab, and of one that is over midnight and over the hour that clocks have twice.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/commands.h"
#include "tests/unit/lib/command_run.h"
#include "tests/unit/lib/directory.h"
#include "tests/unit/lib/recording_scene.h"
#include "util/log.h"

#define LAB "tests/data/recording-1"
#define OUTPUT_SIZE (1 << 20)
#define LINES_MAX 8192
#define TIME_MAX 64
#define SECOND_NS 1000000000ULL

/* The night in which clocks in Berlin are set back: 21:59:50 UTC is before midnight there, 01:00 UTC the hour that is twice. */
#define NIGHT_BEGIN_NS (4321 * SECOND_NS + 987654321)
#define NIGHT_WALL_NS (1792879190LL * (int64_t)SECOND_NS)	/* 2026-10-24T21:59:50Z */
#define NIGHT_EVERY_NS (36 * SECOND_NS + 999999937)
#define NIGHT_RECORDS 400

static char night[] = "/tmp/sdeitop-night-XXXXXX";
static const char *const forms[] = { "utc", "local", "mono", "relative" };

static int make_night(void **state)
{
	static struct recording_item items[NIGHT_RECORDS + 2];
	const struct recording_about about = {
		.uuid = { 5, 6, 7 }, .major = RECORDING_MAJOR, .minor = RECORDING_MINOR, .version = "0.1.0", .host = "night", .cpus = 1,
		.clock_offset_ns = NIGHT_WALL_NS - (int64_t)NIGHT_BEGIN_NS,
	};
	size_t count = 0;

	items[count++] = status_item(NIGHT_BEGIN_NS, false);
	for (uint64_t i = 0; i < NIGHT_RECORDS; i++)
		items[count++] = record_item((struct sdei_record){
			.time_ns = NIGHT_BEGIN_NS + i * NIGHT_EVERY_NS, .vm = 7, .event = 3, .kind = i % 3 ? i % 3 == 1 ? SDEI_DISPATCH :
			SDEI_COMPLETE : SDEI_SIGNAL, .state = SDEI_REGISTERED | SDEI_ENABLED | (i % 3 ? i % 3 == 1 ? SDEI_RUNNING : 0 :
			SDEI_PENDING), .outcome = i % 3 ? SDEI_COMPLETED : SDEI_QUEUED,
		});
	items[count++] = status_item(NIGHT_BEGIN_NS + (NIGHT_RECORDS - 1) * NIGHT_EVERY_NS, true);
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	if (!mkdtemp(night))
		return -1;
	record_items(night, &about, items, count);
	return 0;
}

static int remove_night(void **state)
{
	return remove_tree(night);
}

/* --- the records, one a line, behind its time */

struct lines {
	char text[OUTPUT_SIZE];
	const char *line[LINES_MAX];
	char time[LINES_MAX][TIME_MAX];
	size_t count;
};

static void split(struct lines *l)
{
	l->count = 0;
	for (char *line = strtok(l->text, "\n"); line; line = strtok(NULL, "\n")) {
		const char *time = line + strspn(line, " ");
		size_t length = strcspn(time, " ");

		if (strncmp(time, "TIME", 4) == 0)
			continue;
		assert_true(l->count < LINES_MAX && length < TIME_MAX);
		memcpy(l->time[l->count], time, length);
		l->time[l->count][length] = '\0';
		l->line[l->count++] = line;
	}
}

/* events, from one printed time to another; NULL: all. */
static void read_lines(struct lines *l, const char *directory, const char *form, const char *since, const char *until)
{
	char *argv[] = {
		"events", "--time", (char *)form, (char *)directory, since ? "--since" : NULL, (char *)since, "--until", (char *)until, NULL,
	};

	assert_int_equal(run_command(&cmd_events, argv, NULL, l->text, sizeof(l->text)), EXIT_DONE);
	split(l);
}

static void assert_lines(const char *directory, const struct lines *all, size_t first, size_t last, const char *form, const char *since,
			 const char *until)
{
	static struct lines found;

	read_lines(&found, directory, form, since, until);
	if (found.count != last - first + 1)
		print_error("--time %s --since %s --until %s: %zu records, not %zu\n", form, since, until, found.count, last - first + 1);
	assert_int_equal(found.count, last - first + 1);
	for (size_t i = 0; i < found.count; i++)
		assert_string_equal(found.line[i], all->line[first + i]);
}

/* --- events */

/* From each of some records to another: those that have the same time are with them. */
static void check_events(const char *directory, const char *form, size_t step)
{
	static struct lines all;

	read_lines(&all, directory, form, NULL, NULL);
	assert_true(all.count >= NIGHT_RECORDS);
	for (size_t i = 0; i < all.count; i += step) {
		size_t first = i, last = i + i % (3 * step) < all.count ? i + i % (3 * step) : all.count - 1;

		while (first && strcmp(all.time[first - 1], all.time[i]) == 0)
			first--;
		while (last + 1 < all.count && strcmp(all.time[last + 1], all.time[last]) == 0)
			last++;
		assert_lines(directory, &all, first, last, form, all.time[first], all.time[last]);
	}
}

static void test_events(void **state)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		check_events(LAB, forms[i], 307);
		check_events(night, forms[i], 37);
	}
}

/* What one form prints, the others read. */
static void test_forms_are_read_in_any(void **state)
{
	static struct lines as[4];

	for (size_t i = 0; i < 4; i++)
		read_lines(&as[i], night, forms[i], NULL, NULL);
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < 4; j++)
			for (size_t at = 5; at + 7 < NIGHT_RECORDS; at += 113)
				assert_lines(night, &as[i], at, at + 7, forms[i], as[j].time[at], as[j].time[at + 7]);
}

/* --- what other commands print */

/* How long the number or time of a clock at text is, without its zone and unit. */
static size_t digits_of(const char *text)
{
	return strspn(text, "0123456789-T:.");
}

/* Where the time that is cut off to time is in whole; whole may have a date in front. */
static bool is_cut_off(const char *whole, const char *time)
{
	size_t digits = digits_of(time);
	const char *rest = memchr(time, 'T', digits) ? NULL : strchr(whole, 'T');

	whole = rest ? rest + 1 : whole;
	return strncmp(whole, time, digits) == 0 && strcmp(whole + digits_of(whole), time + digits) == 0;
}

/* The records that are printed as time are found by it, and no others. */
static void check_time(const char *directory, const struct lines *all, const char *form, const char *time)
{
	size_t first = 0, last;

	while (first < all->count && !is_cut_off(all->time[first], time))
		first++;
	if (first == all->count) {
		print_error("%s: no record is printed with that time\n", time);
		fail();
	}
	for (last = first; last + 1 < all->count && is_cut_off(all->time[last + 1], time);)
		last++;
	assert_lines(directory, all, first, last, form, time, time);
}

/* Each time behind the word in what a command printed, up to so many; how many. */
static size_t check_times(const char *directory, const struct command *command, const char *form, const char *option, const char *word,
			  size_t most)
{
	static struct lines all;
	static char text[OUTPUT_SIZE];
	char *argv[] = { (char *)command->name, "--time", (char *)form, (char *)directory, (char *)option, NULL };
	size_t count = 0;

	assert_int_equal(run_command(command, argv, NULL, text, sizeof(text)), EXIT_DONE);
	read_lines(&all, directory, form, NULL, NULL);
	for (const char *at = strstr(text, word); at && count < most; at = strstr(at, word)) {
		char time[TIME_MAX];
		size_t length;

		at += strlen(word);
		length = strcspn(at, " ,:\n\"<;");
		if (!isdigit((unsigned char)*at))
			continue;
		while (at[length] == ':')	/* 12:34:56Z: the time's own, but for the last */
			length += 1 + strcspn(at + length + 1, " ,:\n\"<;");
		length -= at[length - 1] == ':';
		assert_true(length < sizeof(time));
		memcpy(time, at, length);
		time[length] = '\0';
		check_time(directory, &all, form, time);
		count++;
	}
	return count;
}

static void test_reports(void **state)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		assert_true(check_times(LAB, &cmd_report, forms[i], "--all", " at ", 12) > 5);
		assert_true(check_times(LAB, &cmd_report, forms[i], "--all", "; first ", 6) > 2);
		assert_true(check_times(LAB, &cmd_replay, forms[i], "-b", " at ", 6) > 2);
	}
}

/* Of the wall clock whatever the form is. */
static void test_json(void **state)
{
	static struct lines all;
	static char text[OUTPUT_SIZE];

	for (size_t i = 0; i < 2; i++) {
		char *argv[] = { "events", "-j", "--time", (char *)forms[i], night, NULL };
		const char *at = text;
		size_t count;

		assert_int_equal(run_command(&cmd_events, argv, NULL, text, sizeof(text)), EXIT_DONE);
		read_lines(&all, night, forms[i], NULL, NULL);
		for (count = 0; (at = strstr(at, "\"wall\":\"")); count++) {
			at += strlen("\"wall\":\"");
			assert_memory_equal(at, all.time[count], strlen(all.time[count]));
		}
		assert_int_equal(count, NIGHT_RECORDS);
	}
}

/* A number without a unit is not sometimes this and sometimes that. */
static void test_bare_number(void **state)
{
	char *argv[] = { "events", "--since", "0.45", LAB, NULL };
	char output[512];

	assert_int_equal(run_command(&cmd_events, argv, NULL, output, sizeof(output)), EXIT_USAGE);
	assert_non_null(strstr(output, "0.450000 of CLOCK_MONOTONIC is before the recording"));
	assert_non_null(strstr(output, "0.450000s"));
}

/* Outside of it: what it is from and to can be pasted, too. */
static void test_range(void **state)
{
	char *argv[] = { "events", "--since", "2h", LAB, NULL };
	char output[512];

	assert_int_equal(run_command(&cmd_events, argv, NULL, output, sizeof(output)), EXIT_USAGE);
	assert_non_null(strstr(output, "which is from 2026-11-21T04:24:23."));
}

/* 1970 is not when it was made. */
static void test_nothing_to_read(void **state)
{
	static const struct command *const readers[] = { &cmd_events, &cmd_report, &cmd_replay };
	static char directory[] = "/tmp/sdeitop-nothing-XXXXXX";
	char output[4096];

	assert_non_null(mkdtemp(directory));
	assert_int_equal(fclose(create_file(directory, "metadata")), 0);
	assert_int_equal(fclose(create_file(directory, "sdei-000000")), 0);
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
		char *argv[] = { (char *)readers[i]->name, directory, NULL };

		assert_int_equal(run_command(readers[i], argv, NULL, output, sizeof(output)), EXIT_FAILED);
		assert_non_null(strstr(output, "no packet of a sdeitop recording"));
	}
	assert_int_equal(remove_tree(directory), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_forms_are_read_in_any),
		cmocka_unit_test(test_reports),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_bare_number),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_nothing_to_read),
	};

	return cmocka_run_group_tests(tests, make_night, remove_night);
}
