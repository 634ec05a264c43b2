// SPDX-License-Identifier: GPL-2.0-only
/*
 * What sdeid writes: flight recordings for what was chosen, not too often, no bigger and no more than wanted; one text file by
 * one writer; findings in the log, but no flood of them; and whom it takes for gone. The clock is the test's own.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/lib/directory.h"
#include "util/log.h"
#include "daemon/exporter.h"
#include "daemon/vanished_vms.h"
#include "daemon/finding_log.h"
#include "session/flight_recorder.h"
#include "recording/packetizer.h"

#define SECOND 1000000000ULL
#define START (1000 * SECOND)
#define WALL (1767225600LL * 1000000000)	/* 2026-01-01T00:00:00Z */
#define MIB (1U << 20)

static char directory[] = "/tmp/sdeitop-outputs-XXXXXX";
static int log_fd = -1, old_stderr = -1;

static int set_up(void **state)
{
	return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state)
{
	return remove_tree(directory);
}

/* --- a disk that can be stopped: whoever syncs a file meanwhile waits */

static int gate[2] = { -1, -1 };

int fsync(int fd)
{
	char pass;

	if (gate[0] >= 0 && read(gate[0], &pass, 1) < 0)
		return -1;
	return fdatasync(fd);
}

static void stop_disk(void)
{
	assert_int_equal(pipe(gate), 0);
}

/* The end of the pipe lets everybody pass, always. */
static void start_disk(void)
{
	close(gate[1]);
}

static void forget_disk(void)
{
	close(gate[0]);
	gate[0] = -1;
}

/* --- the log */

static int begin_log(void **state)
{
	char path[] = "/tmp/sdeitop-log-XXXXXX";

	fflush(stderr);
	old_stderr = dup(STDERR_FILENO);
	log_fd = mkstemp(path);
	unlink(path);
	return dup2(log_fd, STDERR_FILENO) < 0 ? -1 : 0;
}

static int end_log(void **state)
{
	fflush(stderr);
	dup2(old_stderr, STDERR_FILENO);
	close(old_stderr);
	close(log_fd);
	return 0;
}

/* What was logged since the last call. */
static const char *logged(void)
{
	static char text[1 << 16];
	ssize_t size;

	fflush(stderr);
	size = pread(log_fd, text, sizeof(text) - 1, 0);
	assert_true(size >= 0);
	text[size] = '\0';
	assert_int_equal(ftruncate(log_fd, 0), 0);
	assert_int_equal(lseek(log_fd, 0, SEEK_SET), 0);
	return text;
}

static unsigned int count_of(const char *text, const char *part)
{
	unsigned int count = 0;

	while ((text = strstr(text, part))) {
		count++;
		text += strlen(part);
	}
	return count;
}

/* --- trouble */

#define OTHER_VM 1000	/* vCPUs from here on are another VM's */

static void feed(struct model *m, uint64_t now_ns, uint32_t vcpu, uint8_t kind, uint8_t state)
{
	const struct sdei_record r = {
		.time_ns = now_ns, .vm = vcpu < OTHER_VM ? 4711 : 4712, .vcpu = vcpu, .event = kind == SDEI_MASK || kind == SDEI_UNMASK ? SDEI_NONE : 0,
		.kind = kind, .state = state, .error = kind == SDEI_MASK,
	};

	model_feed(m, &r, sizeof(r));
}

/* A warning, two seconds after now_ns: of a vCPU that has an event to be kept away. */
static void mask_long(struct model *m, uint64_t now_ns, uint32_t vcpu)
{
	feed(m, now_ns, vcpu, SDEI_ENABLE, SDEI_REGISTERED | SDEI_ENABLED);
	feed(m, now_ns, vcpu, SDEI_MASK, SDEI_MASKED);
	model_tick(m, now_ns + 2 * SECOND);
	feed(m, now_ns + 2 * SECOND, vcpu, SDEI_UNMASK, 0);
}

