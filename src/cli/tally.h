/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The source's counters, worked out from what it has delivered: what is still on its way is in none of them, so that they
 * and the model are of one moment.
 */
#ifndef CLI_TALLY_H
#define CLI_TALLY_H

#include "../source/source.h"

/* False: of no kind that there is, and not counted. */
bool tally_record(struct source_counters *counters, const struct sdei_record *record);

/* key NULL: nobody knows which ones. */
void tally_lost(struct source_counters *counters, const struct sdei_lost_key *key, uint64_t count);

#endif
