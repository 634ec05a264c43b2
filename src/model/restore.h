/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How VMMs save and restore the interrupt controllers of their VMs: the steps of each, alike ones that follow each other as one
 * row, and what was wrong with them (gic_state.h).
 */
#ifndef MODEL_RESTORE_H
#define MODEL_RESTORE_H

#include <stdbool.h>

#include "model/finding.h"
#include "record/gic.h"

/* Parts of a save or restore. X(NAME, name, what it is) */
#define RESTORE_PARTS(X)									\
	X(CREATE, "create", "the controller is made: addresses, sizes, initialised")		\
	X(READ, "read", "registers are read")							\
	X(SAVE_PENDING, "save-pending", "pending LPIs go to guest memory")			\
	X(SAVE_TABLES, "save-tables", "the ITS's tables go to guest memory")			\
	X(RESET, "reset", "the ITS is reset")							\
	X(VCPUS, "vcpus", "registers of vCPUs are written; the count is of vCPUs")		\
	X(DISTRIBUTOR, "distributor", "GICD registers are written")				\
	X(LPI_TABLES, "lpi-tables", "where LPIs have their configuration and pending bits: GICR_PROPBASER, GICR_PENDBASER") \
	X(REDISTRIBUTORS, "redistributors", "the other GICR registers are written")		\
	X(CPU_INTERFACES, "cpu-interfaces", "ICC registers are written")			\
	X(ITS, "its", "a GITS register is written")						\
	X(RESTORE_TABLES, "restore-tables", "the ITS's tables come from guest memory")		\
	X(OTHER, "other", "anything else that is written")					\
	X(RUN, "run", "vCPUs run; the count is of vCPUs")

enum restore_part {
#define X(NAME, name, help) RESTORE_##NAME,
	RESTORE_PARTS(X)
#undef X
	RESTORE_PART_COUNT
};

const char *restore_part_name(enum restore_part part);

/* Steps of a part that follow each other; of the ITS, those of one register. One that was refused is a row by itself. */
struct restore_row {
	enum restore_part part;
	struct sdei_record_gic first, last;
	uint64_t count;
	uint64_t duration_ns;	/* of all calls that set, in KVM */
	uint64_t registers;	/* RUN: of vCPUs, set before; */
	bool registers_known;	/* of all of them */
};

#define RESTORE_FINDINGS (FINDING_COUNT - FINDING_GIC)

struct restore_finding {
	uint64_t count;			/* 0: it was not made */
	struct sdei_record_gic first, last;	/* the steps in question */
};

struct restore_vm {
	uint32_t pid;
	struct restore_row *rows;	/* in the order of time */
	size_t row_count;
	uint64_t rows_left_out;		/* beyond these: of findings they count */
	struct restore_finding findings[RESTORE_FINDINGS];	/* by code, from FINDING_GIC on */
	struct gic_state *state;	/* private, as the next one */
	size_t row_room;
};

#define RESTORE_VMS_MAX 4096	/* steps of more are counted in restore_left_out() */
#define RESTORE_ROWS_MAX 4096	/* of a VM, */
#define RESTORE_ALL_ROWS_MAX 262144	/* and of all of them */

struct restore;

struct restore *restore_new(void);	/* NULL: no memory */
void restore_free(struct restore *restore);	/* NULL is fine */

/* Takes a record of any kind, in the order of time; those of other kinds do nothing. 0, -ENOMEM, or -EINVAL: it is malformed. */
int restore_feed(struct restore *restore, const struct sdei_record *record, size_t size);

/* Nothing more comes: what was wrong and has not been put right is found. */
void restore_settle(struct restore *restore);

const struct restore_vm *const *restore_vms(const struct restore *restore, size_t *count);	/* in the order in which they were seen */
uint64_t restore_left_out(const struct restore *restore);

#endif
