/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Histograms of the events with the worst dispatches: those of one event stand one below the other over the same
 * logarithmic axis, so that one sees which of them a tail comes from. Bars are an SVG that is stretched, text is HTML.
 */
#include <inttypes.h>

#include "view/figures/bars.h"
#include "view/report/html.h"
#include "view/report/report_html_inside.h"

#define TICKS_MAX 5
#define HEIGHT 100	/* of the SVG, in its own units */

struct axis {
	int per_octave;
	unsigned int first, count;	/* steps */
};

struct kind {
	const char *name;
	const struct hist *hist;
};

#define KINDS 4

static void kinds_of(const struct model_event *e, struct kind kinds[KINDS])
{
	kinds[0] = (struct kind){ "dispatch", e->dispatch };
	kinds[1] = (struct kind){ "handler", e->handler };
	kinds[2] = (struct kind){ "total", e->total };
	kinds[3] = (struct kind){ "age when coalesced", e->coalesce_age };
}

/* --- the axis */

/* Of all of them; count 0 if none has a sample. One step more on each side. */
static struct axis axis_of(const struct kind kinds[KINDS])
{
	uint64_t low = UINT64_MAX, high = 0;
	struct axis axis = { 0 };

	for (unsigned int i = 0; i < KINDS; i++) {
		if (!hist_count(kinds[i].hist))
			continue;
		low = hist_min(kinds[i].hist) < low ? hist_min(kinds[i].hist) : low;
		high = hist_max(kinds[i].hist) > high ? hist_max(kinds[i].hist) : high;
	}
	if (low > high)
		return axis;
	axis.per_octave = bars_fit(low, high, BARS_MAX - 2);
	axis.first = bars_step(low, axis.per_octave);
	axis.count = bars_step(high, axis.per_octave) - axis.first + 2;
	if (axis.first) {
		axis.first--;
		axis.count++;
	}
	return axis;
}

/* Where a value is, 0..100; steps are linear inside. */
static double place(const struct axis *axis, uint64_t value)
{
	unsigned int step = bars_step(value, axis->per_octave);
	uint64_t from = bars_step_min(step, axis->per_octave), to = bars_step_min(step + 1, axis->per_octave);
	double in_step = to > from ? (double)(value - from) / (to - from) : 0;

	return 100 * ((double)step - axis->first + in_step) / axis->count;
}

static bool is_tick(const struct axis *axis, uint64_t value)
{
	return value >= bars_step_min(axis->first, axis->per_octave) && place(axis, value) < 97;
}

/* 1, 2 and 5 (or only some of them) of every so many decades: how many there are; the first TICKS_MAX are written. */
static unsigned int find_ticks(const struct axis *axis, uint64_t ticks[TICKS_MAX], unsigned int per_decade, unsigned int every)
{
	static const unsigned int firsts[] = { 1, 2, 5 };
	unsigned int count = 0, decades = 0;

	for (uint64_t decade = 1; decade <= HIST_MAX_NS; decade *= 10, decades++) {
		for (unsigned int i = 0; i < per_decade && decades % every == 0; i++) {
			if (!is_tick(axis, decade * firsts[i]))
				continue;
			if (count < TICKS_MAX)
				ticks[count] = decade * firsts[i];
			count++;
		}
	}
	return count;
}

/* A narrow axis has no round number: its edge and its middle. */
static unsigned int choose_ticks(const struct axis *axis, uint64_t ticks[TICKS_MAX])
{
	unsigned int count = find_ticks(axis, ticks, 3, 1);

	for (unsigned int every = 1; count > TICKS_MAX; every++)
		count = find_ticks(axis, ticks, 1, every);
	if (count > 1)
		return count;
	ticks[0] = bars_step_min(axis->first, axis->per_octave);
	ticks[1] = bars_step_min(axis->first + axis->count / 2, axis->per_octave);
	return 2;
}

static void put_ticks(FILE *out, const struct axis *axis, const uint64_t *ticks, unsigned int count)
{
	fputs("<div class=ticks>", out);
	for (unsigned int i = 0; i < count; i++) {
		fprintf(out, "<span style=\"left:%.2f%%\">", place(axis, ticks[i]));
		html_tick(out, ticks[i]);
		fputs("</span>", out);
	}
	fputs("</div>\n", out);
}

static void put_line(FILE *out, const struct axis *axis, uint64_t at)
{
	fprintf(out, "M%.2f 0v%u", place(axis, at) * axis->count / 100, HEIGHT);
}

static void put_grid(FILE *out, const struct axis *axis, const uint64_t *ticks, unsigned int count)
{
	fputs("<path class=grid d=\"", out);
	for (unsigned int i = 0; i < count; i++)
		put_line(out, axis, ticks[i]);
	fputs("\"/>", out);
}

/* --- one histogram */

static void put_bars(FILE *out, const struct axis *axis, const uint64_t *counts, uint64_t most)
{
	fputs("<path class=bars d=\"", out);
	for (unsigned int i = 0; i < axis->count; i++)	/* a single one is seen, too */
		if (counts[i])
			fprintf(out, "M%u.5 %uv-%.1f", i, HEIGHT, 2 + (HEIGHT - 2) * (double)counts[i] / most);
	fputs("\"/>", out);
}

