/* SPDX-License-Identifier: GPL-2.0-only */
/* sdeitop replay: prints what live would have printed; on a terminal, goes where keys say. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/lib/command_run.h"
#include "tests/unit/lib/directory.h"
#include "tests/unit/lib/recording_scene.h"
#include "cli/commands.h"
#include "session/feeder.h"
#include "view/figures/json.h"
#include "view/figures/text.h"
#include "tests/unit/lib/terminal_driver.h"

#define MS RECORDED_NS_PER_MS

static char output[4 << 20];
static const char *directory;

#define RUN(...) run_command(&cmd_replay, (char *[]){ "replay", ##__VA_ARGS__, NULL }, NULL, output, sizeof(output))

static size_t count_of(const char *text)
{
	size_t count = 0;

	for (const char *at = output; (at = strstr(at, text)); at++)
		count++;
	return count;
}

static int make_it(void **state)
{
	directory = recorded_directory();
	return 0;
}

static int remove_it(void **state)
{
	return remove_tree(directory);
}

static void test_usage(void **state)
{
	assert_int_equal(RUN(), 2);
	assert_says("try 'sdeitop replay --help'");
	assert_int_equal(RUN((char *)directory, "--speed", "3"), 2);
	assert_says("power of two");
	assert_int_equal(RUN((char *)directory, "--speed", "2048"), 2);
	assert_int_equal(RUN((char *)directory, "--speed", "1/32"), 2);
	assert_int_equal(RUN((char *)directory, "-j", "-f", "web"), 2);
	assert_int_equal(RUN("-b", "/nonexistent/recording"), 1);
	assert_says("/nonexistent/recording");
	assert_int_equal(RUN("--help"), 0);
	assert_says("one interval forward");
	assert_says("Usage: sdeitop replay");
}

static char *web(void *ctx, uint32_t vm, char *uuid)
{
	return strdup("web");
}

/* The intervals and the summary of a live run on the same records, ticked every second. */
static char *live(bool json)
{
	struct feeder *f = feeder_new(false, NULL);
	struct model *m = feeder_model(f);
	struct status status = {
		.host = "recorded", .probes_attached = 14, .probes_total = 14, .cpu_percent = 0.3, .delay_ns = 1000 * MS,
	};
	const struct table_options plain = { 0 };
	uint64_t tick_ns = RECORDED_BEGIN_NS;
	char *text = NULL;
	size_t size, count;
	const struct recording_item *item = recorded_items(&count), *end = item + count;
	FILE *out = open_memstream(&text, &size);

	feeder_set_names(f, web, NULL);
	model_tick(m, tick_ns);
	while (tick_ns < RECORDED_END_NS) {
		tick_ns += tick_ns + 1000 * MS < RECORDED_END_NS ? 1000 * MS : RECORDED_END_NS - tick_ns;
		for (; item < end && item->time_ns <= tick_ns; item++)
			if (item->kind == ITEM_RECORD) {
				feeder_record(f, &item->record.head, item->size);
				status.counters.attempted[item->record.head.kind]++;
				status.counters.read++;
			}
		feeder_flush(f);
		model_tick(m, tick_ns);
		status.now_ns = tick_ns;
		status.wall_ns = 1767225600LL * 1000 * 1000000 + tick_ns;
		if (tick_ns < RECORDED_END_NS && json)
			json_interval(out, m, &status);
		else if (tick_ns < RECORDED_END_NS)
			assert_int_equal(text_interval(out, m, &status, &plain), 0);
	}
	model_settle(m, tick_ns);
	if (json)
		json_summary(out, m, &status);
	else
		assert_int_equal(text_summary(out, m, &status, &plain), 0);
	fclose(out);
	feeder_free(f);
	return text;
}

static void test_as_live(void **state)
{
	char *expected = live(false);

	assert_int_equal(RUN("-b", (char *)directory), 0);
	assert_string_equal(output, expected);
	free(expected);
	expected = live(true);
	assert_int_equal(RUN("-j", (char *)directory), 0);
	assert_string_equal(output, expected);
	free(expected);
}

static void test_count(void **state)
{
	assert_int_equal(RUN("-j", "-n", "3", "-d", "0.5", (char *)directory), 0);
	assert_int_equal(count_of("\"type\":\"interval\""), 3);
	assert_int_equal(count_of("\"type\":\"summary\""), 1);
	assert_says("\"time_ns\":1001500000000");
	assert_null(strstr(output, "\"time_ns\":1002000000000"));
}

static void test_filters(void **state)
{
	assert_int_equal(RUN("-b", "-v", "2", (char *)directory), 0);
	assert_says("drop-burst");
	assert_null(strstr(output, "handler-hung"));
	assert_int_equal(RUN("-b", "-g", "db*", (char *)directory), 0);
	assert_null(strstr(output, "web"));
}

static void test_range(void **state)
{
	assert_int_equal(RUN("-j", "--since", "10s", "--until", "20s", (char *)directory), 0);
	assert_int_equal(count_of("\"type\":\"interval\""), 10);
	assert_says("handler-hung");
	assert_null(strstr(output, "drop-burst"));
}

