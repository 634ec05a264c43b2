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

/*
 * The table of text_summary(), of the columns with these ids only (the last one is NULL) and so many rows at most; page faults in
 * its place, or below it, where there were any. 0 or -ENOMEM.
 */
int text_table(FILE *out, const struct model *m, const struct status *status, const struct table_options *options,
	       const char *const ids[], size_t most);

/* A line for each reason not to trust all figures; nothing where there is none. */
void text_quality(FILE *out, const struct model *m, const struct status *status);

/* id, title and meaning of every column, for --help. */
void text_column_help(FILE *out);

/* The conditions of filters by examples, for --help. */
void text_filter_help(FILE *out);

#endif
