// SPDX-License-Identifier: GPL-2.0-only
/* Heat maps: neighbouring cells of one colour are one rectangle, empty ones none. */
#include <errno.h>
#include <stdlib.h>

#include "format.h"
#include "report_html_inside.h"

#define SHADES 8
#define ROWS_SHOWN 64
#define ROW_HEIGHT 8

/* 1 .. SHADES for 1 .. max by powers of two, 0 for 0. */
static unsigned int shade(uint64_t value, uint64_t max)
{
	unsigned int bits = 64 - __builtin_clzll(max | 1), is = 64 - __builtin_clzll(value | 1);

	if (!value)
		return 0;
	return bits <= SHADES ? is + SHADES - bits : is + SHADES > bits ? is + SHADES - bits : 1;
}

static void line(FILE *out, unsigned int y, const unsigned char *shades, unsigned int columns)
{
	for (unsigned int from = 0, to; from < columns; from = to) {
		for (to = from + 1; to < columns && shades[to] == shades[from]; to++)
			;
		if (shades[from])
			fprintf(out, "<rect class=h%u x=%u y=%u width=%u height=%u />", shades[from], from, y, to - from, ROW_HEIGHT);
	}
}

static void begin(FILE *out, unsigned int columns, unsigned int rows, const char *what)
{
	fprintf(out, "<svg role=img aria-label=\"%s\" viewBox=\"0 0 %u %u\" preserveAspectRatio=none>\n", what, columns,
		rows * ROW_HEIGHT);
}

static void end(FILE *out, const struct timeline *t)
{
	char buf[FORMAT_SIZE];

	format_age(buf, sizeof(buf), timeline_columns(t) * timeline_column_ns(t));
	fprintf(out, "</svg>\n<p class=axis><span>0</span><span>%s</span></p>\n", buf);
}

static void bands(FILE *out, const struct timeline *t)
{
	unsigned int columns = timeline_columns(t), low = TIMELINE_BANDS, high = 0;
	unsigned char shades[TIMELINE_COLUMNS];
	char from[FORMAT_SIZE], to[FORMAT_SIZE];
	uint32_t max = 0;

	for (unsigned int b = 0; b < TIMELINE_BANDS; b++) {
		for (unsigned int c = 0; c < columns; c++) {
			uint32_t count = timeline_band(t, c, b);

			max = count > max ? count : max;
			low = count && b < low ? b : low;
			high = count ? b : high;
		}
	}
	if (!max)
		return;
	format_age(from, sizeof(from), 1ULL << (low + 8));
	format_age(to, sizeof(to), 1ULL << (high + 9));
	fprintf(out, "<h2>Dispatch latency over time</h2>\n<p>From %s (below) to %s (above), a line for each power of two; "
		"the brighter, the more dispatches, at most %u in a cell.</p>\n", from, to, max);
	begin(out, columns, high - low + 1, "Dispatches by latency and time");
	for (unsigned int b = low; b <= high; b++) {
		for (unsigned int c = 0; c < columns; c++)
			shades[c] = shade(timeline_band(t, c, b), max);
		line(out, (high - b) * ROW_HEIGHT, shades, columns);
	}
	end(out, t);
}

static uint64_t worst_of(const struct timeline_row *row)
{
	uint64_t worst = 0;

	for (unsigned int c = 0; c < TIMELINE_COLUMNS; c++)
		worst = row->cells[c].worst_ns > worst ? row->cells[c].worst_ns : worst;
	return worst;
}

static int by_worst(const void *a, const void *b)
{
	uint64_t x = worst_of(*(const struct timeline_row *const *)a), y = worst_of(*(const struct timeline_row *const *)b);

	return x < y ? 1 : x > y ? -1 : 0;
}

static void vcpus(FILE *out, const struct timeline *t, const struct timeline_row **rows, size_t count)
{
	size_t shown = count < ROWS_SHOWN ? count : ROWS_SHOWN;
	uint64_t max = worst_of(rows[0]), left_out = count - shown + timeline_left_out(t);
	unsigned int columns = timeline_columns(t);
	unsigned char shades[TIMELINE_COLUMNS];
	char buf[FORMAT_SIZE];

	format_age(buf, sizeof(buf), max);
	fprintf(out, "<h2>Worst latency of each vCPU over time</h2>\n<p>The vCPU with the worst one first; the brightest is %s.", buf);
	if (left_out)
		fprintf(out, " %ju more vCPUs are left out.", (uintmax_t)left_out);
	fputs("</p>\n", out);
	begin(out, columns, shown, "Worst dispatch latency by vCPU and time");
	for (size_t i = 0; i < shown; i++) {
		for (unsigned int c = 0; c < columns; c++)
			shades[c] = shade(rows[i]->cells[c].worst_ns, max);
		fprintf(out, "<g><title>VM %u vCPU %u</title>", rows[i]->vm, rows[i]->vcpu);
		line(out, i * ROW_HEIGHT, shades, columns);
		fputs("</g>\n", out);
	}
	end(out, t);
}

int report_html_plots(FILE *out, const struct report *report)
{
	const struct timeline_row **sorted, *rows;
	size_t count;

	if (!report->timeline)
		return 0;
	bands(out, report->timeline);
	rows = timeline_rows(report->timeline, &count);
	if (!count)
		return 0;
	sorted = calloc(count, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		sorted[i] = &rows[i];
	qsort(sorted, count, sizeof(*sorted), by_worst);
	vcpus(out, report->timeline, sorted, count);
	free(sorted);
	return 0;
}
