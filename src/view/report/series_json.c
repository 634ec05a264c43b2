// SPDX-License-Identifier: GPL-2.0-only
/* A series of builds as one JSON object. Unknown is null. */
#include "view/report/series.h"
#include "util/json.h"

static int put_words(struct json *j, const struct series_report *r)
{
	struct diff_notes notes;
	int err = series_notes(r, &notes);

	return diff_json_words(j, series_sentence(r), &notes) ?: err;
}

static void put_change(struct json *j, const struct series_figure *f)
{
	char stat[DIFF_STAT_SIZE];

	json_text(j, "stat", diff_stat_name(stat, sizeof(stat), f->stat));
	if (f->tested)
		json_u64(j, "from_build", f->step + 1);
	else
		json_null(j, "from_build");
	diff_json_real(j, "before", f->before, DIFF_DIGITS);
	diff_json_real(j, "after", f->after, DIFF_DIGITS);
	diff_json_real(j, "change", f->change, DIFF_SHARE_DIGITS);
}

static void put_causes(struct json *j, const struct series *s)
{
	json_open(j, "causes", '[');
	for (size_t i = 0; i < s->cause_count; i++) {
		const struct series_row *row = &s->rows[s->causes[i]];

		json_open(j, NULL, '{');
		json_id(j, "event", row->key.event);
		json_text(j, "stage", diff_stages[row->key.stage].name);
		put_change(j, &row->figures[row->headline]);
		json_close(j, '}');
	}
	json_close(j, ']');
}

/* from_build is where its best step is, whether that is beyond chance or not. */
static void put_figure(struct json *j, const struct series *s, const struct series_figure *f)
{
	json_open(j, NULL, '{');
	put_change(j, f);
	diff_json_real(j, "share", f->share, DIFF_SHARE_DIGITS);
	diff_json_real(j, "p", f->p, DIFF_SHARE_DIGITS);
	diff_json_verdict(j, f->verdict);
	json_open(j, "values", '[');
	for (size_t i = 0; i < s->runs; i++)
		diff_json_real(j, NULL, f->values[i], DIFF_DIGITS);
	json_close(j, ']');
	json_close(j, '}');
}

static void put_row(struct json *j, const struct series *s, const struct series_row *row)
{
	json_open(j, NULL, '{');
	json_id(j, "event", row->key.event);
	json_text(j, "stage", diff_stages[row->key.stage].name);
	json_text(j, "unit", diff_stages[row->key.stage].kind == STAGE_TIME ? "ns" : "1/s");
	json_bool(j, "inexact", row->inexact);
	diff_json_verdict(j, row->verdict);
	json_bool(j, "follows", row->follows);
	json_open(j, "figures", '[');
	for (size_t i = 0; i < row->figure_count; i++)
		put_figure(j, s, &row->figures[i]);
	json_close(j, ']');
	json_close(j, '}');
}

int series_json(FILE *out, const struct series_report *r)
{
	const struct series *s = r->series;
	struct json json;
	int err;

	json_start(&json, out);
	json_open(&json, NULL, '{');
	json_text(&json, "type", "series");
	json_bool(&json, "regression", s->cause_count > 0);
	json_bool(&json, "compared", series_has_result(s));
	err = put_words(&json, r);
	put_causes(&json, s);
	json_open(&json, "builds", '[');
	for (size_t i = 0; i < s->builds; i++)
		diff_json_side(&json, NULL, &r->builds[i]);
	json_close(&json, ']');
	diff_json_options(&json, r->options);
	json_u64(&json, "tests", s->tests);
	diff_json_real(&json, "least_p", s->least_p, DIFF_SHARE_DIGITS);
	json_open(&json, "rows", '[');
	for (size_t i = 0; i < s->count; i++)
		put_row(&json, s, &s->rows[i]);
	json_close(&json, ']');
	json_close(&json, '}');
	putc('\n', out);
	return err;
}
