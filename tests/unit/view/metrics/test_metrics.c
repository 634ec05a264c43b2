/* SPDX-License-Identifier: GPL-2.0-only */
/* The model as Prometheus text: golden files, counts against the model's own, what never goes back, what is left out. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/apf.h"
#include "view/metrics/metrics.h"
#include "view/metrics/metrics_inside.h"
#include "util/buf.h"
#include "session/vm_names.h"
#include "tests/unit/lib/view_scene.h"

#define SEC 1000000000ULL

/* A copy of what is rendered now. */
static char *render(struct metrics *x, const struct model *m, const struct status *status)
{
	const struct metrics_host host = { .status = status, .cpu_ns = 1250000000, .write_errors = 3 };
	const char *text;
	size_t size;

	assert_int_equal(metrics_render(x, m, &host, &text, &size), 0);
	return strndup(text, size);
}

static char *render_once(const struct metrics_options *options, const struct model *m, const struct status *status)
{
	struct metrics *x = metrics_new(options);
	char *text = render(x, m, status);

	metrics_free(x);
	return text;
}

/* The value of the line that starts with series and a space; -1: there is none. */
static double value_of(const char *text, const char *series)
{
	size_t size = strlen(series);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, series, size) == 0 && line[size] == ' ')
			return strtod(line + size, NULL);
	}
	return -1;
}

static const struct metrics_options plain;

static void test_golden(void **state)
{
	static const char *const scenes[] = { "small", "hostile", "empty", "trouble", "apf" };

	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		struct status status;
		struct model *m = scene_new(scenes[i], &status);
		char name[64], *text = render_once(&plain, m, &status);

		snprintf(name, sizeof(name), "metrics-%s.prom", scenes[i]);
		assert_golden(name, text);
		free(text);
		model_free(m);
	}
}

static void test_vcpus(void **state)
{
	const struct metrics_options by_vcpu = { .vcpu = true };
	struct status status;
	struct model *m = scene_new("small", &status);
	char *text = render_once(&by_vcpu, m, &status);

	assert_golden("metrics-vcpu.prom", text);
	free(text);
	model_free(m);
}

/* --- against the model */

/* How many samples have at most le_ns, from the finest buckets there are. */
static uint64_t count_up_to(const struct hist *h, uint64_t le_ns)
{
	struct hist_bucket bucket;
	unsigned int it = 0;
	uint64_t count = 0;

	while (hist_next(h, &it, &bucket)) {
		assert_true(bucket.max_ns <= le_ns || bucket.min_ns > le_ns);	/* the bound is an edge */
		count += bucket.max_ns <= le_ns ? bucket.count : 0;
	}
	return count;
}

static void check_hist(const char *text, const char *family, const char *labels, const struct hist *h)
{
	char series[256];
	unsigned int checked = 0;

	for (unsigned int power = 8; power <= 33; power++, checked++) {
		uint64_t le_ns = (1ULL << power) - 1;

		snprintf(series, sizeof(series), "%s_bucket{%s,le=\"%.10g\"}", family, labels, (double)le_ns / 1e9);
		assert_true(value_of(text, series) == (double)count_up_to(h, le_ns));
	}
	assert_int_equal(checked, 26);
	snprintf(series, sizeof(series), "%s_bucket{%s,le=\"+Inf\"}", family, labels);
	assert_true(value_of(text, series) == (double)hist_count(h));
	snprintf(series, sizeof(series), "%s_count{%s}", family, labels);
	assert_true(value_of(text, series) == (double)hist_count(h));
	snprintf(series, sizeof(series), "%s_sum{%s}", family, labels);
	assert_true(value_of(text, series) == (double)hist_sum(h) / 1e9);
}

static void test_histograms(void **state)
{
	struct status status;
	struct model *m = scene_new("small", &status);
	const struct model_event *e = model_event(model_vcpu(model_vm(m, 4312), 0), 1);
	char *text = render_once(&plain, m, &status);

	assert_true(hist_count(e->dispatch) > 400);
	check_hist(text, "kvm_sdei_dispatch_latency_seconds", "vm=\"db:4312\",event=\"1\"", e->dispatch);
	check_hist(text, "kvm_sdei_handler_seconds", "vm=\"db:4312\",event=\"1\"", e->handler);
	check_hist(text, "kvm_sdei_total_latency_seconds", "vm=\"db:4312\",event=\"1\"", e->total);
	free(text);
	model_free(m);
}

