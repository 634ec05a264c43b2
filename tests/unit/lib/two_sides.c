// SPDX-License-Identifier: GPL-2.0-only
#include "tests/unit/lib/two_sides.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "record/sdei.h"
#include "tests/random_bits.h"
#include "tests/unit/lib/recording_scene.h"

#define US 1000ULL
#define MS 1000000ULL
#define RE (SDEI_REGISTERED | SDEI_ENABLED)
#define CONTEXTS 4

struct making {
	struct two_sides *sides;
	const struct two_sides_scene *scene;
	uint64_t seed, now_ns;		/* on the host's clock */
	unsigned int episode;
	uint32_t vcpu, sender;
};

static uint64_t any(struct making *m, uint64_t least, uint64_t most)
{
	return m->scene->period_ns ? least : least + random_bits(&m->seed) % (most - least + 1);
}

static bool recorded(unsigned int from, unsigned int to, unsigned int episode)
{
	return episode >= from && (!to || episode < to);
}

static bool lacks(unsigned int every, unsigned int episode)
{
	return every && episode % every == every - 1;
}

static int64_t offset_at_begin(const struct two_sides_scene *s, bool behind_step)
{
	return (s->offset_ns ?: TWO_SIDES_OFFSET_NS) + (behind_step ? s->step_ns : 0);
}

static int64_t offset_on_host(const struct two_sides_scene *s, uint64_t host_ns, bool behind_step)
{
	return offset_at_begin(s, behind_step) + llround(s->slope * (double)(int64_t)(host_ns - TWO_SIDES_BEGIN_NS));
}

/* guest = host - offset(host), solved for host. */
double two_sides_offset_ns(const struct two_sides_scene *s, uint64_t guest_ns, bool behind_step)
{
	double at_begin = (double)offset_at_begin(s, behind_step);
	double guest_since = (double)((int64_t)(guest_ns - TWO_SIDES_BEGIN_NS) + (int64_t)at_begin);

	return at_begin + s->slope * guest_since / (1 - s->slope);
}

static bool is_behind_step(const struct making *m)
{
	return m->scene->step_at && m->episode >= m->scene->step_at;
}

static uint64_t on_guest(const struct making *m, uint64_t host_ns)
{
	return host_ns - (uint64_t)offset_on_host(m->scene, host_ns, is_behind_step(m));
}

static uint32_t vm_on_host(const struct making *m)
{
	return m->scene->moves && is_behind_step(m) ? TWO_SIDES_MOVED : TWO_SIDES_VM;
}

static struct recording_item *put(struct recording_item *items, size_t *count, struct recording_item item)
{
	assert_true(*count < TWO_SIDES_ITEMS);
	items[*count] = item;
	return &items[(*count)++];
}

static struct recording_item hot_item(const struct sdei_record *r)
{
	return (struct recording_item){ .kind = ITEM_RECORD, .size = sizeof(*r), .time_ns = r->time_ns, .record.head = *r };
}

static void put_host(struct making *m, struct sdei_record r)
{
	r.time_ns = m->now_ns;
	r.vm = vm_on_host(m);
	if (recorded(m->scene->host_from, m->scene->host_to, m->episode))
		put(m->sides->host, &m->sides->host_count, hot_item(&r));
}

static void put_guest(struct making *m, struct sdei_record r)
{
	r.time_ns = on_guest(m, m->now_ns);
	r.vm = SDEI_THIS_MACHINE;
	if (recorded(m->scene->guest_from, m->scene->guest_to, m->episode))
		put(m->sides->guest, &m->sides->guest_count, hot_item(&r));
}

static struct recording_item call_item(const struct sdei_record_call *call)
{
	return (struct recording_item){ .kind = ITEM_RECORD, .size = sizeof(*call), .time_ns = call->head.time_ns, .record.call = *call };
}

/* From now on; it ends when the guest's program has noted it. */
static void put_call(struct making *m, uint32_t vcpu, uint32_t function, uint64_t arg)
{
	struct sdei_record_call call = {
		.head = { .vcpu = vcpu, .event = SDEI_NONE, .kind = SDEI_CALL, .result = (int64_t)arg * 77 }, .args = { arg }, .function = function,
	};
	uint64_t begin_ns = m->now_ns;

	if (m->scene->no_calls)
		return;
	m->now_ns += any(m, 1 * US, 30 * US);
	call.head.time_ns = m->now_ns;
	call.head.vm = vm_on_host(m);
	if (recorded(m->scene->host_from, m->scene->host_to, m->episode))
		put(m->sides->host, &m->sides->host_count, call_item(&call));
	m->now_ns += any(m, 1 * US, 30 * US);
	call.head.time_ns = on_guest(m, m->now_ns);
	call.head.vm = SDEI_THIS_MACHINE;
	call.duration_ns = (uint32_t)(call.head.time_ns - on_guest(m, begin_ns));
	if (recorded(m->scene->guest_from, m->scene->guest_to, m->episode))
		put(m->sides->guest, &m->sides->guest_count, call_item(&call));
}

