// SPDX-License-Identifier: GPL-2.0-only
/*
 * One event on one vCPU. A record does three things, each in one place:
 *   it counts		count_what(), also for records that were lost
 *   it is checked	check_state(): does it follow on what is known?
 *   it acts		act(): opens and closes episodes and handlers, takes samples
 * and then its post-state is the state.
 *
 * An episode is the time that the event is pending, a handler the time that it
 * is running. Counts never depend on the state that the model believes in, so
 * that records missed, and shown later, make them exact again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/inside.h"
#include "util/array.h"

#define LINE 64

static __attribute__((noinline)) void set_worst(struct hist *h, uint64_t value, const struct sdei_record *r, uint32_t event)
{
	hist_set_worst(h, &(struct hist_worst){ .value_ns = value, .time_ns = r->time_ns, .vm = r->vm, .vcpu = r->vcpu, .event = event });
}

static inline int put_sample(struct hist *h, uint64_t value, const struct sdei_record *r, uint32_t event)
{
	int worst = hist_put(h, value);

	if (unlikely(worst > 0))
		set_worst(h, value, r, event);
	return unlikely(worst < 0) ? worst : 0;
}

int sample_add(struct hist **h, uint64_t value, const struct sdei_record *r, uint32_t event)
{
	if (unlikely(!*h))
		*h = hist_new();
	return *h ? put_sample(*h, value, r, event) : -ENOMEM;
}

/* --- the events of a vCPU */

static struct model_event *event_new(struct model_vcpu *v, uint32_t number)
{
	size_t size = (sizeof(struct model_event) + LINE - 1) / LINE * LINE;
	struct model_event *e = aligned_alloc(LINE, size);

	if (!e)
		return NULL;
	memset(e, 0, size);
	e->vcpu = v;
	e->event = number;
	e->sender = e->running_sender = SDEI_NONE;
	return e;
}

void event_free(struct model_event *e)
{
#define X(field, help) hist_free(e->field);
	MODEL_EVENT_HISTS(X)
#undef X
	keep_free_event(e);
	free(e->open);
	free(e->late);
	free(e);
}

/* Index of the first event whose number is not below. */
static size_t lower_bound(const struct model_vcpu *v, uint32_t number)
{
	return ARRAY_LOWER_BOUND(v->event_count, i, v->events[i]->event < number);
}

static struct model_event *event_insert(struct model_vcpu *v, uint32_t number, size_t at)
{
	struct model_event *e;

	if (v->event_count == MODEL_EVENTS_MAX || ARRAY_ROOM_BY_COUNT(v->events, v->event_count))
		return NULL;
	e = event_new(v, number);
	if (!e)
		return NULL;
	memmove(v->events + at + 1, v->events + at, (v->event_count - at) * sizeof(*v->events));
	v->events[at] = e;
	v->event_count++;
	return e;
}

struct model_event *model_event(const struct model_vcpu *vcpu, uint32_t event)
{
	size_t at = lower_bound(vcpu, event);

	return at < vcpu->event_count && vcpu->events[at]->event == event ? vcpu->events[at] : NULL;
}

int event_none(const struct model_vcpu *v)
{
	return v->event_count == MODEL_EVENTS_MAX ? -E2BIG : -ENOMEM;
}

/* Not that of the last record. */
struct model_event *event_get_other(struct model_vcpu *v, uint32_t number)
{
	struct model_event *e = model_event(v, number);

	if (!e)
		e = event_insert(v, number, lower_bound(v, number));
	if (e)
		v->recent = e;
	return e;
}

/* --- counts */

#define COUNT(m, e, field, n)				\
	do {						\
		(e)->count.field += (n);		\
		(m)->totals.count.field += (n);		\
	} while (0)

static enum model_reject reject_of(int error)
{
	switch (error) {
	case -ENOENT:
		return REJECT_ENOENT;
	case -EPERM:
		return REJECT_EPERM;
	case -EBUSY:
		return REJECT_EBUSY;
	default:
		return REJECT_OTHER;
	}
}