static void test_apf(void **state)
{
	const struct metrics_options by_vcpu = { .vcpu = true };
	struct status status;
	struct model *m = scene_new("apf", &status);
	char *vms = render_once(&plain, m, &status), *vcpus = render_once(&by_vcpu, m, &status);
	struct model_apf sum;

	assert_int_equal(model_vm_apf(model_vm(m, 1201), &sum), 0);
	for (unsigned int stage = 0; stage < APF_STAGE_COUNT; stage++) {
		char labels[64];

		snprintf(labels, sizeof(labels), "vm=\"web-1:1201\",stage=\"%s\"", apf_stage_name(stage));
		if (sum.stage[stage])
			check_hist(vms, "kvm_apf_stage_seconds", labels, sum.stage[stage]);
		else
			assert_null(strstr(vms, labels));
	}
	assert_true(value_of(vms, "kvm_apf_saved_seconds_total{vm=\"web-1:1201\"}") == (double)apf_saved_ns(&sum) / 1e9);
	assert_true(value_of(vms, "kvm_apf_blocked_seconds_total{vm=\"web-1:1201\"}") == 0);
	apf_release(&sum);
	assert_int_equal(model_vm_apf(model_vm(m, 4312), &sum), 0);
	assert_true(value_of(vms, "kvm_apf_saved_seconds_total{vm=\"db:4312\"}") == (double)apf_saved_ns(&sum) / 1e9);
	assert_true(value_of(vms, "kvm_apf_blocked_seconds_total{vm=\"db:4312\"}") == (double)apf_blocked_ns(&sum) / 1e9);
	assert_true(apf_blocked_ns(&sum) > 0 && apf_saved_ns(&sum) > 0);
	assert_true(sum.oldest_ns > 0);
	assert_true(value_of(vms, "kvm_apf_oldest_seconds{vm=\"db:4312\"}") == (double)(status.now_ns - sum.oldest_ns) / 1e9);
	assert_true(value_of(vms, "kvm_apf_oldest_seconds{vm=\"a-guest-with-quite-a-long-name:51007\"}") == 0);
	apf_release(&sum);
	assert_true(value_of(vms, "kvm_apf_outcomes_total{vm=\"web-1:1201\",outcome=\"async\"}") == 114);
	assert_true(value_of(vcpus, "kvm_apf_outcomes_total{vm=\"web-1:1201\",vcpu=\"0\",outcome=\"async\"}") == 101);
	assert_true(value_of(vcpus, "kvm_apf_outcomes_total{vm=\"web-1:1201\",vcpu=\"1\",outcome=\"async\"}") == 13);
	assert_true(value_of(vms, "kvm_apf_fallbacks_total{vm=\"web-1:1201\",reason=\"busy\"}") == 5);
	assert_true(value_of(vms, "kvm_apf_in_flight{vm=\"db:4312\"}") == 3);
	assert_true(value_of(vms, "kvm_apf_lost_records_total{vm=\"db:4312\"}") == 2);
	assert_true(value_of(vms, "kvm_sdei_lost_records_total{kind=\"apf\"}") == 2);
	free(vms);
	free(vcpus);
	model_free(m);
}

/* A VM's figures are the sum over its vCPUs, each of these a row of its own if asked for. */
static void test_sums(void **state)
{
	const struct metrics_options by_vcpu = { .vcpu = true };
	struct status status;
	struct model *m = scene_new("small", &status);
	char *vms = render_once(&plain, m, &status), *vcpus = render_once(&by_vcpu, m, &status);
	double sum = 0;

	for (uint32_t id = 0; id < 2; id++) {
		char series[128];
		const struct model_event *e = model_event(model_vcpu(model_vm(m, 1201), id), 0);

		snprintf(series, sizeof(series), "kvm_sdei_dispatched_total{vm=\"web-1:1201\",vcpu=\"%u\",event=\"0\"}", id);
		assert_true(value_of(vcpus, series) == (double)e->count.dispatched);
		sum += (double)e->count.dispatched;
	}
	assert_true(sum == 114);
	assert_true(value_of(vms, "kvm_sdei_dispatched_total{vm=\"web-1:1201\",event=\"0\"}") == sum);
	free(vms);
	free(vcpus);
	model_free(m);
}

