// SPDX-License-Identifier: GPL-2.0-only
/* What of a save or restore of interrupt controllers belongs together, and what KVM makes of each step. */
#include "model/restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"
#include "util/idmap.h"

#define VALID (1ULL << 63)	/* of GITS_CBASER, GITS_BASER */
#define ENABLE 1ULL		/* of GITS_CTLR; of GICR_CTLR: LPIs */
#define USED_BASERS 2		/* KVM has tables of devices and of collections */

/* A mistake that later steps may put right. */
struct mark {
	bool is_set;
	struct sdei_record_gic step;
};

/* What KVM has of an ITS. */
struct its {
	uint32_t device;
	bool known;			/* since it was made or reset: what was not written is 0 */
	bool enabled;
	bool has_creadr, has_cbaser;	/* written since then */
	bool tables_restored, had_table[USED_BASERS];	/* RESTORE_TABLES came, and found that one valid */
	uint64_t cbaser, cwriter, creadr, baser[GITS_BASERS];
	struct sdei_record_gic restored;	/* RESTORE_TABLES */
	struct mark marks[MISTAKE_COUNT];
};

/* What KVM has of a redistributor: halves of GICR_PROPBASER, then of GICR_PENDBASER. */
#define HALVES 4
struct pe {
	uint32_t affinity;
	bool lpis_on;
	uint32_t halves[HALVES];
	struct mark ignored[HALVES];
};

struct restore_state {
	struct its *its;
	size_t its_count;
	struct pe **pes;
	size_t pe_count, pe_room;
	struct idmap by_affinity;	/* affinity: struct pe * */
	size_t row_room;
	bool tables_restored;		/* of any ITS, since the VM ran */
	struct mark late;
};

struct restore {
	struct restore_vm **vms;
	size_t vm_count, vm_room;
	struct idmap by_pid;
	uint64_t left_out;
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

static const struct {
	const char *code, *what, *cost;
	enum model_severity severity;
} mistakes[] = {
#define X(NAME, code, severity, what, cost) { code, what, cost, severity },
	RESTORE_MISTAKES(X)
#undef X
};

const char *mistake_code(enum restore_mistake mistake)
{
	return mistakes[mistake].code;
}

enum model_severity mistake_severity(enum restore_mistake mistake)
{
	return mistakes[mistake].severity;
}

const char *mistake_what(enum restore_mistake mistake)
{
	return mistakes[mistake].what;
}

const char *mistake_cost(enum restore_mistake mistake)
{
	return mistakes[mistake].cost;
}

/* --- findings */

static void find(struct restore_vm *vm, enum restore_mistake mistake, const struct sdei_record_gic *step)
{
	struct restore_finding *f = &vm->findings[mistake];

	if (!f->count++)
		f->first = *step;
	f->last = *step;
}

static void set_mark(struct mark *mark, const struct sdei_record_gic *step)
{
	*mark = (struct mark){ true, *step };
}

static void settle_mark(struct restore_vm *vm, enum restore_mistake mistake, struct mark *mark)
{
	if (mark->is_set)
		find(vm, mistake, &mark->step);
	mark->is_set = false;
}

static void settle_its(struct restore_vm *vm, struct its *its)
{
	for (int mistake = 0; mistake < MISTAKE_COUNT; mistake++)
		settle_mark(vm, mistake, &its->marks[mistake]);
}

static void settle_pe(struct restore_vm *vm, struct pe *pe)
{
	for (int half = 0; half < HALVES; half++)
		settle_mark(vm, MISTAKE_LPI_BASE_IGNORED, &pe->ignored[half]);
}

static void settle_vm(struct restore_vm *vm)
{
	for (size_t i = 0; i < vm->state->its_count; i++)
		settle_its(vm, &vm->state->its[i]);
	for (size_t i = 0; i < vm->state->pe_count; i++)
		settle_pe(vm, vm->state->pes[i]);
	settle_mark(vm, MISTAKE_REDISTRIBUTOR_LATE, &vm->state->late);
}

/* --- an ITS */

/* All of its registers are 0 then. */
static void begin_its(struct its *its, bool known)
{
	*its = (struct its){ .device = its->device, .known = known };
}

/* NULL: there are too many, or no memory (*err). */
static struct its *its_of(struct restore_vm *vm, uint32_t device, int *err)
{
	struct restore_state *s = vm->state;

