/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON lines: one object per line, ns, integers as integers, null for unknown.
 * The fields are the model's own; nothing is computed here but quantiles.
 */
#ifndef VIEW_JSON_H
#define VIEW_JSON_H

#include <stdio.h>

#include "../model/model.h"
#include "names.h"
#include "status.h"

/*
 * Both kinds of line: head (time_ns, wall, start_ns, interval_ns, host; records, lost, late, malformed, no_memory, misfits,
 * all since the start; interval_records; probes, cpu_percent, vm_count, vcpu_count), count and interval of all VMs
 * (MODEL_COUNTS), findings[], and vms[] > vcpus[] > events[], each of these with its blame. late[] are an event's worst
 * dispatches. A histogram is null while it is empty; masked_share is 0..1.
 * masked, masked_age_ns and masked_share are null where unknown. Names of fields are only ever added.
 */

/* "type":"interval": the figures so far and those of the last closed interval. What is long gone is left out. */
void json_interval(FILE *out, const struct model *m, const struct view_status *status);

/* "type":"summary": everything, what is gone too, with whole histograms. */
void json_summary(FILE *out, const struct model *m, const struct view_status *status);

/* One record of the kinds in record.h (as big as its kind says); lines that are none have a "type", as "type":"lost". */
void json_record(FILE *out, const struct sdei_record *record, const struct vm_name *name);
void json_lost(FILE *out, const struct sdei_lost_key *key, uint64_t count);	/* key NULL: unknown */

#endif