/* --- what never goes back */

static bool is_counter(const char *line)
{
	size_t name = strcspn(line, "{ ");

	return (name > 6 && memcmp(line + name - 6, "_total", 6) == 0) || (name > 7 && memcmp(line + name - 7, "_bucket", 7) == 0) ||
	       (name > 6 && memcmp(line + name - 6, "_count", 6) == 0) || (name > 4 && memcmp(line + name - 4, "_sum", 4) == 0);
}

/* The number of counters compared: those of both. */
static unsigned int assert_none_went_back(const char *before, const char *after)
{
	unsigned int compared = 0;

	for (const char *line = before; *line; line += strcspn(line, "\n") + 1) {
		size_t size = strcspn(line, "\n");
		char series[512];
		double now;

		if (*line == '#' || !is_counter(line))
			continue;
		while (size && line[size] != ' ')
			size--;
		snprintf(series, sizeof(series), "%.*s", (int)size, line);
		now = value_of(after, series);
		if (now < 0)
			continue;
		compared++;
		if (now < strtod(line + size, NULL))
			print_error("%s went back to %f\n", series, now);
		assert_true(now >= strtod(line + size, NULL));
	}
	return compared;
}

static void test_counters(void **state)
{
	struct status status;
	struct model *m = scene_new("small", &status);
	struct metrics *x = metrics_new(&plain);
	char *before = render(x, m, &status), *after, *expired;

	scene_go_on(m, &status);
	after = render(x, m, &status);
	assert_true(assert_none_went_back(before, after) > 200);
	assert_true(value_of(after, "kvm_sdei_host_signals_total{outcome=\"queued\"}") >
		    value_of(before, "kvm_sdei_host_signals_total{outcome=\"queued\"}"));
	model_expire(m, status.now_ns + SEC);
	expired = render(x, m, &status);
	assert_true(assert_none_went_back(after, expired) > 200);
	free(before);
	free(after);
	free(expired);
	metrics_free(x);
	model_free(m);
}

static void feed(struct model *m, uint64_t t, uint32_t vm, uint32_t event, uint8_t kind, uint8_t state, uint8_t origin, int error)
{
	struct sdei_record_handler r = {
		.head = { .time_ns = t, .vm = vm, .event = event, .kind = kind, .state = state, .origin = origin, .error = error },
	};

	assert_int_equal(model_feed(m, &r.head, kind == SDEI_STATE || kind == SDEI_REGISTER ? sizeof(r) : sizeof(r.head)), 0);
}

/* A record that is read late ends a mask before the time that was already told. */
static void test_masked_time(void **state)
{
	struct model *m = model_new(NULL);
	struct metrics *x = metrics_new(&plain);
	struct status status = { .now_ns = 5 * SEC, .wall_ns = 5 * SEC };
	char *text;

	feed(m, SEC, 7, 0, SDEI_STATE, 0, SDEI_CREATED, 0);
	feed(m, 2 * SEC, 7, SDEI_NONE, SDEI_MASK, SDEI_MASKED, 0, 1);
	model_tick(m, status.now_ns);
	text = render(x, m, &status);
	assert_true(value_of(text, "kvm_sdei_masked_seconds_total{vm=\"-:7\"}") == 3);
	free(text);
	feed(m, 4 * SEC, 7, SDEI_NONE, SDEI_UNMASK, 0, 0, 0);
	feed(m, 6 * SEC, 7, SDEI_NONE, SDEI_MASK, SDEI_MASKED, 0, 1);
	status.now_ns = 6 * SEC;
	model_tick(m, status.now_ns);
	text = render(x, m, &status);
	assert_true(value_of(text, "kvm_sdei_masked_seconds_total{vm=\"-:7\"}") == 3);
	free(text);
	status.now_ns = 8 * SEC;
	model_tick(m, status.now_ns);
	text = render(x, m, &status);
	assert_true(value_of(text, "kvm_sdei_masked_seconds_total{vm=\"-:7\"}") == 4);
	assert_true(value_of(text, "kvm_sdei_mask_seconds_sum{vm=\"-:7\"}") == 2);
	free(text);
	metrics_free(x);
	model_free(m);
}

