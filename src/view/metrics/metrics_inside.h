/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * metrics_vms.c says which VMs have series and under which label; metrics_rows.c sums what the model knows up to one row for each
 * set of labels; metrics.c writes the rows, family by family.
 */
#ifndef VIEW_METRICS_METRICS_INSIDE_H
#define VIEW_METRICS_METRICS_INSIDE_H

#include "model/apf.h"
#include "model/power.h"
#include "model/sum.h"
#include "view/metrics/metrics.h"
#include "util/buf.h"

#define METRICS_NAME_MAX 128	/* bytes of a name in a label */

struct metrics_hist {
	uint64_t powers[HIST_POWERS];
	uint64_t count, sum;
};

struct metrics_sum {
	uint64_t count, sum;
};

enum { METRICS_DISPATCH, METRICS_HANDLER, METRICS_TOTAL, METRICS_HISTS };

/* vm="…",event="…", without braces, in metrics_rows.labels. */
struct metrics_labels {
	size_t at, size;
};

struct metrics_vm {
	struct metrics_labels labels;
	const struct model_vm *vm;
};

/* A VM, or with --labels vcpu a vCPU. */
struct metrics_pe {
	struct metrics_labels labels;
	uint64_t vcpus, masked_vcpus;
	struct metrics_hist mask;
	uint64_t masked_ns, lost;
	uint64_t calls[SDEI_CALL_COUNT][MODEL_RESULT_CLASSES];
	struct metrics_sum call_times[SDEI_CALL_COUNT];
	struct psci_counts psci;
	bool has_calls, has_psci;	/* without, the tables above are empty */
	bool has_power;			/* of any it is known whether it is off */
	uint64_t off_vcpus;
	uint64_t found[FINDING_GIC], open[FINDING_GIC];
};

/* An event of one of these. */
struct metrics_event {
	struct metrics_labels labels;
	uint32_t event;
	struct event_tally tally;
	struct metrics_hist hists[METRICS_HISTS];
	struct hist_worst worst;	/* value_ns 0: none */
};

/* Asynchronous page faults of a VM or vCPU that had any. */
struct metrics_apf {
	struct metrics_labels labels, stage_labels[APF_STAGE_COUNT];
	struct apf_tally tally;
	struct metrics_hist stages[APF_STAGE_COUNT];
	struct hist_worst worst;	/* value_ns 0: none */
};

/* Each array grows and is used again. */
struct metrics_rows {
	struct metrics_vm *vms;
	struct metrics_pe *pes;
	struct metrics_event *events;
	struct metrics_apf *apfs;
	size_t vm_count, pe_count, event_count, apf_count;
	size_t vm_room, pe_room, event_room, apf_room;
	struct buf labels;
};

/* How far the arrays were filled, to take back what came since. */
struct metrics_mark {
	size_t vms, pes, events, apfs, labels;
};

void metrics_rows_clear(struct metrics_rows *rows);
void metrics_rows_free(struct metrics_rows *rows);
struct metrics_mark metrics_rows_mark(const struct metrics_rows *rows);
void metrics_rows_take_back(struct metrics_rows *rows, const struct metrics_mark *mark);

/* What a VM is called. */
struct metrics_named {
	uint32_t pid, instance;
	struct metrics_labels base;	/* the label's value without its number, in metrics_vms.text */
	uint64_t hash;			/* of that */
	uint32_t number;		/* behind it; 1: none */
	bool left_out;			/* another VM has its series */
};

/* Lives from one rendering to the next. Zeroed it is empty. */
struct metrics_vms {
	struct metrics_named *named;	/* of each VM, in the order of model_vms() */
	struct label_slot *slots;	/* inside */
	size_t count, room, slot_count;
	struct buf text;
};

/* What these are called now. 0 or -ENOMEM. */
int metrics_vms_update(struct metrics_vms *x, struct model_vm *const *vms, size_t count);
void metrics_vms_free(struct metrics_vms *x);

/* The label's value of the VM that is named[i]. */
void metrics_put_vm(struct buf *t, const struct metrics_vms *x, size_t i);

/* Adds the rows of a VM that is named[i] of vms. 0 or -ENOMEM. */
int metrics_rows_add(struct metrics_rows *rows, const struct model_vm *vm, const struct metrics_vms *vms, size_t i, bool by_vcpu);

/*
 * A label's value without its quotes, at most max bytes of name: backslash, quote and newline escaped, other controls,
 * what changes how text looks, and what is not UTF-8 replaced by U+FFFD.
 */
void metrics_put_label(struct buf *t, const char *name, size_t max);

#endif
