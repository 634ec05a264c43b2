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
#include "util/line.h"
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
	static const char *const scenes[] = { "small", "hostile", "empty", "trouble", "apf", "client", "calls" };

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

/* The bounds of coarse buckets are 4^5 ns less one to 4^16, those of fine ones 2^8 to 2^33. */
static size_t count_buckets(const char *text, const char *family, const char *labels)
{
	char start[256];
	size_t count = 0;

	snprintf(start, sizeof(start), "\n%s_bucket{%s,le=", family, labels);
	for (const char *at = text; (at = strstr(at, start)); at++)
		count++;
	return count;
}

static void check_hist(const char *text, const char *family, const char *labels, enum metrics_buckets buckets, const struct hist *h)
{
	bool fine = buckets == METRICS_FINE;
	unsigned int checked = 0;
	char series[256];

	for (unsigned int power = fine ? 8 : 10; power <= (fine ? 33 : 32); power += fine ? 1 : 2, checked++) {
		uint64_t le_ns = (1ULL << power) - 1;

		snprintf(series, sizeof(series), "%s_bucket{%s,le=\"%.10g\"}", family, labels, (double)le_ns / 1e9);
		assert_true(value_of(text, series) == (double)count_up_to(h, le_ns));
	}
	assert_int_equal(checked, fine ? 26 : 12);
	assert_int_equal(count_buckets(text, family, labels), checked + 1);
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

	assert_true(hist_count(e->dispatch) > 400);
	for (enum metrics_buckets buckets = METRICS_COARSE; buckets <= METRICS_FINE; buckets++) {
		const struct metrics_options options = { .buckets = buckets };
		char *text = render_once(&options, m, &status);

		check_hist(text, "kvm_sdei_dispatch_latency_seconds", "vm=\"db:0d3c7f5a\",event=\"1\"", buckets, e->dispatch);
		check_hist(text, "kvm_sdei_handler_seconds", "vm=\"db:0d3c7f5a\",event=\"1\"", buckets, e->handler);
		check_hist(text, "kvm_sdei_total_latency_seconds", "vm=\"db:0d3c7f5a\",event=\"1\"", buckets, e->total);
		free(text);
	}
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

		snprintf(labels, sizeof(labels), "vm=\"web-1\",stage=\"%s\"", apf_stage_name(stage));
		if (sum.stage[stage])
			check_hist(vms, "kvm_apf_stage_seconds", labels, METRICS_COARSE, sum.stage[stage]);
		else
			assert_null(strstr(vms, labels));
	}
	assert_true(value_of(vms, "kvm_apf_saved_seconds_total{vm=\"web-1\"}") == (double)apf_saved_ns(&sum) / 1e9);
	assert_true(value_of(vms, "kvm_apf_blocked_seconds_total{vm=\"web-1\"}") == 0);
	apf_release(&sum);
	assert_int_equal(model_vm_apf(model_vm(m, 4312), &sum), 0);
	assert_true(value_of(vms, "kvm_apf_saved_seconds_total{vm=\"db:0d3c7f5a\"}") == (double)apf_saved_ns(&sum) / 1e9);
	assert_true(value_of(vms, "kvm_apf_blocked_seconds_total{vm=\"db:0d3c7f5a\"}") == (double)apf_blocked_ns(&sum) / 1e9);
	assert_true(apf_blocked_ns(&sum) > 0 && apf_saved_ns(&sum) > 0);
	assert_true(sum.oldest_ns > 0);
	assert_true(value_of(vms, "kvm_apf_oldest_seconds{vm=\"db:0d3c7f5a\"}") == (double)(status.now_ns - sum.oldest_ns) / 1e9);
	assert_true(value_of(vms, "kvm_apf_oldest_seconds{vm=\"a-guest-with-quite-a-long-name\"}") == 0);
	apf_release(&sum);
	assert_true(value_of(vms, "kvm_apf_outcomes_total{vm=\"web-1\",outcome=\"async\"}") == 114);
	assert_true(value_of(vcpus, "kvm_apf_outcomes_total{vm=\"web-1\",vcpu=\"0\",outcome=\"async\"}") == 101);
	assert_true(value_of(vcpus, "kvm_apf_outcomes_total{vm=\"web-1\",vcpu=\"1\",outcome=\"async\"}") == 13);
	assert_true(value_of(vms, "kvm_apf_fallbacks_total{vm=\"web-1\",reason=\"busy\"}") == 5);
	assert_true(value_of(vms, "kvm_apf_sync_faults_total{vm=\"db:0d3c7f5a\",cause=\"unknown\"}") == 13);
	assert_true(value_of(vms, "kvm_apf_in_flight{vm=\"db:0d3c7f5a\"}") == 3);
	assert_true(value_of(vms, "kvm_apf_lost_records_total{vm=\"db:0d3c7f5a\"}") == 2);
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

		snprintf(series, sizeof(series), "kvm_sdei_dispatched_total{vm=\"web-1\",vcpu=\"%u\",event=\"0\"}", id);
		assert_true(value_of(vcpus, series) == (double)e->count.dispatched);
		sum += (double)e->count.dispatched;
	}
	assert_true(sum == 114);
	assert_true(value_of(vms, "kvm_sdei_dispatched_total{vm=\"web-1\",event=\"0\"}") == sum);
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
	assert_true(value_of(text, "kvm_sdei_masked_seconds_total{vm=\"-\"}") == 3);
	free(text);
	feed(m, 4 * SEC, 7, SDEI_NONE, SDEI_UNMASK, 0, 0, 0);
	feed(m, 6 * SEC, 7, SDEI_NONE, SDEI_MASK, SDEI_MASKED, 0, 1);
	status.now_ns = 6 * SEC;
	model_tick(m, status.now_ns);
	text = render(x, m, &status);
	assert_true(value_of(text, "kvm_sdei_masked_seconds_total{vm=\"-\"}") == 3);
	free(text);
	status.now_ns = 8 * SEC;
	model_tick(m, status.now_ns);
	text = render(x, m, &status);
	assert_true(value_of(text, "kvm_sdei_masked_seconds_total{vm=\"-\"}") == 4);
	assert_true(value_of(text, "kvm_sdei_mask_seconds_sum{vm=\"-\"}") == 2);
	free(text);
	metrics_free(x);
	model_free(m);
}

