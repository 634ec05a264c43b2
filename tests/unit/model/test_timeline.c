// SPDX-License-Identifier: GPL-2.0-only
/* Figures over time against a machine's own: whatever was folded, each column has what its ticks had. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/timeline.h"
#include "tests/unit/lib/sdei_machine.h"

#define VCPUS 3
#define TICKS 3000

/* What the machine says of a vCPU at a tick, since its start. */
struct told {
	uint64_t dispatched, dropped, masked_ns;
	size_t spans[MACHINE_EVENTS];
};

struct tick {
	uint64_t now_ns;
	struct told told[VCPUS];
};

struct run {
	struct model *model;
	struct machine *machine;
	struct timeline *timeline;
	uint64_t begin_ns;
	struct tick ticks[TICKS];
	size_t count;
};

struct wanted {
	struct timeline_cell cells[VCPUS][TIMELINE_COLUMNS];
	uint32_t bands[TIMELINE_COLUMNS][TIMELINE_BANDS];
	unsigned int columns;
};

static void feed(void *ctx, const struct sdei_record *record, size_t size)
{
	struct run *run = ctx;

	assert_int_equal(model_feed(run->model, record, size), 0);
}

static struct told tell(const struct machine_vcpu *v, uint64_t now_ns)
{
	struct told told = { .masked_ns = v->masked_ns };

	if (v->exists && v->masked && v->masked_since)
		told.masked_ns += now_ns - v->masked_since;
	for (unsigned int i = 0; i < MACHINE_EVENTS; i++) {
		told.dispatched += v->events[i].count.dispatched;
		told.dropped += v->events[i].count.coalesced + v->events[i].count.rejected + v->events[i].count.cancelled +
				v->events[i].count.cleared;
		told.spans[i] = v->events[i].spans[SPAN_DISPATCH].count;
	}
	return told;
}

static void tick(struct run *run)
{
	struct tick *tick = &run->ticks[run->count++];

	tick->now_ns = run->machine->time;
	for (unsigned int i = 0; i < VCPUS; i++)
		tick->told[i] = tell(&run->machine->vcpus[i], tick->now_ns);
	model_tick(run->model, tick->now_ns);
	assert_int_equal(timeline_take(run->timeline, run->model, tick->now_ns), 0);
}

/* expected_ns: what the timeline is told to expect. */
static struct run *run_machine(uint64_t seed, uint64_t expected_ns)
{
	struct run *run = calloc(1, sizeof(*run));

	assert_non_null(run);
	run->model = model_new(NULL);
	assert_non_null(run->model);
	model_keep_intervals(run->model, true);
	run->machine = machine_new(VCPUS, seed, feed, run);
	run->begin_ns = run->machine->time;
	run->timeline = timeline_new(run->begin_ns, run->begin_ns + expected_ns);
	assert_non_null(run->timeline);
	while (run->count < TICKS) {
		for (uint64_t n = machine_random(run->machine, 12); n > 0; n--)
			machine_step(run->machine);
		tick(run);
	}
	return run;
}

static void run_free(struct run *run)
{
	timeline_free(run->timeline);
	machine_free(run->machine);
	model_free(run->model);
	free(run);
}

static void want_spans(struct wanted *w, const struct run *run, unsigned int vcpu, unsigned int column, const struct told *was,
		       const struct told *is)
{
	for (unsigned int i = 0; i < MACHINE_EVENTS; i++) {
		const struct spans *spans = &run->machine->vcpus[vcpu].events[i].spans[SPAN_DISPATCH];

		for (size_t k = was->spans[i]; k < is->spans[i]; k++) {
			uint64_t ns = spans->span[k].value;
			unsigned int band = 0;

			while (band < TIMELINE_BANDS - 1 && ns >> (band + 9))
				band++;
			w->bands[column][band]++;
			if (ns > w->cells[vcpu][column].worst_ns)
				w->cells[vcpu][column].worst_ns = ns;
		}
	}
}

/* The reference: no folding, each tick goes to the column that it is in at the end. */
static struct wanted *want(const struct run *run, uint64_t column_ns)
{
	static const struct told nothing;
	struct wanted *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	for (size_t i = 0; i < run->count; i++) {
		uint64_t past = run->ticks[i].now_ns - run->begin_ns;
		unsigned int column = past ? (past - 1) / column_ns : 0;