/* An error, two seconds after now_ns. */
static void hang(struct model *m, uint64_t now_ns, uint32_t vcpu)
{
	const uint8_t there = SDEI_REGISTERED | SDEI_ENABLED;

	feed(m, now_ns, vcpu, SDEI_SIGNAL, there | SDEI_PENDING);
	feed(m, now_ns, vcpu, SDEI_DISPATCH, there | SDEI_RUNNING);
	model_tick(m, now_ns + 2 * SECOND);
	feed(m, now_ns + 2 * SECOND, vcpu, SDEI_COMPLETE, there);
}

/* --- the flight recorder */

struct flight_scene {
	char path[64];
	struct daemon_config config;
	struct flight_recorder *recorder;
	struct packetizer *pack;
	struct model *model;
};

static int take_packet(void *ctx, const struct packet *packet)
{
	flight_recorder_take(((struct flight_scene *)ctx)->recorder, packet);
	return 0;
}

static char *no_name(void *ctx, uint32_t vm, char *uuid)
{
	return strdup("web");
}

/* Watched from START on. */
static void flight_open(struct flight_scene *s, const char *name, const char *on, unsigned int keep)
{
	const struct packetizer_options options = { .uuid = { 1 }, .take = take_packet, .ctx = s, .name = no_name };
	struct recording_status status = { .time_ns = START, .wall_ns = WALL };
	struct flight_recorder_options flight;

	snprintf(s->path, sizeof(s->path), "%s/%s", directory, name);
	s->config = (struct daemon_config){ .flight = s->path, .flight_size = MIB, .flight_keep = keep };
	assert_int_equal(option_trigger.set(&s->config.flight_on, on), 0);
	flight = config_flight(&s->config);
	s->recorder = flight_recorder_open(&flight);
	s->pack = packetizer_new(&options);
	s->model = model_new(NULL);
	assert_true(s->recorder && s->pack && s->model);
	packetizer_snapshot(s->pack, START);
	packetizer_status(s->pack, &status);
}

static void flight_close(struct flight_scene *s)
{
	packetizer_free(s->pack);
	flight_recorder_close(s->recorder);
	model_free(s->model);
}

static void follow(struct flight_scene *s, const struct daemon_config *config)
{
	const struct flight_recorder_options flight = config_flight(config);

	flight_recorder_follow(s->recorder, &flight, s->model);
}

/* As the daemon's second is. */
static void check_only(struct flight_scene *s, uint64_t now_ns, bool end)
{
	struct recording_about about = { .uuid = { 1 }, .major = RECORDING_MAJOR, .host = "h" };
	const struct recording_status status = { .time_ns = now_ns, .wall_ns = WALL + (int64_t)(now_ns - START) };

	flight_recorder_check(s->recorder, s->model, &about, &status, end);
}

static void check(struct flight_scene *s, uint64_t now_ns, bool end)
{
	check_only(s, now_ns, end);
	flight_recorder_wait(s->recorder);
}

