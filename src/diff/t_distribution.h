/* SPDX-License-Identifier: GPL-2.0-only */
/* Student's t distribution. Pure. */
#ifndef DIFF_T_DISTRIBUTION_H
#define DIFF_T_DISTRIBUTION_H

/* The probability of values between -t and t. */
double t_distribution_within(double t, unsigned int freedom);

/* The t for which that is `within` (0..1, less than 1). */
double t_distribution_bound(double within, unsigned int freedom);

#endif
