// SPDX-License-Identifier: GPL-2.0-only
/*
 * Heat maps over time. The cells are an SVG that is stretched to the width there is; all text is HTML around it, so that it
 * is readable at any width. Neighbouring cells of one colour are one stroke, those of a row and colour one path.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "view/report/html.h"
#include "session/vm_names.h"
#include "view/figures/format.h"
#include "view/report/report_html_inside.h"
#include "view/figures/why.h"

#define SHADES 8
#define ROWS_SHOWN 64
#define ROW_PX 15
#define TICKS 5
#define SEC 1000000000ULL

/* --- shades */

enum unit { OF_NS, OF_COUNT, OF_SHARE };

/* What the shades 1 .. SHADES stand for; 0 is for 0. */
struct scale {
	enum unit unit;
	uint64_t max;		/* OF_SHARE: the whole, of which each shade is an equal part */
	unsigned int powers;	/* else so many powers of two each, the last one that of max */
	unsigned int first;	/* the first in use */
};

static unsigned int bits_of(uint64_t value)
{
	return value ? 64 - __builtin_clzll(value) : 0;
}

/* So that min and max both have one. */
static struct scale scale_of(enum unit unit, uint64_t min, uint64_t max)
{
	struct scale scale = { .unit = unit, .max = max, .first = 1 };
	unsigned int span = bits_of(max) - bits_of(min);

	if (unit == OF_SHARE)
		return scale;
	scale.powers = span / SHADES + 1;
	scale.first = SHADES - span / scale.powers;
	return scale;
}

static unsigned int shade(const struct scale *scale, uint64_t value)
{
	if (!value)
		return 0;
	if (scale->unit == OF_SHARE)
		return value >= scale->max ? SHADES : 1 + value * SHADES / scale->max;
	return SHADES - (bits_of(scale->max) - bits_of(value)) / scale->powers;
}

/* The least value that is above those of shade i. */
static uint64_t limit_of(const struct scale *scale, unsigned int i)
{
	if (i == SHADES)
		return scale->max + 1;
	if (scale->unit == OF_SHARE)
		return scale->max / SHADES * i;
	return 1ULL << (bits_of(scale->max) - (SHADES - i) * scale->powers);
}

static void put_meaning(FILE *out, const struct scale *scale, unsigned int i)
{
	uint64_t low = i > scale->first ? limit_of(scale, i - 1) : 1, high = limit_of(scale, i) - 1;

	switch (scale->unit) {
	case OF_NS:
		fputs(i == SHADES ? "\xe2\x89\xa4\xc2\xa0" : "&lt;\xc2\xa0", out);
		html_ns(out, i == SHADES ? high : high + 1);
		break;
	case OF_COUNT:
		fprintf(out, low < high ? "%" PRIu64 " \xe2\x80\x93 %" PRIu64 : "%" PRIu64, low, high);
		break;
	case OF_SHARE:
		fprintf(out, "\xe2\x89\xa4\xc2\xa0%g\xc2\xa0%%", 100.0 * i / SHADES);
	}
}

static void legend(FILE *out, const struct scale *scale)
{
	fputs("<p class=legend>", out);
	for (unsigned int i = scale->first; i <= SHADES; i++) {
		fprintf(out, "<span data-below=%" PRIu64 "><i class=h%u></i>", limit_of(scale, i), i);
		put_meaning(out, scale, i);
		fputs("</span> ", out);
	}
	fputs("</p>\n", out);
}

/* --- the time axis */

static uint64_t tick_step(uint64_t span_ns)
{
	static const unsigned int firsts[] = { 1, 2, 5 };
	static const unsigned int seconds[] = { 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400 };

	for (uint64_t decade = 1000; decade < 10 * SEC; decade *= 10)
		for (size_t i = 0; i < 3; i++)
			if (span_ns / (decade * firsts[i]) <= TICKS)
				return decade * firsts[i];
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++)
		if (span_ns / SEC / seconds[i] <= TICKS)
			return seconds[i] * SEC;
	return (span_ns / TICKS / (86400 * SEC) + 1) * 86400 * SEC;
}

/* Of all columns, but no more than there is time. */
static uint64_t span_of(const struct timeline *t)
{
	uint64_t span;

	return __builtin_mul_overflow(timeline_columns(t), timeline_column_ns(t), &span) ? UINT64_MAX : span;
}

static void put_grid(FILE *out, const struct timeline *t, unsigned int rows)
{
	uint64_t span = span_of(t), step = tick_step(span);

	fputs("<path class=grid d=\"", out);
	for (uint64_t i = 1; i <= (span - 1) / step; i++)
		fprintf(out, "M%.2f 0v%u", (double)(i * step) / timeline_column_ns(t), rows);
	fputs("\"/>", out);
}

static void put_ticks(FILE *out, const struct timeline *t)
{
	uint64_t span = span_of(t), step = tick_step(span);

	fputs("<div class=ticks>", out);
	for (uint64_t i = 0; i <= span / step; i++) {
		fprintf(out, "<span style=\"left:%.2f%%\">", 100.0 * (i * step) / span);
		html_tick(out, i * step);
		fputs("</span>", out);
	}
	fputs("</div>\n", out);
}

/* --- cells */

static void put_shade(FILE *out, const unsigned char *shades, unsigned int columns, unsigned int which)
{
	unsigned int end = 0;

	for (unsigned int from = 0, to; from < columns; from = to) {
		for (to = from + 1; to < columns && shades[to] == shades[from]; to++)
			;
		if (shades[from] != which)
			continue;
		if (end)
			fprintf(out, "m%u 0h%u", from - end, to - from);
		else
			fprintf(out, "<path class=h%u d=\"M%u .5h%u", which, from, to - from);
		end = to;
	}
	if (end)
		fputs("\"/>", out);
}

