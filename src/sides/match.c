// SPDX-License-Identifier: GPL-2.0-only
#include "sides/match.h"

#include <math.h>
#include <stdlib.h>

#include "util/array.h"

#define FAR_NS (1LL << 55)	/* beyond all offsets */
#define SLOPE_PARTS 1000	/* 1 / CLOCK_SLOPE_MAX */

#define SEED_ITEMS 8		/* compared one after the other to find the offset; fewer, where that finds none */
#define SEED_ITEMS_LEAST 2
#define SEED_STARTS 8		/* in a list, for recordings that begin at different times */
#define SEED_LISTS 4
#define CANDIDATES_MAX 16
#define TRIAL_ITEMS 65536	/* by which candidates are compared */
#define LOST_AFTER 4		/* handlers without a partner, before the offset is looked for again */
#define MARKS_AHEAD 64		/* calls that may have been missed in between */
#define FITS_MAX (4 * MATCH_LINES_MAX)	/* those included that give no line */

/* Where the offset is: from low to high, at a time of the guest. */
struct window {
	int64_t at, low, high;
};

struct cursor {
	struct side_list *guest, *host;	/* of one key */
	size_t next;			/* of the host's, forwards */
	size_t kept;			/* what next was at the turn: to go back to */
	unsigned int turn;
	size_t before;			/* how many of them are still to be looked at, backwards */
};

struct score {
	uint64_t joined, guest_only, host_only;
};

struct matching {
	struct match *m;
	struct side *guest, *host;
	struct cursor *cursors;
	size_t cursor_count;
	struct idmap by_list;		/* a cursor by the address of the guest's list */
	struct score score;
	int64_t trial_ns;		/* of the guest: where what score counts begins */
	unsigned int turn;
	uint64_t steps, steps_max;	/* of looking for the offset: linear, whatever the recordings are */
	bool failed;			/* no memory: something was not looked for */
};

/* --- windows */

static void widen(struct window *w, int64_t at)
{
	int64_t passed = at > w->at ? at - w->at : w->at - at, more = passed / SLOPE_PARTS + 1;

	w->low = w->low - more > -FAR_NS ? w->low - more : -FAR_NS;
	w->high = w->high + more < FAR_NS ? w->high + more : FAR_NS;
	w->at = at;
}

static bool meets(const struct window *w, const struct window *other)
{
	return other->low <= other->high && other->low <= w->high && other->high >= w->low;
}

static void narrow(struct window *w, const struct window *by)
{
	if (by->low > w->low)
		w->low = by->low;
	if (by->high < w->high)
		w->high = by->high;
}

/* What the offset has to be if the two are the same. */
static struct window offsets_of(const struct side_item *guest, const struct side_item *host)
{
	struct window w = { .at = side_item_ns(guest), .low = -FAR_NS, .high = FAR_NS };

	if (guest->what != SIDE_HANDLER) {
		if (guest->end_ns != SIDE_UNKNOWN)
			w.low = host->end_ns - guest->end_ns;
		if (guest->begin_ns != SIDE_UNKNOWN)
			w.high = host->end_ns - guest->begin_ns;
		return w;
	}
	w.low = host->begin_ns - guest->begin_ns;
	if (host->end_ns != SIDE_UNKNOWN)
		w.high = host->end_ns - (guest->end_ns != SIDE_UNKNOWN ? guest->end_ns : guest->begin_ns);
	return w;
}

/* --- following the offset */

static struct cursor *cursor_of(const struct matching *g, const struct side_item *item)
{
	return idmap_find(&g->by_list, (uintptr_t)side_list_of(g->guest, item));
}

static const struct side_item *host_item(const struct matching *g, const struct cursor *c, size_t i)
{
	return &g->host->items[c->host->items[i]];
}

/* Was the guest recorded when that happened on the host? Of what was before the trial nothing is said. */
static bool in_guest(const struct matching *g, const struct side_item *host, const struct window *w)
{
	int64_t time_ns = side_item_ns(host);

	return time_ns - w->high > g->trial_ns && time_ns - w->high <= g->guest->length_ns;
}

