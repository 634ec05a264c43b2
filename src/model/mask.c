// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PE mask of a vCPU. An interval that MASK (of an unmasked PE) opened and
 * UNMASK closed is a sample of `mask`; one that creation or reset opened and
 * UNMASK closed a sample of `initial_mask`. Every other way to learn of a
 * change makes no sample, but what was seen of it still counts as masked time.
 */
#include "model/inside.h"

static void open_interval(struct model_vcpu *v, uint64_t since_ns, uint64_t from_ns, bool initial)
{
	v->mask_known = v->masked = true;
	v->initial = initial;
	v->masked_since_ns = since_ns;
	v->masked_from_ns = from_ns;
}

static void close_interval(struct model_vcpu *v, uint64_t time_ns)
{
	v->masked_ns = model_masked_ns(v, time_ns);
	v->mask_known = true;
	v->masked = v->initial = v->idle = false;
	v->masked_since_ns = v->masked_from_ns = 0;
}

/* Result 0 means masked already: that does not start anew. */
static void take_mask(struct model_vcpu *v, const struct sdei_record *r)
{
	v->mask_calls++;
	if (r->error != 1 || !(r->state & SDEI_MASKED))
		return;
	if (v->masked) {	/* its UNMASK was not seen: masked for sure until the record before */
		v->inexact = true;
		close_interval(v, v->last_ns);
	}
	open_interval(v, r->time_ns, r->time_ns, false);
}

static int take_unmask(struct model_vcpu *v, const struct sdei_record *r)
{
	uint64_t since_ns = v->masked_since_ns;
	struct hist **h = v->initial ? &v->initial_mask : &v->mask;

	v->unmask_calls++;
	if (!v->masked || r->state & SDEI_MASKED)
		return 0;
	close_interval(v, r->time_ns);
	return since_ns && since_ns <= r->time_ns ? sample_add(h, r->time_ns - since_ns, r, SDEI_NONE) : 0;
}

/* A reset of the vCPU begins the wait for its first unmask again. PRIVATE_RESET leaves the mask alone. */
static void take_reset(struct model_vcpu *v, const struct sdei_record *r)
{
	if (r->origin != SDEI_VCPU_RESET || !(r->state & SDEI_MASKED))
		return;
	close_interval(v, r->time_ns);
	open_interval(v, r->time_ns, r->time_ns, true);
}

/*
 * Creation and reset mask; of the several records that say so the first starts
 * the interval. If records were lost this one may not be the first.
 */
static void take_state(struct model_vcpu *v, const struct sdei_record *r)
{
	uint64_t since_ns = v->lost ? 0 : r->time_ns;

	if (v->masked || !(r->state & SDEI_MASKED))
		return;
	if (r->origin == SDEI_CREATED || (r->origin == SDEI_STATE_RESET && v->mask_known))
		open_interval(v, since_ns, r->time_ns, true);
}

/*
 * The mask is not what it was after the record before. STATE and RESET may
 * change it; with any other record a MASK or UNMASK was missed: when, nobody knows.
 */
static void resync(struct model_vcpu *v, const struct sdei_record *r)
{
	bool told = r->kind == SDEI_STATE || r->kind == SDEI_RESET;

	if (v->mask_known && !told)
		v->inexact = true;
	if (r->state & SDEI_MASKED)
		open_interval(v, 0, r->time_ns, false);
	else
		close_interval(v, told ? r->time_ns : v->last_ns);
}

void mask_sketch(struct model_vcpu *v, const struct sdei_record *r)
{
	if (v->last_ns || v->mask_known)
		return;
	v->mask_known = true;
	if (r->state & SDEI_MASKED)
		open_interval(v, r->event == SDEI_NONE && r->arg <= r->time_ns ? r->arg : 0, r->time_ns, false);
}

/* The first record and the snapshot may have crossed. */
static void check_sketch(struct model_vcpu *v, const struct sdei_record *r)
{
	bool masks = r->kind == SDEI_MASK && r->error == 1;
	bool before = r->kind == SDEI_UNMASK ? v->masked : !masks && r->state & SDEI_MASKED;

	if (v->masked != before)
		mask_forget(v, v->masked_from_ns);
}

int mask_take(struct model_vcpu *v, const struct sdei_record *r)
{
	int err = 0;

	if (unlikely(!v->last_ns && v->mask_known))
		check_sketch(v, r);
	switch (r->kind) {
	case SDEI_MASK:
		take_mask(v, r);
		break;
	case SDEI_UNMASK:
		err = take_unmask(v, r);
		break;
	case SDEI_RESET:
		take_reset(v, r);
		break;
	case SDEI_STATE:
		take_state(v, r);
		break;
	}
	if (unlikely(!v->mask_known || v->masked != !!(r->state & SDEI_MASKED)))
		resync(v, r);
	return err;
}

/* The call still counts. Any of these may have changed the mask, so the start of what is open is not sure any more. */
void mask_missed(struct model_vcpu *v, unsigned int kind, uint64_t count)
{
	if (kind == SDEI_MASK)
		v->mask_calls += count;
	if (kind == SDEI_UNMASK)
		v->unmask_calls += count;
	if (kind != SDEI_MASK && kind != SDEI_UNMASK && kind != SDEI_RESET && kind != SDEI_STATE)
		return;
	v->inexact = true;
	v->initial = false;
	v->masked_since_ns = 0;
}

void mask_forget(struct model_vcpu *v, uint64_t time_ns)
{
	close_interval(v, time_ns);
	v->mask_known = false;
}

void mask_reset(struct model_vcpu *v, uint64_t now_ns)
{
	hist_free(v->mask);
	hist_free(v->initial_mask);
	v->mask = v->initial_mask = NULL;
	v->masked_ns = v->interval_masked_ns = v->mark_masked_ns = v->masked_told_ns = 0;
	v->mask_calls = v->unmask_calls = 0;
	if (v->masked)
		v->masked_from_ns = now_ns;
}

uint64_t model_masked_ns(const struct model_vcpu *vcpu, uint64_t now_ns)
{
	bool open = vcpu->masked && now_ns > vcpu->masked_from_ns;

	return vcpu->masked_ns + (open ? now_ns - vcpu->masked_from_ns : 0);
}
