/* SPDX-License-Identifier: GPL-2.0-only */
/* What is known about each kind of record, in one table. */
#ifndef RECORD_KINDS_H
#define RECORD_KINDS_H

#include <stdint.h>

#include "bpf/record.h"

struct kind {
	const char *probe;	/* the tracepoint, and the BPF program on it; NULL: PLACE has none of its own */
	uint8_t args;		/* of the tracepoint, the vCPU included (tracepoints/README.md) */
	uint8_t size;		/* of the record in bytes */
	uint8_t rank;		/* causal order of records with equal times */
};

/* NULL for what is not a kind. */
const struct kind *kind_of(unsigned int number);

#endif
