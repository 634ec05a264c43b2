// SPDX-License-Identifier: GPL-2.0-only
#include "sides/waterfall.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"

const struct leg waterfall_legs[LEG_COUNT] = {
#define X(n, a, h) [LEG_##n] = { .name = #n, .help = h, .across = a },
	WATERFALL_LEGS(X)
#undef X
};

/* --- one event */

/* A time of the guest on the host's clock; what is not known stays so. */
static int64_t on_host(const struct match *m, int64_t guest_ns)
{
	return guest_ns == SIDE_UNKNOWN ? SIDE_UNKNOWN : llround(match_host_ns(m, guest_ns));
}

/* Causes come before effects, but clocks are rounded. */
static int64_t from_to(int64_t from_ns, int64_t to_ns)
{
	if (from_ns == SIDE_UNKNOWN || to_ns == SIDE_UNKNOWN)
		return WATERFALL_UNKNOWN;
	return to_ns > from_ns ? to_ns - from_ns : 0;
}

/* When the guest made the signal that the handler answers. */
static int64_t signalled_by_guest(const struct match *m, const struct side_item *host, uint32_t *sender)
{
	const struct side_item *signal;

	*sender = SDEI_NONE;
	if (host->signal == SIDE_NOTHING)
		return SIDE_UNKNOWN;
	signal = &m->host->items[host->signal];
	*sender = signal->event;
	return signal->partner == SIDE_NOTHING ? SIDE_UNKNOWN : on_host(m, m->guest->items[signal->partner].begin_ns);
}

struct waterfall_way waterfall_way_of(const struct match *m, const struct side_item *handler)
{
	const struct side_item *host = &m->host->items[handler->partner];
	struct waterfall_way way = { .vcpu = host->vcpu, .event = host->event, .time_ns = m->host->begin_ns + (uint64_t)host->begin_ns };
	int64_t signal = signalled_by_guest(m, host, &way.sender);
	int64_t entry = on_host(m, handler->begin_ns), exit = on_host(m, handler->end_ns);

	way.legs[LEG_call] = from_to(signal, host->signal_ns);
	way.legs[LEG_dispatch] = from_to(host->signal_ns, host->begin_ns);
	way.legs[LEG_enter] = from_to(host->begin_ns, entry);
	way.legs[LEG_handler] = from_to(entry, exit);
	way.legs[LEG_leave] = from_to(exit, host->end_ns);
	way.legs[LEG_total] = from_to(signal != SIDE_UNKNOWN ? signal : host->signal_ns, host->end_ns);
	return way;
}

/* --- all of them */

static struct waterfall_row *need_row(struct waterfall *w, struct idmap *map, const struct waterfall_way *way)
{
	uint64_t key = (uint64_t)way->vcpu << 32 | way->event;
	uintptr_t number = (uintptr_t)idmap_find(map, key);

	if (number)
		return &w->rows[number - 1];
	if (ARRAY_ROOM_BY_COUNT(w->rows, w->count) || idmap_put(map, key, (void *)(w->count + 1)))
		return NULL;
	w->rows[w->count] = (struct waterfall_row){ .vcpu = way->vcpu, .event = way->event };
	return &w->rows[w->count++];
}

static int add_legs(struct waterfall_row *row, const struct waterfall_way *way)
{
	int err = 0;

	for (int leg = 0; leg < LEG_COUNT && !err; leg++) {
		if (way->legs[leg] == WATERFALL_UNKNOWN)
			continue;
		if (!row->legs[leg])
			row->legs[leg] = hist_new();
		err = row->legs[leg] ? hist_add(row->legs[leg], way->legs[leg], NULL) : -ENOMEM;
	}
	return err;
}

static void add_worst(struct waterfall *w, const struct waterfall_way *way)
{
	size_t at = w->worst_count;

	if (way->legs[LEG_total] == WATERFALL_UNKNOWN)
		return;
	while (at && w->worst[at - 1].legs[LEG_total] < way->legs[LEG_total])
		at--;
	if (at == WATERFALL_WORST)
		return;
	if (w->worst_count < WATERFALL_WORST)
		w->worst_count++;
	memmove(&w->worst[at + 1], &w->worst[at], (w->worst_count - at - 1) * sizeof(*w->worst));
	w->worst[at] = *way;
}

static int add(struct waterfall *w, struct idmap *map, const struct waterfall_way *way)
{
	struct waterfall_row *row = need_row(w, map, way);

	add_worst(w, way);
	return row ? add_legs(row, way) : -ENOMEM;
}

static int compare_rows(const void *a, const void *b)
{
	const struct waterfall_row *x = a, *y = b;

	if (x->vcpu != y->vcpu)
		return (x->vcpu > y->vcpu) - (x->vcpu < y->vcpu);
	return (x->event > y->event) - (x->event < y->event);
}

int waterfall_make(struct waterfall *w, const struct match *m, uint64_t from_ns, uint64_t to_ns)
{
	struct idmap map = { 0 };
	int err = 0;

	*w = (struct waterfall){ 0 };
	for (size_t i = 0; i < m->guest->count && !err; i++) {
		const struct side_item *item = &m->guest->items[i];
		struct waterfall_way way;

		if (item->what != SIDE_HANDLER || item->partner == SIDE_NOTHING)
			continue;
		way = waterfall_way_of(m, item);
		if (way.time_ns < from_ns || way.time_ns > to_ns)
			continue;
		err = add(w, &map, &way);
	}
	idmap_release(&map);
	if (w->count)
		qsort(w->rows, w->count, sizeof(*w->rows), compare_rows);
	return err;
}

void waterfall_clear(struct waterfall *w)
{
	for (size_t i = 0; i < w->count; i++)
		for (int leg = 0; leg < LEG_COUNT; leg++)
			hist_free(w->rows[i].legs[leg]);
	free(w->rows);
	*w = (struct waterfall){ 0 };
}
