// SPDX-License-Identifier: GPL-2.0-only
/* sdeitop diff: what it prints, against golden files; its exit statuses; what it says of recordings that are none, or are hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/unit/lib/run_in_folder.h"
#include "cli/commands.h"
#include "util/log.h"

#define COMMAND cmd_diff
#define US 1000ULL
#define MS RECORDED_NS_PER_MS
#define RE (SDEI_REGISTERED | SDEI_ENABLED)
#define VM 1201
#define EVENT 7
#define EPISODES 1201
#define LONG 4001		/* of several packets */
#define ITEMS_MAX (LONG * 12 + 16)

/* --- recordings */

/* What differs from the ordinary one. */
struct scene {
	uint32_t event;		/* instead of EVENT */
	int entry, masked;	/* so many percent longer */
	unsigned int episodes;	/* instead of EPISODES */
	bool empty;
	bool faults;		/* page faults instead of episodes, */
	bool both;		/* or between them */
	int page;		/* of which the worker takes so many percent longer */
	bool refuses;		/* every call, else none */
	uint32_t lost_of;	/* event of which records are lost; 0: none are */
	bool lost_faults;
	bool lost_unknown;
	const char *kernel, *host, *probes, *filter;
};

static struct recording_item items[ITEMS_MAX];
static size_t item_count;

static struct recording_item *put(struct recording_item item)
{
	assert_true(item_count < ITEMS_MAX);
	items[item_count] = item;
	return &items[item_count++];
}

static struct recording_item *put_record(uint64_t time_ns, uint32_t event, uint8_t kind, uint8_t state, uint8_t outcome)
{
	struct sdei_record record = { .time_ns = time_ns, .vm = VM, .event = event, .kind = kind, .state = state, .outcome = outcome };

	if (kind == SDEI_MASK || kind == SDEI_UNMASK)
		record.error = 1;	/* it was not before */
	return put(record_item(record));
}

static void put_call(uint64_t time_ns, bool refused)
{
	struct recording_item *item = put_record(time_ns, 0, SDEI_CALL, RE, 0);

	item->size = sizeof(struct sdei_record_call);
	item->record.call.function = 0xc4000022;	/* EVENT_ENABLE */
	item->record.head.result = refused ? -2 : 0;
}

/* From neither random numbers nor a pattern that blocks of time would have in common. */
static uint64_t vary(unsigned int number, unsigned int prime, uint64_t least_ns, uint64_t most_ns)
{
	return least_ns + (uint64_t)number * number % prime * (most_ns - least_ns) / (prime - 1);
}

static void put_episode(const struct scene *scene, unsigned int i, uint64_t time_ns)
{
	uint32_t event = scene->event ?: EVENT;
	bool masked = i % 7 == 3;

	if (i % 16 == 0)
		put_call(time_ns - 50 * US, scene->refuses);
	if (masked)
		put_record(time_ns - 2 * US, SDEI_NONE, SDEI_MASK, SDEI_MASKED, 0);
	put_record(time_ns, event, SDEI_SIGNAL, RE | SDEI_PENDING | (masked ? SDEI_MASKED : 0), SDEI_QUEUED);
	if (masked) {
		time_ns += vary(i, 101, 20 * US, 40 * US) * (100 + scene->masked) / 100;
		put_record(time_ns, SDEI_NONE, SDEI_UNMASK, 0, 0);
	}
	time_ns += vary(i, 103, 7 * US, 11 * US) * (100 + scene->entry) / 100;
	put_record(time_ns, event, SDEI_DISPATCH, RE | SDEI_RUNNING, 0);
	time_ns += vary(i, 107, 20 * US, 30 * US);
	put_record(time_ns, event, SDEI_COMPLETE, RE, SDEI_COMPLETED);
}

static void put_step(uint64_t time_ns, uint64_t id, enum sdei_apf_step step, uint8_t outcome)
{
	struct recording_item *item = put_record(time_ns, SDEI_NONE, SDEI_APF, 0, outcome);

	item->size = sizeof(struct sdei_record_apf);
	item->record.head.origin = step;
	item->record.apf.id = id;
}

