/* SPDX-License-Identifier: GPL-2.0-only */
/* The words for the small numbers in a record; "?" for those that are none. */
#ifndef RECORD_NAMES_H
#define RECORD_NAMES_H

#include "bpf/record.h"

const char *record_source(unsigned int origin);		/* of SIGNAL */
const char *record_outcome(unsigned int outcome);	/* of SIGNAL */
const char *record_how(unsigned int how);		/* of COMPLETE */
const char *record_state_reason(unsigned int reason);	/* of STATE */
const char *record_reset_reason(unsigned int reason);	/* of RESET */
const char *record_place(unsigned int place);		/* of PLACE */
const char *record_apf_step(unsigned int step);		/* of APF: origin */
/* Of APF: what the outcome of that step says, "" where it says nothing. */
const char *record_apf_outcome(unsigned int step, unsigned int outcome);

#endif
