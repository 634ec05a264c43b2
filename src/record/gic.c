// SPDX-License-Identifier: GPL-2.0-only
#include "record/gic.h"

#include <inttypes.h>
#include <stdio.h>

struct name {
	uint64_t attr;
	const char *name;
};

#define END { UINT64_MAX, NULL }

static const struct name its_addresses[] = { { 4, "ITS_ADDR" }, END };
static const struct name its_registers[] = {
	{ GITS_CTLR, "GITS_CTLR" }, { GITS_IIDR, "GITS_IIDR" }, { 0x8, "GITS_TYPER" }, { GITS_CBASER, "GITS_CBASER" },
	{ GITS_CWRITER, "GITS_CWRITER" }, { GITS_CREADR, "GITS_CREADR" }, END
};
static const struct name its_commands[] = {
	{ GIC_CTRL_INIT, "ITS_INIT" }, { GIC_SAVE_TABLES, "SAVE_TABLES" }, { GIC_RESTORE_TABLES, "RESTORE_TABLES" },
	{ GIC_ITS_RESET, "ITS_RESET" }, END
};
static const struct name addresses[] = { { 2, "GICD_ADDR" }, { 3, "GICR_ADDR" }, { 5, "GICR_REGION" }, END };
static const struct name commands[] = { { GIC_CTRL_INIT, "GIC_INIT" }, { GIC_SAVE_PENDING_TABLES, "SAVE_PENDING_TABLES" }, END };
static const struct name distributor[] = {
	{ 0x0, "GICD_CTLR" }, { 0x4, "GICD_TYPER" }, { 0x8, "GICD_IIDR" }, { 0x10, "GICD_STATUSR" }, END
};
static const struct name redistributor[] = {
	{ GICR_CTLR, "GICR_CTLR" }, { 0x4, "GICR_IIDR" }, { 0x8, "GICR_TYPER" }, { 0x10, "GICR_STATUSR" }, { 0x14, "GICR_WAKER" },
	{ GICR_PROPBASER, "GICR_PROPBASER" }, { GICR_PROPBASER + 4, "GICR_PROPBASER+4" },
	{ GICR_PENDBASER, "GICR_PENDBASER" }, { GICR_PENDBASER + 4, "GICR_PENDBASER+4" }, END
};
static const struct name none[] = { END };

/* What the groups' attributes are called, and what stands in front of those that have no name of their own. */
static const struct {
	const char *prefix;
	const struct name *of_gic, *of_its;
} groups[] = {
	[GIC_GRP_ADDR] = { "ADDR", addresses, its_addresses },
	[GIC_GRP_DIST_REGS] = { "GICD", distributor, none },
	[GIC_GRP_CPU_REGS] = { "GICC", none, none },
	[GIC_GRP_NR_IRQS] = { "NR_IRQS", none, none },
	[GIC_GRP_CTRL] = { "CTRL", commands, its_commands },
	[GIC_GRP_REDIST_REGS] = { "GICR", redistributor, none },
	[GIC_GRP_CPU_SYSREGS] = { "ICC", none, none },
	[GIC_GRP_LEVEL_INFO] = { "LEVEL_INFO", none, none },
	[GIC_GRP_ITS_REGS] = { "GITS", none, its_registers },
};

#define GROUPS (sizeof(groups) / sizeof(groups[0]))

/* Their attributes have the affinity of a PE in the upper half. */
static bool is_of_pe(unsigned int group)
{
	return group == GIC_GRP_REDIST_REGS || group == GIC_GRP_CPU_SYSREGS || group == GIC_GRP_LEVEL_INFO;
}

static uint64_t plain_attr(const struct sdei_record_gic *step)
{
	if (is_of_pe(step->group) || step->group == GIC_GRP_DIST_REGS)
		return gic_offset(step->attr);
	return step->attr;
}

static const char *known_name(const struct sdei_record_gic *step)
{
	const struct name *name = gic_is_its(step->head.origin) ? groups[step->group].of_its : groups[step->group].of_gic;

	while (name->name && name->attr != plain_attr(step))
		name++;
	return name->name;
}

static bool is_table(const struct sdei_record_gic *step)
{
	return gic_is_its(step->head.origin) && step->group == GIC_GRP_ITS_REGS && step->attr >= GITS_BASER &&
	       step->attr < GITS_BASER + 8 * GITS_BASERS && step->attr % 8 == 0;
}

const char *gic_register_name(const struct sdei_record_gic *step, char name[GIC_NAME_SIZE])
{
	const char *known = step->group < GROUPS ? known_name(step) : NULL;

	if (step->head.origin == GIC_REGISTERS)
		snprintf(name, GIC_NAME_SIZE, "register 0x%llx", step->attr);
	else if (!gic_is_call(step->head.origin))
		snprintf(name, GIC_NAME_SIZE, "vCPU");
	else if (known)
		snprintf(name, GIC_NAME_SIZE, "%s", known);
	else if (is_table(step))
		snprintf(name, GIC_NAME_SIZE, "GITS_BASER%u", (unsigned int)(step->attr - GITS_BASER) / 8);
	else if (step->group == GIC_GRP_NR_IRQS)
		snprintf(name, GIC_NAME_SIZE, "NR_IRQS");
	else if (step->group < GROUPS)
		snprintf(name, GIC_NAME_SIZE, "%s 0x%" PRIx64, groups[step->group].prefix, plain_attr(step));
	else
		snprintf(name, GIC_NAME_SIZE, "group %" PRIu32 " 0x%llx", step->group, step->attr);
	return name;
}

const char *gic_name(const struct sdei_record_gic *step, char name[GIC_NAME_SIZE])
{
	uint32_t affinity = step->attr >> 32;
	char plain[GIC_NAME_SIZE];

	gic_register_name(step, name);
	if (!gic_is_call(step->head.origin) || !is_of_pe(step->group))
		return name;
	snprintf(plain, sizeof(plain), "%s", name);
	snprintf(name, GIC_NAME_SIZE, "%.28s of %u.%u.%u.%u", plain, affinity >> 24, affinity >> 16 & 0xff, affinity >> 8 & 0xff,
		 affinity & 0xff);
	return name;
}

const char *gic_brief_name(const struct record_brief *brief, char name[GIC_NAME_SIZE])
{
	const struct sdei_record_gic step = { .head = brief->head, .group = brief->group, .attr = brief->attr };

	return gic_name(&step, name);
}

bool gic_is_widened(const struct sdei_record_gic *step)
{
	if (!gic_is_call(step->head.origin))
		return false;
	if (!gic_is_its(step->head.origin))
		return step->group == GIC_GRP_CPU_SYSREGS;
	return step->group == GIC_GRP_ITS_REGS && (step->attr == GITS_CTLR || step->attr == GITS_IIDR);
}