static void put_mark(FILE *out, const struct axis *axis, const char *name, uint64_t ns)
{
	fputs("<path class=mark d=\"", out);
	put_line(out, axis, ns);
	fprintf(out, "\"><title>%s ", name);
	html_ns(out, ns);
	fputs("</title></path>", out);
}

/* Up to where its bars begin. */
static void open_hist(FILE *out, const struct axis *axis, const struct kind *kind, const uint64_t *counts)
{
	fprintf(out, "<div class=left>%s</div><svg role=img aria-label=\"%s\" viewBox=\"0 0 %u %u\" preserveAspectRatio=none data-bars=\"",
		kind->name, kind->name, axis->count, HEIGHT);
	for (unsigned int i = 0; i < axis->count; i++)
		if (counts[i])
			fprintf(out, "%" PRIu64 ":%" PRIu64 " ", bars_step_min(axis->first + i, axis->per_octave), counts[i]);
	fputs("\">", out);
}

static void put_hist(FILE *out, const struct axis *axis, const struct kind *kind, const uint64_t *ticks, unsigned int tick_count)
{
	uint64_t counts[BARS_MAX] = { 0 }, most = 1;

	bars_count(kind->hist, axis->per_octave, axis->first, counts, axis->count);
	for (unsigned int i = 0; i < axis->count; i++)
		most = counts[i] > most ? counts[i] : most;
	open_hist(out, axis, kind, counts);
	put_grid(out, axis, ticks, tick_count);
	put_bars(out, axis, counts, most);
	put_mark(out, axis, "p50", hist_quantile(kind->hist, 0.5));
	put_mark(out, axis, "p99", hist_quantile(kind->hist, 0.99));
	fprintf(out, "</svg><div class=right>%" PRIu64 "</div>\n", most);
}

static void figures(FILE *out, const struct kind *kind)
{
	static const double quantiles[] = { 0.5, 0.9, 0.99, 0.999 };
	const struct hist *h = kind->hist;
	double mean = hist_mean(h);

	fprintf(out, "<tr><th scope=row>%s<td>%" PRIu64, kind->name, hist_count(h));
	html_page_cell_ns(out, hist_min(h));
	fprintf(out, "<td data-ns=%.1f>", mean);
	html_ns(out, mean + 0.5 < hist_max(h) ? mean + 0.5 : hist_max(h));
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
		html_page_cell_ns(out, hist_quantile(h, quantiles[i]));
	html_page_cell_ns(out, hist_max(h));
	putc('\n', out);
}

/* --- an event */

static void put_kinds(FILE *out, const struct kind kinds[KINDS], const struct axis *axis)
{
	uint64_t ticks[TICKS_MAX];
	unsigned int count = choose_ticks(axis, ticks);

	fputs("<div class=\"map hist\">", out);
	for (unsigned int i = 0; i < KINDS; i++)
		if (hist_count(kinds[i].hist))
			put_hist(out, axis, &kinds[i], ticks, count);
	put_ticks(out, axis, ticks, count);
	fputs("</div>\n<div class=box tabindex=0><table><thead><tr><th><th>count<th>min<th>mean<th>p50<th>p90<th>p99<th>p99.9<th>max"
	      "</thead><tbody>\n", out);
	for (unsigned int i = 0; i < KINDS; i++)
		if (hist_count(kinds[i].hist))
			figures(out, &kinds[i]);
	fputs("</tbody></table></div>\n", out);
}

static void put_event(FILE *out, const struct model_event *e, size_t i)
{
	struct kind kinds[KINDS];
	struct axis axis;

	kinds_of(e, kinds);
	axis = axis_of(kinds);
	fprintf(out, "<details%s data-vm=%u data-instance=%u data-vcpu=%u data-event=%u><summary>", i ? "" : " open", e->vcpu->vm->pid,
		e->vcpu->vm->instance, e->vcpu->id, e->event);
	html_page_vm(out, e->vcpu->vm, HTML_NAME);
	fprintf(out, " vCPU\xc2\xa0%u event\xc2\xa0%u", e->vcpu->id, e->event);
	if (hist_count(e->dispatch)) {
		fprintf(out, ": <b data-ns=%" PRIu64 ">", hist_max(e->dispatch));
		html_ns(out, hist_max(e->dispatch));
		fputs("</b> at worst", out);
	}
	fprintf(out, "</summary><div id=e%zu>\n", i);
	if (axis.count)
		put_kinds(out, kinds, &axis);
	else
		fputs("<p>No dispatch and no handler of it was seen from its beginning to its end.</p>\n", out);
	fputs("</div></details>\n", out);
}

void report_html_hists(const struct html_page *page)
{
	fputs("<section id=hists><h2>Histograms</h2>\n<p>Of each event, over one logarithmic axis: from the first queued signal to the dispatch, "
	      "of the handler, and both together. The lines are p50 and p99; on the right how many samples the highest bar has.</p>\n",
	      page->out);
	for (size_t i = 0; i < page->event_count && i < HTML_HISTS_MAX; i++)
		put_event(page->out, page->events[i], i);
	html_page_more(page->out, page->event_count, HTML_HISTS_MAX, "events");
	fputs("</section>\n", page->out);
}