static bool in_host(const struct matching *g, const struct side_item *guest, const struct window *w)
{
	int64_t time_ns = side_item_ns(guest);

	return time_ns + w->high >= 0 && time_ns + w->low <= g->host->length_ns;
}

/* Was the host's item over before the guest's began? Where an end is not known: has the next one begun before that? */
static bool is_before(const struct matching *g, const struct cursor *c, size_t i, const struct side_item *item, const struct window *w)
{
	struct window of = offsets_of(item, host_item(g, c, i));

	if (of.high < FAR_NS)
		return of.high < w->low;
	return i + 1 < c->host->count && offsets_of(item, host_item(g, c, i + 1)).low <= w->low;
}

static void keep_place(const struct matching *g, struct cursor *c)
{
	if (c->turn == g->turn)
		return;
	c->turn = g->turn;
	c->kept = c->next;
}

/* A signal that KVM has when the next one may have been made already is that one. */
static bool can_be(const struct side_item *guest, const struct side_item *host, const struct window *of, const struct window *w)
{
	if (host->partner != SIDE_NOTHING || host->mark != guest->mark || !meets(w, of))
		return false;
	return guest->what != SIDE_SIGNAL || of->low < w->low;
}

/* The host's item number i of the cursor is the one. */
static const struct side_item *take(const struct matching *g, const struct cursor *c, const struct side_item *item, size_t i, struct window *w)
{
	const struct side_item *host = host_item(g, c, i);
	struct window of = offsets_of(item, host);

	narrow(w, &of);
	return host;
}

/* The first of the host's items from the cursor on that can be the same; NULL: there is none. Those before it have no partner. */
static const struct side_item *find_forwards(struct matching *g, struct cursor *c, const struct side_item *item, struct window *w)
{
	keep_place(g, c);
	for (; c->next < c->host->count && is_before(g, c, c->next, item, w); c->next++)
		g->score.host_only += in_guest(g, host_item(g, c, c->next), w);
	for (size_t i = c->next; i < c->host->count && i - c->next < MARKS_AHEAD; i++) {
		struct window of = offsets_of(item, host_item(g, c, i));

		if (of.low > w->high)
			break;
		if (!can_be(item, host_item(g, c, i), &of, w))
			continue;
		g->score.host_only += i - c->next;
		c->next = i + 1;
		return take(g, c, item, i, w);
	}
	return NULL;
}

static const struct side_item *find_backwards(struct matching *g, struct cursor *c, const struct side_item *item, struct window *w)
{
	size_t found = SIDE_NOTHING;

	for (; c->before; c->before--)
		if (offsets_of(item, host_item(g, c, c->before - 1)).low <= w->high)
			break;
	for (size_t i = c->before; i && c->before - i < MARKS_AHEAD; i--) {
		struct window of = offsets_of(item, host_item(g, c, i - 1));

		if (of.high < w->low)
			break;
		if (can_be(item, host_item(g, c, i - 1), &of, w))
			found = i - 1;
	}
	if (found == SIDE_NOTHING)
		return NULL;
	return take(g, c, item, c->before = found, w);
}

static void join(struct matching *g, size_t guest, const struct side_item *host)
{
	size_t number = host - g->host->items;

	g->guest->items[guest].partner = number;
	g->host->items[number].partner = guest;
}

/* Up to the begin, or the last handler that has a partner. */
static void follow_backwards(struct matching *g, size_t from, struct window w)
{
	for (size_t i = from; i--;) {
		const struct side_item *item = &g->guest->items[i], *host;
		struct cursor *c = cursor_of(g, item);

		g->steps++;
		if (item->what == SIDE_HANDLER && item->partner != SIDE_NOTHING)
			return;
		if (!c || item->partner != SIDE_NOTHING)
			continue;
		widen(&w, side_item_ns(item));
		host = find_backwards(g, c, item, &w);
		if (host)
			join(g, i, host);
	}
}