static void put_fault(const struct scene *scene, unsigned int i, uint64_t time_ns)
{
	put_step(time_ns, i, APF_SETUP, 0);
	put_step(time_ns + 2 * US, i, APF_NOT_PRESENT, APF_TOLD);
	time_ns += vary(i, 101, 10 * US, 20 * US);
	put_step(time_ns, i, APF_WORKING, 0);
	time_ns += vary(i, 103, 150 * US, 200 * US) * (100 + scene->page) / 100;
	put_step(time_ns, i, APF_READY, 0);
	time_ns += vary(i, 107, 5 * US, 8 * US);
	put_step(time_ns, i, APF_PRESENT, APF_SIGNALLED);
	put_step(time_ns + vary(i, 109, 2 * US, 4 * US), 0, APF_ACK, 0);
}

static void put_lost(uint64_t time_ns, uint32_t event, uint8_t kind, bool known)
{
	struct recording_item *item = put((struct recording_item){ .kind = ITEM_LOST, .time_ns = time_ns });

	item->lost.count = 3;
	item->lost.key_known = known;
	if (known)
		item->lost.key = (struct sdei_lost_key){ .vm = VM, .event = event, .kind = kind };
}

static void put_one(const struct scene *scene, unsigned int i, uint64_t time_ns)
{
	if (!scene->faults)
		put_episode(scene, i, time_ns);
	if (scene->faults || scene->both)
		put_fault(scene, i, time_ns + (scene->both ? 5 * MS : 0));
}

static void put_scene(const struct scene *scene)
{
	unsigned int episodes = scene->empty ? 0 : scene->episodes ?: EPISODES;
	uint64_t end_ns = RECORDED_BEGIN_NS + (episodes + 1) * 10 * MS;

	item_count = 0;
	put(status_item(RECORDED_BEGIN_NS, false));
	for (unsigned int i = 1; i <= episodes; i++)
		put_one(scene, i, RECORDED_BEGIN_NS + i * 10 * MS);
	if (scene->lost_of)
		put_lost(end_ns - MS, scene->lost_of, SDEI_DISPATCH, true);
	if (scene->lost_faults)
		put_lost(end_ns - MS, SDEI_NONE, SDEI_APF, true);
	if (scene->lost_unknown)
		put_lost(end_ns - MS, 0, 0, false);
	put(status_item(end_ns, true));
}

static void copy_text(char *to, size_t size, const char *from)
{
	if (from)
		snprintf(to, size, "%s", from);
}

static void record(const char *name, const struct scene *scene)
{
	struct recording_about about = {
		.uuid = "compared", .major = RECORDING_MAJOR, .minor = RECORDING_MINOR, .version = "0.1.0", .host = "lab", .kernel = "6.12.1",
		.kernel_version = "#1 SMP", .machine = "aarch64", .clock_offset_ns = RECORDED_WALL_OFFSET, .cpus = 2,
		.probes = "kvm_sdei_signal kvm_sdei_dispatch",
	};

	copy_text(about.kernel, sizeof(about.kernel), scene->kernel);
	copy_text(about.host, sizeof(about.host), scene->host);
	copy_text(about.probes, sizeof(about.probes), scene->probes);
	copy_text(about.filter, sizeof(about.filter), scene->filter);
	put_scene(scene);
	record_as(name, &about, items, item_count);
}

#define SCENE(...) (&(struct scene){ __VA_ARGS__ })

/* Runs of the same that differ by some percent, all in order. */
static void record_runs(const char *prefix, int entry)
{
	char name[32];

	for (unsigned int i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "%s.%u", prefix, i);
		record(name, SCENE(.episodes = 211, .entry = entry + (int)i));
	}
}

static void make_files(void)
{
	FILE *out = fopen(path_of("file"), "w");

	assert_non_null(out);
	fputs("no recording\n", out);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(mkdir(path_of("nothing"), 0777), 0);
	assert_int_equal(mkdir(path_of("garbage"), 0777), 0);
	out = fopen(path_of("garbage/metadata"), "w");
	assert_non_null(out);
	fputs("/* CTF 1.8 */\n\033[2Jtypealias {{{{", out);
	assert_int_equal(fclose(out), 0);
}

