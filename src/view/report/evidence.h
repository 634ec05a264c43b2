/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The records around what a report points at: the worst dispatches and the findings. Chosen from a model that has seen
 * all, collected in a second pass over those of the same records that are near them, and in further ones, each looking further back,
 * while any still lacks what was before it. Memory does not depend on how many there are.
 *
 *	do {
 *		each record, in order, up to evidence_until_ns(), but for stretches that evidence_wants() refuses
 *	} while (evidence_look_back());
 */
#ifndef VIEW_REPORT_EVIDENCE_H
#define VIEW_REPORT_EVIDENCE_H

#include "view/report/report.h"

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

/* Each record, in order, as big as its kind says. Those of threads and of EVENT_CONTEXT's values are left out. */
void evidence_record(struct evidence *e, const struct sdei_record *record);

/*
 * Whether the stretch of records with these times is to be given. If not it must be left out, and the next one that is given or asked
 * about comes after it.
 */
bool evidence_wants(struct evidence *e, uint64_t begin_ns, uint64_t end_ns);

/* At the end of a pass: whether another one is needed. */
bool evidence_look_back(struct evidence *e);

/* No record that is later than this can matter. */
uint64_t evidence_until_ns(const struct evidence *e);

/* Fills in report->late and report->findings; they stay the evidence's. */
void evidence_report(struct evidence *e, struct report *report);

#endif