/* --- looking for the offset */

static void restart(struct matching *g, const size_t *next)
{
	g->steps += g->cursor_count;
	for (size_t i = 0; i < g->cursor_count; i++)
		g->cursors[i].next = next[i];
}

static size_t *places(const struct matching *g)
{
	size_t *next = calloc(g->cursor_count + 1, sizeof(*next));

	for (size_t i = 0; next && i < g->cursor_count; i++)
		next[i] = g->cursors[i].next;
	return next;
}

/* How well all items from there on fit. */
static struct score try_window(struct matching *g, size_t from, struct window w, const size_t *next)
{
	struct score before = g->score, found;
	uint64_t joined = 0, guest_only = 0;

	g->trial_ns = side_item_ns(&g->guest->items[from]);
	for (size_t i = from; i < g->guest->count && i - from < TRIAL_ITEMS; i++) {
		const struct side_item *item = &g->guest->items[i];
		struct cursor *c = cursor_of(g, item);

		g->steps++;
		if (!c)
			continue;
		widen(&w, side_item_ns(item));
		if (find_forwards(g, c, item, &w))
			joined++;
		else
			guest_only += in_host(g, item, &w);
	}
	found = (struct score){ joined, guest_only, g->score.host_only - before.host_only };
	g->score = before;
	restart(g, next);
	return found;
}

/* Do the guest's items from start on go with the host's from at on? Then w is where the offset is at the first of them. */
static bool fits(struct matching *g, const struct cursor *c, size_t start, size_t at, size_t items, struct window *w)
{
	*w = (struct window){ .at = side_item_ns(&g->guest->items[c->guest->items[start]]), .low = -FAR_NS, .high = FAR_NS };
	for (size_t i = 0; i < items && start + i < c->guest->count; i++) {
		const struct side_item *item = &g->guest->items[c->guest->items[start + i]], *host;
		struct window of;

		if (at + i >= c->host->count)
			return false;
		host = host_item(g, c, at + i);
		of = offsets_of(item, host);
		g->steps++;
		widen(w, side_item_ns(item));
		if (host->mark != item->mark || !meets(w, &of))
			return false;
		narrow(w, &of);
	}
	widen(w, side_item_ns(&g->guest->items[c->guest->items[start]]));
	return true;
}

struct candidate {
	struct window window;
	size_t at;		/* the guest's item at which it says so */
};

struct candidates {
	struct candidate list[CANDIDATES_MAX];
	size_t count;
	bool too_many;
};

/* Of the two lists, the one that is shorter gives the items that are looked for in the other one, from start on. */
static bool looks_in_guest(const struct cursor *c, size_t first)
{
	return c->guest->count - first > c->host->count - c->next;
}

static void find_candidates(struct matching *g, const struct cursor *c, size_t first, size_t start, size_t items, struct candidates *found)
{
	bool in_guest_list = looks_in_guest(c, first);
	size_t from = in_guest_list ? first : c->next, to = in_guest_list ? c->guest->count : c->host->count;

	*found = (struct candidates){ 0 };
	for (size_t i = from; i < to && g->steps < g->steps_max; i++) {
		size_t in_guest_at = in_guest_list ? i : start;
		struct window w;

		if (!fits(g, c, in_guest_at, in_guest_list ? start : i, items, &w))
			continue;
		found->too_many = found->count == CANDIDATES_MAX;
		if (found->too_many)
			return;
		found->list[found->count++] = (struct candidate){ w, c->guest->items[in_guest_at] };
	}
}

static int64_t merit(const struct score *s)
{
	return (int64_t)(s->joined - s->guest_only - s->host_only);
}

/* The candidate that fits best, if no other one does nearly as well. */
static enum match_result choose(struct matching *g, const struct candidates *found, struct candidate *chosen)
{
	struct score scores[CANDIDATES_MAX];
	size_t best = 0, *next = places(g);

