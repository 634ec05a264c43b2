// SPDX-License-Identifier: GPL-2.0-only
/* Sentences about a comparison, the same in all its forms. */
#include "view/report/diff.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define FOLLOWERS_TOLD 6
#define BETTER_TOLD 3
#define LOAD_DIFFERS 1.2	/* so many times the signals, or page faults, a second */
#define NS_PER_S 1e9

char *diff_stat_name(char *buf, size_t size, double stat)
{
	if (stat == COMPARE_MEAN)
		snprintf(buf, size, "mean");
	else if (stat == COMPARE_RATE)
		snprintf(buf, size, "rate");
	else
		snprintf(buf, size, "p%.10g", stat * 100);
	return buf;
}

static bool is_time(enum diff_stage stage)
{
	return diff_stages[stage].kind == STAGE_TIME;
}

void diff_put_stage(FILE *out, struct samples_key key)
{
	fputs(diff_stages[key.stage].name, out);
	if (key.event != SDEI_NONE)
		fprintf(out, " of event %" PRIu32, key.event);
	else if (key.stage == STAGE_refused)
		fputs(" calls", out);
	else
		fputs(is_time(key.stage) ? " time" : " page faults", out);
}

void diff_put_change(FILE *out, enum diff_stage stage, double change)
{
	const char *slower = is_time(stage) ? "slower" : "more", *faster = is_time(stage) ? "faster" : "less";

	if (isinf(change))
		fprintf(out, "%s than none", slower);
	else
		fprintf(out, "%.1f%% %s", fabs(change) * 100, change > 0 ? slower : faster);
}

void diff_put_value(FILE *out, enum diff_stage stage, double value)
{
	if (is_time(stage))
		fprintf(out, "%.1f us", value / 1e3);
	else
		fprintf(out, "%.3g/s", value);
}

/* --- the sentence */

static const struct compare_figure *headline(const struct compare_row *row)
{
	return &row->figures[row->headline];
}

static void put_change(FILE *out, const struct compare_row *row)
{
	diff_put_change(out, row->key.stage, headline(row)->change.at);
}

/* "(p50 142.9 us to 157.3 us, 99% interval +9.2% to +11.0%)" */
static void put_figure(FILE *out, const struct diff *d, const struct compare_row *row)
{
	const struct compare_figure *f = headline(row);
	char stat[DIFF_STAT_SIZE];

	fprintf(out, " (%s ", diff_stat_name(stat, sizeof(stat), f->stat));
	diff_put_value(out, row->key.stage, f->base.at);
	fputs(" to ", out);
	diff_put_value(out, row->key.stage, f->fresh.at);
	if (!isnan(f->change.low))
		fprintf(out, ", %.4g%% interval %+.1f%% to %+.1f%%", d->options->confidence * 100, f->change.low * 100, f->change.high * 100);
	putc(')', out);
}

static void put_followers(FILE *out, const struct compare *c)
{
	const char *before = "; from that follows: ";
	size_t told = 0;

	for (size_t i = 0; i < c->count && told < FOLLOWERS_TOLD; i++) {
		const struct compare_row *row = &c->rows[i];

		if (row->verdict != COMPARE_WORSE || !row->follows)
			continue;
		fputs(before, out);
		diff_put_stage(out, row->key);
		putc(' ', out);
		put_change(out, row);
		before = ", ";
		told++;
	}
}

static void put_regression(FILE *out, const struct diff *d)
{
	const struct compare *c = d->compare;

	fputs("REGRESSION: ", out);
	for (size_t i = 0; i < c->cause_count; i++) {
		const struct compare_row *row = &c->rows[c->causes[i]];

		fputs(i ? "; and " : "", out);
		diff_put_stage(out, row->key);
		fputs(" is ", out);
		put_change(out, row);
		put_figure(out, d, row);
	}
	put_followers(out, c);
}

/* Of a side: how many in all, and a second. */
struct load {
	uint64_t count;
	double rate;
};

static struct load load_of(const struct diff_side *side, bool faults)
{
	struct load load = { 0 };
	double seconds = 0;

	for (size_t i = 0; i < side->count; i++) {
		load.count += faults ? side->recordings[i].faults : side->recordings[i].signals;
		seconds += (side->recordings[i].to_ns - side->recordings[i].from_ns) / NS_PER_S;
	}
	load.rate = seconds > 0 ? load.count / seconds : 0;
	return load;
}