static void count_signal(struct model *m, struct model_event *e, unsigned int outcome, int error, uint64_t n)
{
	COUNT(m, e, signals, n);
	switch (outcome) {
	case SDEI_QUEUED:
		COUNT(m, e, queued, n);
		break;
	case SDEI_COALESCED:
		COUNT(m, e, coalesced, n);
		break;
	case SDEI_REJECTED:
		COUNT(m, e, rejected, n);
		e->rejected[reject_of(error)] += n;
		break;
	}
}

static void count_cleared(struct model *m, struct model_event *e, unsigned int cleared, uint64_t n)
{
	if (cleared & SDEI_PENDING)
		COUNT(m, e, cleared, n);
	if (cleared & SDEI_RUNNING)
		COUNT(m, e, running_cleared, n);
}

/* The one definition of what a record counts as; the same for those that were lost. */
static inline void count_what(struct model *m, struct model_event *e, unsigned int kind, unsigned int outcome, unsigned int origin,
			      int error, uint64_t n)
{
	switch (kind) {
	case SDEI_SIGNAL:
		count_signal(m, e, outcome, error, n);
		break;
	case SDEI_DISPATCH:
		COUNT(m, e, dispatched, n);
		if (origin & SDEI_UNSIGNALLED)
			e->unsignalled += n;
		break;
	case SDEI_COMPLETE:
		if (outcome == SDEI_RESUMED)
			COUNT(m, e, resumed, n);
		else
			COUNT(m, e, completed, n);
		break;
	case SDEI_CANCEL:
		if (!error)
			COUNT(m, e, cancelled, n);
		break;
	case SDEI_UNREGISTER:
	case SDEI_STATE:
		count_cleared(m, e, outcome, n);
		break;
	}
}

/* --- state */

/* A restore makes the running bit out of nothing (the pending bit had its signal); what it does not take away stays. */
static unsigned int before_restore(const struct model_event *e, const struct sdei_record *r)
{
	unsigned int had = e->seen ? e->state | SDEI_PENDING : r->state;

	return ((r->state & had) | r->outcome) & OPEN_BITS;
}

/* Which of the open bits were set before r: what its kind changed, undone. */
static unsigned int state_before(const struct model_event *e, const struct sdei_record *r)
{
	unsigned int state = r->state & OPEN_BITS;

	switch (r->kind) {
	case SDEI_SIGNAL:
		if (r->outcome == SDEI_QUEUED)
			return state & ~SDEI_PENDING;
		return r->outcome == SDEI_COALESCED ? state | SDEI_PENDING : state;
	case SDEI_DISPATCH:
		return r->origin & SDEI_UNSIGNALLED ? 0 : SDEI_PENDING;
	case SDEI_COMPLETE:
		return state | SDEI_RUNNING;
	case SDEI_CANCEL:
		return r->error ? state : state | SDEI_PENDING;
	case SDEI_UNREGISTER:
		return state | (r->outcome & OPEN_BITS);
	case SDEI_STATE:
		if (r->origin == SDEI_RESTORED)
			return before_restore(e, r);
		return state | (r->outcome & OPEN_BITS);
	default:
		return state;
	}
}

/* Does the post-state of r deny what its kind did? */
static bool denies_itself(const struct sdei_record *r)
{
	switch (r->kind) {
	case SDEI_SIGNAL:
		return (r->outcome == SDEI_QUEUED || r->outcome == SDEI_COALESCED) && !(r->state & SDEI_PENDING);
	case SDEI_DISPATCH:
		return (r->state & OPEN_BITS) != SDEI_RUNNING;
	case SDEI_COMPLETE:
		return r->state & SDEI_RUNNING;
	case SDEI_CANCEL:
		return !r->error && r->state & SDEI_PENDING;
	case SDEI_UNREGISTER:
	case SDEI_STATE:
		return r->state & r->outcome & OPEN_BITS;
	default:
		return false;
	}
}

