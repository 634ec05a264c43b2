/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON lines: one object per line, ns, integers as integers, null for unknown.
 * The fields are the model's own; nothing is computed here but quantiles.
 */
#ifndef VIEW_FIGURES_JSON_H
#define VIEW_FIGURES_JSON_H

#include <stdio.h>

#include "model/model.h"
#include "session/status.h"
#include "util/json.h"

/*
 * Both kinds of line: head (time_ns, wall, start_ns, interval_ns, host; records, lost, late, malformed, no_memory, misfits,
 * all since the start; interval_records; probes, cpu_percent, vm_count, vcpu_count), count and interval of all VMs
 * (MODEL_COUNTS), findings[], and vms[] > vcpus[] > events[], each of these with its blame. late[] are an event's worst
 * dispatches. A histogram is null while it is empty; masked_share is 0..1.
 * masked, masked_age_ns and masked_share are null where unknown. Names of fields are only ever added.
 */

/* "type":"interval": the figures so far and those of the last closed interval. What is long gone is left out. */
void json_interval(FILE *out, const struct model *m, const struct status *status);

/*
 * "type":"stretch": in place of all intervals of a stretch in which nothing was recorded. time_ns and wall are its end,
 * length_ns how long it is.
 */
void json_stretch(FILE *out, const struct status *status, uint64_t length_ns);

/* "type":"summary": everything, what is gone too, with whole histograms. */
void json_summary(FILE *out, const struct model *m, const struct status *status);

/* What that writes, as members of an object that is open. */
void json_summary_members(struct json *j, const char *type, const struct model *m, const struct status *status);

#endif
