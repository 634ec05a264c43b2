// SPDX-License-Identifier: GPL-2.0-only
/* Whatever a guest is called, the page has it as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "view/report/html.h"
#include "view/report/report.h"
#include "tests/unit/lib/view_scene.h"

#define SECOND 1000000000ULL

/* --- pieces */

static char *text;
static size_t text_size;
static FILE *out;

static void begin(void)
{
	out = open_memstream(&text, &text_size);
	assert_non_null(out);
}

static void check(const char *want)
{
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, want);
	free(text);
}

static void check_text(const char *in, const char *want)
{
	begin();
	html_text(out, in);
	check(want);
}

static void test_text(void **state)
{
	check_text("web-1", "web-1");
	check_text("<script>alert('1')</script>&\"", "&#60;script&#62;alert(&#39;1&#39;)&#60;/script&#62;&#38;&#34;");
	check_text("a\033[2J\n\x7f", "a\\x1b[2J\\x0a\\x7f");
	check_text("\xff\xc3", "\\xff\\xc3");
	check_text("\xe2\x80\xae" "txt", "\\u202etxt");
	check_text("caf\xc3\xa9 \\", "caf\xc3\xa9 \\\\");
}

static void check_cut(const char *in, unsigned int most, const char *want)
{
	begin();
	html_text_cut(out, in, most);
	check(want);
}

static void test_cut(void **state)
{
	check_cut("web-1", 5, "web-1");
	check_cut("web-12", 5, "web-1\xe2\x80\xa6");
	check_cut("<<<", 2, "&#60;&#60;\xe2\x80\xa6");
	check_cut("\xc3\xa9\xc3\xa9\xc3\xa9", 2, "\xc3\xa9\xc3\xa9\xe2\x80\xa6");
	check_cut("", 0, "");
	check_cut("a", 0, "\xe2\x80\xa6");
}

static void check_ns(uint64_t ns, const char *want, const char *want_tick)
{
	begin();
	html_ns(out, ns);
	check(want);
	begin();
	html_tick(out, ns);
	check(want_tick);
}

static void test_durations(void **state)
{
	check_ns(0, "0\xc2\xa0ns", "0");
	check_ns(512, "512\xc2\xa0ns", "512\xc2\xa0ns");
	check_ns(10000, "10.0\xc2\xa0\xc2\xb5s", "10\xc2\xa0\xc2\xb5s");
	check_ns(12345, "12.3\xc2\xa0\xc2\xb5s", "12.3\xc2\xa0\xc2\xb5s");
	check_ns(100 * 1000000, "100\xc2\xa0ms", "100\xc2\xa0ms");
	check_ns(2 * SECOND, "2.0\xc2\xa0s", "2\xc2\xa0s");
	check_ns(245 * SECOND, "4m05s", "4m05s");
}

/* --- pages */

static const struct recording_about about = { .host = "<b>h</b>", .kernel = "6.12\"><img>", .probes_missing = "<i>" };

/* The page of a scene, with a timeline of its last half second if asked for. */
static void begin_page(const char *scene, bool timeline)
{
	struct status status;
	struct model *m = scene_new(scene, &status);
	struct report report = { .model = m, .status = &status, .about = &about, .begin_ns = status.now_ns, .end_ns = status.now_ns + SECOND };
	struct timeline *t = timeline ? timeline_new(status.now_ns, status.now_ns + SECOND) : NULL;

	assert_non_null(m);
	report.timeline = t;
	report.span = (struct reader_span){ .begin_ns = report.begin_ns, .end_ns = report.end_ns };
	scene_go_on(m, &status);
	if (t)
		assert_int_equal(timeline_take(t, m, status.now_ns), 0);
	begin();
	assert_int_equal(report_html(out, &report), 0);
	assert_int_equal(fclose(out), 0);
	timeline_free(t);
	model_free(m);
}

