// SPDX-License-Identifier: GPL-2.0-only
/* Which items of two sides are the same, and the offset between their clocks, against sides that are known; and what cannot be joined. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>

#include "sides/waterfall.h"
#include "tests/random_bits.h"
#include "tests/unit/lib/two_sides.h"

#define EPISODES TWO_SIDES_EPISODES
#define MS 1000000LL
#define SECOND 1000000000LL

static struct two_sides sides;
static struct side host, guest;
static struct match match;

static void fill(const struct two_sides *from_host, const struct two_sides *from_guest)
{
	assert_true(two_sides_fill_host(&host, from_host));
	assert_true(two_sides_fill_guest(&guest, from_guest));
}

static enum match_result match_scene(struct two_sides_scene scene)
{
	two_sides_make(&sides, &scene);
	side_clear(&host);
	side_clear(&guest);
	fill(&sides, &sides);
	return match_sides(&match, &guest, &host);
}

static int clear(void **state)
{
	side_clear(&host);
	side_clear(&guest);
	return 0;
}

#define SCENE(...) ((struct two_sides_scene){ __VA_ARGS__ })

/* The true offset is within what each line says. */
static void check_lines(const struct two_sides_scene *scene)
{
	for (size_t i = 0; i < match.line_count; i++) {
		const struct clock_line *clock = &match.lines[i].clock;

		for (int part = 0; part <= 10; part++) {
			int64_t at_ns = clock->from_ns + (clock->to_ns - clock->from_ns) / 10 * part;
			double begins = (double)(int64_t)(host.begin_ns - guest.begin_ns);
			double off = begins + clock_line_offset_ns(clock, at_ns) -
				     two_sides_offset_ns(scene, guest.begin_ns + (uint64_t)at_ns, scene->step_at && i);

			if (fabs(off) > clock->error_ns + 2)
				fail_msg("line %zu is %.1f ns off, within %.1f", i, off, clock->error_ns);
		}
	}
}

/* KVM has a signal soon after it was made, on clocks whose offset is known. */
static void check_signals(const struct two_sides_scene *scene)
{
	double begins = (double)(int64_t)(host.begin_ns - guest.begin_ns);

	for (size_t i = 0; i < guest.count; i++) {
		const struct side_item *item = &guest.items[i];
		bool behind = match_line_at(&match, item->begin_ns) > match.lines;
		double passed;

		if (item->what != SIDE_SIGNAL || item->partner == SIDE_NOTHING)
			continue;
		passed = (double)(host.items[item->partner].begin_ns - item->begin_ns) + begins -
			 two_sides_offset_ns(scene, guest.begin_ns + (uint64_t)item->begin_ns, behind);
		if (passed < 2000 || passed > 61000)
			fail_msg("signal %zu: %.1f ns", i, passed);
	}
}

/* No handler has another one's partner, and each runs within its partner. */
static void check_partners(void)
{
	for (size_t i = 0; i < guest.count; i++) {
		const struct side_item *item = &guest.items[i], *partner;

		if (item->partner == SIDE_NOTHING)
			continue;
		partner = &host.items[item->partner];
		assert_int_equal(partner->partner, i);
		assert_int_equal(partner->what, item->what);
		assert_int_equal(partner->vcpu, item->vcpu);
		assert_int_equal(partner->event, item->event);
		assert_true(partner->mark == item->mark);
		if (item->what == SIDE_HANDLER && item->end_ns != SIDE_UNKNOWN && partner->end_ns != SIDE_UNKNOWN) {
			assert_true(match_host_ns(&match, item->begin_ns) >= (double)partner->begin_ns - 2);
			assert_true(match_host_ns(&match, item->end_ns) <= (double)partner->end_ns + 2);
		}
	}
}

/* All is joined that both have, by so many lines, which know the offset within error_ns. */
static void check_joined(struct two_sides_scene scene, size_t lines, double error_ns)
{
	assert_int_equal(match_scene(scene), MATCH_DONE);
	assert_int_equal(match.line_count, lines);
	check_lines(&scene);
	check_signals(&scene);
	check_partners();
	assert_int_equal(match.counts.joined[SIDE_HANDLER], sides.handlers);
	for (size_t i = 0; i < lines; i++)
		assert_true(match.lines[i].clock.error_ns <= error_ns);
}

static void check_nothing_alone(void)
{
	for (int what = 0; what < SIDE_WHATS; what++) {
		assert_int_equal(match.counts.guest_only[what], 0);
		assert_int_equal(match.counts.host_only[what], 0);
	}
}