	if (!next)
		return MATCH_NO_MEMORY;
	for (size_t i = 0; i < found->count; i++) {
		scores[i] = try_window(g, found->list[i].at, found->list[i].window, next);
		if (merit(&scores[i]) > merit(&scores[best]))
			best = i;
	}
	free(next);
	*chosen = found->list[best];
	for (size_t i = 0; i < found->count; i++)
		if (i != best && scores[i].guest_only + scores[i].host_only <= scores[best].guest_only + scores[best].host_only &&
		    2 * scores[i].joined >= scores[best].joined)
			return MATCH_AMBIGUOUS;
	return MATCH_DONE;
}

/* From the first item of a list at or behind from; its number in the list. */
static size_t place_in(const struct side_list *list, size_t from)
{
	return ARRAY_LOWER_BOUND(list->count, i, list->items[i] < from);
}

/* Where the offset is, from so many items that follow each other. */
static enum match_result seed_by(struct matching *g, const struct cursor *c, size_t first, size_t starts, size_t items,
				 struct candidate *chosen)
{
	size_t begin = looks_in_guest(c, first) ? c->next : first, end = looks_in_guest(c, first) ? c->host->count : c->guest->count;
	enum match_result result = MATCH_UNRELATED, own;
	struct candidates found;

	for (size_t i = 0, last = SIZE_MAX; i < starts; i++) {
		size_t start = begin + i * (end - begin) / starts;

		if (start == last || start == end)
			continue;
		last = start;
		find_candidates(g, c, first, start, items, &found);
		if (!found.count)
			continue;
		own = found.too_many ? MATCH_AMBIGUOUS : choose(g, &found, chosen);
		if (own != MATCH_AMBIGUOUS)
			return own;
		result = own;
	}
	return result;
}

static enum match_result seed_in(struct matching *g, const struct cursor *c, size_t from, size_t starts, struct candidate *chosen)
{
	size_t first = place_in(c->guest, from);
	enum match_result result = MATCH_UNRELATED;

	for (size_t items = SEED_ITEMS; items >= SEED_ITEMS_LEAST && result == MATCH_UNRELATED; items /= 2)
		result = seed_by(g, c, first, starts, items, chosen);
	return result;
}

/* Cursors are sorted: lists of handlers first, then those of calls; the longest ones in front. */
static enum match_result seed(struct matching *g, struct candidate *chosen)
{
	enum match_result result = MATCH_UNRELATED;

	for (size_t i = 0; i < g->cursor_count && i < SEED_LISTS; i++) {
		enum match_result own = seed_in(g, &g->cursors[i], 0, SEED_STARTS, chosen);

		if (own == MATCH_DONE || own == MATCH_NO_MEMORY)
			return own;
		if (own == MATCH_AMBIGUOUS)
			result = own;
	}
	return result;
}

/* --- all of it */

/*
 * Handlers without a partner: since which item, how many, and how many there have to be. Up to sure, what is joined is right: signals,
 * of which only one bound is known, fit where others do not.
 */
struct stray {
	size_t since, count, enough, sure;
};

/* To where the cursors were when the turn began, and back again. */
static void swap_places(struct matching *g)
{
	for (size_t i = 0; i < g->cursor_count; i++) {
		struct cursor *c = &g->cursors[i];
		size_t next = c->next;

		if (c->turn != g->turn)
			continue;
		c->next = c->kept;
		c->kept = next;
	}
	g->steps += g->cursor_count;
}

static void part(struct matching *g, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		struct side_item *item = &g->guest->items[i];

		if (item->partner != SIDE_NOTHING)
			g->host->items[item->partner].partner = SIDE_NOTHING;
		item->partner = SIDE_NOTHING;
	}
}