static int make_recordings(void **state)
{
	assert_int_equal(make_folder(state), 0);
	record("base", SCENE());
	record("entry", SCENE(.entry = 10));
	record("better", SCENE(.entry = -20));
	record("mask", SCENE(.masked = 50));
	record("refuses", SCENE(.refuses = true));
	record("other", SCENE(.event = 9));
	record("few", SCENE(.episodes = 20));
	record("no-records", SCENE(.empty = true));
	record("lost", SCENE(.lost_of = 7, .entry = 100));
	record("lost-unknown", SCENE(.lost_unknown = true));
	record("faults", SCENE(.faults = true));
	record("both", SCENE(.both = true));
	record("faults-page", SCENE(.faults = true, .page = 10));
	record("faults-lost", SCENE(.faults = true, .page = 10, .lost_faults = true));
	record("lost-faults", SCENE(.entry = 10, .lost_faults = true));
	record("sched", SCENE(.probes = "kvm_sdei_signal sched_switch"));
	record("evil\033[2J", SCENE(.kernel = "6\033]0;x\a", .host = "h\033[2J\"", .filter = "-e \n7", .entry = 30));
	record("cut", SCENE(.episodes = LONG));
	cut_recording(path_of("cut"));
	record("cut-entry", SCENE(.episodes = LONG, .entry = 50));
	cut_recording(path_of("cut-entry"));
	record_runs("base", 0);
	record_runs("entry", 20);
	make_files();
	return 0;
}

/* --- what it prints */

static void test_regression(void **state)
{
	CHECK("diff-entry.txt", EXIT_REGRESSION, "base", "entry");
	CHECK("diff-entry.json", EXIT_REGRESSION, "-j", "base", "entry");
}

static void test_same(void **state)
{
	CHECK("diff-same.txt", EXIT_DONE, "base", "base");
	CHECK("diff-same.json", EXIT_DONE, "--json", "base", "base");
}

static void test_runs(void **state)
{
	CHECK("diff-runs.txt", EXIT_REGRESSION, "--base", "base.0", "--base", "base.1", "--base", "base.2", "--base", "base.3", "--base", "base.4",
	      "--new", "entry.0", "--new", "entry.1", "--new", "entry.2", "--new", "entry.3", "--new", "entry.4");
	/* One recording on the one side. */
	assert_int_equal(RUN("--new", "entry.0", "--new", "entry.1", "base"), EXIT_INCOMPLETE);
	assert_says("1 and 2 recordings cannot show a difference");
}

/* --- a series of builds */

/* Of one recording or of several each: slower from the fourth on. */
#define BUILDS "base.0,base.1", "base.2,base.3", "base.4", "entry.0,entry.1", "entry.2,entry.3,entry.4"

static void test_series(void **state)
{
	CHECK("diff-series.txt", EXIT_REGRESSION, "--confidence", "0.95", BUILDS);
	assert_says("REGRESSION: entry of event 7 is 19.7% slower from build 4 on (entry.0;");
	CHECK("diff-series.md", EXIT_REGRESSION, "--confidence", "0.95", "--markdown", BUILDS);
	CHECK("diff-series.json", EXIT_REGRESSION, "--confidence", "0.95", "--json", BUILDS);
	assert_int_equal(RUN("--confidence", "0.95", "--threshold", "50%", BUILDS), EXIT_DONE);
	assert_says("no regression: at no step of 5 builds one of");
	assert_int_equal(RUN("--confidence", "0.95", "--threshold", "entry=50%", BUILDS), EXIT_REGRESSION);
	assert_says_not("entry of event 7 is");
	assert_int_equal(RUN("--confidence", "0.95", "entry.0,entry.1,entry.2", "entry.3,entry.4", "base.0,base.1", "base.2,base.3,base.4"),
			 EXIT_DONE);
	assert_says("better: entry of event 7 is 16.4% faster from build 3 on (base.0;");
}

static void test_series_cannot_tell(void **state)
{
	assert_int_equal(RUN("base", "entry", "entry"), EXIT_INCOMPLETE);
	assert_says("cannot tell: nothing could be judged");
	assert_says("3 recordings of 3 builds cannot show a step at confidence 0.99");
	assert_int_equal(RUN("--confidence", "0.95", "base.0,base.1", "base.2,base.3", "base.4", "entry.0,entry.1", "lost,entry.3,entry.4"),
			 EXIT_INCOMPLETE);
	assert_says("dispatch: cannot tell, samples are missing because records were lost");
	assert_int_equal(RUN("--confidence", "0.95", "base.0,few", "base.2,base.3", "base.4", "entry.0,entry.1", "entry.2,entry.3,entry.4"),
			 EXIT_INCOMPLETE);
	assert_says("dispatch: cannot tell, a recording has fewer than");
	assert_int_equal(RUN("base", "base", "nowhere,base"), EXIT_FAILED);
	assert_says("reading nowhere failed");
	assert_int_equal(RUN("base", "base", "base,,base"), EXIT_FAILED);
}

