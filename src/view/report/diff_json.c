// SPDX-License-Identifier: GPL-2.0-only
/* A comparison as one JSON object. Unknown is null. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "view/report/diff.h"
#include "util/json.h"

void diff_json_real(struct json *j, const char *key, double value, int decimals)
{
	if (isfinite(value))
		json_real(j, key, value, decimals);
	else
		json_null(j, key);
}

static void put_value(struct json *j, const char *key, const struct compare_value *v, int decimals)
{
	json_open(j, key, '{');
	diff_json_real(j, "at", v->at, decimals);
	diff_json_real(j, "low", v->low, decimals);
	diff_json_real(j, "high", v->high, decimals);
	json_close(j, '}');
}

void diff_json_side(struct json *j, const char *key, const struct diff_side *side)
{
	json_open(j, key, '[');
	for (size_t i = 0; i < side->count; i++) {
		const struct diff_recording *r = &side->recordings[i];

		json_open(j, NULL, '{');
		json_text(j, "directory", r->directory);
		json_text(j, "host", r->about.host);
		json_text(j, "kernel", r->about.kernel);
		json_text(j, "kernel_version", r->about.kernel_version);
		json_text(j, "filter", r->about.filter);
		json_u64(j, "begin_ns", r->from_ns);
		json_u64(j, "end_ns", r->to_ns);
		json_u64(j, "signals", r->signals);
		json_u64(j, "dispatched", r->dispatched);
		json_u64(j, "faults", r->faults);
		json_u64(j, "lost", r->lost);
		json_bool(j, "incomplete", r->incomplete);
		json_close(j, '}');
	}
	json_close(j, ']');
}

void diff_json_verdict(struct json *j, enum compare_verdict verdict)
{
	static const char *const names[] = {
		[COMPARE_SAME] = "same", [COMPARE_WORSE] = "worse", [COMPARE_BETTER] = "better", [COMPARE_UNKNOWN] = "unknown",
	};

	json_text(j, "verdict", names[verdict]);
}

static void put_figure(struct json *j, const struct compare_figure *f)
{
	char stat[DIFF_STAT_SIZE];

	json_open(j, NULL, '{');
	json_text(j, "stat", diff_stat_name(stat, sizeof(stat), f->stat));
	put_value(j, "base", &f->base, DIFF_DIGITS);
	put_value(j, "new", &f->fresh, DIFF_DIGITS);
	put_value(j, "change", &f->change, DIFF_SHARE_DIGITS);
	diff_json_real(j, "t", f->t, DIFF_DIGITS);
	diff_json_real(j, "p", f->p, DIFF_SHARE_DIGITS);
	json_u64(j, "needs", f->needs);
	diff_json_verdict(j, f->verdict);
	json_close(j, '}');
}

static void put_row(struct json *j, const struct compare_row *row)
{
	static const char *const states[] = {
		[COMPARE_TESTED] = "tested", [COMPARE_ONLY_BASE] = "only in base", [COMPARE_ONLY_NEW] = "only in new",
		[COMPARE_INEXACT] = "inexact", [COMPARE_TOO_FEW] = "not tested",
	};
	const struct stage *stage = &diff_stages[row->key.stage];

	json_open(j, NULL, '{');
	json_id(j, "event", row->key.event);
	json_text(j, "stage", stage->name);
	json_text(j, "unit", stage->kind == STAGE_TIME ? "ns" : "1/s");
	json_text(j, "state", states[row->state]);
	json_u64(j, "base_count", row->base_count);
	json_u64(j, "new_count", row->fresh_count);
	diff_json_verdict(j, row->verdict);
	json_bool(j, "follows", row->follows);
	json_open(j, "figures", '[');
	for (size_t i = 0; i < row->figure_count; i++)
		put_figure(j, &row->figures[i]);
	json_close(j, ']');
	diff_json_real(j, "larger", row->larger, DIFF_SHARE_DIGITS);
	diff_json_real(j, "larger_p", row->larger_p, DIFF_SHARE_DIGITS);
	json_close(j, '}');
}

static void put_causes(struct json *j, const struct compare *c)
{
	char stat[DIFF_STAT_SIZE];

	json_open(j, "causes", '[');
	for (size_t i = 0; i < c->cause_count; i++) {
		const struct compare_row *row = &c->rows[c->causes[i]];
		const struct compare_figure *f = &row->figures[row->headline];

		json_open(j, NULL, '{');
		json_id(j, "event", row->key.event);
		json_text(j, "stage", diff_stages[row->key.stage].name);
		json_text(j, "stat", diff_stat_name(stat, sizeof(stat), f->stat));
		put_value(j, "change", &f->change, DIFF_SHARE_DIGITS);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void put_notes(struct json *j, const struct diff_notes *notes)
{
	json_open(j, "notes", '[');
	for (size_t i = 0; i < notes->count; i++)
		json_text(j, NULL, notes->texts[i]);
	json_close(j, ']');
}

int diff_json_words(struct json *j, char *sentence, struct diff_notes *notes)
{
	int err = sentence ? 0 : -ENOMEM;

	if (sentence)
		json_text(j, "sentence", sentence);
	put_notes(j, notes);
	diff_notes_clear(notes);
	free(sentence);
	return err;
}

static int put_words(struct json *j, const struct diff *d)
{
	struct diff_notes notes;
	int err = diff_notes(d, &notes);

	return diff_json_words(j, diff_sentence(d), &notes) ?: err;
}

void diff_json_options(struct json *j, const struct compare_options *o)
{
	json_real(j, "confidence", o->confidence, DIFF_SHARE_DIGITS);
	json_real(j, "threshold", o->threshold, DIFF_SHARE_DIGITS);
	json_open(j, "thresholds", '{');
	for (int stage = 0; o->thresholds && stage < STAGE_COUNT; stage++)
		if (!isnan(o->thresholds[stage]))
			json_real(j, diff_stages[stage].name, o->thresholds[stage], DIFF_SHARE_DIGITS);
	json_close(j, '}');
	json_real(j, "least_ns", o->least_ns, DIFF_DIGITS);
}

static void put_method(struct json *j, const struct diff *d)
{
	const struct compare *c = d->compare;

	diff_json_options(j, d->options);
	json_u64(j, "tests", c->tests);
	json_text(j, "units", c->by_recording ? "recordings" : "blocks");
	json_u64(j, "base_units", c->base_units);
	json_u64(j, "new_units", c->fresh_units);
	json_real(j, "unit_seconds", c->unit_seconds, DIFF_SHARE_DIGITS);
	json_bool(j, "correlated", c->correlated);
}

int diff_json(FILE *out, const struct diff *d)
{
	const struct compare *c = d->compare;
	struct json json;
	int err;

	json_start(&json, out);
	json_open(&json, NULL, '{');
	json_text(&json, "type", "diff");
	json_bool(&json, "regression", c->cause_count > 0);
	json_bool(&json, "compared", compare_has_result(c));
	err = put_words(&json, d);
	put_causes(&json, c);
	diff_json_side(&json, "base", &d->base);
	diff_json_side(&json, "new", &d->fresh);
	put_method(&json, d);
	json_open(&json, "rows", '[');
	for (size_t i = 0; i < c->count; i++)
		put_row(&json, &c->rows[i]);
	json_close(&json, ']');
	json_close(&json, '}');
	putc('\n', out);
	return err;
}
