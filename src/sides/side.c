// SPDX-License-Identifier: GPL-2.0-only
#include "sides/side.h"

#include <stdlib.h>

#include "record/sdei.h"
#include "util/array.h"

/* So that sums and differences of times and offsets fit, and a double holds each of them. */
#define TIME_MAX (1ULL << 62)
#define LENGTH_MAX (1ULL << 53)

bool side_begin(struct side *s, bool is_guest, uint64_t begin_ns, uint64_t end_ns)
{
	*s = (struct side){ .is_guest = is_guest, .begin_ns = begin_ns };
	if (begin_ns > TIME_MAX || end_ns < begin_ns || end_ns - begin_ns > LENGTH_MAX)
		return false;
	s->length_ns = (int64_t)(end_ns - begin_ns);
	return true;
}

void side_clear(struct side *s)
{
	for (int what = 0; what < SIDE_WHATS; what++) {
		struct idmap *map = &s->lists[what];

		for (size_t i = 0; map->slots && i <= map->mask; i++) {
			struct side_list *list = map->slots[i].value;

			if (list)
				free(list->items);
			free(list);
		}
		idmap_release(map);
	}
	counter_side_clear(&s->counter);
	free(s->items);
	s->items = NULL;
	s->count = 0;
}

bool side_failed(const struct side *s)
{
	return s->failed || s->counter.failed;
}

int64_t side_item_ns(const struct side_item *item)
{
	return item->what == SIDE_CALL ? item->end_ns : item->begin_ns;
}

static uint64_t key_of(const struct side_item *item)
{
	return (uint64_t)item->vcpu << 32 | item->event;
}

struct side_list *side_list_of(const struct side *s, const struct side_item *item)
{
	return idmap_find(&s->lists[item->what], key_of(item));
}

static struct side_list *make_list(struct side *s, const struct side_item *item)
{
	struct side_list *list = calloc(1, sizeof(*list));

	if (!list)
		return NULL;
	list->key = key_of(item);
	list->open = list->signal = SIDE_NOTHING;
	list->signal_ns = SIDE_UNKNOWN;
	if (idmap_put(&s->lists[item->what], list->key, list)) {
		free(list);
		return NULL;
	}
	return list;
}

static struct side_list *need_list(struct side *s, const struct side_item *item)
{
	struct side_list *list = side_list_of(s, item) ?: make_list(s, item);

	s->failed |= !list;
	return list;
}

/* Its number; SIDE_NOTHING: no memory. */
static size_t add(struct side *s, const struct side_item *item)
{
	struct side_list *list = need_list(s, item);

	if (!list || ARRAY_ROOM_BY_COUNT(s->items, s->count) || ARRAY_ROOM_BY_COUNT(list->items, list->count)) {
		s->failed = true;
		return SIDE_NOTHING;
	}
	s->items[s->count] = *item;
	s->counts[item->what]++;
	list->items[list->count++] = s->count;
	return s->count++;
}

static struct side_item item_of(const struct side *s, enum side_what what, const struct sdei_record *r)
{
	int64_t time_ns = (int64_t)(r->time_ns - s->begin_ns);

	return (struct side_item){
		.begin_ns = time_ns, .end_ns = time_ns, .vcpu = r->vcpu, .event = r->event, .what = what,
		.signal = SIDE_NOTHING, .signal_ns = SIDE_UNKNOWN, .partner = SIDE_NOTHING,
	};
}

/* --- handlers, and the signals that they answer */

/* What is known of the event: the list of its handlers, without what was noted before a loss. */
static struct side_list *event_of(struct side *s, const struct sdei_record *r)
{
	const struct side_item any = item_of(s, SIDE_HANDLER, r);
	struct side_list *list = need_list(s, &any);

	if (list && list->losses != s->losses) {
		list->open = list->signal = SIDE_NOTHING;
		list->signal_ns = SIDE_UNKNOWN;
		list->losses = s->losses;
	}
	return list;
}

/* A vCPU makes one call after the other: when it makes the next signal, KVM has had the one before it. */
static void end_last_signal(struct side *s, const struct side_item *signal)
{
	const struct side_list *list = side_list_of(s, signal);

	if (list && list->count)
		s->items[list->items[list->count - 1]].end_ns = signal->begin_ns;
}

static size_t add_signal(struct side *s, const struct sdei_record *r)
{
	struct side_item item = item_of(s, SIDE_SIGNAL, r);

	item.event = r->sender;
	item.mark = r->event;
	if (s->is_guest) {
		item.end_ns = SIDE_UNKNOWN;
		end_last_signal(s, &item);
	}
	return add(s, &item);
}