		assert_true(column < TIMELINE_COLUMNS);
		w->columns = column + 1;
		for (unsigned int v = 0; v < VCPUS; v++) {
			const struct told *is = &run->ticks[i].told[v], *was = i ? &run->ticks[i - 1].told[v] : &nothing;
			struct timeline_cell *cell = &w->cells[v][column];

			cell->dispatched += is->dispatched - was->dispatched;
			cell->dropped += is->dropped - was->dropped;
			cell->masked_ns += is->masked_ns - was->masked_ns;
			want_spans(w, run, v, column, was, is);
		}
	}
	return w;
}

static void check_cell(const struct timeline_cell *is, const struct timeline_cell *want)
{
	assert_int_equal(is->dispatched, want->dispatched);
	assert_int_equal(is->dropped, want->dropped);
	assert_int_equal(is->worst_ns, want->worst_ns);
	assert_int_equal(is->masked_ns, want->masked_ns);
}

static void check(const struct run *run)
{
	const struct timeline *t = run->timeline;
	struct wanted *w = want(run, timeline_column_ns(t));
	size_t count;
	const struct timeline_row *rows = timeline_rows(t, &count);

	assert_int_equal(count, VCPUS);
	assert_int_equal(timeline_columns(t), w->columns);
	assert_int_equal(timeline_begin_ns(t), run->begin_ns);
	assert_int_equal(timeline_left_out(t), 0);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(rows[i].vm, MACHINE_VM);
		assert_in_range(rows[i].vcpu, 0, VCPUS - 1);
		for (unsigned int c = 0; c < TIMELINE_COLUMNS; c++)
			check_cell(&rows[i].cells[c], &w->cells[rows[i].vcpu][c]);
	}
	for (unsigned int c = 0; c < TIMELINE_COLUMNS; c++) {
		for (unsigned int b = 0; b < TIMELINE_BANDS; b++)
			assert_int_equal(timeline_band(t, c, b), w->bands[c][b]);
	}
	free(w);
}

/* From an expectation that holds to one that time outgrows by far. */
static void test_any_length(void **state)
{
	bool folded = false, unfolded = false;

	for (uint64_t seed = 1; seed <= 4; seed++) {
		for (uint64_t expected_ns = 1; expected_ns < 1ULL << 50; expected_ns <<= 7) {
			struct run *run = run_machine(seed, expected_ns);
			uint64_t first = (expected_ns - 1) / TIMELINE_COLUMNS + 1, width = timeline_column_ns(run->timeline);

			assert_int_equal(width % first, 0);
			assert_int_equal(width / first & (width / first - 1), 0);	/* doubled */
			folded |= width > first;
			unfolded |= width == first;
			check(run);
			run_free(run);
		}
	}
	assert_true(folded && unfolded);
}

/* Ticks as far apart as it asks for fill each column once, and none has to be folded. */
static void test_step(void **state)
{
	static const uint64_t spans[] = { 1, 511, 512, 513, 1000003, 60000000000ULL };

	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		struct model *m = model_new(NULL);
		struct timeline *t = timeline_new(1000, 1000 + spans[i]);
		uint64_t step = timeline_step_ns(t), now = 1000;

		assert_non_null(m);
		for (unsigned int n = 1; now < 1000 + spans[i]; n++) {
			now += step;
			model_tick(m, now);
			assert_int_equal(timeline_take(t, m, now), 0);
			assert_int_equal(timeline_columns(t), n);
		}
		assert_int_equal(timeline_column_ns(t), step);
		timeline_free(t);
		model_free(m);
	}
	timeline_free(NULL);
}

static void feed_state(struct model *m, uint64_t time_ns, uint32_t vm, uint32_t vcpu, uint32_t origin)
{
	struct sdei_record_handler r = {
		.head = { .time_ns = time_ns, .vm = vm, .vcpu = vcpu, .kind = SDEI_STATE, .state = SDEI_MASKED, .origin = origin },
	};

	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
}

/* More vCPUs than there are rows: the first ones have theirs, the others are counted. */
static void test_too_many(void **state)
{
	struct model *m = model_new(NULL);
	struct timeline *t = timeline_new(0, 1000000);
	size_t count;

	assert_non_null(m);
	model_keep_intervals(m, true);
	for (uint32_t i = 0; i < TIMELINE_ROWS + 7; i++)
		feed_state(m, 10 + i, 100 + i / 64, i % 64, SDEI_CREATED);
	for (uint64_t now = 100000; now <= 300000; now += 100000) {
		model_tick(m, now);
		assert_int_equal(timeline_take(t, m, now), 0);
	}
	timeline_rows(t, &count);
	assert_int_equal(count, TIMELINE_ROWS);
	assert_int_equal(timeline_left_out(t), 7);
	timeline_free(t);
	model_free(m);
}

