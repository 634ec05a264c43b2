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

/* Whether findings of that code are meant. */
bool triggers_mean(const struct triggers *on, enum model_finding_code code);

/* Findings of the model that are meant, so far: never less than before. */
uint64_t triggers_count(const struct triggers *on, const struct model *m);

/*
 * The newest count findings that are meant (among others), in *first, oldest first; returns how many. Fewer than count are meant if so
 * many came that the model does not have all of them. Valid as model_findings().
 */
size_t triggers_newest(const struct triggers *on, const struct model *m, uint64_t count, const struct model_finding **first);

/* What its VM is called, or its process id as text, in id. Valid as long as the VM is known. */
const char *triggers_guest(const struct model *m, const struct model_finding *finding, char id[16]);

#endif
