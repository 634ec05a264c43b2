/* SPDX-License-Identifier: GPL-2.0-only */
/* What `join` shows: two recordings of the same events on one timeline, in three forms. */
#ifndef VIEW_REPORT_JOIN_H
#define VIEW_REPORT_JOIN_H

#include <stdio.h>

#include "recording/recording.h"
#include "sides/waterfall.h"
#include "util/times.h"

struct join_vm {
	uint32_t vm;
	char *name;			/* hostile */
};

struct join_recording {
	const char *directory;
	struct recording_about about;
	struct join_vm *vms;		/* that the guest was there, one after the other; NULL: no memory */
	size_t vm_count;
	struct side side;
};

struct join {
	struct join_recording host, guest;
	struct match match;
	struct waterfall waterfall;
	uint64_t from_ns, to_ns;	/* of the host: events and traces are of this time, clocks and what is joined of all */
	bool is_part;			/* --since or --until was given; else that is all */
	const struct times *times;	/* of the host */
	bool utf8;
};

/* Host's clock less the guest's, CLOCK_MONOTONIC both, where a line begins; and how far the offset jumped from the line before it. */
int64_t join_offset_ns(const struct join *j, const struct match_line *line);
int64_t join_moved_ns(const struct join *j, const struct match_line *line);	/* 0: it is the first one */

/* The same by the counter, if both have it, at a time of the guest since its recording began. */
int64_t join_counter_offset_ns(const struct join *j, int64_t guest_ns);

/* Whether the counter places the guest's times, and why not. */
const char *join_counter_says(const struct match *m);

/* 0 or -ENOMEM. Whether out could be written is for the caller to see. */
int join_text(FILE *out, const struct join *j);
int join_json(FILE *out, const struct join *j);
int join_html(FILE *out, const struct join *j);

#endif
