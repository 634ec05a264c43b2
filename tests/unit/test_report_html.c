// SPDX-License-Identifier: GPL-2.0-only
/* Whatever a guest is called, the page has it as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/view/html.h"
#include "src/view/report.h"
#include "view_scene.h"

static void check_text(const char *in, const char *want)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	html_text(out, in);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
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

static void test_page(void **state)
{
	static const char *const scenes[] = { "small", "empty", "hostile", "many", "trouble", "leaving" };
	struct recording_about about = { .host = "<b>h</b>", .kernel = "6.12\"><img>", .probes = "kvm_sdei_signal" };

	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		struct view_status status = { 0 };
		struct model *m = scene_new(scenes[i], &status);
		struct report report = { .model = m, .status = &status, .about = &about, .end_ns = 1000000000 };
		struct timeline *t;
		char *text;
		size_t size;
		FILE *out;

		assert_non_null(m);
		model_keep_intervals(m, true);
		report.timeline = t = timeline_new(status.now_ns, status.now_ns + 1000000000);
		assert_non_null(t);
		scene_go_on(m, &status);
		assert_int_equal(timeline_take(t, m, status.now_ns), 0);
		out = open_memstream(&text, &size);
		assert_int_equal(report_html(out, &report), 0);
		fclose(out);
		assert_non_null(strstr(text, "SDEI on &#60;b&#62;h&#60;/b&#62;"));
		assert_null(strstr(text, "<img"));
		assert_null(strstr(text, "<script"));
		assert_null(strchr(text, '\033'));
		assert_int_equal(strlen(text), size);
		free(text);
		timeline_free(t);
		model_free(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_page),
	};

	return cmocka_run_group_tests_name("report_html", tests, NULL, NULL);
}