static void test_series_hostile(void **state)
{
	static char *const forms[] = { "--verbose", "--markdown", "--json" };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		assert_int_equal(RUN(forms[i], "base", "evil\033[2J", "base"), EXIT_INCOMPLETE);
		assert_says_not("\033");
		assert_says_not("\a");
	}
}

/* What recordings and their names say is shown, not done. */
static void test_hostile(void **state)
{
	CHECK("diff-hostile.txt", EXIT_REGRESSION, "base", "evil\033[2J");
	assert_int_equal(RUN("-j", "base", "evil\033[2J"), EXIT_REGRESSION);
	assert_says_not("\033");
	assert_says_not("\a");
}

/* --- verdicts */

static void test_stages(void **state)
{
	assert_int_equal(RUN("base", "mask"), EXIT_REGRESSION);
	assert_says("REGRESSION: mask time is 46.9% slower");
	assert_says(", masked of event 7 50.0% slower");
	assert_int_equal(RUN("base", "refuses"), EXIT_REGRESSION);
	assert_says("REGRESSION: refused calls is more than none");
	assert_int_equal(RUN("base", "better"), EXIT_DONE);
	assert_says("no regression");
	assert_says("better: entry of event 7 is 20");
	assert_int_equal(RUN("better", "base"), EXIT_REGRESSION);
}

/* What is asked for decides what counts. */
static void test_limits(void **state)
{
	assert_int_equal(RUN("--threshold", "11%", "base", "entry"), EXIT_DONE);
	assert_int_equal(RUN("--threshold", "9.5", "base", "entry"), EXIT_REGRESSION);
	assert_int_equal(RUN("--threshold", "entry=11%", "base", "entry"), EXIT_REGRESSION);
	assert_says("REGRESSION: dispatch of event 7");
	assert_says("what counts is 5% (entry 11%) and 0.1 us or more");
	assert_int_equal(RUN("--threshold", "11%", "--threshold", "entry=9", "base", "entry"), EXIT_REGRESSION);
	assert_says("REGRESSION: entry of event 7");
	assert_int_equal(RUN("--threshold", "11%", "--threshold", "drops=0", "base", "entry"), EXIT_DONE);
	assert_says("no regression: in 23 comparisons nothing is worse by its threshold or more beyond chance");
	assert_says("what counts is 11% (coalesced 0%, rejected 0%, cancelled 0%, cleared 0%) and 0.1 us or more");
	assert_int_equal(RUN("-j", "--threshold", "handler=7%", "base", "base"), EXIT_DONE);
	assert_says("\"thresholds\":{\"handler\":0.070000},");
	assert_int_equal(RUN("--min-us", "2", "base", "entry"), EXIT_DONE);
	assert_int_equal(RUN("--min-us", "0.5us", "base", "entry"), EXIT_REGRESSION);
	assert_int_equal(RUN("--stat", "p10", "base", "entry"), EXIT_REGRESSION);
	assert_says("(p10 ");
	assert_says_not("p50");
	assert_int_equal(RUN("--stat", "p99.99", "base", "entry"), EXIT_INCOMPLETE);
	assert_says("needs 100000");
	assert_int_equal(RUN("-e", "9", "base", "entry"), EXIT_INCOMPLETE);
	assert_int_equal(RUN("-e", "7", "base", "entry"), EXIT_REGRESSION);
	assert_int_equal(RUN("--since", "2s", "--until", "10s", "base", "entry"), EXIT_REGRESSION);
	assert_says("8.000 s, ");
}

