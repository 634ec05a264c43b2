/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Conditions on rows: "vm=web* p99>500us state=P". Terms stand between blanks and
 * all of them must hold. A term is COLUMN OPERATOR VALUE, where the column is an id or a title of the column table and
 * the operator one of = != < > <= >= ~, or a word that the name or the process id has to match.
 *
 * A value is what a cell can show: times in ns, us, ms, s, m, h and d (us unless said; 4m05s), shares with %, counts with
 * k, M, G and T. = on a name takes * and ?, ~ a regular expression; state=PM wants both bits; blame=masked knows the
 * words of --help. "-" is what is unknown, and nothing else is true of that. A value with blanks stands in double quotes.
 * Case is ignored. Pure.
 */
#ifndef VIEW_FIGURES_FILTER_H
#define VIEW_FIGURES_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "view/figures/columns.h"

#define FILTER_LENGTH_MAX 1023
#define FILTER_TERMS_MAX 32

struct filter;

/* 0 with *filter, which is NULL if text has no terms; -EINVAL: message says where and why; -ENOMEM. */
int filter_new(struct filter **filter, const char *text, char *message, size_t size);
void filter_free(struct filter *filter);	/* NULL is fine */

/* The language by examples, for --help, manual pages and the help on the screen. */
struct filter_example {
	const char *text, *meaning;
};
extern const struct filter_example filter_examples[];
extern const size_t filter_example_count;

/* The row's cell of a column. */
typedef struct cell (*filter_cell_t)(const void *row, const struct column *column);

/* Whether all terms hold; NULL holds always. */
bool filter_match(const struct filter *filter, filter_cell_t cell, const void *row);

#endif