static void take_signal(struct side *s, struct side_list *list, const struct sdei_record *r)
{
	size_t number = SIDE_NOTHING;

	if (r->origin == SDEI_FROM_GUEST && r->sender != SDEI_NONE)
		number = add_signal(s, r);
	if (r->outcome != SDEI_QUEUED)
		return;
	list->signal = number;
	list->signal_ns = (int64_t)(r->time_ns - s->begin_ns);
}

static void take_dispatch(struct side *s, struct side_list *list, const struct sdei_record *r)
{
	struct side_item item = item_of(s, SIDE_HANDLER, r);

	item.end_ns = SIDE_UNKNOWN;
	item.mark = r->pc;
	if (!s->is_guest) {
		item.signal = list->signal;
		item.signal_ns = list->signal_ns;
	}
	list->open = add(s, &item);
}

static void take_complete(struct side *s, struct side_list *list, const struct sdei_record *r)
{
	if (list->open != SIDE_NOTHING && r->outcome != SDEI_END_UNSEEN)
		s->items[list->open].end_ns = (int64_t)(r->time_ns - s->begin_ns);
	list->open = SIDE_NOTHING;
}

static void take_event(struct side *s, const struct sdei_record *r)
{
	struct side_list *list = event_of(s, r);

	if (!list)
		return;
	if (r->kind == SDEI_SIGNAL)
		take_signal(s, list, r);
	else if (r->kind == SDEI_DISPATCH)
		take_dispatch(s, list, r);
	else if (r->kind == SDEI_COMPLETE)
		take_complete(s, list, r);
	if (r->state & SDEI_PENDING)
		return;
	list->signal = SIDE_NOTHING;
	list->signal_ns = SIDE_UNKNOWN;
}

/* --- calls */

/* Made in assembly, where no program of the guest sees it: that its handler has ended, it sees. */
static bool is_unseen(uint32_t function)
{
	return function == SDEI_FN_EVENT_COMPLETE || function == SDEI_FN_EVENT_COMPLETE_AND_RESUME;
}

/* UINT32_MAX stands for that and all that is longer. */
static bool is_known(uint32_t duration_ns)
{
	return duration_ns && duration_ns < UINT32_MAX;
}

static void take_call(struct side *s, const struct sdei_record_call *call)
{
	struct side_item item = item_of(s, SIDE_CALL, &call->head);

	if (is_unseen(call->function))
		return;
	item.event = call->function;
	item.mark = call->args[0] * 0x9e3779b97f4a7c15ULL ^ (uint64_t)call->head.result;
	if (s->is_guest)
		item.begin_ns = is_known(call->duration_ns) ? item.end_ns - call->duration_ns : SIDE_UNKNOWN;
	add(s, &item);
}

/* --- records */

static bool is_of_use(const struct sdei_record *r)
{
	return r->kind == SDEI_SIGNAL || r->kind == SDEI_DISPATCH || r->kind == SDEI_COMPLETE || r->kind == SDEI_CALL;
}

static bool is_in_time(const struct side *s, uint64_t time_ns)
{
	return time_ns >= s->begin_ns && time_ns - s->begin_ns <= (uint64_t)s->length_ns;
}

/* What the VMM of a VM that does not run yet sets is not its last word. */
static void take_behind(struct side *s, const struct sdei_record *r)
{
	if (s->running_vm && r->vm != s->running_vm && r->origin != SDEI_COUNTER_RUNS)
		return;
	s->running_vm = r->vm;
	counter_side_behind(&s->counter, (int64_t)(r->time_ns - s->begin_ns), (const struct sdei_record_counter *)r);
}

void side_counter(struct side *s, const struct counter_look *counter)
{
	if (is_in_time(s, counter->time_ns))
		counter_side_moment(&s->counter, (int64_t)(counter->time_ns - s->begin_ns), counter);
}

void side_record(struct side *s, const struct sdei_record *r, size_t size)
{
	if (!is_in_time(s, r->time_ns))
		return;
	if (is_of_use(r)) {
		s->vm = s->vm ?: r->vm;
		s->running_vm = r->vm;
	}
	if (r->kind == SDEI_COUNTER)
		take_behind(s, r);
	else if (r->kind == SDEI_CALL)
		take_call(s, (const struct sdei_record_call *)r);
	else if (r->event != SDEI_NONE && r->kind != SDEI_APF && r->kind != SDEI_PLACE)
		take_event(s, r);
}

void side_lost(struct side *s, const struct sdei_lost_key *key, uint64_t count)
{
	s->lost += count;
	if (key && key->kind == SDEI_CALL)
		s->lost_calls += count;
	else
		s->losses++;
}
