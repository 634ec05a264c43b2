// SPDX-License-Identifier: GPL-2.0-only
/* Sentences about a series of builds, the same in all its forms. Builds count from 1. */
#include "view/report/series.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static const struct series_figure *headline(const struct series_row *row)
{
	return &row->figures[row->headline];
}

/* "handler of event 7 is 10.1% slower from build 3 on (6.12.4; p50 142.9 us to 157.3 us)" */
static void put_row(FILE *out, const struct series_report *r, const struct series_row *row)
{
	const struct series_figure *f = headline(row);
	char stat[DIFF_STAT_SIZE];

	diff_put_stage(out, row->key);
	fputs(" is ", out);
	diff_put_change(out, row->key.stage, f->change);
	fprintf(out, " from build %zu on (%s; %s ", f->step + 1, r->builds[f->step].recordings[0].directory,
		diff_stat_name(stat, sizeof(stat), f->stat));
	diff_put_value(out, row->key.stage, f->before);
	fputs(" to ", out);
	diff_put_value(out, row->key.stage, f->after);
	putc(')', out);
}

static void put_followers(FILE *out, const struct series *s)
{
	const char *before = "; from that follows: ";

	for (size_t i = 0; i < s->count; i++) {
		const struct series_row *row = &s->rows[i];

		if (row->verdict != COMPARE_WORSE || !row->follows)
			continue;
		fputs(before, out);
		diff_put_stage(out, row->key);
		putc(' ', out);
		diff_put_change(out, row->key.stage, headline(row)->change);
		before = ", ";
	}
}

static void put_regression(FILE *out, const struct series_report *r)
{
	const struct series *s = r->series;

	fputs("REGRESSION: ", out);
	for (size_t i = 0; i < s->cause_count; i++) {
		fputs(i ? "; and " : "", out);
		put_row(out, r, &s->rows[s->causes[i]]);
	}
	put_followers(out, s);
}

static void put_no_regression(FILE *out, const struct series_report *r)
{
	if (!series_has_result(r->series)) {
		fprintf(out, "cannot tell: %s could be judged, see the notes",
			r->series->tests ? "neither dispatches nor page faults" : "nothing");
		return;
	}
	fprintf(out, "no regression: at no step of %zu builds one of %zu figures becomes worse by ", r->series->builds, r->series->tests);
	diff_put_threshold(out, r->options);
}

static void put_better(FILE *out, const struct series_report *r)
{
	const char *before = "; better: ";

	for (size_t i = 0; i < r->series->count; i++) {
		const struct series_row *row = &r->series->rows[i];

		if (row->verdict != COMPARE_BETTER || row->follows)
			continue;
		fputs(before, out);
		put_row(out, r, row);
		before = ", ";
	}
}

char *series_sentence(const struct series_report *r)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	if (r->series->cause_count)
		put_regression(out, r);
	else
		put_no_regression(out, r);
	put_better(out, r);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* --- notes */

static void note_builds(struct diff_noting *n, const struct series_report *r)
{
	char name[32];

	for (size_t i = 0; i < r->series->builds; i++) {
		snprintf(name, sizeof(name), "build %zu", i + 1);
		diff_note_missing(n, &r->builds[i]);
		diff_note_mixture(n, &r->builds[i], name);
		if (i && diff_loads_differ(&r->builds[i - 1], &r->builds[i]))
			diff_note(n, "the load of builds %zu and %zu differs; that alone can change latencies, drops and fallbacks", i, i + 1);
	}
}

static void note_row(struct diff_noting *n, const struct series_row *row)
{
	if (!compare_is_main(row->key.stage))
		return;
	if (row->inexact)
		diff_note(n, "%s: cannot tell, samples are missing because records were lost", diff_stages[row->key.stage].name);
	else if (row->verdict == COMPARE_UNKNOWN)
		diff_note(n, "%s: cannot tell, a recording has fewer than %llu samples", diff_stages[row->key.stage].name,
			  (unsigned long long)compare_needs(row->figures[0].stat));
}

int series_notes(const struct series_report *r, struct diff_notes *notes)
{
	const struct series *s = r->series;
	struct diff_noting n = { .notes = notes };

	*notes = (struct diff_notes){ 0 };
	note_builds(&n, r);
	if (r->entry_joined)
		diff_note(&n, "only some were recorded with --sched: descheduled, in_guest and in_host are counted as entry");
	if (s->short_of_runs)
		diff_note(&n, "cannot tell: %zu recordings of %zu builds cannot show a step at confidence %.6g (at best %.3g): more builds, "
			  "or more recordings of each", s->runs, s->builds, r->options->confidence, 1 - s->least_p);
	for (size_t i = 0; i < s->count && !s->short_of_runs; i++)
		note_row(&n, &s->rows[i]);
	return n.no_memory ? -ENOMEM : 0;
}
