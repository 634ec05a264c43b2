/* SPDX-License-Identifier: GPL-2.0-only */
/* sdeitop replay without a terminal: prints what live would have printed. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "recording_scene.h"
#include "src/cli/commands.h"
#include "src/cli/feeder.h"
#include "src/view/json.h"
#include "src/view/text.h"

#define MS RECORDED_NS_PER_MS

static char output[4 << 20];
static const char *directory;

/* Runs it in a child, both of its outputs in output; the exit status. */
static int run(char **argv)
{
	FILE *out = tmpfile();
	size_t length;
	int argc = 0, status;
	pid_t child;

	while (argv[argc])
		argc++;
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
		dup2(fileno(out), STDOUT_FILENO);
		dup2(fileno(out), STDERR_FILENO);
		status = cmd_replay.run(&cmd_replay, argc, argv);
		fflush(stdout);
		_exit(status);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	rewind(out);
	length = fread(output, 1, sizeof(output) - 1, out);
	output[length] = '\0';
	fclose(out);
	return WEXITSTATUS(status);
}

#define RUN(...) run((char *[]){ "replay", ##__VA_ARGS__, NULL })

static void assert_says(const char *text)
{
	if (!strstr(output, text))
		print_error("no '%s' in '%.2000s'\n", text, output);
	assert_non_null(strstr(output, text));
}

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
	remove_recorded(directory);
	return 0;
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

static char *web(void *ctx, uint32_t vm)
{
	return strdup("web");
}

/* The intervals and the summary of a live run on the same records, ticked every second. */
static char *live(bool json)
{
	struct feeder *f = feeder_new(false, NULL);
	struct model *m = feeder_model(f);
	struct view_status status = {
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
			if (item->kind == ITEM_RECORD)
				feeder_record(f, &item->record.head, item->size);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usage), cmocka_unit_test(test_as_live), cmocka_unit_test(test_count),
		cmocka_unit_test(test_filters), cmocka_unit_test(test_range),
	};

	return cmocka_run_group_tests(tests, make_it, remove_it);
}
