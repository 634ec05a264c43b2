/* SPDX-License-Identifier: GPL-2.0-only */
/* One record as JSON. */
#ifndef RECORD_JSON_H
#define RECORD_JSON_H

#include <stdio.h>

#include "bpf/record.h"
#include "record/brief.h"
#include "util/json.h"
#include "util/times.h"

/* A record in brief, whatever its kind; vm and vcpu are left out. */
void json_record_brief(struct json *j, const char *key, const struct record_brief *brief);

/*
 * A line about a record of the kinds in record.h (as big as its kind says), with "wall" as times (of the wall clock) prints it; lines
 * that are none have a "type", as "type":"lost".
 */
void json_record(FILE *out, struct times_printer *times, const struct sdei_record *record, const char *name);
void json_lost(FILE *out, const struct sdei_lost_key *key, uint64_t count);	/* key NULL: unknown */

#endif
