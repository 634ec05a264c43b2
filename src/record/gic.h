/* SPDX-License-Identifier: GPL-2.0-only */
/* What the attributes of an arm64 interrupt controller are called: its registers and commands, as in KVM's and Arm's books. */
#ifndef RECORD_GIC_H
#define RECORD_GIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/record.h"
#include "record/brief.h"

/* KVM_DEV_ARM_VGIC_GRP_*: the uapi header has them on arm64 only. */
enum gic_group {
	GIC_GRP_ADDR, GIC_GRP_DIST_REGS, GIC_GRP_CPU_REGS, GIC_GRP_NR_IRQS, GIC_GRP_CTRL, GIC_GRP_REDIST_REGS, GIC_GRP_CPU_SYSREGS,
	GIC_GRP_LEVEL_INFO, GIC_GRP_ITS_REGS
};

/* KVM_DEV_ARM_VGIC_CTRL_INIT and KVM_DEV_ARM_ITS_*: attributes of GIC_GRP_CTRL. */
enum gic_command { GIC_CTRL_INIT, GIC_SAVE_TABLES, GIC_RESTORE_TABLES, GIC_SAVE_PENDING_TABLES, GIC_ITS_RESET };

/* Offsets of registers that matter by themselves, as attributes have them. */
#define GITS_CTLR	0x0000
#define GITS_IIDR	0x0004
#define GITS_CBASER	0x0080
#define GITS_CWRITER	0x0088
#define GITS_CREADR	0x0090
#define GITS_BASER	0x0100	/* the first of GITS_BASERS, 8 bytes each */
#define GITS_BASERS	8
#define GICR_CTLR	0x0000
#define GICR_PROPBASER	0x0070	/* two halves of 4 bytes, as the next one */
#define GICR_PENDBASER	0x0078

/* Is it a call on a device? */
static inline bool gic_is_call(unsigned int step)
{
	return step >= GIC_ITS_SET && step <= GIC_GET;
}

/* Is that device an ITS? */
static inline bool gic_is_its(unsigned int step)
{
	return step == GIC_ITS_SET || step == GIC_ITS_GET;
}

static inline bool gic_is_set(unsigned int step)
{
	return step == GIC_ITS_SET || step == GIC_SET;
}

/* Of a redistributor's register: its offset, and the affinity of its PE. */
static inline uint32_t gic_offset(uint64_t attr)
{
	return attr & 0xffffffff;
}

/* GICR_PROPBASER or GICR_PENDBASER, or the upper half of one. */
static inline bool gic_is_lpi_table(uint32_t offset)
{
	return offset >= GICR_PROPBASER && offset < GICR_PENDBASER + 8 && offset % 4 == 0;
}

/*
 * The name of the register or command: "GITS_CBASER", "RESTORE_TABLES", "GICR_CTLR of 0.0.0.1"; or what there is of it, in hexadecimal.
 */
#define GIC_NAME_SIZE 48	/* enough for each */
const char *gic_name(const struct sdei_record_gic *step, char name[GIC_NAME_SIZE]);

/* Of a record of kind GIC in brief: likewise. */
const char *gic_brief_name(const struct record_brief *brief, char name[GIC_NAME_SIZE]);

/* The same without the PE that it is of: "GICR_CTLR". */
const char *gic_register_name(const struct sdei_record_gic *step, char name[GIC_NAME_SIZE]);

/* Has the register 32 bits although its value is passed in 64? */
bool gic_is_widened(const struct sdei_record_gic *step);

#endif