/* --- what VMs are called */

static const char *const uuids[] = { "", "0d3c7f5a-94e1-4b0e-8a55-2f6f0c9b1d42", "7b1e2c90-94e1-4b0e-8a55-2f6f0c9b1d42" };

/* By the digits of the pid: which name, and which UUID. */
static char *look_up(void *ctx, uint32_t pid, char uuid[GUEST_UUID_SIZE])
{
	static const char *const names[] = { "web", "db", "web#2", "0D3C7F5A-94E1-4B0E-8A55-2F6F0C9B1D42" };

	strcpy(uuid, uuids[pid / 10 % 10 % 3]);
	return strdup(names[pid / 100 % 10]);
}

/* A VM whose pid says what it is called. */
static void start(struct model *m, uint64_t t, uint32_t pid)
{
	feed(m, t, pid, 0, SDEI_STATE, SDEI_REGISTERED, SDEI_CREATED, 0);
	names_adopt(m, look_up, NULL, true);
}

/* One that is queued. */
static void signal_event(struct model *m, uint64_t t, uint32_t pid, uint32_t event)
{
	const struct sdei_record r = {
		.time_ns = t, .vm = pid, .event = event, .kind = SDEI_SIGNAL, .outcome = SDEI_QUEUED,
		.state = SDEI_REGISTERED | SDEI_ENABLED | SDEI_PENDING,
	};

	assert_int_equal(model_feed(m, &r, sizeof(r)), 0);
}

static void stop(struct model *m, uint64_t t, uint32_t pid)
{
	feed(m, t, pid, 0, SDEI_STATE, 0, SDEI_DESTROYED, 0);
}

static struct model *new_model(void)
{
	const struct model_options options = { .free_user = name_free };

	return model_new(&options);
}

/* vm_info of the VM that is pid, of which there is one: its label vm, "": it has no series. */
static const char *label_of(const char *text, uint32_t pid)
{
	static char label[256];
	char end[32];

	snprintf(end, sizeof(end), ",pid=\"%u\"} 1", pid);
	*label = '\0';
	for (const char *line = text; (line = strstr(line, "\nkvm_sdei_vm_info{vm=\"")); ) {
		line += strlen("\nkvm_sdei_vm_info{vm=\"");
		if (!memmem(line, strcspn(line, "\n"), end, strlen(end)))
			continue;
		assert_string_equal(label, "");
		snprintf(label, sizeof(label), "%.*s", (int)strcspn(line, "\""), line);
	}
	return label;
}

