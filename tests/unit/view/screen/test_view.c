/* SPDX-License-Identifier: GPL-2.0-only */
/* Columns, tables, text and JSON, the latter two against golden files. */
#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "view/figures/bars.h"
#include "view/figures/columns.h"
#include "record/json.h"
#include "record/text.h"
#include "session/vm_names.h"
#include "view/figures/format.h"
#include "view/screen/heat.h"
#include "view/figures/json.h"
#include "view/figures/text.h"
#include "tests/unit/lib/view_scene.h"

/* --- numbers */

static void assert_format(char *(*format)(char *, size_t, double, unsigned int), double value, unsigned int width,
			  const char *want)
{
	char buf[FORMAT_SIZE];

	assert_string_equal(format(buf, sizeof(buf), value, width), want);
	assert_true(strlen(want) <= width);
}

static void test_numbers(void **state)
{
	assert_format(format_count, 0, 6, "0");
	assert_format(format_count, 999999, 6, "999999");
	assert_format(format_count, 1234567, 6, "1.23M");
	assert_format(format_count, 123456789, 6, "123.5M");
	assert_format(format_count, 18446744073709551615.0, 6, "18.45E");
	assert_format(format_real, 0, 6, "0");
	assert_format(format_real, 0.01, 6, "0.0");
	assert_format(format_real, 1234.56, 6, "1235");
	assert_format(format_real, 12345.6, 6, "12346");
	assert_format(format_us, 1500, 7, "1.5");
	assert_format(format_us, 999940, 7, "999.9");
	assert_format(format_us, 999960, 7, "1000");
	assert_format(format_us, 1234567890, 7, "1234568");
	assert_format(format_us, 12345678900.0, 7, "12.35s");
	assert_format(format_us, 1099511627776.0, 7, "1099.5s");
}

static void assert_age(uint64_t ns, const char *want)
{
	char buf[FORMAT_SIZE];

	assert_string_equal(format_age(buf, sizeof(buf), ns), want);
	assert_true(strlen(want) <= 6);
}

static void test_ages(void **state)
{
	assert_age(0, "0ns");
	assert_age(999, "999ns");
	assert_age(1500, "1.5us");
	assert_age(99960, "100us");
	assert_age(12345678, "12.3ms");
	assert_age(999000000, "999ms");
	assert_age(59900000000, "59.9s");
	assert_age(245000000000, "4m05s");
	assert_age(7500000000000, "2h05m");
	assert_age(273600000000000, "3d04h");
}

static void test_times(void **state)
{
	const struct times local = { .form = TIMES_LOCAL, .wall = { .count = 1 } };
	struct status status = { .now_ns = 1000000, .wall_ns = 1767225600123000000 };
	char buf[FORMAT_SIZE];

	assert_string_equal(format_time(buf, sizeof(buf), &status, 1000000, 3), "2026-01-01T00:00:00.123Z");
	assert_string_equal(format_clock(buf, sizeof(buf), &status, 2000000, 3), "00:00:00.124Z");
	assert_int_equal(format_clock_width(&status, 3), strlen(buf));
	status.times = &local;		/* with a clock of its own */
	assert_string_equal(format_time(buf, sizeof(buf), &status, 1000000, 3), "1970-01-01T00:00:00.001+00:00");
	assert_string_equal(format_time_wall(buf, sizeof(buf), &status, 1000000), "1970-01-01T00:00:00.001+00:00");
}

static void assert_offset(int64_t ns, const char *want)
{
	char buf[FORMAT_SIZE];

	assert_string_equal(format_offset(buf, sizeof(buf), ns), want);
}

static void test_offsets(void **state)
{
	assert_offset(0, "+0.000us");
	assert_offset(-1500, "-1.500us");
	assert_offset(999999, "+999.999us");
	assert_offset(-1000000, "-1.000000ms");
	assert_offset(12345678, "+12.345678ms");
	assert_offset(-1199998369000, "-1199.998369s");
}

/* --since takes them. */
static void test_positions(void **state)
{
	char buf[FORMAT_SIZE];

	assert_string_equal(format_position(buf, sizeof(buf), 12345678901), "00m12.3s");
	assert_string_equal(format_position(buf, sizeof(buf), 3723456789012), "1h02m03.4s");
}

/* --- columns and rows */

