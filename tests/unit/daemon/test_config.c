// SPDX-License-Identifier: GPL-2.0-only
/* sdeid's configuration: what a file may say, what the command line says over it, and how faults are told. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/config.h"

#define WORDS_MAX 16

static char directory[] = "/tmp/sdeitop-config-XXXXXX";
static char path[sizeof(directory) + 16];

static int set_up(void **state)
{
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/sdeid.conf", directory);
	return 0;
}

static int tear_down(void **state)
{
	unlink(path);
	return rmdir(directory);
}

static void write_bytes(const char *bytes, size_t size)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, size, out), size);
	assert_int_equal(fclose(out), 0);
}

/* Reads "sdeid WORDS", which are separated by blanks; words must live as long as config. */
static int read_words(struct daemon_config *config, char *words, char message[512])
{
	char *argv[WORDS_MAX + 1] = { "sdeid" };
	int argc = 1;

	for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
		assert_true(argc < WORDS_MAX);
		argv[argc++] = word;
	}
	memset(message, '?', 512);
	message[0] = '\0';
	return config_read(config, argc, argv, message, 512);
}

/* The same with "-c PATH" in front, and the file holding text. */
static int read_file(struct daemon_config *config, const char *text, const char *words, char message[512])
{
	static char line[512];

	write_bytes(text, strlen(text));
	snprintf(line, sizeof(line), "-c %s %s", path, words);
	return read_words(config, line, message);
}

static void expect(const char *text, const char *words, const char *wanted)
{
	struct daemon_config config;
	char message[512], whole[512];

	assert_int_equal(read_file(&config, text, words, message), -EINVAL);
	snprintf(whole, sizeof(whole), wanted, path);
	assert_string_equal(message, whole);
	config_clear(&config);
}

static struct daemon_config accept(const char *text, const char *words)
{
	struct daemon_config config;
	char message[512];

	if (read_file(&config, text, words, message))
		fail_msg("%s", message);
	return config;
}

/* --- what a file may say */

static void test_defaults(void **state)
{
	struct daemon_config config = accept("", "-t /a");

	assert_string_equal(config.textfile, "/a");
	assert_int_equal(config.interval_ms, 15000);
	assert_int_equal(config.expire_ms, 300000);
	assert_int_equal(config.flight_size, 16 << 20);
	assert_int_equal(config.flight_keep, 10);
	assert_true(config.max_series > 0);
	assert_false(config.labels_vcpu || config.remove);
	assert_int_equal(config.buckets, METRICS_COARSE);
	assert_null(config.flight);
	assert_null(config.socket);
	assert_null(config.user);
	assert_null(config.group);
	assert_true(config.flight_on.usr2);	/* errors, and when asked */
	assert_true(config.flight_on.findings);
	assert_false(config.flight_on.exit);
	config_clear(&config);
}

static void test_file(void **state)
{
	struct daemon_config config = accept(
		"# a comment = of its own\n"
		"\n"
		"  textfile\t=  /var/lib/some where = else  \r\n"
		"interval=0.5\n"
		"\t#another\n"
		"labels = vcpu\n"
		"buckets = fine\n"
		"max-series = 77\n"
		"expire = 60\n"
		"remove = yes\n"
		"socket = /run/x\n"
		"group = sdei\n"
		"flight = /f\n"
		"flight-size = 64M\n"
		"flight-on = exit\n"
		"flight-on = handler-hung\n"
		"flight-keep = 3\n"
		"user = sdeid\n"
		"mask-ms = 250\n"
		"pid = 1,2\n"
		"pid = 3\n"
		"guest = web*\n"
		"guest = db\n"
		"event = 0x7\n"
		"sched = yes\n"
		"no-calls = no\n"
		"ring-size = 128K", "");

	assert_string_equal(config.textfile, "/var/lib/some where = else");
	assert_int_equal(config.interval_ms, 500);
	assert_true(config.labels_vcpu);
	assert_int_equal(config.buckets, METRICS_FINE);
	assert_int_equal(config.max_series, 77);
	assert_int_equal(config.expire_ms, 60000);
	assert_true(config.remove);
	assert_string_equal(config.socket, "/run/x");
	assert_string_equal(config.group, "sdei");
	assert_string_equal(config.flight, "/f");
	assert_int_equal(config.flight_size, 64 << 20);
	assert_true(config.flight_on.exit);
	assert_false(config.flight_on.usr2);
	assert_int_equal(config.flight_on.findings, 1U << FINDING_HANDLER_HUNG);
	assert_int_equal(config.flight_keep, 3);
	assert_string_equal(config.user, "sdeid");
	assert_int_equal(config.limits.mask_ns, 250000000);
	assert_int_equal(config.session.vms.count, 3);
	assert_int_equal(config.session.vms.values[2], 3);
	assert_int_equal(config.session.guests.count, 2);
	assert_string_equal(config.session.guests.values[0], "web*");
	assert_int_equal(config.session.events.values[0], 7);
	assert_true(config.session.sched);
	assert_false(config.session.no_calls);
	assert_int_equal(config.session.ring_bytes, 128 << 10);
	config_clear(&config);
}

