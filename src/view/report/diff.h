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

/* "handler of event 7"; "10.1% slower" (HUGE_VAL: "slower than none"); "142.9 us" or "3.2/s" */
void diff_put_stage(FILE *out, struct samples_key key);
void diff_put_change(FILE *out, enum diff_stage stage, double change);
void diff_put_value(FILE *out, enum diff_stage stage, double value);

/* What has become of it, in one sentence; free() it. NULL: no memory. Hostile texts are not escaped. */
char *diff_sentence(const struct diff *d);

/* What to keep in mind: each a sentence about what makes the two hard to compare. 0 or -ENOMEM. */
struct diff_notes {
	char **texts;
	size_t count;
};
int diff_notes(const struct diff *d, struct diff_notes *notes);

/* Notes that are being written. */
struct diff_noting {
	struct diff_notes *notes;
	const struct diff *diff;	/* NULL: of a series */
	bool no_memory;
};
void diff_note(struct diff_noting *n, const char *format, ...) __attribute__((format(printf, 2, 3)));
void diff_note_missing(struct diff_noting *n, const struct diff_side *side);	/* what its recordings miss */
void diff_note_mixture(struct diff_noting *n, const struct diff_side *side, const char *name);	/* they are not of one kind */

/* Whether guests ask for clearly more on one side, a second, which alone can change latencies. */
bool diff_loads_differ(const struct diff_side *one, const struct diff_side *other);

/* Whether a stage has another threshold than all. */
bool diff_has_own_threshold(const struct compare_options *o);

/* By how much something has to be worse, behind "nothing is worse by ". */
void diff_put_threshold(FILE *out, const struct compare_options *o);
void diff_notes_clear(struct diff_notes *notes);

/* Parts of JSON that a series of builds has, too. */
#define DIFF_DIGITS 3		/* behind the point, of ns and 1/s */
#define DIFF_SHARE_DIGITS 6
struct json;
void diff_json_real(struct json *j, const char *key, double value, int decimals);	/* null unless it is finite */
void diff_json_side(struct json *j, const char *key, const struct diff_side *side);
void diff_json_verdict(struct json *j, enum compare_verdict verdict);
int diff_json_words(struct json *j, char *sentence, struct diff_notes *notes);	/* both are freed; -ENOMEM: sentence is NULL */
void diff_json_options(struct json *j, const struct compare_options *o);

/* 0 or -ENOMEM. Whether out could be written is for the caller to see. */
int diff_text(FILE *out, const struct diff *d);
int diff_json(FILE *out, const struct diff *d);

#endif