static int is_entry(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* The reasons of what is saved in a directory, the oldest first, with a blank behind each. */
static void assert_saved(const char *path, const char *reasons)
{
	struct dirent **entries;
	char got[500] = "";
	int count = scandir(path, &entries, is_entry, alphasort);

	for (int i = 0; i < count; i++) {
		strcat(strcat(got, strchr(entries[i]->d_name, 'Z') + strlen("Z-000001-")), " ");
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	assert_string_equal(got, reasons);
}

static void test_severity(void **state)
{
	struct flight_scene s;

	flight_open(&s, "severity", "error", 0);
	mask_long(s.model, START, 0);
	check(&s, START + 2 * SECOND, false);
	check(&s, START + 5 * SECOND, false);
	assert_saved(s.path, "");
	hang(s.model, START + 5 * SECOND, 0);
	check(&s, START + 7 * SECOND, false);
	assert_saved(s.path, "");		/* what follows belongs to it */
	check(&s, START + 8 * SECOND - 1, false);
	assert_saved(s.path, "");
	assert_string_equal(logged(), "");
	check(&s, START + 8 * SECOND, false);
	assert_saved(s.path, "handler-hung@4711 ");
	assert_int_equal(count_of(logged(), "sdeid: saved "), 1);
	flight_recorder_signalled(s.recorder, START + 100 * SECOND);
	assert_non_null(strstr(logged(), "as it is not among the reasons to save"));
	flight_recorder_ending(s.recorder);
	check(&s, START + 101 * SECOND, true);
	assert_saved(s.path, "handler-hung@4711 ");
	flight_close(&s);
}

/* A storm of findings: one recording a minute, and how many there would have been. */
static void test_rate(void **state)
{
	const unsigned int storms = 150;
	struct flight_scene s;
	const char *text;

	flight_open(&s, "rate", "error", 0);
	for (unsigned int i = 0; i < storms; i++) {
		hang(s.model, START + i * SECOND, i);
		check(&s, START + (i + 2) * SECOND, false);
	}
	assert_saved(s.path, "handler-hung@4711 handler-hung@4711 handler-hung@4711 ");
	text = logged();
	assert_int_equal(count_of(text, "sdeid: saved "), 3);
	assert_int_equal(count_of(text, "more reasons to save a flight recording came within 60 s"), 3);
	flight_close(&s);
}

/* Found at the same time, and one of them every second: each is saved as its own. */
static void test_two_guests(void **state)
{
	struct flight_scene s;

	flight_open(&s, "guests", "error", 0);
	for (unsigned int i = 0; i < 20; i++) {
		hang(s.model, START + i * SECOND, i);
		if (i == 0 || i == 13)
			hang(s.model, START + i * SECOND, OTHER_VM + i);
		check(&s, START + (i + 2) * SECOND, false);
	}
	assert_saved(s.path, "handler-hung@4712 handler-hung@4711 ");
	flight_close(&s);
}

static void test_oldest_goes(void **state)
{
	struct flight_scene s;

	flight_open(&s, "oldest", "any", 1);
	assert_int_equal(option_trigger.set(&s.config.flight_on, "SIGUSR2"), 0);
	assert_int_equal(option_trigger.set(&s.config.flight_on, "exit"), 0);
	follow(&s, &s.config);
	mask_long(s.model, START, 0);
	check(&s, START + 2 * SECOND, false);
	check(&s, START + 3 * SECOND, false);
	assert_saved(s.path, "mask-long@4711 ");
	flight_recorder_signalled(s.recorder, START + 30 * SECOND);	/* no guest's minute is its own */
	check(&s, START + 31 * SECOND, false);
	assert_saved(s.path, "mask-long@4711 SIGUSR2 ");
	logged();
	flight_recorder_signalled(s.recorder, START + 62 * SECOND);
	assert_non_null(strstr(logged(), "SIGUSR2: not saved again within 60 s of the last one"));
	check(&s, START + 63 * SECOND, false);
	assert_saved(s.path, "mask-long@4711 SIGUSR2 ");
	hang(s.model, START + 130 * SECOND, 0);
	check(&s, START + 132 * SECOND, false);
	check(&s, START + 133 * SECOND, false);
	assert_saved(s.path, "SIGUSR2 handler-hung@4711 ");
	flight_recorder_ending(s.recorder);
	check(&s, START + 200 * SECOND, true);
	assert_saved(s.path, "SIGUSR2 handler-hung@4711 exit ");
	flight_close(&s);
}

/* The size of the stream's file in the only recording of a directory. */
static off_t stream_size(const char *path)
{
	char command[160];
	long long size = -1;
	FILE *found;

	snprintf(command, sizeof(command), "find %s -type f ! -name metadata -printf '%%s\\n' | awk '{ s += $1 } END { print s }'", path);
	found = popen(command, "r");
	assert_non_null(found);
	assert_int_equal(fscanf(found, "%lld", &size), 1);
	pclose(found);
	return size;
}

static void test_size(void **state)
{
	struct sdei_record r = { .time_ns = START, .vm = 4711, .kind = SDEI_SIGNAL, .state = SDEI_REGISTERED | SDEI_ENABLED | SDEI_PENDING };
	struct flight_scene s;
	off_t size;

	flight_open(&s, "size", "exit", 0);
	while (packetizer_counters(s.pack)->bytes < 5 * MIB) {
		r.time_ns += 997;
		packetizer_record(s.pack, &r, sizeof(r));
		if (flight_recorder_wants_snapshot(s.recorder, packetizer_snapshot_size(s.pack)))
			packetizer_snapshot(s.pack, 0);
	}
	flight_recorder_ending(s.recorder);
	check(&s, r.time_ns, true);
	size = stream_size(s.path);
	assert_in_range(size, MIB / 2, MIB + MIB / 16);		/* and the last status */
	flight_close(&s);
}

/* Nobody waits for the disk: packets come and go, and so do further triggers. */
static void test_slow_flight(void **state)
{
	struct sdei_record r = { .time_ns = START, .vm = 4711, .kind = SDEI_SIGNAL, .state = SDEI_REGISTERED | SDEI_ENABLED | SDEI_PENDING };
	struct flight_scene s;
	const char *text;

	flight_open(&s, "slow", "error", 0);
	assert_int_equal(option_trigger.set(&s.config.flight_on, "SIGUSR2"), 0);
	follow(&s, &s.config);
	hang(s.model, START, 0);
	check(&s, START + 2 * SECOND, false);
	stop_disk();
	check_only(&s, START + 3 * SECOND, false);
	while (packetizer_counters(s.pack)->bytes < 3 * MIB) {
		r.time_ns += 997;
		packetizer_record(s.pack, &r, sizeof(r));
	}
	check_only(&s, START + 4 * SECOND, false);
	flight_recorder_signalled(s.recorder, START + 70 * SECOND);
	assert_string_equal(logged(), "");	/* it waits */
	flight_recorder_signalled(s.recorder, START + 70 * SECOND);
	check_only(&s, START + 72 * SECOND, false);
	text = logged();
	assert_int_equal(count_of(text, "saved"), 1);
	assert_non_null(strstr(text, "SIGUSR2: not saved again within 60 s"));
	start_disk();
	flight_recorder_wait(s.recorder);
	text = logged();
	assert_int_equal(count_of(text, "sdeid: saved "), 1);
	assert_non_null(strstr(text, "1 more reasons to save"));
	assert_saved(s.path, "handler-hung@4711 ");
	assert_in_range(stream_size(s.path), 1, MIB / 16);	/* of before, not the 3 MiB that came meanwhile */
	forget_disk();
	check(&s, START + 73 * SECOND, false);
	assert_saved(s.path, "handler-hung@4711 SIGUSR2 ");
	logged();
	flight_close(&s);
}

/* What was found before is no reason to save for what is asked for from then on. */
static void test_follow(void **state)
{
	struct daemon_config fresh;
	struct flight_scene s;
	char path[80];

	flight_open(&s, "follow", "error", 0);
	mask_long(s.model, START, 0);
	check(&s, START + 2 * SECOND, false);
	snprintf(path, sizeof(path), "%s/elsewhere", directory);
	fresh = s.config;
	fresh.flight = path;
	assert_int_equal(option_trigger.set(&fresh.flight_on, "warning"), 0);
	follow(&s, &fresh);
	check(&s, START + 10 * SECOND, false);
	check(&s, START + 20 * SECOND, false);
	assert_saved(path, "");
	mask_long(s.model, START + 30 * SECOND, 1);
	check(&s, START + 32 * SECOND, false);
	check(&s, START + 33 * SECOND, false);
	assert_saved(path, "mask-long@4711 ");
	assert_saved(s.path, "");
	flight_close(&s);
}

/* --- the text file */

static void test_one_writer(void **state)
{
	const struct daemon_config config = { .textfile = directory, .max_series = 1000 };
	struct exporter *one = exporter_open(&config);

	assert_non_null(one);
	assert_null(exporter_open(&config));
	assert_non_null(strstr(logged(), "/sdeid.prom is written by another sdeid: name another directory, or end that one"));
	exporter_close(one, true);
	one = exporter_open(&config);
	assert_non_null(one);
	assert_string_equal(logged(), "");
	exporter_close(one, true);
}

static bool is_there(const char *name)
{
	char path[100];
	struct stat info;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return stat(path, &info) == 0;
}

/* What does not fit is told once, until it fits. The host's own series are not limited. */
static void test_series(void **state)
{
	const struct daemon_config config = { .textfile = directory, .max_series = 100 };
	struct exporter *x = exporter_open(&config);
	struct status status = { .now_ns = START };
	struct model *m = model_new(NULL);
	size_t host;

	exporter_write(x, m, &status);
	exporter_wait(x);
	host = exporter_series(x);
	for (uint32_t vm = 1; vm <= 40; vm++) {
		const struct sdei_record r = {
			.time_ns = START, .vm = vm, .kind = SDEI_SIGNAL, .state = SDEI_REGISTERED | SDEI_ENABLED | SDEI_PENDING,
		};

		model_feed(m, &r, sizeof(r));
	}
	exporter_write(x, m, &status);
	assert_int_equal(count_of(logged(), "do not fit into max-series"), 1);
	assert_in_range(exporter_series(x), host + 1, host + 100);
	exporter_wait(x);
	exporter_write(x, m, &status);
	exporter_wait(x);
	assert_string_equal(logged(), "");
	assert_true(is_there(EXPORTER_FILE));
	exporter_close(x, true);
	assert_false(is_there(EXPORTER_FILE));
	model_free(m);
}

/* Nobody waits for the disk; what is left out meanwhile is told once. */
static void test_slow_file(void **state)
{
	const struct daemon_config config = { .textfile = directory, .max_series = 100 };
	struct exporter *x = exporter_open(&config);
	struct status status = { .now_ns = START };
	struct model *m = model_new(NULL);

	stop_disk();
	exporter_write(x, m, &status);
	exporter_settle(x);
	assert_string_equal(logged(), "");
	exporter_write(x, m, &status);
	assert_int_equal(count_of(logged(), "are still being written"), 1);
	exporter_write(x, m, &status);
	exporter_settle(x);
	assert_string_equal(logged(), "");
	assert_false(is_there(EXPORTER_FILE));
	start_disk();
	exporter_wait(x);
	assert_true(is_there(EXPORTER_FILE));
	forget_disk();
	stop_disk();
	exporter_write(x, m, &status);
	exporter_write(x, m, &status);
	assert_int_equal(count_of(logged(), "are still being written"), 1);
	start_disk();
	exporter_close(x, true);
	forget_disk();
	assert_false(is_there(EXPORTER_FILE));
	model_free(m);
}

/* What fails aside is told in the end, once, and that it works again, too. */
static void test_failing_file(void **state)
{
	char path[100], command[128];
	const struct daemon_config config = { .textfile = path, .max_series = 100 };
	struct status status = { .now_ns = START };
	struct model *m = model_new(NULL);
	struct exporter *x;

	snprintf(path, sizeof(path), "%s/failing", directory);
	snprintf(command, sizeof(command), "rm -r %s", path);
	assert_int_equal(mkdir(path, 0700), 0);
	x = exporter_open(&config);
	assert_int_equal(system(command), 0);
	for (int i = 0; i < 2; i++) {
		exporter_write(x, m, &status);
		exporter_wait(x);
		assert_int_equal(count_of(logged(), "writing"), !i);
	}
	assert_int_equal(mkdir(path, 0700), 0);
	exporter_write(x, m, &status);
	exporter_wait(x);
	assert_int_equal(count_of(logged(), "works again, after 2 failures"), 1);
	exporter_close(x, true);
	model_free(m);
}

/* --- findings in the log */

static void test_news(void **state)
{
	struct model *m = model_new(NULL);
	struct finding_log news = { 0 };
	const char *text;

	hang(m, START, 0);
	finding_log_report(&news, m, START + 2 * SECOND);
	text = logged();
	assert_int_equal(count_of(text, "finding: handler-hung: event 0 of vcpu 0 of "), 1);
	assert_int_equal(count_of(text, "\n"), 1);
	for (unsigned int i = 1; i <= 9; i++) {
		hang(m, START + i * SECOND, i);
		finding_log_report(&news, m, START + (i + 2) * SECOND);
	}
	assert_string_equal(logged(), "");
	/* Another kind does not wait. */
	mask_long(m, START + 9 * SECOND, 0);
	finding_log_report(&news, m, START + 11 * SECOND);
	text = logged();
	assert_int_equal(count_of(text, "finding: mask-long: vcpu 0 of "), 1);
	assert_int_equal(count_of(text, "\n"), 1);
	finding_log_report(&news, m, START + 12 * SECOND);
	text = logged();
	assert_int_equal(count_of(text, "9 new findings: handler-hung, the newest: event 0 of vcpu 9 of "), 1);
	assert_int_equal(count_of(text, "\n"), 1);
	finding_log_report(&news, m, START + 100 * SECOND);
	assert_string_equal(logged(), "");
	model_free(m);
}

/* --- VMs whose end nobody told */

static void feed_signal(struct model *m, uint32_t vm, uint32_t vcpu, uint64_t now_ns)
{
	const struct sdei_record r = {
		.time_ns = now_ns, .vm = vm, .vcpu = vcpu, .kind = SDEI_SIGNAL, .outcome = SDEI_QUEUED,
		.state = SDEI_REGISTERED | SDEI_ENABLED | SDEI_PENDING,
	};

	model_feed(m, &r, sizeof(r));
}

static void feed_back(void *ctx, const struct sdei_record *record, size_t size)
{
	model_feed(ctx, record, size);
}

/* A process that has been, and is no more. */
static uint32_t old_pid(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return pid;
}

static void test_ghosts(void **state)
{
	struct model *m = model_new(NULL);
	const struct record_sink sink = { .record = feed_back, .lost = sink_null.lost, .ctx = m };
	struct vanished_vms g = { 0 };
	uint32_t gone = old_pid();
	struct model_vm *const *vms;
	size_t count;

	feed_signal(m, getpid(), 0, START);
	feed_signal(m, gone, 0, START);
	feed_signal(m, gone, 1, START + 5 * SECOND);
	assert_false(vanished_vms_report(&g, m, START + 9 * SECOND, 5 * SECOND, START + 9 * SECOND + 1, &sink));	/* its last records may be on their way */
	assert_int_equal(model_totals(m)->vms, 2);
	assert_false(vanished_vms_report(&g, m, START + 10 * SECOND, 5 * SECOND - 1, START + 10 * SECOND, &sink));
	assert_true(vanished_vms_report(&g, m, START + 10 * SECOND, 5 * SECOND, START + 10 * SECOND + 1, &sink));
	assert_int_equal(model_totals(m)->vms, 1);
	assert_int_equal(model_totals(m)->vcpus, 1);
	vms = model_vms(m, &count);
	assert_int_equal(count, 2);
	assert_false(vms[0]->gone);
	assert_true(vms[1]->gone);
	assert_int_equal(vms[1]->gone_ns, START + 10 * SECOND);
	/* What was pending was cleared by its end, and the sums are whole. */
	assert_int_equal(vms[1]->vcpus[0]->events[0]->count.cleared, 1);
	assert_int_equal(model_unaccounted(vms[1]->vcpus[0]->events[0]), 0);
	for (int code = 0; code < FINDING_COUNT; code++)
		assert_int_equal(model_totals(m)->found[code], 0);
	assert_false(vanished_vms_report(&g, m, START + 100 * SECOND, 5 * SECOND, START + 100 * SECOND + 1, &sink));
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_severity, begin_log, end_log),
		cmocka_unit_test_setup_teardown(test_rate, begin_log, end_log),
		cmocka_unit_test_setup_teardown(test_two_guests, begin_log, end_log),
		cmocka_unit_test_setup_teardown(test_oldest_goes, begin_log, end_log),
		cmocka_unit_test_setup_teardown(test_size, begin_log, end_log),
		cmocka_unit_test_setup_teardown(test_slow_flight, begin_log, end_log),
		cmocka_unit_test_setup_teardown(test_follow, begin_log, end_log),
		cmocka_unit_test_setup_teardown(test_one_writer, begin_log, end_log),
		cmocka_unit_test_setup_teardown(test_series, begin_log, end_log),
		cmocka_unit_test_setup_teardown(test_slow_file, begin_log, end_log),
		cmocka_unit_test_setup_teardown(test_failing_file, begin_log, end_log),
		cmocka_unit_test_setup_teardown(test_news, begin_log, end_log), cmocka_unit_test(test_ghosts),
	};

	say_as("sdeid");
	return cmocka_run_group_tests_name("daemon outputs", tests, set_up, tear_down);
}
