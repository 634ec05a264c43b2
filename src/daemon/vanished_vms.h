/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMs that have gone without a word: the records of their end were lost, and so many others that the kernel could not even
 * say whose. A daemon that lives for months would show them for ever.
 */
#ifndef DAEMON_VANISHED_VMS_H
#define DAEMON_VANISHED_VMS_H

#include "model/model.h"
#include "record/sink.h"

#define VANISHED_MAX 64

/* Those whose process was no more when it was last asked for; all 0 at the start. */
struct vanished_vms {
	uint32_t pids[VANISHED_MAX];
	size_t count;
	uint64_t asked_ns;
};

/*
 * Reports the end of each VM of m that has been quiet for quiet_ns up to now_ns, with all records up to then in m, and whose
 * process was no more at an earlier call: sink gets the records that the kernel would have sent, and may feed m at once. clock_ns is what
 * CLOCK_MONOTONIC says. True: there were some.
 */
bool vanished_vms_report(struct vanished_vms *g, const struct model *m, uint64_t now_ns, uint64_t quiet_ns, uint64_t clock_ns,
			 const struct record_sink *sink);

#endif
