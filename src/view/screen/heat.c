/* SPDX-License-Identifier: GPL-2.0-only */
#include "view/screen/heat.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "view/figures/bars.h"
#include "view/figures/format.h"
#include "util/array.h"

#define PER_OCTAVE 4
#define STEPS (41 * PER_OCTAVE)
#define LABEL 8
#define AROUND 4		/* lines of the page that are not the map */
#define ROWS_MAX 64
#define DENSITIES 5

struct cell_count {
	uint32_t step : 8, count : 24;
};

/* What one event had in one interval. */
struct spot {
	uint32_t pid, instance, vcpu, event;
	uint32_t first, count;		/* its cells */
};

struct slice {
	uint64_t end_ns;
	struct spot *spots;
	struct cell_count *cells;
	size_t spot_count, spot_room, cell_count, cell_room;
};

struct heat {
	struct slice slices[HEAT_INTERVALS];	/* a ring */
	size_t first, count;
	size_t memory;
	uint64_t taken_ns;
};

struct heat *heat_new(void)
{
	return calloc(1, sizeof(struct heat));
}

static size_t slice_memory(const struct slice *s)
{
	return s->spot_room * sizeof(*s->spots) + s->cell_room * sizeof(*s->cells);
}

static void slice_clear(struct slice *s)
{
	free(s->spots);
	free(s->cells);
	memset(s, 0, sizeof(*s));
}

static void drop_oldest(struct heat *h)
{
	h->memory -= slice_memory(&h->slices[h->first]);
	slice_clear(&h->slices[h->first]);
	h->first = (h->first + 1) % HEAT_INTERVALS;
	h->count--;
}

void heat_clear(struct heat *h)
{
	while (h->count)
		drop_oldest(h);
}

void heat_free(struct heat *h)
{
	if (h)
		heat_clear(h);
	free(h);
}

/* --- taking */

/* One interval is much like the one before: then nothing has to grow. */
static int expect_as_much(struct slice *s, const struct slice *before)
{
	size_t spots = before->spot_count + before->spot_count / 8, cells = before->cell_count + before->cell_count / 8;

	s->spots = spots ? malloc(spots * sizeof(*s->spots)) : NULL;
	s->cells = cells ? malloc(cells * sizeof(*s->cells)) : NULL;
	s->spot_room = s->spots ? spots : 0;
	s->cell_room = s->cells ? cells : 0;
	return (spots && !s->spots) || (cells && !s->cells) ? -ENOMEM : 0;
}

static int add_cell(struct slice *s, struct spot *spot, unsigned int step, uint64_t count)
{
	struct cell_count *last = spot->count ? &s->cells[s->cell_count - 1] : NULL;

	if (!last || last->step != step) {
		if (ARRAY_ROOM(s->cells, s->cell_room, s->cell_count, 16) < 0)
			return -ENOMEM;
		last = &s->cells[s->cell_count++];
		*last = (struct cell_count){ .step = step };
		spot->count++;
	}
	count += last->count;
	last->count = count < 0xffffff ? count : 0xffffff;
	return 0;
}

/* One or two samples in an interval are the rule, or much the same ones: then there is no need to look for where they are. */
static int add_cells(struct slice *s, struct spot *spot, const struct hist *h)
{
	unsigned int low = bars_step(hist_min(h), PER_OCTAVE), high = bars_step(hist_max(h), PER_OCTAVE), it = 0;
	uint64_t count = hist_count(h);
	struct hist_bucket bucket;
	int err = 0;

	if (hist_max(h) < HIST_MAX_NS && low == high)
		return add_cell(s, spot, low, count);
	if (hist_max(h) < HIST_MAX_NS && count == 2)
		return add_cell(s, spot, low, 1) ?: add_cell(s, spot, high, 1);
	while (!err && hist_next(h, &it, &bucket))
		err = add_cell(s, spot, bars_step(bucket.min_ns, PER_OCTAVE), bucket.count);
	return err;
}

static int take_event(struct slice *s, const struct model_event *e)
{
	const struct hist *h = model_event_hist(e, true, HIST_DISPATCH);
	struct spot *spot;

	if (!hist_count(h))
		return 0;
	if (ARRAY_ROOM(s->spots, s->spot_room, s->spot_count, 16) < 0)
		return -ENOMEM;
	spot = &s->spots[s->spot_count++];
	*spot = (struct spot){
		.pid = e->vcpu->vm->pid, .instance = e->vcpu->vm->instance, .vcpu = e->vcpu->id, .event = e->event,
		.first = s->cell_count,
	};
	return add_cells(s, spot, h);
}

static int take_vm(struct slice *s, const struct model_vm *vm)
{
	int err = 0;

	for (size_t i = 0; i < vm->vcpu_count && !err; i++)
		for (size_t j = 0; j < vm->vcpus[i]->event_count && !err; j++)
			err = take_event(s, vm->vcpus[i]->events[j]);
	return err;
}

int heat_take(struct heat *h, const struct model *m)
{
	const struct model_totals *totals = model_totals(m);
	struct slice *s;
	size_t count;
	struct model_vm *const *vms = model_vms(m, &count);
	int err = 0;

	if (!totals->interval_ns || totals->now_ns == h->taken_ns)
		return 0;
	h->taken_ns = totals->now_ns;
	if (h->count == HEAT_INTERVALS)
		drop_oldest(h);
	s = &h->slices[(h->first + h->count++) % HEAT_INTERVALS];
	s->end_ns = totals->now_ns;
	if (h->count > 1)
		err = expect_as_much(s, &h->slices[(h->first + h->count - 2) % HEAT_INTERVALS]);
	for (size_t i = 0; i < count && !err; i++)
		err = take_vm(s, vms[i]);
	h->memory += slice_memory(s);
	while (h->memory > HEAT_MEMORY && h->count > 1)
		drop_oldest(h);
	return err;
}