/* 0: none, or one of unknown age. */
static void set_episode(struct model_event *e, uint64_t since_ns)
{
	e->vcpu->episodes += !!since_ns - !!e->pending_since_ns;
	e->pending_since_ns = since_ns;
	e->stood_ns = 0;
	e->split = e->blameless = false;
}

static void abandon(struct model_event *e, unsigned int bits)
{
	if (bits & SDEI_PENDING && e->pending_since_ns)
		set_episode(e, 0);
	if (bits & SDEI_RUNNING)
		e->running_since_ns = e->running_signal_ns = 0;
}

/* The open episode ends without a handler. */
static void give_up(struct model_event *e)
{
	if (e->pending_since_ns)
		senders_unanswered(e);
}

/* In a stream without losses this is what makes conservation fail. */
static void suspect_unaccounted(struct model *m, struct model_event *e, const struct sdei_record *r)
{
	if (!m->ever_lost && !e->uncertain && trusted(m, e->vcpu, e->last_ns))
		finding_suspect(m, (struct finding_owner){ .vcpu = e->vcpu, .event = e }, FINDING_UNACCOUNTED, r, RULE_NONE);
}

/*
 * At first sight, what was open before is carried: it has no start and no
 * sample, but it may end, and conservation counts it. Later the state before r
 * must be what the last record left. If not, records are missing: nothing is
 * counted for what was open, because the missing records will be: they are
 * reported as lost, or they are late.
 */
static void check_state(struct model *m, struct model_event *e, const struct sdei_record *r)
{
	unsigned int before = state_before(e, r);

	if (unlikely(!e->seen)) {
		e->seen = true;
		e->carried_pending += !!(before & SDEI_PENDING);
		e->carried_running += !!(before & SDEI_RUNNING);
	} else if (unlikely(before != (e->state & OPEN_BITS))) {
		suspect_unaccounted(m, e, r);
		abandon(e, before ^ e->state);
		e->misfits++;
		m->totals.misfits++;
		e->inexact = m->totals.inexact = true;
	} else if (unlikely(denies_itself(r))) {
		suspect_unaccounted(m, e, r);
	}
	if (is_state(r, SDEI_RESTORED) && r->state & SDEI_RUNNING)
		*(before & SDEI_RUNNING ? &e->missed_restores : &e->carried_running) += 1;
	e->born = true;
}

/* --- episodes and handlers */

/* The first of its kind, or one that is kept by interval, too. */
static __attribute__((noinline)) int sample_more(struct model_event *e, struct hist **h, unsigned int which, uint64_t value,
						 const struct sdei_record *r)
{
	int err = sample_add(h, value, r, e->event);

	if (e->intervals && sample_add(keep_interval(e, which), value, r, e->event))
		err = -ENOMEM;
	return err;
}

static inline int sample(struct model_event *e, struct hist **h, unsigned int which, uint64_t value, const struct sdei_record *r)
{
	if (unlikely(!*h || e->intervals))
		return sample_more(e, h, which, value, r);
	return put_sample(*h, value, r, e->event);
}

#define SAMPLE(e, field, value, r) sample(e, &(e)->field, HIST_##field, value, r)

/* An episode without a known start has no known number of signals either. */
static int end_episode(struct model_event *e, const struct sdei_record *r)
{
	if (!e->pending_since_ns)
		return 0;
	set_episode(e, 0);
	return SAMPLE(e, episode_signals, e->episode_count, r);
}

static bool is_known(uint64_t from_ns, const struct sdei_record *r)
{
	return from_ns && from_ns <= r->time_ns;
}

/* A sample of the time since from_ns, if that is known. */
#define SAMPLE_SINCE(e, field, from_ns, r) (is_known(from_ns, r) ? SAMPLE(e, field, (r)->time_ns - (from_ns), r) : 0)

static int act_signal(struct model_event *e, const struct sdei_record *r)
{
	if (r->outcome == SDEI_QUEUED) {
		set_episode(e, r->time_ns);
		e->episode_count = 1;
		e->sender = sender_of(r);
		return 0;
	}
	if (r->outcome != SDEI_COALESCED || !e->pending_since_ns)
		return 0;
	e->episode_count++;
	return SAMPLE_SINCE(e, coalesce_age, e->pending_since_ns, r);
}

