// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reports as text and JSON against golden files: of a recording from the lab, of a second of it, and of one in
 * which all is in it that can be: losses, damage, findings, late dispatches with more around them than there is room for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/lib/command_run.h"
#include "tests/unit/lib/directory.h"
#include "tests/unit/lib/recording_scene.h"
#include "cli/commands.h"
#include "util/log.h"
#include "util/text.h"
#include "recording/packet.h"
#include "tests/unit/lib/view_scene.h"

#define LAB "tests/data/recording-1"
#define GIC "tests/data/recording-gic"
#define CLOCK "tests/data/recording-clock"
#define MS 1000000ULL
#define BEGIN (5000 * MS)
#define WALL_OFFSET (1767225600LL * 1000 * 1000000)	/* 2026-01-01T00:00:00Z */
#define RE (SDEI_REGISTERED | SDEI_ENABLED)
#define VM 1201

static char directory[64], output[80];

/* --- a recording with trouble */

static const struct recording_about about = {
	.uuid = "trouble recorded", .major = RECORDING_MAJOR, .minor = RECORDING_MINOR, .version = "0.1.0",
	.host = "host\033[2J", .kernel = "6.12.1", .kernel_version = "#1 SMP", .machine = "aarch64",
	.boot_id = "0dfa48b6-59a5-4a96-8f5d-b60d5f0e1e9d", .clock_offset_ns = WALL_OFFSET, .cpus = 4,
	.probes = "kvm_sdei_signal kvm_sdei_dispatch", .probes_missing = "kvm_sdei_mask", .filter = "-e 7", .reason = "drop-burst",
};

static struct packet packet;
static FILE *stream;
static uint64_t sequence;

static struct recording_item item_of(enum recording_item_kind kind, uint64_t ms)
{
	return (struct recording_item){ .kind = kind, .time_ns = BEGIN + ms * MS };
}

static void put(const struct recording_item *item)
{
	assert_true(packet_put(&packet, item));
}

static void put_record(uint64_t ms, uint32_t vcpu, struct sdei_record record)
{
	struct recording_item item = item_of(ITEM_RECORD, ms);

	record.time_ns = item.time_ns;
	record.vm = VM;
	record.vcpu = vcpu;
	record.event = 7;
	if (record.kind == SDEI_SIGNAL) {
		record.sender = SDEI_NONE;
		record.origin = SDEI_FROM_VMM;
	}
	item.record.head = record;
	item.size = sizeof(record);
	put(&item);
}

#define RECORD(ms, vcpu, ...) put_record(ms, vcpu, (struct sdei_record){ __VA_ARGS__ })

static void put_call(uint64_t ms, uint32_t function, int64_t result)
{
	struct recording_item item = item_of(ITEM_RECORD, ms);

	item.size = sizeof(item.record.call);
	item.record.call = (struct sdei_record_call){
		.head = {
			.time_ns = item.time_ns, .vm = VM, .event = 7, .kind = SDEI_CALL, .state = RE, .result = result,
		},
		.function = function, .args = { 7 },
	};
	put(&item);
}

static void put_name(uint64_t ms, const char *name)
{
	struct recording_item item = item_of(ITEM_NAME, ms);

	item.name.vm = VM;
	item.name.text = name;
	put(&item);
}

static void put_status(uint64_t ms, uint32_t unrecorded)
{
	struct recording_item item = item_of(ITEM_STATUS, ms);

	item.status = (struct recording_status){
		.time_ns = item.time_ns, .wall_ns = (int64_t)item.time_ns + WALL_OFFSET, .attempted = 300, .lost = 6, .read = 294,
		.malformed = 1, .late = 2, .unrecorded = unrecorded, .probes_attached = 12, .probes_total = 13, .cpu_permille = 21,
	};
	put(&item);
}