/* Looks for the offset again if that is due. True: it was found, and holds from the item of found on. */
static bool look_again(struct matching *g, struct stray *stray, struct candidate *found)
{
	enum match_result result;

	if (stray->count < stray->enough || g->steps >= g->steps_max)
		return false;
	stray->enough *= 2;
	swap_places(g);
	result = seed_in(g, cursor_of(g, &g->guest->items[stray->since]), stray->since, 1, found);
	if (result == MATCH_DONE)
		return true;
	g->failed |= result == MATCH_NO_MEMORY;
	swap_places(g);
	return false;
}

/* What is looked for backwards is where the cursors are. */
static void turn_back(struct matching *g)
{
	for (size_t i = 0; i < g->cursor_count; i++) {
		struct cursor *c = &g->cursors[i];

		c->before = c->host->count - c->next > MARKS_AHEAD ? c->next + MARKS_AHEAD : c->host->count;
	}
}

/* The item after this one. */
static size_t resume(struct matching *g, const struct stray *stray, size_t i, const struct candidate *found)
{
	g->steps += i - stray->sure;
	part(g, stray->sure, i + 1);
	turn_back(g);
	follow_backwards(g, found->at, found->window);
	return found->at;
}

static void follow_forwards(struct matching *g, size_t from, struct window w)
{
	const enum side_what leading = g->guest->items[g->cursors->guest->items[0]].what;
	struct stray stray = { .enough = LOST_AFTER, .sure = from };
	struct candidate found;

	for (size_t i = from; i < g->guest->count; i++) {
		const struct side_item *item = &g->guest->items[i], *host;
		struct cursor *c = cursor_of(g, item);

		if (!c)
			continue;
		g->turn += !stray.count;
		widen(&w, side_item_ns(item));
		host = find_forwards(g, c, item, &w);
		if (host)
			join(g, i, host);
		if (host && !stray.count && item->what != SIDE_SIGNAL)
			stray.sure = i + 1;
		if (item->what != leading)
			continue;
		if (!host && !stray.count++)
			stray.since = i;
		if (!host && look_again(g, &stray, &found)) {
			i = resume(g, &stray, i, &found) - 1;
			w = found.window;
			host = item;
		}
		if (host)
			stray = (struct stray){ .enough = LOST_AFTER, .sure = i + 1 };
	}
}

static int compare_cursors(const void *a, const void *b)
{
	const struct cursor *x = a, *y = b;

	if (x->guest->count != y->guest->count)
		return (x->guest->count < y->guest->count) - (x->guest->count > y->guest->count);
	return (x->guest->key > y->guest->key) - (x->guest->key < y->guest->key);
}

static void add_cursors(struct matching *g, enum side_what what)
{
	const struct idmap *map = &g->guest->lists[what];
	struct cursor *first = g->cursors + g->cursor_count;

	for (size_t i = 0; map->slots && i <= map->mask; i++) {
		struct side_list *list = map->slots[i].value, *host = list ? idmap_find(&g->host->lists[what], list->key) : NULL;

		if (host && list->count && host->count)
			g->cursors[g->cursor_count++] = (struct cursor){ .guest = list, .host = host, .before = host->count };
	}
	qsort(first, g->cursors + g->cursor_count - first, sizeof(*first), compare_cursors);
}

static bool prepare(struct matching *g)
{
	size_t count = 1;

	g->steps_max = 64 * (g->guest->count + g->host->count + 1024);
	for (int what = 0; what < SIDE_WHATS; what++)
		count += g->guest->lists[what].used;
	g->cursors = calloc(count, sizeof(*g->cursors));
	if (!g->cursors)
		return false;
	for (int what = 0; what < SIDE_WHATS; what++)
		add_cursors(g, what);
	for (size_t i = 0; i < g->cursor_count; i++)
		if (idmap_put(&g->by_list, (uintptr_t)g->cursors[i].guest, &g->cursors[i]))
			return false;
	return true;
}

