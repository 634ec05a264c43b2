// SPDX-License-Identifier: GPL-2.0-only
/* What diff takes out of records against a machine's own figures: every sample in its block of time, every count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "diff/collect.h"
#include "tests/unit/lib/sdei_machine.h"

#define VCPUS 3
#define STEPS 20011
#define BLOCKS 13
#define SEEDS 7
#define CLASS_PENDING 4	/* of a machine's results; the last one is of no code that is known */

/* One run of the machine; what is before begin_ns only leads up to it. */
struct run {
	struct collector *collector;	/* NULL: nobody looks */
	struct samples *samples;
	struct machine *machine;
	uint64_t begin_ns, end_ns;
	bool begun;
};

struct sum {
	uint64_t count;
	double sum;
};

static void feed(void *ctx, const struct sdei_record *record, size_t size)
{
	struct run *run = ctx;

	if (!run->begin_ns)
		run->begin_ns = record->time_ns;
	if (!run->collector)
		return;
	if (!run->begun && record->time_ns >= run->begin_ns) {
		run->begun = true;
		collector_begin(run->collector);
	}
	collector_record(run->collector, record, size);
}

static void play(struct run *run, uint64_t seed, bool places)
{
	run->machine = machine_new(VCPUS, seed, feed, run);
	run->machine->places = places;
	for (unsigned int i = 0; i < STEPS; i++)
		machine_step(run->machine);
}

/* How long the machine will run: its seed decides. */
static void find_range(struct run *run, uint64_t seed, bool places, unsigned int skipped)
{
	play(run, seed, places);
	run->end_ns = run->machine->time;
	machine_free(run->machine);
	run->begin_ns += (run->end_ns - run->begin_ns) * skipped / 100;
}

static struct run run_machine(uint64_t seed, bool places, bool split, unsigned int skipped)
{
	const struct collect_options options = { .split_entry = split };
	struct run run = { 0 };

	find_range(&run, seed, places, skipped);
	run.samples = samples_new(run.begin_ns, run.end_ns, (run.end_ns - run.begin_ns) / BLOCKS);
	assert_non_null(run.samples);
	assert_int_equal(samples_blocks(run.samples), BLOCKS);
	run.collector = collector_new(run.samples, &options);
	assert_non_null(run.collector);
	play(&run, seed, places);
	assert_int_equal(collector_end(run.collector, run.end_ns), 0);
	return run;
}

static void end_run(struct run *run)
{
	collector_free(run->collector);
	samples_free(run->samples);
	machine_free(run->machine);
}

/* --- what the machine says */

static size_t block_of(const struct run *run, uint64_t time_ns)
{
	size_t block = (time_ns - run->begin_ns) / ((run->end_ns - run->begin_ns) / BLOCKS);

	return block < BLOCKS ? block : BLOCKS - 1;
}

static void want(const struct run *run, struct sum *sums, uint64_t from, uint64_t to, uint64_t value)
{
	if (from < run->begin_ns)
		return;
	sums[block_of(run, to)].count++;
	sums[block_of(run, to)].sum += value;
}

static void want_spans(const struct run *run, struct sum *sums, const struct spans *spans)
{
	for (size_t i = 0; i < spans->count; i++)
		want(run, sums, spans->span[i].from, spans->span[i].to, spans->span[i].value);
}

/* --- against the samples; how many there are */

static uint64_t check(const struct run *run, uint32_t event, enum diff_stage stage, const struct sum *sums)
{
	const struct samples_series *found = samples_find(run->samples, (struct samples_key){ event, stage });
	uint64_t count = 0;

	for (size_t i = 0; i < BLOCKS; i++) {
		struct fine_hist none = { 0 };
		const struct fine_hist *tally = found ? &found->blocks[i] : &none;

		if (tally->count != sums[i].count || tally->sum != sums[i].sum)
			fail_msg("%s of %u, block %zu: %llu samples, %.0f ns, not %llu, %.0f", diff_stages[stage].name, event, i,
				 (unsigned long long)tally->count, tally->sum, (unsigned long long)sums[i].count, sums[i].sum);
		count += sums[i].count;
	}
	return count;
}

static uint64_t check_spans(const struct run *run, uint32_t event, enum diff_stage stage, int kind)
{
	struct sum sums[BLOCKS] = { 0 };

	for (unsigned int i = 0; i < VCPUS; i++)
		want_spans(run, sums, &run->machine->vcpus[i].events[event].spans[kind]);
	return check(run, event, stage, sums);
}

/* Entry alone if it is not split. */
static uint64_t part_of(const struct machine_wait *wait, unsigned int part, bool split)
{
	uint64_t ns = wait->parts[part];

	if (split || part < PART_ENTRY)
		return ns;
	if (part > PART_ENTRY)
		return 0;
	for (unsigned int other = PART_ENTRY + 1; other < PARTS; other++)
		ns += wait->parts[other];
	return ns;
}

