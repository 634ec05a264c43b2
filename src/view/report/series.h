/* SPDX-License-Identifier: GPL-2.0-only */
/* What `diff` says of a series of builds: one result, three forms of it, and the words that they share. */
#ifndef VIEW_REPORT_SERIES_H
#define VIEW_REPORT_SERIES_H

#include "diff/series.h"
#include "view/report/diff.h"

struct series_report {
	const struct diff_side *builds;	/* in their order */
	const struct series *series;
	const struct compare_options *options;
	bool entry_joined;	/* as of struct diff */
	bool utf8;
};

/* What has changed and at which step, in one sentence; free() it. NULL: no memory. Hostile texts are not escaped. */
char *series_sentence(const struct series_report *r);

/* As diff_notes(). */
int series_notes(const struct series_report *r, struct diff_notes *notes);

/* 0 or -ENOMEM. Whether out could be written is for the caller to see. */
int series_text(FILE *out, const struct series_report *r);
int series_markdown(FILE *out, const struct series_report *r);
int series_json(FILE *out, const struct series_report *r);

#endif