/* Where the counter says that the offset is, at the guest's first item. False: it does not say. */
static bool ask_counter(const struct matching *g, struct candidate *found)
{
	const struct counter_clock *c = &g->m->counter;
	int64_t at = side_item_ns(g->guest->items);
	double offset_ns;

	if (g->m->counter_lack != COUNTER_THERE)
		return false;
	offset_ns = counter_clock_host_ns(c, at) - (double)at;
	if (!(fabs(offset_ns) + c->error_ns < (double)FAR_NS))
		return false;
	*found = (struct candidate){
		.window = { .at = at, .low = (int64_t)floor(offset_ns - c->error_ns), .high = (int64_t)ceil(offset_ns + c->error_ns) },
	};
	return true;
}

static enum match_result find_partners(struct matching *g)
{
	enum match_result result;
	struct candidate found;

	if (!prepare(g))
		return MATCH_NO_MEMORY;
	if (!g->cursor_count)
		return MATCH_NOTHING;
	result = seed(g, &found);
	if ((result == MATCH_AMBIGUOUS || result == MATCH_UNRELATED) && ask_counter(g, &found))
		result = MATCH_DONE;
	if (result != MATCH_DONE)
		return result;
	follow_backwards(g, found.at, found.window);
	follow_forwards(g, found.at, found.window);
	return g->failed ? MATCH_NO_MEMORY : MATCH_DONE;
}

/* --- lines */

struct bounds {
	struct clock_bound *list;
	size_t count;
	size_t *last;		/* of each of the guest's items: where its last bound is */
};

static void put_bound(struct bounds *b, size_t item, int64_t at_ns, int64_t host_ns, bool upper)
{
	if (at_ns == SIDE_UNKNOWN || host_ns == SIDE_UNKNOWN)
		return;
	b->list[b->count++] = (struct clock_bound){ .at_ns = at_ns, .offset_ns = host_ns - at_ns, .upper = upper, .item = item };
}

static void put_bounds(struct bounds *b, size_t item, const struct side_item *guest, const struct side_item *host)
{
	if (guest->what != SIDE_HANDLER) {
		put_bound(b, item, guest->begin_ns, host->end_ns, true);
		if (guest->what == SIDE_CALL)
			put_bound(b, item, guest->end_ns, host->end_ns, false);
	} else {
		put_bound(b, item, guest->begin_ns, host->begin_ns, false);
		put_bound(b, item, guest->end_ns != SIDE_UNKNOWN ? guest->end_ns : guest->begin_ns, host->end_ns, true);
	}
}

static int compare_bounds(const void *a, const void *b)
{
	const struct clock_bound *x = a, *y = b;

	if (x->at_ns != y->at_ns)
		return (x->at_ns > y->at_ns) - (x->at_ns < y->at_ns);
	return x->upper - y->upper;
}

static bool collect_bounds(const struct matching *g, struct bounds *b)
{
	b->list = calloc(2 * g->guest->count + 1, sizeof(*b->list));
	b->last = calloc(g->guest->count + 1, sizeof(*b->last));
	if (!b->list || !b->last)
		return false;
	for (size_t i = 0; i < g->guest->count; i++)
		if (g->guest->items[i].partner != SIDE_NOTHING)
			put_bounds(b, i, &g->guest->items[i], &g->host->items[g->guest->items[i].partner]);
	qsort(b->list, b->count, sizeof(*b->list), compare_bounds);
	for (size_t i = 0; i < b->count; i++)
		b->last[b->list[i].item] = i;
	return true;
}

/* Signals have one bound only, others two. */
static bool is_on_line(const struct match *m, const struct bounds *b, size_t i, size_t end)
{
	size_t item = b->list[i].item;

	return b->last[item] < end && m->guest->items[item].what != SIDE_SIGNAL;
}

/*
 * As clock_fit(), for bounds from done on. Items at a line's end of which it does not have both bounds do not belong to it: that the
 * offset is above what it was long ago contradicts nothing.
 */
static size_t fit_line(const struct match *m, const struct bounds *b, size_t done, struct clock_line *line)
{
	size_t taken = clock_fit(b->list + done, b->count - done, line), whole = taken;

	if (done + taken == b->count)
		return taken;
	while (whole && !is_on_line(m, b, done + whole - 1, done + taken))
		whole--;
	return whole && whole < taken ? clock_fit(b->list + done, whole, line) : taken;
}

