/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How VMMs save and restore the interrupt controllers of their VMs: the steps of each, alike ones that follow each other as one
 * row, and what was wrong with them. KVM answers many mistakes with success, so what the VMM has written is compared with
 * what KVM has of it, by the rules of KVM's emulation (Linux: arch/arm64/kvm/vgic/vgic-its.c, vgic-mmio-v3.c).
 *
 * What the guest writes is not seen: once a VM has run, nothing is known until its ITS is reset, or until it is written again.
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

/* X(NAME, code, severity, what was done, what it costs). The codes are ABI: scripts match them. */
#define RESTORE_MISTAKES(X)									\
	X(CREADR_LOST, "creadr-lost", FINDING_ERROR,						\
	  "GITS_CBASER was written after GITS_CREADR, which that sets to 0",			\
	  "the ITS runs commands of the guest a second time, from the start of its queue")	\
	X(CREADR_MISSING, "creadr-missing", FINDING_ERROR,					\
	  "the ITS was enabled, with GITS_CWRITER written but GITS_CREADR not",			\
	  "the ITS runs commands of the guest a second time, from the start of its queue")	\
	X(CWRITER_LOST, "cwriter-lost", FINDING_ERROR,						\
	  "GITS_CBASER was written after GITS_CWRITER, which that sets to 0",			\
	  "commands that the guest has queued are not run, and it finds another GITS_CWRITER than it wrote") \
	X(NOT_ENABLED, "its-not-enabled", FINDING_ERROR,					\
	  "GITS_CTLR was to enable the ITS before GITS_CBASER, GITS_BASER0 and GITS_BASER1 were valid", \
	  "KVM leaves the ITS disabled: the guest gets no MSI")					\
	X(BASE_IGNORED, "its-base-ignored", FINDING_ERROR,					\
	  "GITS_CBASER or GITS_BASER was written while the ITS was enabled",			\
	  "KVM ignores it: the ITS uses the queue and tables that it had")			\
	X(TABLES_EARLY, "its-tables-early", FINDING_ERROR,					\
	  "RESTORE_TABLES came before GITS_BASER",						\
	  "nothing was restored: MSIs of the guest's devices are dropped")			\
	X(LPI_BASE_IGNORED, "lpi-base-ignored", FINDING_ERROR,					\
	  "GICR_PROPBASER or GICR_PENDBASER was written while GICR_CTLR had LPIs enabled",	\
	  "KVM ignores it: configuration or pending bits of LPIs come from elsewhere")		\
	X(REDISTRIBUTOR_LATE, "redistributor-late", FINDING_ERROR,				\
	  "GICR_PROPBASER or GICR_PENDBASER was written after RESTORE_TABLES",			\
	  "LPIs were restored without their configuration and pending bits")			\
	X(REFUSED, "gic-refused", FINDING_ERROR,						\
	  "KVM refused a step", "what that step was for is not saved or restored")		\
	X(HALF_VALUE, "gic-half-value", FINDING_WARNING,					\
	  "a register of 32 bits was written with bits above them: the VMM passes 32 bits where KVM takes 64", \
	  "nothing here; reading a register in this way overwrites the 4 bytes behind")

enum restore_mistake {
#define X(NAME, code, severity, what, cost) MISTAKE_##NAME,
	RESTORE_MISTAKES(X)
#undef X
	MISTAKE_COUNT
};

const char *mistake_code(enum restore_mistake mistake);
enum model_severity mistake_severity(enum restore_mistake mistake);
const char *mistake_what(enum restore_mistake mistake);
const char *mistake_cost(enum restore_mistake mistake);

/* Steps of a part that follow each other; of the ITS, those of one register. One that was refused is a row by itself. */
struct restore_row {
	enum restore_part part;
	struct sdei_record_gic first, last;
	uint64_t count;
	uint64_t duration_ns;	/* of all calls that set, in KVM */
	uint64_t registers;	/* RUN: of vCPUs, set before; */
	bool registers_known;	/* of all of them */
};

struct restore_finding {
	uint64_t count;			/* 0: it was not made */
	struct sdei_record_gic first, last;	/* the steps in question */
};

struct restore_vm {
	uint32_t pid;
	struct restore_row *rows;	/* in the order of time */
	size_t row_count;
	uint64_t rows_left_out;		/* beyond RESTORE_ROWS_MAX: of findings they count */
	struct restore_finding findings[MISTAKE_COUNT];
	struct restore_state *state;	/* private */
};

#define RESTORE_VMS_MAX 4096	/* steps of more are counted in restore_left_out() */
#define RESTORE_ROWS_MAX 4096	/* of a VM */
#define RESTORE_DEVICES_MAX 64	/* ITSs of a VM: of more there are rows, but no findings */
#define RESTORE_PES_MAX 4096	/* of a VM: likewise */

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
