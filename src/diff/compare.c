// SPDX-License-Identifier: GPL-2.0-only
#include "diff/compare.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/record.h"
#include "diff/permutation.h"
#include "diff/t_distribution.h"
#include "util/array.h"

#define BLOCKS 32		/* of the shorter recording */
#define BLOCKS_MAX 256		/* of the longer one */
#define UNITS_LEAST 8		/* on each side, when blocks are made longer */
#define BEYOND_LEAST 10		/* samples beyond a quantile */
#define MEAN_LEAST 30		/* samples for a mean, and for a comparison of distributions */
#define LIKENESS_ERRORS 2.5	/* so many standard errors: blocks are made longer */
#define RANKS SIZE_MAX		/* instead of the number of a figure */

/* What chance is judged by: a stretch of a recording. */
struct unit {
	const struct samples *samples;
	size_t from, to;	/* blocks */
	double seconds;
};

/* Where the result of a test belongs. */
struct target {
	size_t row, figure;	/* or RANKS */
};

struct work {
	const struct samples *const *base, *const *fresh;
	size_t base_count, fresh_count;
	const struct compare_options *options;
	struct compare *result;
	struct unit *units;
	size_t unit_count, base_units;
	struct samples_key *keys;	/* of all recordings, each once */
	size_t key_count;
	struct fine_hist *tallies;		/* of each unit, for one key; then the base, the new ones, all */
	struct permutation exchange;
	struct target *targets;		/* of each test */
	size_t room;
	double bound;			/* of Student's t, for intervals */
};

uint64_t compare_block_ns(uint64_t shortest_ns, uint64_t longest_ns)
{
	uint64_t fine = shortest_ns / BLOCKS, coarse = longest_ns / BLOCKS_MAX;

	return (fine > coarse ? fine : coarse) ?: 1;
}

/* --- units */

static void add_unit(struct work *w, const struct samples *s, size_t from, size_t to)
{
	struct unit *unit = &w->units[w->unit_count++];

	*unit = (struct unit){ .samples = s, .from = from, .to = to };
	for (size_t i = from; i < to; i++)
		unit->seconds += samples_block_seconds(s, i);
}

/* What does not fill the last unit goes with the one before it. */
static void divide(struct work *w, const struct samples *s, size_t blocks_each)
{
	size_t blocks = samples_blocks(s), units = blocks / blocks_each ?: 1;

	for (size_t i = 0; i < units; i++)
		add_unit(w, s, i * blocks_each, i + 1 == units ? blocks : (i + 1) * blocks_each);
}

static void add_recordings(struct work *w, const struct samples *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add_unit(w, list[i], 0, samples_blocks(list[i]));
}

static void make_units(struct work *w, size_t blocks_each)
{
	struct compare *c = w->result;

	w->unit_count = 0;
	if (c->by_recording)
		add_recordings(w, w->base, w->base_count);
	else
		divide(w, w->base[0], blocks_each);
	w->base_units = w->unit_count;
	if (c->by_recording)
		add_recordings(w, w->fresh, w->fresh_count);
	else
		divide(w, w->fresh[0], blocks_each);
	c->base_units = w->base_units;
	c->fresh_units = w->unit_count - w->base_units;
	c->unit_seconds = w->units[0].seconds;
	c->least_p = permutation_least_p(c->base_units, c->fresh_units);
	c->short_of_units = c->least_p > 1 - w->options->confidence;
}

static size_t most_units(const struct work *w)
{
	return w->result->by_recording ? w->base_count + w->fresh_count : samples_blocks(w->base[0]) + samples_blocks(w->fresh[0]);
}

static size_t lesser(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* --- keys */

static int by_key(const void *a, const void *b)
{
	return samples_compare_keys(a, b);
}

static size_t series_in(const struct samples *const *list, size_t count)
{
	size_t sum = 0, series;

	for (size_t i = 0; i < count; i++) {
		samples_all(list[i], &series);
		sum += series;
	}
	return sum;
}

static void take_keys(struct work *w, const struct samples *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t series;
		const struct samples_series *all = samples_all(list[i], &series);

		for (size_t k = 0; k < series; k++)
			w->keys[w->key_count++] = all[k].key;
	}
}

