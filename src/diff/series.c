// SPDX-License-Identifier: GPL-2.0-only
#include "diff/series.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "diff/change_point.h"

struct work {
	const struct samples *const *runs;
	const struct compare_options *options;
	struct series *result;
};

/* --- values */

static double run_seconds(const struct samples *run)
{
	double seconds = 0;

	for (size_t i = 0; i < samples_blocks(run); i++)
		seconds += samples_block_seconds(run, i);
	return seconds;
}

/* All blocks together; to be cleared. 0 or -ENOMEM. */
static int sum_up(const struct samples *run, struct samples_key key, struct fine_hist *sum)
{
	const struct samples_series *series = samples_find(run, key);
	int err = 0;

	for (size_t i = 0; series && i < samples_blocks(run) && !err; i++)
		err = fine_hist_merge(sum, &series->blocks[i]);
	return err;
}

static double value_of(const struct samples *run, const struct fine_hist *sum, double stat)
{
	if (stat == COMPARE_RATE)
		return sum->count / fmax(run_seconds(run), 1e-9);
	if (sum->count < compare_needs(stat))
		return NAN;
	return stat == COMPARE_MEAN ? sum->sum / sum->count : fine_hist_quantile(sum, stat);
}

/* *total is what there is in all recordings. */
static int take_run(const struct work *w, struct series_row *row, size_t run, double *total)
{
	struct fine_hist sum = { 0 };
	int err = sum_up(w->runs[run], row->key, &sum);

	for (size_t i = 0; i < row->figure_count && !err; i++)
		row->figures[i].values[run] = value_of(w->runs[run], &sum, row->figures[i].stat);
	row->inexact |= compare_is_missing(w->runs[run], row->key);
	*total += diff_stages[row->key.stage].kind == STAGE_TIME ? sum.sum : sum.count;
	fine_hist_clear(&sum);
	return err;
}

/* --- rows */

static int add_figures(const struct work *w, struct series_row *row)
{
	bool time = diff_stages[row->key.stage].kind == STAGE_TIME;

	row->figures = calloc(time ? w->options->stat_count : 1, sizeof(*row->figures));
	for (size_t i = 0; row->figures && i < (time ? w->options->stat_count : 1); i++) {
		struct series_figure *f = &row->figures[row->figure_count];

		*f = (struct series_figure){
			.stat = time ? w->options->stats[i] : COMPARE_RATE, .values = calloc(w->result->runs, sizeof(*f->values)),
			.before = NAN, .after = NAN, .change = NAN, .share = NAN, .p = NAN, .verdict = COMPARE_UNKNOWN,
		};
		if (!f->values)
			return -ENOMEM;
		row->figure_count++;
	}
	return row->figures ? 0 : -ENOMEM;
}

static void drop_row(struct series_row *row)
{
	for (size_t i = 0; i < row->figure_count; i++)
		free(row->figures[i].values);
	free(row->figures);
}

/* Not of what never was there, such as most parts of a latency, nor of the load. */
static int add_row(struct work *w, struct samples_key key)
{
	struct series_row *row = &w->result->rows[w->result->count];
	double total = 0;
	int err;

	if (diff_stages[key.stage].kind == STAGE_LOAD)
		return 0;
	*row = (struct series_row){ .key = key, .verdict = COMPARE_UNKNOWN };
	err = add_figures(w, row);
	for (size_t i = 0; i < w->result->runs && !err; i++)
		err = take_run(w, row, i, &total);
	if (err || total == 0)
		drop_row(row);
	else
		w->result->count++;
	return err;
}

/* Keeps keys ascending, each once. */
static void add_key(struct samples_key *keys, size_t *count, struct samples_key key)
{
	size_t at = *count;

	while (at && samples_compare_keys(&keys[at - 1], &key) > 0)
		at--;
	if (at && samples_compare_keys(&keys[at - 1], &key) == 0)
		return;
	memmove(&keys[at + 1], &keys[at], (*count - at) * sizeof(*keys));
	keys[at] = key;
	++*count;
}

/* Of all recordings; free() them. 0 or -ENOMEM. */
static int collect_keys(const struct work *w, struct samples_key **keys, size_t *count)
{
	size_t all = 0, series;

	for (size_t i = 0; i < w->result->runs; i++) {
		samples_all(w->runs[i], &series);
		all += series;
	}
	*count = 0;
	*keys = calloc(all + 1, sizeof(**keys));
	for (size_t i = 0; *keys && i < w->result->runs; i++) {
		const struct samples_series *list = samples_all(w->runs[i], &series);

		for (size_t k = 0; k < series; k++)
			add_key(*keys, count, list[k].key);
	}
	return *keys ? 0 : -ENOMEM;
}

static int fill_rows(struct work *w)
{
	struct samples_key *keys;
	size_t count;
	int err = collect_keys(w, &keys, &count);

	w->result->rows = err ? NULL : calloc(count + 1, sizeof(*w->result->rows));
	if (!err && !w->result->rows)
		err = -ENOMEM;
	for (size_t i = 0; i < count && !err; i++)
		err = add_row(w, keys[i]);
	free(keys);
	return err;
}

/* --- tests */

/* Each recording has a value. */
static bool is_tested(const struct series *s, const struct series_row *row, const struct series_figure *f)
{
	for (size_t i = 0; i < s->runs; i++)
		if (isnan(f->values[i]))
			return false;
	return !row->inexact && !s->short_of_runs;
}