/* --- one line */

static void all_is_joined(void **state)
{
	check_joined(SCENE(), 1, 15000);
	check_nothing_alone();
	assert_int_equal(match.counts.joined[SIDE_SIGNAL], EPISODES);
	assert_int_equal(match.counts.joined[SIDE_CALL], 5 * EPISODES);
	assert_int_equal(match.lines[0].handlers, EPISODES);
	assert_int_equal(match.lines[0].calls, 5 * EPISODES);
	check_joined(SCENE(.offset_ns = -TWO_SIDES_OFFSET_NS, .vcpus = 16), 1, 15000);
	check_nothing_alone();
	check_joined(SCENE(.alike = true), 1, 15000);
	check_nothing_alone();
}

static void handlers_alone_will_do(void **state)
{
	check_joined(SCENE(.no_calls = true), 1, 60000);
	check_nothing_alone();
	check_joined(SCENE(.no_calls = true, .alike = true, .episodes = 5, .vcpus = 1), 1, 200000);
}

static void slewed_clocks(void **state)
{
	check_joined(SCENE(.slope = 50e-6), 1, 15000);
	check_nothing_alone();
	assert_true(fabs(match.lines[0].clock.slope - 50e-6) < 5e-6);
	check_joined(SCENE(.slope = -900e-6), 1, 15000);
	check_nothing_alone();
}

/* The recordings begin and end when they like. */
static void a_part_in_common(void **state)
{
	static const struct two_sides_scene scenes[] = {
		{ .guest_from = 50, .guest_to = 60 }, { .host_from = 50, .host_to = 60 }, { .guest_from = 150, .host_to = 160 },
		{ .guest_to = 60, .host_from = 50 }, { .guest_from = 3, .host_from = 1, .host_to = 210 },
	};

	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		check_joined(scenes[i], 1, 100000);
		check_nothing_alone();
		assert_int_equal(match.counts.joined[SIDE_CALL], 5 * sides.handlers);
	}
}

static void records_that_one_side_lacks(void **state)
{
	check_joined(SCENE(.host_lacks = 7), 1, 15000);
	assert_int_equal(match.counts.guest_only[SIDE_HANDLER], EPISODES / 7);
	assert_int_equal(match.counts.host_only[SIDE_HANDLER], 0);
	check_joined(SCENE(.guest_lacks = 5), 1, 15000);
	assert_int_equal(match.counts.guest_only[SIDE_HANDLER], 0);
	assert_int_equal(match.counts.host_only[SIDE_HANDLER], EPISODES / 5);
	check_joined(SCENE(.guest_lacks = 5, .host_lacks = 3, .no_calls = true), 1, 100000);
}

/* --- several lines */

static void stepped_clocks(void **state)
{
	static const int64_t steps[] = { SECOND, -SECOND, 2 * MS, -2 * MS, 10 * SECOND, -3600 * SECOND };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		check_joined(SCENE(.step_at = 100, .step_ns = steps[i], .slope = 20e-6), 2, 30000);
		assert_int_equal(match.lines[0].handlers + match.lines[1].handlers, EPISODES);
		assert_true(fabs(match.lines[1].clock.offset_ns - clock_line_offset_ns(&match.lines[0].clock, match.lines[1].clock.from_ns) -
				 (double)steps[i]) < 60000 + 21e-6 * fabs((double)steps[i]));
	}
}

/* --- the counter */

/* Each time of the guest is where it truly was on the host's clock. */
static void check_places(const struct two_sides_scene *scene)
{
	double begins = (double)(int64_t)(host.begin_ns - guest.begin_ns);

	for (size_t i = 0; i < guest.count; i++) {
		int64_t at_ns = guest.items[i].begin_ns;
		bool behind = scene->step_at && match_line_at(&match, at_ns) > match.lines;
		double off;

		if (at_ns == SIDE_UNKNOWN || guest.items[i].partner == SIDE_NOTHING)
			continue;
		off = match_host_ns(&match, at_ns) - (double)at_ns + begins - two_sides_offset_ns(scene, guest.begin_ns + (uint64_t)at_ns, behind);
		if (fabs(off) > match_error_ns(&match))
			fail_msg("item %zu is %.1f ns off, within %.1f", i, off, match_error_ns(&match));
	}
}

