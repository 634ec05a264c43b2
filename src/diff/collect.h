/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records in, samples of the stages out: those that the model's histograms and counts are made of, by way of its slices. Pure.
 */
#ifndef DIFF_COLLECT_H
#define DIFF_COLLECT_H

#include "model/model.h"
#include "diff/samples.h"

struct collect_options {
	bool split_entry;	/* with what --sched tells; else entry is one part, whether that is known or not */
};

struct collector;

/* Fills samples, which stay the caller's. NULL: no memory. */
struct collector *collector_new(struct samples *samples, const struct collect_options *options);
void collector_free(struct collector *c);	/* NULL is fine */

/* What comes before this gives the states only: no sample that began before the time samples are from. */
void collector_begin(struct collector *c);

void collector_record(struct collector *c, const struct sdei_record *record, size_t size);
void collector_lost(struct collector *c, const struct sdei_lost_key *key, uint64_t count);	/* as of a record_sink */
void collector_tick(struct collector *c, uint64_t now_ns);

/* 0; -ENOMEM: something is missing. */
int collector_end(struct collector *c, uint64_t now_ns);

const struct model *collector_model(const struct collector *c);

#endif
