/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_SAME_HIST_H
#define TESTS_SAME_HIST_H

#include "model/hist.h"

/* Fails the test unless both tell the same in every way; NULL is the empty one. */
void same_hist(const struct hist *a, const struct hist *b);

#endif