static void the_counter_is_more_exact(void **state)
{
	static const struct two_sides_scene scenes[] = {
		{ .counter = true }, { .counter = true, .slope = 50e-6 }, { .counter = true, .slope = -900e-6, .no_calls = true },
		{ .counter = true, .step_at = 100, .step_ns = SECOND }, { .counter = true, .step_at = 100, .step_ns = 10 * SECOND },
		{ .counter = true, .other_vm = true },
	};

	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		check_joined(scenes[i], scenes[i].step_at ? 2 : 1, 60000);
		assert_int_equal(match.counter_lack, COUNTER_THERE);
		assert_true(match.by_counter);
		assert_int_equal(match.counter_contradicts, 0);
		assert_true(match.counter_agrees >= EPISODES);
		/* Two looks of 40 ns, two ticks of 16 ns, and what rounding makes of a moment that is off its neighbours' line. */
		assert_true(match_error_ns(&match) >= 112 && match_error_ns(&match) < 150);
		check_places(&scenes[i]);
	}
}

/* Nothing but the counter says which is which. */
static void the_counter_decides(void **state)
{
	const struct two_sides_scene scene = {
		.period_ns = SECOND, .alike = true, .no_calls = true, .episodes = 50, .guest_from = 10, .guest_to = 30, .counter = true,
	};

	check_joined(scene, 1, MS);
	assert_true(match.by_counter);
	assert_int_equal(match.counter_agrees, 20);
	check_places(&scene);
}

/* More than the bounds allow: then it is not the guest's. */
static void a_counter_that_cannot_be(void **state)
{
	const struct two_sides_scene scene = { .counter = true, .counter_off = 62500 };

	check_joined(scene, 1, 15000);
	check_nothing_alone();
	assert_false(match.by_counter);
	assert_true(match.counter_contradicts > 0);
	assert_int_equal(match.counter_lack, COUNTER_THERE);
	assert_true(match_error_ns(&match) == match.lines[0].clock.error_ns);
}

static void a_counter_that_says_less(void **state)
{
	check_joined(SCENE(.counter = true, .host_sleeps = true), 1, 15000);
	assert_int_equal(match.counter_lack, COUNTER_THERE);
	assert_false(match.by_counter);
	assert_true(match.counter.error_ns > 1e8);
}

static enum counter_lack lack_of(bool host_looks, bool guest_looks, bool has_offset, uint32_t guest_hz)
{
	const struct two_sides_scene scene = { .counter = true };

	two_sides_make(&sides, &scene);
	for (size_t i = 0; i < sides.host_count; i++) {
		struct recording_item *item = &sides.host[i];

		if (item->kind == ITEM_STATUS && !host_looks)
			item->status.counter = (struct counter_look){ 0 };
		if (item->kind == ITEM_RECORD && item->record.head.kind == SDEI_COUNTER && !has_offset)
			item->record.head.vm = TWO_SIDES_VM + 1;
	}
	for (size_t i = 0; i < sides.guest_count; i++)
		if (sides.guest[i].kind == ITEM_STATUS)
			sides.guest[i].status.counter.hz = guest_looks ? guest_hz : 0;
	side_clear(&host);
	side_clear(&guest);
	fill(&sides, &sides);
	assert_int_equal(match_sides(&match, &guest, &host), MATCH_DONE);
	assert_int_equal(match.by_counter, match.counter_lack == COUNTER_THERE);
	return match.counter_lack;
}

static void what_the_counter_needs(void **state)
{
	assert_int_equal(lack_of(true, true, true, 62500000), COUNTER_THERE);
	assert_int_equal(lack_of(false, true, true, 62500000), COUNTER_NOT_OF_HOST);
	assert_int_equal(lack_of(true, false, true, 62500000), COUNTER_NOT_OF_GUEST);
	assert_int_equal(lack_of(true, true, false, 62500000), COUNTER_NO_OFFSET);
	assert_int_equal(lack_of(true, true, true, 24000000), COUNTER_OTHER_HZ);
}

/* --- what cannot be joined */

static struct two_sides other;

static enum match_result match_with_other(struct two_sides_scene scene, struct two_sides_scene others)
{
	two_sides_make(&sides, &scene);
	two_sides_make(&other, &others);
	side_clear(&host);
	side_clear(&guest);
	fill(&sides, &other);
	return match_sides(&match, &guest, &host);
}

static void unrelated_recordings_are_refused(void **state)
{
	assert_int_equal(match_with_other(SCENE(), SCENE(.seed = 4711)), MATCH_UNRELATED);
	assert_int_equal(match_with_other(SCENE(.alike = true), SCENE(.seed = 4711, .alike = true)), MATCH_UNRELATED);
	assert_int_equal(match_with_other(SCENE(.no_calls = true), SCENE(.seed = 3, .no_calls = true)), MATCH_UNRELATED);
	assert_int_equal(match_with_other(SCENE(.host_to = 100), SCENE(.guest_from = 100)), MATCH_UNRELATED);
}

