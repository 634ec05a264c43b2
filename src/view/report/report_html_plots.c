// SPDX-License-Identifier: GPL-2.0-only
/* Heat maps of the timeline: latencies, masks and page faults. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "view/report/html.h"
#include "session/vm_names.h"
#include "view/figures/format.h"
#include "view/report/report_html_heat.h"
#include "view/report/report_html_inside.h"
#include "view/figures/why.h"

#define ROWS_SHOWN 64

static struct heat_time time_of(const struct timeline *t)
{
	return (struct heat_time){ timeline_columns(t), timeline_column_ns(t) };
}

/* --- all latencies */

struct bands {
	unsigned int low, high;	/* those that have any */
	uint32_t max;
};

static struct bands find_bands(const struct timeline *t)
{
	struct bands bands = { .low = TIMELINE_BANDS };

	for (unsigned int b = 0; b < TIMELINE_BANDS; b++) {
		for (unsigned int c = 0; c < timeline_columns(t); c++) {
			uint32_t count = timeline_band(t, c, b);

			bands.max = count > bands.max ? count : bands.max;
			bands.low = count && b < bands.low ? b : bands.low;
			bands.high = count ? b : bands.high;
		}
	}
	return bands;
}

static void put_bands(FILE *out, const struct timeline *t, const struct bands *bands, const struct heat_scale *scale)
{
	const struct heat_time time = time_of(t);
	unsigned char shades[TIMELINE_COLUMNS];

	heat_begin(out, &time, bands->high - bands->low + 1, "Dispatches by latency and time");
	for (unsigned int b = bands->high + 1; b-- > bands->low;) {
		for (unsigned int c = 0; c < timeline_columns(t); c++)
			shades[c] = heat_shade(scale, timeline_band(t, c, b));
		heat_row(out, bands->high - b, shades, timeline_columns(t));
	}
	fputs("</svg>\n", out);
}

static void all(const struct html_page *page, const struct bands *bands)
{
	const struct timeline *t = page->report->timeline;
	const struct heat_scale scale = heat_scale_of(HEAT_COUNT, 1, bands->max);
	const struct heat_time time = time_of(t);
	FILE *out = page->out;

	fputs("<p>How many dispatches took from the time on the left up to that above it.</p>\n<div class=worst>", out);
	heat_legend(out, &scale);
	fputs("<div class=map><div class=left>", out);
	for (unsigned int b = bands->high + 1; b-- > bands->low;) {
		fputs("<span>", out);
		html_ns(out, b ? 1ULL << (b + 8) : 0);
		fputs("</span>", out);
	}
	fputs("</div>\n", out);
	put_bands(out, t, bands, &scale);
	fputs("<div class=right></div>", out);
	heat_ticks(out, &time);
	fputs("</div></div>\n", out);
}

/* --- vCPUs */

struct line {
	const struct timeline_row *row;
	uint64_t figure;	/* lines come by it, largest first */
};

/* What a map of vCPUs is about. */
struct map {
	const char *title, *about, *label, *class;
	enum heat_unit unit;
	uint64_t (*cell)(const struct timeline_cell *cell);
	bool is_sum;		/* else the largest cell is the figure of a line */
	uint64_t (*shown)(const struct html_page *page, const struct line *line);	/* beside the line */
};

static uint64_t worst_of(const struct timeline_cell *cell)
{
	return cell->worst_ns;
}

static uint64_t masked_of(const struct timeline_cell *cell)
{
	return cell->masked_ns;
}

static uint64_t faults_of(const struct timeline_cell *cell)
{
	return cell->faults;
}

static uint64_t blocked_of(const struct timeline_cell *cell)
{
	return cell->blocked_ns;
}

static uint64_t figure_of(const struct timeline_row *row, const struct map *map)
{
	uint64_t sum = 0, largest = 0;

	for (unsigned int c = 0; c < TIMELINE_COLUMNS; c++) {
		uint64_t value = map->cell(&row->cells[c]);

		sum += value;
		largest = value > largest ? value : largest;
	}
	return map->is_sum ? sum : largest;
}