static void test_columns(void **state)
{
	for (size_t i = 0; i < column_count; i++) {
		assert_ptr_equal(column_find(columns[i].id), &columns[i]);	/* ids are unique */
		assert_true(strlen(columns[i].title) <= columns[i].width);
		assert_true(columns[i].wide >= columns[i].width || columns[i].unit == UNIT_TEXT);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(columns[i].rank, columns[j].rank);
	}
	assert_null(column_find("nothing"));
}

/* What is gone below what is there; in each, largest first and unknown last, both ways round. */
static void check_order(const struct table *t, const struct column *column, bool reverse)
{
	for (size_t row = 1; row < table_count(t); row++) {
		struct cell before = table_cell(t, row - 1, column), after = table_cell(t, row, column);
		int order = column_compare(column, &before, &after);

		assert_true(table_gone(t, row) || !table_gone(t, row - 1));
		if (table_gone(t, row) != table_gone(t, row - 1))
			continue;
		if (before.kind == CELL_UNKNOWN || after.kind == CELL_UNKNOWN)
			assert_int_equal(after.kind, CELL_UNKNOWN);
		else
			assert_true(reverse ? order >= 0 : order <= 0);
	}
}

static void test_sorting(void **state)
{
	struct status status;
	struct model *m = scene_new("small", &status);
	struct view_scope scope = { .now_ns = status.now_ns, .interval_ns = model_totals(m)->interval_ns };
	struct table *t = table_new();

	for (size_t i = 0; i < column_count; i++) {
		for (int reverse = 0; reverse < 2; reverse++) {
			const struct table_options options = { .sort = &columns[i], .reverse = reverse, .gone = true };

			assert_int_equal(table_build(t, m, &scope, &options), 0);
			assert_int_equal(table_count(t), 7);
			check_order(t, &columns[i], reverse);
		}
	}
	table_free(t);
	model_free(m);
}

static size_t filtered(struct table *t, const struct model *m, const struct view_scope *scope, struct table_options options,
		       const char *text)
{
	struct filter *filter;
	char why[64];

	assert_int_equal(filter_new(&filter, text, why, sizeof(why)), 0);
	options.filter = filter;
	assert_int_equal(table_build(t, m, scope, &options), 0);
	filter_free(filter);
	return table_count(t);
}

static void test_rows(void **state)
{
	struct status status;
	struct model *m = scene_new("small", &status);
	struct view_scope scope = { .now_ns = status.now_ns, .interval_ns = model_totals(m)->interval_ns };
	struct table_options options = { .all = true };
	struct table *t = table_new();

	assert_int_equal(table_build(t, m, &scope, &options), 0);
	assert_int_equal(table_count(t), 20);		/* all events of all vCPUs, the one that is gone too */
	options.gone_since_ns = status.now_ns;
	assert_int_equal(table_build(t, m, &scope, &options), 0);
	assert_int_equal(table_count(t), 16);
	assert_int_equal(filtered(t, m, &scope, options, "^WEB-[0-9]$"), 8);
	assert_int_equal(filtered(t, m, &scope, options, "51007"), 4);
	assert_int_equal(filtered(t, m, &scope, options, "vm=web* p99>14us"), 1);
	assert_int_equal(filtered(t, m, &scope, options, "state=PM drops=0"), 1);
	table_free(t);
	model_free(m);
}

/* A frozen table keeps its figures and names after the model is gone, and can still be sorted. */
static void test_freezing(void **state)
{
	struct status status;
	struct model *m = scene_new("small", &status);
	struct view_scope scope = { .now_ns = status.now_ns, .interval_ns = model_totals(m)->interval_ns };
	struct table_options options = { .sort = column_find("max") };
	struct table *t = table_new();

	assert_int_equal(table_build(t, m, &scope, &options), 0);
	assert_int_equal(table_freeze(t), 0);
	model_free(m);
	options.sort = column_find("signals");
	assert_int_equal(table_build(t, NULL, NULL, &options), 0);
	assert_int_equal(table_count(t), 7);
	assert_int_equal(table_cell(t, 0, column_find("vm")).number, 4312);
	assert_string_equal(table_cell(t, 0, column_find("name")).string, "db");
	assert_true(table_cell(t, 0, column_find("p50")).number > 300000);
	table_free(t);
}

/* --- golden text and JSON */

