/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A screen of text with looks, made without a terminal: so that it can be kept while the model goes on, scrolled
 * and tested. Lines are cut where they are shown.
 */
#ifndef VIEW_FIGURES_PAGE_H
#define VIEW_FIGURES_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* LOOK_HEAT..: six densities of a map, LOOK_PART..: one for each part of blame. */
enum page_look {
	LOOK_PLAIN, LOOK_HEAD, LOOK_DIM, LOOK_BAD, LOOK_WARN, LOOK_CHOSEN,
	LOOK_HEAT, LOOK_HEAT_LAST = LOOK_HEAT + 5,
	LOOK_PART, LOOK_PART_LAST = LOOK_PART + 6,
	LOOK_COUNT
};

struct page_span {
	unsigned char look;
	char *text;
};

struct page_line {
	struct page_span *spans;
	size_t count;
};

/* All zero is an empty page. */
struct page {
	struct page_line *lines;
	size_t count;
	bool no_memory;		/* something is missing */
};

void page_clear(struct page *page);

/* Starts a line. */
void page_line(struct page *page);

/* Adds to the last line. */
__attribute__((format(printf, 3, 4))) void page_put(struct page *page, enum page_look look, const char *format, ...);

/* A column of 9: a time in us, see format_us(); a dash for 0, which is none. */
void page_put_us(struct page *page, uint64_t ns);

/* count times the same. */
void page_repeat(struct page *page, enum page_look look, const char *text, size_t count);

/* Without looks. */
void page_print(const struct page *page, FILE *out);

#endif