static uint64_t shown_figure(const struct html_page *page, const struct line *line)
{
	return line->figure;
}

/* As the other reports have it: a cell is cut where it is full. */
static uint64_t shown_masked(const struct html_page *page, const struct line *line)
{
	const struct model_vm *vm = why_vm_of(page->model, line->row->vm, line->row->instance);
	const struct model_vcpu *v = vm ? model_vcpu(vm, line->row->vcpu) : NULL;

	if (!v)
		return line->figure;
	return model_masked_ns(v, v->gone ? v->gone_ns : page->report->status->now_ns);
}

static int by_figure(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->figure != y->figure)
		return x->figure < y->figure ? 1 : -1;
	return (x->row > y->row) - (x->row < y->row);
}

/* Those whose figure is not 0; how many of them. */
static size_t sort_lines(struct line *lines, const struct timeline *t, const struct map *map)
{
	size_t count, used = 0;
	const struct timeline_row *rows = timeline_rows(t, &count);

	for (size_t i = 0; i < count; i++) {
		lines[used] = (struct line){ .row = &rows[i], .figure = figure_of(&rows[i], map) };
		used += lines[used].figure > 0;
	}
	qsort(lines, used, sizeof(*lines), by_figure);
	return used;
}

static void put_labels(const struct html_page *page, const struct line *lines, size_t count)
{
	fputs("<div class=left>", page->out);
	for (size_t i = 0; i < count; i++) {
		const struct timeline_row *row = lines[i].row;
		const struct model_vm *vm = why_vm_of(page->model, row->vm, row->instance);

		fprintf(page->out, "<span data-vm=%u data-instance=%u data-vcpu=%u>", row->vm, row->instance, row->vcpu);
		if (vm)
			html_page_vm(page->out, vm, HTML_NAME);
		else
			fprintf(page->out, "%u", row->vm);
		fprintf(page->out, " vCPU\xc2\xa0%u</span>", row->vcpu);
	}
	fputs("</div>\n", page->out);
}

static void put_figures(const struct html_page *page, const struct map *map, const struct line *lines, size_t count)
{
	fputs("<div class=right>", page->out);
	for (size_t i = 0; i < count; i++) {
		uint64_t figure = map->shown(page, &lines[i]);

		if (map->unit == HEAT_COUNT) {
			fprintf(page->out, "<span>%" PRIu64 "</span>", figure);
			continue;
		}
		fprintf(page->out, "<span data-ns=%" PRIu64 ">", figure);
		html_ns(page->out, figure);
		fputs("</span>", page->out);
	}
	fputs("</div>\n", page->out);
}

static struct heat_scale scale_of_lines(const struct map *map, const struct timeline *t, const struct line *lines, size_t count)
{
	uint64_t min = lines[0].figure, largest = 0;

	for (size_t i = 0; i < count; i++) {
		for (unsigned int c = 0; c < timeline_columns(t); c++) {
			uint64_t value = map->cell(&lines[i].row->cells[c]);

			min = value && value < min ? value : min;
			largest = value > largest ? value : largest;
		}
	}
	return heat_scale_of(map->unit, min, map->unit == HEAT_SHARE ? timeline_column_ns(t) : largest);
}

static void put_lines(const struct html_page *page, const struct map *map, const struct heat_scale *scale, const struct line *lines, size_t count)
{
	const struct timeline *t = page->report->timeline;
	const struct heat_time time = time_of(t);
	unsigned char shades[TIMELINE_COLUMNS];

	heat_begin(page->out, &time, count, map->label);
	for (size_t i = 0; i < count; i++) {
		for (unsigned int c = 0; c < timeline_columns(t); c++)
			shades[c] = heat_shade(scale, map->cell(&lines[i].row->cells[c]));
		heat_row(page->out, i, shades, timeline_columns(t));
	}
	fputs("</svg>\n", page->out);
}

