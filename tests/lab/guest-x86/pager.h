/* SPDX-License-Identifier: GPL-2.0-only */
/* Brings the pages of a VM that are asked for, each after its time, by userfaultfd. Who asks is userfaultfd, or userfault.h. */
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

/* How the VMM was told that a page is missing. */
enum told_by {
	TOLD_BY_UFFD,		/* a worker, or the vCPU itself, waits for it */
	TOLD_BY_EXIT,
	TOLD_BY_EXIT_SYNC,	/* and brought it before the vCPU ran again */
	TOLD_BY_RING,
};

/* One page brought; CLOCK_MONOTONIC ns, 0 where there was no such call. */
struct serving {
	uint64_t gfn;
	enum told_by told_by;
	unsigned int vcpu;		/* unless it was userfaultfd */
	uint64_t asked;			/* the request was read */
	uint64_t accepting, accepted;	/* around accepting the fault: TOLD_BY_EXIT */
	uint64_t before, after;		/* around bringing it */
	uint64_t saying, said;		/* around telling KVM that it is there: TOLD_BY_EXIT, TOLD_BY_RING */
};

struct pager;

/* For size bytes at memory, the first of which is page first_gfn of the guest. NULL: having complained. */
struct pager *pager_start(void *memory, size_t size, uint64_t first_gfn, const struct delay *delay);

/* Tells whoever asks by pager_ask() that a page is there, in the pager's thread: ready() fills in when. Before it is asked. */
void pager_tell(struct pager *pager, void (*ready)(void *context, struct serving *serving), void *context);
void pager_ask(struct pager *pager, const struct serving *serving);	/* for the page of serving->gfn, which takes its time */
void pager_bring(struct pager *pager, struct serving *serving);		/* at once */

void pager_stop(struct pager *pager);	/* what is asked for now is not answered any more */
const struct serving *pager_servings(const struct pager *pager, size_t *count, uint64_t *total);	/* count: kept */
void pager_free(struct pager *pager);
#endif