static void test_flags(void **state)
{
	struct daemon_config config = accept("remove = yes\nremove = no\nsched = no\nsched = yes\n", "-t /a");

	assert_false(config.remove);
	assert_true(config.session.sched);
	config_clear(&config);
	config = accept("remove = no\n", "-t /a --remove");	/* the command line counts more */
	assert_true(config.remove);
	config_clear(&config);
	expect("textfile = /a\nremove = maybe\n", "", "%s:2: remove maybe: expects yes or no");
	expect("textfile = /a\nremove =\n", "", "%s:2: remove : expects yes or no");
	expect("textfile = /a\nremove\n", "", "%s:2: remove: expects NAME = VALUE");
}

static void test_command_line_counts_more(void **state)
{
	struct daemon_config config = accept("textfile = /file\ninterval = 3\nuser = one\nflight-keep = 7\n",
					     "--interval 4 -t /line --flight-keep=8");

	assert_string_equal(config.textfile, "/line");
	assert_int_equal(config.interval_ms, 4000);
	assert_string_equal(config.user, "one");
	assert_int_equal(config.flight_keep, 8);
	config_clear(&config);
	/* -c may stand anywhere, and the last one counts. */
	write_bytes("textfile = /file\n", 17);
	{
		char words[256], message[512];

		snprintf(words, sizeof(words), "-c /nowhere -d 9 --config %s", path);
		assert_int_equal(read_words(&config, words, message), 0);
		assert_string_equal(config.textfile, "/file");
		assert_int_equal(config.interval_ms, 9000);
		config_clear(&config);
	}
}

/* --- faults */

static void test_faults_are_named(void **state)
{
	expect("textfile = /a\n\n# x\ninterval = soon\n", "", "%s:4: interval soon: expects seconds from 0.1 to 86400");
	expect("textfile = /a\nintervall = 5", "", "%s:2: intervall: no such option");
	expect("= 5", "", "%s:1: : no such option");
	expect("textfile =\n", "", "%s:1: textfile : expects a text that is not empty");
	expect("labels = guest\n", "", "%s:1: labels guest: expects vm or vcpu");
	expect("buckets = finer\n", "", "%s:1: buckets finer: expects coarse or fine");
	expect("flight-on = trouble\n", "",
	       "%s:1: flight-on trouble: expects a finding's code, any, warning, error, SIGUSR2 or exit");
	expect("flight-keep = 0\n", "", "%s:1: flight-keep 0: expects a number from 1");
	expect("flight-keep-guest = 0\n", "", "%s:1: flight-keep-guest 0: expects a number from 1");
	expect("flight-size = 16Q\n", "", "%s:1: flight-size 16Q: expects bytes, 64K or more, as in 64M or 2G");
	expect("config = /etc/passwd\n", "", "%s:1: config: only for the command line");
	expect("help = yes\n", "", "%s:1: help: only for the command line");
	expect("version = yes\n", "", "%s:1: version: only for the command line");
	expect("t = /a\n", "", "%s:1: t: no such option");
	expect("textfile = /a\n", "--group", "--group: a value is missing");
	expect("textfile = /a\n", "--nonsense", "--nonsense: no such option");
	expect("textfile = /a\n", "extra", "extra: one argument too many");
	expect("textfile = /a\n", "-- extra", "extra: one argument too many");
	expect("textfile = /a\ngroup = sdei\n", "", "group needs socket: whose group it is to be");
	expect("interval = 5\n", "",
	       "nothing to do: name a directory for the metrics (textfile), a socket, or a directory for a flight recorder");
}

/* Of a line without end the message shows a part. */
static void test_long_line(void **state)
{
	struct daemon_config config;
	char text[5000], message[512];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(read_file(&config, text, "", message), -EINVAL);
	assert_int_equal(strncmp(message, path, strlen(path)), 0);
	assert_non_null(strstr(message, ":1: xxx"));
	config_clear(&config);
	memcpy(text, "interval = ", 11);
	assert_int_equal(read_file(&config, text, "", message), -EINVAL);
	assert_non_null(strstr(message, ":1: interval xxx"));
	config_clear(&config);
}

static void expect_unreadable(int err, const char *why)
{
	struct daemon_config config;
	char words[256], message[512], wanted[512];

	snprintf(words, sizeof(words), "-t /a -c %s", path);
	assert_int_equal(read_words(&config, words, message), err);
	snprintf(wanted, sizeof(wanted), "cannot read %s: %s", path, why);
	assert_string_equal(message, wanted);
	config_clear(&config);
}

