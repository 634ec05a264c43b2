/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMs that have gone without a word: the records of their end were lost, and so many others that the kernel could not even
 * tell whose. A daemon that lives for months would show them for ever.
 */
#ifndef DAEMON_GHOSTS_H
#define DAEMON_GHOSTS_H

#include "../model/model.h"

/*
 * Tells the end, now, of each VM of m that has been quiet for quiet_ns and whose process is no more, as the kernel would have:
 * record gets records that may reach m at once. True: there were some.
 */
bool ghosts_tell(const struct model *m, uint64_t now_ns, uint64_t quiet_ns,
		 void (*record)(void *ctx, const struct sdei_record *record, size_t size), void *ctx);

#endif
