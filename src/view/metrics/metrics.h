/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model as Prometheus text, format 0.0.4: what stands in metrics_families() and nothing else, each family once with
 * HELP and TYPE, no timestamps. Seconds; the bounds of histograms are edges of the model's buckets, so counts are exact.
 *
 * Label vm is NAME:UUID (of that the first digits; NAME alone where it is not known): the same after a restart of the VM, of the
 * exporter, and on another host; metrics_vms.c makes it unique. A VM that is gone keeps its series until model_expire() forgets
 * it or a VM with the same label comes. Counters never go back as long as a VM lives and the model is not reset. What is known to
 * be possible is there with 0 from the start, so that rate() sees the first one; but the families of masks, of asynchronous
 * page faults and of how long calls took only where there were any.
 */
#ifndef VIEW_METRICS_METRICS_H
#define VIEW_METRICS_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "model/model.h"
#include "session/status.h"

#define METRICS_SERIES 100000	/* the default of max_series */

enum metrics_buckets { METRICS_COARSE, METRICS_FINE };

struct metrics_options {
	enum metrics_buckets buckets;
	bool vcpu;		/* a series for each vCPU instead of each VM */
	size_t max_series;	/* of VMs; VMs beyond are left out as a whole, latest first, and counted. 0: METRICS_SERIES */
};

/* What the model does not know. */
struct metrics_host {
	const struct status *status;	/* after model_tick(m, status->now_ns) */
	uint64_t cpu_ns;			/* that the process has used */
	uint64_t write_errors;			/* of the text file */
};

struct metrics;

struct metrics *metrics_new(const struct metrics_options *options);	/* NULL: no memory */
void metrics_free(struct metrics *x);					/* NULL is fine */

/* *text is valid until the next call. 0 or -ENOMEM. */
int metrics_render(struct metrics *x, const struct model *m, const struct metrics_host *host, const char **text, size_t *size);

/* Of the last metrics_render(): samples written, and those left out because of max_series. */
size_t metrics_series(const struct metrics *x);
size_t metrics_series_dropped(const struct metrics *x);

/* How many series there are. */
struct metrics_costs {
	size_t host;		/* without page faults, which add a kind of lost records */
	size_t vm;
	size_t pe;		/* of a VM, or with vcpu of each of its vCPUs */
	size_t call, finding, mask;	/* more: for each function that is called, each code that was found, once there was a mask */
	size_t event;		/* in use, with a dispatch */
	size_t faults, stage;	/* of asynchronous page faults one of which has ended; each stage that was seen */
};

void metrics_costs(enum metrics_buckets buckets, struct metrics_costs *costs);

/* The families as a manual page, sdeid-metrics(7). */
void metrics_document(FILE *out);

#endif
