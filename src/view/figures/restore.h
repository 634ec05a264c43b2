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

/* One VM of them; rows beyond most are counted. */
void restore_vm_text(FILE *out, const struct restore_view *view, const struct restore_vm *vm, size_t most);

/* A line for a VM, without its end; and for each, those beyond most counted. */
void restore_vm_brief(FILE *out, const struct restore_view *view, const struct restore_vm *vm);
void restore_text_brief(FILE *out, const struct restore_view *view, size_t most);

struct json;

/* One object; and its members but the type. */
void restore_json(FILE *out, const struct restore_view *view);
void restore_json_members(struct json *j, const struct restore_view *view);

#endif
