// SPDX-License-Identifier: GPL-2.0-only
/* What KVM makes of each step in which a VMM saves or restores interrupt controllers. */
#include "model/gic_state.h"

#include <errno.h>
#include <stdlib.h>

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

/* Those of an ITS that later steps may put right. */
#define MARKS (FINDING_COUNT - FINDING_GIC)

/* What KVM has of an ITS. */
struct its {
	uint32_t device;
	bool known;			/* since it was made or reset: what was not written is 0 */
	bool enabled;
	bool has_creadr, has_cbaser;	/* written since then */
	bool tables_restored, had_table[USED_BASERS];	/* RESTORE_TABLES came, and found that one valid */
	uint64_t cbaser, cwriter, creadr, baser[GITS_BASERS];
	struct sdei_record_gic restored;	/* RESTORE_TABLES */
	struct mark marks[MARKS];	/* by code, from FINDING_GIC on */
};

/* What KVM has of a redistributor: halves of GICR_PROPBASER, then of GICR_PENDBASER. */
#define HALVES 4
struct pe {
	uint32_t affinity;
	bool lpis_on;
	uint32_t halves[HALVES];
	struct mark ignored[HALVES];
};

struct gic_state {
	gic_found_t found;
	void *ctx;
	struct its *its;
	size_t its_count;
	struct pe **pes;
	size_t pe_count, pe_room;
	struct idmap by_affinity;	/* affinity: struct pe * */
	bool tables_restored;		/* of any ITS, since the VM ran */
	struct mark late;
};

/* --- findings */

static void set_mark(struct mark *mark, const struct sdei_record_gic *step)
{
	*mark = (struct mark){ true, *step };
}

static struct mark *mark_of(struct its *its, enum model_finding_code code)
{
	return &its->marks[code - FINDING_GIC];
}

static void settle_mark(struct gic_state *s, enum model_finding_code code, struct mark *mark)
{
	if (mark->is_set)
		s->found(s->ctx, code, &mark->step);
	mark->is_set = false;
}

static void settle_its(struct gic_state *s, struct its *its)
{
	for (int code = FINDING_GIC; code < FINDING_COUNT; code++)
		settle_mark(s, code, mark_of(its, code));
}

static void settle_pe(struct gic_state *s, struct pe *pe)
{
	for (int half = 0; half < HALVES; half++)
		settle_mark(s, FINDING_LPI_BASE_IGNORED, &pe->ignored[half]);
}

void gic_state_settle(struct gic_state *s)
{
	for (size_t i = 0; i < s->its_count; i++)
		settle_its(s, &s->its[i]);
	for (size_t i = 0; i < s->pe_count; i++)
		settle_pe(s, s->pes[i]);
	settle_mark(s, FINDING_REDISTRIBUTOR_LATE, &s->late);
}

/* --- an ITS */

/* All of its registers are 0 then. */
static void begin_its(struct its *its, bool known)
{
	*its = (struct its){ .device = its->device, .known = known };
}

/* NULL: there are too many, or no memory (*err). */
static struct its *its_of(struct gic_state *s, uint32_t device, int *err)
{

	for (size_t i = 0; i < s->its_count; i++)
		if (s->its[i].device == device)
			return &s->its[i];
	if (s->its_count == GIC_DEVICES_MAX)
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
		set_mark(mark_of(its, FINDING_CREADR_LOST), step);
	if (its->cwriter)
		set_mark(mark_of(its, FINDING_CWRITER_LOST), step);
	its->cbaser = step->value;
	its->has_cbaser = true;
	its->has_creadr = false;
	its->creadr = its->cwriter = 0;
}

static void write_baser(struct its *its, unsigned int number, const struct sdei_record_gic *step)
{
	its->baser[number] = step->value;
	if (number < USED_BASERS && step->value & VALID && its->tables_restored && !its->had_table[number])
		set_mark(mark_of(its, FINDING_ITS_TABLES_EARLY), &its->restored);
}

/* GITS_CBASER, or a GITS_BASER. */
static void write_base(struct its *its, const struct sdei_record_gic *step)
{
	unsigned int number = (step->attr - GITS_BASER) / 8;
	bool is_cbaser = step->attr == GITS_CBASER;

	if (its->enabled && step->value != (is_cbaser ? its->cbaser : its->baser[number])) {
		set_mark(mark_of(its, FINDING_ITS_BASE_IGNORED), step);
		return;
	}
	if (its->enabled)
		return;
	if (is_cbaser)
		write_cbaser(its, step);
	else
		write_baser(its, number, step);
}

static void run_commands(struct gic_state *s, struct its *its, const struct sdei_record_gic *step)
{
	if (mark_of(its, FINDING_CREADR_LOST)->is_set || its->has_creadr || !its->cwriter || !(its->known || its->has_cbaser))
		return;
	s->found(s->ctx, FINDING_CREADR_MISSING, step);
}

/* vgic_mmio_write_its_ctlr() */
static void write_ctlr(struct gic_state *s, struct its *its, const struct sdei_record_gic *step)
{
	bool enable = step->value & ENABLE;

	if (enable && !its->enabled && its->known && !are_bases_valid(its)) {
		set_mark(mark_of(its, FINDING_ITS_NOT_ENABLED), step);
		return;
	}
	mark_of(its, FINDING_ITS_NOT_ENABLED)->is_set = false;
	if (enable && !its->enabled)
		run_commands(s, its, step);
	its->enabled = enable;
}