/* Renders, and checks the labels of the VMs pids, which are all that have series. */
static void expect_labels(struct metrics *x, const struct model *m, size_t count, const uint32_t pids[], const char *const labels[])
{
	const struct status status = { .now_ns = SEC, .wall_ns = SEC };
	char *text = render(x, m, &status);
	size_t infos = 0;

	for (const char *at = text; (at = strstr(at, "\nkvm_sdei_vm_info{")); at++)
		infos++;
	for (size_t i = 0; i < count; i++)
		assert_string_equal(label_of(text, pids[i]), labels[i]);
	assert_int_equal(infos, count);
	free(text);
}
#define EXPECT(x, m, pids, ...)									\
	do {											\
		const uint32_t those[] = pids;							\
		const char *const labels[] = { __VA_ARGS__ };					\
		_Static_assert(sizeof(those) / sizeof(*those) == sizeof(labels) / sizeof(*labels), "a label for each"); \
		expect_labels(x, m, sizeof(those) / sizeof(*those), those, labels);		\
	} while (0)
#define PIDS(...) { __VA_ARGS__ }

/* The first digits of the UUID; not where the name is the UUID. */
static void test_uuids(void **state)
{
	struct model *m = new_model();
	struct metrics *x = metrics_new(&plain);

	start(m, 1, 1001);
	start(m, 2, 1011);
	start(m, 3, 1021);
	start(m, 4, 1311);
	EXPECT(x, m, PIDS(1001, 1011, 1021, 1311), "web", "web:0d3c7f5a", "web:7b1e2c90", "0D3C7F5A-94E1-4B0E-8A55-2F6F0C9B1D42");
	metrics_free(x);
	model_free(m);
}

/* A VM that is started again has its label again, at once, and one set of series; in any order of renderings. */
static void test_restart(void **state)
{
	struct model *m = new_model();
	struct metrics *x = metrics_new(&plain), *later;
	struct status status = { .now_ns = SEC, .wall_ns = SEC };
	char *text;

	start(m, 1, 1011);
	signal_event(m, 2, 1011, 0);
	EXPECT(x, m, PIDS(1011), "web:0d3c7f5a");
	stop(m, 3, 1011);
	EXPECT(x, m, PIDS(1011), "web:0d3c7f5a");
	start(m, 4, 1012);
	EXPECT(x, m, PIDS(1012), "web:0d3c7f5a");
	text = render(x, m, &status);
	assert_true(value_of(text, "kvm_sdei_vm_gone{vm=\"web:0d3c7f5a\"}") == 0);
	assert_true(value_of(text, "kvm_sdei_signals_total{vm=\"web:0d3c7f5a\",event=\"0\",outcome=\"queued\"}") == 0);
	assert_true(value_of(text, "kvm_sdei_host_signals_total{outcome=\"queued\"}") == 1);
	free(text);
	stop(m, 5, 1012);
	EXPECT(x, m, PIDS(1012), "web:0d3c7f5a");	/* not the first one again */
	later = metrics_new(&plain);
	EXPECT(later, m, PIDS(1012), "web:0d3c7f5a");
	metrics_free(later);
	start(m, 6, 1011);
	EXPECT(x, m, PIDS(1011), "web:0d3c7f5a");
	metrics_free(x);
	model_free(m);
}

/* With the same name and no UUID they have numbers, which they keep; who comes gets the lowest one that is free. */
static void test_same_name(void **state)
{
	struct model *m = new_model();
	struct metrics *x = metrics_new(&plain);

	start(m, 1, 1001);
	start(m, 2, 1002);
	start(m, 3, 1003);
	EXPECT(x, m, PIDS(1001, 1002, 1003), "web", "web#2", "web#3");
	stop(m, 4, 1001);
	EXPECT(x, m, PIDS(1001, 1002, 1003), "web", "web#2", "web#3");
	start(m, 5, 1004);
	EXPECT(x, m, PIDS(1002, 1003, 1004), "web#2", "web#3", "web");
	stop(m, 6, 1002);
	model_expire(m, 7);
	EXPECT(x, m, PIDS(1003, 1004), "web#3", "web");
	start(m, 8, 1005);
	start(m, 9, 1006);
	EXPECT(x, m, PIDS(1003, 1004, 1005, 1006), "web#3", "web", "web#2", "web#4");
	metrics_free(x);
	model_free(m);
}