static void test_cannot_tell(void **state)
{
	assert_int_equal(RUN("base", "no-records"), EXIT_INCOMPLETE);
	assert_says("cannot tell: nothing could be compared");
	assert_says("dispatch of event 7: only in BASE (1201 samples)");
	assert_int_equal(RUN("no-records", "no-records"), EXIT_INCOMPLETE);
	assert_int_equal(RUN("few", "few"), EXIT_INCOMPLETE);
	assert_says("dispatch of event 7: cannot tell, 20 samples, needs 30");
	assert_int_equal(RUN("--base", "base.0", "--base", "base.1", "--new", "entry.0", "--new", "entry.1"), EXIT_INCOMPLETE);
	assert_says("2 and 2 recordings cannot show a difference at confidence 0.99; it takes 5 and 5");
	assert_says_not("needs 30");
}

/* Though the mask of the PEs is compared: that is not what was asked. */
static void test_no_common_event(void **state)
{
	assert_int_equal(RUN("base", "other"), EXIT_INCOMPLETE);
	assert_says("cannot tell: neither dispatches nor page faults could be compared");
	assert_says("dispatch of event 7: only in BASE");
	assert_says("dispatch of event 9: only in NEW");
	/* What has no samples has no median, rather than one of 0. */
	assert_says("dispatch        1201       0 p50         9.2                          -                          -  ");
	assert_says("dispatch           0    1201 p50           -                        9.2                        new  ");
	assert_int_equal(RUN("-j", "base", "other"), EXIT_INCOMPLETE);
	assert_says("\"new\":{\"at\":null,\"low\":null,\"high\":null},\"change\":{\"at\":null,");
}

static void test_lost(void **state)
{
	assert_int_equal(RUN("base", "lost"), EXIT_INCOMPLETE);
	assert_says("cannot tell");
	assert_says("lost: 3 records were lost");
	assert_says("dispatch of event 7: cannot tell, samples are missing because records were lost");
	assert_says("records lost\n");
	assert_int_equal(RUN("base", "lost-unknown"), EXIT_INCOMPLETE);
	assert_says("cannot tell");
}

/* As on x86, where no event tells of them. */
static void test_page_faults(void **state)
{
	assert_int_equal(RUN("faults", "faults"), EXIT_DONE);
	assert_int_equal(RUN("faults", "faults-page"), EXIT_REGRESSION);
	assert_says("REGRESSION: apf_page time is 10.0% slower");
	assert_says("from that follows: apf_total time ");
	assert_says_not("load differs");
	assert_says_not("; and ");
	assert_int_equal(RUN("faults", "base"), EXIT_INCOMPLETE);
	assert_says("cannot tell: nothing could be compared");
	assert_says("12.020 s, 0 signals, 0 dispatched, 1201 page faults, kernel");
	assert_says("apf_total of the vCPUs: only in BASE (1201 samples)");
	assert_says("the load differs: 99.9 page faults/s, then 0.0; that alone can change latencies and fallbacks");
	/* That nothing is worse is not all that there is to say. */
	assert_int_equal(RUN("both", "base"), EXIT_DONE);
	assert_says("the load differs: page faults 1201 to 0 (99.9 to 0.0 a second); in ");
	assert_says(" comparisons nothing is worse by 5% or more beyond chance\n");
	assert_says_not("no regression");
	assert_int_equal(RUN("both", "entry"), EXIT_REGRESSION);
	assert_says("REGRESSION: entry of event 7 is 10.0% slower");
	/* Lost ones concern nothing else. */
	assert_int_equal(RUN("faults", "faults-lost"), EXIT_INCOMPLETE);
	assert_says("apf_total of the vCPUs: cannot tell, samples are missing");
	assert_int_equal(RUN("base", "lost-faults"), EXIT_REGRESSION);
	assert_says("REGRESSION: entry of event 7");
}

/* Whatever is missing, what was found counts. */
static void test_incomplete(void **state)
{
	assert_int_equal(RUN("base", "cut"), EXIT_INCOMPLETE);
	assert_says("NOTE cut: the recording is incomplete");
	assert_int_equal(RUN("base", "cut-entry"), EXIT_REGRESSION);
	assert_says("NOTE cut-entry: the recording is incomplete");
}

static void test_notes(void **state)
{
	assert_int_equal(RUN("base", "sched"), EXIT_DONE);
	assert_says("different probes");
	assert_says("only some were recorded with --sched");
	assert_int_equal(RUN("base", "base"), EXIT_DONE);
	assert_says_not("NOTE");
}

/* --- what is no comparison */