/* A signal that is refused: a sign that the VM is in use. */
static void feed_use(struct model *m, uint64_t time_ns, uint32_t vm, uint32_t vcpu)
{
	struct sdei_record r = {
		.time_ns = time_ns, .vm = vm, .vcpu = vcpu, .kind = SDEI_SIGNAL, .state = SDEI_MASKED, .outcome = SDEI_REJECTED,
		.error = -ENOENT,
	};

	assert_int_equal(model_feed(m, &r, sizeof(r)), 0);
}

/* A pid that is used again is another VM, with rows of its own. */
static void test_instances(void **state)
{
	struct model *m = model_new(NULL);
	struct timeline *t = timeline_new(0, 1000000);
	const struct timeline_row *rows;
	size_t count;

	assert_non_null(m);
	model_keep_intervals(m, true);
	for (uint64_t i = 0; i < 3; i++) {
		feed_state(m, 1000 + i * 100000, 7, 0, SDEI_CREATED);
		feed_use(m, 2000 + i * 100000, 7, 0);
		feed_state(m, 51000 + i * 100000, 7, 0, SDEI_DESTROYED);
		model_tick(m, 90000 + i * 100000);
		assert_int_equal(timeline_take(t, m, 90000 + i * 100000), 0);
	}
	rows = timeline_rows(t, &count);
	assert_int_equal(count, 3);
	for (size_t i = 0; i < count; i++) {
		uint64_t masked_ns = 0;

		assert_int_equal(rows[i].instance, i);
		for (unsigned int c = 0; c < TIMELINE_COLUMNS; c++)
			masked_ns += rows[i].cells[c].masked_ns;
		assert_int_equal(masked_ns, 50000);
	}
	timeline_free(t);
	model_free(m);
}

static void feed_quick(struct model *m, uint64_t time_ns, uint64_t ago_ns, uint64_t span_ns, uint64_t faults)
{
	const struct sdei_record_apf r = {
		.head = { .time_ns = time_ns, .vm = 7, .event = SDEI_NONE, .kind = SDEI_APF, .origin = APF_QUICK, .arg = ago_ns },
		.span_ns = span_ns, .faults = faults, .duration_ns = 10 * faults,
	};

	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
}

static void check_quick(const struct timeline_row *row, unsigned int begin, unsigned int end, uint32_t faults)
{
	for (unsigned int c = begin; c < end; c++) {
		assert_int_equal(row->cells[c].faults, faults);
		assert_int_equal(row->cells[c].blocked_ns, 10 * faults);
	}
}

/* Of quick page faults only sums are recorded, some time after them: they are spread over the time that they were in. */
static void test_quick(void **state)
{
	const uint64_t width = 1000, base = 5 * width;
	struct model *m = model_new(NULL);
	struct timeline *t = timeline_new(base, base + TIMELINE_COLUMNS * width);
	const struct timeline_row *rows;
	size_t count;

	(void)state;
	assert_non_null(m);
	assert_non_null(t);
	model_keep_intervals(m, true);
	for (unsigned int c = 0; c < 400; c++) {
		uint64_t begin = base + c * width, end = begin + width;

		if (c == 0)
			feed_quick(m, begin + 500, 0, 2 * width, 8);		/* some are of before all */
		if (c == 50)
			feed_quick(m, begin + 700, 2 * width + 700, 10 * width, 70);	/* of 38 to 48 */
		if (c == 100)
			feed_quick(m, begin + 700, 0, 0, 0);			/* an older recording's, */
		if (c == 300)
			feed_quick(m, begin + 700, 0, 0, 2000);			/* of anywhen since the last one */
		if (c == 350)
			feed_quick(m, begin + 1, UINT64_MAX, UINT64_MAX, 3);	/* no time that can be */
		if (c == 370)
			feed_quick(m, begin + 1, 0, UINT64_MAX, 4);
		model_tick(m, end);
		assert_int_equal(timeline_take(t, m, end), 0);
	}
	rows = timeline_rows(t, &count);
	assert_int_equal(count, 1);
	check_quick(rows, 0, 1, 8);
	check_quick(rows, 1, 38, 0);
	check_quick(rows, 38, 48, 7);
	check_quick(rows, 48, 100, 0);
	check_quick(rows, 101, 300, 10);
	check_quick(rows, 300, 301, 7);
	check_quick(rows, 301, 350, 0);
	check_quick(rows, 371, 400, 0);
	assert_int_equal(rows->cells[350].faults, 3);
	assert_int_equal(rows->cells[370].faults, 4);
	timeline_free(t);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_length),
		cmocka_unit_test(test_step),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_instances),
		cmocka_unit_test(test_quick),
	};

	return cmocka_run_group_tests_name("timeline", tests, NULL, NULL);
}