/* --- VMs that go, pids that come again */

static void test_life(void **state)
{
	struct model *m = model_new(NULL);
	struct metrics *x = metrics_new(&plain);
	struct status status = { .now_ns = 9 * SEC, .wall_ns = 9 * SEC };
	char *text;

	feed(m, SEC, 7, 0, SDEI_STATE, SDEI_REGISTERED, SDEI_CREATED, 0);
	feed(m, 2 * SEC, 7, 0, SDEI_STATE, 0, SDEI_DESTROYED, 0);
	feed(m, 3 * SEC, 7, 0, SDEI_STATE, SDEI_REGISTERED, SDEI_CREATED, 0);
	model_tick(m, status.now_ns);
	text = render(x, m, &status);
	assert_true(value_of(text, "kvm_sdei_vm_gone{vm=\"-:7\"}") == 1);
	assert_true(value_of(text, "kvm_sdei_vm_gone{vm=\"-:7.1\"}") == 0);
	assert_true(value_of(text, "kvm_sdei_dispatched_total{vm=\"-:7.1\",event=\"0\"}") == 0);
	assert_true(value_of(text, "kvm_sdei_vms") == 1);
	free(text);
	model_expire(m, 2 * SEC);
	text = render(x, m, &status);
	assert_true(value_of(text, "kvm_sdei_vm_gone{vm=\"-:7\"}") == 1);
	free(text);
	model_expire(m, 2 * SEC + 1);
	text = render(x, m, &status);
	assert_true(value_of(text, "kvm_sdei_vm_gone{vm=\"-:7\"}") == -1);
	assert_true(value_of(text, "kvm_sdei_vm_gone{vm=\"-:7.1\"}") == 0);
	free(text);
	metrics_free(x);
	model_free(m);
}

/* --- losses and findings */

static void test_lost(void **state)
{
	const struct sdei_lost_key key = { .vm = 7, .event = 0, .kind = SDEI_DISPATCH };
	struct model *m = model_new(NULL);
	struct status status = { .now_ns = SEC, .wall_ns = SEC };
	char *text;

	model_feed_lost(m, &key, 13);
	model_feed_lost(m, NULL, 5);
	model_tick(m, SEC);
	text = render_once(&plain, m, &status);
	assert_true(value_of(text, "kvm_sdei_lost_records_total{kind=\"dispatch\"}") == 13);
	assert_true(value_of(text, "kvm_sdei_lost_records_total{kind=\"unknown\"}") == 5);
	assert_true(value_of(text, "kvm_sdei_lost_records_total{kind=\"signal\"}") == 0);
	assert_true(value_of(text, "kvm_sdei_vm_lost_records_total{vm=\"-:7\"}") == 13);
	assert_true(value_of(text, "kvm_sdei_dispatched_total{vm=\"-:7\",event=\"0\"}") == 13);
	free(text);
	model_free(m);
}

static void test_findings(void **state)
{
	struct status status;
	struct model *m = scene_new("trouble", &status);
	char *text = render_once(&plain, m, &status);
	size_t count;
	const struct model_finding *findings = model_findings(m, &count);

	assert_true(count >= 3);
	assert_true(value_of(text, "kvm_sdei_host_findings_total{code=\"mask-long\"}") == 1);
	for (size_t i = 0; i < count; i++) {
		const char *name = findings[i].vm == 4312 ? "db:4312" : "web-1:1201";
		const char *code = finding_code_name(findings[i].code);
		char series[160];
		double total = 0, open = 0;

		for (size_t k = 0; k < count; k++) {
			bool same = findings[k].vm == findings[i].vm && findings[k].code == findings[i].code;

			total += same;
			open += same && findings[k].open;
		}
		snprintf(series, sizeof(series), "kvm_sdei_findings_total{vm=\"%s\",code=\"%s\"}", name, code);
		assert_true(value_of(text, series) == total);
		snprintf(series, sizeof(series), "kvm_sdei_host_findings_total{code=\"%s\"}", code);
		assert_true(value_of(text, series) >= total);
		snprintf(series, sizeof(series), "kvm_sdei_findings_open{vm=\"%s\",code=\"%s\"}", name, code);
		assert_true(value_of(text, series) == open);
	}
	free(text);
	model_free(m);
}

