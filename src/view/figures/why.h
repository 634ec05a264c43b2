/* SPDX-License-Identifier: GPL-2.0-only */
/* Blame and findings in words, the same ones on the screen and on paper. All take buf and its size and return buf. */
#ifndef VIEW_FIGURES_WHY_H
#define VIEW_FIGURES_WHY_H

#include <stddef.h>

#include "model/model.h"

#define WHY_SIZE 160	/* enough for each of them */

/* "masked", "in guest", … */
const char *why_part(unsigned int part);

/*
 * The part that text names, in full or by its first letters, or as help and cells do ("off CPU", "msk", "msk 93%"). Case is
 * ignored. BLAME_COUNT: none.
 */
unsigned int why_find_part(const char *text);

/* Of all the time, that of one part; 0 where there is none. */
double why_share(const struct model_blame *blame, unsigned int part);

/* What refused a signal: an enum model_reject as "ENOENT", … */
const char *why_reject(unsigned int reject);

/* "blk 93%": the main part; "" where there is nothing to blame. */
char *why_short(char *buf, size_t size, const struct model_blame *blame);

/* "93% blocked by event 1, 7% entry". */
char *why_late(char *buf, size_t size, const struct model_late *late);

/* "VM 4312 db vCPU 0 event 1". */
char *why_where(char *buf, size_t size, const struct model_finding *finding, const char *name);

/* The VM, if it is still there. */
const struct model_vm *why_vm_of(const struct model *m, uint32_t pid, uint32_t instance);
const struct model_vm *why_vm(const struct model *m, const struct model_finding *finding);

/* How many findings there are, those without room in model_findings() too, and how many of them hold now. */
struct finding_counts {
	uint64_t all, open;
};

struct finding_counts why_count(const struct model *m);

/* "3 findings, 1 open"; "1 finding open", if all are; "3 findings", if none is; "" where there is none. */
char *why_counts(char *buf, size_t size, const struct finding_counts *counts);

#endif
