// SPDX-License-Identifier: GPL-2.0-only
#include "view/report/report_html_heat.h"

#include <inttypes.h>

#include "view/report/html.h"

#define ROW_PX 15
#define TICKS 5
#define SEC 1000000000ULL

/* --- shades */

static unsigned int bits_of(uint64_t value)
{
	return value ? 64 - __builtin_clzll(value) : 0;
}

/* So that min and max both have one. */
struct heat_scale heat_scale_of(enum heat_unit unit, uint64_t min, uint64_t max)
{
	struct heat_scale scale = { .unit = unit, .max = max, .first = 1 };
	unsigned int span = bits_of(max) - bits_of(min);

	if (unit == HEAT_SHARE)
		return scale;
	scale.powers = span / HEAT_SHADES + 1;
	scale.first = HEAT_SHADES - span / scale.powers;
	return scale;
}

unsigned int heat_shade(const struct heat_scale *scale, uint64_t value)
{
	if (!value)
		return 0;
	if (scale->unit == HEAT_SHARE)
		return value >= scale->max ? HEAT_SHADES : 1 + value * HEAT_SHADES / scale->max;
	return HEAT_SHADES - (bits_of(scale->max) - bits_of(value)) / scale->powers;
}

/* The least value that is above those of shade i. */
static uint64_t limit_of(const struct heat_scale *scale, unsigned int i)
{
	if (i == HEAT_SHADES)
		return scale->max + 1;
	if (scale->unit == HEAT_SHARE)
		return scale->max / HEAT_SHADES * i;
	return 1ULL << (bits_of(scale->max) - (HEAT_SHADES - i) * scale->powers);
}

static void put_meaning(FILE *out, const struct heat_scale *scale, unsigned int i)
{
	uint64_t low = i > scale->first ? limit_of(scale, i - 1) : 1, high = limit_of(scale, i) - 1;

	switch (scale->unit) {
	case HEAT_NS:
		fputs(i == HEAT_SHADES ? "\xe2\x89\xa4\xc2\xa0" : "&lt;\xc2\xa0", out);
		html_ns(out, i == HEAT_SHADES ? high : high + 1);
		break;
	case HEAT_COUNT:
		fprintf(out, low < high ? "%" PRIu64 " \xe2\x80\x93 %" PRIu64 : "%" PRIu64, low, high);
		break;
	case HEAT_SHARE:
		fprintf(out, "\xe2\x89\xa4\xc2\xa0%g\xc2\xa0%%", 100.0 * i / HEAT_SHADES);
	}
}

void heat_legend(FILE *out, const struct heat_scale *scale)
{
	fputs("<p class=legend>", out);
	for (unsigned int i = scale->first; i <= HEAT_SHADES; i++) {
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
static uint64_t span_of(const struct heat_time *time)
{
	uint64_t span;

	return __builtin_mul_overflow(time->columns, time->column_ns, &span) ? UINT64_MAX : span;
}

static void put_grid(FILE *out, const struct heat_time *time, unsigned int rows)
{
	uint64_t span = span_of(time), step = tick_step(span);

	fputs("<path class=grid d=\"", out);
	for (uint64_t i = 1; i <= (span - 1) / step; i++)
		fprintf(out, "M%.2f 0v%u", (double)(i * step) / time->column_ns, rows);
	fputs("\"/>", out);
}

void heat_ticks(FILE *out, const struct heat_time *time)
{
	uint64_t span = span_of(time), step = tick_step(span);

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

void heat_row(FILE *out, unsigned int row, const unsigned char *shades, unsigned int columns)
{
	fprintf(out, "<g transform=\"translate(0 %u)\">", row);
	for (unsigned int which = 1; which <= HEAT_SHADES; which++)
		put_shade(out, shades, columns, which);
	fputs("</g>\n", out);
}

void heat_begin(FILE *out, const struct heat_time *time, unsigned int rows, const char *what)
{
	fprintf(out, "<svg role=img aria-label=\"%s\" viewBox=\"0 0 %u %u\" preserveAspectRatio=none style=\"height:%upx\" "
		"data-column-ns=%" PRIu64 ">\n", what, time->columns, rows, rows * ROW_PX, time->column_ns);
	put_grid(out, time, rows);
}