/* --- the limit */

static size_t count_samples(const char *text, const char *part)
{
	size_t count = 0;

	for (; *text; text += strcspn(text, "\n") + 1)
		count += *text != '#' && memmem(text, strcspn(text, "\n"), part, strlen(part));
	return count;
}

static void test_limit(void **state)
{
	const struct metrics_options few = { .max_series = 1000 };
	struct status status;
	struct model *m = scene_new("many", &status);
	struct metrics *all = metrics_new(&plain), *some = metrics_new(&few);
	char *every = render(all, m, &status), *text = render(some, m, &status);
	size_t of_vms = count_samples(every, "{vm=");

	assert_int_equal(metrics_series(all), count_samples(every, ""));
	assert_int_equal(metrics_series_dropped(all), 0);
	assert_true(of_vms > 2000);
	assert_true(count_samples(text, "{vm=") <= 1000);
	assert_true(count_samples(text, "{vm=") > 800);
	assert_int_equal(metrics_series_dropped(some), of_vms - count_samples(text, "{vm="));
	assert_true(value_of(text, "kvm_sdei_series_dropped") == (double)metrics_series_dropped(some));
	assert_int_equal(count_samples(text, ":2000000\""), count_samples(every, ":2000000\""));	/* the first VM, as a whole */
	assert_int_equal(count_samples(text, ":2000019\""), 0);
	free(every);
	free(text);
	metrics_free(all);
	metrics_free(some);
	model_free(m);
}

/* --- names and numbers */

static void assert_label(const char *name, size_t max, const char *want)
{
	struct buf t = { 0 };

	metrics_put_label(&t, name, max);
	buf_put(&t, "", 1);
	assert_string_equal(t.bytes, want);
	free(t.bytes);
}

static void test_labels(void **state)
{
	assert_label("web", 9, "web");
	assert_label("a\\b\"c\nd", 9, "a\\\\b\\\"c\\nd");
	assert_label("\033[2J\r\x7f", 9, "\xef\xbf\xbd[2J\xef\xbf\xbd\xef\xbf\xbd");
	assert_label("\xff" "caf\xc3\xa9\xc3", 9, "\xef\xbf\xbd" "caf\xc3\xa9\xef\xbf\xbd");
	assert_label("\xe2\x80\xae" "x", 9, "\xef\xbf\xbdx");
	assert_label("abcdef", 4, "abcd");
	assert_label("abc\xc3\xa9", 4, "abc");
	assert_label("", 4, "");
}

static void assert_seconds(uint64_t ns, const char *want)
{
	struct buf t = { 0 };

	buf_put_seconds(&t, ns);
	buf_put(&t, "", 1);
	assert_string_equal(t.bytes, want);
	free(t.bytes);
}

static void test_seconds(void **state)
{
	assert_seconds(0, "0");
	assert_seconds(1, "0.000000001");
	assert_seconds(1500000000, "1.5");
	assert_seconds(123456789012345678, "123456789.012345678");
	assert_seconds(UINT64_MAX, "18446744073.709551615");
}

/* --- the manual page */

static void test_document(void **state)
{
	char *page = NULL;
	size_t size;
	FILE *out = open_memstream(&page, &size);

	metrics_document(out);
	fclose(out);
	assert_golden("../../man/sdeid-metrics.7", page);
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden), cmocka_unit_test(test_vcpus), cmocka_unit_test(test_histograms),
		cmocka_unit_test(test_apf),
		cmocka_unit_test(test_sums), cmocka_unit_test(test_counters), cmocka_unit_test(test_masked_time),
		cmocka_unit_test(test_life), cmocka_unit_test(test_lost), cmocka_unit_test(test_findings),
		cmocka_unit_test(test_limit), cmocka_unit_test(test_labels), cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_document),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
