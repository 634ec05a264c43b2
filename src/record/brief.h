/* SPDX-License-Identifier: GPL-2.0-only */
/* What is kept of a record where its arguments and addresses are not needed. */
#ifndef RECORD_BRIEF_H
#define RECORD_BRIEF_H

#include <stdint.h>

#include "bpf/record.h"

/* A record in brief: its head, and of a call which one. */
struct record_brief {
	struct sdei_record head;
	uint32_t function;	/* CALL: SMCCC function id; else 0 */
	uint32_t pad;		/* 0 */
};

/* Of a record that is as big as its kind says. */
static inline struct record_brief record_brief(const struct sdei_record *r)
{
	return (struct record_brief){ *r, r->kind == SDEI_CALL ? ((const struct sdei_record_call *)r)->function : 0, 0 };
}

#endif