static void write_its_register(struct gic_state *s, struct its *its, const struct sdei_record_gic *step)
{
	if (!(step->head.outcome & GIC_HAS_VALUE))
		return;
	if (step->attr == GITS_CTLR) {
		write_ctlr(s, its, step);
	} else if (step->attr == GITS_CWRITER) {
		its->cwriter = step->value;
		mark_of(its, FINDING_CWRITER_LOST)->is_set = false;
	} else if (step->attr == GITS_CREADR) {
		its->creadr = step->value;
		its->has_creadr = true;
		mark_of(its, FINDING_CREADR_LOST)->is_set = false;
	} else if (step->attr == GITS_CBASER ||
		   (step->attr >= GITS_BASER && step->attr < GITS_BASER + 8 * GITS_BASERS && step->attr % 8 == 0)) {
		write_base(its, step);
	}
}

static void restore_tables(struct gic_state *s, struct its *its, const struct sdei_record_gic *step)
{
	its->tables_restored = s->tables_restored = true;
	its->restored = *step;
	for (int number = 0; number < USED_BASERS; number++)
		its->had_table[number] = its->baser[number] & VALID;
	mark_of(its, FINDING_ITS_TABLES_EARLY)->is_set = false;
	s->late.is_set = false;
}

static void command_its(struct gic_state *s, struct its *its, const struct sdei_record_gic *step)
{
	if (step->attr == GIC_RESTORE_TABLES) {
		restore_tables(s, its, step);
	} else if (step->attr == GIC_CTRL_INIT || step->attr == GIC_ITS_RESET) {
		settle_its(s, its);
		begin_its(its, true);
		s->tables_restored = false;
	}
}

static int set_its(struct gic_state *s, const struct sdei_record_gic *step)
{
	int err = 0;
	struct its *its = its_of(s, step->device, &err);

	if (!its)
		return err;
	if (step->group == GIC_GRP_CTRL)
		command_its(s, its, step);
	else if (step->group == GIC_GRP_ITS_REGS)
		write_its_register(s, its, step);
	return 0;
}

/* --- redistributors */

static struct pe *pe_of(struct gic_state *s, uint32_t affinity, int *err)
{
	struct pe *pe = idmap_find(&s->by_affinity, affinity);

	if (pe || s->pe_count == GIC_PES_MAX)
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
static void write_half(struct gic_state *s, struct pe *pe, int half, const struct sdei_record_gic *step)
{
	if (pe->lpis_on) {
		if (step->value && step->value != pe->halves[half])
			set_mark(&pe->ignored[half], step);
		return;
	}
	pe->halves[half] = step->value;
	pe->ignored[half].is_set = false;
	if (step->value && s->tables_restored)
		set_mark(&s->late, step);
}

static int set_redistributor(struct gic_state *s, const struct sdei_record_gic *step)
{
	int half = half_of(gic_offset(step->attr)), err = 0;
	bool is_control = gic_offset(step->attr) == GICR_CTLR;
	struct pe *pe;

	if ((half < 0 && !is_control) || !(step->head.outcome & GIC_HAS_VALUE))
		return 0;
	pe = pe_of(s, step->attr >> 32, &err);
	if (!pe)
		return err;
	if (is_control)
		pe->lpis_on = step->value & ENABLE;
	else
		write_half(s, pe, half, step);
	return 0;
}

/* --- all of a VM */

struct gic_state *gic_state_new(gic_found_t found, void *ctx)
{
	struct gic_state *s = calloc(1, sizeof(*s));

	if (s)
		*s = (struct gic_state){ .found = found, .ctx = ctx };
	return s;
}

void gic_state_free(struct gic_state *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->pe_count; i++)
		free(s->pes[i]);
	free(s->pes);
	free(s->its);
	idmap_release(&s->by_affinity);
	free(s);
}

void gic_state_forget(struct gic_state *s)
{
	for (size_t i = 0; i < s->its_count; i++)
		begin_its(&s->its[i], false);
	for (size_t i = 0; i < s->pe_count; i++)
		*s->pes[i] = (struct pe){ .affinity = s->pes[i]->affinity };
	s->tables_restored = s->late.is_set = false;
}

static bool is_half_value(const struct sdei_record_gic *step)
{
	return gic_is_set(step->head.origin) && gic_is_widened(step) && step->head.outcome & GIC_HAS_VALUE && step->value >> 32;
}

int gic_state_take(struct gic_state *s, const struct sdei_record_gic *step)
{
	if (is_half_value(step))
		s->found(s->ctx, FINDING_GIC_HALF_VALUE, step);
	if (step->head.error) {
		s->found(s->ctx, FINDING_GIC_REFUSED, step);
		return 0;
	}
	switch (step->head.origin) {
	case GIC_ITS_SET:
		return set_its(s, step);
	case GIC_SET:
		return step->group == GIC_GRP_REDIST_REGS ? set_redistributor(s, step) : 0;
	case GIC_RUN:
		gic_state_settle(s);
		gic_state_forget(s);
		return 0;
	default:
		return 0;
	}
}
