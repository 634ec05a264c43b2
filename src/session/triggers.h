/* SPDX-License-Identifier: GPL-2.0-only */
/* What a flight recorder saves for. */
#ifndef SESSION_TRIGGERS_H
#define SESSION_TRIGGERS_H

#include <stdbool.h>
#include <stdint.h>

#include "model/model.h"
#include "session/options.h"

struct triggers {
	uint32_t findings;	/* a bit for each code */
	bool usr2, exit;
};

/* struct triggers: a finding's code, any, warning, error, SIGUSR2, exit; may be given more than once. */
extern const struct option_type option_trigger;

/* Findings of the model that are meant, so far: never less than before. */
uint64_t triggers_count(const struct triggers *on, const struct model *m);

/* A word for the newest one that is meant. */
const char *triggers_reason(const struct triggers *on, const struct model *m);

/*
 * What its VM is called, or its process id as text, in id; "unknown": so many others came since that the model does not have it any
 * more. Valid as long as the VM is known.
 */
const char *triggers_guest(const struct triggers *on, const struct model *m, char id[16]);

#endif
