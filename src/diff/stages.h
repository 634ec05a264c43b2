/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What two recordings are compared by: one row for each stage that a signal goes through, and for each way to get lost. A new
 * stage is a new row here and in the table of stages.c, and a call in collect.c.
 */
#ifndef DIFF_STAGES_H
#define DIFF_STAGES_H

#include <stdint.h>

#include "model/apf.h"
#include "model/blame.h"

/* The event that tells a guest of page faults (arm64). */
#define STAGES_APF_EVENT 1

enum diff_stage {
	STAGE_dispatch,
#define X(field, help) STAGE_##field,	/* the parts of dispatch, in the order of enum model_blame_part */
	MODEL_BLAMES(X)
#undef X
	STAGE_handler,
	STAGE_total,
	STAGE_coalesce_age,
	STAGE_mask,
	STAGE_initial_mask,
#define X(field, help) STAGE_apf_##field,	/* of page faults, in the order of enum apf_stage */
	APF_STAGES(X)
#undef X
	STAGE_signals,
	STAGE_coalesced,
	STAGE_rejected,
	STAGE_cancelled,
	STAGE_cleared,
	STAGE_refused,
	STAGE_apf_setup,
	STAGE_apf_halted,
	STAGE_apf_untold,
	STAGE_apf_fallback,
	STAGE_COUNT
};

enum stage_kind {
	STAGE_TIME,		/* samples in ns */
	STAGE_RATE,		/* so many a second, more is worse */
	STAGE_LOAD,		/* so many a second, and what guests ask for: neither better nor worse */
};

struct stage {
	const char *name;
	enum stage_kind kind;
	uint64_t follows;	/* bits (1 << enum diff_stage): longer ones of these make this one longer, too */
	const char *help;
};

_Static_assert(STAGE_COUNT <= 64, "stages are bits of follows");

/* Of each enum diff_stage. */
extern const struct stage diff_stages[STAGE_COUNT];

#endif
