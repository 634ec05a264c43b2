/* SPDX-License-Identifier: GPL-2.0-only */
/* What is known about each kind of record, in one table. */
#ifndef RECORD_KINDS_H
#define RECORD_KINDS_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/record.h"

struct kind {
	const char *probe;	/* the tracepoint, and the BPF program on it; NULL: PLACE, APF, GIC, SMCCC, POWER and COUNTER have none of their own */
	uint8_t args;		/* of the tracepoint, the vCPU included (tracepoints/README.md) */
	uint8_t size;		/* of the record in bytes */
	uint8_t rank;		/* causal order of records with equal times */
};

/* The size of a record of that kind: a constant if the kind is one. */
#define KIND_SIZE(kind)									\
	((kind) == SDEI_CALL ? sizeof(struct sdei_record_call) :			\
	 (kind) == SDEI_APF ? sizeof(struct sdei_record_apf) :				\
	 (kind) == SDEI_GIC ? sizeof(struct sdei_record_gic) :				\
	 (kind) == SDEI_SMCCC ? sizeof(struct sdei_record_smccc) :			\
	 (kind) == SDEI_COUNTER ? sizeof(struct sdei_record_counter) :			\
	 (kind) == SDEI_STATE || (kind) == SDEI_REGISTER ? sizeof(struct sdei_record_handler) : sizeof(struct sdei_record))

/* The same of any number; 0: there is no such kind. */
extern const uint8_t kind_sizes[UINT8_MAX + 1];

/* NULL for what is not a kind. */
const struct kind *kind_of(unsigned int number);

/* Is it one that only a vCPU that is on makes? Calls of kind SMCCC are others: they have a begin, see record/smccc.h. */
bool record_shows_on(const struct sdei_record *r);

#endif