/* Once a second, to the ns, each like the other: nothing says which is which, as neither recording shows the begin of the other. */
static void what_fits_twice_is_refused(void **state)
{
	assert_int_equal(match_scene(SCENE(.period_ns = SECOND, .alike = true, .no_calls = true, .episodes = 50, .guest_from = 10, .guest_to = 30)),
			 MATCH_AMBIGUOUS);
	/* What they interrupt does. */
	check_joined(SCENE(.period_ns = SECOND, .no_calls = true, .episodes = 50, .guest_from = 10, .guest_to = 30), 1, MS);
	check_nothing_alone();
}

static void too_few_say_nothing(void **state)
{
	assert_int_equal(match_scene(SCENE(.episodes = 2, .no_calls = true)), MATCH_UNRELATED);
	assert_int_equal(match_with_other(SCENE(.alike = true), SCENE(.episodes = 1, .no_calls = true, .alike = true)), MATCH_AMBIGUOUS);
	clear(state);
	assert_true(side_begin(&host, false, 0, 0));
	assert_true(side_begin(&guest, true, 0, 0));
	assert_int_equal(match_sides(&match, &guest, &host), MATCH_NOTHING);
}

static void impossible_times_are_refused(void **state)
{
	struct side side;

	assert_false(side_begin(&side, true, 1ULL << 63, (1ULL << 63) + 1));
	assert_false(side_begin(&side, true, 0, UINT64_MAX));
	assert_false(side_begin(&side, true, 1, 0));
	assert_true(side_begin(&side, true, 1ULL << 62, (1ULL << 62) + (1ULL << 53)));
}

/* --- hostile sides: any records, of few vCPUs and events, so that they have much in common */

static struct sdei_record_call any_record(uint64_t *seed, uint64_t time_ns, bool is_guest)
{
	static const uint8_t kinds[] = { SDEI_SIGNAL, SDEI_DISPATCH, SDEI_COMPLETE, SDEI_CALL, SDEI_STATE };
	struct sdei_record_call call = {
		.head = {
			.time_ns = time_ns, .vm = is_guest ? SDEI_THIS_MACHINE : TWO_SIDES_VM, .vcpu = random_below(seed, 2), .event = random_below(seed, 2),
			.kind = kinds[random_below(seed, 5)], .state = random_below(seed, 32), .outcome = random_below(seed, 4),
			.origin = random_below(seed, 3), .pc = random_below(seed, 2),
		},
		.function = 0xc4000024, .duration_ns = random_below(seed, 3) ? random_below(seed, 100000) : UINT32_MAX,
	};

	return call;
}

static void put_any_counter(struct side *side, uint64_t *seed, uint64_t time_ns)
{
	const struct counter_look counter = {
		.ticks = random_bits(seed) >> random_below(seed, 64), .time_ns = time_ns, .error_ns = (uint32_t)random_bits(seed), .hz = 1,
	};
	const struct sdei_record_counter behind = {
		.head = { .time_ns = time_ns, .vm = TWO_SIDES_VM, .kind = SDEI_COUNTER }, .offset = random_bits(seed), .hz = 1,
	};

	side_counter(side, &counter);
	side_record(side, &behind.head, sizeof(behind));
}

static void fill_with_anything(struct side *side, bool is_guest, uint64_t *seed, unsigned int records, uint64_t gap_ns)
{
	uint64_t time_ns = random_bits(seed) >> 2, end_ns = time_ns + (uint64_t)records * gap_ns;

	assert_true(side_begin(side, is_guest, time_ns, end_ns));
	for (unsigned int i = 0; i < records; i++) {
		struct sdei_record_call call = any_record(seed, time_ns, is_guest);

		if (random_below(seed, 100) == 0)
			side_lost(side, NULL, 1);
		if (random_below(seed, 100) == 0)
			put_any_counter(side, seed, time_ns);
		side_record(side, &call.head, sizeof(call));
		time_ns += random_bits(seed) % gap_ns;
	}
}

