/* SPDX-License-Identifier: GPL-2.0-only */
/* One line per record, for `sdeitop events`. */
#ifndef RECORD_TEXT_H
#define RECORD_TEXT_H

#include <stdint.h>
#include <stdio.h>

#include "bpf/record.h"
#include "record/brief.h"
#include "util/times.h"

/* times: how those of the records are printed. */
void record_text_header(FILE *out, const struct times *times);
void record_text_record(FILE *out, struct times_printer *times, const struct sdei_record *record, const char *name);
void record_text_lost(FILE *out, const struct sdei_lost_key *key, uint64_t count);	/* key NULL: unknown */

/* What a record in brief has of its kind's own: of a call, which one and its result. */
void record_text_details(FILE *out, const struct record_brief *brief);

#endif