static void put_signal(struct making *m)
{
	const struct sdei_record signal = {
		.vcpu = m->vcpu, .kind = SDEI_SIGNAL, .state = RE | SDEI_PENDING, .outcome = SDEI_QUEUED, .origin = SDEI_FROM_GUEST,
		.sender = m->sender,
	};

	put_guest(m, signal);
	m->now_ns += any(m, 3 * US, 60 * US);
	put_host(m, signal);
}

static void put_handler(struct making *m)
{
	const struct sdei_record dispatch = {
		.vcpu = m->vcpu, .kind = SDEI_DISPATCH, .state = RE | SDEI_RUNNING, .pc = 0xffff800080000000 + (m->scene->alike ? 0 : random_bits(&m->seed) % 10 * 4),
	};
	const struct sdei_record complete = { .vcpu = m->vcpu, .kind = SDEI_COMPLETE, .state = RE, .outcome = SDEI_COMPLETED };
	bool host = !lacks(m->scene->host_lacks, m->episode), guest = !lacks(m->scene->guest_lacks, m->episode);

	m->now_ns += any(m, 5 * US, 300 * US);
	if (host)
		put_host(m, dispatch);
	m->now_ns += any(m, 2 * US, 80 * US);
	if (guest)
		put_guest(m, dispatch);
	for (int i = 0; i < CONTEXTS; i++)
		put_call(m, m->vcpu, SDEI_FN_EVENT_CONTEXT, i);
	m->now_ns += any(m, 20 * US, 400 * US);
	if (guest)
		put_guest(m, complete);
	m->now_ns += any(m, 2 * US, 50 * US);
	if (host)
		put_host(m, complete);
	if (host && guest && recorded(m->scene->host_from, m->scene->host_to, m->episode) &&
	    recorded(m->scene->guest_from, m->scene->guest_to, m->episode))
		m->sides->handlers++;
}

/* What a VMM writes before it lets a vCPU run. */
static void put_restore(struct making *m, uint32_t vcpu)
{
	const struct sdei_record_handler state = {
		.head = {
			.time_ns = m->now_ns, .vm = vm_on_host(m), .vcpu = vcpu, .kind = SDEI_STATE, .state = RE, .origin = SDEI_RESTORED,
		},
	};

	put(m->sides->host, &m->sides->host_count,
	    (struct recording_item){ .kind = ITEM_RECORD, .size = sizeof(state), .time_ns = m->now_ns, .record.handler = state });
}

static void put_episode(struct making *m)
{
	const struct two_sides_scene *s = m->scene;
	uint32_t vcpus = s->vcpus ?: 2;

	m->now_ns = TWO_SIDES_BEGIN_NS + 40 * MS + m->episode * (s->period_ns ?: 40 * MS) + any(m, 0, 38 * MS);
	if (s->step_at && m->episode >= s->step_at && s->step_ns > 0)
		m->now_ns += (uint64_t)s->step_ns;
	for (uint32_t vcpu = 0; s->moves && m->episode == s->step_at && vcpu < vcpus; vcpu++)
		put_restore(m, vcpu);
	m->vcpu = (uint32_t)any(m, 0, vcpus - 1);
	m->sender = (m->vcpu + 1) % vcpus;
	put_signal(m);
	put_call(m, m->sender, SDEI_FN_EVENT_SIGNAL, 0);
	put_handler(m);
}

/* --- the counter */

#define HZ 62500000U
#define TICK_NS 16U
#define BEHIND 123456789012ULL
#define COUNTER_ERROR_NS 40

static uint64_t host_ticks(const struct two_sides_scene *s, uint64_t host_ns)
{
	bool slept = s->host_sleeps && host_ns > TWO_SIDES_BEGIN_NS + 3000 * MS;

	return (host_ns + (slept ? 1000 * MS : 0)) / TICK_NS;
}

/* While the VM is stopped, its counter stands still. */
static uint64_t behind(const struct two_sides_scene *s, bool behind_step)
{
	return BEHIND + (uint64_t)s->counter_off + (behind_step && s->step_ns > 0 ? (uint64_t)s->step_ns / TICK_NS : 0);
}

static void put_counter(struct making *m, uint64_t host_ns, uint32_t vm, enum sdei_counter_reason reason, uint64_t offset)
{
	const struct sdei_record_counter counter = {
		.head = { .time_ns = host_ns, .vm = vm, .event = SDEI_NONE, .kind = SDEI_COUNTER, .origin = reason }, .offset = offset, .hz = HZ,
	};

	put(m->sides->host, &m->sides->host_count,
	    (struct recording_item){ .kind = ITEM_RECORD, .size = sizeof(counter), .time_ns = host_ns, .record.counter = counter });
}

static void put_behind(struct making *m, uint64_t host_ns, bool behind_step)
{
	enum sdei_counter_reason reason = behind_step ? SDEI_COUNTER_SET : SDEI_COUNTER_FOUND;
	uint64_t offset = behind(m->scene, behind_step);

	if (m->scene->moves && behind_step) {	/* the next VM was there before, with another counter */
		put_counter(m, host_ns - 4000 * MS, TWO_SIDES_MOVED, SDEI_COUNTER_SET, offset + 815);
		put_counter(m, host_ns, TWO_SIDES_MOVED, SDEI_COUNTER_RUNS, offset);
	} else {
		put_counter(m, host_ns, TWO_SIDES_VM, reason, offset);
	}
	put_counter(m, host_ns, TWO_SIDES_VM + 1, reason, offset + 4711);	/* one more that goes on, and on another clock */
}