/* The episode becomes the handler's. A signal from now on is an episode of its own. */
static int act_dispatch(struct model_event *e, const struct sdei_record *r)
{
	uint64_t since_ns = e->pending_since_ns;
	int err = SAMPLE_SINCE(e, dispatch, since_ns, r);

	if (likely(!err) && is_known(since_ns, r))
		err = blame_dispatch(e, r);
	if (is_known(since_ns, r) && senders_dispatched(e, r))
		err = -ENOMEM;
	if (unlikely(r->origin & SDEI_ROLES))
		e->role = r->origin & SDEI_ROLES;
	e->running_since_ns = r->time_ns;
	e->running_signal_ns = since_ns;
	e->running_sender = since_ns ? e->sender : SDEI_NONE;
	e->stopped = false;
	return end_episode(e, r) ? -ENOMEM : err;
}

static int act_complete(struct model_event *e, const struct sdei_record *r)
{
	int err;

	if (unlikely(r->outcome == SDEI_END_UNSEEN)) {
		abandon(e, SDEI_RUNNING);
		return 0;
	}
	err = SAMPLE_SINCE(e, handler, e->running_since_ns, r);

	if (SAMPLE_SINCE(e, total, e->running_signal_ns, r))
		err = -ENOMEM;
	abandon(e, SDEI_RUNNING);
	return err;
}

/* A handler that is cut off has no sample: its length says nothing about the guest. */
static int act_cleared(struct model_event *e, const struct sdei_record *r)
{
	abandon(e, r->outcome & SDEI_RUNNING);
	if (!(r->outcome & SDEI_PENDING))
		return 0;
	give_up(e);
	return end_episode(e, r);
}

static int act_cancel(struct model_event *e, const struct sdei_record *r)
{
	if (r->error)
		return 0;
	give_up(e);
	return end_episode(e, r);
}

static void take_handler(struct model_event *e, const struct sdei_record *r)
{
	const struct sdei_record_handler *handler = (const struct sdei_record_handler *)r;

	e->ep_addr = handler->ep_addr;
	e->ep_arg = handler->ep_arg;
}

static inline int act(struct model_event *e, const struct sdei_record *r, unsigned int kind)
{
	switch (kind) {
	case SDEI_SIGNAL:
		return act_signal(e, r);
	case SDEI_DISPATCH:
		return act_dispatch(e, r);
	case SDEI_COMPLETE:
		return act_complete(e, r);
	case SDEI_CANCEL:
		return act_cancel(e, r);
	case SDEI_UNREGISTER:
		return act_cleared(e, r);
	case SDEI_REGISTER:
		take_handler(e, r);
		return 0;
	case SDEI_STATE:
		take_handler(e, r);
		return act_cleared(e, r);
	default:
		return 0;
	}
}

/* Records of it were lost or late, so what is open has no sure start any more. */
static void doubt(struct model *m, struct model_event *e, unsigned int kind, unsigned int origin, uint64_t count)
{
	if (kind == SDEI_STATE && origin == SDEI_RESTORED)
		e->missed_restores += count;
	abandon(e, OPEN_BITS);
	e->uncertain = true;
	e->inexact = m->totals.inexact = true;
}

/* Its first record says it better. */
static void event_unsketch(struct model_event *e)
{
	e->sketched = false;
	e->carried_pending = e->carried_running = 0;
}

/* Which handler the vCPU runs: the newest that a record has shown. */
static inline void track_running(struct model_event *e, const struct sdei_record *r, unsigned int kind)
{
	struct model_vcpu *v = e->vcpu;

	if (e->state & SDEI_RUNNING) {
		v->running = e;
	} else if (v->running == e) {
		v->running = NULL;
		v->free_ns = r->time_ns;
	}
	if (kind == SDEI_DISPATCH || kind == SDEI_COMPLETE ||
	    (kind == SDEI_STATE && (r->origin == SDEI_CREATED || r->origin == SDEI_STATE_RESET)))
		v->handlers_ns = r->time_ns;
}

