// SPDX-License-Identifier: GPL-2.0-only
#include "diff/permutation.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define DRAWS 4999		/* random exchanges, besides what is */
#define SEED 0x9e3779b97f4a7c15ULL
#define T_MAX 1e9		/* a difference without any scatter */
#define LIKENESS_MAX 0.9
#define ALIKE 1e-9		/* relative: less of a difference is rounding */
#define ROUNDING 1e-14		/* relative, of sums of squares */

/* --- one test, one way to divide the units */

struct sums {
	double y, n, yy, yn, nn;
	size_t units;
};

static void add_unit(struct sums *s, double y, double n)
{
	s->y += y;
	s->n += n;
	s->yy += y * y;
	s->yn += y * n;
	s->nn += n * n;
	s->units++;
}

static struct sums difference(const struct sums *all, const struct sums *part)
{
	return (struct sums){
		.y = all->y - part->y, .n = all->n - part->n, .yy = all->yy - part->yy, .yn = all->yn - part->yn,
		.nn = all->nn - part->nn, .units = all->units - part->units,
	};
}

static double ratio_of(const struct sums *s)
{
	return s->n > 0 ? s->y / s->n : 0;
}

/* Of the ratio, from the scatter of what each unit differs from it. */
static double variance_of(const struct sums *s)
{
	double ratio = ratio_of(s), rest = s->yy - 2 * ratio * s->yn + ratio * ratio * s->nn;

	if (s->units < 2 || s->n <= 0)
		return HUGE_VAL;
	/* Cancellation leaves some of the digits of yy. */
	if (rest < s->yy * ROUNDING)
		rest = 0;
	return rest / (s->n * s->n) * s->units / (s->units - 1);
}

static double t_of(const struct sums *base, const struct sums *fresh)
{
	double from = ratio_of(base), to = ratio_of(fresh), error = sqrt(variance_of(base) + variance_of(fresh));

	if (base->n <= 0 || fresh->n <= 0 || fabs(to - from) <= ALIKE * (fabs(from) + fabs(to)))
		return 0;
	if (fabs(to - from) >= T_MAX * error)
		return to > from ? T_MAX : -T_MAX;
	return (to - from) / error;
}

static struct sums sums_of(const struct permutation_test *test, size_t from, size_t to)
{
	struct sums s = { 0 };

	for (size_t i = from; i < to; i++)
		add_unit(&s, test->y[i], test->n[i]);
	return s;
}

struct permutation_ratio permutation_ratio(const struct permutation_test *test, size_t from, size_t to)
{
	struct sums s = sums_of(test, from, to);

	return (struct permutation_ratio){ .ratio = ratio_of(&s), .error = sqrt(variance_of(&s)) };
}

/* --- ways to divide: the numbers of the units that are called new */

struct ways {
	size_t count, size;	/* of each */
	uint32_t *units;
};

static double combinations(size_t of, size_t size)
{
	double count = 1;

	for (size_t i = 1; i <= size && count <= 1e12; i++)
		count *= (double)(of - size + i) / i;
	return round(count);
}

double permutation_least_p(size_t base, size_t fresh)
{
	double ways = combinations(base + fresh, fresh);

	if (ways > DRAWS)
		return 1.0 / (DRAWS + 1);
	/* With equal groups, those that change places give the same difference. */
	return (base == fresh ? 2 : 1) / ways;
}

/* The next combination in lexical order. */
static void next_way(uint32_t *way, size_t size, size_t units)
{
	size_t i = size;

	while (i > 0 && way[i - 1] == units - size + i - 1)
		i--;
	if (!i)
		return;
	way[i - 1]++;
	for (; i < size; i++)
		way[i] = way[i - 1] + 1;
}

static void all_ways(struct ways *ways, size_t units)
{
	for (size_t i = 0; i < ways->size; i++)
		ways->units[i] = i;
	for (size_t i = 1; i < ways->count; i++) {
		uint32_t *way = &ways->units[i * ways->size];

		for (size_t k = 0; k < ways->size; k++)
			way[k] = (way - ways->size)[k];
		next_way(way, ways->size, units);
	}
}