typedef void (*view_t)(FILE *out, const struct model *m, const struct status *status);

static void assert_view(const char *scene, view_t view, const char *golden)
{
	struct status status;
	struct model *m = scene_new(scene, &status);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	view(out, m, &status);
	fclose(out);
	assert_golden(golden, text);
	free(text);
	model_free(m);
}

static const struct table_options plain;

static void view_interval(FILE *out, const struct model *m, const struct status *status)
{
	assert_int_equal(text_interval(out, m, status, &plain), 0);
}

static void view_summary(FILE *out, const struct model *m, const struct status *status)
{
	assert_int_equal(text_summary(out, m, status, &plain), 0);
}

static void test_text(void **state)
{
	assert_view("small", view_interval, "interval.txt");
	assert_view("small", view_summary, "summary.txt");
	assert_view("hostile", view_interval, "interval-hostile.txt");
	assert_view("empty", view_summary, "summary-empty.txt");
	assert_view("trouble", view_summary, "summary-trouble.txt");
	assert_view("gone", view_interval, "interval-gone.txt");
	assert_view("apf", view_interval, "interval-apf.txt");
	assert_view("apf", view_summary, "summary-apf.txt");
	assert_view("apf-ended", view_interval, "interval-apf-ended.txt");
	assert_view("apf-only", view_interval, "interval-apf-only.txt");
	assert_view("apf-only", view_summary, "summary-apf-only.txt");
}

static void test_json(void **state)
{
	assert_view("small", json_interval, "interval.json");
	assert_view("small", json_summary, "summary.json");
	assert_view("hostile", json_interval, "interval-hostile.json");
	assert_view("empty", json_summary, "summary-empty.json");
	assert_view("trouble", json_interval, "interval-trouble.json");
	assert_view("apf", json_interval, "interval-apf.json");
	assert_view("apf", json_summary, "summary-apf.json");
}

/* Intervals are kept as they come, each once; what is shown is of one VM. */
static void test_heat(void **state)
{
	const struct row_id of = { .pid = 1201 }, other = { .pid = 77 };
	struct status status;
	struct model *m = scene_new("small", &status);
	struct heat *heat = heat_new();
	struct page page = { 0 };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (int i = 0; i < 300; i++) {
		assert_int_equal(heat_take(heat, m), 0);
		assert_int_equal(heat_take(heat, m), 0);
		if (i == 20 || i == 299) {
			const struct page_scope scope = { .status = &status, .width = 60, .rows = 14, .utf8 = i == 20 };

			page_heat(&page, heat, LEVEL_VM, &of, &scope);
			page_print(&page, out);
			page_clear(&page);
		}
		scene_go_on(m, &status);
	}
	page_heat(&page, heat, LEVEL_VM, &other, &(struct page_scope){ .status = &status, .width = 1, .rows = 1 });
	page_print(&page, out);
	page_clear(&page);
	fclose(out);
	assert_golden("heat.txt", text);
	free(text);
	heat_free(heat);
	model_free(m);
}

#define AT_START_NS 1000000000ULL
#define AT_END_NS 10000000000000ULL	/* long after the longest latency */

static void dispatch_after(struct model *m, uint64_t *t, uint32_t vcpu, uint64_t latency_ns)
{
	static const struct { uint8_t kind, outcome, state; } steps[] = {
		{ SDEI_SIGNAL, SDEI_QUEUED, SDEI_PENDING }, { SDEI_DISPATCH, 0, SDEI_RUNNING }, { SDEI_COMPLETE, SDEI_COMPLETED, 0 },
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct sdei_record r = {
			.time_ns = *t, .vm = 1, .vcpu = vcpu, .kind = steps[i].kind, .outcome = steps[i].outcome,
			.state = SDEI_REGISTERED | SDEI_ENABLED | steps[i].state,
		};

		model_feed(m, &r, sizeof(r));
		*t += i ? 1 : latency_ns;
	}
}

