/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one table of columns. Screen, text, sorting and help all come from it.
 */
#ifndef VIEW_FIGURES_COLUMNS_H
#define VIEW_FIGURES_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/sum.h"

/* What a row stands for. */
enum view_level { LEVEL_EVENT, LEVEL_VCPU, LEVEL_VM };

/*
 * What a row is about. event is NULL for a vCPU of which no event is in use, and where sum is not; then vcpu is NULL
 * for all those of the VM.
 */
struct view_row {
	const struct model_vm *vm;
	const struct model_vcpu *vcpu;
	const struct model_event *event;
	const struct model_sum *sum;
};

/* The time that figures are about. */
struct view_scope {
	uint64_t now_ns;
	uint64_t interval_ns;	/* of the last closed interval */
	bool total;		/* counts since the start instead of rates */
	bool recent;		/* histograms of the last interval instead of those since the start */
	enum view_level level;
};

enum cell_kind {
	CELL_UNKNOWN,		/* shown as "-", sorted last */
	CELL_NUMBER,		/* number */
	CELL_TEXT,		/* string, or letters when that is NULL; number may carry the sort key */
};

struct cell {
	enum cell_kind kind;
	char mark;		/* before the number: the letter of the state that is open so long; 0: none */
	double number;
	const char *string;	/* owned by the model or a constant */
	char letters[12];
};

enum column_unit {
	UNIT_TEXT,
	UNIT_ID,		/* an integer that is never shortened */
	UNIT_COUNT,		/* signals, …: per second as a rate, an integer as a total */
	UNIT_US,		/* the cell has ns, shown in µs */
	UNIT_PERCENT,		/* the cell has 0..1 */
	UNIT_AGE,		/* the cell has ns or a word */
};

struct column {
	const char *id;		/* for --sort and filters */
	char key;		/* of the screen: sorts by it; 0: none */
	const char *title;
	const char *total;	/* title when scope.total; NULL: the same */
	const char *several;	/* title where rows stand for several vCPUs or events; NULL: the same */
	const char *help;
	enum column_unit unit;
	unsigned char width;	/* on the screen */
	unsigned char wide;	/* in text */
	unsigned char rank;	/* the lower, the later it goes when the screen is narrow */
	bool left;		/* aligned; numbers are not */
	bool flexible;		/* takes what room is left on the screen */
	bool fixed;		/* identity: not scrolled sideways */
	bool extra;		/* only where there is room: not on paper */
	bool rare;		/* shown only while some row has a figure other than 0 */
	bool falling;		/* sorted with the largest first */
	struct cell (*get)(const struct view_row *row, const struct view_scope *scope);
	/* For filters: whether a cell can be that word, and whether this one is. NULL: a text can be any, a number none. */
	bool (*takes)(const char *value);
	bool (*is)(const struct cell *cell, const char *value);
	const char *values;	/* for a message: which words a text can be */
};

extern const struct column columns[];
extern const size_t column_count;

const struct column *column_find(const char *id);	/* NULL: none has it */

const char *column_title(const struct column *column, const struct view_scope *scope);

/* cell as text without padding, at most width columns unless it is text or an id. buf of FORMAT_SIZE; returns the text. */
const char *column_format(const struct column *column, const struct cell *cell, const struct view_scope *scope,
			  unsigned int width, char *buf, size_t size);

/* <0, 0, >0 in the column's own direction; unknown cells come last. */
int column_compare(const struct column *column, const struct cell *a, const struct cell *b);

#endif