static void test_what_is_no_text(void **state)
{
	static char huge[(64 << 10) + 1];

	unlink(path);
	expect_unreadable(-ENOENT, "No such file or directory");
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_unreadable(-EINVAL, "not a text file");	/* and does not wait for a writer */
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	expect_unreadable(-EINVAL, "not a text file");
	rmdir(path);
	assert_int_equal(symlink("/dev/zero", path), 0);
	expect_unreadable(-EINVAL, "not a text file");
	unlink(path);
	assert_int_equal(symlink(path, path), 0);
	expect_unreadable(-ELOOP, "Too many levels of symbolic links");
	unlink(path);
	write_bytes("interval = 5\n\0\n", 15);
	expect_unreadable(-EINVAL, "not a text file");
	memset(huge, '\n', sizeof(huge));
	write_bytes(huge, sizeof(huge));
	expect_unreadable(-EFBIG, "File too large");
	write_bytes(huge, sizeof(huge) - 2);
	{
		struct daemon_config config;
		char words[256], message[512];

		snprintf(words, sizeof(words), "-t /a -c %s", path);
		assert_int_equal(read_words(&config, words, message), 0);
		config_clear(&config);
	}
}

/* Whatever stands there: an answer, and a message that ends. */
static void test_random_bytes(void **state)
{
	static const char some[] = "= \n#\tx-yes no0123456789interval textfile pid guest flight-on \xc3\xa9";
	unsigned int seed = 12345;
	char text[257];

	for (unsigned int round = 0; round < 20011; round++) {
		struct daemon_config config;
		char message[512];
		size_t size;

		seed = seed * 1103515245 + 12345;
		size = seed >> 8 & 0xff;
		for (size_t i = 0; i < size; i++) {
			seed = seed * 1103515245 + 12345;
			text[i] = round % 3 ? some[(seed >> 16) % (sizeof(some) - 1)] : (char)((seed >> 16) % 255 + 1);
		}
		text[size] = '\0';
		if (read_file(&config, text, "-t /a", message))
			assert_true(strlen(message) > 0 && strlen(message) < 511);
		config_clear(&config);
	}
}

static void test_help_needs_no_file(void **state)
{
	struct daemon_config config;
	char words[] = "-h -c /nowhere", message[512];

	assert_int_equal(read_words(&config, words, message), 0);
	assert_true(config.session.help);
	config_clear(&config);
}

/* --- what a running daemon cannot follow */

static void check_change(const char *from, const char *to, const char *wanted)
{
	struct daemon_config a = accept(from, "-t /a"), b;
	const char *told;

	b = accept(to, "-t /a");
	told = config_needs_restart(&a, &b);
	if (wanted)
		assert_string_equal(told, wanted);
	else
		assert_null(told);
	config_clear(&a);
	config_clear(&b);
}

static void test_needs_restart(void **state)
{
	static const char limits[] = "handler-ms, pending-ms, nmi-ms, mask-ms, drops, refused, page-ms, ack-ms or fallbacks", which[] = "pid, guest, vcpu or event",
			  how[] = "no-calls, gic, sched, client or ring-size";

	check_change("", "", NULL);
	check_change("interval = 1\nlabels = vm\nbuckets = coarse\nexpire = 1\nmax-series = 1\nremove = no\nflight-on = exit\nflight-keep = 1\nflight-keep-guest = 1\n",
		     "interval = 2\nlabels = vcpu\nbuckets = fine\nexpire = 2\nmax-series = 2\nremove = yes\nflight-on = any\nflight-keep = 2\nflight-keep-guest = 2\n", NULL);
	check_change("pid = 1,2\nguest = a\n", "pid = 1\npid = 2\nguest = a\n", NULL);
	check_change("", "socket = /a\n", "socket");
	check_change("socket = /a\n", "socket = /b\n", "socket");
	check_change("socket = /a\n", "socket = /a\ngroup = b\n", "group");
	check_change("user = a\n", "", "user");
	check_change("", "mask-ms = 5\n", limits);
	check_change("drops = 5\n", "drops = 6\n", limits);
	check_change("refused = 5\n", "refused = 6\n", limits);
	check_change("pid = 1\n", "pid = 1,2\n", which);
	check_change("vcpu = 1\n", "vcpu = 2\n", which);
	check_change("", "event = 2\n", which);
	check_change("guest = a\n", "guest = b\n", which);
	check_change("guest = a\n", "", which);
	check_change("", "no-calls = yes\n", how);
	check_change("sched = yes\n", "", how);
	check_change("gic = yes\n", "", how);
	check_change("", "client = yes\n", how);
	check_change("", "ring-size = 64K\n", how);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_file), cmocka_unit_test(test_flags),
		cmocka_unit_test(test_command_line_counts_more), cmocka_unit_test(test_faults_are_named),
		cmocka_unit_test(test_long_line), cmocka_unit_test(test_what_is_no_text), cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_help_needs_no_file), cmocka_unit_test(test_needs_restart),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
