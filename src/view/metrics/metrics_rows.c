// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>

#include "view/figures/columns.h"
#include "view/metrics/metrics_inside.h"
#include "util/array.h"

void metrics_rows_clear(struct metrics_rows *rows)
{
	rows->vm_count = rows->pe_count = rows->event_count = rows->apf_count = 0;
	rows->labels.size = 0;
	rows->labels.failed = false;
}

void metrics_rows_free(struct metrics_rows *rows)
{
	free(rows->vms);
	free(rows->pes);
	free(rows->events);
	free(rows->apfs);
	free(rows->labels.bytes);
}

struct metrics_mark metrics_rows_mark(const struct metrics_rows *rows)
{
	return (struct metrics_mark){ rows->vm_count, rows->pe_count, rows->event_count, rows->apf_count, rows->labels.size };
}

void metrics_rows_take_back(struct metrics_rows *rows, const struct metrics_mark *mark)
{
	rows->vm_count = mark->vms;
	rows->pe_count = mark->pes;
	rows->event_count = mark->events;
	rows->apf_count = mark->apfs;
	rows->labels.size = mark->labels;
}

/* --- labels */

static struct metrics_labels vm_labels(struct buf *t, const struct metrics_vms *vms, size_t i)
{
	size_t at = t->size;

	buf_puts(t, "vm=\"");
	metrics_put_vm(t, vms, i);
	buf_puts(t, "\"");
	return (struct metrics_labels){ at, t->size - at };
}

/* labels and the start of more; where that is. */
static size_t begin_labels(struct buf *t, struct metrics_labels labels, const char *key)
{
	size_t at = t->size;

	if (buf_room(t, labels.size))
		buf_put(t, t->bytes + labels.at, labels.size);
	buf_puts(t, key);
	return at;
}

static struct metrics_labels end_labels(struct buf *t, size_t at)
{
	buf_puts(t, "\"");
	return (struct metrics_labels){ at, t->size - at };
}

/* labels,key="value" */
static struct metrics_labels more_labels(struct buf *t, struct metrics_labels labels, const char *key, uint32_t value)
{
	size_t at = begin_labels(t, labels, key);

	buf_put_u64(t, value);
	return end_labels(t, at);
}

static struct metrics_labels stage_labels(struct buf *t, struct metrics_labels labels, enum apf_stage stage)
{
	size_t at = begin_labels(t, labels, ",stage=\"");

	buf_puts(t, apf_stage_name(stage));
	return end_labels(t, at);
}

/* --- sums */

static void add_hist(struct metrics_hist *sum, const struct hist *h)
{
	hist_add_powers(h, sum->powers);
	sum->count += hist_count(h);
	sum->sum += hist_sum(h);
}

static void add_worst(struct hist_worst *sum, const struct hist_worst *worst)
{
	if (worst && (worst->value_ns > sum->value_ns || !sum->time_ns))
		*sum = *worst;
}

static void add_event(struct metrics_event *sum, const struct model_event *e)
{
	event_tally_add(&sum->tally, e);
	add_hist(&sum->hists[METRICS_DISPATCH], e->dispatch);
	add_hist(&sum->hists[METRICS_HANDLER], e->handler);
	add_hist(&sum->hists[METRICS_TOTAL], e->total);
	add_worst(&sum->worst, hist_worst(e->dispatch));
}

static void add_findings(struct metrics_pe *pe, const struct model_vcpu *v)
{
	for (unsigned int code = 0; code < FINDING_GIC; code++) {
		pe->found[code] += v->found[code];
		pe->open[code] += model_is_found(v, NULL, code);
		for (size_t i = 0; i < v->event_count; i++)
			pe->open[code] += model_is_found(v, v->events[i], code);
	}
}

static void add_call_times(struct metrics_sum sums[SDEI_CALL_COUNT], const struct model_vcpu *v)
{
	for (unsigned int i = 0; i < SDEI_CALL_COUNT; i++) {
		const struct hist *time = model_call_time(v, SDEI_FN_FIRST + i);

		sums[i].count += hist_count(time);
		sums[i].sum += hist_sum(time);
	}
}

static void add_vcpu(struct metrics_pe *pe, const struct model_vcpu *v)
{
	pe->vcpus += !v->gone;
	pe->masked_vcpus += !v->gone && v->mask_known && v->masked;
	pe->masked_ns += v->masked_told_ns;
	pe->lost += v->lost;
	add_hist(&pe->mask, v->mask);
	pe->has_calls |= model_add_calls(v, pe->calls);
	add_call_times(pe->call_times, v);
	pe->has_psci |= model_has_psci(v);
	model_add_psci(v, &pe->psci);
	pe->has_power |= v->power_known;
	pe->off_vcpus += v->off;
	add_findings(pe, v);
}

