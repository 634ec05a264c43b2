/* SPDX-License-Identifier: GPL-2.0-only */
/* Tables on paper: all columns, a header with each, times in µs. */
#ifndef VIEW_FIGURES_TEXT_H
#define VIEW_FIGURES_TEXT_H

#include <stdio.h>

#include "model/model.h"
#include "session/status.h"
#include "view/figures/table.h"

/* The last closed interval, rates per second. 0 or -ENOMEM. */
int text_interval(FILE *out, const struct model *m, const struct status *status, const struct table_options *options);

/* In place of all intervals of a stretch of length_ns that ends now, in which nothing was recorded. */
void text_stretch(FILE *out, const struct status *status, uint64_t length_ns);

/* Everything since the start, what is gone too. 0 or -ENOMEM. */
int text_summary(FILE *out, const struct model *m, const struct status *status, const struct table_options *options);

/* id, title and meaning of every column, for --help. */
void text_column_help(FILE *out);

/* The conditions of filters by examples, for --help. */
void text_filter_help(FILE *out);

#endif
