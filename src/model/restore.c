// SPDX-License-Identifier: GPL-2.0-only
/* What of a save or restore of interrupt controllers belongs together. */
#include "model/restore.h"

#include <errno.h>
#include <stdlib.h>

#include "model/gic_state.h"
#include "util/array.h"
#include "util/idmap.h"

struct restore {
	struct restore_vm **vms;
	size_t vm_count, vm_room;
	struct idmap by_pid;
	uint64_t left_out;
	size_t row_count;	/* of all VMs */
};

/* --- names */

const char *restore_part_name(enum restore_part part)
{
	static const char *const names[] = {
#define X(NAME, name, help) name,
		RESTORE_PARTS(X)
#undef X
	};

	return names[part];
}

/* --- rows */

static enum restore_part command_part(const struct sdei_record_gic *step)
{
	switch (step->attr) {
	case GIC_CTRL_INIT:
		return RESTORE_CREATE;
	case GIC_SAVE_TABLES:
		return RESTORE_SAVE_TABLES;
	case GIC_RESTORE_TABLES:
		return RESTORE_RESTORE_TABLES;
	case GIC_SAVE_PENDING_TABLES:
		return RESTORE_SAVE_PENDING;
	case GIC_ITS_RESET:
		return RESTORE_RESET;
	default:
		return RESTORE_OTHER;
	}
}

static enum restore_part part_of(const struct sdei_record_gic *step)
{
	switch (step->head.origin) {
	case GIC_REGISTERS:
		return RESTORE_VCPUS;
	case GIC_RUN:
		return RESTORE_RUN;
	case GIC_ITS_GET:
	case GIC_GET:
		return RESTORE_READ;
	}
	switch (step->group) {
	case GIC_GRP_ADDR:
	case GIC_GRP_NR_IRQS:
		return RESTORE_CREATE;
	case GIC_GRP_CTRL:
		return command_part(step);
	case GIC_GRP_DIST_REGS:
		return RESTORE_DISTRIBUTOR;
	case GIC_GRP_REDIST_REGS:
		return gic_is_lpi_table(gic_offset(step->attr)) ? RESTORE_LPI_TABLES : RESTORE_REDISTRIBUTORS;
	case GIC_GRP_LEVEL_INFO:
		return RESTORE_REDISTRIBUTORS;
	case GIC_GRP_CPU_SYSREGS:
		return RESTORE_CPU_INTERFACES;
	case GIC_GRP_ITS_REGS:
		return RESTORE_ITS;
	default:
		return RESTORE_OTHER;
	}
}

/* GITS_BASER0 to GITS_BASER7 are one register here. */
static uint64_t its_register(const struct sdei_record_gic *step)
{
	return step->attr >= GITS_BASER && step->attr < GITS_BASER + 8 * GITS_BASERS ? GITS_BASER : step->attr;
}

static bool belongs_to(const struct restore_row *row, enum restore_part part, const struct sdei_record_gic *step)
{
	if (row->part != part || row->last.device != step->device || row->last.head.error || step->head.error)
		return false;
	if (part == RESTORE_ITS)
		return its_register(&row->last) == its_register(step);
	return part != RESTORE_OTHER && part != RESTORE_SAVE_TABLES && part != RESTORE_RESTORE_TABLES;
}

static void add_to_row(struct restore_row *row, const struct sdei_record_gic *step)
{
	row->last = *step;
	row->count++;
	row->duration_ns += step->duration_ns;
	if (row->part != RESTORE_RUN)
		return;
	row->registers += step->value;
	row->registers_known = row->registers_known && step->head.outcome & GIC_HAS_VALUE;
}

static int add_row(struct restore *restore, struct restore_vm *vm, const struct sdei_record_gic *step)
{
	enum restore_part part = part_of(step);
	struct restore_row *row = vm->row_count ? &vm->rows[vm->row_count - 1] : NULL;

	if (!row || !belongs_to(row, part, step)) {
		if (vm->row_count == RESTORE_ROWS_MAX || restore->row_count == RESTORE_ALL_ROWS_MAX) {
			vm->rows_left_out++;
			return 0;
		}
		if (ARRAY_ROOM(vm->rows, vm->row_room, vm->row_count, 16))
			return -ENOMEM;
		row = &vm->rows[vm->row_count++];
		restore->row_count++;
		*row = (struct restore_row){ .part = part, .first = *step, .registers_known = true };
	}
	add_to_row(row, step);
	return 0;
}

/* --- all of them */

struct restore *restore_new(void)
{
	return calloc(1, sizeof(struct restore));
}

static void find(void *ctx, enum model_finding_code code, const struct sdei_record_gic *step)
{
	struct restore_vm *vm = ctx;
	struct restore_finding *f = &vm->findings[code - FINDING_GIC];

	if (!f->count++)
		f->first = *step;
	f->last = *step;
}

static void free_vm(struct restore_vm *vm)
{
	gic_state_free(vm->state);
	free(vm->rows);
	free(vm);
}

void restore_free(struct restore *restore)
{
	if (!restore)
		return;
	for (size_t i = 0; i < restore->vm_count; i++)
		free_vm(restore->vms[i]);
	free(restore->vms);
	idmap_release(&restore->by_pid);
	free(restore);
}

static struct restore_vm *make_vm(struct restore *restore, uint32_t pid)
{
	struct restore_vm *vm = NULL;

	if (ARRAY_ROOM(restore->vms, restore->vm_room, restore->vm_count, 8))
		return NULL;
	vm = calloc(1, sizeof(*vm));
	if (!vm)
		return NULL;
	vm->pid = pid;
	vm->state = gic_state_new(find, vm);
	if (!vm->state || idmap_put(&restore->by_pid, pid, vm)) {
		free_vm(vm);
		return NULL;
	}
	restore->vms[restore->vm_count++] = vm;
	return vm;
}

int restore_feed(struct restore *restore, const struct sdei_record *record, size_t size)
{
	const struct sdei_record_gic *step = (const struct sdei_record_gic *)record;
	struct restore_vm *vm;
	int err;

	if (size < sizeof(*record))
		return -EINVAL;
	if (record->kind != SDEI_GIC)
		return 0;
	if (size < sizeof(*step))
		return -EINVAL;
	vm = idmap_find(&restore->by_pid, record->vm);
	if (!vm && restore->vm_count == RESTORE_VMS_MAX) {
		restore->left_out++;
		return 0;
	}
	vm = vm ?: make_vm(restore, record->vm);
	if (!vm)
		return -ENOMEM;
	err = add_row(restore, vm, step);
	return gic_state_take(vm->state, step) ?: err;
}

void restore_settle(struct restore *restore)
{
	for (size_t i = 0; i < restore->vm_count; i++)
		gic_state_settle(restore->vms[i]->state);
}

const struct restore_vm *const *restore_vms(const struct restore *restore, size_t *count)
{
	*count = restore->vm_count;
	return (const struct restore_vm *const *)restore->vms;
}

uint64_t restore_left_out(const struct restore *restore)
{
	return restore->left_out;
}