static int collect_keys(struct work *w)
{
	size_t room = series_in(w->base, w->base_count) + series_in(w->fresh, w->fresh_count), unique = 0;

	w->keys = calloc(room + 1, sizeof(*w->keys));
	if (!w->keys)
		return -ENOMEM;
	take_keys(w, w->base, w->base_count);
	take_keys(w, w->fresh, w->fresh_count);
	qsort(w->keys, w->key_count, sizeof(*w->keys), by_key);
	for (size_t i = 0; i < w->key_count; i++)
		if (!unique || by_key(&w->keys[unique - 1], &w->keys[i]) != 0)
			w->keys[unique++] = w->keys[i];
	w->key_count = unique;
	return 0;
}

/* --- the samples of one key */

static struct fine_hist *sum_of_base(const struct work *w)
{
	return &w->tallies[w->unit_count];
}

static struct fine_hist *sum_of_fresh(const struct work *w)
{
	return &w->tallies[w->unit_count + 1];
}

static struct fine_hist *sum_of_all(const struct work *w)
{
	return &w->tallies[w->unit_count + 2];
}

static void drop_tallies(struct work *w)
{
	for (size_t i = 0; i < w->unit_count + 3; i++)
		fine_hist_clear(&w->tallies[i]);
}

static int take_unit(const struct work *w, size_t number, struct samples_key key)
{
	const struct unit *unit = &w->units[number];
	const struct samples_series *series = samples_find(unit->samples, key);
	struct fine_hist *tally = &w->tallies[number];
	int err = 0;

	for (size_t i = unit->from; series && i < unit->to && !err; i++)
		err = fine_hist_merge(tally, &series->blocks[i]);
	if (!err)
		err = fine_hist_merge(number < w->base_units ? sum_of_base(w) : sum_of_fresh(w), tally);
	return err ?: fine_hist_merge(sum_of_all(w), tally);
}

static int take_tallies(struct work *w, struct samples_key key)
{
	int err = 0;

	drop_tallies(w);
	for (size_t i = 0; i < w->unit_count && !err; i++)
		err = take_unit(w, i, key);
	return err;
}

/* --- tests */

static struct permutation_test *last_test(const struct work *w)
{
	return &w->exchange.tests[w->exchange.count - 1];
}

static int make_room(struct work *w)
{
	size_t tests = w->room, targets = w->room;

	if (ARRAY_ROOM(w->exchange.tests, tests, w->exchange.count, 64) || ARRAY_ROOM(w->targets, targets, w->exchange.count, 64))
		return -ENOMEM;
	w->room = tests;
	return 0;
}

/* Room for a test, to be filled; last_test() is it. */
static int add_test(struct work *w, size_t row, size_t figure)
{
	struct permutation_test *test;
	double *values;

	if (make_room(w))
		return -ENOMEM;
	values = calloc(2 * w->unit_count, sizeof(*values));
	if (!values)
		return -ENOMEM;
	w->targets[w->exchange.count] = (struct target){ row, figure };
	test = &w->exchange.tests[w->exchange.count++];
	*test = (struct permutation_test){ .y = values, .n = values + w->unit_count };
	return 0;
}

static void drop_last_test(struct work *w)
{
	free(last_test(w)->y);
	w->exchange.count--;
}

static void drop_tests(struct work *w)
{
	while (w->exchange.count)
		drop_last_test(w);
}

/* How many samples of each unit are above the quantile of all. */
static void fill_above(const struct work *w, const struct permutation_test *test, double q)
{
	struct fine_hist_cut cut = fine_hist_cut(sum_of_all(w), q);

	for (size_t i = 0; i < w->unit_count; i++) {
		test->y[i] = fine_hist_above(&w->tallies[i], &cut);
		test->n[i] = w->tallies[i].count;
	}
}

static void fill_sums(const struct work *w, const struct permutation_test *test)
{
	for (size_t i = 0; i < w->unit_count; i++) {
		test->y[i] = w->tallies[i].sum;
		test->n[i] = w->tallies[i].count;
	}
}