/* Two records 2^63 ns apart: one line says so. */
static void test_long_stretch(void **state)
{
	assert_int_equal(RUN("-b", "tests/data/recording-gap"), 0);
	assert_int_equal(count_of("nothing was recorded for 9223372024.0 s"), 1);
	assert_true(count_of("events/s") < 20);
	assert_int_equal(RUN("-j", "tests/data/recording-gap"), 0);
	assert_int_equal(count_of("\"type\":\"stretch\""), 1);
	assert_says("\"length_ns\":9223372024000000000");
	assert_true(count_of("\"type\":\"interval\"") < 20);
}

/* --- on a terminal */

/* So slow that it stays where it is put. */
static void open_replay(const char *options)
{
	char words[512];

	snprintf(words, sizeof(words), "%s %s", directory, options);
	open_screen(UTF8, words, 80, 24);
	free(await("Quit"));
}

static void go(const char *keys, const char *where)
{
	type(keys);
	free(await(where));
}

static void test_places(void **state)
{
	open_replay("--speed 1/16");
	free(await("REPLAY 00m00.0s/00m30.5s x1/16 playing"));
	go("Space", "x1/16 paused");
	go("']'", "00m01.0s/");
	go("']' ']' ']'", "00m04.0s/");
	go("'['", "00m03.0s/");
	go("b 20s Enter", "00m20.0s/");
	go("b -4.5s Enter", "00m16.0s/");
	go("b +1m Enter", "00m30.5s/00m30.5s x1/16 END");
	go("b 00:16:50 Enter", "00m10.0s/");
	go("b 2026-01-01T00:16:45Z Enter", "00m05.0s/");
	go("b 1009 Enter", "00m09.0s/");
	go("b soon Enter", "'soon' is no moment");
	go("'{'", "00m00.0s/");
	go("'}'", "END");
	type("d 0.5 Enter");
	go("'['", "00m30.0s/");
	go("'['", "00m29.5s/");
}

static void test_findings(void **state)
{
	open_replay("--speed 1/16");
	type("n");
	assert_screen("replay-finding.txt", "00m08.0s/");
	go("Escape N", "no finding on that side");
	go("n", "00m14.0s/");
	free(await("handler-hung"));
	go("n", "no finding on that side");
	free(await("00m14.0s/"));
	go("Escape N", "00m08.0s/");
	free(await("drop-burst"));
	go("Escape '}'", "END");
	go("N", "00m14.0s/");
}

/* A jump that ends where it began says that it has arrived, and a second finding of the same moment is shown at once. */
static void test_same_place(void **state)
{
	open_replay("--speed 1/16 -d 20");
	go("Space", "x1/16 paused");
	go("b 0s Enter", "x1/16 paused");
	go("n", "event 0: 2");	/* drops of vCPU 2 */
	free(await("00m20.0s/00m30.5s x1/16 paused"));
	go("n", "event 0: the handler");
	free(await("00m20.0s/00m30.5s x1/16 paused"));
	go("b 15s Enter", "00m20.0s/00m30.5s x1/16 paused");
}

/* The handler that hung, at the last second at which it did; the page of its event. */
static void test_worst(void **state)
{
	open_replay("--speed 1/16");
	go("w", "web > vCPU 1 > event 0");
	free(await("00m15.0s/00m30.5s x1/16 paused"));
	free(await("Running  for 2.8s"));
	go("Escape", "U2.8s");
	go("w", "Running  for 2.8s");
}

static void test_playing(void **state)
{
	open_replay("--speed 1024");
	assert_screen("replay-end.txt", "x1024 END");
	go("'{'", "00m00.0s/");
	go("Space", "END");	/* once more */
	go("1 Enter", "web > vCPUs");
	go("'{'", "00m00.0s/");
	go("-", "x512");
}

static void test_quit(void **state)
{
	open_replay("");
	type("q");
	for (int i = 0; i < 100; i++) {
		char *screen = left_behind();
		bool left = strstr(screen, "alternate 0 cursor 1");

		free(screen);
		if (left)
			return;
		nap();
	}
	fail();
}

static int tests_of_printing(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usage), cmocka_unit_test(test_as_live), cmocka_unit_test(test_count),
		cmocka_unit_test(test_filters), cmocka_unit_test(test_range), cmocka_unit_test(test_long_stretch),
	};

	return cmocka_run_group_tests_name("printing", tests, make_it, remove_it);
}

static int tests_of_the_screen(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_places, close_screen),
		cmocka_unit_test_teardown(test_findings, close_screen),
		cmocka_unit_test_teardown(test_same_place, close_screen),
		cmocka_unit_test_teardown(test_worst, close_screen),
		cmocka_unit_test_teardown(test_playing, close_screen),
		cmocka_unit_test_teardown(test_quit, close_screen),
	};

	return cmocka_run_group_tests_name("screen", tests, make_it, remove_it);
}

int main(int argc, char **argv)
{
	int failed;

	setlocale(LC_CTYPE, "");
	if (argc >= 3 && strcmp(argv[1], "--show") == 0)
		return cmd_replay.run(&cmd_replay, argc - 1, argv + 1);
	failed = tests_of_printing();
	if (prepare_terminal_driver())
		failed += tests_of_the_screen();
	else
		puts("skip screen tmux or pkill is missing");
	return failed;
}
