// SPDX-License-Identifier: GPL-2.0-only
/*
 * With whole degrees of freedom the distribution is a finite sum over powers of the cosine of atan(t / sqrt(freedom)):
 * Abramowitz and Stegun, 26.7.3 and 26.7.4.
 */
#include "diff/t_distribution.h"

#include <math.h>

#define STEPS 200	/* of bisection: more than a double has bits */

/* 1 + first / (first + 1) c^2 + first (first + 2) / ((first + 1) (first + 3)) c^4 + …, with so many terms. */
static double series(double cosine, unsigned int first, unsigned int terms)
{
	double term = 1, sum = 0;

	for (unsigned int i = 0; i < terms; i++) {
		sum += term;
		term *= cosine * cosine * (first + 2 * i) / (first + 2 * i + 1);
	}
	return sum;
}

double t_distribution_within(double t, unsigned int freedom)
{
	double angle = atan(t / sqrt(freedom));

	if (freedom % 2 == 0)
		return sin(angle) * series(cos(angle), 1, freedom / 2);
	return 2 / M_PI * (angle + sin(angle) * cos(angle) * series(cos(angle), 2, freedom / 2));
}

double t_distribution_bound(double within, unsigned int freedom)
{
	double low = 0, high = 1;

	while (t_distribution_within(high, freedom) < within && high < 1e12)
		high *= 2;
	for (unsigned int i = 0; i < STEPS; i++) {
		double middle = (low + high) / 2;

		if (t_distribution_within(middle, freedom) < within)
			low = middle;
		else
			high = middle;
	}
	return high;
}
