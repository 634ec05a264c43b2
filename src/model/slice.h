/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Slices: what lasted from one record to another, handed on when it ends. They are the model's own: those that ended
 * as they were meant to (SLICE_DISPATCHED, SLICE_COMPLETED and SLICE_RESUMED, SLICE_UNMASKED) are exactly the samples of
 * its histograms, and the blame of the dispatched ones sums to its blame.
 */
#ifndef MODEL_SLICE_H
#define MODEL_SLICE_H

#include "model/apf.h"
#include "model/model.h"

/* X(NAME, name, what it is) */
#define SLICE_KINDS(X)						\
	X(PENDING, pending, "an episode: the event was pending")	\
	X(HANDLER, handler, "the event's handler ran")		\
	X(MASK, mask, "the PE mask was set")

/* X(NAME, name, what ended it) */
#define SLICE_ENDS(X)								\
	X(OPEN, open, "nothing until the end of what was looked at")			\
	X(LOST, lost, "nobody knows: records are missing; it lasted until to_ns at least")	\
	X(DISPATCHED, dispatched, "the handler was entered")				\
	X(CANCELLED, cancelled, "the signal was withdrawn")				\
	X(CLEARED, cleared, "unregister, reset, restore or the end of the vCPU")	\
	X(COMPLETED, completed, "COMPLETE")						\
	X(RESUMED, resumed, "COMPLETE_AND_RESUME")					\
	X(UNMASKED, unmasked, "PE_UNMASK")

enum slice_kind {
#define X(NAME, name, help) SLICE_##NAME,
	SLICE_KINDS(X)
#undef X
	SLICE_KIND_COUNT
};

enum slice_end {
#define X(NAME, name, help) SLICE_##NAME,
	SLICE_ENDS(X)
#undef X
	SLICE_END_COUNT
};

const char *slice_kind_name(unsigned int kind);
const char *slice_end_name(unsigned int end);

struct slice {
	enum slice_kind kind;
	enum slice_end end;
	const struct model_vcpu *vcpu;
	const struct model_event *event;	/* NULL: of the PE, a mask */
	uint64_t from_ns, to_ns;
	bool initial;			/* a mask since creation or reset */
	const struct sdei_record *record;	/* what ended it; NULL: none did */
	/* SLICE_PENDING that is not LOST: as the model splits it; blamed is false if there was no memory for that. */
	bool blamed;
	struct model_late late;
};

/* A stage of an asynchronous page fault that is over: exactly the samples of the histograms of struct model_apf. */
struct fault_slice {
	const struct model_vcpu *vcpu;
	enum apf_stage stage;
	uint64_t from_ns, to_ns;
	const struct apf_fault *fault;	/* with the stages that are over; NULL: of none (sync), or over and forgotten */
	const struct sdei_record *record;	/* what ended it */
};

struct slicer_calls {
	void (*slice)(void *ctx, const struct slice *slice);
	/* So many episodes are open on the vCPU from time_ns on; may be NULL. */
	void (*pending)(void *ctx, const struct model_vcpu *vcpu, uint64_t time_ns, uint32_t count);
	/* A stage is over, of those that one record ends the total last; may be NULL. */
	void (*fault)(void *ctx, const struct fault_slice *slice);
	void *ctx;
};

struct slicer;

/* Slices of what m is fed by way of it. NULL: no memory. */
struct slicer *slicer_new(struct model *m, const struct slicer_calls *calls);
void slicer_free(struct slicer *s);	/* NULL is fine */

/* These are model_feed() and so on, and must be called instead. */
int slicer_feed(struct slicer *s, const struct sdei_record *record, size_t size);
int slicer_feed_lost(struct slicer *s, const struct sdei_lost_key *key, uint64_t count);
void slicer_tick(struct slicer *s, uint64_t now_ns);
void slicer_expire(struct slicer *s, uint64_t before_ns);

/* Hands on what is open at now_ns, once. 0; -ENOMEM: slices are missing, of this or of an earlier call. */
int slicer_end(struct slicer *s, uint64_t now_ns);

/* Of what ended, that which has no slice because nobody knows when it began. */
uint64_t slicer_unknown(const struct slicer *s);

/* The newest vCPU of that name, or NULL. */
const struct model_vcpu *slicer_vcpu(const struct slicer *s, uint32_t vm, uint32_t vcpu);

#endif