/* A guest whose name is another one's label. */
static void test_stolen_name(void **state)
{
	struct model *m = new_model();
	struct metrics *x = metrics_new(&plain);

	start(m, 1, 1201);
	start(m, 2, 1001);
	start(m, 3, 1002);
	start(m, 4, 1202);
	EXPECT(x, m, PIDS(1201, 1001, 1002, 1202), "web#2", "web", "web#3", "web#2#2");
	metrics_free(x);
	model_free(m);
}

/* Each label once, whatever comes and goes, and the same one as long as a VM lives. */
static void test_unique(void **state)
{
	struct { uint32_t pid; char label[64]; } living[40] = { 0 };
	struct model *m = new_model();
	struct metrics *x = metrics_new(&plain);
	struct status status = { .now_ns = SEC, .wall_ns = SEC };
	unsigned int seen = 0;

	srand(5);
	for (uint64_t t = 1; t < 2000; t++) {
		unsigned int i = (unsigned int)rand() % 40;
		char *text;

		if (living[i].pid)
			stop(m, t, living[i].pid);
		living[i].pid = living[i].pid ? 0 : (uint32_t)t * 1000 + (uint32_t)(rand() % 3) * 100 + (uint32_t)(rand() % 3) * 10;
		living[i].label[0] = '\0';
		if (living[i].pid)
			start(m, t, living[i].pid);
		model_expire(m, t > 50 ? t - 50 : 0);
		if (rand() % 3)
			continue;
		text = render(x, m, &status);
		for (unsigned int k = 0; k < 40; k++) {
			const char *label = living[k].pid ? label_of(text, living[k].pid) : "";

			assert_true(!living[k].pid == !*label);
			if (*living[k].label)
				assert_string_equal(label, living[k].label);
			seen += *living[k].label != '\0';
			snprintf(living[k].label, sizeof(living[k].label), "%s", label);
			for (unsigned int j = 0; j < k; j++)
				assert_true(!*label || strcmp(label, living[j].label) != 0);
		}
		free(text);
	}
	assert_true(seen > 5000);
	metrics_free(x);
	model_free(m);
}

/* --- VMs that go, pids that come again */

static void test_life(void **state)
{
	struct model *m = new_model();
	struct metrics *x = metrics_new(&plain);
	struct status status = { .now_ns = 9 * SEC, .wall_ns = 9 * SEC };
	char *text;

	feed(m, SEC, 7, 0, SDEI_STATE, SDEI_REGISTERED, SDEI_CREATED, 0);
	feed(m, 2 * SEC, 7, 0, SDEI_STATE, 0, SDEI_DESTROYED, 0);
	feed(m, 3 * SEC, 8, 0, SDEI_STATE, SDEI_REGISTERED, SDEI_CREATED, 0);
	names_adopt(m, look_up, NULL, true);
	model_tick(m, status.now_ns);
	model_expire(m, 2 * SEC);
	text = render(x, m, &status);
	assert_true(value_of(text, "kvm_sdei_vms") == 1);
	assert_true(value_of(text, "kvm_sdei_vm_gone{vm=\"web\"}") == 0);	/* 8, which has the label of 7 */
	free(text);
	feed(m, 4 * SEC, 8, 0, SDEI_STATE, 0, SDEI_DESTROYED, 0);
	text = render(x, m, &status);
	assert_true(value_of(text, "kvm_sdei_vms") == 0);
	assert_true(value_of(text, "kvm_sdei_vm_gone{vm=\"web\"}") == 1);
	free(text);
	model_expire(m, 4 * SEC + 1);
	text = render(x, m, &status);
	assert_true(value_of(text, "kvm_sdei_vm_gone{vm=\"web\"}") == -1);
	free(text);
	metrics_free(x);
	model_free(m);
}

