// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lines between two sets of points, as O'Rourke finds them ("An on-line algorithm for fitting straight lines between data ranges",
 * 1981): of all lines that go between the points so far, the highest and the lowest one at the newest of them are kept. A point
 * that is beyond these ends the line.
 *
 * What holds for lower bounds holds for upper ones with all offsets negated: so there are two sets of lower bounds, of the offset and
 * of its negative, and for each set the line that is lowest in it.
 */
#include "sides/clock_fit.h"

#include <math.h>
#include <stdlib.h>

struct point {
	int64_t at, least;
};

struct extreme {
	bool known;
	struct point through;
	double slope;
};

/* The bounds of one sign. */
struct set {
	struct point *hull;	/* the upper one: no line that is above these is below any other */
	size_t count;
	struct extreme lowest;	/* of all lines between the sets, at the newest point and after it; in this set's sign */
};

struct sets {
	struct set of[2];
};

static __int128 cross(struct point a, struct point b, struct point c)
{
	return (__int128)(b.at - a.at) * (c.least - a.least) - (__int128)(b.least - a.least) * (c.at - a.at);
}

static double value_at(const struct extreme *line, int64_t at)
{
	return (double)line->through.least + line->slope * (double)(at - line->through.at);
}

static void add_to_hull(struct set *set, struct point p)
{
	if (set->count && set->hull[set->count - 1].at == p.at) {
		if (set->hull[set->count - 1].least >= p.least)
			return;
		set->count--;
	}
	while (set->count > 1 && cross(set->hull[set->count - 2], set->hull[set->count - 1], p) >= 0)
		set->count--;
	set->hull[set->count++] = p;
}

/* The point of the hull that a line through p, which is above and behind all of it, touches. */
static struct point touched_from(const struct set *set, struct point p)
{
	size_t low = 0, high = set->count - 1;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (cross(set->hull[middle], set->hull[middle + 1], p) >= 0)
			high = middle;
		else
			low = middle + 1;
	}
	return set->hull[low];
}

/* The least slope of a line that goes through p and below all bounds of the other set. */
static double least_slope(const struct set *other, struct point p)
{
	const struct point mirrored = { p.at, -p.least };
	struct point touched;
	double slope;

	if (!other->count)
		return -CLOCK_SLOPE_MAX;
	touched = touched_from(other, mirrored);
	if (touched.at == p.at)
		return -CLOCK_SLOPE_MAX;
	slope = (double)(p.least + touched.least) / (double)(p.at - touched.at);
	return slope > -CLOCK_SLOPE_MAX ? slope : -CLOCK_SLOPE_MAX;
}

/* False: no line between the points so far goes above p. */
static bool take(struct sets *sets, bool negative, struct point p)
{
	struct set *own = &sets->of[negative];
	const struct set *other = &sets->of[!negative];

	if (other->lowest.known && (double)-p.least < value_at(&other->lowest, p.at))
		return false;
	if (!own->lowest.known || (double)p.least > value_at(&own->lowest, p.at))
		own->lowest = (struct extreme){ .known = true, .through = p, .slope = least_slope(other, p) };
	add_to_hull(own, p);
	return true;
}

static struct point point_of(const struct clock_bound *b, int direction)
{
	return (struct point){ direction * b->at_ns, b->upper ? -b->offset_ns : b->offset_ns };
}

static bool start(struct sets *sets, size_t count)
{
	*sets = (struct sets){ 0 };
	sets->of[0].hull = calloc(count, sizeof(struct point));
	sets->of[1].hull = calloc(count, sizeof(struct point));
	return sets->of[0].hull && sets->of[1].hull;
}

static void end(struct sets *sets)
{
	free(sets->of[0].hull);
	free(sets->of[1].hull);
}

static size_t take_forwards(struct sets *sets, const struct clock_bound *bounds, size_t count)
{
	size_t taken = 0;

	while (taken < count && take(sets, bounds[taken].upper, point_of(&bounds[taken], 1)))
		taken++;
	return taken;
}

/* What goes between them forwards does so backwards. */
static void take_backwards(struct sets *sets, const struct clock_bound *bounds, size_t count)
{
	sets->of[0].count = sets->of[1].count = 0;
	sets->of[0].lowest.known = sets->of[1].lowest.known = false;
	while (count--)
		take(sets, bounds[count].upper, point_of(&bounds[count], -1));
}

/* The lowest and the highest line at one end, over time as it is. */
struct ends {
	struct extreme low, high;
};

static struct extreme as_line(const struct extreme *line, int direction, int sign)
{
	return (struct extreme){
		.known = line->known, .through = { direction * line->through.at, sign * line->through.least },
		.slope = direction * sign * line->slope,
	};
}

static struct ends ends_of(const struct sets *sets, int direction)
{
	return (struct ends){ as_line(&sets->of[0].lowest, direction, 1), as_line(&sets->of[1].lowest, direction, -1) };
}

/* How far line is at most from where it may be, at an end. */
static double error_at(const struct clock_line *line, int64_t at, const struct ends *ends)
{
	double offset = clock_line_offset_ns(line, at);

	return fmax(value_at(&ends->high, at) - offset, offset - value_at(&ends->low, at));
}

/*
 * All four lines keep all bounds, so their mean does. The highest of all lines at a moment is no higher than the chord between the
 * highest ones at both ends: so the mean is nowhere further off than at one of these.
 */
static void set_line(struct clock_line *line, const struct ends *first, const struct ends *last)
{
	const struct extreme *all[] = { &first->low, &first->high, &last->low, &last->high };

	line->error_ns = INFINITY;
	line->offset_ns = line->slope = 0;
	for (int i = 0; i < 4; i++) {
		if (!all[i]->known)
			return;
		line->offset_ns += value_at(all[i], line->from_ns) / 4;
		line->slope += all[i]->slope / 4;
	}
	line->error_ns = fmax(fmax(error_at(line, line->from_ns, first), error_at(line, line->to_ns, last)), 0);
}

size_t clock_fit(const struct clock_bound *bounds, size_t count, struct clock_line *line)
{
	struct sets sets;
	struct ends first, last;
	size_t taken = 0;

	if (count && start(&sets, count)) {
		taken = take_forwards(&sets, bounds, count);
		last = ends_of(&sets, 1);
		take_backwards(&sets, bounds, taken);
		first = ends_of(&sets, -1);
		line->from_ns = bounds[0].at_ns;
		line->to_ns = bounds[taken - 1].at_ns;
		set_line(line, &first, &last);
	}
	if (count)
		end(&sets);
	return taken;
}

double clock_line_offset_ns(const struct clock_line *line, int64_t at_ns)
{
	return line->offset_ns + line->slope * (double)(at_ns - line->from_ns);
}
