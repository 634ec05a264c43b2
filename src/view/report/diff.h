/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `diff` says: one comparison, two forms of it, and the words they share.
 */
#ifndef VIEW_REPORT_DIFF_H
#define VIEW_REPORT_DIFF_H

#include <stdio.h>

#include "diff/compare.h"
#include "recording/recording.h"

struct diff_recording {
	const char *directory;
	struct recording_about about;
	uint64_t from_ns, to_ns;	/* what is compared of it, CLOCK_MONOTONIC */
	uint64_t signals, dispatched, faults, lost;	/* faults: handed to workers */
	bool incomplete;		/* parts of it are missing */
};

struct diff_side {
	const struct diff_recording *recordings;
	size_t count;
};

struct diff {
	struct diff_side base, fresh;
	const struct compare *compare;
	const struct compare_options *options;
	bool entry_joined;	/* only one side has recordings made with --sched: what that shows is left out */
	bool utf8;
};

/* "p99.9", "mean", "rate" */
#define DIFF_STAT_SIZE 24
char *diff_stat_name(char *buf, size_t size, double stat);

/* What has become of it, in one sentence; free() it. NULL: no memory. Hostile texts are not escaped. */
char *diff_sentence(const struct diff *d);

/* What to keep in mind: each a sentence about what makes the two hard to compare. 0 or -ENOMEM. */
struct diff_notes {
	char **texts;
	size_t count;
};
int diff_notes(const struct diff *d, struct diff_notes *notes);
void diff_notes_clear(struct diff_notes *notes);

/* 0 or -ENOMEM. Whether out could be written is for the caller to see. */
int diff_text(FILE *out, const struct diff *d);
int diff_json(FILE *out, const struct diff *d);

#endif