static void check_part(const struct run *run, uint32_t event, unsigned int part, bool split)
{
	struct sum sums[BLOCKS] = { 0 };

	for (unsigned int i = 0; i < VCPUS; i++) {
		const struct machine_event *e = &run->machine->vcpus[i].events[event];

		for (size_t k = 0; k < e->wait_count; k++)
			want(run, sums, e->waits[k].from, e->waits[k].to, part_of(&e->waits[k], part, split));
	}
	check(run, event, STAGE_dispatch + 1 + part, sums);
}

static void check_masks(const struct run *run)
{
	struct sum mask[BLOCKS] = { 0 }, initial[BLOCKS] = { 0 };

	for (unsigned int i = 0; i < VCPUS; i++) {
		want_spans(run, mask, &run->machine->vcpus[i].mask);
		want_spans(run, initial, &run->machine->vcpus[i].initial_mask);
	}
	assert_true(check(run, SDEI_NONE, STAGE_mask, mask) > 20);
	assert_true(check(run, SDEI_NONE, STAGE_initial_mask, initial) > 0);
}

static uint64_t total_of(const struct run *run, uint32_t event, enum diff_stage stage)
{
	const struct samples_series *found = samples_find(run->samples, (struct samples_key){ event, stage });
	uint64_t total = 0;

	for (size_t i = 0; found && i < BLOCKS; i++)
		total += found->blocks[i].count;
	return total;
}

static void check_rates(const struct run *run, uint32_t event)
{
	struct machine_counts sum = { 0 };

	for (unsigned int i = 0; i < VCPUS; i++) {
		const struct machine_counts *count = &run->machine->vcpus[i].events[event].count;

		sum.signals += count->signals;
		sum.coalesced += count->coalesced;
		sum.rejected += count->rejected;
		sum.cancelled += count->cancelled;
		sum.cleared += count->cleared;
	}
	assert_int_equal(total_of(run, event, STAGE_signals), sum.signals);
	assert_int_equal(total_of(run, event, STAGE_coalesced), sum.coalesced);
	assert_int_equal(total_of(run, event, STAGE_rejected), sum.rejected);
	assert_int_equal(total_of(run, event, STAGE_cancelled), sum.cancelled);
	assert_int_equal(total_of(run, event, STAGE_cleared), sum.cleared);
}

static uint64_t refused_by(const struct machine_vcpu *v)
{
	uint64_t refused = 0;

	for (unsigned int function = 0; function < MACHINE_CALLS; function++)
		for (unsigned int class = 1; class < MACHINE_RESULTS; class++)
			refused += class == CLASS_PENDING ? 0 : v->calls[function][class];
	return refused;
}

static void check_refused(const struct run *run)
{
	uint64_t refused = 0;

	for (unsigned int i = 0; i < VCPUS; i++)
		refused += refused_by(&run->machine->vcpus[i]);
	assert_int_equal(total_of(run, SDEI_NONE, STAGE_refused), refused);
	assert_true(refused > 20);
}

static void check_times(const struct run *run, bool split)
{
	uint64_t dispatches = 0;

	for (uint32_t event = 0; event < MACHINE_EVENTS; event++) {
		dispatches += check_spans(run, event, STAGE_dispatch, SPAN_DISPATCH);
		check_spans(run, event, STAGE_handler, SPAN_HANDLER);
		check_spans(run, event, STAGE_total, SPAN_TOTAL);
		check_spans(run, event, STAGE_coalesce_age, SPAN_AGE);
		for (unsigned int part = 0; part < PARTS; part++)
			check_part(run, event, part, split);
	}
	assert_true(dispatches > 100);
	check_masks(run);
}

/* --- tests */

static void everything_is_in_its_block(void **state)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct run run = run_machine(seed, seed % 2, true, 0);

		check_times(&run, true);
		for (uint32_t event = 0; event < MACHINE_EVENTS; event++)
			check_rates(&run, event);
		check_refused(&run);
		end_run(&run);
	}
}

static void entry_can_be_one_part(void **state)
{
	struct run run = run_machine(SEEDS + 1, true, false, 0);

	check_times(&run, false);
	end_run(&run);
}

/* What began before does not count, but is known. */
static void from_the_middle(void **state)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct run run = run_machine(seed, true, true, 40);

		check_times(&run, true);
		end_run(&run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_in_its_block), cmocka_unit_test(entry_can_be_one_part), cmocka_unit_test(from_the_middle),
	};

	return cmocka_run_group_tests_name("diff_collect", tests, NULL, NULL);
}