/* --- showing */

struct map {
	uint32_t counts[HEAT_INTERVALS][STEPS];
	size_t columns;
	unsigned int low, high;		/* steps that have any */
	uint64_t all;
};

static bool is_of(const struct spot *spot, enum view_level level, const struct row_id *of)
{
	return spot->pid == of->pid && spot->instance == of->instance && (level == LEVEL_VM || spot->vcpu == of->vcpu) &&
	       (level != LEVEL_EVENT || !of->has_event || spot->event == of->event);
}

static void add_spot(struct map *map, size_t column, const struct slice *s, const struct spot *spot)
{
	for (size_t i = 0; i < spot->count; i++) {
		const struct cell_count *cell = &s->cells[spot->first + i];
		unsigned int step = cell->step < STEPS ? cell->step : STEPS - 1;

		map->counts[column][step] += cell->count;
		map->all += cell->count;
		map->low = step < map->low ? step : map->low;
		map->high = step > map->high ? step : map->high;
	}
}

/* The newest intervals, the newest one last. */
static void gather(struct map *map, const struct heat *h, enum view_level level, const struct row_id *of, size_t most)
{
	map->columns = h->count < most ? h->count : most;
	map->low = STEPS - 1;
	for (size_t i = 0; i < map->columns; i++) {
		const struct slice *s = &h->slices[(h->first + h->count - map->columns + i) % HEAT_INTERVALS];

		for (size_t j = 0; j < s->spot_count; j++)
			if (is_of(&s->spots[j], level, of))
				add_spot(map, i, s, &s->spots[j]);
	}
}

/* The sum of the steps from..to of a column. */
static uint64_t density(const struct map *map, size_t column, unsigned int from, unsigned int to)
{
	uint64_t sum = 0;

	for (unsigned int step = from; step < to && step < STEPS; step++)
		sum += map->counts[column][step];
	return sum;
}

/* 0: nothing; then by powers of 4, so that single bad ones are seen. */
static unsigned int shade(uint64_t count)
{
	unsigned int shade = 1;

	if (!count)
		return 0;
	for (uint64_t limit = 1; shade < DENSITIES && limit * 4 <= count; limit *= 4)
		shade++;
	return shade;
}

static void put_line(struct page *page, const struct map *map, unsigned int from, unsigned int to,
		     const struct page_scope *scope)
{
	static const char *const blocks[] = { " ", "·", "░", "▒", "▓", "█" };
	static const char *const ascii[] = { " ", ".", ":", "+", "#", "@" };
	char label[FORMAT_SIZE];

	page_line(page);
	page_put(page, LOOK_PLAIN, "%*s |", LABEL - 2, format_age(label, sizeof(label), bars_step_min(from, PER_OCTAVE)));
	for (size_t i = 0, run; i < map->columns; i += run) {
		unsigned int dark = shade(density(map, i, from, to));

		for (run = 1; i + run < map->columns && shade(density(map, i + run, from, to)) == dark;)
			run++;
		page_repeat(page, LOOK_HEAT + dark, (scope->utf8 ? blocks : ascii)[dark], run);
	}
}

static void put_axis(struct page *page, const struct heat *h, const struct map *map, const struct page_scope *scope)
{
	const struct slice *first = &h->slices[(h->first + h->count - map->columns) % HEAT_INTERVALS];
	const struct status *status = scope->status;
	char from[FORMAT_SIZE], to[FORMAT_SIZE];
	int gap;

	format_clock(from, sizeof(from), status, first->end_ns, 0);
	format_clock(to, sizeof(to), status, status->now_ns, 0);
	gap = (int)map->columns - (int)strlen(from) - (int)strlen(to);
	page_line(page);
	page_put(page, LOOK_DIM, "%*s %s%*s%s", LABEL - 1, "", from, gap > 1 ? gap : 1, "", gap >= 0 ? to : "");
}

static void put_map(struct page *page, const struct heat *h, const struct map *map, const struct page_scope *scope)
{
	unsigned int rows = scope->rows > AROUND + 1 ? scope->rows - AROUND : 1, steps = map->high - map->low + 1;
	unsigned int each = (steps + rows - 1) / rows, low = map->low - map->low % each;
	uint64_t most = 1;

	for (size_t i = 0; i < map->columns; i++)
		for (unsigned int from = low; from <= map->high; from += each)
			most = density(map, i, from, from + each) > most ? density(map, i, from, from + each) : most;
	for (unsigned int count = (map->high - low) / each + 1; count > 0; count--)
		put_line(page, map, low + (count - 1) * each, low + count * each, scope);
	put_axis(page, h, map, scope);
	page_line(page);
	page_put(page, LOOK_DIM, "%*s %s  of 1, 4, 16, 64, 256 and more; at most %" PRIu64 " in one place", LABEL - 1, "",
		 scope->utf8 ? "·░▒▓█" : ".:+#@", most);
}

void page_heat(struct page *page, const struct heat *h, enum view_level level, const struct row_id *of,
	       const struct page_scope *scope)
{
	size_t room = scope->width > LABEL + 1U ? scope->width - LABEL : 1;
	struct map *map = calloc(1, sizeof(*map));

	if (!map) {
		page->no_memory = true;
		return;
	}
	gather(map, h, level, of, room < HEAT_INTERVALS ? room : HEAT_INTERVALS);
	page_line(page);
	page_put(page, LOOK_HEAD, "Dispatch latency over time, one column per interval: %" PRIu64 " dispatches", map->all);
	if (map->all)
		put_map(page, h, map, scope);
	else {
		page_line(page);
		page_put(page, LOOK_DIM, "No dispatch in the last %zu intervals.", map->columns);
	}
	free(map);
}