static void put_lost(uint64_t ms, uint64_t count, bool known)
{
	struct recording_item item = item_of(ITEM_LOST, ms);

	item.lost.count = count;
	item.lost.key_known = known;
	if (known)
		item.lost.key = (struct sdei_lost_key){
			.vm = VM, .event = 7, .kind = SDEI_SIGNAL, .outcome = SDEI_COALESCED, .origin = SDEI_FROM_VMM,
		};
	put(&item);
}

static void begin_packet(void)
{
	packet_open(&packet, about.uuid, PACKET_EVENTS, packet.head.end_ns);
}

/* Of its bytes so many at most, and damaged if asked. */
static void end_packet(size_t most, bool damaged)
{
	packet_close(&packet, sequence++, 6, WALL_OFFSET);
	packet.bytes[packet.size - 1] ^= damaged;
	if (packet.size < most)
		most = packet.size;
	assert_int_equal(fwrite(packet.bytes, 1, most, stream), most);
}

static void put_burst(void)
{
	RECORD(2000, 1, .kind = SDEI_SIGNAL, .state = RE | SDEI_PENDING | SDEI_MASKED, .outcome = SDEI_QUEUED);
	for (uint64_t i = 1; i <= 131; i++)
		RECORD(2000 + i, 1, .kind = SDEI_SIGNAL, .state = RE | SDEI_PENDING | SDEI_MASKED, .outcome = SDEI_COALESCED);
	RECORD(2150, 1, .kind = SDEI_UNMASK, .state = RE | SDEI_PENDING);
	RECORD(2151, 1, .kind = SDEI_DISPATCH, .state = RE | SDEI_RUNNING, .pc = 0xffff800080001234);
	RECORD(2152, 1, .kind = SDEI_COMPLETE, .state = RE, .outcome = SDEI_COMPLETED);
}

static void put_packets(void)
{
	packet.head.end_ns = 0;
	begin_packet();
	put_status(0, 0);
	put_name(0, "web<b>\033[2J\"");
	put_call(10, SDEI_FN_BASE + 0x21, 0);
	put_call(20, SDEI_FN_BASE + 0xfff, -1);
	RECORD(100, 0, .kind = SDEI_SIGNAL, .state = RE | SDEI_PENDING, .outcome = SDEI_QUEUED);
	RECORD(103, 0, .kind = SDEI_DISPATCH, .state = RE | SDEI_RUNNING);
	RECORD(104, 0, .kind = SDEI_COMPLETE, .state = RE, .outcome = SDEI_RESUMED, .arg = 0xffff800080005678);
	/* The running handler is dispatched again. */
	RECORD(200, 0, .kind = SDEI_SIGNAL, .state = RE | SDEI_PENDING, .outcome = SDEI_QUEUED);
	RECORD(201, 0, .kind = SDEI_DISPATCH, .state = RE | SDEI_RUNNING);
	RECORD(202, 0, .kind = SDEI_DISPATCH, .state = RE | SDEI_RUNNING);
	RECORD(203, 0, .kind = SDEI_COMPLETE, .state = RE, .outcome = SDEI_COMPLETED);
	RECORD(900, 1, .kind = SDEI_MASK, .state = RE | SDEI_MASKED);
	end_packet(SIZE_MAX, false);
	begin_packet();
	put_status(1000, 0);
	end_packet(SIZE_MAX, true);
	begin_packet();
	put_burst();
	put_lost(2160, 5, true);
	put_lost(2161, 1, false);
	RECORD(2170, 0, .kind = SDEI_SIGNAL, .state = RE, .outcome = SDEI_REJECTED, .error = -22);
	put_status(2200, 17);
	end_packet(SIZE_MAX, false);
	begin_packet();
	RECORD(2300, 0, .kind = SDEI_SIGNAL, .state = RE | SDEI_PENDING, .outcome = SDEI_QUEUED);
	RECORD(2301, 0, .kind = SDEI_DISPATCH, .state = RE | SDEI_RUNNING);
	put_status(3000, 17);
	put_status(4000, 17);
	end_packet(SIZE_MAX, false);
	begin_packet();
	put_status(5000, 17);
	end_packet(101, false);
}

