// SPDX-License-Identifier: GPL-2.0-only
/* A series of builds as text and as Markdown: the sentence first, then what it rests on. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/report/series.h"
#include "util/text.h"
#include "view/figures/format.h"

/* How a row of cells is written. */
struct form {
	const char *begin, *between, *end;
	bool padded;
};

static const struct form plain = { "", "  ", "\n", .padded = true };
static const struct form markdown = { "| ", " | ", " |\n", .padded = false };

/* Markdown reads these as its own. */
static char *escape_markdown(const char *text)
{
	char *escaped = calloc(2, strlen(text) + 1), *to = escaped;

	for (; escaped && *text; text++) {
		if (strchr("\\`*_[]<>#|~&", *text))
			*to++ = '\\';
		*to++ = *text;
	}
	return escaped;
}

/* Texts of a recording are as hostile as any. */
static int put_text(FILE *out, const struct series_report *r, const struct form *form, const char *text)
{
	char *shown = text ? escape_terminal(text, r->utf8) : NULL, *escaped = shown && form == &markdown ? escape_markdown(shown) : NULL;
	int err = shown && (escaped || form != &markdown) ? 0 : -ENOMEM;

	if (!err)
		fputs(escaped ?: shown, out);
	free(escaped);
	free(shown);
	return err;
}

static int put_line(FILE *out, const struct series_report *r, const struct form *form, const char *before, const char *text)
{
	int err;

	fputs(before, out);
	err = put_text(out, r, form, text);
	putc('\n', out);
	return err;
}

static int put_sentence(FILE *out, const struct series_report *r, const struct form *form)
{
	char *text = series_sentence(r);
	int err = put_line(out, r, form, "", text);

	free(text);
	return err;
}

static int put_notes(FILE *out, const struct series_report *r, const struct form *form)
{
	struct diff_notes notes;
	int err = series_notes(r, &notes);

	for (size_t i = 0; i < notes.count && !err; i++)
		err = put_line(out, r, form, form == &markdown ? "\n- NOTE " : "NOTE ", notes.texts[i]);
	diff_notes_clear(&notes);
	return err;
}

/* --- cells */

static void put_cell(FILE *out, const struct form *form, int width, const char *text, bool last)
{
	if (form->padded && !last)
		fprintf(out, "%*s", width, text);
	else
		fputs(text, out);
	fputs(last ? form->end : form->between, out);
}

/* --- builds */

static int put_build(FILE *out, const struct series_report *r, const struct form *form, size_t number)
{
	const struct diff_side *build = &r->builds[number];
	char cell[FORMAT_SIZE];
	uint64_t signals = 0, faults = 0;
	double seconds = 0;
	int err = 0;

	for (size_t i = 0; i < build->count; i++) {
		seconds += (build->recordings[i].to_ns - build->recordings[i].from_ns) / 1e9;
		signals += build->recordings[i].signals;
		faults += build->recordings[i].faults;
	}
	fputs(form->begin, out);
	snprintf(cell, sizeof(cell), "%zu", number + 1);
	put_cell(out, form, 5, cell, false);
	snprintf(cell, sizeof(cell), "%zu", build->count);
	put_cell(out, form, 4, cell, false);
	put_cell(out, form, 8, format_real(cell, sizeof(cell), seconds, 8), false);
	put_cell(out, form, 8, format_count(cell, sizeof(cell), signals, 8), false);
	put_cell(out, form, 8, format_count(cell, sizeof(cell), faults, 8), false);
	for (size_t i = 0; i < build->count && !err; i++) {
		fputs(i ? ", " : "", out);
		err = put_text(out, r, form, build->recordings[i].directory);
	}
	fputs(form->end, out);
	return err;
}

static void put_head(FILE *out, const struct form *form, const char *const names[], const int widths[], size_t count)
{
	fputs(form->begin, out);
	for (size_t i = 0; i < count; i++)
		put_cell(out, form, widths[i], names[i], i + 1 == count);
	if (form->padded)
		return;
	fputs(form->begin, out);
	for (size_t i = 0; i < count; i++)
		put_cell(out, form, 0, "---", i + 1 == count);
}

static int put_builds(FILE *out, const struct series_report *r, const struct form *form)
{
	static const char *const names[] = { "BUILD", "RUNS", "SECONDS", "SIGNALS", "FAULTS", "RECORDINGS" };
	static const int widths[] = { 5, 4, 8, 8, 8, 0 };
	int err = 0;

	putc('\n', out);
	put_head(out, form, names, widths, 6);
	for (size_t i = 0; i < r->series->builds && !err; i++)
		err = put_build(out, r, form, i);
	return err;
}