static void fill_rates(const struct work *w, const struct permutation_test *test)
{
	for (size_t i = 0; i < w->unit_count; i++) {
		test->y[i] = w->tallies[i].count;
		test->n[i] = w->units[i].seconds;
	}
}

static void fill_ranks(const struct work *w, const struct permutation_test *test)
{
	for (size_t i = 0; i < w->unit_count; i++) {
		test->y[i] = fine_hist_ranks(&w->tallies[i], sum_of_all(w));
		test->n[i] = w->tallies[i].count;
	}
}

static void fill(const struct work *w, const struct permutation_test *test, double stat)
{
	if (stat == COMPARE_MEAN)
		fill_sums(w, test);
	else if (stat == COMPARE_RATE)
		fill_rates(w, test);
	else
		fill_above(w, test, stat);
}

/* --- figures and their intervals */

/* The units of a side, for intervals. */
struct side {
	size_t from, to;
	const struct fine_hist *all;
};

static struct side base_side(const struct work *w)
{
	return (struct side){ 0, w->base_units, sum_of_base(w) };
}

static struct side fresh_side(const struct work *w)
{
	return (struct side){ w->base_units, w->unit_count, sum_of_fresh(w) };
}

/*
 * How alike neighbours are: the correlation of what units differ by from the ratio of their side; 0 if they do not differ. From
 * so few of them it comes out too small by one part in their number.
 */
static double likeness(const struct permutation_test *test, size_t from, size_t to)
{
	double ratio = permutation_ratio(test, from, to).ratio, squares = 0, products = 0;

	for (size_t i = from; i < to; i++) {
		double own = test->y[i] - ratio * test->n[i];

		squares += own * own;
		if (i + 1 < to)
			products += own * (test->y[i + 1] - ratio * test->n[i + 1]);
	}
	return squares > 0 ? products / squares + 1.0 / (to - from) : 0;
}

/* Half the width of the interval of a side's ratio. Repeated runs do not follow upon each other. */
static double spread_of(const struct work *w, const struct side *side, const struct permutation_test *filled)
{
	double spread = w->bound * permutation_ratio(filled, side->from, side->to).error;

	return w->result->by_recording ? spread : spread * permutation_excess(likeness(filled, side->from, side->to));
}

static double beyond(double q)
{
	return q < 0.5 ? q : 1 - q;
}

/*
 * Of repeated runs, how well the logarithm of a quantile is known by how it differs among them. Samples of one run are often
 * closer together than runs are: then shares jump from none to all, and tell little. HUGE_VAL: not known.
 */
static double spread_of_runs(const struct work *w, const struct side *side, double q)
{
	size_t count = side->to - side->from;
	double sum = 0, squares = 0;

	for (size_t i = side->from; i < side->to; i++) {
		double value = fine_hist_quantile(&w->tallies[i], q);

		if (value <= 0 || w->tallies[i].count * beyond(q) < 1)
			return HUGE_VAL;
		sum += log(value);
	}
	for (size_t i = side->from; i < side->to; i++) {
		double own = log(fine_hist_quantile(&w->tallies[i], q)) - sum / count;

		squares += own * own;
	}
	return count < 2 ? HUGE_VAL : w->bound * sqrt(squares / (count - 1) / count);
}

/*
 * A quantile's interval: of repeated runs as above, else Woodruff's: how well the share of samples above it is known, from how it
 * differs among units, and the quantiles at the ends of that.
 */
static struct compare_value quantile_of(const struct work *w, const struct side *side, const struct permutation_test *room, double q)
{
	struct fine_hist_cut cut = fine_hist_cut(side->all, q);
	double at = fine_hist_quantile(side->all, q), spread = w->result->by_recording ? spread_of_runs(w, side, q) : HUGE_VAL;

	if (isfinite(spread))
		return (struct compare_value){ at, at * exp(-spread), at * exp(spread) };
	for (size_t i = side->from; i < side->to; i++) {
		room->y[i] = fine_hist_above(&w->tallies[i], &cut);
		room->n[i] = w->tallies[i].count;
	}
	spread = spread_of(w, side, room);
	if (!isfinite(spread))
		return (struct compare_value){ at, NAN, NAN };
	return (struct compare_value){ at, fine_hist_quantile(side->all, q - spread), fine_hist_quantile(side->all, q + spread) };
}

