// SPDX-License-Identifier: GPL-2.0-only
/* A comparison on paper: the sentence first, then what it rests on. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "view/report/diff.h"
#include "util/text.h"
#include "view/figures/format.h"

#define NS_PER_MS 1000000

/* Texts of a recording are as hostile as any. */
static int put_line(FILE *out, const struct diff *d, const char *label, const char *text)
{
	char *shown = text ? escape_terminal(text, d->utf8) : NULL;

	if (!shown)
		return -ENOMEM;
	fprintf(out, "%s%s\n", label, shown);
	free(shown);
	return 0;
}

static int put_sentence(FILE *out, const struct diff *d)
{
	char *text = diff_sentence(d);
	int err = put_line(out, d, "", text);

	free(text);
	return err;
}

static int put_notes(FILE *out, const struct diff *d)
{
	struct diff_notes notes;
	int err = diff_notes(d, &notes);

	for (size_t i = 0; i < notes.count && !err; i++)
		err = put_line(out, d, "NOTE ", notes.texts[i]);
	diff_notes_clear(&notes);
	return err;
}

static int put_side(FILE *out, const struct diff *d, const char *label, const struct diff_side *side)
{
	int err = 0;

	for (size_t i = 0; i < side->count && !err; i++) {
		const struct diff_recording *r = &side->recordings[i];
		uint64_t ms = (r->to_ns - r->from_ns) / NS_PER_MS;

		fprintf(out, "%s %" PRIu64 ".%03" PRIu64 " s, %" PRIu64 " signals, %" PRIu64 " dispatched", label, ms / 1000, ms % 1000,
			r->signals, r->dispatched);
		if (r->faults)
			fprintf(out, ", %" PRIu64 " page faults", r->faults);
		err = put_line(out, d, *r->about.kernel ? ", kernel " : "", r->about.kernel);
		if (!err)
			err = put_line(out, d, "     ", r->directory);
	}
	return err;
}

/* " (handler 1%, coalesced 0%)": those of their own. */
static void put_thresholds(FILE *out, const struct compare_options *o)
{
	const char *before = " (", *behind = "";

	for (int stage = 0; o->thresholds && stage < STAGE_COUNT; stage++) {
		if (isnan(o->thresholds[stage]))
			continue;
		fprintf(out, "%s%s %.4g%%", before, diff_stages[stage].name, o->thresholds[stage] * 100);
		before = ", ";
		behind = ")";
	}
	fputs(behind, out);
}

static void put_method(FILE *out, const struct diff *d)
{
	const struct compare *c = d->compare;

	fprintf(out, "%zu comparisons of %zu and %zu ", c->tests, c->base_units, c->fresh_units);
	if (c->by_recording)
		fputs("recordings", out);
	else
		fprintf(out, "blocks of %.3g s", c->unit_seconds);
	fprintf(out, "; confidence %.6g in all together; what counts is %.4g%%", d->options->confidence, d->options->threshold * 100);
	put_thresholds(out, d->options);
	fprintf(out, " and %.4g us or more\n", d->options->least_ns / 1e3);
}

/* --- the table */

/* "142.9 (142.1 143.3)"; us or 1/s. */
static void put_value(FILE *out, const struct compare_value *v, double unit)
{
	char at[FORMAT_SIZE], low[FORMAT_SIZE], high[FORMAT_SIZE];

	if (isnan(v->at))
		fprintf(out, "  %7s %17s", "-", "");
	else if (isnan(v->low))
		fprintf(out, "  %7s %17s", format_real(at, sizeof(at), v->at / unit, 7), "");
	else
		fprintf(out, "  %7s (%7s %7s)", format_real(at, sizeof(at), v->at / unit, 7), format_real(low, sizeof(low), v->low / unit, 7),
			format_real(high, sizeof(high), v->high / unit, 7));
}