static size_t count_samples(const char *text, const char *part)
{
	size_t count = 0;

	for (; *text; text += strcspn(text, "\n") + 1)
		count += *text != '#' && memmem(text, strcspn(text, "\n"), part, strlen(part));
	return count;
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
	assert_true(value_of(text, "kvm_sdei_vm_lost_records_total{vm=\"-\"}") == 13);
	assert_true(value_of(text, "kvm_sdei_dispatched_total{vm=\"-\",event=\"0\"}") == 13);
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
		const char *name = findings[i].vm == 4312 ? "db:0d3c7f5a" : "web-1";
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

/* Those about a restore are of a VM, too: only those that were found. */
static void test_restore_findings(void **state)
{
	struct status status;
	struct model *m = scene_new("restored", &status);
	char *text = render_once(&plain, m, &status);

	assert_true(value_of(text, "kvm_sdei_vm_restore_findings_total{vm=\"db:0d3c7f5a\",code=\"creadr-lost\"}") == 1);
	assert_true(value_of(text, "kvm_sdei_vm_restore_findings_total{vm=\"web-1\",code=\"gic-refused\"}") == 1);
	assert_int_equal(count_samples(text, "kvm_sdei_vm_restore_findings_total"), 2);
	assert_true(value_of(text, "kvm_sdei_host_findings_total{code=\"creadr-lost\"}") == 1);
	free(text);
	model_free(m);
}

/* --- the limit */

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
	assert_true(of_vms > 1500);
	assert_true(count_samples(text, "{vm=") <= 1000);
	assert_true(count_samples(text, "{vm=") > 800);
	assert_int_equal(metrics_series_dropped(some), of_vms - count_samples(text, "{vm="));
	assert_true(value_of(text, "kvm_sdei_series_dropped") == (double)metrics_series_dropped(some));
	assert_int_equal(count_samples(text, "vm=\"qemu-system-aar\""), count_samples(every, "vm=\"qemu-system-aar\""));	/* the first VM, as a whole */
	assert_true(count_samples(every, "vm=\"qemu-system-aar#20\"") > 0);
	assert_int_equal(count_samples(text, "vm=\"qemu-system-aar#20\""), 0);
	free(every);
	free(text);
	metrics_free(all);
	metrics_free(some);
	model_free(m);
}

/* --- how many series there are */

/* All of them masked once; each event was dispatched once. */
static struct model *fleet(size_t vms, size_t events, struct status *status)
{
	struct model *m = new_model();
	uint64_t t = 1;

	for (uint32_t vm = 0; vm < vms; vm++) {
		start(m, t++, 1 + vm);
		feed(m, t++, 1 + vm, SDEI_NONE, SDEI_MASK, SDEI_MASKED, 0, 1);
		feed(m, t++, 1 + vm, SDEI_NONE, SDEI_UNMASK, 0, 0, 0);
		for (uint32_t event = 0; event < events; event++) {
			signal_event(m, t++, 1 + vm, event);
			feed(m, t++, 1 + vm, event, SDEI_DISPATCH, SDEI_REGISTERED | SDEI_ENABLED | SDEI_RUNNING, 0, 0);
		}
	}
	model_tick(m, t);
	*status = (struct status){ .now_ns = t, .wall_ns = SEC };
	return m;
}

/* So many VMs with so many events: the manual's arithmetic, and each series once. */
static void test_series(void **state)
{
	static const struct { size_t vms, events; } fleets[] = { { 1, 1 }, { 1, 4 }, { 7, 1 }, { 13, 3 }, { 100, 3 } };

	for (size_t i = 0; i < sizeof(fleets) / sizeof(*fleets) * 2; i++) {
		const size_t vms = fleets[i / 2].vms, events = fleets[i / 2].events;
		const struct metrics_options options = { .buckets = i % 2 ? METRICS_FINE : METRICS_COARSE };
		struct status status;
		struct model *m = fleet(vms, events, &status);
		char *text = render_once(&options, m, &status);
		struct metrics_costs cost;

		metrics_costs(options.buckets, &cost);
		assert_int_equal(count_samples(text, ",event="), vms * events * cost.event);
		assert_int_equal(count_samples(text, "{vm="), vms * (cost.vm + cost.pe + cost.mask + events * cost.event));
		assert_int_equal(count_samples(text, ""), cost.host + count_samples(text, "{vm="));
		assert_int_equal(cost.event, i % 2 ? 113 : 71);
		free(text);
		model_free(m);
	}
}

/* --- how wrong a quantile may be */