/* Of a mean or a rate: never below 0. */
static struct compare_value ratio_of(const struct work *w, const struct side *side, const struct permutation_test *filled)
{
	double ratio = permutation_ratio(filled, side->from, side->to).ratio, spread = spread_of(w, side, filled);

	if (!isfinite(spread))
		return (struct compare_value){ ratio, NAN, NAN };
	return (struct compare_value){ ratio, ratio > spread ? ratio - spread : 0, ratio + spread };
}

/* The relative change, with the interval that those of both sides give on a logarithmic scale (Zou and Donner's). */
static struct compare_value change_of(const struct compare_value *base, const struct compare_value *fresh)
{
	struct compare_value change = { .low = NAN, .high = NAN };

	if (base->at > 0)
		change.at = fresh->at / base->at - 1;
	else
		change.at = fresh->at > 0 ? HUGE_VAL : 0;
	if (base->low > 0 && fresh->low > 0) {
		double ratio = log(fresh->at / base->at);

		change.low = expm1(ratio - hypot(log(fresh->at / fresh->low), log(base->high / base->at)));
		change.high = expm1(ratio + hypot(log(fresh->high / fresh->at), log(base->at / base->low)));
	}
	return change;
}

static void fill_figure(const struct work *w, struct compare_figure *f, const struct permutation_test *test)
{
	struct side base = base_side(w), fresh = fresh_side(w);

	if (f->stat < 0) {
		fill(w, test, f->stat);
		f->base = ratio_of(w, &base, test);
		f->fresh = ratio_of(w, &fresh, test);
	} else {
		f->base = quantile_of(w, &base, test, f->stat);
		f->fresh = quantile_of(w, &fresh, test, f->stat);
		fill(w, test, f->stat);
	}
	f->change = change_of(&f->base, &f->fresh);
}

uint64_t compare_needs(double stat)
{
	if (stat == COMPARE_RATE)
		return 0;
	if (stat == COMPARE_MEAN)
		return MEAN_LEAST;
	return fmax(ceil(BEYOND_LEAST / beyond(stat) - 1e-6), MEAN_LEAST);
}

/* --- rows */

static bool is_of_fault(enum diff_stage stage)
{
	return stage >= STAGE_apf_signal && stage < STAGE_apf_signal + APF_STAGE_COUNT;
}

bool compare_is_missing(const struct samples *s, struct samples_key key)
{
	if (is_of_fault(key.stage))
		return samples_are_missing(s, SAMPLES_FAULTS) || samples_are_missing(s, STAGES_APF_EVENT);
	/* Counts are exact though records were lost, as long as it is known which. */
	return samples_are_missing(s, diff_stages[key.stage].kind == STAGE_TIME ? key.event : SDEI_NONE);
}

static bool is_missing(const struct samples *const *list, size_t count, struct samples_key key)
{
	for (size_t i = 0; i < count; i++)
		if (compare_is_missing(list[i], key))
			return true;
	return false;
}

static enum compare_state state_of(const struct work *w, const struct compare_row *row)
{
	if (is_missing(w->base, w->base_count, row->key) || is_missing(w->fresh, w->fresh_count, row->key))
		return COMPARE_INEXACT;
	if (diff_stages[row->key.stage].kind == STAGE_LOAD || w->result->short_of_units)
		return COMPARE_TOO_FEW;
	if (diff_stages[row->key.stage].kind == STAGE_RATE)
		return COMPARE_TESTED;
	if (!row->fresh_count)
		return COMPARE_ONLY_BASE;
	return row->base_count ? COMPARE_TESTED : COMPARE_ONLY_NEW;
}

