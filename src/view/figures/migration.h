/* SPDX-License-Identifier: GPL-2.0-only */
/* VMs that were restored, and that their VMM had stopped, in words and as JSON: model/migration.h, model/standstill.h. */
#ifndef VIEW_FIGURES_MIGRATION_H
#define VIEW_FIGURES_MIGRATION_H

#include <stdio.h>

#include "model/model.h"
#include "session/status.h"
#include "util/json.h"

#define MIGRATION_SIZE 128	/* enough for migration_words() */

/*
 * "restored from VM 97 at 12:00:01.123": buf is written, never overrun, and returned; empty if the VM was not. It is plain ASCII.
 */
char *migration_words(char *buf, size_t size, const struct model_vm *vm, const struct status *status);

/* All of them, a line each with the blackout of each vCPU, and those that stood still, under a head each; nothing if there is none. */
void migration_text(FILE *out, const struct model *m, const struct status *status);

/* The members "restored" and "stood_still" of a VM's object, if it was, or did. */
void migration_json(struct json *j, const struct model_vm *vm);

#endif
