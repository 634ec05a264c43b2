/* SPDX-License-Identifier: GPL-2.0-only */
/* The model as sdeid.prom, in the directory that node_exporter's textfile collector reads. */
#ifndef DAEMON_EXPORTER_H
#define DAEMON_EXPORTER_H

#include "model/model.h"
#include "session/status.h"
#include "daemon/config.h"

#define EXPORTER_FILE "sdeid.prom"

struct exporter;

/* NULL: the error has been reported. */
struct exporter *exporter_open(const struct daemon_config *config);

/* remove: the file, too. NULL is fine. */
void exporter_close(struct exporter *x, bool remove);

/*
 * After model_tick(m, status->now_ns). The disk is waited for aside: the rings go on being read. One version is written at a
 * time: if that before is still on its way, this one is left out, which is logged once. NULL is fine.
 */
void exporter_write(struct exporter *x, const struct model *m, const struct status *status);

/* Reports how the last write ended, once it has: what fails is counted and logged once. NULL is fine. */
void exporter_settle(struct exporter *x);

/* The same, after waiting for its end. */
void exporter_wait(struct exporter *x);

/* Of the last write. */
size_t exporter_series(const struct exporter *x);

#endif