static bool loads_differ(const struct load *base, const struct load *fresh)
{
	return base->rate > fresh->rate * LOAD_DIFFERS || fresh->rate > base->rate * LOAD_DIFFERS;
}

bool diff_loads_differ(const struct diff_side *one, const struct diff_side *other)
{
	for (int faults = 0; faults < 2; faults++) {
		struct load a = load_of(one, faults), b = load_of(other, faults);

		if (loads_differ(&a, &b))
			return true;
	}
	return false;
}

/* What was not asked for on one side cannot be slower there: so that nothing is worse says little. */
static bool put_loads(FILE *out, const struct diff *d)
{
	const char *before = "the load differs: ";

	for (int faults = 0; faults < 2; faults++) {
		struct load base = load_of(&d->base, faults), fresh = load_of(&d->fresh, faults);

		if (!loads_differ(&base, &fresh))
			continue;
		fprintf(out, "%s%s %" PRIu64 " to %" PRIu64 " (%.1f to %.1f a second)", before, faults ? "page faults" : "signals",
			base.count, fresh.count, base.rate, fresh.rate);
		before = ", ";
	}
	return *before == ',';
}

bool diff_has_own_threshold(const struct compare_options *o)
{
	for (int stage = 0; o->thresholds && stage < STAGE_COUNT; stage++)
		if (!isnan(o->thresholds[stage]))
			return true;
	return false;
}

void diff_put_threshold(FILE *out, const struct compare_options *o)
{
	if (diff_has_own_threshold(o))
		fputs("its threshold or more beyond chance", out);
	else
		fprintf(out, "%.4g%% or more beyond chance", o->threshold * 100);
}

static void put_no_regression(FILE *out, const struct diff *d)
{
	const struct compare *c = d->compare;

	if (!compare_has_result(c)) {
		fprintf(out, "cannot tell: %s could be compared, see the notes", c->tests ? "neither dispatches nor page faults" : "nothing");
		return;
	}
	fprintf(out, put_loads(out, d) ? "; in %zu comparisons nothing is worse by " : "no regression: in %zu comparisons nothing is worse by ",
		c->tests);
	diff_put_threshold(out, d->options);
}

static void put_better(FILE *out, const struct diff *d)
{
	const char *before = "; better: ";
	size_t told = 0;

	for (size_t i = 0; i < d->compare->count && told < BETTER_TOLD; i++) {
		const struct compare_row *row = &d->compare->rows[i];

		if (row->verdict != COMPARE_BETTER || row->follows)
			continue;
		fputs(before, out);
		diff_put_stage(out, row->key);
		fputs(" is ", out);
		put_change(out, row);
		put_figure(out, d, row);
		before = ", ";
		told++;
	}
}

char *diff_sentence(const struct diff *d)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	if (d->compare->cause_count)
		put_regression(out, d);
	else
		put_no_regression(out, d);
	put_better(out, d);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* --- notes */

void diff_note(struct diff_noting *n, const char *format, ...)
{
	char **texts = reallocarray(n->notes->texts, n->notes->count + 1, sizeof(*texts));
	va_list args;
	char *text;

	va_start(args, format);
	if (texts)
		n->notes->texts = texts;
	if (!texts || vasprintf(&text, format, args) < 0)
		n->no_memory = true;
	else
		texts[n->notes->count++] = text;
	va_end(args);
}

/* X(field, what it is): of the recordings, texts that should be the same. */
#define SAME_TEXTS(X)					\
	X(host, "hosts")				\
	X(machine, "machines")				\
	X(kernel, "kernels")				\
	X(kernel_version, "builds of the kernel")	\
	X(filter, "filters: what was recorded is not the same")		\
	X(probes, "probes: what was recorded is not the same")

static const char *or_none(const char *text)
{
	return *text ? text : "none";
}

static void note_texts(struct diff_noting *n)
{
	const struct recording_about *base = &n->diff->base.recordings[0].about, *fresh = &n->diff->fresh.recordings[0].about;

#define X(field, what)											\
	if (strcmp(base->field, fresh->field) != 0)							\
		diff_note(n, "different %s: '%s', then '%s'", what, or_none(base->field), or_none(fresh->field));
	SAME_TEXTS(X)
#undef X
	if (base->cpus != fresh->cpus)
		diff_note(n, "different numbers of CPUs: %" PRIu32 ", then %" PRIu32, base->cpus, fresh->cpus);
}

