/* SPDX-License-Identifier: GPL-2.0-only */
/* What the brief and the whole text have in common. */
#ifndef VIEW_REPORT_REPORT_TEXT_INSIDE_H
#define VIEW_REPORT_REPORT_TEXT_INSIDE_H

#include "view/report/report.h"

/* What was recorded, where and when. */
void report_text_head(FILE *out, const struct report *report);

/* What is missing of it, so many lines at most. */
void report_text_problems(FILE *out, const struct report *report, size_t most);

/* Records, so many at most: how it began and how it ended. */
void report_text_evidence(FILE *out, const struct report_evidence *e, size_t most);

#endif