static int add_ranks(struct work *w, struct compare_row *row, size_t number)
{
	double ranks[2];

	row->larger = row->larger_t = row->larger_p = NAN;
	if (diff_stages[row->key.stage].kind != STAGE_TIME || !row->base_count || !row->fresh_count)
		return 0;
	ranks[0] = fine_hist_ranks(sum_of_fresh(w), sum_of_all(w)) / row->fresh_count;
	/* A mean rank among all counts the side's own samples, whose part is one half. */
	row->larger = (ranks[0] * (row->base_count + row->fresh_count) - row->fresh_count / 2.0) / row->base_count;
	if (row->state != COMPARE_TESTED || lesser(row->base_count, row->fresh_count) < MEAN_LEAST)
		return 0;
	if (add_test(w, number, RANKS))
		return -ENOMEM;
	fill_ranks(w, last_test(w));
	return 0;
}

/* Those of a few samples would be far too narrow. */
static void forget_intervals(struct compare_figure *f)
{
	f->base.low = f->base.high = f->fresh.low = f->fresh.high = f->change.low = f->change.high = NAN;
}

/* Of no samples there is neither a mean nor a quantile, and no change but that there are some now. */
static void forget_unknown(struct compare_figure *f, const struct compare_row *row)
{
	if (f->stat == COMPARE_RATE)
		return;
	if (!row->base_count)
		f->base.at = NAN;
	if (!row->fresh_count)
		f->fresh.at = f->change.at = NAN;
}

/* What cannot be tested has its values all the same. */
static int add_figure(struct work *w, struct compare_row *row, size_t number, double stat)
{
	struct compare_figure *f = &row->figures[row->figure_count];

	*f = (struct compare_figure){ .stat = stat, .t = NAN, .p = NAN, .needs = compare_needs(stat), .verdict = COMPARE_UNKNOWN };
	if (add_test(w, number, row->figure_count))
		return -ENOMEM;
	fill_figure(w, f, last_test(w));
	forget_unknown(f, row);
	row->figure_count++;
	if (lesser(row->base_count, row->fresh_count) < f->needs)
		forget_intervals(f);
	if (row->state != COMPARE_TESTED || lesser(row->base_count, row->fresh_count) < f->needs)
		drop_last_test(w);
	return 0;
}

static int fill_row(struct work *w, struct compare_row *row, size_t number)
{
	const struct compare_options *o = w->options;
	bool rate = diff_stages[row->key.stage].kind != STAGE_TIME;
	int err = 0;

	row->state = state_of(w, row);
	row->figures = calloc(rate ? 1 : o->stat_count, sizeof(*row->figures));
	if (!row->figures)
		return -ENOMEM;
	if (rate)
		err = add_figure(w, row, number, COMPARE_RATE);
	for (size_t i = 0; !rate && i < o->stat_count && !err; i++)
		err = add_figure(w, row, number, o->stats[i]);
	return err ?: add_ranks(w, row, number);
}

/* A part of the latency that never was there is no row. */
static bool is_empty(const struct work *w, struct samples_key key)
{
	const struct fine_hist *all = sum_of_all(w);

	return !all->count || (diff_stages[key.stage].kind == STAGE_TIME && all->sum == 0);
}

static void drop_rows(struct compare *c)
{
	for (size_t i = 0; i < c->count; i++)
		free(c->rows[i].figures);
	c->count = 0;
}

static int fill_rows(struct work *w)
{
	struct compare *c = w->result;
	int err = 0;

	drop_rows(c);
	drop_tests(w);
	for (size_t i = 0; i < w->key_count && !err; i++) {
		struct compare_row *row = &c->rows[c->count];

		err = take_tallies(w, w->keys[i]);
		if (err || is_empty(w, w->keys[i]))
			continue;
		*row = (struct compare_row){
			.key = w->keys[i], .base_count = sum_of_base(w)->count, .fresh_count = sum_of_fresh(w)->count,
		};
		err = fill_row(w, row, c->count++);
	}
	drop_tallies(w);
	return err;
}

/* --- blocks that do not know of each other */

static double likeness_of_both(const struct work *w, const struct permutation_test *test)
{
	return (likeness(test, 0, w->base_units) + likeness(test, w->base_units, w->unit_count)) / 2;
}

/* More than any of so many tests would be by chance: its standard error is 1 / sqrt(units). What is less is allowed for. */
static bool are_alike(const struct work *w)
{
	double limit = LIKENESS_ERRORS / sqrt(w->unit_count);

	for (size_t i = 0; i < w->exchange.count; i++)
		if (w->exchange.tests[i].likeness > limit)
			return true;
	return false;
}

