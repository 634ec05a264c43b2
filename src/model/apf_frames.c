// SPDX-License-Identifier: GPL-2.0-only
/* Which guest frames the page faults of a VM are about, and its faults over time. */
#include <errno.h>
#include <stdlib.h>

#include "model/fault_history.h"
#include "model/frames.h"
#include "model/inside.h"

/* --- frames */

/* Each fault shows its frame once. */
bool apf_has_frame(const struct sdei_record_apf *r)
{
	return (r->head.origin == APF_SETUP || r->head.origin == APF_SYNC) && r->gfn;
}

static bool is_brought(const struct sdei_record_apf *r)
{
	return r->head.origin == APF_SETUP || (r->head.outcome != APF_FROM_NOTHING && r->head.outcome != APF_FROM_HWPOISON);
}

/* Of one that is not above the last one the difference is huge. */
static bool is_sequential(const struct vcpu_apf *a, uint64_t gfn)
{
	return a->last_gfn && gfn - a->last_gfn - 1 < APF_SEQUENTIAL;
}

/* One of a worker is not over when its frame is shown; a duration from a recording may be anything. */
static enum frames_found add_frame(struct model_vm *vm, const struct sdei_record_apf *r)
{
	uint64_t end_ns = r->head.time_ns, begin_ns = end_ns;

	if (r->head.origin == APF_SETUP)
		end_ns = UINT64_MAX;
	else if (r->duration_ns < end_ns)
		begin_ns -= r->duration_ns;
	return frames_add(&vm->frames, r->gfn, begin_ns, end_ns);
}

int apf_take_frame(struct model_vcpu *v, const struct sdei_record_apf *r, bool late)
{
	struct apf_counts *count = &v->apf->shown.count;
	enum frames_found found = add_frame(v->vm, r);

	if (found == FRAMES_WAITED || (found == FRAMES_KNOWN && !is_brought(r)))
		return 0;
	count->frames += found == FRAMES_NEW;
	count->again += found == FRAMES_KNOWN;
	count->unfollowed += found == FRAMES_NO_ROOM || found == FRAMES_NO_MEMORY;
	if (!late) {
		count->sequential += is_sequential(v->apf, r->gfn);
		v->apf->last_gfn = r->gfn;
	}
	return found == FRAMES_NO_MEMORY ? -ENOMEM : 0;
}

void apf_end_frame(struct model_vcpu *v, const struct sdei_record_apf *r)
{
	if (r->head.origin == APF_PRESENT && r->gfn)
		frames_end(v->vm->frames, r->gfn, r->head.time_ns);
}

double apf_sequential_share(const struct apf_counts *count)
{
	uint64_t all = count->frames + count->again + count->unfollowed;

	return all ? (double)count->sequential / all : 0;
}

/* --- over time */

struct fault_history *apf_history(struct model *m, struct model_vm *vm)
{
	if (unlikely(m->keep_fault_history) && !vm->fault_history && m->fault_histories < FAULT_HISTORIES) {
		vm->fault_history = fault_history_new();
		m->fault_histories += !!vm->fault_history;
	}
	return vm->fault_history;
}

struct fault_happened apf_happened(const struct vcpu_apf *a)
{
	const struct apf_counts *count = &a->shown.count;

	return (struct fault_happened) {
		.since_ns = a->quick_until_ns, .faults = count->setup + count->sync + count->quick, .frames = count->frames,
		.blocked_ns = apf_blocked_ns(&a->shown),
	};
}

void apf_take_history(struct fault_history *history, const struct vcpu_apf *a, const struct sdei_record_apf *r,
		      const struct fault_happened *was)
{
	struct fault_happened is = apf_happened(a);

	is.faults -= was->faults;
	is.frames -= was->frames;
	is.blocked_ns -= was->blocked_ns;
	is.time_ns = r->head.origin == APF_QUICK ? apf_quick_end_ns(r) : r->head.time_ns;
	is.since_ns = r->head.origin == APF_QUICK ? apf_quick_begin_ns(r, was->since_ns) : 0;
	is.gfn = apf_has_frame(r) ? r->gfn : 0;
	if (is.faults || is.blocked_ns)
		fault_history_add(history, &is);
}

/* One that is empty yet has no time at which it begins. */
const struct fault_history *model_vm_fault_history(const struct model_vm *vm)
{
	return vm->fault_history && vm->fault_history->time.used ? vm->fault_history : NULL;
}

static bool is_left_out(const struct model_vm *vm)
{
	return !vm->fault_history && model_vm_has_apf(vm);
}

size_t model_fault_histories_left_out(const struct model *m)
{
	size_t left_out = 0;

	for (size_t i = 0; m->keep_fault_history && i < m->vm_count; i++)
		left_out += is_left_out(m->vms[i]);
	return left_out;
}

/* --- memory */

static void free_history(struct model *m, struct model_vm *vm)
{
	m->fault_histories -= !!vm->fault_history;
	free(vm->fault_history);
	vm->fault_history = NULL;
}

void model_keep_fault_history(struct model *m, bool keep)
{
	m->keep_fault_history = keep;
	for (size_t i = 0; !keep && i < m->vm_count; i++)
		free_history(m, m->vms[i]);
}

void apf_free_vm(struct model *m, struct model_vm *vm)
{
	frames_free(vm->frames);
	vm->frames = NULL;
	free_history(m, vm);
}