static void put_change(FILE *out, const struct compare_value *change)
{
	if (isinf(change->at))
		fprintf(out, "  %7s %17s", "new", "");
	else if (isnan(change->at))
		fprintf(out, "  %7s %17s", "-", "");
	else if (isnan(change->low))
		fprintf(out, "  %+6.1f%% %17s", change->at * 100, "");
	else
		fprintf(out, "  %+6.1f%% (%+6.1f%% %+6.1f%%)", change->at * 100, change->low * 100, change->high * 100);
}

static void put_p(FILE *out, double p)
{
	if (isnan(p))
		fprintf(out, " %7s", "-");
	else
		fprintf(out, " %7.4f", p);
}

/* Of repeated runs there may be too few, however many samples they have: a note says that. */
static bool lacks_samples(const struct compare_row *row, const struct compare_figure *f)
{
	return diff_stages[row->key.stage].kind == STAGE_TIME && (row->base_count < f->needs || row->fresh_count < f->needs);
}

static void put_verdict(FILE *out, const struct compare_row *row, const struct compare_figure *f)
{
	if (f->verdict == COMPARE_WORSE)
		fputs(row->follows ? "  worse, follows" : "  WORSE", out);
	else if (f->verdict == COMPARE_BETTER)
		fputs("  better", out);
	else if (row->state == COMPARE_INEXACT)
		fputs("  records lost", out);
	else if (row->state == COMPARE_ONLY_BASE || row->state == COMPARE_ONLY_NEW)
		fputs(row->state == COMPARE_ONLY_NEW ? "  only in NEW" : "  only in BASE", out);
	else if (f->verdict == COMPARE_UNKNOWN && lacks_samples(row, f))
		fprintf(out, "  needs %" PRIu64, f->needs);
}

static void put_row(FILE *out, const struct compare_row *row)
{
	const struct stage *stage = &diff_stages[row->key.stage];
	char stat[DIFF_STAT_SIZE], base[FORMAT_SIZE], fresh[FORMAT_SIZE];

	for (size_t i = 0; i < row->figure_count; i++) {
		const struct compare_figure *f = &row->figures[i];

		if (i)
			fprintf(out, "  %28s", "");
		else
			fprintf(out, "  %-12s %7s %7s", stage->name, format_count(base, sizeof(base), row->base_count, 7),
				format_count(fresh, sizeof(fresh), row->fresh_count, 7));
		fprintf(out, " %-6s", stage->kind == STAGE_TIME ? diff_stat_name(stat, sizeof(stat), f->stat) : "per s");
		put_value(out, &f->base, stage->kind == STAGE_TIME ? 1e3 : 1);
		put_value(out, &f->fresh, stage->kind == STAGE_TIME ? 1e3 : 1);
		put_change(out, &f->change);
		put_p(out, f->p);
		put_verdict(out, row, f);
		putc('\n', out);
	}
	if (isnan(row->larger))
		return;
	fprintf(out, "  %28s larger  %7.3f%72s", "", row->larger, "");
	put_p(out, row->larger_p);
	putc('\n', out);
}

static void put_event(FILE *out, uint32_t event)
{
	if (event == SDEI_NONE)
		fputs("\nof the vCPUs\n", out);
	else
		fprintf(out, "\nevent %" PRIu32 "\n", event);
	fprintf(out, "  %-12s %7s %7s %-6s  %-25s  %-25s  %-25s %7s\n", "STAGE", "BASE", "NEW", "STAT", "BASE us (interval)", "NEW us (interval)",
		"CHANGE (interval)", "P");
}

int diff_text(FILE *out, const struct diff *d)
{
	const struct compare *c = d->compare;
	int err = put_sentence(out, d);

	if (!err)
		err = put_side(out, d, "BASE", &d->base);
	if (!err)
		err = put_side(out, d, "NEW ", &d->fresh);
	if (err)
		return err;
	put_method(out, d);
	err = put_notes(out, d);
	for (size_t i = 0; i < c->count && !err; i++) {
		if (!i || c->rows[i].key.event != c->rows[i - 1].key.event)
			put_event(out, c->rows[i].key.event);
		put_row(out, &c->rows[i]);
	}
	return err;
}