static struct recording_item clock_item(uint64_t time_ns, uint64_t ticks, bool end)
{
	struct recording_item item = status_item(time_ns, end);

	item.status.counter = (struct counter_look){ .ticks = ticks, .time_ns = time_ns, .error_ns = COUNTER_ERROR_NS, .hz = HZ };
	return item;
}

/* A look of each side, the guest's a little later than the host's. */
static void put_look(struct making *m, uint64_t host_ns, bool end)
{
	bool step = m->episode;
	uint64_t guest_host_ns = host_ns + 7 * MS;

	put(m->sides->host, &m->sides->host_count, clock_item(host_ns, host_ticks(m->scene, host_ns), end));
	m->episode = step ? m->scene->step_at : 0;
	put(m->sides->guest, &m->sides->guest_count,
	    clock_item(on_guest(m, guest_host_ns), host_ticks(m->scene, guest_host_ns) - (behind(m->scene, step) - (uint64_t)m->scene->counter_off), end));
}

/* From a second before the first episode to one behind the last, but while the VM is stopped. */
static void put_looks(struct making *m)
{
	const struct two_sides_scene *s = m->scene;
	uint64_t first_ns = m->sides->host[0].time_ns - 1000 * MS, last_ns = m->sides->host[m->sides->host_count - 1].time_ns + 1000 * MS;
	uint64_t episode_ns = s->period_ns ?: 40 * MS;
	uint64_t step_ns = s->step_at && s->step_ns > 0 ? TWO_SIDES_BEGIN_NS + 40 * MS + s->step_at * episode_ns + (uint64_t)s->step_ns - MS : UINT64_MAX;

	put_behind(m, first_ns, false);
	if (step_ns != UINT64_MAX)
		put_behind(m, step_ns, true);
	for (uint64_t ns = first_ns; ns <= last_ns; ns += 1000 * MS) {
		bool step = ns >= step_ns;

		if (!step && step_ns != UINT64_MAX && ns + 8 * MS >= step_ns - (uint64_t)s->step_ns)
			continue;
		m->episode = step;
		put_look(m, ns, false);
	}
	m->episode = step_ns != UINT64_MAX;
	put_look(m, last_ns, true);
}

/* Recorders begin a little before the first and end a little behind the last one. */
static void put_ends(struct recording_item *items, size_t *count)
{
	uint64_t begin_ns = items[0].time_ns - 15 * MS, end_ns = items[*count - 1].time_ns + 15 * MS;

	put(items, count, status_item(begin_ns, false));
	put(items, count, status_item(end_ns, true));
	qsort(items, *count, sizeof(*items), compare_items);
}

void two_sides_make(struct two_sides *sides, const struct two_sides_scene *scene)
{
	struct making m = { .sides = sides, .scene = scene, .seed = scene->seed ?: 1 };

	sides->host_count = sides->guest_count = sides->handlers = 0;
	for (; m.episode < (scene->episodes ?: TWO_SIDES_EPISODES); m.episode++)
		put_episode(&m);
	if (scene->counter) {
		put_looks(&m);
		qsort(sides->host, sides->host_count, sizeof(sides->host[0]), compare_items);
		qsort(sides->guest, sides->guest_count, sizeof(sides->guest[0]), compare_items);
	} else {
		put_ends(sides->host, &sides->host_count);
		put_ends(sides->guest, &sides->guest_count);
	}
	if (!scene->other_vm)
		return;
	put(sides->host, &sides->host_count, sides->host[sides->host_count / 2])->record.head.vm++;
	qsort(sides->host, sides->host_count, sizeof(sides->host[0]), compare_items);
}

static bool is_of_guest(uint32_t vm, bool is_guest)
{
	return is_guest ? vm == SDEI_THIS_MACHINE : vm == TWO_SIDES_VM || vm == TWO_SIDES_MOVED;
}

/* Without what is of another VM. */
static bool fill(struct side *side, bool is_guest, const struct recording_item *items, size_t count)
{
	assert_true(side_begin(side, is_guest, items[0].time_ns, items[count - 1].time_ns));
	for (size_t i = 0; i < count; i++) {
		if (items[i].kind == ITEM_RECORD && is_of_guest(items[i].record.head.vm, is_guest))
			side_record(side, &items[i].record.head, items[i].size);
		else if (items[i].kind == ITEM_STATUS)
			side_counter(side, &items[i].status.counter);
	}
	return !side_failed(side);
}

bool two_sides_fill_host(struct side *side, const struct two_sides *sides)
{
	return fill(side, false, sides->host, sides->host_count);
}

bool two_sides_fill_guest(struct side *side, const struct two_sides *sides)
{
	return fill(side, true, sides->guest, sides->guest_count);
}
