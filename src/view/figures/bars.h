/* SPDX-License-Identifier: GPL-2.0-only */
/* Pictures of figures in one line each, in UTF-8 or ASCII. */
#ifndef VIEW_FIGURES_BARS_H
#define VIEW_FIGURES_BARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/hist.h"

#define BARS_MAX 64	/* steps in one picture */

/*
 * Values in steps that grow with them: per_octave 4, 2 or 1 of them for each power of two, or one for -per_octave powers.
 */
unsigned int bars_step(uint64_t value, int per_octave);
uint64_t bars_step_min(unsigned int step, int per_octave);	/* the least value of a step */

/* The finest per_octave with which low..high takes at most max steps. */
int bars_fit(uint64_t low, uint64_t high, unsigned int max);

/* Adds the samples to counts of count steps from first on; those that are beyond them to the first or last. */
void bars_count(const struct hist *h, int per_octave, unsigned int first, uint64_t *counts, size_t count);

/* Buckets merged into at most max steps (and BARS_MAX) between the smallest and the largest sample, lowest first. How many. */
size_t bars_merge(const struct hist *h, struct hist_bucket *rows, size_t max);

/* share (0..1) of width columns; what is not nothing shows. buf of 3 * width + 1. */
char *bars_bar(char *buf, double share, unsigned int width, bool utf8);

/* One character per step, as high as there are samples. buf of 3 * width + 1. */
char *bars_line(char *buf, const struct hist *h, unsigned int width, bool utf8);

/* One character per value, as high as it is of the largest; what is not nothing shows. buf of 3 * count + 1. */
char *bars_values(char *buf, const uint64_t *values, size_t count, bool utf8);

/* Splits width columns by shares of count values; what is not 0 gets one at least where width allows it. */
void bars_split(const uint64_t *values, size_t count, unsigned int width, unsigned int *cells);

#endif
