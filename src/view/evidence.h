/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The records around what a report points at: the worst dispatches and the findings. Chosen from a model that has seen
 * all, collected in a second pass over the same records. Memory does not depend on how many there are.
 */
#ifndef VIEW_EVIDENCE_H
#define VIEW_EVIDENCE_H

#include "report.h"

#define EVIDENCE_LATE 8		/* worst dispatches */
#define EVIDENCE_FINDINGS 64
#define EVIDENCE_RECORDS 24	/* of each */
#define EVIDENCE_BEFORE 4	/* of these, from before the moment it is about */
#define EVIDENCE_AFTER 3	/* and from behind it */
#define EVIDENCE_LAST 8		/* if there are more: the newest of them, those from behind included */

struct evidence;

/* Of what m has seen. NULL: no memory. */
struct evidence *evidence_new(const struct model *m);
void evidence_free(struct evidence *e);		/* NULL is fine */

/* Each record, in order, as big as its kind says. */
void evidence_record(struct evidence *e, const struct sdei_record *record);

/* No record that is later than this can matter. */
uint64_t evidence_until_ns(const struct evidence *e);

/* Fills in report->late and report->findings; they stay the evidence's. */
void evidence_report(struct evidence *e, struct report *report);

#endif
