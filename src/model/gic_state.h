/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What KVM has of the interrupt controllers of a VM while its VMM saves or restores them. KVM answers many mistakes with
 * success, so what the VMM has written is compared with what KVM has of it, by the rules of KVM's emulation (Linux:
 * arch/arm64/kvm/vgic/vgic-its.c, vgic-mmio-v3.c).
 *
 * What the guest writes is not seen: once a VM has run, nothing is known until its ITS is reset, or until it is written again.
 */
#ifndef MODEL_GIC_STATE_H
#define MODEL_GIC_STATE_H

#include "model/finding.h"
#include "record/gic.h"

#define GIC_DEVICES_MAX 64	/* ITSs of a VM: of more nothing is found */
#define GIC_PES_MAX 4096	/* of a VM: likewise */

struct gic_state;

/* That is wrong, from FINDING_GIC on; step is the one in question. */
typedef void (*gic_found_t)(void *ctx, enum model_finding_code code, const struct sdei_record_gic *step);

struct gic_state *gic_state_new(gic_found_t found, void *ctx);	/* NULL: no memory */
void gic_state_free(struct gic_state *state);	/* NULL is fine */

/* The next step of that VM. 0 or -ENOMEM. */
int gic_state_take(struct gic_state *state, const struct sdei_record_gic *step);

/* Nothing more comes, or the VM runs: what was wrong and has not been put right is found. */
void gic_state_settle(struct gic_state *state);

/* Nothing is known any more: the guest does what it wants, or steps were lost. */
void gic_state_forget(struct gic_state *state);

#endif
