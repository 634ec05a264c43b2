/* SPDX-License-Identifier: GPL-2.0-only */
/* What is kept of a record where its arguments and addresses are not needed. */
#ifndef RECORD_BRIEF_H
#define RECORD_BRIEF_H

#include <stdint.h>

#include "bpf/record.h"

/* A record in brief: its head, of a call which one, and of a step of an interrupt controller what it is about. */
struct record_brief {
	struct sdei_record head;
	uint32_t function;	/* CALL, SMCCC: SMCCC function id; else 0 */
	uint32_t group;		/* GIC; else 0; */
	uint64_t attr;		/* likewise */
};

/* Of a record that is as big as its kind says. */
static inline struct record_brief record_brief(const struct sdei_record *r)
{
	struct record_brief brief = { .head = *r };

	if (r->kind == SDEI_CALL)
		brief.function = ((const struct sdei_record_call *)r)->function;
	if (r->kind == SDEI_SMCCC)
		brief.function = ((const struct sdei_record_smccc *)r)->function;
	if (r->kind == SDEI_GIC) {
		brief.group = ((const struct sdei_record_gic *)r)->group;
		brief.attr = ((const struct sdei_record_gic *)r)->attr;
	}
	return brief;
}

#endif
