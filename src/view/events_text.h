/* SPDX-License-Identifier: GPL-2.0-only */
/* One line per record, for `sdeitop events`. */
#ifndef VIEW_EVENTS_TEXT_H
#define VIEW_EVENTS_TEXT_H

#include <stdio.h>

#include "../../bpf/record.h"
#include "names.h"

void events_text_header(FILE *out);
void events_text_record(FILE *out, const struct sdei_record *record, const struct vm_name *name);
void events_text_lost(FILE *out, const struct sdei_lost_key *key, uint64_t count);	/* key NULL: unknown */

/* What a record's head tells of its kind, without more of it than that. */
void events_text_details(FILE *out, const struct sdei_record *r);

#endif
