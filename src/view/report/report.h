/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The report on a recording: one collection of what there is to say, three forms of it.
 */
#ifndef VIEW_REPORT_REPORT_H
#define VIEW_REPORT_REPORT_H

#include <stdio.h>

#include "model/model.h"
#include "model/timeline.h"
#include "record/brief.h"
#include "recording/reader.h"
#include "session/status.h"
#include "view/figures/restore.h"

/* The records of a vCPU around a moment, oldest first. */
struct report_evidence {
	uint32_t vm, instance, vcpu, event;
	uint64_t from_ns, to_ns;	/* the late dispatch, or the finding */
	uint64_t latency_ns;		/* of the dispatch; less than the time in between if its VM stood still */
	const struct record_brief *records;
	size_t count;
	uint64_t left_out;		/* records in between that had no room … */
	size_t gap;			/* … in front of this one; 0: none */
};

/* ns from the record before the one of that index to it; -1: that one is not there, or is a late one that is not before it. */
int64_t report_since_before(const struct report_evidence *e, size_t index);

struct report {
	const struct model *model;		/* fed, ticked and settled; its VMs have names */
	const struct status *status;	/* of its end */
	const struct recording_about *about;
	uint64_t begin_ns, end_ns;		/* what is reported on, CLOCK_MONOTONIC */
	struct reader_span span;		/* the whole recording */
	const struct reader_problem *problems;
	size_t problem_count;
	uint64_t problems_all;
	const struct report_evidence *late;	/* around the worst dispatches, worst first */
	size_t late_count;
	const struct report_evidence *findings;	/* by the index of model_findings(); count 0: none */
	size_t finding_count;
	const struct timeline *timeline;	/* only for HTML, else NULL */
	const struct restore_view *restores;	/* how interrupt controllers were saved and restored; NULL: none was */
	bool utf8;
};

/* Whether it is about less than the whole recording. */
static inline bool report_is_partial(const struct report *report)
{
	return report->begin_ns > report->span.begin_ns || report->end_ns < report->span.end_ns;
}

/* 0 or -ENOMEM. Whether out could be written is for the caller to see. */
int report_brief(FILE *out, const struct report *report);	/* a screenful */
int report_text(FILE *out, const struct report *report);	/* all */
int report_json(FILE *out, const struct report *report);

/* One self-contained page: no network, no script needed to read it. */
int report_html(FILE *out, const struct report *report);

#endif
