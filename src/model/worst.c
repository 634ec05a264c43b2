/* SPDX-License-Identifier: GPL-2.0-only */
#include "model/worst.h"

#include <string.h>

#include "model/inside.h"
#include "model/sum.h"

static const struct {
	const char *name;
	char letter;
} kinds[] = {
	[WORST_NONE] = { NULL, 0 },
#define X(name, letter, help) [WORST_##name] = { #name, letter },
	MODEL_WORSTS(X)
#undef X
};

const char *worst_kind_name(enum worst_kind kind)
{
	return kinds[kind].name;
}

char worst_letter(enum worst_kind kind)
{
	return kinds[kind].letter;
}

static void take(struct model_worst *worst, const struct model_worst *other)
{
	if (worst->kind == WORST_NONE || other->ns > worst->ns)
		*worst = *other;
}

/* --- what has ended */

/* Where the time of the dispatch at time_ns went, if that is still known. */
static void find_wait(struct model_late *wait, const struct model_event *e, uint64_t time_ns)
{
	size_t count;
	const struct model_late *late = model_event_late(e, &count);

	for (size_t i = 0; i < count; i++)
		if (late[i].dispatch_ns == time_ns)
			*wait = late[i];
}

static void take_dispatch(struct model_worst *worst, const struct model_event *e, bool recent)
{
	const struct hist *h = model_event_hist(e, recent, HIST_DISPATCH);
	const struct hist_worst *who = hist_worst(h);
	struct model_worst dispatch = { .kind = WORST_dispatch, .ns = hist_max(h), .vcpu = e->vcpu, .event = e };

	if (!hist_count(h))
		return;
	dispatch.at_ns = who ? who->time_ns : 0;
	find_wait(&dispatch.wait, e, dispatch.at_ns);
	take(worst, &dispatch);
}

/* --- what is open */

/* Since since_ns (0: unknown), and longer than what has ended. */
static void take_open(struct model_worst *worst, struct model_worst open, uint64_t since_ns, const struct hist *ended)
{
	open.ns = open.at_ns - since_ns;
	if (since_ns && open.at_ns > since_ns && open.ns > hist_max(ended))
		take(worst, &open);
}

/* Where its beginning was not seen, since it was first seen so; unless records are missing, and it may be over. */
static uint64_t since_when(const struct model_event *e, uint64_t begin_ns)
{
	return begin_ns || e->uncertain ? begin_ns : e->phase_ns;
}

static void take_pending(struct model_worst *worst, const struct model_event *e, uint64_t now_ns)
{
	struct model_worst pending = { .kind = WORST_pending, .at_ns = now_ns, .vcpu = e->vcpu, .event = e };
	uint64_t since_ns = phase_of(e->state) == PHASE_READY ? since_when(e, e->pending_since_ns) : e->pending_since_ns;

	if (!(e->state & SDEI_PENDING))
		return;
	model_event_open(e, now_ns, &pending.wait);
	take_open(worst, pending, since_ns, NULL);
}

static void take_running(struct model_worst *worst, const struct model_event *e, uint64_t now_ns)
{
	const struct model_worst running = { .kind = WORST_running, .at_ns = now_ns, .vcpu = e->vcpu, .event = e };

	if (e->state & SDEI_RUNNING)
		take_open(worst, running, since_when(e, e->running_since_ns), e->handler);
}

static bool has_pending(const struct model_vcpu *vcpu)
{
	for (size_t i = 0; i < vcpu->event_count; i++)
		if (vcpu->events[i]->state & SDEI_PENDING)
			return true;
	return false;
}

/* Where an event waits for its end, that wait says more. */
static void take_mask(struct model_worst *worst, const struct model_vcpu *vcpu, const struct model_event *e, uint64_t now_ns)
{
	const struct model_worst masked = { .kind = WORST_masked, .at_ns = now_ns, .vcpu = vcpu, .event = e };

	if (!vcpu->gone && vcpu->mask_known && vcpu->masked && !vcpu->initial && !has_pending(vcpu))
		take_open(worst, masked, vcpu->masked_since_ns, vcpu->mask);
}

static void take_event(struct model_worst *worst, const struct model_event *e, uint64_t now_ns, bool recent)
{
	take_dispatch(worst, e, recent);
	if (e->vcpu->gone)
		return;
	take_pending(worst, e, now_ns);
	take_running(worst, e, now_ns);
}

static void take_vcpu(struct model_worst *worst, const struct model_vcpu *vcpu, uint64_t now_ns, bool recent)
{
	for (size_t i = 0; i < vcpu->event_count; i++)
		take_event(worst, vcpu->events[i], now_ns, recent);
	take_mask(worst, vcpu, NULL, now_ns);
}

void model_event_worst(struct model_worst *worst, const struct model_event *e, uint64_t now_ns, bool recent)
{
	memset(worst, 0, sizeof(*worst));
	take_event(worst, e, now_ns, recent);
	if (e->state & SDEI_REGISTERED)
		take_mask(worst, e->vcpu, e, now_ns);
}

void model_vcpu_worst(struct model_worst *worst, const struct model_vcpu *vcpu, uint64_t now_ns, bool recent)
{
	memset(worst, 0, sizeof(*worst));
	take_vcpu(worst, vcpu, now_ns, recent);
}

void model_vm_worst(struct model_worst *worst, const struct model_vm *vm, uint64_t now_ns, bool recent)
{
	memset(worst, 0, sizeof(*worst));
	for (size_t i = 0; i < vm->vcpu_count; i++)
		take_vcpu(worst, vm->vcpus[i], now_ns, recent);
}
