// SPDX-License-Identifier: GPL-2.0-only
#include "diff/collect.h"

#include <errno.h>
#include <stdlib.h>

#include "model/slice.h"

/* The counts of an event that are compared by how often they grow. */
static const struct {
	enum diff_stage stage;
	size_t offset;		/* in struct model_counts */
} rates[] = {
	{ STAGE_signals, offsetof(struct model_counts, signals) },
	{ STAGE_coalesced, offsetof(struct model_counts, coalesced) },
	{ STAGE_rejected, offsetof(struct model_counts, rejected) },
	{ STAGE_cancelled, offsetof(struct model_counts, cancelled) },
	{ STAGE_cleared, offsetof(struct model_counts, cleared) },
};

/* What a record may end that is no slice: as it was before the record. */
struct before {
	const struct model_event *event;	/* NULL: of no interest */
	uint64_t pending_ns, signal_ns, coalesced, totals;
};

struct collector {
	struct samples *samples;
	struct collect_options options;
	struct model *model;
	struct slicer *slicer;
	uint64_t next_ns;	/* the totals are taken then */
	uint64_t refused;
	bool begun, no_memory;
};

static void add(struct collector *c, uint32_t event, enum diff_stage stage, uint64_t from_ns, uint64_t time_ns, uint64_t value_ns)
{
	struct samples_key key = { event, stage };

	if (!c->begun || from_ns < samples_from_ns(c->samples))
		return;
	if (samples_add(c->samples, key, time_ns, value_ns))
		c->no_memory = true;
}

/* --- slices */

static void add_episode(struct collector *c, const struct slice *slice)
{
	uint32_t event = slice->event->event;
	struct model_blame blame = slice->late.blame;

	add(c, event, STAGE_dispatch, slice->from_ns, slice->to_ns, slice->to_ns - slice->from_ns);
	if (!slice->blamed)
		return;
	for (unsigned int part = BLAME_entry + 1; !c->options.split_entry && part < BLAME_COUNT; part++) {
		blame.ns[BLAME_entry] += blame.ns[part];
		blame.ns[part] = 0;
	}
	for (unsigned int part = 0; part < BLAME_COUNT; part++)
		add(c, event, STAGE_dispatch + 1 + part, slice->from_ns, slice->to_ns, blame.ns[part]);
}

static void take_slice(void *ctx, const struct slice *slice)
{
	struct collector *c = ctx;
	uint64_t length_ns = slice->to_ns - slice->from_ns;

	if (slice->end == SLICE_DISPATCHED)
		add_episode(c, slice);
	else if (slice->end == SLICE_COMPLETED || slice->end == SLICE_RESUMED)
		add(c, slice->event->event, STAGE_handler, slice->from_ns, slice->to_ns, length_ns);
	else if (slice->end == SLICE_UNMASKED)
		add(c, SDEI_NONE, slice->initial ? STAGE_initial_mask : STAGE_mask, slice->from_ns, slice->to_ns, length_ns);
}

static void take_fault(void *ctx, const struct fault_slice *slice)
{
	add(ctx, SDEI_NONE, STAGE_apf_signal + slice->stage, slice->from_ns, slice->to_ns, slice->to_ns - slice->from_ns);
}

/* --- what is no slice */

static struct before look(const struct collector *c, const struct sdei_record *r)
{
	const struct model_vcpu *v = NULL;
	const struct model_event *e;

	if (r->event != SDEI_NONE && (r->kind == SDEI_SIGNAL || r->kind == SDEI_COMPLETE))
		v = slicer_vcpu(c->slicer, r->vm, r->vcpu);
	e = v ? model_event(v, r->event) : NULL;
	if (!e)
		return (struct before){ 0 };
	return (struct before){
		.event = e, .pending_ns = e->pending_since_ns, .signal_ns = e->running_signal_ns,
		.coalesced = hist_count(e->coalesce_age), .totals = hist_count(e->total),
	};
}

static void compare(struct collector *c, const struct before *was, const struct sdei_record *r)
{
	const struct model_event *e = was->event;

	if (!e)
		return;
	if (hist_count(e->coalesce_age) > was->coalesced)
		add(c, e->event, STAGE_coalesce_age, was->pending_ns, r->time_ns, r->time_ns - was->pending_ns);
	if (hist_count(e->total) > was->totals)
		add(c, e->event, STAGE_total, was->signal_ns, r->time_ns, r->time_ns - was->signal_ns);
}

/* --- totals */