static void measure_likeness(struct work *w)
{
	for (size_t i = 0; i < w->exchange.count; i++)
		w->exchange.tests[i].likeness = likeness_of_both(w, &w->exchange.tests[i]);
}

static void set_bound(struct work *w)
{
	size_t units = lesser(w->base_units, w->unit_count - w->base_units);

	w->bound = units < 2 ? HUGE_VAL : t_distribution_bound(w->options->confidence, units - 1);
}

static int fill_all(struct work *w)
{
	struct compare *c = w->result;
	size_t blocks_each = 1;
	int err;

	for (;;) {
		make_units(w, blocks_each);
		set_bound(w);
		err = fill_rows(w);
		if (err || c->by_recording)
			return err;
		measure_likeness(w);
		c->correlated = are_alike(w);
		if (!c->correlated || lesser(c->base_units, c->fresh_units) < 2 * UNITS_LEAST)
			return 0;
		blocks_each *= 2;
	}
}

/* --- verdicts */

static double threshold_of(const struct compare_options *o, enum diff_stage stage)
{
	return o->thresholds && !isnan(o->thresholds[stage]) ? o->thresholds[stage] : o->threshold;
}

bool compare_matters(const struct compare_options *o, enum diff_stage stage, double base, double fresh)
{
	double difference = fabs(fresh - base);

	return difference > 0 && difference >= threshold_of(o, stage) * base &&
	       (diff_stages[stage].kind == STAGE_RATE || difference >= o->least_ns);
}

static enum compare_verdict verdict_of(const struct compare_options *o, enum diff_stage stage, const struct compare_figure *f)
{
	if (f->p > 1 - o->confidence || !compare_matters(o, stage, f->base.at, f->fresh.at))
		return COMPARE_SAME;
	return f->fresh.at > f->base.at ? COMPARE_WORSE : COMPARE_BETTER;
}

static void take_results(struct work *w)
{
	for (size_t i = 0; i < w->exchange.count; i++) {
		const struct permutation_test *test = &w->exchange.tests[i];
		struct compare_row *row = &w->result->rows[w->targets[i].row];

		if (w->targets[i].figure == RANKS) {
			row->larger_t = test->t;
			row->larger_p = test->p;
		} else {
			struct compare_figure *f = &row->figures[w->targets[i].figure];

			f->t = test->t;
			f->p = test->p;
			f->verdict = verdict_of(w->options, row->key.stage, f);
		}
	}
	w->result->tests = w->exchange.count;
}

static bool is_clearer(const struct compare_figure *f, const struct compare_figure *than)
{
	return isnan(than->t) || fabs(f->t) > fabs(than->t);
}

static void judge_row(struct compare_row *row)
{
	bool tested = false;

	row->verdict = COMPARE_UNKNOWN;
	for (size_t i = 0; i < row->figure_count; i++) {
		const struct compare_figure *f = &row->figures[i];
		bool worse = f->verdict == COMPARE_WORSE && row->verdict != COMPARE_WORSE;
		bool better = f->verdict == COMPARE_BETTER && row->verdict != COMPARE_WORSE && row->verdict != COMPARE_BETTER;

		if (f->verdict == COMPARE_UNKNOWN)
			continue;
		tested = true;
		if (row->verdict == COMPARE_UNKNOWN || worse || better ||
		    (f->verdict == row->verdict && is_clearer(f, &row->figures[row->headline]))) {
			row->verdict = f->verdict;
			row->headline = i;
		}
	}
	if (!tested && row->state == COMPARE_TESTED)
		row->state = COMPARE_TOO_FEW;
}

/* A handler holds up all events of the vCPU, a mask is the PE's; of page faults the guest is told by one event. */
bool compare_follows(struct samples_key key, struct samples_key cause)
{
	bool of_it = cause.event == key.event || cause.event == SDEI_NONE || key.stage == STAGE_blocked ||
		     (is_of_fault(key.stage) && cause.event == STAGES_APF_EVENT);

	return of_it && diff_stages[key.stage].follows & 1ULL << cause.stage;
}