static void put_map(const struct html_page *page, const struct map *map, const struct line *lines, size_t count)
{
	const struct timeline *t = page->report->timeline;
	size_t shown = count < ROWS_SHOWN ? count : ROWS_SHOWN;
	uint64_t left_out = count - shown + timeline_left_out(t);
	const struct heat_scale scale = scale_of_lines(map, t, lines, shown);
	const struct heat_time time = time_of(t);

	fprintf(page->out, "<h3>%s</h3>\n<p>%s", map->title, map->about);
	if (left_out)
		fprintf(page->out, " %" PRIu64 " more vCPUs are left out.", left_out);
	fprintf(page->out, "</p>\n<div class=%s>", map->class);
	heat_legend(page->out, &scale);
	fputs("<div class=map>", page->out);
	put_labels(page, lines, shown);
	put_lines(page, map, &scale, lines, shown);
	put_figures(page, map, lines, shown);
	heat_ticks(page->out, &time);
	fputs("</div></div>\n", page->out);
}

/* Nothing if no vCPU has any of it. */
static int vcpus(const struct html_page *page, const struct map *map)
{
	const struct timeline *t = page->report->timeline;
	struct line *lines;
	size_t count;

	timeline_rows(t, &count);
	lines = calloc(count + 1, sizeof(*lines));
	if (!lines)
		return -ENOMEM;
	count = sort_lines(lines, t, map);
	if (count)
		put_map(page, map, lines, count);
	free(lines);
	return 0;
}

/* What the axes of time count from. */
static void put_begin(const struct html_page *page)
{
	uint64_t begin_ns = timeline_begin_ns(page->report->timeline);
	char begin[FORMAT_SIZE];

	fprintf(page->out, "<p>Time is counted from %s.</p>\n", format_time(begin, sizeof(begin), page->report->status, begin_ns, 3));
}

int report_html_latencies(const struct html_page *page)
{
	static const struct map worst = {
		.title = "Worst of each vCPU", .label = "Worst dispatch latency by vCPU and time", .class = "worst",
		.about = "The vCPU with the worst one first; on the right its worst.",
		.unit = HEAT_NS, .cell = worst_of, .shown = shown_figure,
	};
	const struct timeline *t = page->report->timeline;
	struct bands bands = { 0 };
	int err = 0;

	if (t)
		bands = find_bands(t);
	fputs("<section id=time><h2>Dispatch latency over time</h2>\n", page->out);
	if (bands.max) {
		put_begin(page);
		all(page, &bands);
		err = vcpus(page, &worst);
	} else {
		fputs("<p>There was no dispatch whose signal had been seen.</p>\n", page->out);
	}
	fputs("</section>\n", page->out);
	return err;
}

int report_html_masked(const struct html_page *page)
{
	static const struct map masked = {
		.title = "Masked time of each vCPU", .label = "Share of time masked, by vCPU and time", .class = "masked",
		.about = "How much of the time the PE was masked, the longest first; on the right the sum.",
		.unit = HEAT_SHARE, .cell = masked_of, .is_sum = true, .shown = shown_masked,
	};

	return page->report->timeline ? vcpus(page, &masked) : 0;
}

int report_html_faults(const struct html_page *page)
{
	static const struct map faults = {
		.title = "Faults over time", .label = "Page faults by vCPU and time", .class = "worst",
		.about = "How many page faults each vCPU had, with a worker or without, most first; on the right all of them.",
		.unit = HEAT_COUNT, .cell = faults_of, .is_sum = true, .shown = shown_figure,
	}, blocked = {
		.title = "Time blocked", .label = "Time blocked by page faults, by vCPU and time", .class = "masked",
		.about = "How long the faults that ended there had kept each vCPU waiting, the longest first; on the right the sum.",
		.unit = HEAT_NS, .cell = blocked_of, .is_sum = true, .shown = shown_figure,
	};
	int err = page->report->timeline ? vcpus(page, &faults) : 0;

	return err || !page->report->timeline ? err : vcpus(page, &blocked);
}