/* A line that has bounds of one side only is none. */
static enum match_result fit_lines(struct match *m, const struct bounds *b)
{
	for (size_t done = 0, taken, fits = 0; done < b->count; done += taken) {
		struct match_line *line = &m->lines[m->line_count];

		if (m->line_count == MATCH_LINES_MAX || fits++ == FITS_MAX)
			return MATCH_TOO_MANY;
		taken = fit_line(m, b, done, &line->clock);
		if (!taken)
			return MATCH_NO_MEMORY;
		if (isfinite(line->clock.error_ns))
			m->line_count++;
	}
	return m->line_count ? MATCH_DONE : MATCH_UNRELATED;
}

static enum match_result find_lines(struct matching *g)
{
	struct bounds bounds = { 0 };
	enum match_result result = collect_bounds(g, &bounds) ? fit_lines(g->m, &bounds) : MATCH_NO_MEMORY;

	free(bounds.list);
	free(bounds.last);
	return result;
}

const struct match_line *match_line_at(const struct match *m, int64_t guest_ns)
{
	const struct match_line *line = m->lines;

	for (size_t i = 1; i < m->line_count && guest_ns >= m->lines[i].clock.from_ns; i++)
		line = &m->lines[i];
	return line;
}

double match_host_ns(const struct match *m, int64_t guest_ns)
{
	if (m->by_counter)
		return counter_clock_host_ns(&m->counter, guest_ns);
	return (double)guest_ns + clock_line_offset_ns(&match_line_at(m, guest_ns)->clock, guest_ns);
}

double match_error_ns(const struct match *m)
{
	double error_ns = 0;

	if (m->by_counter)
		return m->counter.error_ns;
	for (size_t i = 0; i < m->line_count; i++)
		error_ns = fmax(error_ns, m->lines[i].clock.error_ns);
	return error_ns;
}

/* --- the counter */

/* By the counter, is the first of these not behind the second one? Where one is not known, it may be anywhere. */
static bool can_follow(const struct match *m, int64_t host_ns, int64_t guest_ns)
{
	return host_ns == SIDE_UNKNOWN || guest_ns == SIDE_UNKNOWN ||
	       (double)host_ns <= counter_clock_host_ns(&m->counter, guest_ns) + m->counter.error_ns;
}

static bool can_precede(const struct match *m, int64_t guest_ns, int64_t host_ns)
{
	return host_ns == SIDE_UNKNOWN || guest_ns == SIDE_UNKNOWN ||
	       counter_clock_host_ns(&m->counter, guest_ns) <= (double)host_ns + m->counter.error_ns;
}

/* Is what the counter says possible, given that the two are the same? The guest may have stood still in between. */
static bool agrees(const struct match *m, const struct side_item *guest)
{
	const struct side_item *host = &m->host->items[guest->partner];
	int64_t end_ns = guest->end_ns != SIDE_UNKNOWN ? guest->end_ns : guest->begin_ns;

	if (guest->what == SIDE_CALL)
		return can_precede(m, guest->begin_ns, host->end_ns) && can_follow(m, host->end_ns, guest->end_ns);
	return can_follow(m, host->begin_ns, guest->begin_ns) && can_precede(m, end_ns, host->end_ns);
}

/* Signals are not sure to be the same. */
static void check_counter(struct match *m)
{
	for (size_t i = 0; i < m->guest->count && m->counter_lack == COUNTER_THERE; i++) {
		const struct side_item *item = &m->guest->items[i];

		if (item->partner == SIDE_NOTHING || item->what == SIDE_SIGNAL)
			continue;
		if (agrees(m, item))
			m->counter_agrees++;
		else
			m->counter_contradicts++;
	}
	m->by_counter = m->counter_agrees >= MATCH_LEAST && !m->counter_contradicts && m->counter.error_ns < match_error_ns(m);
}