/* The map of one interval in which events of a VM were dispatched after so long: all on one vCPU, or each on another. */
static char *heat_of(const uint64_t *latencies, size_t count, bool apart)
{
	const struct status status = { .wall_ns = AT_END_NS, .now_ns = AT_END_NS };
	const struct page_scope scope = { .status = &status, .width = 60, .rows = 64 };
	const struct row_id of = { .pid = 1 };
	struct model *m = model_new(NULL);
	struct heat *heat = heat_new();
	struct page page = { 0 };
	uint64_t t = AT_START_NS;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	model_keep_intervals(m, true);
	model_tick(m, AT_START_NS);
	for (size_t i = 0; i < count; i++)
		dispatch_after(m, &t, apart ? i : 0, latencies[i]);
	model_tick(m, AT_END_NS);
	assert_int_equal(heat_take(heat, m), 0);
	page_heat(&page, heat, LEVEL_VM, &of, &scope);
	page_print(&page, out);
	page_clear(&page);
	heat_free(heat);
	model_free(m);
	fclose(out);
	return text;
}

/* One sample of a vCPU, two, or many: they are in the same places of the map. */
static void test_heat_places(void **state)
{
	static const uint64_t latencies[] = { 1, 1000, 1001, 1200, 70000, 5000000, (1ULL << 40) - 1, 1ULL << 40, 3ULL << 40 };
	const size_t all = sizeof(latencies) / sizeof(latencies[0]);

	for (size_t i = 0; i < all; i++) {
		for (size_t count = 1; i + count <= all; count++) {
			char *together = heat_of(&latencies[i], count, false), *apart = heat_of(&latencies[i], count, true), want[80];

			assert_string_equal(together, apart);
			snprintf(want, sizeof(want), "interval: %zu dispatch", count);
			assert_non_null(strstr(together, want));
			free(together);
			free(apart);
		}
	}
}

/* Steps meet without gaps, and every sample is in one of them. */
static void test_bars(void **state)
{
	static const int choices[] = { 4, 2, 1, -2, -3 };
	struct hist_bucket rows[24];
	struct hist *h = hist_new();
	char bar[64];

	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
		for (uint64_t value = 1; value < 1ULL << 40; value += 1 + value / 7) {
			unsigned int step = bars_step(value, choices[i]);

			assert_true(value < 4 || bars_step_min(step, choices[i]) <= value);
			assert_true(value < 4 || bars_step_min(step + 1, choices[i]) > value);
		}
	for (uint64_t value = 1000; value < 1ULL << 38; value *= 3)
		hist_add(h, value, NULL);
	for (size_t max = 1; max <= 24; max++) {
		size_t count = bars_merge(h, rows, max);
		uint64_t sum = 0;

		assert_true(count > 0 && count <= max);
		for (size_t i = 0; i < count; i++)
			sum += rows[i].count;
		assert_int_equal(sum, hist_count(h));
	}
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)	/* the last step ends where values do */
		assert_true(bars_step_min(bars_step(UINT64_MAX, choices[i]) + 1, choices[i]) == UINT64_MAX);
	assert_string_equal(bars_bar(bar, 0.5, 8, false), "####");
	assert_string_equal(bars_bar(bar, 1e-9, 8, false), "#");
	assert_string_equal(bars_bar(bar, 7, 4, false), "####");
	hist_free(h);
}

static void test_split(void **state)
{
	static const uint64_t values[][4] = { { 0, 0, 0, 0 }, { 1, 0, 0, 999 }, { 1, 1, 1, 1 }, { 1, 1, 1, 1ULL << 60 }, { 5, 5, 3, 2 } };
	unsigned int cells[4];

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		for (unsigned int width = 4; width < 70; width++) {
			unsigned int sum = 0;

			bars_split(values[i], 4, width, cells);
			for (int j = 0; j < 4; j++) {
				sum += cells[j];
				assert_true(!values[i][j] == !cells[j]);
			}
			assert_int_equal(sum, i ? width : 0);
		}
}

/* --- records, one of each kind */

static const struct vm_name name = { .raw = "web\n", .shown = "web\\x0a", .width = 7 };

typedef void (*put_record_t)(FILE *out, struct times_printer *times, const struct sdei_record *r, const char *name);

