/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory whose pages come late: a thread serves each some time after it was asked for, in order, by userfaultfd. */
#ifndef SDEI_GUEST_PAGER_H
#define SDEI_GUEST_PAGER_H

#include <stdbool.h>
#include <stdint.h>

struct pager;

/* How the pages' delays are distributed around what is asked for; a page's is the same in each run. */
enum pager_shape {
	PAGER_FIXED,
	PAGER_BIMODAL,		/* three of four a quarter of it, the fourth four times as long */
	PAGER_TAIL,		/* one of 16 ten times, one of 256 fifty times as long */
};

struct pager_options {
	uint32_t pages;
	uint32_t hold;		/* requests that must have come before the first page does */
	uint64_t delay_us;
	enum pager_shape shape;
	bool urgent;		/* on CPU 0, before everything else there */
};

struct pager_counts {
	uint64_t requests;	/* also by several who want the same page */
	uint64_t served;	/* pages */
};

/* The first word of a page is its number. NULL after a complaint. */
/* Its name's; -1: it has none. */
int pager_shape(const char *name);
/* Writes what the first word of each page of `memory` is. */
void pager_fill(void *memory, uint32_t pages);
struct pager *pager_new(const struct pager_options *options);
void pager_free(struct pager *pager);		/* serves to the end whoever still waits; NULL is fine */
void *pager_memory(struct pager *pager);
uint64_t pager_delay_ns(const struct pager *pager, uint32_t page);	/* from its request */
struct pager_counts pager_counts(struct pager *pager);	/* once nobody asks any more */
#endif
