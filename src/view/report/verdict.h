/* SPDX-License-Identifier: GPL-2.0-only */
/* What a report says first: the worst, and what was found, most serious first. */
#ifndef VIEW_REPORT_VERDICT_H
#define VIEW_REPORT_VERDICT_H

#include "model/model.h"
#include "model/worst.h"

/* Of all VMs; kind WORST_NONE: nothing is known of any. */
void verdict_worst(struct model_worst *worst, const struct model *m, uint64_t now_ns);

/* "Event", 0 of …, "waited", 501 ms, "for its dispatch". */
struct verdict_words {
	const char *subject, *verb, *end;
};

const struct verdict_words *verdict_words(enum worst_kind kind);	/* NULL for WORST_NONE */

/* The findings by severity, what still holds first, then by time: places in model_findings(). To be freed; NULL: no memory. */
size_t *verdict_order(const struct model *m, size_t *count);

/* "3 findings: 2 drop-burst, 1 refused-calls." Takes buf and its size and returns buf. */
#define VERDICT_SIZE 640
char *verdict_found(char *buf, size_t size, const struct model *m);

#endif