/* --- figures */

static void put_value(FILE *out, const struct form *form, enum diff_stage stage, double value)
{
	char cell[FORMAT_SIZE] = "-";

	if (!isnan(value))
		format_real(cell, sizeof(cell), value / (diff_stages[stage].kind == STAGE_TIME ? 1e3 : 1), 8);
	put_cell(out, form, 8, cell, false);
}

static const char *change_text(char *buf, size_t size, double change)
{
	if (isnan(change))
		return "-";
	if (isinf(change))
		return "new";
	snprintf(buf, size, "%+.1f%%", change * 100);
	return buf;
}

static const char *verdict_text(char *buf, size_t size, const struct series_report *r, const struct series_row *row,
				const struct series_figure *f)
{
	if (f->verdict == COMPARE_WORSE)
		return row->follows ? "worse, follows" : "WORSE";
	if (f->verdict != COMPARE_UNKNOWN)
		return f->verdict == COMPARE_BETTER ? "better" : "same";
	if (row->inexact || r->series->short_of_runs)
		return row->inexact ? "records lost" : "too few recordings";
	snprintf(buf, size, "needs %" PRIu64, compare_needs(f->stat));
	return buf;
}

static void put_figure(FILE *out, const struct series_report *r, const struct form *form, const struct series_row *row,
		       const struct series_figure *f)
{
	bool changed = f->verdict == COMPARE_WORSE || f->verdict == COMPARE_BETTER, time = diff_stages[row->key.stage].kind == STAGE_TIME;
	char cell[FORMAT_SIZE], stat[DIFF_STAT_SIZE];

	fputs(form->begin, out);
	snprintf(cell, sizeof(cell), "%" PRIu32, row->key.event);
	put_cell(out, form, 5, row->key.event == SDEI_NONE ? "-" : cell, false);
	put_cell(out, form, -12, diff_stages[row->key.stage].name, false);
	put_cell(out, form, -6, time ? diff_stat_name(stat, sizeof(stat), f->stat) : "per s", false);
	put_value(out, form, row->key.stage, f->before);
	put_value(out, form, row->key.stage, f->after);
	put_cell(out, form, 8, change_text(cell, sizeof(cell), f->change), false);
	snprintf(cell, sizeof(cell), "%zu", f->step + 1);
	put_cell(out, form, 4, changed ? cell : "-", false);
	snprintf(cell, sizeof(cell), "%.4f", f->p);
	put_cell(out, form, 6, isnan(f->p) ? "-" : cell, false);
	put_cell(out, form, 0, verdict_text(cell, sizeof(cell), r, row, f), true);
}

static void put_figures(FILE *out, const struct series_report *r, const struct form *form)
{
	static const char *const names[] = { "EVENT", "STAGE", "STAT", "BEFORE", "AFTER", "CHANGE", "FROM", "P", "VERDICT" };
	static const int widths[] = { 5, -12, -6, 8, 8, 8, 4, 6, 0 };

	putc('\n', out);
	put_head(out, form, names, widths, 9);
	for (size_t i = 0; i < r->series->count; i++)
		for (size_t k = 0; k < r->series->rows[i].figure_count; k++)
			put_figure(out, r, form, &r->series->rows[i], &r->series->rows[i].figures[k]);
}

static void put_method(FILE *out, const struct series_report *r, const struct form *form)
{
	fprintf(out, "%s%zu figures of %zu recordings of %zu builds; confidence %.6g in all together; what counts is %.4g%%%s and %.4g us or more;"
		" BEFORE and AFTER in us or a second\n", form == &markdown ? "\n" : "", r->series->tests, r->series->runs, r->series->builds,
		r->options->confidence, r->options->threshold * 100, diff_has_own_threshold(r->options) ? " (some stages: their own)" : "",
		r->options->least_ns / 1e3);
}

static int put_all(FILE *out, const struct series_report *r, const struct form *form)
{
	int err = put_sentence(out, r, form);

	if (err)
		return err;
	put_method(out, r, form);
	err = put_notes(out, r, form);
	if (!err)
		err = put_builds(out, r, form);
	if (!err)
		put_figures(out, r, form);
	return err;
}

int series_text(FILE *out, const struct series_report *r)
{
	return put_all(out, r, &plain);
}

int series_markdown(FILE *out, const struct series_report *r)
{
	return put_all(out, r, &markdown);
}
