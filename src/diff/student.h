/* SPDX-License-Identifier: GPL-2.0-only */
/* Student's t distribution. Pure. */
#ifndef DIFF_STUDENT_H
#define DIFF_STUDENT_H

/* The probability of values between -t and t. */
double student_within(double t, unsigned int freedom);

/* The t for which that is `within` (0..1, less than 1). */
double student_bound(double within, unsigned int freedom);

#endif
