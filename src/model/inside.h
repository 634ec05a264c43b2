/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the model share; nobody else includes it.
 *   model.c   records and reports in, intervals, totals
 *   life.c    VMs and vCPUs: found, created, reborn, gone, forgotten
 *   event.c   the state of an event: counts, episodes, handlers
 *   mask.c    the PE mask
 *   call.c    the table of calls and results
 *   ahead.c   many records at a time
 */
#ifndef MODEL_INSIDE_H
#define MODEL_INSIDE_H

#include "idmap.h"
#include "model.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* The bits that records are checked against: an open episode, an open handler. */
#define OPEN_BITS (SDEI_PENDING | SDEI_RUNNING)

struct model {
	struct model_options options;
	struct model_totals totals;
	struct idmap vcpus;		/* (pid, vcpu id): the newest vCPU of that name */
	struct idmap by_pid;		/* pid: its newest VM */
	struct model_vm **vms;
	size_t vm_count, vm_room;
	struct model_counts mark;
	uint64_t mark_records;
};

/* --- life.c */

/* The vCPU that the record is about, made if need be; v is the newest one of that name, if any. NULL: no memory. */
struct model_vcpu *life_vcpu(struct model *m, struct model_vcpu *v, const struct sdei_record *r);

/* What vCPUs are found by. */
static inline uint64_t vcpu_key(uint32_t pid, uint32_t id)
{
	return (uint64_t)pid << 32 | id;
}

/* The newest vCPU of that name, or NULL. */
static inline struct model_vcpu *life_find(const struct model *m, uint32_t pid, uint32_t id)
{
	return idmap_find(&m->vcpus, vcpu_key(pid, id));
}

/* The one that a report of lost records is about. NULL: no memory. */
struct model_vcpu *life_vcpu_lost(struct model *m, const struct sdei_lost_key *key);

/* The vCPU was destroyed at time_ns. */
void life_end(struct model *m, struct model_vcpu *v, uint64_t time_ns);

/* STATE destroyed of that event was lost count times. */
void life_end_lost(struct model_event *e, uint64_t count);

/* At every tick. */
void life_tick(struct model *m, struct model_vcpu *v);

void life_free_vm(struct model *m, struct model_vm *vm);

/* --- event.c */

/* The event, made if need be. NULL: no memory. */
struct model_event *event_get(struct model_vcpu *v, uint32_t number);
void event_free(struct model_event *e);

/* Takes a record about an event. late: it is older than one before. 0 or -ENOMEM (a sample is missing, the rest is done). */
int event_take(struct model *m, struct model_event *e, const struct sdei_record *r, bool late);

/* count records like key were lost. */
void event_take_lost(struct model *m, struct model_event *e, const struct sdei_lost_key *key, uint64_t count);

/* Its vCPU begins a new life: nothing is open, nothing is registered. */
void event_renew(struct model_event *e);

void event_reset(struct model_event *e);

/* A sample that ended with r, about event (SDEI_NONE: the PE); *h is made if need be. 0 or -ENOMEM. */
int sample_add(struct hist **h, uint64_t value, const struct sdei_record *r, uint32_t event);

/* --- mask.c */

/* Takes the mask bit of any record; of MASK, UNMASK, RESET and STATE more. 0 or -ENOMEM. */
int mask_take(struct model_vcpu *v, const struct sdei_record *r);

/* A record that mask_take() cannot use, because it is late or was lost. */
void mask_missed(struct model_vcpu *v, unsigned int kind, uint64_t count);

/* Nothing is known about the mask from time_ns on. */
void mask_forget(struct model_vcpu *v, uint64_t time_ns);

void mask_reset(struct model_vcpu *v, uint64_t now_ns);

/* --- call.c */

/* -EINVAL: not a function of SDEI's. */
int call_take(struct model_vcpu *v, uint32_t function, int64_t result, uint64_t count);

static inline bool is_state(const struct sdei_record *r, unsigned int reason)
{
	return r->kind == SDEI_STATE && r->origin == reason;
}

#endif
