/* SPDX-License-Identifier: GPL-2.0-only */
/* Brings the pages of a VM that are asked for, each after its time, by userfaultfd. */
#ifndef APF_GUEST_PAGER_H
#define APF_GUEST_PAGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How long a page takes. */
struct delay {
	enum { DELAY_FIXED, DELAY_BIMODAL, DELAY_TAIL } kind;
	uint64_t low_ns, high_ns;
	uint64_t percent;	/* BIMODAL: how many take high_ns */
};

/* fixed:TIME, bimodal:TIME,TIME,PERCENT or tail:TIME,TIME (each doubling is half as likely); units us, ms, s. */
bool delay_parse(struct delay *delay, const char *text);

/* One page brought; CLOCK_MONOTONIC ns. */
struct serving {
	uint64_t gfn;
	uint64_t asked;		/* the request was read */
	uint64_t before, after;	/* around bringing it */
};

struct pager;

/* For size bytes at memory, the first of which is page first_gfn of the guest. NULL: having complained. */
struct pager *pager_start(void *memory, size_t size, uint64_t first_gfn, const struct delay *delay);
void pager_stop(struct pager *pager);	/* what is asked for now is not answered any more */
const struct serving *pager_servings(const struct pager *pager, size_t *count, uint64_t *total);	/* count: kept */
void pager_free(struct pager *pager);
#endif