static double mean_of(const double *values, size_t from, size_t to)
{
	double sum = 0;

	for (size_t i = from; i < to; i++)
		sum += values[i];
	return sum / (to - from);
}

static void take_result(const struct work *w, enum diff_stage stage, struct series_figure *f, const struct change_point_figure *tested)
{
	size_t end = w->result->ends[tested->step - 1];

	f->step = tested->step;
	f->share = tested->share;
	f->p = tested->p;
	f->before = mean_of(f->values, 0, end);
	f->after = mean_of(f->values, end, w->result->runs);
	f->change = f->before > 0 ? f->after / f->before - 1 : f->after > 0 ? HUGE_VAL : 0;
	if (f->p > 1 - w->options->confidence || !compare_matters(w->options, stage, f->before, f->after))
		f->verdict = COMPARE_SAME;
	else
		f->verdict = f->after > f->before ? COMPARE_WORSE : COMPARE_BETTER;
}

static int test(struct work *w)
{
	struct series *s = w->result;
	struct change_point x = { .ends = s->ends, .builds = s->builds };
	size_t at = 0;
	int err;

	for (size_t i = 0; i < s->count; i++)
		for (size_t k = 0; k < s->rows[i].figure_count; k++)
			s->tests += s->rows[i].figures[k].tested = is_tested(s, &s->rows[i], &s->rows[i].figures[k]);
	x.figures = calloc(s->tests + 1, sizeof(*x.figures));
	for (size_t i = 0; x.figures && i < s->count; i++)
		for (size_t k = 0; k < s->rows[i].figure_count; k++)
			if (s->rows[i].figures[k].tested)
				x.figures[x.count++].values = s->rows[i].figures[k].values;
	err = x.figures ? change_point_run(&x) : -ENOMEM;
	for (size_t i = 0; i < s->count && !err; i++)
		for (size_t k = 0; k < s->rows[i].figure_count; k++)
			if (s->rows[i].figures[k].tested)
				take_result(w, s->rows[i].key.stage, &s->rows[i].figures[k], &x.figures[at++]);
	free(x.figures);
	return err;
}

/* --- verdicts */

/* WORSE before BETTER before SAME before UNKNOWN; of the same, what is clearer. */
static bool says_more(const struct series_figure *f, const struct series_figure *than)
{
	static const int weights[] = { [COMPARE_UNKNOWN] = 0, [COMPARE_SAME] = 1, [COMPARE_BETTER] = 2, [COMPARE_WORSE] = 3 };

	if (f->verdict != than->verdict)
		return weights[f->verdict] > weights[than->verdict];
	return f->share > than->share;
}

static void judge_row(struct series_row *row)
{
	for (size_t i = 1; i < row->figure_count; i++)
		if (says_more(&row->figures[i], &row->figures[row->headline]))
			row->headline = i;
	row->verdict = row->figures[row->headline].verdict;
}

static size_t step_of(const struct series_row *row)
{
	return row->figures[row->headline].step;
}

static void find_followers(struct series *s)
{
	for (size_t i = 0; i < s->count; i++)
		for (size_t k = 0; k < s->count; k++)
			s->rows[i].follows |= s->rows[k].verdict == s->rows[i].verdict && step_of(&s->rows[k]) == step_of(&s->rows[i]) &&
					      compare_follows(s->rows[i].key, s->rows[k].key);
}

static int find_causes(struct series *s)
{
	s->causes = calloc(s->count + 1, sizeof(*s->causes));
	if (!s->causes)
		return -ENOMEM;
	for (size_t i = 0; i < s->count; i++) {
		size_t at = s->cause_count;

		if (s->rows[i].verdict != COMPARE_WORSE || s->rows[i].follows)
			continue;
		for (; at && step_of(&s->rows[i]) < step_of(&s->rows[s->causes[at - 1]]); at--)
			s->causes[at] = s->causes[at - 1];
		s->causes[at] = i;
		s->cause_count++;
	}
	return 0;
}

static int judge(struct series *s)
{
	for (size_t i = 0; i < s->count; i++)
		judge_row(&s->rows[i]);
	find_followers(s);
	return find_causes(s);
}

/* --- all of it */

struct series *series_new(const struct samples *const *runs, const size_t *ends, size_t builds, const struct compare_options *options)
{
	struct work w = { .runs = runs, .options = options, .result = calloc(1, sizeof(*w.result)) };
	int err;

	if (!w.result)
		return NULL;
	*w.result = (struct series){
		.ends = ends, .builds = builds, .runs = ends[builds - 1], .least_p = change_point_least_p(ends, builds),
	};
	w.result->short_of_runs = w.result->least_p > 1 - options->confidence;
	err = fill_rows(&w);
	if (!err)
		err = test(&w);
	if (!err)
		err = judge(w.result);
	if (!err)
		return w.result;
	series_free(w.result);
	return NULL;
}

void series_free(struct series *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++)
		drop_row(&s->rows[i]);
	free(s->rows);
	free(s->causes);
	free(s);
}

bool series_has_result(const struct series *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (compare_is_main(s->rows[i].key.stage) && s->rows[i].verdict != COMPARE_UNKNOWN)
			return true;
	return false;
}

bool series_is_inexact(const struct series *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->rows[i].inexact)
			return true;
	return false;
}