/* As Prometheus' histogram_quantile() does it, from the buckets of event 0 of web. */
static double quantile_of(const char *text, double q)
{
	static const char start[] = "\nkvm_sdei_dispatch_latency_seconds_bucket{vm=\"web\",event=\"0\",le=\"";
	double total = value_of(text, "kvm_sdei_dispatch_latency_seconds_count{vm=\"web\",event=\"0\"}"), below = 0, lower = 0;

	for (const char *at = text; (at = strstr(at, start)); at++) {
		double le = strtod(at + sizeof(start) - 1, NULL), count = strtod(strchr(at, ' ') + 1, NULL);

		if (count >= q * total)
			return lower + (le - lower) * (q * total - below) / (count - below);
		below = count;
		lower = le;
	}
	return -1;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

#define SAMPLES 1000

/* The greater of what a quantile is too high or too low, of latencies given in any order. */
static double worst_error(enum metrics_buckets buckets, uint64_t latencies[SAMPLES])
{
	static const double quantiles[] = { 0.001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999 };
	const struct metrics_options options = { .buckets = buckets };
	struct status status;
	struct model *m = new_model();
	uint64_t t = 1;
	double worst = 1;
	char *text;

	start(m, t, 2);
	for (unsigned int i = 0; i < SAMPLES; i++) {
		signal_event(m, ++t, 2, 0);
		feed(m, t += latencies[i], 2, 0, SDEI_DISPATCH, SDEI_REGISTERED | SDEI_ENABLED | SDEI_RUNNING, 0, 0);
	}
	model_tick(m, t);
	status = (struct status){ .now_ns = t, .wall_ns = SEC };
	text = render_once(&options, m, &status);
	qsort(latencies, SAMPLES, sizeof(*latencies), compare);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++) {
		double have = quantile_of(text, quantiles[i]) * 1e9;
		double want = (double)latencies[(size_t)(quantiles[i] * SAMPLES + 0.5) - 1];

		worst = have > want * worst ? have / want : want > have * worst ? want / have : worst;
	}
	free(text);
	model_free(m);
	return worst;
}

static void fill(uint64_t latencies[SAMPLES], uint64_t ns)
{
	for (unsigned int i = 0; i < SAMPLES; i++)
		latencies[i] = ns;
}

/* Evenly spread over the powers of two from 1 us to 4 s. */
static void spread(uint64_t latencies[SAMPLES])
{
	for (unsigned int i = 0; i < SAMPLES; i++) {
		uint64_t power = 1ULL << (10 + rand() % 22);

		latencies[i] = power + (uint64_t)rand() * 977 % power;
	}
}

/* Less than a factor of 4, of fine buckets of 2, whatever the latencies are; all at one edge come near to it. */
static void test_quantiles(void **state)
{
	uint64_t latencies[SAMPLES];

	srand(3);
	for (enum metrics_buckets buckets = METRICS_COARSE; buckets <= METRICS_FINE; buckets++) {
		double factor = buckets == METRICS_FINE ? 2 : 4, worst = 1;

		for (unsigned int power = 10; power <= 32; power += 2) {
			uint64_t bound = (1ULL << power) - 1;
			double at, above;

			fill(latencies, bound);
			at = power > 10 ? worst_error(buckets, latencies) : 1;
			fill(latencies, bound + 1);
			above = power < 32 ? worst_error(buckets, latencies) : 1;
			worst = at > worst ? at : worst;
			worst = above > worst ? above : worst;
		}
		assert_true(worst < factor);
		assert_true(worst > 0.95 * factor);
		for (unsigned int round = 0; round < 20; round++) {
			spread(latencies);
			assert_true(worst_error(buckets, latencies) < factor);
		}
	}
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
	char seconds[LINE_SECONDS + 1];

	*line_seconds(seconds, ns) = '\0';
	assert_string_equal(seconds, want);
}

static void test_seconds(void **state)
{
	assert_seconds(0, "0");
	assert_seconds(1, "0.000000001");
	assert_seconds(1500000000, "1.5");
	assert_seconds(123456789012345678, "123456789.012345678");
	assert_seconds(UINT64_MAX, "18446744073.709551615");
}