	for (size_t i = 0; i < s->its_count; i++)
		if (s->its[i].device == device)
			return &s->its[i];
	if (s->its_count == RESTORE_DEVICES_MAX)
		return NULL;
	*err = ARRAY_ROOM_BY_COUNT(s->its, s->its_count);
	if (*err)
		return NULL;
	s->its[s->its_count] = (struct its){ .device = device };
	return &s->its[s->its_count++];
}

static bool are_bases_valid(const struct its *its)
{
	return its->cbaser & VALID && its->baser[0] & VALID && its->baser[1] & VALID;
}

/* vgic_mmio_write_its_cbaser(): the queue is empty then. */
static void write_cbaser(struct its *its, const struct sdei_record_gic *step)
{
	if (its->creadr)
		set_mark(&its->marks[MISTAKE_CREADR_LOST], step);
	if (its->cwriter)
		set_mark(&its->marks[MISTAKE_CWRITER_LOST], step);
	its->cbaser = step->value;
	its->has_cbaser = true;
	its->has_creadr = false;
	its->creadr = its->cwriter = 0;
}

static void write_baser(struct its *its, unsigned int number, const struct sdei_record_gic *step)
{
	its->baser[number] = step->value;
	if (number < USED_BASERS && step->value & VALID && its->tables_restored && !its->had_table[number])
		set_mark(&its->marks[MISTAKE_TABLES_EARLY], &its->restored);
}

/* GITS_CBASER, or a GITS_BASER. */
static void write_base(struct its *its, const struct sdei_record_gic *step)
{
	unsigned int number = (step->attr - GITS_BASER) / 8;
	bool is_cbaser = step->attr == GITS_CBASER;

	if (its->enabled && step->value != (is_cbaser ? its->cbaser : its->baser[number])) {
		set_mark(&its->marks[MISTAKE_BASE_IGNORED], step);
		return;
	}
	if (its->enabled)
		return;
	if (is_cbaser)
		write_cbaser(its, step);
	else
		write_baser(its, number, step);
}

static void run_commands(struct restore_vm *vm, struct its *its, const struct sdei_record_gic *step)
{
	if (its->marks[MISTAKE_CREADR_LOST].is_set || its->has_creadr || !its->cwriter || !(its->known || its->has_cbaser))
		return;
	find(vm, MISTAKE_CREADR_MISSING, step);
}

/* vgic_mmio_write_its_ctlr() */
static void write_ctlr(struct restore_vm *vm, struct its *its, const struct sdei_record_gic *step)
{
	bool enable = step->value & ENABLE;

	if (enable && !its->enabled && its->known && !are_bases_valid(its)) {
		set_mark(&its->marks[MISTAKE_NOT_ENABLED], step);
		return;
	}
	its->marks[MISTAKE_NOT_ENABLED].is_set = false;
	if (enable && !its->enabled)
		run_commands(vm, its, step);
	its->enabled = enable;
}

static void write_its_register(struct restore_vm *vm, struct its *its, const struct sdei_record_gic *step)
{
	if (!(step->head.outcome & GIC_HAS_VALUE))
		return;
	if (step->attr == GITS_CTLR) {
		write_ctlr(vm, its, step);
	} else if (step->attr == GITS_CWRITER) {
		its->cwriter = step->value;
		its->marks[MISTAKE_CWRITER_LOST].is_set = false;
	} else if (step->attr == GITS_CREADR) {
		its->creadr = step->value;
		its->has_creadr = true;
		its->marks[MISTAKE_CREADR_LOST].is_set = false;
	} else if (step->attr == GITS_CBASER ||
		   (step->attr >= GITS_BASER && step->attr < GITS_BASER + 8 * GITS_BASERS && step->attr % 8 == 0)) {
		write_base(its, step);
	}
}

static void restore_tables(struct restore_vm *vm, struct its *its, const struct sdei_record_gic *step)
{
	its->tables_restored = vm->state->tables_restored = true;
	its->restored = *step;
	for (int number = 0; number < USED_BASERS; number++)
		its->had_table[number] = its->baser[number] & VALID;
	its->marks[MISTAKE_TABLES_EARLY].is_set = false;
	vm->state->late.is_set = false;
}

static void command_its(struct restore_vm *vm, struct its *its, const struct sdei_record_gic *step)
{
	if (step->attr == GIC_RESTORE_TABLES) {
		restore_tables(vm, its, step);
	} else if (step->attr == GIC_CTRL_INIT || step->attr == GIC_ITS_RESET) {
		settle_its(vm, its);
		begin_its(its, true);
		vm->state->tables_restored = false;
	}
}

static int set_its(struct restore_vm *vm, const struct sdei_record_gic *step)
{
	int err = 0;
	struct its *its = its_of(vm, step->device, &err);

	if (!its)
		return err;
	if (step->group == GIC_GRP_CTRL)
		command_its(vm, its, step);
	else if (step->group == GIC_GRP_ITS_REGS)
		write_its_register(vm, its, step);
	return 0;
}

/* --- redistributors */

static struct pe *pe_of(struct restore_vm *vm, uint32_t affinity, int *err)
{
	struct restore_state *s = vm->state;
	struct pe *pe = idmap_find(&s->by_affinity, affinity);