static void any_records_are_taken(void **state)
{
	uint64_t seed = 1;

	for (int round = 0; round < 300; round++) {
		uint64_t gap_ns = 1ULL << (1 + round % 40);
		enum match_result result;

		side_clear(&host);
		side_clear(&guest);
		fill_with_anything(&host, false, &seed, 2000, gap_ns);
		fill_with_anything(&guest, true, &seed, 2000, gap_ns);
		result = match_sides(&match, &guest, &host);
		assert_in_range(result, MATCH_DONE, MATCH_TOO_MANY);
		if (result == MATCH_DONE) {
			struct waterfall waterfall;

			check_partners();
			assert_int_equal(waterfall_make(&waterfall, &match, 0, UINT64_MAX), 0);
			waterfall_clear(&waterfall);
		}
	}
}

/* Each handler is like any other, and there are so many that comparing each with each would take very long. */
static void many_that_are_alike_are_refused(void **state)
{
	const unsigned int handlers = 200000;

	clear(state);
	assert_true(side_begin(&host, false, 0, handlers * 1000ULL));
	assert_true(side_begin(&guest, true, 0, handlers * 1000ULL));
	for (unsigned int i = 0; i < handlers; i++) {
		const uint64_t time_ns = i * 1000ULL;
		struct sdei_record dispatch = { .time_ns = time_ns, .vm = TWO_SIDES_VM, .kind = SDEI_DISPATCH };
		struct sdei_record complete = { .time_ns = time_ns + 900, .vm = TWO_SIDES_VM, .kind = SDEI_COMPLETE };

		side_record(&host, &dispatch, sizeof(dispatch));
		side_record(&host, &complete, sizeof(complete));
		dispatch.vm = complete.vm = SDEI_THIS_MACHINE;
		dispatch.time_ns += 10;
		complete.time_ns -= 10;
		side_record(&guest, &dispatch, sizeof(dispatch));
		side_record(&guest, &complete, sizeof(complete));
	}
	assert_int_equal(match_sides(&match, &guest, &host), MATCH_AMBIGUOUS);
}

/* --- the legs */

static void legs_add_up(void **state)
{
	struct waterfall waterfall;
	uint64_t all = 0;

	check_joined(SCENE(.slope = 30e-6), 1, 15000);
	assert_int_equal(waterfall_make(&waterfall, &match, 0, UINT64_MAX), 0);
	assert_int_equal(waterfall.count, 2);
	for (size_t i = 0; i < waterfall.count; i++) {
		struct hist **legs = waterfall.rows[i].legs;
		uint64_t sum = 0;

		assert_int_equal(waterfall.rows[i].vcpu, i);
		for (int leg = 0; leg < LEG_total; leg++) {
			assert_int_equal(hist_count(legs[leg]), hist_count(legs[LEG_total]));
			sum += hist_sum(legs[leg]);
		}
		assert_true(llabs((long long)(sum - hist_sum(legs[LEG_total]))) <= (long long)hist_count(legs[LEG_total]) * 5);
		/* The host's own, to the ns. */
		assert_in_range(hist_min(legs[LEG_dispatch]), 5000, 365000);
		all += hist_count(legs[LEG_total]);
	}
	assert_int_equal(all, EPISODES);
	assert_int_equal(waterfall.worst_count, WATERFALL_WORST);
	for (size_t i = 1; i < waterfall.worst_count; i++)
		assert_true(waterfall.worst[i].legs[LEG_total] <= waterfall.worst[i - 1].legs[LEG_total]);
	assert_true((uint64_t)waterfall.worst[0].legs[LEG_total] == hist_max(waterfall.rows[waterfall.worst[0].vcpu].legs[LEG_total]));
	waterfall_clear(&waterfall);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_joined),
		cmocka_unit_test(handlers_alone_will_do),
		cmocka_unit_test(slewed_clocks),
		cmocka_unit_test(a_part_in_common),
		cmocka_unit_test(records_that_one_side_lacks),
		cmocka_unit_test(stepped_clocks),
		cmocka_unit_test(the_counter_is_more_exact),
		cmocka_unit_test(the_counter_decides),
		cmocka_unit_test(a_counter_that_cannot_be),
		cmocka_unit_test(a_counter_that_says_less),
		cmocka_unit_test(what_the_counter_needs),
		cmocka_unit_test(unrelated_recordings_are_refused),
		cmocka_unit_test(what_fits_twice_is_refused),
		cmocka_unit_test(too_few_say_nothing),
		cmocka_unit_test(impossible_times_are_refused),
		cmocka_unit_test(any_records_are_taken),
		cmocka_unit_test(many_that_are_alike_are_refused),
		cmocka_unit_test(legs_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, clear);
}
