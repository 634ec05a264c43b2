/* SPDX-License-Identifier: GPL-2.0-only */
#include "model/sum.h"

#include <errno.h>
#include <stdlib.h>

#define HISTS 3

/* A histogram of one event alone is lent by the model; only where there are more it is merged. */
struct own_sum {
	struct model_sum sum;
	struct hist *merged[HISTS];
};

size_t model_gone_vms(const struct model *m, uint64_t since_ns)
{
	size_t count, gone = 0;
	struct model_vm *const *vms = model_vms(m, &count);

	for (size_t i = 0; i < count; i++)
		gone += vms[i]->gone && vms[i]->gone_ns >= since_ns;
	return gone;
}

bool event_in_use(const struct model_event *e)
{
	return (e->state & (SDEI_REGISTERED | SDEI_RUNNING | SDEI_PENDING)) || e->count.signals || e->count.dispatched ||
	       e->count.completed || e->count.resumed || e->lost;
}

const struct hist *model_event_hist(const struct model_event *e, bool recent, enum event_hist which)
{
	const struct hist *all[] = { [HIST_DISPATCH] = e->dispatch, [HIST_HANDLER] = e->handler, [HIST_TOTAL] = e->total };
	struct model_event_interval last;

	if (!recent)
		return all[which];
	model_event_interval(e, &last);
	return which == HIST_DISPATCH ? last.dispatch : which == HIST_HANDLER ? last.handler : last.total;
}

bool model_vcpu_has_mask(const struct model_vcpu *vcpu)
{
	return vcpu->mask_known || (vcpu->gone && vcpu->last_ns);
}

int64_t model_event_unaccounted(const struct model_event *e)
{
	int64_t signals = model_unaccounted(e);

	return signals ? signals : model_unaccounted_handlers(e);
}

static int merge(const struct hist **sum, struct hist **merged, const struct hist *h)
{
	int err;

	if (!hist_count(h))
		return 0;
	if (!*sum) {
		*sum = h;
		return 0;
	}
	if (!*merged) {
		*merged = hist_new();
		err = *merged ? hist_merge(*merged, *sum) : -ENOMEM;
		if (err)
			return err;
		*sum = *merged;
	}
	return hist_merge(*merged, h);
}

static void add_counts(struct model_counts *sum, const struct model_counts *counts)
{
#define X(field, help) sum->field += counts->field;
	MODEL_COUNTS(X)
#undef X
}

void event_tally_add(struct event_tally *tally, const struct model_event *e)
{
	const struct model_blame *blame = model_event_blame(e);
	int64_t unaccounted = model_event_unaccounted(e);

	add_counts(&tally->count, &e->count);
	add_counts(&tally->interval, &e->interval);
	for (unsigned int i = 0; i < REJECT_COUNT; i++)
		tally->rejected[i] += e->rejected[i];
	tally->events++;
	tally->pending += !!(e->state & SDEI_PENDING);
	tally->running += !!(e->state & SDEI_RUNNING);
	tally->unaccounted += unaccounted < 0 ? -(uint64_t)unaccounted : (uint64_t)unaccounted;
	for (unsigned int part = 0; blame && part < BLAME_COUNT; part++)
		tally->blame.ns[part] += blame->ns[part];
}

static int add_event(struct own_sum *own, const struct model_event *e, bool recent)
{
	struct model_sum *sum = &own->sum;
	int err;

	if (!event_in_use(e))
		return 0;
	event_tally_add(&sum->tally, e);
	sum->state |= e->state & ~SDEI_MASKED;
	sum->inexact |= e->inexact;
	err = merge(&sum->dispatch, &own->merged[HIST_DISPATCH], model_event_hist(e, recent, HIST_DISPATCH));
	if (!err)
		err = merge(&sum->handler, &own->merged[HIST_HANDLER], model_event_hist(e, recent, HIST_HANDLER));
	if (!err)
		err = merge(&sum->total, &own->merged[HIST_TOTAL], model_event_hist(e, recent, HIST_TOTAL));
	return err;
}

static void add_mask(struct model_sum *sum, const struct model_vcpu *vcpu, uint64_t now_ns)
{
	uint64_t end = vcpu->gone ? vcpu->gone_ns : now_ns;

	sum->vcpus += !vcpu->gone;
	sum->inexact |= vcpu->inexact;
	if (model_vcpu_has_mask(vcpu) && end > vcpu->first_seen_ns) {
		sum->masked_ns += model_masked_ns(vcpu, end);
		sum->seen_ns += end - vcpu->first_seen_ns;
	}
	if (!vcpu->mask_known || vcpu->gone)
		return;
	sum->mask_known = true;
	sum->masked_vcpus += vcpu->masked;
	sum->state |= vcpu->masked ? SDEI_MASKED : 0;
	sum->interval_masked_ns += vcpu->interval_masked_ns;
	sum->interval_vcpus++;
}

static int add_vcpu(struct own_sum *own, const struct model_vcpu *vcpu, uint64_t now_ns, bool recent)
{
	int err = 0;

	add_mask(&own->sum, vcpu, now_ns);
	for (size_t i = 0; i < vcpu->event_count && !err; i++)
		err = add_event(own, vcpu->events[i], recent);
	return err;
}

struct model_sum *sum_new(const struct model_vm *vm, const struct model_vcpu *vcpu, uint64_t now_ns, bool recent)
{
	struct own_sum *own = calloc(1, sizeof(*own));
	int err = own ? 0 : -ENOMEM;

	if (!err && vcpu)
		err = add_vcpu(own, vcpu, now_ns, recent);
	for (size_t i = 0; !vcpu && i < vm->vcpu_count && !err; i++)
		err = add_vcpu(own, vm->vcpus[i], now_ns, recent);
	if (!err && vcpu)
		model_vcpu_worst(&own->sum.worst, vcpu, now_ns, recent);
	else if (!err)
		model_vm_worst(&own->sum.worst, vm, now_ns, recent);
	if (!err)
		return &own->sum;
	if (own)
		sum_free(&own->sum);
	return NULL;
}

void sum_free(struct model_sum *sum)
{
	struct own_sum *own = (struct own_sum *)sum;

	for (size_t i = 0; own && i < HISTS; i++)
		hist_free(own->merged[i]);
	free(own);
}