static void test_usage(void **state)
{
	assert_int_equal(RUN(), EXIT_USAGE);
	assert_says("two recordings are needed");
	assert_says("try 'sdeitop diff --help'");
	assert_int_equal(RUN("base"), EXIT_USAGE);
	assert_int_equal(RUN("--base", "base"), EXIT_USAGE);
	assert_int_equal(RUN("base", "entry", "--base", "base"), EXIT_USAGE);
	assert_says("two recordings are needed");
	assert_int_equal(RUN("base", "entry", "entry", "--new", "base"), EXIT_USAGE);
	assert_says("two recordings are needed");
	assert_int_equal(RUN("--markdown", "base", "entry"), EXIT_USAGE);
	assert_says("--markdown is for a series");
	assert_int_equal(RUN("--markdown", "-j", "base", "entry", "entry"), EXIT_USAGE);
	assert_int_equal(RUN("base", ""), EXIT_USAGE);
	assert_int_equal(RUN("--help"), EXIT_DONE);
	assert_says("Usage: sdeitop diff");
	assert_says("3 a regression");
	assert_int_equal(RUN("--version"), EXIT_DONE);
}

static void test_bad_options(void **state)
{
	static char *const bad[][2] = {
		{ "--stat", "p0" }, { "--stat", "p100" }, { "--stat", "99" }, { "--stat", "" }, { "--stat", "p50,," }, { "--stat", "p50," },
		{ "--stat", "median" }, { "--stat", "p1e1" }, { "--stat", "p50p99" }, { "--stat", "pnan" },
		{ "--stat", "p1,p2,p3,p4,p5,p6,p7,p8,p9,p10,p11,p12,p13,p14,p15,p16,p17" },
		{ "--threshold", "-1%" }, { "--threshold", "much" }, { "--threshold", "10%%" }, { "--threshold", "1000000%" },
		{ "--threshold", "nan" }, { "--threshold", "" }, { "--threshold", "1.2.3" }, { "--threshold", "handler=" },
		{ "--threshold", "handler" }, { "--threshold", "hand=5" }, { "--threshold", "signals=5" }, { "--threshold", "=5" },
		{ "--threshold", "handler=5=6" },
		{ "--confidence", "1" }, { "--confidence", "0.49" }, { "--confidence", "99%" }, { "--confidence", "inf" },
		{ "--min-us", "-1" }, { "--min-us", "1ms" }, { "--min-us", "0x10" },
		{ "--since", "tomorrow" }, { "-e", "-1" }, { "-v", "all" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (RUN(bad[i][0], bad[i][1], "base", "entry") != EXIT_USAGE)
			fail_msg("%s '%s' is taken: %.300s", bad[i][0], bad[i][1], output);
		assert_says("try 'sdeitop diff --help'");
	}
	assert_int_equal(RUN("--since", "90s", "base", "entry"), EXIT_USAGE);
	assert_says("leave nothing of the recording");
	assert_int_equal(RUN("--frobnicate", "base", "entry"), EXIT_USAGE);
}

static void test_no_recordings(void **state)
{
	static char *const none[] = { "nowhere", "file", "nothing", "garbage" };

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		char said[64];

		snprintf(said, sizeof(said), "reading %s failed", none[i]);
		if (RUN("base", none[i]) != EXIT_FAILED)
			fail_msg("'%s': %s", none[i], output);
		assert_says(said);
		assert_says_not("\033");
		assert_int_equal(RUN(none[i], "base"), EXIT_FAILED);
		assert_says(said);
	}
	assert_int_equal(RUN("--base", "base.0", "--base", "nowhere", "--new", "entry.0"), EXIT_FAILED);
	assert_says("reading nowhere failed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_regression), cmocka_unit_test(test_same), cmocka_unit_test(test_runs), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_series), cmocka_unit_test(test_series_cannot_tell), cmocka_unit_test(test_series_hostile),
		cmocka_unit_test(test_stages), cmocka_unit_test(test_limits), cmocka_unit_test(test_cannot_tell),
		cmocka_unit_test(test_no_common_event), cmocka_unit_test(test_lost), cmocka_unit_test(test_page_faults),
		cmocka_unit_test(test_incomplete), cmocka_unit_test(test_notes),
		cmocka_unit_test(test_usage), cmocka_unit_test(test_bad_options), cmocka_unit_test(test_no_recordings),
	};

	return cmocka_run_group_tests_name("cmd_diff", tests, make_recordings, remove_folder);
}
