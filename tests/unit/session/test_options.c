/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "session/options.h"

struct config {
	bool batch, help;
	uint64_t count, delay_ms, interval_ms;
	struct number_list numbers;
	struct string_list guests;
	size_t ring;
	const char *output;
};

#define ROW(key, name, type, field) { key, name, "X", &option_##type, offsetof(struct config, field), "about " name }

static const struct option_spec options[] = {
	ROW('b', "batch", flag, batch), ROW('h', "help", flag, help), ROW('n', "count", count, count),
	ROW('d', "delay", seconds, delay_ms), ROW('p', "pid", numbers, numbers), ROW('g', "guest", patterns, guests),
	ROW(0, "ring-size", pages, ring), ROW('o', "output", string, output), { 0 },
};

static const struct option_spec operands[] = {
	ROW(0, "interval", seconds, interval_ms), ROW(0, "count", count, count), { 0 },
};

static const struct command command = { .usage = "u", .help = "h", .options = options, .operands = operands };

static struct config config;
static char message[256];
static char **rest;

/* Splits line at blanks, as a shell would. */
static int parse(const char *line)
{
	static char words[256];
	static char *argv[32];
	int argc = 1;

	memset(&config, 0, sizeof(config));
	memset(argv, 0, sizeof(argv));
	argv[0] = "sdeitop";
	message[0] = '\0';
	strcpy(words, line);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	return options_parse(&command, argc, argv, &config, &rest, message, sizeof(message));
}

static void good(const char *line)
{
	int err = parse(line);

	if (err)
		print_error("%s: %s\n", line, message);
	assert_int_equal(err, 0);
}

static void bad(const char *line, const char *why)
{
	assert_int_not_equal(parse(line), 0);
	if (!strstr(message, why))
		print_error("'%s' gave '%s', not '%s'\n", line, message, why);
	assert_non_null(strstr(message, why));
	options_clear(&command, &config);
}

static void test_nothing(void **state)
{
	good("");
	assert_false(config.batch);
	assert_null(rest);
}

static void test_flags(void **state)
{
	good("-b --help");
	assert_true(config.batch && config.help);
	good("-bh");
	assert_true(config.batch && config.help);
	good("--bat");		/* unambiguous, as everywhere in GNU */
	assert_true(config.batch);
}

static void test_operands(void **state)
{
	good("2 5");
	assert_int_equal(config.interval_ms, 2000);
	assert_int_equal(config.count, 5);
	good("0.25 -b 7");	/* options may follow */
	assert_int_equal(config.interval_ms, 250);
	assert_int_equal(config.count, 7);
	assert_true(config.batch);
	bad("1 2 3", "3: one argument too many");
	bad("fast", "interval fast: expects seconds");
	bad("1 many", "count many: expects a number");
}

static void test_command(void **state)
{
	good("-b -- sh -c true");
	assert_string_equal(rest[0], "sh");
	assert_string_equal(rest[1], "-c");
	good("1 -- 2 3");	/* words of the command are not operands */
	assert_int_equal(config.interval_ms, 1000);
	assert_string_equal(rest[0], "2");
	good("1 --");
	assert_null(rest);
}

static void test_numbers(void **state)
{
	good("-p 1,0x1f,4294967294");
	assert_int_equal(config.numbers.count, 3);
	assert_int_equal(config.numbers.values[0], 1);
	assert_int_equal(config.numbers.values[1], 31);
	assert_int_equal(config.numbers.values[2], 4294967294U);
	options_clear(&command, &config);
	good("-p 1 -p 2");
	assert_int_equal(config.numbers.count, 2);
	options_clear(&command, &config);
	good("-p 010");		/* not octal */
	assert_int_equal(config.numbers.values[0], 10);
	options_clear(&command, &config);
	bad("-p 1,", "--pid 1,: expects numbers");
	bad("-p ,1", "expects numbers");
	bad("-p -1", "expects numbers");
	bad("-p +1", "expects numbers");
	bad("-p 1x", "expects numbers");
	bad("-p 0x", "expects numbers");
	bad("-p 0x0x1", "expects numbers");
	bad("-p 4294967295", "expects numbers");	/* SDEI_NONE */
	bad("-p 18446744073709551617", "expects numbers");
	bad("-p", "-p: a value is missing");
}

static void test_seconds(void **state)
{
	good("-d 0.1");
	assert_int_equal(config.delay_ms, 100);
	good("--delay=86400");
	assert_int_equal(config.delay_ms, 86400000);
	bad("-d 0", "expects seconds");
	bad("-d 0.05", "expects seconds");
	bad("-d 86401", "expects seconds");
	bad("-d -1", "expects seconds");
	bad("-d 1s", "expects seconds");
	bad("-d nan", "expects seconds");
	bad("-d inf", "expects seconds");
	bad("-d 1e3", "expects seconds");
	bad("-d 0x10", "expects seconds");
	bad("-d 1,5", "expects seconds");
}

static void test_counts(void **state)
{
	good("-n 1000003");
	assert_int_equal(config.count, 1000003);
	bad("-n 0", "expects a number from 1");
	bad("-n 1.5", "expects a number from 1");
}

static void test_ring(void **state)
{
	good("--ring-size 4096");
	assert_int_equal(config.ring, 4096);
	good("--ring-size 64K");
	assert_int_equal(config.ring, 65536);
	good("--ring-size 1M");
	assert_int_equal(config.ring, 1 << 20);
	bad("--ring-size 2048", "expects a power of two");
	bad("--ring-size 12288", "expects a power of two");
	bad("--ring-size 2048M", "expects a power of two");
	bad("--ring-size 1G", "expects a power of two");
	bad("--ring-size 0", "expects a power of two");
	bad("--ring-size 18446744073709551615M", "expects a power of two");
}

static void test_patterns(void **state)
{
	good("-g web* -g db");
	assert_int_equal(config.guests.count, 2);
	assert_string_equal(config.guests.values[1], "db");
	options_clear(&command, &config);
	bad("--guest=", "expects a pattern");
	bad("--output=", "expects a text");
}

static void test_unknown(void **state)
{
	bad("-x", "-x: no such option");
	bad("-bx", "-x: no such option");
	bad("--nothing", "--nothing: no such option");
	bad("--batch=5", "--batch takes no value");
	bad("--pid", "--pid: a value is missing");
}

static void test_help(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	options_help(&command, out);
	fclose(out);
	for (const struct option_spec *spec = options; spec->name; spec++)
		assert_non_null(strstr(text, spec->help));
	assert_non_null(strstr(text, "-p, --pid X"));
	assert_non_null(strstr(text, "      --ring-size X"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing), cmocka_unit_test(test_flags), cmocka_unit_test(test_operands),
		cmocka_unit_test(test_command), cmocka_unit_test(test_numbers), cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_counts), cmocka_unit_test(test_ring), cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_unknown), cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
