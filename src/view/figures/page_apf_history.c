/* SPDX-License-Identifier: GPL-2.0-only */
/* The page faults of a VM over time, a line of columns for each figure. */
#include "view/figures/page_apf_history.h"

#include "model/apf.h"
#include "model/fault_history.h"
#include "view/figures/bars.h"
#include "view/figures/format.h"

#define LABEL_WIDTH 10
#define BEHIND 24		/* for what is beside a line */
#define FIGURE_WIDTH 9

struct series {
	uint64_t values[BARS_MAX];
	size_t count;		/* columns shown, each of so many of the history's, the last one maybe of fewer */
	unsigned int each;
	double column_ns;	/* of the shown ones */
};

static unsigned int columns_for(unsigned int width)
{
	unsigned int room = width > LABEL_WIDTH + BEHIND ? width - LABEL_WIDTH - BEHIND : 1;

	return room < BARS_MAX ? room : BARS_MAX;
}

static struct series sum_columns(const struct fault_history *h, unsigned int width, uint64_t (*of)(const struct fault_column *column))
{
	struct series s = { .each = (h->time.used - 1) / columns_for(width) + 1 };

	s.count = (h->time.used - 1) / s.each + 1;
	s.column_ns = (double)fault_axis_width(&h->time) * s.each;
	for (unsigned int i = 0; i < h->time.used; i++)
		s.values[i / s.each] += of(&h->columns[i]);
	return s;
}

static uint64_t most_of(const struct series *s)
{
	uint64_t most = 0;

	for (size_t i = 0; i < s->count; i++)
		most = s->values[i] > most ? s->values[i] : most;
	return most;
}

static void put_series(struct page *page, const struct page_scope *scope, const char *label, const struct series *s)
{
	char line[3 * BARS_MAX + 1];

	page_line(page);
	page_put(page, LOOK_HEAD, "%-*s", LABEL_WIDTH, label);
	page_put(page, LOOK_HEAT + 3, "%s", bars_values(line, s->values, s->count, scope->utf8));
	page_put(page, LOOK_PLAIN, "  ");
}

static void put_faults(struct page *page, const struct fault_history *h, const struct page_scope *scope)
{
	const struct series s = sum_columns(h, scope->width, fault_column_faults);
	char most[FORMAT_SIZE];

	put_series(page, scope, "faults/s", &s);
	page_put(page, LOOK_PLAIN, "at most %s", format_real(most, sizeof(most), most_of(&s) * 1e9 / s.column_ns, FIGURE_WIDTH));
}

/* Quick faults are spread over the time of their sum, beside what was really there: no vCPU waits longer than always. */
static void put_blocked(struct page *page, const struct fault_history *h, unsigned int vcpus, const struct page_scope *scope)
{
	const struct series s = sum_columns(h, scope->width, fault_column_blocked_ns);
	double share = most_of(&s) / s.column_ns / vcpus;

	put_series(page, scope, "blocked", &s);
	page_put(page, LOOK_PLAIN, "at most %.0f%%", 100.0 * (share < 1 ? share : 1));
}

/* So many different ones by then. */
static void put_frames(struct page *page, const struct fault_history *h, const struct page_scope *scope)
{
	struct series s = sum_columns(h, scope->width, fault_column_frames);
	char all[FORMAT_SIZE];

	for (size_t i = 1; i < s.count; i++)
		s.values[i] += s.values[i - 1];
	put_series(page, scope, "frames", &s);
	page_put(page, LOOK_PLAIN, "up to %s", format_count(all, sizeof(all), s.values[s.count - 1], FIGURE_WIDTH));
}

void page_apf_history(struct page *page, const struct fault_history *h, unsigned int vcpus, const struct page_scope *scope)
{
	const struct series s = sum_columns(h, scope->width, fault_column_faults);
	char from[FORMAT_SIZE], each[FORMAT_SIZE];

	page_line(page);
	page_line(page);
	page_put(page, LOOK_HEAD, "Over time");
	page_put(page, LOOK_PLAIN, " from %s, a column is %s",
		 format_clock(from, sizeof(from), scope->status, fault_axis_begin(&h->time, 0), 3),
		 format_age(each, sizeof(each), s.column_ns));
	put_faults(page, h, scope);
	put_blocked(page, h, vcpus, scope);
	put_frames(page, h, scope);
}
