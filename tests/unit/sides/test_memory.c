// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each allocation of what joins two sides fails once: it says so, or does without and finds the same, and leaves nothing behind. The
 * allocator is replaced, which sanitizers forbid.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sides/waterfall.h"
#include "tests/unit/lib/two_sides.h"

#ifdef __SANITIZE_ADDRESS__
static void test_every_failure(void **state)
{
	skip();
}
#else

#include "tests/unit/lib/failing_malloc.h"

static struct two_sides sides;

/* What comes of joining them. */
struct outcome {
	bool no_memory;
	struct match_counts counts;
	size_t lines, rows, worst;
	uint64_t events;	/* in all rows */
};

/* False: no memory; what is wrong in another way is none of this test's scenes. */
static bool joins(struct match *match, struct side *guest, struct side *host)
{
	enum match_result result = match_sides(match, guest, host);

	assert_true(result == MATCH_DONE || result == MATCH_NO_MEMORY);
	return result == MATCH_DONE;
}

static uint64_t count_events(const struct waterfall *w)
{
	uint64_t events = 0;

	for (size_t i = 0; i < w->count; i++)
		events += w->rows[i].legs[LEG_total] ? hist_count(w->rows[i].legs[LEG_total]) : 0;
	return events;
}

static bool make_waterfall(struct outcome *o, const struct match *match)
{
	struct waterfall w;
	int err = waterfall_make(&w, match, 0, UINT64_MAX);

	assert_true(err == 0 || err == -ENOMEM);
	o->counts = match->counts;
	o->lines = match->line_count;
	o->rows = w.count;
	o->worst = w.worst_count;
	o->events = count_events(&w);
	waterfall_clear(&w);
	return !err;
}

static struct outcome join_them(void)
{
	static struct match match;
	struct side host, guest;
	struct outcome o = { 0 };
	bool filled = two_sides_fill_host(&host, &sides);

	filled &= two_sides_fill_guest(&guest, &sides);
	o.no_memory = !filled || !joins(&match, &guest, &host) || !make_waterfall(&o, &match);
	side_clear(&host);
	side_clear(&guest);
	return o;
}

static void assert_same(const struct outcome *a, const struct outcome *b)
{
	assert_memory_equal(&a->counts, &b->counts, sizeof(a->counts));
	assert_int_equal(a->lines, b->lines);
	assert_int_equal(a->rows, b->rows);
	assert_int_equal(a->worst, b->worst);
	assert_int_equal(a->events, b->events);
}

/* Whether the n-th allocation is one that there was. qsort() does without. */
static bool run(long n, const struct outcome *want, long *errors)
{
	long live = failing.live;
	struct outcome o;

	failing.armed = true;
	failing.failed = false;
	failing.after = n;
	failing.count = 1;
	o = join_them();
	failing.armed = false;
	assert_int_equal(failing.live, live);
	if (!o.no_memory)
		assert_same(&o, want);
	assert_true(failing.failed || !o.no_memory);
	*errors += o.no_memory;
	return failing.failed;
}

/* A step of the clock, soon before the end: the offset is looked for once more only. Handlers that one side lacks look like one. */
static void test_every_failure(void **state)
{
	static const struct two_sides_scene scenes[] = {
		{ .episodes = 60 }, { .episodes = 60, .step_at = 54, .step_ns = 2000000000, .seed = 5 }, { .episodes = 60, .host_lacks = 10 },
		{ .episodes = 60, .counter = true },
	};

	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		struct outcome want;
		long n = 0, errors = 0;

		two_sides_make(&sides, &scenes[i]);
		want = join_them();
		assert_false(want.no_memory);
		assert_true(want.events > 50);
		assert_int_equal(want.lines, scenes[i].step_at ? 2 : 1);
		while (run(n, &want, &errors))
			n++;
		assert_true(n > 100);
		assert_in_range(n - errors, 0, 5);
	}
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_failure) };

	return cmocka_run_group_tests_name("sides_memory", tests, NULL, NULL);
}