/* Of those of which that is known: the median, the 99th percentile and the longest. */
static void test_call_times(void **state)
{
	struct status status = { .now_ns = SECOND };
	struct model *m = model_new(NULL);
	struct report report = { .model = m, .status = &status, .about = &about, .end_ns = SECOND };

	for (uint32_t i = 1; i <= 100; i++) {
		const struct sdei_record_call call = {
			.head = { .time_ns = i, .vm = 7, .vcpu = 0, .event = SDEI_NONE, .kind = SDEI_CALL }, .function = SDEI_FN_EVENT_STATUS,
			.duration_ns = i < 99 ? 2000 : 100000 * (i - 98),
		};

		assert_int_equal(model_feed(m, &call.head, sizeof(call)), 0);
	}
	begin();
	assert_int_equal(report_html(out, &report), 0);
	assert_int_equal(fclose(out), 0);
	assert_non_null(strstr(text, "<th>count<th>p50<th>p99<th>max<th>SUCCESS"));
	assert_non_null(strstr(text, "EVENT_STATUS<td>100<td data-ns=2015>2.0\xc2\xa0\xc2\xb5s<td data-ns=100351>100\xc2\xa0\xc2\xb5s<td data-ns=200000>200\xc2\xa0\xc2\xb5s<td>100"));
	free(text);
	model_free(m);
}

static void check_inert(void)
{
	assert_int_equal(strlen(text), text_size);
	assert_null(strstr(text, "<img"));
	assert_null(strstr(text, "<script"));
	assert_null(strstr(text, "<i>"));
	assert_null(strchr(text, '\033'));
	assert_null(strstr(text, "http:"));
	assert_null(strstr(text, "https:"));
	assert_null(strstr(text, "url("));
	assert_non_null(strstr(text, "SDEI on &#60;b&#62;h&#60;/b&#62;"));
	assert_non_null(strstr(text, "<dd>6.12&#34;&#62;&#60;img&#62;"));
}

static void test_pages(void **state)
{
	static const char *const scenes[] = { "small", "empty", "hostile", "many", "trouble", "leaving", "apf" };
	static const char *const ids[] = {
		"findings", "time", "vms", "events", "hists", "blame", "drops", "masks", "calls", "late",
	};
	char id[32];

	for (size_t i = 0; i < 2 * sizeof(scenes) / sizeof(scenes[0]); i++) {
		begin_page(scenes[i / 2], i % 2);
		check_inert();
		for (size_t k = 0; k < sizeof(ids) / sizeof(ids[0]); k++) {
			snprintf(id, sizeof(id), "<section id=%s>", ids[k]);
			assert_non_null(strstr(text, id));
		}
		free(text);
	}
}

/* What was left out is told. */
static void test_many(void **state)
{
	begin_page("many", true);
	assert_non_null(strstr(text, "and 1501 events more"));	/* 2000 and that of scene_go_on() */
	assert_non_null(strstr(text, "and 1937 events more"));	/* histograms */
	assert_non_null(strstr(text, "and 1501 vCPUs more"));
	assert_in_range(text_size, 1, 1500000);
	free(text);
}

/* A section of their own; where there are none, not even a word. */
static void test_apf(void **state)
{
	begin_page("apf", false);
	assert_non_null(strstr(text, "<section id=faults>"));
	assert_non_null(strstr(text, "<a href=\"#faults\">"));
	assert_non_null(strstr(text, "<td>1<td>0x405cc<td data-ns=41377000>"));	/* the slowest of web-1, and its page */
	assert_non_null(strstr(text, "<td data-ns=41337000>"));
	assert_non_null(strstr(text, "<td class=nil>0<td>17<td class=nil>0"));	/* db: not-now */
	assert_non_null(strstr(text, "2 records lost"));
	assert_null(strstr(text, "Page faults by vCPU and time"));
	free(text);
	begin_page("apf", true);
	assert_non_null(strstr(text, "aria-label=\"Page faults by vCPU and time\""));
	free(text);
	begin_page("trouble", true);
	assert_null(strstr(text, "age fault"));
	free(text);
}

static void test_trouble(void **state)
{
	begin_page("trouble", true);
	assert_non_null(strstr(text, "data-code=handler-hung"));
	assert_non_null(strstr(text, "data-code=mask-long"));
	assert_non_null(strstr(text, "The handler of event 0 of VM 4312"));
	assert_non_null(strstr(text, "has been running for <b data-ns=20510000000>20.5\xc2\xa0s</b>."));
	free(text);
	begin_page("small", true);
	assert_non_null(strstr(text, "1009 records were lost"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_call_times),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_apf),
		cmocka_unit_test(test_trouble),
	};

	return cmocka_run_group_tests_name("report_html", tests, NULL, NULL);
}
