// SPDX-License-Identifier: GPL-2.0-only
#include "model/senders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/inside.h"
#include "util/array.h"

/* --- records in */

/* Index of the first one that is not below. */
static size_t lower_bound(const struct vcpu_senders *s, uint32_t sender)
{
	return ARRAY_LOWER_BOUND(s->count, i, s->list[i].sender < sender);
}

static struct model_sender *insert(struct vcpu_senders *s, uint32_t sender, size_t at)
{
	if (ARRAY_ROOM_BY_COUNT(s->list, s->count))
		return NULL;
	memmove(s->list + at + 1, s->list + at, (s->count - at) * sizeof(*s->list));
	s->list[at] = (struct model_sender){ .sender = sender };
	s->count++;
	return &s->list[at];
}

static struct model_sender *find(struct vcpu_senders *s, uint32_t sender)
{
	if (s->recent >= s->count || s->list[s->recent].sender != sender)
		s->recent = lower_bound(s, sender);
	return s->recent < s->count && s->list[s->recent].sender == sender ? &s->list[s->recent] : NULL;
}

struct model_sender *senders_get(struct model_vcpu *v, uint32_t sender, int *err)
{
	struct model_sender *found;

	if (!v->senders)
		v->senders = calloc(1, sizeof(*v->senders));
	found = v->senders ? find(v->senders, sender) : NULL;
	if (found)
		return found;
	if (v->senders && v->senders->count == MODEL_SENDERS_MAX) {
		*err = -E2BIG;
		return NULL;
	}
	found = v->senders ? insert(v->senders, sender, v->senders->recent) : NULL;
	*err = found ? 0 : -ENOMEM;
	return found;
}

int senders_signal(struct model_vcpu *v, const struct sdei_record *r)
{
	int err = 0;
	struct model_sender *s = senders_get(v, r->sender, &err);

	if (!s)
		return err;
	s->signals++;
	s->unanswered += r->outcome == SDEI_REJECTED;
	if (r->time_ns > s->last_ns)
		s->last_ns = r->time_ns;
	return 0;
}

void senders_prefetch(const struct model_vcpu *v)
{
	if (v->senders && v->senders->list)
		__builtin_prefetch(&v->senders->list[v->senders->recent], 1);
}

/* One that had no room has none here either. */
static struct model_sender *of_episode(const struct model_event *e)
{
	return e->sender != SDEI_NONE && e->vcpu->senders ? find(e->vcpu->senders, e->sender) : NULL;
}

int senders_dispatched(struct model_event *e, const struct sdei_record *r)
{
	struct model_sender *s = of_episode(e);
	uint64_t latency_ns = r->time_ns - e->pending_since_ns;

	if (!s)
		return 0;
	s->dispatched++;
	if (latency_ns > s->worst_ns) {
		s->worst_ns = latency_ns;
		s->worst_at_ns = r->time_ns;
	}
	if (!s->latency)
		s->latency = hist_new();
	return s->latency ? hist_add(s->latency, latency_ns, NULL) : -ENOMEM;
}

void senders_unanswered(struct model_event *e)
{
	struct model_sender *s = of_episode(e);

	if (s)
		s->unanswered++;
}

void senders_free(struct vcpu_senders *s)
{
	for (size_t i = 0; s && i < s->count; i++)
		hist_free(s->list[i].latency);
	if (s)
		free(s->list);
	free(s);
}

/* --- figures out */

const struct model_sender *model_senders(const struct model_vcpu *vcpu, size_t *count)
{
	*count = vcpu->senders ? vcpu->senders->count : 0;
	return vcpu->senders ? vcpu->senders->list : NULL;
}

uint64_t model_sender_waiting_ns(const struct model_vcpu *vcpu, uint32_t sender, uint64_t now_ns)
{
	uint64_t longest = 0;

	for (size_t i = 0; i < vcpu->event_count && !vcpu->gone; i++) {
		const struct model_event *e = vcpu->events[i];

		if (e->pending_since_ns && e->sender == sender && now_ns > e->pending_since_ns && now_ns - e->pending_since_ns > longest)
			longest = now_ns - e->pending_since_ns;
	}
	return longest;
}

static size_t count_pairs(const struct model_vm *vm)
{
	size_t all = 0, count;

	for (size_t i = 0; i < vm->vcpu_count; i++) {
		model_senders(vm->vcpus[i], &count);
		all += count;
	}
	return all;
}

bool model_has_senders(const struct model_vm *vm)
{
	return count_pairs(vm) != 0;
}

static int falling(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

static int compare(const void *a, const void *b)
{
	const struct model_pair *x = a, *y = b;
	int order = falling(x->waiting_ns, y->waiting_ns);

	if (!order)
		order = !!y->sender->unanswered - !!x->sender->unanswered;
	if (!order)
		order = falling(x->sender->worst_ns, y->sender->worst_ns);
	if (!order)
		order = falling(y->sender->sender, x->sender->sender);
	return order ? order : falling(y->target->id, x->target->id);
}

struct model_pair *model_pairs(const struct model_vm *vm, uint64_t now_ns, size_t *count, int *err)
{
	size_t all = count_pairs(vm), n = 0, senders;
	struct model_pair *pairs = all ? calloc(all, sizeof(*pairs)) : NULL;

	*err = all && !pairs ? -ENOMEM : 0;
	for (size_t i = 0; pairs && i < vm->vcpu_count; i++) {
		const struct model_sender *list = model_senders(vm->vcpus[i], &senders);

		for (size_t k = 0; k < senders; k++)
			pairs[n++] = (struct model_pair){ vm->vcpus[i], &list[k], model_sender_waiting_ns(vm->vcpus[i], list[k].sender, now_ns) };
	}
	*count = n;
	if (pairs)
		qsort(pairs, n, sizeof(*pairs), compare);
	return pairs;
}