static bool follows_from(const struct compare_row *row, const struct compare_row *cause)
{
	return cause->verdict == row->verdict && compare_follows(row->key, cause->key);
}

static void find_followers(struct compare *c)
{
	for (size_t i = 0; i < c->count; i++)
		for (size_t k = 0; k < c->count && !c->rows[i].follows; k++)
			c->rows[i].follows = follows_from(&c->rows[i], &c->rows[k]);
}

static double weight_of(const struct compare_row *row)
{
	const struct compare_figure *f = &row->figures[row->headline];

	return f->fresh.at - f->base.at;
}

/* Times before rates, which cannot be weighed against each other. */
static bool is_before(const struct compare_row *a, const struct compare_row *b)
{
	enum stage_kind left = diff_stages[a->key.stage].kind, right = diff_stages[b->key.stage].kind;

	return left != right ? left < right : weight_of(a) > weight_of(b);
}

static int find_causes(struct compare *c)
{
	c->causes = calloc(c->count + 1, sizeof(*c->causes));
	if (!c->causes)
		return -ENOMEM;
	for (size_t i = 0; i < c->count; i++) {
		size_t at = c->cause_count;

		if (c->rows[i].verdict != COMPARE_WORSE || c->rows[i].follows)
			continue;
		for (; at && is_before(&c->rows[i], &c->rows[c->causes[at - 1]]); at--)
			c->causes[at] = c->causes[at - 1];
		c->causes[at] = i;
		c->cause_count++;
	}
	return 0;
}

static int judge(struct work *w)
{
	struct compare *c = w->result;
	int err;

	w->exchange.units = w->unit_count;
	w->exchange.base = w->base_units;
	err = permutation_run(&w->exchange);
	if (err)
		return err;
	take_results(w);
	for (size_t i = 0; i < c->count; i++)
		judge_row(&c->rows[i]);
	find_followers(c);
	return find_causes(c);
}

/* --- all of it */

size_t compare_needs_recordings(double confidence)
{
	size_t count = 2;

	while (permutation_least_p(count, count) > 1 - confidence && count < 100)
		count++;
	return count;
}

static int allocate(struct work *w)
{
	w->units = calloc(most_units(w), sizeof(*w->units));
	w->tallies = calloc(most_units(w) + 3, sizeof(*w->tallies));
	if (!w->units || !w->tallies || collect_keys(w))
		return -ENOMEM;
	w->result->rows = calloc(w->key_count + 1, sizeof(*w->result->rows));
	return w->result->rows ? 0 : -ENOMEM;
}

static int work(struct work *w)
{
	int err;

	w->result->by_recording = w->base_count > 1 || w->fresh_count > 1;
	err = allocate(w);
	if (!err)
		err = fill_all(w);
	return err ?: judge(w);
}

struct compare *compare_new(const struct samples *const *base, size_t base_count, const struct samples *const *fresh,
			    size_t fresh_count, const struct compare_options *options)
{
	struct work w = {
		.base = base, .base_count = base_count, .fresh = fresh, .fresh_count = fresh_count, .options = options,
	};
	int err;

	w.result = calloc(1, sizeof(*w.result));
	if (!w.result)
		return NULL;
	err = work(&w);
	drop_tests(&w);
	if (w.tallies)
		drop_tallies(&w);
	free(w.tallies);
	free(w.targets);
	free(w.exchange.tests);
	free(w.keys);
	free(w.units);
	if (!err)
		return w.result;
	compare_free(w.result);
	return NULL;
}

void compare_free(struct compare *c)
{
	if (!c)
		return;
	drop_rows(c);
	free(c->rows);
	free(c->causes);
	free(c);
}

bool compare_is_main(enum diff_stage stage)
{
	return stage == STAGE_dispatch || stage == STAGE_apf_total || stage == STAGE_apf_sync;
}

bool compare_has_result(const struct compare *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (compare_is_main(c->rows[i].key.stage) && c->rows[i].verdict != COMPARE_UNKNOWN)
			return true;
	return false;
}

bool compare_is_inexact(const struct compare *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->rows[i].state == COMPARE_INEXACT)
			return true;
	return false;
}