static int make_trouble(void **state)
{
	char *metadata = codec_metadata(&about);
	FILE *out;

	strcpy(directory, "/tmp/sdeitop-trouble-XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(output, sizeof(output), "%s.report", directory);
	assert_non_null(metadata);
	out = create_file(directory, "metadata");
	fputs(metadata, out);
	free(metadata);
	assert_int_equal(fclose(out), 0);
	stream = create_file(directory, "sdei-000000");
	put_packets();
	return fclose(stream);
}

static int remove_trouble(void **state)
{
	return remove_tree(directory) | remove_tree(output);
}

/* --- reports */

static char *read_output(void)
{
	FILE *in = fopen(output, "r");
	struct stat st;
	char *text;

	assert_non_null(in);
	assert_int_equal(fstat(fileno(in), &st), 0);
	text = calloc(1, st.st_size + 1);
	assert_int_equal(fread(text, 1, st.st_size, in), st.st_size);
	fclose(in);
	return text;
}

/* What report with these arguments, the last of them NULL, writes is as in that file. */
static void check(const char *golden, int want, char **args)
{
	char *argv[16] = { "report", "-o", output };
	int argc = 3;
	char *text;

	while (*args)
		argv[argc++] = *args++;
	assert_int_equal(cmd_report.run(&cmd_report, argc, argv), want);
	text = read_output();
	assert_golden(golden, text);
	free(text);
}

#define CHECK(golden, want, ...) check(golden, want, (char *[]){ __VA_ARGS__, NULL })

/* Without --all a report fits a screen: 45 lines of 100 columns. */
static void check_fits(void)
{
	char *text = read_output(), *line = text;
	unsigned int lines = 0;

	for (char *end; (end = strchr(line, '\n')); line = end + 1) {
		unsigned int columns;

		*end = '\0';
		text_cut(line, 1000, &columns);
		assert_in_range(columns, 0, 100);
		lines++;
	}
	assert_in_range(lines, 20, 45);
	free(text);
}

static void test_brief(void **state)
{
	CHECK("report-brief-range.txt", EXIT_DONE, "--since", "1s", "--until", "2s", LAB);
	CHECK("report-brief-trouble.txt", EXIT_INCOMPLETE, directory);
	CHECK("report-brief-lab.txt", EXIT_DONE, LAB);
	check_fits();
}

static void test_lab(void **state)
{
	CHECK("report-lab.txt", EXIT_DONE, "--all", LAB);
	CHECK("report-lab.json", EXIT_DONE, "-j", LAB);
}

/* What is said of the range is not said of the recording, nor the other way round. */
static void test_range(void **state)
{
	CHECK("report-range.txt", EXIT_DONE, "--all", "--since", "1s", "--until", "2s", LAB);
	CHECK("report-range.json", EXIT_DONE, "-j", "--since", "1s", "--until", "2s", LAB);
}

/* Beyond its ends there is no more of a recording. */
static void test_wide_range(void **state)
{
	if (getenv("UPDATE_GOLDEN"))
		return;
	CHECK("report-lab.txt", EXIT_DONE, "--all", "--since", "1970-01-01", "--until", "2100-01-01", LAB);
}

static void test_trouble(void **state)
{
	CHECK("report-trouble.txt", EXIT_INCOMPLETE, "--all", directory);
	CHECK("report-trouble.json", EXIT_INCOMPLETE, "-j", directory);
}

/* Of a recording with steps of interrupt controllers: what is wrong is found, and each VM has its sequence. */
static void test_restores(void **state)
{
	CHECK("report-brief-gic.txt", EXIT_DONE, GIC);
	CHECK("report-gic.txt", EXIT_DONE, "--all", GIC);
	CHECK("report-gic.json", EXIT_DONE, "-j", GIC);
}

/* --html replaces a file by another; a link, as a device, stays what it is. */
static void test_link(void **state)
{
	char link[96], *argv[] = { "report", "-o", output, "--html", link, LAB };
	struct stat st;
	char *text;

	snprintf(link, sizeof(link), "%s/link", directory);
	assert_int_equal(symlink(output, link), 0);
	assert_int_equal(cmd_report.run(&cmd_report, 6, argv), EXIT_DONE);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	argv[2] = "/dev/null";
	assert_int_equal(cmd_report.run(&cmd_report, 6, argv), EXIT_DONE);
	text = read_output();
	assert_memory_equal(text, "<!DOCTYPE html>", 15);
	free(text);
	assert_int_equal(unlink(link), 0);
}

/* A page shows what recordings keep to their owner: who may read it is up to the umask. */
static void test_mode_of_page(void **state)
{
	static const mode_t masks[] = { 0, 022, 027, 077 };
	char page[96], *argv[] = { "report", "-o", output, "--html", page, LAB };
	struct stat st;

	snprintf(page, sizeof(page), "%s/page", directory);
	for (unsigned int i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		mode_t before = umask(masks[i]);

		assert_int_equal(cmd_report.run(&cmd_report, 6, argv), EXIT_DONE);
		assert_int_equal(umask(before), masks[i]);
		assert_int_equal(stat(page, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0666 & ~masks[i]);
	}
	assert_int_equal(unlink(page), 0);
}

/* Offsets of clocks and times that no sum of fits: all forms are printed, and none says that it is whole. */
static void test_impossible_clock(void **state)
{
	static char text[1 << 20];
	char page[128];

	snprintf(page, sizeof(page), "%s/impossible.html", directory);
	assert_int_equal(run_command(&cmd_report, (char *[]){ "report", CLOCK, NULL }, NULL, text, sizeof(text)), EXIT_INCOMPLETE);
	assert_int_equal(run_command(&cmd_report, (char *[]){ "report", "--all", CLOCK, NULL }, NULL, text, sizeof(text)), EXIT_INCOMPLETE);
	assert_int_equal(run_command(&cmd_report, (char *[]){ "report", "-j", CLOCK, NULL }, NULL, text, sizeof(text)), EXIT_INCOMPLETE);
	assert_int_equal(run_command(&cmd_report, (char *[]){ "report", "--html", page, CLOCK, NULL }, NULL, text, sizeof(text)),
			 EXIT_INCOMPLETE);
}

/* The next step of the plot would be behind the last nanosecond that there is: the page is done all the same. */
static void test_end_of_time(void **state)
{
	static char text[1 << 20];
	const uint64_t last = UINT64_MAX;
	struct recording_item items[3];
	char scene[128], page[128];

	items[0] = record_item((struct sdei_record){
		.time_ns = last - 2000, .vm = VM, .event = 7, .kind = SDEI_SIGNAL, .state = RE | SDEI_PENDING, .outcome = SDEI_QUEUED,
	});
	items[1] = record_item((struct sdei_record){ .time_ns = last - 1000, .vm = VM, .event = 7, .kind = SDEI_DISPATCH, .state = RE | SDEI_RUNNING });
	items[2] = status_item(last, true);
	snprintf(scene, sizeof(scene), "%s/scene", directory);
	snprintf(page, sizeof(page), "%s/end.html", directory);
	for (size_t first = 0; first < 3; first++) {
		assert_int_equal(mkdir(scene, 0700), 0);
		record_items(scene, &about, items + first, 3 - first);
		run_command(&cmd_report, (char *[]){ "report", "--html", page, scene, NULL }, NULL, text, sizeof(text));
		assert_int_equal(remove_tree(scene), 0);
		assert_int_equal(unlink(page), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_brief),
		cmocka_unit_test(test_lab),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_wide_range),
		cmocka_unit_test(test_trouble),
		cmocka_unit_test(test_restores),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_mode_of_page),
		cmocka_unit_test(test_impossible_clock),
		cmocka_unit_test(test_end_of_time),
	};

	return cmocka_run_group_tests_name("report_golden", tests, make_trouble, remove_trouble);
}
