/* SPDX-License-Identifier: GPL-2.0-only */
/* New findings as lines of the log: each kind at most once in ten seconds, with how many there were. */
#ifndef DAEMON_FINDING_LOG_H
#define DAEMON_FINDING_LOG_H

#include "model/model.h"

struct finding_log {
	uint64_t told[FINDING_COUNT];		/* how many of each the log knows of */
	uint64_t told_ns[FINDING_COUNT];	/* when it was logged last; 0: never */
};

/* n is all 0 at the start. Names of VMs are escaped. */
void finding_log_report(struct finding_log *n, const struct model *m, uint64_t now_ns);

#endif