static inline bool is_drop(const struct sdei_record *r, unsigned int kind)
{
	switch (kind) {
	case SDEI_SIGNAL:
		return r->outcome != SDEI_QUEUED;
	case SDEI_CANCEL:
		return !r->error;
	case SDEI_UNREGISTER:
	case SDEI_STATE:
		return r->outcome & SDEI_PENDING;
	default:
		return false;
	}
}

/* Most phases are too short to be looked at. */
static void end_phase(struct model *m, struct model_event *e, const struct sdei_record *r)
{
	uint64_t lasted_ns = r->time_ns - e->phase_ns;	/* huge if r is older */

	if (unlikely(lasted_ns >= m->limits.handler_ns || lasted_ns >= m->limits.pending_ns || lasted_ns >= m->limits.nmi_ns))
		limits_phase(m, e, r);
	e->phase_ns = r->time_ns;
}

static inline void check_limits(struct model *m, struct model_event *e, const struct sdei_record *r, unsigned int kind)
{
	if (kind == SDEI_DISPATCH || phase_of(e->state) != phase_of(r->state) || !e->last_ns)
		end_phase(m, e, r);
	if (is_drop(r, kind))
		limits_dropped(m, e, r);
}

/* A late record only counts: its state and its place in any interval are history. */
static void event_take_late(struct model *m, struct model_event *e, const struct sdei_record *r)
{
	count_what(m, e, r->kind, r->outcome, r->origin, r->error, 1);
	doubt(m, e, r->kind, r->origin, 1);
}

static inline void set_state(struct model_event *e, const struct sdei_record *r, unsigned int state)
{
	if (unlikely(state & ~e->state & SDEI_REGISTERED))
		e->registered_ns = r->time_ns;
	e->state = state;
}

/* That r fits says all that check_state() would, but of these two, which may take away pending or running unsaid. */
static inline bool needs_check(const struct model_event *e, unsigned int kind, bool fits)
{
	return !fits || !e->born || kind == SDEI_UNREGISTER || kind == SDEI_STATE;
}

/* kind is that of r: given as a constant it leaves little of all this. */
static inline __attribute__((always_inline))
int take_as(struct model *m, struct model_event *e, const struct sdei_record *r, unsigned int kind, bool fits)
{
	int err;

	count_what(m, e, kind, r->outcome, r->origin, r->error, 1);
	if (unlikely(e->sketched))
		event_unsketch(e);
	check_limits(m, e, r, kind);
	if (unlikely(needs_check(e, kind, fits)))
		check_state(m, e, r);
	err = act(e, r, kind);
	set_state(e, r, kind == SDEI_STATE && r->origin == SDEI_DESTROYED ? 0 : r->state & ~SDEI_MASKED);
	e->last_ns = r->time_ns;
	track_running(e, r, kind);
	abandon(e, ~e->state);	/* what a missing record ended */
	if (unlikely(err))
		e->inexact = m->totals.inexact = true;
	return err;
}

int event_take(struct model *m, struct model_event *e, const struct sdei_record *r, bool late, bool fits)
{
	if (unlikely(late && (e->seen || e->vcpu->gone))) {
		event_take_late(m, e, r);
		return 0;
	}
	switch (r->kind) {
	case SDEI_SIGNAL:
		return take_as(m, e, r, SDEI_SIGNAL, fits);
	case SDEI_DISPATCH:
		return take_as(m, e, r, SDEI_DISPATCH, fits);
	case SDEI_COMPLETE:
		return take_as(m, e, r, SDEI_COMPLETE, fits);
	default:
		return take_as(m, e, r, r->kind, fits);
	}
}

/*
 * A lost record counts like one that was seen, and nothing else is done for it:
 * when it happened is not known, and whatever it changed shows in the post-state
 * of a later record. Only an end has no later record.
 */
