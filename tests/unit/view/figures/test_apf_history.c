/* SPDX-License-Identifier: GPL-2.0-only */
/* Page faults over time as text and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/apf.h"
#include "record/names.h"
#include "session/vm_names.h"
#include "view/figures/json.h"
#include "view/figures/page_apf.h"

#define VM 7
#define COLUMN (1ULL << 20)

static void waited(struct model *m, uint32_t vcpu, uint64_t time_ns, uint64_t ns, uint64_t gfn)
{
	const struct sdei_record_apf r = {
		.head = {
			.time_ns = time_ns, .vm = VM, .vcpu = vcpu, .event = SDEI_NONE, .kind = SDEI_APF, .origin = APF_SYNC,
			.outcome = APF_FROM_USERFAULT,
		},
		.gfn = gfn, .duration_ns = ns,
	};

	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
}

/* Eight faults in the first column, and then one in each second one, of a frame that had one. */
static struct model *restored(bool keep)
{
	struct model *m = model_new(NULL);

	assert_non_null(m);
	model_keep_fault_history(m, keep);
	for (uint64_t i = 0; i < 8; i++)
		waited(m, i % 2, 100 * COLUMN + (i + 1) * COLUMN / 16, COLUMN / 16, 0x1000 + i);
	for (uint64_t i = 2; i <= 8; i += 2)
		waited(m, 0, (100 + i) * COLUMN + COLUMN / 2, COLUMN / 8, 0x1000);
	return m;
}

static char *page_of(const struct model *m, const struct model_vcpu *vcpu, unsigned int width, bool utf8)
{
	const struct status status = { .now_ns = 200 * COLUMN };
	const struct page_scope scope = { .status = &status, .width = width, .utf8 = utf8 };
	struct page page = { 0 };
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	page_apf(&page, model_vm(m, VM), vcpu, &scope);
	page_print(&page, out);
	page_clear(&page);
	fclose(out);
	return text;
}

static void has(char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("not there: %s\nin: %s", part, text);
}

static void test_text(void **state)
{
	struct model *m = restored(true);
	char *text = page_of(m, NULL, 100, false);

	(void)state;
	has(text, "Frames    different 8  again 4  sequential 50%");
	has(text, ", a column is 1.0ms\n"
		  "faults/s  # . . . .  at most 7629\n"
		  "blocked   # . . . .  at most 25%\n"
		  "frames    #########  up to 8\n");
	free(text);
	text = page_of(m, NULL, 100, true);
	has(text, "faults/s  █ ▁ ▁ ▁ ▁  at most 7629\n");
	free(text);
	model_free(m);
}

/* One column is one long wait; the quick faults of those before are counted in it, too. */
static void test_never_more_than_always(void **state)
{
	struct sdei_record_apf nothing = {
		.head = { .time_ns = 100 * COLUMN, .vm = VM, .event = SDEI_NONE, .kind = SDEI_APF, .origin = APF_QUICK },
	};
	struct sdei_record_apf quick = {
		.head = { .time_ns = 101 * COLUMN - 1, .vm = VM, .event = SDEI_NONE, .kind = SDEI_APF, .origin = APF_QUICK },
		.faults = 40, .duration_ns = COLUMN / 20,
	};
	struct model *m = model_new(NULL);
	char *text;

	(void)state;
	assert_non_null(m);
	model_keep_fault_history(m, true);
	assert_int_equal(model_feed(m, &nothing.head, sizeof(nothing)), 0);
	waited(m, 0, 101 * COLUMN - 1, COLUMN - 1, 0x1000);
	assert_int_equal(model_feed(m, &quick.head, sizeof(quick)), 0);
	text = page_of(m, NULL, 100, false);
	has(text, "at most 100%\n");
	free(text);
	model_free(m);
}

/* Where there are fewer columns than the history has, each shows some of its columns together. */
static void test_narrow(void **state)
{
	struct model *m = restored(true);
	char *text = page_of(m, NULL, 38, false);

	(void)state;
	has(text, ", a column is 3.1ms\n"
		  "faults/s  #..  at most 2861\n"
		  "blocked   #.:  at most 10%\n"
		  "frames    ###  up to 8\n");
	free(text);
	model_free(m);
}

static void test_not_kept(void **state)
{
	struct model *m = restored(false);
	char *text = page_of(m, NULL, 100, false);

	(void)state;
	has(text, "Frames    different 8");
	assert_null(strstr(text, "Over time"));
	free(text);
	model_free(m);
	m = restored(true);
	text = page_of(m, model_vcpu(model_vm(m, VM), 1), 100, false);
	has(text, "Frames    different 4  again 0  sequential 75%");
	assert_null(strstr(text, "Over time"));
	free(text);
	model_free(m);
}

/* Steps that are no fault have no place in time. */
static void test_no_fault(void **state)
{
	const struct sdei_record_apf r = {
		.head = { .time_ns = 1000, .vm = VM, .event = SDEI_NONE, .kind = SDEI_APF, .origin = APF_FALLBACK, .outcome = APF_FALLBACK_FULL },
	};
	const struct status status = { .now_ns = 200 * COLUMN };
	struct model *m = model_new(NULL);
	size_t size;
	char *text;
	FILE *out;

	(void)state;
	assert_non_null(m);
	model_keep_fault_history(m, true);
	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
	text = page_of(m, NULL, 100, false);
	has(text, "Fallbacks all 1");
	assert_null(strstr(text, "Over time"));
	free(text);
	out = open_memstream(&text, &size);
	assert_non_null(out);
	json_summary(out, m, &status);
	fclose(out);
	assert_null(strstr(text, "over_time"));
	free(text);
	model_free(m);
}

static void test_json(void **state)
{
	const struct status status = { .now_ns = 200 * COLUMN };
	struct model *m = restored(true);
	char begin[128], *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	json_summary(out, m, &status);
	fclose(out);
	snprintf(begin, sizeof(begin), "\"over_time\":{\"begin_ns\":%llu,\"column_ns\":%llu,", 100 * COLUMN, COLUMN);
	has(text, begin);
	has(text, "\"faults\":[8,0,1,0,1,0,1,0,1],\"blocked_ns\":[524288,0,131072,0,131072,0,131072,0,131072],"
		  "\"frames\":[8,0,0,0,0,0,0,0,0]}");
	assert_null(strstr(strstr(text, "over_time") + 1, "over_time"));
	free(text);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_never_more_than_always),
		cmocka_unit_test(test_narrow),
		cmocka_unit_test(test_not_kept),
		cmocka_unit_test(test_no_fault),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
