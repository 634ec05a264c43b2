/* SPDX-License-Identifier: GPL-2.0-only */
/* How interrupt controllers were saved and restored, as text and as JSON. */
#ifndef VIEW_FIGURES_RESTORE_H
#define VIEW_FIGURES_RESTORE_H

#include <stdio.h>

#include "model/restore.h"
#include "session/vm_names.h"
#include "util/times.h"

/* What both forms need of who calls. The names are those of the time at which the VM was first seen. */
struct restore_view {
	const struct restore *restore;
	struct name_cache *names;
	struct times_printer *times;	/* wall: as JSON wants it */
	uint64_t lost;			/* records of steps that are missing: then nothing that was found is sure */
};

/* Each VM: its parts in the order of time, how long each took, and what was wrong. */
void restore_text(FILE *out, const struct restore_view *view);

/* One object. */
void restore_json(FILE *out, const struct restore_view *view);

#endif
