/* SPDX-License-Identifier: GPL-2.0-only */
/* The words for the numbers in a record: the single list of each. */
#ifndef RECORD_NAMES_H
#define RECORD_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/record.h"

/* The sets of values that have names. */
enum labels {
	LABELS_NONE,
	LABELS_OUTCOME,		/* of SIGNAL: outcome */
	LABELS_SOURCE,		/* of SIGNAL: origin */
	LABELS_HOW,		/* of COMPLETE: outcome */
	LABELS_STATE_REASON,	/* of STATE: origin */
	LABELS_RESET_REASON,	/* of RESET: origin */
	LABELS_PLACE,		/* of PLACE: origin */
	LABELS_APF_STEP,	/* of APF: origin */
	LABELS_APF_SERVER,
	LABELS_APF_TOLD,	/* of APF: outcome, by its step; see record_apf_outcome() */
	LABELS_APF_PRESENT,
	LABELS_APF_FALLBACK,
	LABELS_APF_CAUSE,
	LABELS_GIC_STEP,	/* of GIC: origin */
	LABELS_SMCCC,		/* of SMCCC: outcome */
	LABELS_POWER,		/* of POWER: origin */
	LABELS_COUNTER,		/* of COUNTER: origin */
	LABELS_FUNCTION,	/* of CALL */
	LABELS_KIND,
	LABELS_COUNT
};

struct label {
	const char *name;
	uint32_t value;
};

/* All labels of a set, count of them in *count. */
const struct label *labels_of(enum labels set, size_t *count);

/* The name of a value, "?" if it has none. */
const char *record_name(enum labels set, uint32_t value);

/* Of APF: what the outcome of that step says, "" where it says nothing. */
const char *record_apf_outcome(unsigned int step, unsigned int outcome);

#endif
