/* SPDX-License-Identifier: GPL-2.0-only */
#include "view/figures/bars.h"

#include <string.h>

static unsigned int octave(uint64_t value)
{
	return value ? 63 - __builtin_clzll(value) : 0;
}

/* log2 of 4, 2, 1 */
static unsigned int bits_of(int per_octave)
{
	return per_octave > 2 ? 2 : per_octave > 1 ? 1 : 0;
}

unsigned int bars_step(uint64_t value, int per_octave)
{
	unsigned int o = octave(value), bits = bits_of(per_octave);

	if (per_octave < 0)
		return o / -per_octave;
	if (o < bits)
		return o << bits;
	return (o << bits) + ((value >> (o - bits)) & ((1U << bits) - 1));
}

uint64_t bars_step_min(unsigned int step, int per_octave)
{
	unsigned int bits = bits_of(per_octave), part = step & ((1U << bits) - 1);
	unsigned int o = per_octave < 0 ? step * -per_octave : step >> bits;

	if (!step)
		return 0;
	if (o > 63)	/* behind the last one */
		return UINT64_MAX;
	return (1ULL << o) + (o >= bits ? (uint64_t)part << (o - bits) : 0);
}

int bars_fit(uint64_t low, uint64_t high, unsigned int max)
{
	static const int choices[] = { 4, 2, 1, -2, -3, -4, -8, -16 };
	size_t i = 0;

	while (i + 1 < sizeof(choices) / sizeof(choices[0]) && bars_step(high, choices[i]) - bars_step(low, choices[i]) >= max)
		i++;
	return choices[i];
}

void bars_count(const struct hist *h, int per_octave, unsigned int first, uint64_t *counts, size_t count)
{
	struct hist_bucket bucket;
	unsigned int it = 0;

	while (hist_next(h, &it, &bucket)) {
		unsigned int step = bars_step(bucket.min_ns, per_octave);

		step = step > first ? step - first : 0;
		counts[step < count ? step : count - 1] += bucket.count;
	}
}

size_t bars_merge(const struct hist *h, struct hist_bucket *rows, size_t max)
{
	int per_octave = bars_fit(hist_min(h), hist_max(h), max);
	unsigned int first = bars_step(hist_min(h), per_octave);
	uint64_t counts[BARS_MAX] = { 0 };
	size_t count;

	if (!hist_count(h) || !max)
		return 0;
	max = max < BARS_MAX ? max : BARS_MAX;
	count = bars_step(hist_max(h), per_octave) - first + 1;
	count = count > max ? max : count;
	bars_count(h, per_octave, first, counts, count);
	for (size_t i = 0; i < count; i++)
		rows[i] = (struct hist_bucket){
			.min_ns = bars_step_min(first + i, per_octave), .max_ns = bars_step_min(first + i + 1, per_octave) - 1,
			.count = counts[i],
		};
	return count;
}

char *bars_bar(char *buf, double share, unsigned int width, bool utf8)
{
	static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	unsigned int parts = share * width * 8 + 0.5, whole;
	char *at = buf;

	if (share > 0 && !parts)
		parts = 1;
	if (parts > width * 8)
		parts = width * 8;
	whole = utf8 ? parts / 8 : (parts + 7) / 8;
	for (unsigned int i = 0; i < whole; i++)
		at = stpcpy(at, utf8 ? "█" : "#");
	if (utf8)
		at = stpcpy(at, eighths[parts % 8]);
	*at = '\0';
	return buf;
}

char *bars_values(char *buf, const uint64_t *values, size_t count, bool utf8)
{
	static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const ascii[] = { " ", ".", ".", ":", ":", "+", "+", "#", "#" };
	uint64_t most = 1;
	char *at = buf;

	for (size_t i = 0; i < count; i++)
		most = values[i] > most ? values[i] : most;
	*at = '\0';
	for (size_t i = 0; i < count; i++) {
		unsigned int height = values[i] ? 1 + (double)values[i] / most * 7 : 0;

		at = stpcpy(at, (utf8 ? blocks : ascii)[height]);
	}
	return buf;
}

char *bars_line(char *buf, const struct hist *h, unsigned int width, bool utf8)
{
	struct hist_bucket rows[BARS_MAX];
	uint64_t counts[BARS_MAX];
	size_t count = bars_merge(h, rows, width < BARS_MAX ? width : BARS_MAX);

	for (size_t i = 0; i < count; i++)
		counts[i] = rows[i].count;
	return bars_values(buf, counts, count, utf8);
}

void bars_split(const uint64_t *values, size_t count, unsigned int width, unsigned int *cells)
{
	double total = 0;
	unsigned int used = 0;
	size_t largest = 0;

	for (size_t i = 0; i < count; i++) {
		total += values[i];
		largest = values[i] > values[largest] ? i : largest;
	}
	for (size_t i = 0; i < count; i++) {
		cells[i] = total > 0 ? values[i] / total * width : 0;
		if (values[i] && !cells[i] && used < width)
			cells[i] = 1;
		used += cells[i];
	}
	/* What rounding left over, or took too much of, is the largest part's. */
	if (total > 0 && cells[largest] + width >= used)
		cells[largest] += width - used;
}