/* xorshift64* */
uint64_t permutation_draw(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

/* The first ones of a shuffle each; the first way is what is. */
static int random_ways(struct ways *ways, size_t units, size_t base)
{
	uint32_t *deck = calloc(units, sizeof(*deck));
	uint64_t state = SEED;

	if (!deck)
		return -ENOMEM;
	for (size_t i = 0; i < units; i++)
		deck[i] = i;
	for (size_t k = 0; k < ways->size; k++)
		ways->units[k] = base + k;
	for (size_t i = 1; i < ways->count; i++) {
		for (size_t k = 0; k < ways->size; k++) {
			size_t other = k + (permutation_draw(&state) >> 11) % (units - k);
			uint32_t unit = deck[other];

			deck[other] = deck[k];
			ways->units[i * ways->size + k] = deck[k] = unit;
		}
	}
	free(deck);
	return 0;
}

static int make_ways(struct ways *ways, const struct permutation *x)
{
	double count = combinations(x->units, x->units - x->base);

	ways->size = x->units - x->base;
	ways->count = count > DRAWS ? DRAWS + 1 : count;
	ways->units = calloc(ways->count * ways->size, sizeof(*ways->units));
	if (!ways->units)
		return -ENOMEM;
	if (count > DRAWS)
		return random_ways(ways, x->units, x->base);
	all_ways(ways, x->units);
	return 0;
}

/* --- all tests */

static double t_of_way(const struct permutation_test *test, const struct sums *all, const uint32_t *way, size_t size)
{
	struct sums fresh = { 0 }, base;

	for (size_t i = 0; i < size; i++)
		add_unit(&fresh, test->y[way[i]], test->n[way[i]]);
	base = difference(all, &fresh);
	return t_of(&base, &fresh);
}

static int by_t(const void *a, const void *b)
{
	const struct permutation_test *const *left = a, *const *right = b;
	double x = fabs((*left)->t), y = fabs((*right)->t);

	return (x > y) - (x < y);
}

/* How often chance does as much in this test or in those before; greatest holds that of each way so far. */
static double adjusted_p(const struct permutation *x, const struct permutation_test *test, const struct ways *ways, double *greatest)
{
	struct sums all = sums_of(test, 0, x->units);
	size_t as_large = 0;

	for (size_t i = 0; i < ways->count; i++) {
		double t = fabs(t_of_way(test, &all, &ways->units[i * ways->size], ways->size));

		if (t > greatest[i])
			greatest[i] = t;
		as_large += greatest[i] >= fabs(test->t) * (1 - ALIKE);
	}
	return (double)as_large / ways->count;
}

/* From the least significant one on; a less significant one never has the smaller p. */
static void judge(const struct permutation *x, struct permutation_test **order, const struct ways *ways, double *greatest)
{
	double least = 0;

	for (size_t i = 0; i < x->count; i++)
		order[i]->p = adjusted_p(x, order[i], ways, greatest);
	for (size_t i = x->count; i-- > 0;) {
		if (order[i]->p < least)
			order[i]->p = least;
		least = order[i]->p;
	}
}

double permutation_excess(double likeness)
{
	double r = likeness < LIKENESS_MAX ? likeness : LIKENESS_MAX;

	return r > 0 ? sqrt((1 + r) / (1 - r)) : 1;
}

static void set_t(const struct permutation *x)
{
	for (size_t i = 0; i < x->count; i++) {
		struct permutation_test *test = &x->tests[i];
		struct sums base = sums_of(test, 0, x->base), fresh = sums_of(test, x->base, x->units);

		test->t = t_of(&base, &fresh);
		if (fabs(test->t) < T_MAX)
			test->t /= permutation_excess(test->likeness);
	}
}

int permutation_run(struct permutation *x)
{
	struct permutation_test **order = calloc(x->count + 1, sizeof(*order));
	struct ways ways = { 0 };
	double *greatest = NULL;
	int err = order ? make_ways(&ways, x) : -ENOMEM;

	if (err)
		goto out;
	greatest = calloc(ways.count, sizeof(*greatest));
	if (!greatest) {
		err = -ENOMEM;
		goto out;
	}
	set_t(x);
	for (size_t i = 0; i < x->count; i++)
		order[i] = &x->tests[i];
	qsort(order, x->count, sizeof(*order), by_t);
	judge(x, order, &ways, greatest);
out:
	free(greatest);
	free(ways.units);
	free(order);
	return err;
}