static void add_faults(struct metrics_apf *sum, const struct model_apf *apf)
{
	if (!apf)
		return;
	apf_tally_add(&sum->tally, apf);
	for (unsigned int i = 0; i < APF_STAGE_COUNT; i++)
		add_hist(&sum->stages[i], apf->stage[i]);
	add_worst(&sum->worst, hist_worst(apf->stage[APF_STAGE_total]));
}

/* --- rows */

static struct metrics_pe *new_pe(struct metrics_rows *rows, struct metrics_labels labels)
{
	if (ARRAY_ROOM(rows->pes, rows->pe_room, rows->pe_count, 16))
		return NULL;
	rows->pes[rows->pe_count] = (struct metrics_pe){ .labels = labels };
	return &rows->pes[rows->pe_count++];
}

static struct metrics_event *new_event(struct metrics_rows *rows, size_t at, struct metrics_labels labels, uint32_t event)
{
	struct metrics_event *row;

	if (ARRAY_ROOM(rows->events, rows->event_room, rows->event_count, 16))
		return NULL;
	row = &rows->events[at];
	memmove(row + 1, row, (rows->event_count++ - at) * sizeof(*row));
	memset(row, 0, sizeof(*row));
	row->labels = more_labels(&rows->labels, labels, ",event=\"", event);
	row->event = event;
	return row;
}

/* Both the rows since first and the events of a vCPU ascend. */
static int add_events(struct metrics_rows *rows, size_t first, struct metrics_labels labels, const struct model_vcpu *v)
{
	size_t at = first;

	for (size_t i = 0; i < v->event_count; i++) {
		const struct model_event *e = v->events[i];

		if (!event_in_use(e))
			continue;
		while (at < rows->event_count && rows->events[at].event < e->event)
			at++;
		if ((at == rows->event_count || rows->events[at].event != e->event) && !new_event(rows, at, labels, e->event))
			return -ENOMEM;
		add_event(&rows->events[at], e);
	}
	return 0;
}

/* Faults of a VM, or (vcpu) of one vCPU. */
static int add_apf(struct metrics_rows *rows, struct metrics_labels labels, const struct model_vm *vm,
		   const struct model_vcpu *vcpu)
{
	struct metrics_apf *row;

	if (vcpu ? !model_vcpu_apf(vcpu) : !model_vm_has_apf(vm))
		return 0;
	if (ARRAY_ROOM(rows->apfs, rows->apf_room, rows->apf_count, 16))
		return -ENOMEM;
	row = &rows->apfs[rows->apf_count++];
	*row = (struct metrics_apf){ .labels = labels };
	for (unsigned int i = 0; i < APF_STAGE_COUNT; i++)
		row->stage_labels[i] = stage_labels(&rows->labels, labels, i);
	if (vcpu)
		add_faults(row, model_vcpu_apf(vcpu));
	for (size_t i = 0; !vcpu && i < vm->vcpu_count; i++)
		add_faults(row, model_vcpu_apf(vm->vcpus[i]));
	return 0;
}

static int add_vcpus(struct metrics_rows *rows, const struct model_vm *vm, struct metrics_labels labels)
{
	struct metrics_pe *pe = new_pe(rows, labels);
	size_t first = rows->event_count;
	int err = pe ? 0 : -ENOMEM;

	for (size_t i = 0; i < vm->vcpu_count && !err; i++) {
		add_vcpu(pe, vm->vcpus[i]);
		err = add_events(rows, first, labels, vm->vcpus[i]);
	}
	return err ? err : add_apf(rows, labels, vm, NULL);
}

static int add_each_vcpu(struct metrics_rows *rows, const struct model_vm *vm, struct metrics_labels labels)
{
	int err = 0;

	for (size_t i = 0; i < vm->vcpu_count && !err; i++) {
		struct metrics_labels own = more_labels(&rows->labels, labels, ",vcpu=\"", vm->vcpus[i]->id);
		struct metrics_pe *pe = new_pe(rows, own);

		if (!pe)
			return -ENOMEM;
		add_vcpu(pe, vm->vcpus[i]);
		err = add_events(rows, rows->event_count, own, vm->vcpus[i]);
		if (!err)
			err = add_apf(rows, own, vm, vm->vcpus[i]);
	}
	return err;
}

int metrics_rows_add(struct metrics_rows *rows, const struct model_vm *vm, const struct metrics_vms *vms, size_t i, bool by_vcpu)
{
	struct metrics_labels labels = vm_labels(&rows->labels, vms, i);
	int err;

	if (ARRAY_ROOM(rows->vms, rows->vm_room, rows->vm_count, 16))
		return -ENOMEM;
	rows->vms[rows->vm_count++] = (struct metrics_vm){ labels, vm };
	err = by_vcpu ? add_each_vcpu(rows, vm, labels) : add_vcpus(rows, vm, labels);
	return rows->labels.failed ? -ENOMEM : err;
}