	if (pe || s->pe_count == RESTORE_PES_MAX)
		return pe;
	*err = -ENOMEM;
	if (ARRAY_ROOM(s->pes, s->pe_room, s->pe_count, 8))
		return NULL;
	pe = calloc(1, sizeof(*pe));
	if (!pe || idmap_put(&s->by_affinity, affinity, pe)) {
		free(pe);
		return NULL;
	}
	pe->affinity = affinity;
	s->pes[s->pe_count++] = pe;
	*err = 0;
	return pe;
}

/* Which half of those that are followed it is, or -1. */
static int half_of(uint32_t offset)
{
	return offset >= GICR_PROPBASER && offset < GICR_PROPBASER + 4 * HALVES && offset % 4 == 0 ? (int)(offset - GICR_PROPBASER) / 4 : -1;
}

/* A reset by the VMM writes zeros before it switches LPIs off: no harm is done. */
static void write_half(struct restore_vm *vm, struct pe *pe, int half, const struct sdei_record_gic *step)
{
	if (pe->lpis_on) {
		if (step->value && step->value != pe->halves[half])
			set_mark(&pe->ignored[half], step);
		return;
	}
	pe->halves[half] = step->value;
	pe->ignored[half].is_set = false;
	if (step->value && vm->state->tables_restored)
		set_mark(&vm->state->late, step);
}

static int set_redistributor(struct restore_vm *vm, const struct sdei_record_gic *step)
{
	int half = half_of(gic_offset(step->attr)), err = 0;
	bool is_control = gic_offset(step->attr) == GICR_CTLR;
	struct pe *pe;

	if ((half < 0 && !is_control) || !(step->head.outcome & GIC_HAS_VALUE))
		return 0;
	pe = pe_of(vm, step->attr >> 32, &err);
	if (!pe)
		return err;
	if (is_control)
		pe->lpis_on = step->value & ENABLE;
	else
		write_half(vm, pe, half, step);
	return 0;
}

/* --- a VM */

/* From now on its guest does what it wants. */
static void run(struct restore_vm *vm)
{
	settle_vm(vm);
	for (size_t i = 0; i < vm->state->its_count; i++)
		begin_its(&vm->state->its[i], false);
	for (size_t i = 0; i < vm->state->pe_count; i++)
		*vm->state->pes[i] = (struct pe){ .affinity = vm->state->pes[i]->affinity };
	vm->state->tables_restored = false;
}

static bool is_half_value(const struct sdei_record_gic *step)
{
	return gic_is_set(step->head.origin) && gic_is_widened(step) && step->head.outcome & GIC_HAS_VALUE && step->value >> 32;
}

static int judge(struct restore_vm *vm, const struct sdei_record_gic *step)
{
	if (is_half_value(step))
		find(vm, MISTAKE_HALF_VALUE, step);
	if (step->head.error) {
		find(vm, MISTAKE_REFUSED, step);
		return 0;
	}
	switch (step->head.origin) {
	case GIC_ITS_SET:
		return set_its(vm, step);
	case GIC_SET:
		return step->group == GIC_GRP_REDIST_REGS ? set_redistributor(vm, step) : 0;
	case GIC_RUN:
		run(vm);
		return 0;
	default:
		return 0;
	}
}

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
		return half_of(gic_offset(step->attr)) < 0 ? RESTORE_REDISTRIBUTORS : RESTORE_LPI_TABLES;
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

static int add_row(struct restore_vm *vm, const struct sdei_record_gic *step)
{
	enum restore_part part = part_of(step);
	struct restore_row *row = vm->row_count ? &vm->rows[vm->row_count - 1] : NULL;

	if (!row || !belongs_to(row, part, step)) {
		if (vm->row_count == RESTORE_ROWS_MAX) {
			vm->rows_left_out++;
			return 0;
		}
		if (ARRAY_ROOM(vm->rows, vm->state->row_room, vm->row_count, 16))
			return -ENOMEM;
		row = &vm->rows[vm->row_count++];
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

static void free_vm(struct restore_vm *vm)
{
	if (vm->state) {
		for (size_t i = 0; i < vm->state->pe_count; i++)
			free(vm->state->pes[i]);
		free(vm->state->pes);
		free(vm->state->its);
		idmap_release(&vm->state->by_affinity);
	}
	free(vm->state);
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
	vm->state = calloc(1, sizeof(*vm->state));
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
	err = add_row(vm, step);
	return judge(vm, step) ?: err;
}

void restore_settle(struct restore *restore)
{
	for (size_t i = 0; i < restore->vm_count; i++)
		settle_vm(restore->vms[i]);
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