void event_take_lost(struct model *m, struct model_event *e, const struct sdei_lost_key *key, uint64_t count)
{
	count_what(m, e, key->kind, key->outcome, key->origin, key->error, count);
	e->lost += count;
	doubt(m, e, key->kind, key->origin, count);
	if (key->kind == SDEI_STATE && key->origin == SDEI_DESTROYED)
		life_end_lost(e, count);
}

/* In a recording's snapshot: how long what is open has been open. What it waited for all that time is not known. */
static void sketch_since(struct model_event *e, uint64_t since_ns)
{
	if (e->state & SDEI_RUNNING) {
		e->running_since_ns = e->phase_ns = since_ns;
	} else if (e->state & SDEI_PENDING) {
		set_episode(e, since_ns);
		e->episode_count = 1;
		e->sender = SDEI_NONE;
		e->blameless = true;
	}
}

/*
 * The iterator reads while records are under way, some of them older than what
 * it saw. So this is only a sketch, which the first record replaces.
 */
void event_sketch(struct model_event *e, const struct sdei_record *r)
{
	if (e->seen)
		return;
	take_handler(e, r);
	e->sketched = true;
	set_state(e, r, r->state & ~SDEI_MASKED);
	e->carried_pending = !!(e->state & SDEI_PENDING);
	e->carried_running = !!(e->state & SDEI_RUNNING);
	e->phase_ns = r->time_ns;
	if (e->state & SDEI_RUNNING)
		e->vcpu->running = e;
	if (r->arg && r->arg <= r->time_ns)
		sketch_since(e, r->arg);
	if (!e->vcpu->handlers_ns)
		e->vcpu->handlers_ns = r->time_ns;
}

void event_renew(struct model_event *e)
{
	abandon(e, OPEN_BITS);
	e->state = 0;
	e->born = e->stopped = false;
	e->last_ns = e->phase_ns = 0;
	if (e->vcpu->running == e)
		e->vcpu->running = NULL;
}

void event_reset(struct model_event *e)
{
#define X(field, help)			\
	hist_free(e->field);		\
	e->field = NULL;
	MODEL_EVENT_HISTS(X)
#undef X
	memset(&e->count, 0, sizeof(e->count));
	memset(&e->interval, 0, sizeof(e->interval));
	memset(&e->mark, 0, sizeof(e->mark));
	memset(e->rejected, 0, sizeof(e->rejected));
	e->carried_pending = !!(e->state & SDEI_PENDING);
	e->carried_running = !!(e->state & SDEI_RUNNING);
	e->lost = e->misfits = e->missed_restores = e->unsignalled = 0;
	e->drops = 0;
	e->inexact = false;
	keep_free_event(e);
	blame_reset(e);
}

/* --- conservation */

/*
 * difference is what came in less what it became, hence what is still open less
 * what was carried. Once records were lost or late, the open bit may be old, and
 * what was carried anything up to most (one at first sight, and restored handlers),
 * seen as such or not: then any difference that this can explain is fine.
 */
static int64_t unaccounted(const struct model_event *e, int64_t difference, bool open, uint64_t carried, uint64_t most)
{
	if (!e->uncertain)
		return difference + (int64_t)carried - open;
	if (difference > 1)
		return difference - 1;
	return difference < -(int64_t)most ? difference + (int64_t)most : 0;
}

int64_t model_unaccounted(const struct model_event *e)
{
	const struct model_counts *c = &e->count;
	uint64_t became = c->dispatched + c->coalesced + c->rejected + c->cancelled + c->cleared;

	return unaccounted(e, (int64_t)(c->signals + e->unsignalled - became), e->state & SDEI_PENDING, e->carried_pending, 1);
}

int64_t model_unaccounted_handlers(const struct model_event *e)
{
	const struct model_counts *c = &e->count;
	uint64_t ended = c->completed + c->resumed + c->running_cleared;
	uint64_t most = 1 + e->carried_running + e->missed_restores;

	return unaccounted(e, (int64_t)(c->dispatched - ended), e->state & SDEI_RUNNING, e->carried_running, most);
}