/* Where the pages came from that a vCPU waited for, and what was too short for a record each. */
static void test_sync_causes(void **state)
{
	const struct status status = { .now_ns = 9000000000, .wall_ns = 9000000000 };
	struct sdei_record_apf r = {
		.head = { .time_ns = 5000000000, .vm = 7, .event = SDEI_NONE, .kind = SDEI_APF, .origin = APF_SYNC, .outcome = APF_FROM_SWAP },
		.duration_ns = 1500000,
	};
	struct model *m = model_new(NULL);
	char *text;

	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
	r.head.vcpu = 1;
	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
	r.head.outcome = APF_FROM_USERFAULT;
	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
	r.head.origin = APF_QUICK;
	r.head.outcome = 0;
	r.faults = 40;
	r.duration_ns = 90000;
	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
	text = render_once(&plain, m, &status);
	assert_true(value_of(text, "kvm_apf_sync_faults_total{vm=\"-\",cause=\"swap\"}") == 2);
	assert_true(value_of(text, "kvm_apf_sync_seconds_total{vm=\"-\",cause=\"swap\"}") == 0.003);
	assert_true(value_of(text, "kvm_apf_sync_faults_total{vm=\"-\",cause=\"userfault\"}") == 1);
	assert_true(value_of(text, "kvm_apf_sync_seconds_total{vm=\"-\",cause=\"userfault\"}") == 0.0015);
	assert_true(value_of(text, "kvm_apf_sync_faults_total{vm=\"-\",cause=\"file\"}") == 0);
	assert_true(value_of(text, "kvm_apf_sync_faults_total{vm=\"-\",cause=\"unknown\"}") == -1);
	assert_true(value_of(text, "kvm_apf_quick_faults_total{vm=\"-\"}") == 40);
	assert_true(value_of(text, "kvm_apf_quick_seconds_total{vm=\"-\"}") == 0.00009);
	free(text);
	model_free(m);
}

/* Calls that no tracepoint of SDEI shows. */
static void test_smccc(void **state)
{
	const struct status status = { .now_ns = 9000000000, .wall_ns = 9000000000 };
	struct sdei_record_smccc r = {
		.head = { .time_ns = 5000000000, .vm = 7, .event = SDEI_NONE, .kind = SDEI_SMCCC, .outcome = SMCCC_ANSWERED, .result = -1 },
		.function = SDEI_FN_VERSION, .target = SDEI_NONE, .duration_ns = 9,
	};
	struct model *m = model_new(NULL);
	char *text;

	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
	text = render_once(&plain, m, &status);
	assert_true(value_of(text, "kvm_sdei_calls_total{vm=\"-\",function=\"VERSION\",result=\"NOT_SUPPORTED\"}") == 1);
	assert_true(value_of(text, "kvm_sdei_calls_total{vm=\"-\",function=\"VERSION\",result=\"FORWARDED\"}") == -1);
	assert_true(value_of(text, "kvm_psci_off_vcpus{vm=\"-\"}") == 0);	/* who calls is on */
	free(text);
	r.head.outcome = SMCCC_FORWARDED;
	r.head.result = 0;
	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
	r.head.outcome = SMCCC_ANSWERED;
	r.function = 0x84000002;
	r.head.vcpu = 1;
	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
	text = render_once(&plain, m, &status);
	assert_true(value_of(text, "kvm_sdei_calls_total{vm=\"-\",function=\"VERSION\",result=\"FORWARDED\"}") == 1);
	assert_true(value_of(text, "kvm_psci_calls_total{vm=\"-\",function=\"CPU_OFF\",result=\"SUCCESS\"}") == 1);
	assert_true(value_of(text, "kvm_psci_calls_total{vm=\"-\",function=\"CPU_OFF\",result=\"DENIED\"}") == -1);
	assert_true(value_of(text, "kvm_psci_off_vcpus{vm=\"-\"}") == 1);
	free(text);
	model_free(m);
}

/* What this machine itself does has names of its own; what is about sdeid has not. */
static void test_client(void **state)
{
	const struct status status = { .now_ns = 9000000000, .wall_ns = 9000000000, .probes_attached = 1 };
	struct sdei_record r = {
		.time_ns = 5000000000, .vm = SDEI_THIS_MACHINE, .vcpu = 1, .kind = SDEI_SIGNAL, .outcome = SDEI_QUEUED,
		.state = SDEI_REGISTERED | SDEI_ENABLED | SDEI_PENDING, .origin = SDEI_FROM_GUEST,
	};
	struct model *m = model_new(NULL);
	char *text;

	assert_int_equal(model_feed(m, &r, sizeof(r)), 0);
	r = (struct sdei_record) {
		.time_ns = 5000020000, .vm = SDEI_THIS_MACHINE, .vcpu = 1, .kind = SDEI_DISPATCH, .origin = SDEI_FOR_NMI,
		.state = SDEI_REGISTERED | SDEI_ENABLED | SDEI_RUNNING,
	};
	assert_int_equal(model_feed(m, &r, sizeof(r)), 0);
	text = render_once(&plain, m, &status);
	assert_true(value_of(text, "sdei_client_signals_total{vm=\"-\",event=\"0\",outcome=\"queued\"}") == 1);
	assert_true(value_of(text, "sdei_client_dispatch_latency_seconds_sum{vm=\"-\",event=\"0\"}") == 0.00002);
	assert_true(value_of(text, "sdei_client_dispatch_latency_seconds_bucket{vm=\"-\",event=\"0\",le=\"+Inf\"}") == 1);
	assert_true(value_of(text, "sdei_client_vm_vcpus{vm=\"-\"}") == 1);
	assert_true(value_of(text, "sdei_client_host_dispatched_total") == 1);
	assert_true(value_of(text, "kvm_sdei_up") == 1);
	assert_true(value_of(text, "kvm_sdei_records_total") == 2);
	assert_non_null(strstr(text, "# TYPE sdei_client_findings_total counter\n"));
	assert_null(strstr(text, "kvm_sdei_signals_total"));
	assert_null(strstr(text, "kvm_sdei_vm_info"));
	assert_null(strstr(text, "kvm_sdei_host_"));
	free(text);
	model_free(m);
}