static void take_total(struct collector *c, uint32_t event, enum diff_stage stage, uint64_t count)
{
	if (samples_total(c->samples, (struct samples_key){ event, stage }, count))
		c->no_memory = true;
}

static void take_faults(struct collector *c, const struct apf_counts *count)
{
	take_total(c, SDEI_NONE, STAGE_apf_setup, count->setup);
	take_total(c, SDEI_NONE, STAGE_apf_halted, count->halted);
	take_total(c, SDEI_NONE, STAGE_apf_untold, count->untold);
	take_total(c, SDEI_NONE, STAGE_apf_fallback, count->fallback);
}

static void take_vcpu(struct collector *c, const struct model_vcpu *v)
{
	const struct model_apf *apf = model_vcpu_apf(v);

	if (apf)
		take_faults(c, &apf->count);
	for (size_t i = 0; i < v->event_count; i++)
		for (size_t k = 0; k < sizeof(rates) / sizeof(rates[0]); k++)
			take_total(c, v->events[i]->event, rates[k].stage,
				   *(const uint64_t *)((const char *)&v->events[i]->count + rates[k].offset));
}

static void take_totals(struct collector *c, uint64_t time_ns, bool start)
{
	size_t vms;
	struct model_vm *const *vm = model_vms(c->model, &vms);

	for (size_t i = 0; i < vms; i++)
		for (size_t k = 0; k < vm[i]->vcpu_count; k++)
			take_vcpu(c, vm[i]->vcpus[k]);
	take_total(c, SDEI_NONE, STAGE_refused, c->refused);
	samples_totals_end(c->samples, time_ns, start);
}

/* Before anything of the next block is fed. */
static void close_block(struct collector *c, uint64_t time_ns)
{
	if (!c->begun || time_ns < c->next_ns)
		return;
	take_totals(c, c->next_ns - 1, false);
	c->next_ns = samples_block_end(c->samples, time_ns);
}

/* --- life */

struct collector *collector_new(struct samples *samples, const struct collect_options *options)
{
	struct collector *c = calloc(1, sizeof(*c));
	const struct slicer_calls calls = { .slice = take_slice, .fault = take_fault, .ctx = c };

	if (!c)
		return NULL;
	c->samples = samples;
	c->options = *options;
	c->model = model_new(NULL);
	c->slicer = c->model ? slicer_new(c->model, &calls) : NULL;
	if (c->slicer)
		return c;
	collector_free(c);
	return NULL;
}

void collector_free(struct collector *c)
{
	if (!c)
		return;
	slicer_free(c->slicer);
	model_free(c->model);
	free(c);
}

void collector_begin(struct collector *c)
{
	c->begun = true;
	take_totals(c, samples_from_ns(c->samples), true);
	c->next_ns = samples_block_end(c->samples, samples_from_ns(c->samples));
}

void collector_record(struct collector *c, const struct sdei_record *r, size_t size)
{
	const struct sdei_record_call *call = (const struct sdei_record_call *)r;
	struct before was;

	close_block(c, r->time_ns);
	was = look(c, r);
	if (slicer_feed(c->slicer, r, size) == -ENOMEM)
		c->no_memory = true;
	compare(c, &was, r);
	if (r->kind == SDEI_CALL && size >= sizeof(*call))
		c->refused += model_call_is_refused(slicer_vcpu(c->slicer, r->vm, r->vcpu), call);
}

/* A lost call leaves a gap in nothing but the counts, and is counted. */
void collector_lost(struct collector *c, const struct sdei_lost_key *key, uint64_t count)
{
	if (key && key->kind == SDEI_CALL)
		c->refused += model_lost_call_is_refused(key) ? count : 0;
	else if (c->begun && samples_lost(c->samples, !key ? SDEI_NONE : key->kind == SDEI_APF ? SAMPLES_FAULTS : key->event))
		c->no_memory = true;
	if (slicer_feed_lost(c->slicer, key, count) == -ENOMEM)
		c->no_memory = true;
}

void collector_tick(struct collector *c, uint64_t now_ns)
{
	slicer_tick(c->slicer, now_ns);
}

int collector_end(struct collector *c, uint64_t now_ns)
{
	if (!c->begun)
		collector_begin(c);
	take_totals(c, now_ns, false);
	return slicer_end(c->slicer, now_ns) || c->no_memory ? -ENOMEM : 0;
}

const struct model *collector_model(const struct collector *c)
{
	return c->model;
}
