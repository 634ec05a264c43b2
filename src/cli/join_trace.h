/* SPDX-License-Identifier: GPL-2.0-only */
/* Two recordings that were joined, as one file for other tools: the host and the guest on the host's clock. */
#ifndef CLI_JOIN_TRACE_H
#define CLI_JOIN_TRACE_H

#include "session/playback.h"
#include "util/output.h"
#include "view/export/export.h"
#include "view/report/join.h"

/* Plays both recordings again, from where they begin. An exit status; what is wrong has been reported. */
int join_trace(const struct join *join, struct playback *host, struct playback *guest, const struct export_format *format, struct output *out);

#endif