static void feed_timed_call(struct model *m, uint64_t t, uint32_t cpu, uint32_t function, int64_t result, uint32_t took)
{
	const struct sdei_record_call r = {
		.head = { .time_ns = t, .vm = SDEI_THIS_MACHINE, .vcpu = cpu, .event = SDEI_NONE, .kind = SDEI_CALL, .result = result },
		.function = function, .duration_ns = took,
	};

	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
}

/* How long calls took, whatever came of them: by function, of those of which it is known. */
static void test_call_times(void **state)
{
	const struct status status = { .now_ns = 9 * SEC, .wall_ns = 9 * SEC };
	const struct sdei_lost_key lost = {
		.vm = SDEI_THIS_MACHINE, .vcpu = 1, .event = SDEI_NONE, .kind = SDEI_CALL, .function = SDEI_FN_PE_MASK,
	};
	struct model *m = model_new(NULL);
	struct metrics *x = metrics_new(&plain);
	char *text;

	feed_timed_call(m, SEC, 0, SDEI_FN_PE_MASK, 1, 1500);
	feed_timed_call(m, 2 * SEC, 1, SDEI_FN_PE_MASK, SDEI_RESULT_DENIED, 2500);
	feed_timed_call(m, 3 * SEC, 1, SDEI_FN_PE_MASK, 0, 0);
	feed_timed_call(m, 4 * SEC, 1, SDEI_FN_PE_UNMASK, 0, 0);
	assert_int_equal(model_feed_lost(m, &lost, 5), 0);
	text = render(x, m, &status);
	assert_true(value_of(text, "sdei_client_call_seconds_sum{vm=\"-\",function=\"PE_MASK\"}") == 0.000004);
	assert_true(value_of(text, "sdei_client_call_seconds_count{vm=\"-\",function=\"PE_MASK\"}") == 2);
	assert_true(value_of(text, "sdei_client_calls_total{vm=\"-\",function=\"PE_MASK\",result=\"SUCCESS\"}") == 7);
	assert_int_equal(count_samples(text, "sdei_client_call_seconds"), 2);
	assert_int_equal(metrics_series(x), count_samples(text, ""));
	free(text);
	model_reset(m, 5 * SEC);
	text = render(x, m, &status);
	assert_int_equal(count_samples(text, "sdei_client_call_seconds"), 0);
	free(text);
	metrics_free(x);
	model_free(m);
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
		cmocka_unit_test(test_apf), cmocka_unit_test(test_sync_causes), cmocka_unit_test(test_smccc), cmocka_unit_test(test_client),
		cmocka_unit_test(test_call_times),
		cmocka_unit_test(test_sums), cmocka_unit_test(test_counters), cmocka_unit_test(test_masked_time),
		cmocka_unit_test(test_life), cmocka_unit_test(test_lost), cmocka_unit_test(test_findings), cmocka_unit_test(test_restore_findings),
		cmocka_unit_test(test_limit), cmocka_unit_test(test_labels), cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_document), cmocka_unit_test(test_uuids), cmocka_unit_test(test_restart),
		cmocka_unit_test(test_same_name), cmocka_unit_test(test_stolen_name), cmocka_unit_test(test_unique),
		cmocka_unit_test(test_series), cmocka_unit_test(test_quantiles),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