static void each_record(FILE *out, put_record_t put, struct times_printer *times, const char *vm)
{
	for (unsigned int kind = SDEI_KIND_NONE + 1; kind < SDEI_KIND_COUNT; kind++) {
		union {
			struct sdei_record head;
			struct sdei_record_handler handler;
			struct sdei_record_call call;
			struct sdei_record_smccc smccc;
			struct sdei_record_counter counter;
		} r = { .head = { .time_ns = 1234567890123, .vm = 4321, .vcpu = 7, .event = kind == SDEI_MASK ? SDEI_NONE : 2,
				  .kind = kind, .state = SDEI_REGISTERED | SDEI_PENDING, .outcome = 1, .origin = 1 } };

		if (kind == SDEI_CALL) {
			r.call.function = 0xC400002F;
			r.head.result = -2;
			r.call.args[1] = ~0ULL;
		} else if (kind == SDEI_SMCCC) {
			r.smccc.function = 0xC4000003;
			r.smccc.args[0] = 0x101;
			r.smccc.target = 5;
			r.head.result = -4;
		} else if (kind == SDEI_POWER) {
			r.head.origin = SDEI_POWER_OFF;
			r.head.arg = 1234567890000;
		} else if (kind == SDEI_COUNTER) {
			r.head.origin = SDEI_COUNTER_SET;
			r.counter.offset = -5ULL;
			r.counter.hz = 62500000;
		} else if (kind == SDEI_DISPATCH || kind == SDEI_COMPLETE) {
			r.head.pc = 0xffff800080010004;
		} else if (kind == SDEI_REGISTER || kind == SDEI_STATE) {
			r.handler.ep_addr = 0xffff800080010000;
			r.handler.ep_arg = 0x40;
		}
		if (kind == SDEI_STATE)
			r.head.outcome = SDEI_PENDING;
		put(out, times, &r.head, vm);
	}
}

static void rejected(FILE *out, put_record_t put, struct times_printer *times, const char *vm)
{
	struct sdei_record r = {
		.time_ns = 1, .vm = 1, .event = 0x40000001, .kind = SDEI_SIGNAL, .outcome = SDEI_REJECTED,
		.origin = SDEI_FROM_VMM, .sender = SDEI_NONE, .error = -16,
	};

	put(out, times, &r, vm);
	r.origin = r.outcome = 99;		/* of a newer kernel */
	r.error = -121;
	put(out, times, &r, vm);
}

static const struct sdei_lost_key lost = { .vm = 4321, .vcpu = 7, .event = 2, .kind = SDEI_SIGNAL };
static const struct sdei_lost_key lost_of_any = { .vm = SDEI_ANY_VM, .vcpu = SDEI_NONE, .event = SDEI_NONE, .kind = SDEI_APF };

/* The wall clock was 2026-01-01T00:00:00Z when the machine was booted. */
static const struct times clocks = { .wall = { .count = 1, .step = { { .offset_ns = 1767225600000000000 } } } };

static void view_events_text(FILE *out, const struct model *m, const struct status *status)
{
	for (enum time_form form = TIMES_UTC; form <= TIMES_RELATIVE; form++) {
		struct times times = clocks;
		struct times_printer printer = { .times = &times };

		times.form = form;
		record_text_header(out, &times);
		each_record(out, record_text_record, &printer, name.shown);
		rejected(out, record_text_record, &printer, name.shown);
	}
	record_text_lost(out, &lost, 1009);
	record_text_lost(out, &lost_of_any, 2);
	record_text_lost(out, NULL, 3);
}

static void view_events_json(FILE *out, const struct model *m, const struct status *status)
{
	struct times_printer printer = { .times = &clocks, .wall = true };

	each_record(out, json_record, &printer, name.raw);
	rejected(out, json_record, &printer, name.raw);
	json_lost(out, &lost, 1009);
	json_lost(out, &lost_of_any, 2);
	json_lost(out, NULL, 3);
}

static void test_records(void **state)
{
	assert_view("empty", view_events_text, "events.txt");
	assert_view("empty", view_events_json, "events.json");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_ages), cmocka_unit_test(test_times),
		cmocka_unit_test(test_offsets), cmocka_unit_test(test_positions),
		cmocka_unit_test(test_columns), cmocka_unit_test(test_sorting), cmocka_unit_test(test_rows),
		cmocka_unit_test(test_freezing), cmocka_unit_test(test_text), cmocka_unit_test(test_json),
		cmocka_unit_test(test_records), cmocka_unit_test(test_heat), cmocka_unit_test(test_heat_places),
		cmocka_unit_test(test_bars), cmocka_unit_test(test_split),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8")) {
		puts("skip view no C.UTF-8 locale");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
