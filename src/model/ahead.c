// SPDX-License-Identifier: GPL-2.0-only
/*
 * With thousands of vCPUs nearly every record finds its vCPU, event, histograms
 * and buckets out of the cache, each known only from the one before. So while
 * one record is taken, those to come are each a step further on that way. It is
 * only about caches: what a step reads may change until the record is taken.
 */
#include "model/inside.h"

#define LINE 64

/* How many records ahead each step is. */
enum {
	AHEAD_SLOT = 32,
	AHEAD_VCPU = 24,
	AHEAD_EVENT = 16,
	AHEAD_HISTS = 9,
	AHEAD_BUCKETS = 4,
	WINDOW = 32		/* power of two, at least AHEAD_VCPU */
};

struct batch {
	const struct model *m;
	const struct sdei_record *const *records;
	size_t count;
	struct model_vcpu *vcpus[WINDOW];	/* of records 0 .. AHEAD_VCPU ahead; NULL: new */
};

static void fetch_slot(const struct batch *b, size_t at)
{
	if (at < b->count)
		idmap_prefetch(&b->m->vcpus, vcpu_key(b->records[at]->vm, b->records[at]->vcpu));
}

static bool is_about_mask(const struct sdei_record *r)
{
	return r->kind == SDEI_MASK || r->kind == SDEI_UNMASK;
}

static void fetch_vcpu(struct batch *b, size_t at)
{
	struct model_vcpu *v;

	if (at >= b->count)
		return;
	v = life_find(b->m, b->records[at]->vm, b->records[at]->vcpu);
	b->vcpus[at % WINDOW] = v;
	__builtin_prefetch(v, 1);
	__builtin_prefetch((const char *)v + LINE, 1);
	if (is_about_mask(b->records[at]))
		__builtin_prefetch((const char *)v + 2 * LINE, 1);
}

/* The vCPU of the record, found by fetch_vcpu(); NULL: it is new. */
static const struct model_vcpu *vcpu_of(const struct batch *b, size_t at)
{
	return at < b->count ? b->vcpus[at % WINDOW] : NULL;
}

static bool has_sender(const struct sdei_record *r)
{
	return r->kind == SDEI_SIGNAL && sender_of(r) != SDEI_NONE;
}

/*
 * Its event is most likely the one of its last record. A wrong guess costs nothing but time. Calls, and records that are about the
 * mask, need nothing of an event.
 */
static void fetch_event(const struct batch *b, size_t at)
{
	const struct model_vcpu *v = vcpu_of(b, at);

	if (!v || b->records[at]->kind == SDEI_MASK)
		return;
	if (b->records[at]->kind == SDEI_CALL) {
		call_prefetch(v, (const struct sdei_record_call *)b->records[at]);
		return;
	}
	if (has_sender(b->records[at]))
		__builtin_prefetch(v->senders);
	if (b->records[at]->kind == SDEI_UNMASK)	/* what waits for that is settled */
		__builtin_prefetch(v->events);
	__builtin_prefetch(v->recent, 1);
	__builtin_prefetch((const char *)v->recent + LINE, 1);
	__builtin_prefetch((const char *)v->recent + 2 * LINE, 1);
	if (b->records[at]->kind == SDEI_DISPATCH)
		__builtin_prefetch((const char *)v->recent + offsetof(struct model_event, blame), 1);
}

static void fetch_open(const struct model_event *e)
{
	__builtin_prefetch(e->open, 1);
	__builtin_prefetch((const char *)e->open + LINE, 1);
}

static void fetch_hists(const struct batch *b, size_t at)
{
	const struct model_vcpu *v = vcpu_of(b, at);
	const struct model_event *e = v ? v->recent : NULL;

	if (!e)
		return;
	switch (b->records[at]->kind) {
	case SDEI_SIGNAL:
		if (has_sender(b->records[at]))
			senders_prefetch(v);
		hist_prefetch(e->coalesce_age);
		break;
	case SDEI_DISPATCH:
		fetch_open(e);
		hist_prefetch(e->dispatch);
		hist_prefetch(e->episode_signals);
		break;
	case SDEI_COMPLETE:
		hist_prefetch(e->handler);
		hist_prefetch(e->total);
		break;
	case SDEI_UNMASK:
		fetch_open(e);
		hist_prefetch(v->mask);
		break;
	}
}

/* When what the record ends has begun: with a record of that kind and vCPU that is still to be taken, or as is known. */
static uint64_t since(const struct batch *b, size_t at, uint8_t kind, uint64_t known_ns)
{
	size_t first = at > AHEAD_BUCKETS ? at - AHEAD_BUCKETS : 0;

	for (size_t i = at; i-- > first;)
		if (b->vcpus[i % WINDOW] == b->vcpus[at % WINDOW] && b->records[i]->kind == kind)
			return b->records[i]->time_ns;
	return known_ns;
}

/* A wrong guess fetches another bucket. */
static void fetch_buckets(const struct batch *b, size_t at)
{
	const struct model_vcpu *v = vcpu_of(b, at);
	const struct model_event *e = v ? v->recent : NULL;
	uint64_t time_ns = at < b->count ? b->records[at]->time_ns : 0;

	if (!e)
		return;
	switch (b->records[at]->kind) {
	case SDEI_SIGNAL:
		hist_prefetch_bucket(e->coalesce_age, time_ns - e->pending_since_ns);
		break;
	case SDEI_DISPATCH:
		hist_prefetch_bucket(e->dispatch, time_ns - since(b, at, SDEI_SIGNAL, e->pending_since_ns));
		hist_prefetch_bucket(e->episode_signals, e->episode_count);
		break;
	case SDEI_COMPLETE:
		hist_prefetch_bucket(e->handler, time_ns - since(b, at, SDEI_DISPATCH, e->running_since_ns));
		hist_prefetch_bucket(e->total, time_ns - since(b, at, SDEI_SIGNAL, e->running_signal_ns));
		break;
	case SDEI_UNMASK:
		hist_prefetch_bucket(v->mask, time_ns - since(b, at, SDEI_MASK, v->masked_since_ns));
		break;
	}
}

static void fetch(struct batch *b, size_t at)
{
	fetch_slot(b, at + AHEAD_SLOT);
	fetch_vcpu(b, at + AHEAD_VCPU);
	fetch_event(b, at + AHEAD_EVENT);
	fetch_hists(b, at + AHEAD_HISTS);
	fetch_buckets(b, at + AHEAD_BUCKETS);
}

/* Fewer vCPUs than this fit the cache, and then looking ahead costs more than it saves. */
#define MANY_VCPUS 256

void model_feed_many(struct model *m, const struct sdei_record *const records[], const size_t sizes[], size_t count)
{
	struct batch b = { .m = m, .records = records, .count = count };

	if (m->vcpus.used < MANY_VCPUS) {
		for (size_t at = 0; at < count; at++)
			model_feed(m, records[at], sizes[at]);
		return;
	}
	for (size_t at = 0; at < AHEAD_SLOT; at++)
		fetch_slot(&b, at);
	for (size_t at = 0; at < AHEAD_VCPU; at++)
		fetch_vcpu(&b, at);
	for (size_t at = 0; at < count; at++) {
		fetch(&b, at);
		model_feed(m, records[at], sizes[at]);
	}
}