/* --- counts */

static void count_guest(struct match *m)
{
	for (size_t i = 0; i < m->guest->count; i++) {
		const struct side_item *item = &m->guest->items[i];
		double host_ns = match_host_ns(m, side_item_ns(item));

		if (item->partner != SIDE_NOTHING)
			m->counts.joined[item->what]++;
		else if (host_ns >= 0 && host_ns <= (double)m->host->length_ns)
			m->counts.guest_only[item->what]++;
	}
}

/* On the host's clock a line ends as far behind its last bound as the offset says. */
static bool while_guest_recorded(const struct match *m, int64_t host_ns)
{
	return (double)host_ns >= match_host_ns(m, 0) && (double)host_ns <= match_host_ns(m, m->guest->length_ns);
}

static void count_host(struct match *m)
{
	for (size_t i = 0; i < m->host->count; i++) {
		const struct side_item *item = &m->host->items[i];

		if (item->partner == SIDE_NOTHING && while_guest_recorded(m, side_item_ns(item)))
			m->counts.host_only[item->what]++;
	}
}

/* What is in none of the lines is not joined after all. */
static void part_outside(struct matching *g)
{
	for (size_t i = 0; i < g->guest->count; i++) {
		int64_t time_ns = side_item_ns(&g->guest->items[i]);
		const struct clock_line *clock = &match_line_at(g->m, time_ns)->clock;

		if (time_ns < clock->from_ns || time_ns > clock->to_ns)
			part(g, i, i + 1);
	}
}

/* What the lines rest on. */
static void count_lines(struct match *m)
{
	for (size_t i = 0; i < m->guest->count; i++) {
		const struct side_item *item = &m->guest->items[i];
		struct match_line *line = (struct match_line *)match_line_at(m, side_item_ns(item));

		if (item->partner == SIDE_NOTHING)
			continue;
		line->handlers += item->what == SIDE_HANDLER;
		line->calls += item->what == SIDE_CALL;
	}
}

static bool is_thin(const struct match_line *line)
{
	return line->handlers + line->calls < MATCH_LEAST;
}

/* So little is joined by chance where a clock has jumped. */
static void drop_thin_lines(struct matching *g)
{
	struct match *m = g->m;
	size_t kept = 0;

	for (size_t i = 0; i < g->guest->count; i++)
		if (is_thin(match_line_at(m, side_item_ns(&g->guest->items[i]))))
			part(g, i, i + 1);
	for (size_t i = 0; i < m->line_count; i++)
		if (!is_thin(&m->lines[i]))
			m->lines[kept++] = m->lines[i];
	m->line_count = kept;
}

/* Chance joins a few of anything; of what is the same, most. */
static bool is_too_little(const struct match_counts *c)
{
	uint64_t joined = c->joined[SIDE_HANDLER] + c->joined[SIDE_CALL];

	return joined < MATCH_LEAST || joined < c->guest_only[SIDE_HANDLER] + c->guest_only[SIDE_CALL];
}

static enum match_result conclude(struct matching *g)
{
	part_outside(g);
	count_lines(g->m);
	drop_thin_lines(g);
	if (!g->m->line_count)
		return MATCH_UNRELATED;
	check_counter(g->m);
	count_guest(g->m);
	count_host(g->m);
	return is_too_little(&g->m->counts) ? MATCH_UNRELATED : MATCH_DONE;
}

enum match_result match_sides(struct match *m, struct side *guest, struct side *host)
{
	struct matching g = { .m = m, .guest = guest, .host = host };
	enum match_result result;

	*m = (struct match){ .guest = guest, .host = host };
	m->counter_lack = counter_clock_make(&m->counter, &guest->counter, &host->counter);
	result = find_partners(&g);
	if (result == MATCH_DONE)
		result = find_lines(&g);
	if (result == MATCH_DONE)
		result = conclude(&g);
	free(g.cursors);
	idmap_release(&g.by_list);
	return result;
}