/* What is called one side should be of one kind. */
void diff_note_mixture(struct diff_noting *n, const struct diff_side *side, const char *name)
{
	for (size_t i = 1; i < side->count; i++) {
		const struct recording_about *first = &side->recordings[0].about, *other = &side->recordings[i].about;

		if (strcmp(first->kernel, other->kernel) == 0 && strcmp(first->kernel_version, other->kernel_version) == 0 &&
		    strcmp(first->filter, other->filter) == 0)
			continue;
		diff_note(n, "the recordings of %s are not of the same kernel or filter: %s, %s", name, side->recordings[0].directory,
		     side->recordings[i].directory);
		return;
	}
}

void diff_note_missing(struct diff_noting *n, const struct diff_side *side)
{
	for (size_t i = 0; i < side->count; i++) {
		const struct diff_recording *r = &side->recordings[i];

		if (r->incomplete)
			diff_note(n, "%s: the recording is incomplete", r->directory);
		if (r->lost)
			diff_note(n, "%s: %" PRIu64 " records were lost; what misses samples for that is not judged", r->directory, r->lost);
	}
}

static void note_load(struct diff_noting *n, bool faults)
{
	struct load base = load_of(&n->diff->base, faults), fresh = load_of(&n->diff->fresh, faults);

	if (loads_differ(&base, &fresh))
		diff_note(n, "the load differs: %.1f %s/s, then %.1f; that alone can change latencies and %s", base.rate,
		     faults ? "page faults" : "signals", fresh.rate, faults ? "fallbacks" : "drops");
}

static void note_units(struct diff_noting *n)
{
	const struct compare *c = n->diff->compare;
	size_t needs = compare_needs_recordings(n->diff->options->confidence);

	if (c->short_of_units && c->by_recording)
		diff_note(n, "cannot tell: %zu and %zu recordings cannot show a difference at confidence %.6g; it takes %zu and %zu",
		     c->base_units, c->fresh_units, n->diff->options->confidence, needs, needs);
	else if (c->short_of_units)
		diff_note(n, "cannot tell: a recording is too short to be divided into blocks");
	else if (c->correlated)
		diff_note(n, "what is close in time is alike even over %.1f s: there is less to judge by than it seems; record for longer",
		     c->unit_seconds);
}

/* Of a row that could not be judged, if it stands for others. */
static void note_row(struct diff_noting *n, const struct compare_row *row)
{
	bool stands = compare_is_main(row->key.stage) || row->key.stage == STAGE_mask || row->key.stage == STAGE_initial_mask;
	uint64_t few = row->base_count < row->fresh_count ? row->base_count : row->fresh_count;
	const char *name = diff_stages[row->key.stage].name;
	char event[32] = "the vCPUs";

	if (!stands)
		return;
	if (row->key.event != SDEI_NONE)
		snprintf(event, sizeof(event), "event %" PRIu32, row->key.event);
	if (row->state == COMPARE_ONLY_BASE || row->state == COMPARE_ONLY_NEW)
		diff_note(n, "%s of %s: only in %s (%" PRIu64 " samples)", name, event, row->state == COMPARE_ONLY_NEW ? "NEW" : "BASE",
		     row->base_count + row->fresh_count);
	else if (row->state == COMPARE_INEXACT)
		diff_note(n, "%s of %s: cannot tell, samples are missing because records were lost", name, event);
	else if (row->state == COMPARE_TOO_FEW && !n->diff->compare->short_of_units)
		diff_note(n, "%s of %s: cannot tell, %" PRIu64 " samples, needs %" PRIu64, name, event, few, row->figures[0].needs);
}

int diff_notes(const struct diff *d, struct diff_notes *notes)
{
	struct diff_noting n = { .notes = notes, .diff = d };

	*notes = (struct diff_notes){ 0 };
	diff_note_missing(&n, &d->base);
	diff_note_missing(&n, &d->fresh);
	note_texts(&n);
	diff_note_mixture(&n, &d->base, "BASE");
	diff_note_mixture(&n, &d->fresh, "NEW");
	if (d->entry_joined)
		diff_note(&n, "only some were recorded with --sched: descheduled, in_guest and in_host are counted as entry");
	note_load(&n, false);
	note_load(&n, true);
	note_units(&n);
	for (size_t i = 0; i < d->compare->count; i++)
		note_row(&n, &d->compare->rows[i]);
	return n.no_memory ? -ENOMEM : 0;
}

void diff_notes_clear(struct diff_notes *notes)
{
	for (size_t i = 0; i < notes->count; i++)
		free(notes->texts[i]);
	free(notes->texts);
	*notes = (struct diff_notes){ 0 };
}
