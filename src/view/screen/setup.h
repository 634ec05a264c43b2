/* SPDX-License-Identifier: GPL-2.0-only */
/* How a user wants the screen: which columns in which order, what it is sorted by, how often it is drawn. */
#ifndef VIEW_SCREEN_SETUP_H
#define VIEW_SCREEN_SETUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "view/figures/columns.h"

#define SETUP_COLUMNS_MAX 48

struct setup_column {
	const struct column *column;
	bool shown;
};

struct setup {
	struct setup_column columns[SETUP_COLUMNS_MAX];	/* column_count, each once, as they stand from left to right */
	bool chosen;			/* by the user; else those are shown that there is room for, in the usual order */
	const struct column *sort;	/* NULL: as usual */
	bool reverse;
	uint64_t delay_ms;		/* 0: as usual */
	bool no_mouse;
};

/* As without one. */
void setup_init(struct setup *setup);

/* From lines NAME = VALUE; text is changed. 0; -EINVAL: message says in which line what is wrong, and setup is as without one. */
int setup_read(struct setup *setup, char *text, char *message, size_t size);

/* As setup_read() reads it. */
void setup_write(const struct setup *setup, FILE *out);

#endif