static void put_row(FILE *out, unsigned int row, const unsigned char *shades, unsigned int columns)
{
	fprintf(out, "<g transform=\"translate(0 %u)\">", row);
	for (unsigned int which = 1; which <= SHADES; which++)
		put_shade(out, shades, columns, which);
	fputs("</g>\n", out);
}

static void begin_cells(FILE *out, const struct timeline *t, unsigned int rows, const char *what)
{
	fprintf(out, "<svg role=img aria-label=\"%s\" viewBox=\"0 0 %u %u\" preserveAspectRatio=none style=\"height:%upx\" "
		"data-column-ns=%" PRIu64 ">\n", what, timeline_columns(t), rows, rows * ROW_PX, timeline_column_ns(t));
	put_grid(out, t, rows);
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

static void put_bands(FILE *out, const struct timeline *t, const struct bands *bands, const struct scale *scale)
{
	unsigned char shades[TIMELINE_COLUMNS];

	begin_cells(out, t, bands->high - bands->low + 1, "Dispatches by latency and time");
	for (unsigned int b = bands->high + 1; b-- > bands->low;) {
		for (unsigned int c = 0; c < timeline_columns(t); c++)
			shades[c] = shade(scale, timeline_band(t, c, b));
		put_row(out, bands->high - b, shades, timeline_columns(t));
	}
	fputs("</svg>\n", out);
}

static void all(const struct html_page *page, const struct bands *bands)
{
	const struct timeline *t = page->report->timeline;
	const struct scale scale = scale_of(OF_COUNT, 1, bands->max);
	FILE *out = page->out;

	fputs("<p>How many dispatches took from the time on the left up to that above it.</p>\n<div class=worst>", out);
	legend(out, &scale);
	fputs("<div class=map><div class=left>", out);
	for (unsigned int b = bands->high + 1; b-- > bands->low;) {
		fputs("<span>", out);
		html_ns(out, b ? 1ULL << (b + 8) : 0);
		fputs("</span>", out);
	}
	fputs("</div>\n", out);
	put_bands(out, t, bands, &scale);
	fputs("<div class=right></div>", out);
	put_ticks(out, t);
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
	enum unit unit;
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

		if (map->unit == OF_COUNT) {
			fprintf(page->out, "<span>%" PRIu64 "</span>", figure);
			continue;
		}
		fprintf(page->out, "<span data-ns=%" PRIu64 ">", figure);
		html_ns(page->out, figure);
		fputs("</span>", page->out);
	}
	fputs("</div>\n", page->out);
}

static struct scale scale_of_lines(const struct map *map, const struct timeline *t, const struct line *lines, size_t count)
{
	uint64_t min = lines[0].figure, largest = 0;

	for (size_t i = 0; i < count; i++) {
		for (unsigned int c = 0; c < timeline_columns(t); c++) {
			uint64_t value = map->cell(&lines[i].row->cells[c]);

			min = value && value < min ? value : min;
			largest = value > largest ? value : largest;
		}
	}
	return scale_of(map->unit, min, map->unit == OF_SHARE ? timeline_column_ns(t) : largest);
}

static void put_lines(const struct html_page *page, const struct map *map, const struct scale *scale, const struct line *lines, size_t count)
{
	const struct timeline *t = page->report->timeline;
	unsigned char shades[TIMELINE_COLUMNS];

	begin_cells(page->out, t, count, map->label);
	for (size_t i = 0; i < count; i++) {
		for (unsigned int c = 0; c < timeline_columns(t); c++)
			shades[c] = shade(scale, map->cell(&lines[i].row->cells[c]));
		put_row(page->out, i, shades, timeline_columns(t));
	}
	fputs("</svg>\n", page->out);
}

static void put_map(const struct html_page *page, const struct map *map, const struct line *lines, size_t count)
{
	const struct timeline *t = page->report->timeline;
	size_t shown = count < ROWS_SHOWN ? count : ROWS_SHOWN;
	uint64_t left_out = count - shown + timeline_left_out(t);
	const struct scale scale = scale_of_lines(map, t, lines, shown);

	fprintf(page->out, "<h3>%s</h3>\n<p>%s", map->title, map->about);
	if (left_out)
		fprintf(page->out, " %" PRIu64 " more vCPUs are left out.", left_out);
	fprintf(page->out, "</p>\n<div class=%s>", map->class);
	legend(page->out, &scale);
	fputs("<div class=map>", page->out);
	put_labels(page, lines, shown);
	put_lines(page, map, &scale, lines, shown);
	put_figures(page, map, lines, shown);
	put_ticks(page->out, t);
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
		.unit = OF_NS, .cell = worst_of, .shown = shown_figure,
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
		.unit = OF_SHARE, .cell = masked_of, .is_sum = true, .shown = shown_masked,
	};

	return page->report->timeline ? vcpus(page, &masked) : 0;
}

int report_html_faults(const struct html_page *page)
{
	static const struct map faults = {
		.title = "Faults over time", .label = "Page faults by vCPU and time", .class = "worst",
		.about = "How many page faults each vCPU had, with a worker or without, most first; on the right all of them.",
		.unit = OF_COUNT, .cell = faults_of, .is_sum = true, .shown = shown_figure,
	}, blocked = {
		.title = "Time blocked", .label = "Time blocked by page faults, by vCPU and time", .class = "masked",
		.about = "How long the faults that ended there had kept each vCPU waiting, the longest first; on the right the sum.",
		.unit = OF_NS, .cell = blocked_of, .is_sum = true, .shown = shown_figure,
	};
	int err = page->report->timeline ? vcpus(page, &faults) : 0;

	return err || !page->report->timeline ? err : vcpus(page, &blocked);
}
