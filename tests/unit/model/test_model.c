// SPDX-License-Identifier: GPL-2.0-only
/* The model on streams that are worked out by hand, one rule at a time. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/model.h"

#define REG SDEI_REGISTERED
#define ENA (SDEI_REGISTERED | SDEI_ENABLED)
#define PEND (ENA | SDEI_PENDING)
#define RUN (ENA | SDEI_RUNNING)
#define BOTH (ENA | SDEI_RUNNING | SDEI_PENDING)
#define MASK SDEI_MASKED

/* Whom the records below are about. */
struct target {
	struct model *m;
	uint32_t vm, vcpu, event;
};

static int setup(void **state)
{
	struct target *t = calloc(1, sizeof(*t));

	if (!t)
		return -1;
	*t = (struct target){ .m = model_new(NULL), .vm = 7 };
	*state = t;
	return t->m ? 0 : -1;
}

static int teardown(void **state)
{
	struct target *t = *state;

	model_free(t->m);
	free(t);
	return 0;
}

/* --- records */

static struct sdei_record head(const struct target *t, uint64_t time, unsigned int kind, unsigned int post)
{
	return (struct sdei_record){
		.time_ns = time, .vm = t->vm, .vcpu = t->vcpu, .event = t->event, .kind = kind, .state = post,
	};
}

static void feed(struct target *t, const struct sdei_record *r)
{
	assert_int_equal(model_feed(t->m, r, sizeof(*r)), 0);
}

static void plain(struct target *t, uint64_t time, unsigned int kind, unsigned int post)
{
	struct sdei_record r = head(t, time, kind, post);

	feed(t, &r);
}

static void signal_error(struct target *t, uint64_t time, unsigned int outcome, unsigned int post, int error)
{
	struct sdei_record r = head(t, time, SDEI_SIGNAL, post);

	r.outcome = outcome;
	r.origin = SDEI_FROM_GUEST;
	r.error = error;
	feed(t, &r);
}

static void queued(struct target *t, uint64_t time, unsigned int post)
{
	signal_error(t, time, SDEI_QUEUED, post, 0);
}

static void coalesced(struct target *t, uint64_t time, unsigned int post)
{
	signal_error(t, time, SDEI_COALESCED, post, 0);
}

static void dispatch(struct target *t, uint64_t time, unsigned int post)
{
	plain(t, time, SDEI_DISPATCH, post);
}

static void complete(struct target *t, uint64_t time, unsigned int how, unsigned int post)
{
	struct sdei_record r = head(t, time, SDEI_COMPLETE, post);

	r.outcome = how;
	feed(t, &r);
}

static void cancel(struct target *t, uint64_t time, unsigned int post, int error)
{
	struct sdei_record r = head(t, time, SDEI_CANCEL, post);

	r.error = error;
	feed(t, &r);
}

static void unregister(struct target *t, uint64_t time, unsigned int post, unsigned int cleared)
{
	struct sdei_record r = head(t, time, SDEI_UNREGISTER, post);

	r.outcome = cleared;
	feed(t, &r);
}

static void state_of(struct target *t, uint64_t time, unsigned int reason, unsigned int post, unsigned int cleared)
{
	struct sdei_record_handler r = { .head = head(t, time, SDEI_STATE, post), .ep_addr = 0x1000, .ep_arg = 5 };

	r.head.origin = reason;
	r.head.outcome = cleared;
	assert_int_equal(model_feed(t->m, &r.head, sizeof(r)), 0);
}

static void states(struct target *t, uint64_t time, unsigned int reason, unsigned int post)
{
	for (uint32_t event = 0; event < 4; event++) {
		t->event = event;
		state_of(t, time + event, reason, post, 0);
	}
	t->event = 0;
}

static void of_pe(struct target *t, uint64_t time, unsigned int kind, unsigned int post, int result, unsigned int reason)
{
	struct sdei_record r = head(t, time, kind, post);

	r.event = SDEI_NONE;
	r.error = result;
	r.origin = reason;
	feed(t, &r);
}

static void mask(struct target *t, uint64_t time, int result)
{
	of_pe(t, time, SDEI_MASK, MASK, result, 0);
}

static void unmask(struct target *t, uint64_t time)
{
	of_pe(t, time, SDEI_UNMASK, 0, 0, 0);
}

static int call(struct target *t, uint64_t time, uint32_t function, int64_t result, unsigned int post)
{
	struct sdei_record_call r = { .head = head(t, time, SDEI_CALL, post), .function = function };

	r.head.result = result;
	return model_feed(t->m, &r.head, sizeof(r));
}

static void lost(struct target *t, unsigned int kind, unsigned int outcome, unsigned int origin, int error, uint64_t count)
{
	struct sdei_lost_key key = {
		.vm = t->vm, .vcpu = t->vcpu, .event = t->event, .kind = kind, .outcome = outcome, .origin = origin,
		.error = error,
	};

	if (kind == SDEI_MASK || kind == SDEI_UNMASK || kind == SDEI_RESET)
		key.event = SDEI_NONE;
	assert_int_equal(model_feed_lost(t->m, &key, count), 0);
}

/* --- figures */

static const struct model_vm *newest_vm(const struct target *t)
{
	size_t count;
	struct model_vm *const *vms = model_vms(t->m, &count);

	assert_true(count > 0);
	return vms[count - 1];
}

static const struct model_vcpu *vcpu_of(const struct target *t)
{
	const struct model_vcpu *v = model_vcpu(newest_vm(t), t->vcpu);

	assert_non_null(v);
	return v;
}

static const struct model_event *event_of(const struct target *t)
{
	const struct model_event *e = model_event(vcpu_of(t), t->event);

	assert_non_null(e);
	return e;
}

/* Exactly one sample, or with value NONE none. */
#define NONE UINT64_MAX
static void sample(const struct hist *h, uint64_t value)
{
	assert_int_equal(hist_count(h), value == NONE ? 0 : 1);
	assert_int_equal(hist_sum(h), value == NONE ? 0 : value);
}

static void accounted(const struct target *t)
{
	assert_int_equal(model_unaccounted(event_of(t)), 0);
	assert_int_equal(model_unaccounted_handlers(event_of(t)), 0);
}

/* Nothing but what a lossless stream in order gives. */
static void clean(const struct target *t)
{
	accounted(t);
	assert_false(event_of(t)->inexact);
	assert_false(vcpu_of(t)->inexact);
	assert_false(model_totals(t->m)->inexact);
	assert_int_equal(model_totals(t->m)->misfits, 0);
	assert_int_equal(model_totals(t->m)->late, 0);
}

/* --- episodes and handlers */

static void test_one_signal(void **state)
{
	struct target *t = *state;
	const struct model_event *e;

	plain(t, 50, SDEI_ENABLE, ENA);
	queued(t, 100, PEND);
	e = event_of(t);
	assert_int_equal(e->state, PEND);
	assert_int_equal(e->pending_since_ns, 100);
	clean(t);
	dispatch(t, 140, RUN);
	assert_int_equal(e->running_since_ns, 140);
	clean(t);
	complete(t, 200, SDEI_COMPLETED, ENA);
	clean(t);
	assert_int_equal(e->count.signals, 1);
	assert_int_equal(e->count.queued, 1);
	assert_int_equal(e->count.dispatched, 1);
	assert_int_equal(e->count.completed, 1);
	assert_int_equal(e->count.resumed, 0);
	sample(e->dispatch, 40);
	sample(e->handler, 60);
	sample(e->total, 100);
	sample(e->episode_signals, 1);
	assert_null(e->coalesce_age);
	assert_int_equal(hist_worst(e->dispatch)->time_ns, 140);
	assert_int_equal(hist_worst(e->dispatch)->vm, 7);
	assert_int_equal(hist_worst(e->total)->time_ns, 200);
	assert_int_equal(e->state, ENA);
	assert_int_equal(model_totals(t->m)->count.signals, 1);
	assert_int_equal(model_totals(t->m)->count.completed, 1);
}

static void test_coalesced(void **state)
{
	struct target *t = *state;
	const struct model_event *e;

	plain(t, 50, SDEI_ENABLE, ENA);
	queued(t, 100, PEND);
	coalesced(t, 107, PEND);
	coalesced(t, 111, PEND);
	dispatch(t, 120, RUN);
	complete(t, 130, SDEI_RESUMED, ENA);
	e = event_of(t);
	clean(t);
	assert_int_equal(e->count.signals, 3);
	assert_int_equal(e->count.coalesced, 2);
	assert_int_equal(e->count.resumed, 1);
	assert_int_equal(hist_count(e->coalesce_age), 2);
	assert_int_equal(hist_sum(e->coalesce_age), 7 + 11);
	sample(e->dispatch, 20);	/* from the first signal */
	sample(e->episode_signals, 3);
}

static void test_rejected(void **state)
{
	struct target *t = *state;
	const struct model_event *e;

	signal_error(t, 10, SDEI_REJECTED, 0, -ENOENT);
	signal_error(t, 11, SDEI_REJECTED, ENA, -EPERM);
	signal_error(t, 12, SDEI_REJECTED, RUN, -EBUSY);	/* misfit: running came from nowhere */
	signal_error(t, 13, SDEI_REJECTED, RUN, -EBUSY);
	signal_error(t, 14, SDEI_REJECTED, RUN, -EINVAL);
	e = event_of(t);
	assert_int_equal(e->count.signals, 5);
	assert_int_equal(e->count.rejected, 5);
	assert_int_equal(e->rejected[REJECT_ENOENT], 1);
	assert_int_equal(e->rejected[REJECT_EPERM], 1);
	assert_int_equal(e->rejected[REJECT_EBUSY], 2);
	assert_int_equal(e->rejected[REJECT_OTHER], 1);
	assert_int_equal(e->misfits, 1);
	assert_int_equal(model_unaccounted(e), 0);
	assert_int_equal(model_unaccounted_handlers(e), -1);	/* a handler that nobody dispatched */
}

static void test_pending_again_while_running(void **state)
{
	struct target *t = *state;
	const struct model_event *e;

	plain(t, 50, SDEI_ENABLE, ENA);
	queued(t, 100, PEND);
	dispatch(t, 110, RUN);
	queued(t, 115, BOTH);
	coalesced(t, 118, BOTH);
	complete(t, 125, SDEI_COMPLETED, PEND);
	dispatch(t, 135, RUN);
	complete(t, 136, SDEI_COMPLETED, ENA);
	e = event_of(t);
	clean(t);
	assert_int_equal(hist_count(e->dispatch), 2);
	assert_int_equal(hist_sum(e->dispatch), 10 + 20);
	assert_int_equal(hist_sum(e->handler), 15 + 1);
	assert_int_equal(hist_sum(e->total), 25 + 21);
	assert_int_equal(hist_sum(e->episode_signals), 1 + 2);
	sample(e->coalesce_age, 3);
}

static void test_cancelled(void **state)
{
	struct target *t = *state;
	const struct model_event *e;

	plain(t, 50, SDEI_ENABLE, ENA);
	queued(t, 100, PEND);
	coalesced(t, 101, PEND);
	cancel(t, 105, ENA, 0);
	cancel(t, 106, ENA, -ENOENT);
	queued(t, 200, PEND);
	dispatch(t, 201, RUN);
	cancel(t, 202, RUN, -EBUSY);
	e = event_of(t);
	clean(t);
	assert_int_equal(e->count.cancelled, 1);
	assert_int_equal(hist_sum(e->episode_signals), 2 + 1);
	sample(e->dispatch, 1);
}

static void test_unregister_clears_pending(void **state)
{
	struct target *t = *state;
	const struct model_event *e;

	plain(t, 50, SDEI_ENABLE, ENA);
	queued(t, 100, PEND);
	unregister(t, 110, 0, SDEI_PENDING);
	e = event_of(t);
	clean(t);
	assert_int_equal(e->count.cleared, 1);
	assert_int_equal(e->state, 0);
	sample(e->episode_signals, 1);
	assert_null(e->dispatch);
	assert_int_equal(e->pending_since_ns, 0);
}

static void test_unregister_while_running(void **state)
{
	struct target *t = *state;
	const struct model_event *e;

	plain(t, 50, SDEI_ENABLE, ENA);
	queued(t, 100, PEND);
	dispatch(t, 110, RUN);
	queued(t, 111, BOTH);
	unregister(t, 120, SDEI_RUNNING, SDEI_PENDING);
	complete(t, 130, SDEI_COMPLETED, 0);
	e = event_of(t);
	clean(t);
	assert_int_equal(e->count.cleared, 1);
	assert_int_equal(e->count.running_cleared, 0);
	sample(e->handler, 20);
	sample(e->total, 30);
}

static void test_reset_cuts_off(void **state)
{
	struct target *t = *state;
	const struct model_event *e;

	plain(t, 50, SDEI_ENABLE, ENA);
	queued(t, 100, PEND);
	dispatch(t, 110, RUN);
	queued(t, 111, BOTH);
	state_of(t, 120, SDEI_STATE_RESET, MASK, SDEI_PENDING | SDEI_RUNNING);
	of_pe(t, 121, SDEI_RESET, MASK, 0, SDEI_VCPU_RESET);
	e = event_of(t);
	clean(t);
	assert_int_equal(e->count.cleared, 1);
	assert_int_equal(e->count.running_cleared, 1);
	assert_null(e->handler);
	assert_null(e->total);
	assert_int_equal(e->running_since_ns, 0);
}

static void test_events_and_vcpus_are_apart(void **state)
{
	struct target *t = *state;

	for (t->vcpu = 0; t->vcpu < 20; t->vcpu++) {
		for (t->event = 5; t->event-- > 0;)
			queued(t, 100 + t->vcpu - t->event, PEND);
	}
	for (t->vcpu = 0; t->vcpu < 20; t->vcpu++) {
		for (t->event = 0; t->event < 5; t->event++) {
			dispatch(t, 1000, RUN);
			sample(event_of(t)->dispatch, 900 - t->vcpu + t->event);
			clean(t);
		}
		assert_int_equal(vcpu_of(&(struct target){ .m = t->m, .vcpu = t->vcpu })->event_count, 5);
	}
	t->vcpu = 3;
	t->event = 0xfffffffe;	/* any number */
	queued(t, 2000, PEND);
	assert_int_equal(event_of(t)->count.signals, 1);
	assert_null(model_event(vcpu_of(t), 77));
	assert_null(model_vcpu(newest_vm(t), 77));
	assert_int_equal(model_totals(t->m)->vcpus, 20);
	assert_int_equal(model_totals(t->m)->vms, 1);
}

/* --- attach in mid-flight */

static void test_first_seen_dispatched(void **state)
{
	struct target *t = *state;

	dispatch(t, 100, RUN);
	assert_int_equal(event_of(t)->carried_pending, 1);
	clean(t);
	complete(t, 110, SDEI_COMPLETED, ENA);
	clean(t);
	assert_null(event_of(t)->dispatch);
	assert_null(event_of(t)->total);
	assert_null(event_of(t)->episode_signals);
	sample(event_of(t)->handler, 10);
}

static void test_first_seen_completed(void **state)
{
	struct target *t = *state;

	complete(t, 100, SDEI_COMPLETED, PEND);
	assert_int_equal(event_of(t)->carried_pending, 1);
	assert_int_equal(event_of(t)->carried_running, 1);
	clean(t);
	dispatch(t, 101, RUN);
	clean(t);
	assert_null(event_of(t)->handler);
	assert_null(event_of(t)->dispatch);
}

static void test_first_seen_coalesced(void **state)
{
	struct target *t = *state;

	coalesced(t, 100, PEND);
	clean(t);
	coalesced(t, 110, PEND);
	dispatch(t, 120, RUN);
	clean(t);
	assert_int_equal(event_of(t)->carried_pending, 1);
	assert_null(event_of(t)->coalesce_age);
	assert_null(event_of(t)->episode_signals);
}

static void test_first_seen_queued(void **state)
{
	struct target *t = *state;

	queued(t, 100, BOTH);
	assert_int_equal(event_of(t)->carried_pending, 0);
	assert_int_equal(event_of(t)->carried_running, 1);
	clean(t);
	complete(t, 105, SDEI_COMPLETED, PEND);
	dispatch(t, 110, RUN);
	clean(t);
	sample(event_of(t)->dispatch, 10);
}

static void test_first_seen_cleared(void **state)
{
	struct target *t = *state;

	unregister(t, 100, SDEI_RUNNING, SDEI_PENDING);
	clean(t);
	assert_int_equal(event_of(t)->carried_pending, 1);
	assert_int_equal(event_of(t)->carried_running, 1);
	t->event = 1;
	cancel(t, 101, ENA, 0);
	clean(t);
	assert_int_equal(event_of(t)->carried_pending, 1);
	t->event = 2;
	state_of(t, 102, SDEI_STATE_RESET, 0, SDEI_RUNNING);
	clean(t);
	assert_int_equal(event_of(t)->count.running_cleared, 1);
}

static void test_first_seen_in_passing(void **state)
{
	struct target *t = *state;

	assert_int_equal(call(t, 100, 0xC4000028, 5, BOTH), 0);
	clean(t);
	assert_int_equal(event_of(t)->carried_pending, 1);
	assert_int_equal(event_of(t)->carried_running, 1);
	assert_int_equal(event_of(t)->state, BOTH);
}

/* --- restore */

static void test_restored(void **state)
{
	struct target *t = *state;
	struct sdei_record r;

	states(t, 10, SDEI_CREATED, MASK);
	state_of(t, 20, SDEI_RESTORED, ENA | MASK, 0);
	state_of(t, 30, SDEI_RESTORED, RUN | MASK, 0);
	assert_int_equal(event_of(t)->carried_running, 1);
	assert_int_equal(event_of(t)->ep_addr, 0x1000);
	assert_int_equal(event_of(t)->ep_arg, 5);
	r = head(t, 40, SDEI_SIGNAL, BOTH | MASK);
	r.outcome = SDEI_QUEUED;
	r.origin = SDEI_FROM_RESTORE;
	feed(t, &r);
	state_of(t, 41, SDEI_RESTORED, BOTH | MASK, 0);
	clean(t);
	state_of(t, 50, SDEI_RESTORED, BOTH, 0);	/* the mask register */
	clean(t);
	assert_false(vcpu_of(t)->masked);
	assert_null(vcpu_of(t)->initial_mask);
	complete(t, 60, SDEI_COMPLETED, PEND);
	dispatch(t, 70, RUN);
	clean(t);
	assert_int_equal(event_of(t)->count.signals, 1);
	assert_int_equal(event_of(t)->carried_pending, 0);
	assert_int_equal(event_of(t)->carried_running, 1);
	assert_null(event_of(t)->handler);
	sample(event_of(t)->dispatch, 30);	/* since the restore */
}

static void test_restore_takes_away(void **state)
{
	struct target *t = *state;

	plain(t, 50, SDEI_ENABLE, ENA);
	queued(t, 100, PEND);
	dispatch(t, 101, RUN);
	queued(t, 102, BOTH);
	state_of(t, 110, SDEI_RESTORED, ENA, SDEI_PENDING | SDEI_RUNNING);
	clean(t);
	assert_int_equal(event_of(t)->count.cleared, 1);
	assert_int_equal(event_of(t)->count.running_cleared, 1);
}

/* --- the mask */

static void test_mask_interval(void **state)
{
	struct target *t = *state;
	const struct model_vcpu *v;

	unmask(t, 10);
	v = vcpu_of(t);
	assert_true(v->mask_known);
	assert_false(v->masked);
	mask(t, 100, 1);
	assert_true(v->masked);
	assert_int_equal(v->masked_since_ns, 100);
	mask(t, 105, 0);	/* again: does not start anew */
	queued(t, 107, PEND | MASK);
	assert_int_equal(model_masked_ns(v, 130), 30);
	unmask(t, 140);
	unmask(t, 150);
	sample(v->mask, 40);
	assert_null(v->initial_mask);
	assert_int_equal(hist_worst(v->mask)->event, SDEI_NONE);
	assert_int_equal(model_masked_ns(v, 1000), 40);
	assert_int_equal(v->mask_calls, 2);
	assert_int_equal(v->unmask_calls, 3);
	assert_false(v->inexact);
}

static void test_initial_mask(void **state)
{
	struct target *t = *state;
	const struct model_vcpu *v;

	states(t, 100, SDEI_CREATED, MASK);
	v = vcpu_of(t);
	assert_true(v->initial);
	assert_int_equal(v->masked_since_ns, 100);
	mask(t, 150, 0);	/* masked already: still the initial mask */
	assert_true(v->initial);
	unmask(t, 160);
	sample(v->initial_mask, 60);
	mask(t, 170, 1);
	assert_false(v->initial);
	unmask(t, 175);
	sample(v->mask, 5);
	assert_int_equal(model_masked_ns(v, 200), 65);
	clean(t);
}

static void test_reset_masks(void **state)
{
	struct target *t = *state;
	const struct model_vcpu *v;

	unmask(t, 90);
	mask(t, 100, 1);
	states(t, 110, SDEI_STATE_RESET, MASK);
	of_pe(t, 115, SDEI_RESET, MASK, 0, SDEI_VCPU_RESET);
	unmask(t, 145);
	v = vcpu_of(t);
	sample(v->mask, NONE);	/* no UNMASK ended it */
	sample(v->initial_mask, 30);
	assert_int_equal(model_masked_ns(v, 200), 45);
	states(t, 200, SDEI_STATE_RESET, MASK);
	of_pe(t, 205, SDEI_RESET, MASK, 0, SDEI_VCPU_RESET);
	unmask(t, 207);
	assert_int_equal(hist_sum(v->initial_mask), 30 + 2);
	assert_int_equal(model_masked_ns(v, 300), 45 + 7);
	assert_false(v->inexact);
}

static void test_private_reset_leaves_the_mask(void **state)
{
	struct target *t = *state;

	unmask(t, 90);
	mask(t, 100, 1);
	states(t, 110, SDEI_STATE_RESET, MASK);
	of_pe(t, 115, SDEI_RESET, MASK, 0, SDEI_PRIVATE_RESET);
	unmask(t, 120);
	sample(vcpu_of(t)->mask, 20);
	sample(vcpu_of(t)->initial_mask, NONE);
	clean(t);
}

static void test_masked_before_first_sight(void **state)
{
	struct target *t = *state;
	const struct model_vcpu *v;

	queued(t, 100, PEND | MASK);
	v = vcpu_of(t);
	assert_true(v->masked);
	assert_int_equal(v->masked_since_ns, 0);
	assert_int_equal(model_masked_ns(v, 120), 20);
	unmask(t, 130);
	sample(v->mask, NONE);
	sample(v->initial_mask, NONE);
	assert_int_equal(model_masked_ns(v, 200), 30);
	clean(t);
}

static void test_mask_flips_unseen(void **state)
{
	struct target *t = *state;
	const struct model_vcpu *v;

	unmask(t, 90);
	mask(t, 100, 1);
	queued(t, 110, PEND | MASK);
	coalesced(t, 150, PEND);	/* its UNMASK is missing, after 110 */
	v = vcpu_of(t);
	assert_false(v->masked);
	assert_true(v->inexact);
	assert_int_equal(model_masked_ns(v, 200), 10);
	coalesced(t, 210, PEND | MASK);	/* and now a MASK */
	assert_true(v->masked);
	unmask(t, 220);
	sample(v->mask, NONE);
	assert_int_equal(model_masked_ns(v, 300), 20);
	mask(t, 300, 1);
	mask(t, 310, 1);	/* an UNMASK is missing between the two */
	unmask(t, 313);
	sample(v->mask, 3);
}

/* --- calls */

static void test_calls(void **state)
{
	struct target *t = *state;
	const struct model_vcpu *v;
	unsigned int success = model_result_class(0), denied = model_result_class(-3), other = model_result_class(-99);
	struct sdei_lost_key key = { .vm = 7, .event = SDEI_NONE, .kind = SDEI_CALL, .error = -3, .function = 0xC4000025 };

	t->event = SDEI_NONE;
	assert_int_equal(call(t, 10, 0xC4000020, 0x4001000000000000, 0), 0);
	assert_int_equal(call(t, 11, 0xC4000025, -3, 0), 0);
	assert_int_equal(call(t, 12, 0xC4000032, -99, 0), 0);
	assert_int_equal(call(t, 13, 0xC4000024, (int64_t)0xffff800010000000, 0), 0);
	assert_int_equal(model_feed_lost(t->m, &key, 4), 0);
	v = vcpu_of(t);
	assert_int_equal(model_call_count(v, 0xC4000020, success), 1);
	assert_int_equal(model_call_count(v, 0xC4000025, denied), 5);
	assert_int_equal(model_call_count(v, 0xC4000032, other), 1);
	assert_int_equal(model_call_count(v, 0xC4000024, success), 1);	/* a register of a kernel, not an error */
	assert_int_equal(model_call_count(v, 0xC4000024, other), 0);
	assert_int_equal(model_call_count(v, 0xC4000033, success), 0);
	assert_int_equal(model_call_count(v, 0xC4000020, 99), 0);
	assert_string_equal(model_result_class_name(denied), "DENIED");
	assert_string_equal(model_result_class_name(other), "OTHER");
	assert_null(model_result_class_name(MODEL_RESULT_CLASSES));
	assert_int_equal(call(t, 14, 0xC4000033, 0, 0), -EINVAL);
	assert_int_equal(model_totals(t->m)->unknown, 1);
	assert_int_equal(v->event_count, 0);
}

/* A register may have any value; only where there is no such register, or no handler, is the answer an error. */
static void test_values_of_registers(void **state)
{
	static const int64_t errors[] = { -1, -2, -3, -5, -10 };
	struct target *t = *state;
	struct sdei_record_call none = { .args = { 18 }, .function = 0xC4000024, .head = { .kind = SDEI_CALL, .result = -2 } };
	unsigned int success = model_result_class(0), denied = model_result_class(-3);

	queued(t, 10, PEND);
	dispatch(t, 20, RUN);
	t->event = SDEI_NONE;
	for (uint64_t i = 0; i < 5; i++)
		assert_int_equal(call(t, 30 + i, 0xC4000024, errors[i], 0), 0);
	assert_int_equal(model_call_count(vcpu_of(t), 0xC4000024, success), 5);
	assert_true(model_call_is_refused(vcpu_of(t), &none));
	t->event = 0;
	complete(t, 50, SDEI_COMPLETED, ENA);
	t->event = SDEI_NONE;
	assert_int_equal(call(t, 60, 0xC4000024, -3, 0), 0);
	assert_int_equal(model_call_count(vcpu_of(t), 0xC4000024, denied), 1);
	assert_int_equal(model_call_count(vcpu_of(t), 0xC4000024, success), 5);
}

/* --- lives */

static void test_destroyed(void **state)
{
	struct target *t = *state;

	states(t, 10, SDEI_CREATED, MASK);
	queued(t, 20, PEND | MASK);
	t->event = 1;
	queued(t, 21, PEND | MASK);
	t->event = 0;
	state_of(t, 30, SDEI_DESTROYED, ENA | MASK, SDEI_PENDING);
	assert_true(vcpu_of(t)->gone);
	assert_int_equal(vcpu_of(t)->gone_ns, 30);
	assert_true(newest_vm(t)->gone);
	assert_null(model_vm(t->m, 7));
	assert_int_equal(model_totals(t->m)->vms, 0);
	assert_int_equal(model_totals(t->m)->vcpus, 0);
	t->event = 1;
	state_of(t, 31, SDEI_DESTROYED, ENA | MASK, SDEI_PENDING);
	t->event = 2;
	state_of(t, 32, SDEI_DESTROYED, MASK, 0);
	assert_true(vcpu_of(t)->gone);
	assert_int_equal(model_totals(t->m)->vms, 0);
	for (t->event = 0; t->event < 2; t->event++) {
		assert_int_equal(event_of(t)->count.cleared, 1);
		assert_int_equal(event_of(t)->state, 0);
		clean(t);
	}
	assert_int_equal(model_masked_ns(vcpu_of(t), 1000), 20);	/* not masked beyond its end */
	assert_null(vcpu_of(t)->initial_mask);
}

static void test_pid_used_again(void **state)
{
	struct target *t = *state;
	size_t count;
	struct model_vm *const *vms;

	states(t, 10, SDEI_CREATED, MASK);
	queued(t, 20, PEND | MASK);
	states(t, 30, SDEI_DESTROYED, MASK);
	states(t, 100, SDEI_CREATED, MASK);
	vms = model_vms(t->m, &count);
	assert_int_equal(count, 2);
	assert_int_equal(vms[0]->instance, 0);
	assert_int_equal(vms[1]->instance, 1);
	assert_true(vms[0]->gone);
	assert_ptr_equal(model_vm(t->m, 7), vms[1]);
	assert_int_equal(event_of(t)->count.signals, 0);
	assert_int_equal(event_of(t)->carried_pending, 0);
	assert_int_equal(model_event(model_vcpu(vms[0], 0), 0)->count.signals, 1);
	unmask(t, 150);
	sample(vcpu_of(t)->initial_mask, 50);
}

/* QEMU asks a scratch VM what KVM can do, before it makes the one that the guest runs in. */
static void test_scratch_vm(void **state)
{
	struct target *t = *state;
	size_t count;
	struct model_vm *const *vms;

	states(t, 10, SDEI_CREATED, MASK);
	states(t, 30, SDEI_DESTROYED, MASK);
	assert_int_equal(model_totals(t->m)->vms, 0);
	states(t, 100, SDEI_CREATED, MASK);
	vms = model_vms(t->m, &count);
	assert_int_equal(count, 1);
	assert_int_equal(vms[0]->instance, 0);
	assert_false(vms[0]->gone);
	assert_int_equal(vms[0]->living, 1);
	assert_int_equal(model_totals(t->m)->vms, 1);
	assert_int_equal(model_totals(t->m)->vcpus, 1);
	unmask(t, 150);
	sample(vcpu_of(t)->initial_mask, 50);
	states(t, 200, SDEI_DESTROYED, 0);
	states(t, 300, SDEI_CREATED, MASK);	/* this one was used */
	vms = model_vms(t->m, &count);
	assert_int_equal(count, 2);
	assert_int_equal(vms[1]->instance, 1);
	states(t, 400, SDEI_DESTROYED, MASK);
	states(t, 400 + 2000000000, SDEI_CREATED, MASK);	/* so much later it may be another process */
	model_vms(t->m, &count);
	assert_int_equal(count, 3);
}

static void test_vm_lives_while_a_vcpu_does(void **state)
{
	struct target *t = *state;
	size_t count;

	for (t->vcpu = 0; t->vcpu < 2; t->vcpu++)
		states(t, 10 + 10 * t->vcpu, SDEI_CREATED, MASK);
	t->vcpu = 1;
	queued(t, 40, PEND | MASK);
	states(t, 50, SDEI_DESTROYED, MASK);
	assert_false(newest_vm(t)->gone);
	assert_int_equal(model_totals(t->m)->vcpus, 1);
	states(t, 60, SDEI_CREATED, MASK);
	model_vms(t->m, &count);
	assert_int_equal(count, 1);
	assert_false(vcpu_of(t)->gone);
	assert_int_equal(event_of(t)->count.signals, 1);	/* the same vCPU goes on counting */
	assert_int_equal(event_of(t)->state, 0);
	t->vcpu = 0;
	states(t, 70, SDEI_DESTROYED, MASK);
	assert_false(newest_vm(t)->gone);
	t->vcpu = 1;
	states(t, 80, SDEI_DESTROYED, MASK);
	assert_true(newest_vm(t)->gone);
}

/* The VM is gone as far as known when a vCPU that was never seen ends, too. */
static void test_end_of_an_unseen_vcpu(void **state)
{
	struct target *t = *state;
	size_t count;

	queued(t, 10, PEND);
	state_of(t, 20, SDEI_DESTROYED, ENA, SDEI_PENDING);
	t->vcpu = 1;
	state_of(t, 25, SDEI_DESTROYED, 0, SDEI_PENDING);
	model_vms(t->m, &count);
	assert_int_equal(count, 1);
	assert_true(vcpu_of(t)->gone);
	assert_int_equal(model_totals(t->m)->vcpus, 0);
	clean(t);
	assert_int_equal(event_of(t)->carried_pending, 1);
	assert_int_equal(event_of(t)->count.cleared, 1);
}

static void test_created_over_a_living_vcpu(void **state)
{
	struct target *t = *state;
	size_t count;

	states(t, 10, SDEI_CREATED, MASK);
	unmask(t, 15);
	queued(t, 20, PEND);
	states(t, 100, SDEI_CREATED, MASK);	/* its end was lost */
	model_vms(t->m, &count);
	assert_int_equal(count, 1);
	assert_int_equal(event_of(t)->state, 0);
	assert_int_equal(event_of(t)->pending_since_ns, 0);
	assert_true(vcpu_of(t)->inexact);
	assert_int_equal(vcpu_of(t)->masked_since_ns, 100);
	assert_int_equal(model_unaccounted(event_of(t)), 1);	/* one signal, and nothing is known of it */
	lost(t, SDEI_STATE, SDEI_PENDING, SDEI_DESTROYED, 0, 1);
	accounted(t);
	assert_int_equal(event_of(t)->count.cleared, 1);
	model_tick(t->m, 200);
	model_tick(t->m, 300);
	assert_false(vcpu_of(t)->gone);		/* that was the end of the life before */
	queued(t, 400, PEND | MASK);
	assert_int_equal(event_of(t)->count.signals, 2);
	accounted(t);
}

/* Masked through both lives: two initial masks, the first of which no UNMASK ended. */
static void test_created_over_a_masked_vcpu(void **state)
{
	struct target *t = *state;

	states(t, 10, SDEI_CREATED, MASK);
	queued(t, 60, PEND | MASK);
	states(t, 100, SDEI_CREATED, MASK);
	assert_int_equal(vcpu_of(t)->masked_since_ns, 100);
	unmask(t, 120);
	sample(vcpu_of(t)->initial_mask, 20);
	assert_int_equal(model_masked_ns(vcpu_of(t), 200), 50 + 20);
}

static void test_lost_end(void **state)
{
	struct target *t = *state;

	states(t, 10, SDEI_CREATED, MASK);
	queued(t, 20, PEND | MASK);
	lost(t, SDEI_STATE, SDEI_PENDING, SDEI_DESTROYED, 0, 1);
	accounted(t);
	assert_false(vcpu_of(t)->gone);
	model_tick(t->m, 100);
	queued(t, 50, PEND | MASK);	/* older than the end, but told later */
	model_tick(t->m, 200);
	assert_false(vcpu_of(t)->gone);
	model_tick(t->m, 300);
	assert_true(vcpu_of(t)->gone);
	assert_true(newest_vm(t)->gone);
	assert_int_equal(event_of(t)->state, 0);
	states(t, 400, SDEI_CREATED, MASK);
	assert_int_equal(newest_vm(t)->instance, 1);
}

static void test_lost_creation(void **state)
{
	struct target *t = *state;

	states(t, 10, SDEI_CREATED, MASK);
	states(t, 30, SDEI_DESTROYED, MASK);
	lost(t, SDEI_STATE, 0, SDEI_CREATED, 0, 1);
	assert_int_equal(model_totals(t->m)->vms, 0);	/* late: brings nothing back */
	queued(t, 100, PEND);
	assert_int_equal(newest_vm(t)->instance, 1);
	assert_int_equal(model_totals(t->m)->vms, 1);
	accounted(t);
}

/* --- losses */

static void test_lost_signal(void **state)
{
	struct target *t = *state;
	const struct model_event *e;

	plain(t, 50, SDEI_ENABLE, ENA);
	dispatch(t, 110, RUN);	/* its signal is missing */
	e = event_of(t);
	assert_int_equal(e->carried_pending, 0);
	assert_int_equal(e->misfits, 1);
	assert_true(e->inexact);
	assert_int_equal(model_unaccounted(e), -1);
	lost(t, SDEI_SIGNAL, SDEI_QUEUED, SDEI_FROM_GUEST, 0, 1);
	accounted(t);
	assert_int_equal(e->count.signals, 1);
	assert_int_equal(e->count.queued, 1);
	assert_null(e->dispatch);
	complete(t, 120, SDEI_COMPLETED, ENA);
	accounted(t);
	assert_int_equal(model_totals(t->m)->lost, 1);
	assert_int_equal(e->lost, 1);
	assert_int_equal(vcpu_of(t)->lost, 1);
	assert_true(vcpu_of(t)->inexact && model_totals(t->m)->inexact);
	assert_false(hist_count(e->handler));	/* open when the loss was told */
	assert_int_equal(model_totals(t->m)->count.queued, 1);
}

/* At first sight pending, because a signal before it was lost and not because it was there: counted once. */
static void test_lost_before_first_sight(void **state)
{
	struct target *t = *state;

	dispatch(t, 110, RUN);
	lost(t, SDEI_SIGNAL, SDEI_QUEUED, SDEI_FROM_VMM, 0, 1);
	assert_int_equal(event_of(t)->count.signals, 1);
	assert_int_equal(event_of(t)->count.dispatched, 1);
	accounted(t);
	lost(t, SDEI_SIGNAL, SDEI_QUEUED, SDEI_FROM_VMM, 0, 2);
	assert_int_equal(model_unaccounted(event_of(t)), 1);	/* at most one can be pending still */
	lost(t, SDEI_DISPATCH, 0, 0, 0, 2);
	assert_int_equal(model_unaccounted(event_of(t)), 0);
	assert_int_equal(model_unaccounted_handlers(event_of(t)), 2);	/* at most one can be running still */
	lost(t, SDEI_COMPLETE, SDEI_RESUMED, 0, 0, 2);
	accounted(t);
}

/* A record that cannot follow on what is known: its state is the state, what was open has no sample. */
static void test_contradiction(void **state)
{
	struct target *t = *state;

	plain(t, 50, SDEI_ENABLE, ENA);
	queued(t, 100, PEND);
	dispatch(t, 110, RUN);
	queued(t, 120, BOTH);
	plain(t, 130, SDEI_ENABLE, ENA);
	assert_int_equal(event_of(t)->state, ENA);
	assert_int_equal(event_of(t)->pending_since_ns, 0);
	assert_int_equal(event_of(t)->running_since_ns, 0);
	assert_int_equal(event_of(t)->misfits, 1);
	assert_int_equal(model_unaccounted(event_of(t)), 1);
	assert_int_equal(model_unaccounted_handlers(event_of(t)), 1);
	queued(t, 200, PEND);
	queued(t, 300, PEND);	/* what became of the one before is missing */
	dispatch(t, 310, RUN);
	assert_int_equal(event_of(t)->misfits, 2);
	assert_int_equal(model_totals(t->m)->misfits, 2);
	assert_int_equal(model_unaccounted(event_of(t)), 2);
	assert_int_equal(hist_sum(event_of(t)->dispatch), 10 + 10);
	assert_true(event_of(t)->inexact);
}

static void test_lost_of_every_kind(void **state)
{
	struct target *t = *state;
	const struct model_event *e;

	lost(t, SDEI_SIGNAL, SDEI_QUEUED, SDEI_FROM_GUEST, 0, 13);
	lost(t, SDEI_SIGNAL, SDEI_COALESCED, SDEI_FROM_GUEST, 0, 5);
	lost(t, SDEI_SIGNAL, SDEI_REJECTED, SDEI_FROM_VMM, -EBUSY, 3);
	lost(t, SDEI_DISPATCH, 0, 0, 0, 7);
	lost(t, SDEI_COMPLETE, SDEI_COMPLETED, 0, 0, 4);
	lost(t, SDEI_COMPLETE, SDEI_RESUMED, 0, 0, 2);
	lost(t, SDEI_CANCEL, 0, 0, 0, 2);
	lost(t, SDEI_CANCEL, 0, 0, -ENOENT, 9);
	lost(t, SDEI_UNREGISTER, SDEI_PENDING, 0, -5, 3);
	lost(t, SDEI_STATE, SDEI_PENDING | SDEI_RUNNING, SDEI_STATE_RESET, 0, 1);
	lost(t, SDEI_MASK, 0, 0, 1, 6);
	lost(t, SDEI_UNMASK, 0, 0, 0, 8);
	e = event_of(t);
	assert_int_equal(e->count.signals, 21);
	assert_int_equal(e->count.queued, 13);
	assert_int_equal(e->count.coalesced, 5);
	assert_int_equal(e->count.rejected, 3);
	assert_int_equal(e->rejected[REJECT_EBUSY], 3);
	assert_int_equal(e->count.dispatched, 7);
	assert_int_equal(e->count.completed, 4);
	assert_int_equal(e->count.resumed, 2);
	assert_int_equal(e->count.cancelled, 2);
	assert_int_equal(e->count.cleared, 4);
	assert_int_equal(e->count.running_cleared, 1);
	assert_int_equal(vcpu_of(t)->mask_calls, 6);
	assert_int_equal(vcpu_of(t)->unmask_calls, 8);
	assert_int_equal(model_totals(t->m)->lost, 13 + 5 + 3 + 7 + 4 + 2 + 2 + 9 + 3 + 1 + 6 + 8);
	assert_int_equal(e->lost, 49);
	accounted(t);
}

static void test_lost_call_harms_no_event(void **state)
{
	struct target *t = *state;
	struct sdei_lost_key key = { .vm = 7, .kind = SDEI_CALL, .function = 0xC4000028 };

	plain(t, 50, SDEI_ENABLE, ENA);
	queued(t, 100, PEND);
	assert_int_equal(model_feed_lost(t->m, &key, 3), 0);
	dispatch(t, 110, RUN);
	sample(event_of(t)->dispatch, 10);
	assert_false(event_of(t)->inexact);
	assert_true(vcpu_of(t)->inexact);
	assert_int_equal(model_call_count(vcpu_of(t), 0xC4000028, 0), 3);
}

static void test_lost_interval_makes_no_sample(void **state)
{
	struct target *t = *state;

	plain(t, 50, SDEI_ENABLE, ENA);
	unmask(t, 60);
	queued(t, 100, PEND);
	mask(t, 105, 1);
	lost(t, SDEI_DISPATCH, 0, 0, 0, 1);	/* dispatched and signalled again, or not: nobody knows */
	lost(t, SDEI_COMPLETE, SDEI_COMPLETED, 0, 0, 1);
	lost(t, SDEI_SIGNAL, SDEI_QUEUED, 0, 0, 1);
	lost(t, SDEI_UNMASK, 0, 0, 0, 1);
	lost(t, SDEI_MASK, 0, 0, 1, 1);
	unmask(t, 200);
	dispatch(t, 210, RUN);
	sample(event_of(t)->dispatch, NONE);
	sample(vcpu_of(t)->mask, NONE);
	accounted(t);
}

static void test_lost_unknown(void **state)
{
	struct target *t = *state;

	model_feed_lost(t->m, NULL, 0);
	assert_false(model_totals(t->m)->inexact);
	model_feed_lost(t->m, NULL, 7);
	assert_true(model_totals(t->m)->inexact);
	assert_int_equal(model_totals(t->m)->lost, 7);
	lost(t, SDEI_SIGNAL, SDEI_QUEUED, 0, 0, 0);	/* none is none */
	assert_int_equal(model_totals(t->m)->vms, 0);
}

/* --- late and malformed records */

static void test_late_signal(void **state)
{
	struct target *t = *state;

	plain(t, 50, SDEI_ENABLE, ENA);
	dispatch(t, 110, RUN);
	queued(t, 100, PEND);	/* was before */
	assert_int_equal(model_totals(t->m)->late, 1);
	assert_int_equal(event_of(t)->state, RUN);
	accounted(t);
	complete(t, 120, SDEI_COMPLETED, ENA);
	accounted(t);
	sample(event_of(t)->dispatch, NONE);
	sample(event_of(t)->total, NONE);
	assert_true(event_of(t)->inexact);
}

static void test_late_first_sight(void **state)
{
	struct target *t = *state;

	queued(t, 100, PEND);
	t->event = 1;
	queued(t, 90, PEND);	/* the first of its event, and true */
	dispatch(t, 120, RUN);
	accounted(t);
	sample(event_of(t)->dispatch, 30);
	assert_int_equal(model_totals(t->m)->late, 1);
}

static void test_late_for_the_dead(void **state)
{
	struct target *t = *state;

	states(t, 10, SDEI_CREATED, MASK);
	states(t, 30, SDEI_DESTROYED, MASK);
	queued(t, 25, PEND);
	dispatch(t, 26, RUN);
	assert_true(vcpu_of(t)->gone);
	assert_int_equal(newest_vm(t)->instance, 0);
	assert_int_equal(event_of(t)->count.signals, 1);
	assert_int_equal(event_of(t)->state, 0);
	assert_int_equal(model_totals(t->m)->late, 2);
	assert_int_equal(model_unaccounted(event_of(t)), 0);
}

/* A late record revives nobody, whether the VM lives, or ended later, or the record is as old as the end. */
static void test_late_revives_nobody(void **state)
{
	struct target *t = *state;
	size_t count;

	for (t->vcpu = 0; t->vcpu < 3; t->vcpu++)
		queued(t, 10, PEND);
	for (t->vcpu = 0; t->vcpu < 3; t->vcpu++) {
		state_of(t, 50 + 10 * t->vcpu, SDEI_DESTROYED, 0, SDEI_PENDING);
		coalesced(t, 45, PEND);
		coalesced(t, 50 + 10 * t->vcpu, PEND);
		assert_true(vcpu_of(t)->gone);
		assert_int_equal(event_of(t)->state, 0);
	}
	t->vcpu = 0;
	coalesced(t, 65, PEND);	/* its own end was at 50, the VM's at 70 */
	assert_true(vcpu_of(t)->gone);
	assert_int_equal(event_of(t)->state, 0);
	assert_int_equal(event_of(t)->count.coalesced, 3);
	assert_int_equal(model_totals(t->m)->vcpus, 0);
	assert_int_equal(model_totals(t->m)->late, 7);
	model_vms(t->m, &count);
	assert_int_equal(count, 1);
	accounted(t);
}

static void test_malformed(void **state)
{
	struct target *t = *state;
	struct sdei_record_call r = { .head = head(t, 10, SDEI_SIGNAL, PEND) };
	struct sdei_lost_key key = { .vm = 7, .kind = SDEI_KIND_COUNT };

	assert_int_equal(model_feed(t->m, &r.head, sizeof(r.head) - 1), -EINVAL);
	assert_int_equal(model_feed(t->m, &r.head, sizeof(r)), -EINVAL);
	assert_int_equal(model_feed(t->m, &r.head, 0), -EINVAL);
	r.head.event = SDEI_NONE;	/* a signal is of some event */
	assert_int_equal(model_feed(t->m, &r.head, sizeof(r.head)), -EINVAL);
	for (unsigned int kind = 0; kind < 256; kind++) {
		if (kind > SDEI_KIND_NONE && kind < SDEI_KIND_COUNT)
			continue;
		r.head.kind = kind;
		assert_int_equal(model_feed(t->m, &r.head, sizeof(r.head)), -EINVAL);
	}
	assert_int_equal(model_totals(t->m)->unknown, 4 + 256 - (SDEI_KIND_COUNT - 1));
	assert_int_equal(model_feed_lost(t->m, &key, 5), -EINVAL);
	assert_int_equal(model_totals(t->m)->lost, 5);
	assert_int_equal(model_totals(t->m)->records, 0);
	assert_int_equal(model_totals(t->m)->vms, 0);
}

/*
 * More events of a vCPU than there can be, all pending, while the mask changes: a record may cost a look at each that is kept.
 * What is left out still tells of the mask.
 */
static void test_too_many_events(void **state)
{
	struct target *t = *state;
	struct sdei_lost_key key = { .vm = 7, .event = 20000, .kind = SDEI_SIGNAL, .outcome = SDEI_QUEUED };
	const struct model_event *last;

	for (t->event = 0; t->event < 20000; t->event++) {
		struct sdei_record r = head(t, 100 + t->event, SDEI_SIGNAL, PEND | (t->event & 1 ? MASK : 0));

		r.outcome = SDEI_QUEUED;
		assert_int_equal(model_feed(t->m, &r, sizeof(r)), t->event < MODEL_EVENTS_MAX ? 0 : -E2BIG);
		assert_int_equal(vcpu_of(t)->masked, t->event & 1);
	}
	assert_int_equal(vcpu_of(t)->event_count, MODEL_EVENTS_MAX);
	assert_int_equal(model_totals(t->m)->crowded, 20000 - MODEL_EVENTS_MAX);
	assert_int_equal(model_totals(t->m)->no_memory, 0);
	assert_int_equal(model_feed_lost(t->m, &key, 5), -E2BIG);
	assert_int_equal(model_totals(t->m)->crowded, 20000 - MODEL_EVENTS_MAX + 5);
	t->event = 0;
	queued(t, 30000, PEND);
	last = event_of(t);
	assert_int_equal(last->count.signals, 2);
}

static void test_too_many_vcpus(void **state)
{
	struct target *t = *state;
	struct sdei_lost_key key = { .vm = 7, .kind = SDEI_SIGNAL };
	struct sdei_record_apf fault = { .head = { .vm = 7, .event = SDEI_NONE, .kind = SDEI_APF, .origin = APF_SETUP } };
	struct sdei_record r;

	for (t->vcpu = MODEL_VCPUS_MAX + 10; t->vcpu; t->vcpu--) {	/* each goes before all others */
		r = head(t, 100, SDEI_SIGNAL, PEND);
		assert_int_equal(model_feed(t->m, &r, sizeof(r)), t->vcpu > 10 ? 0 : -E2BIG);
	}
	assert_int_equal(model_totals(t->m)->vcpus, MODEL_VCPUS_MAX);
	assert_int_equal(model_feed_lost(t->m, &key, 3), -E2BIG);
	assert_int_equal(model_feed(t->m, &fault.head, sizeof(fault)), -E2BIG);
	assert_int_equal(model_totals(t->m)->crowded, 10 + 3 + 1);
	t->vm = 8;
	r = head(t, 100, SDEI_SIGNAL, PEND);
	assert_int_equal(model_feed(t->m, &r, sizeof(r)), 0);
}

/* --- intervals, starting over, forgetting */

static void test_tick(void **state)
{
	struct target *t = *state;
	const struct model_totals *totals = model_totals(t->m);
	const struct model_event *e;

	model_tick(t->m, 1000);
	assert_int_equal(totals->start_ns, 1000);
	assert_int_equal(totals->interval_ns, 0);
	unmask(t, 1005);
	queued(t, 1010, PEND);
	mask(t, 1020, 1);
	model_tick(t->m, 1100);
	e = event_of(t);
	assert_int_equal(totals->interval_ns, 100);
	assert_int_equal(totals->interval.signals, 1);
	assert_int_equal(totals->interval_records, 3);
	assert_int_equal(e->interval.queued, 1);
	assert_int_equal(vcpu_of(t)->interval_masked_ns, 80);
	coalesced(t, 1150, PEND | MASK);
	coalesced(t, 1151, PEND | MASK);
	unmask(t, 1160);
	model_tick(t->m, 1200);
	assert_int_equal(e->interval.queued, 0);
	assert_int_equal(e->interval.coalesced, 2);
	assert_int_equal(e->interval.signals, 2);
	assert_int_equal(e->count.signals, 3);
	assert_int_equal(vcpu_of(t)->interval_masked_ns, 60);
	model_tick(t->m, 1300);
	assert_int_equal(e->interval.signals, 0);
	assert_int_equal(totals->interval_records, 0);
	assert_int_equal(vcpu_of(t)->interval_masked_ns, 0);
	assert_int_equal(totals->count.signals, 3);
}

/* An UNMASK that is older than the tick before but is told after it. */
static void test_tick_ahead_of_records(void **state)
{
	struct target *t = *state;

	unmask(t, 90);
	mask(t, 100, 1);
	model_tick(t->m, 200);
	assert_int_equal(vcpu_of(t)->interval_masked_ns, 100);
	unmask(t, 150);
	model_tick(t->m, 300);
	assert_int_equal(vcpu_of(t)->interval_masked_ns, 0);
	mask(t, 350, 1);
	model_tick(t->m, 400);
	assert_int_equal(vcpu_of(t)->interval_masked_ns, 50);
	sample(vcpu_of(t)->mask, 50);
}

static void test_reset(void **state)
{
	struct target *t = *state;
	const struct model_event *e;

	unmask(t, 10);
	plain(t, 50, SDEI_ENABLE, ENA);
	queued(t, 100, PEND);
	dispatch(t, 110, RUN);
	queued(t, 120, BOTH);
	mask(t, 130, 1);
	call(t, 131, 0xC400002b, 1, BOTH | MASK);
	lost(t, SDEI_MASK, 0, 0, 1, 1);
	t->event = 1;
	queued(t, 140, PEND | MASK);
	t->event = 0;
	model_reset(t->m, 150);
	e = event_of(t);
	assert_int_equal(e->count.signals, 0);
	assert_null(e->dispatch);
	assert_int_equal(e->carried_pending, 1);
	assert_int_equal(e->carried_running, 1);
	assert_int_equal(e->state, BOTH);
	assert_int_equal(vcpu_of(t)->mask_calls, 0);
	assert_int_equal(vcpu_of(t)->lost, 0);
	assert_int_equal(model_call_count(vcpu_of(t), 0xC400002b, 0), 0);
	assert_int_equal(model_totals(t->m)->records, 0);
	assert_int_equal(model_totals(t->m)->vcpus, 1);
	clean(t);
	assert_int_equal(model_masked_ns(vcpu_of(t), 160), 10);
	complete(t, 170, SDEI_COMPLETED, PEND | MASK);
	unmask(t, 175);
	dispatch(t, 180, RUN);
	clean(t);
	sample(e->handler, 60);		/* true, though it began before */
	sample(e->dispatch, 60);
	model_tick(t->m, 250);
	assert_int_equal(model_totals(t->m)->interval_ns, 100);
	assert_int_equal(e->interval.dispatched, 1);
	assert_int_equal(vcpu_of(t)->interval_masked_ns, 25);
}

static int freed;

static void free_user(void *user)
{
	freed++;
	free(user);
}

static void test_expire(void **state)
{
	struct target *t = *state;
	struct model_options options = { .free_user = free_user };
	struct model_vm *const *vms;
	size_t count;

	model_free(t->m);
	t->m = model_new(&options);
	for (t->vm = 100; t->vm < 300; t->vm++) {
		queued(t, t->vm, PEND);
		model_vm(t->m, t->vm)->user = malloc(1);
		if (t->vm % 2)
			state_of(t, t->vm + 1000, SDEI_DESTROYED, 0, SDEI_PENDING);
	}
	freed = 0;
	model_expire(t->m, 1200);
	assert_int_equal(freed, 50);
	vms = model_vms(t->m, &count);
	assert_int_equal(count, 150);
	for (size_t i = 1; i < count; i++)
		assert_true(vms[i - 1]->pid < vms[i]->pid);
	assert_int_equal(model_totals(t->m)->count.signals, 200);
	assert_int_equal(model_totals(t->m)->vms, 100);
	for (t->vm = 100; t->vm < 300; t->vm += 2) {
		dispatch(t, 5000, RUN);
		assert_int_equal(hist_count(model_event(model_vcpu(model_vm(t->m, t->vm), 0), 0)->dispatch), 1);
	}
	t->vm = 101;
	states(t, 6000, SDEI_CREATED, MASK);	/* forgotten: begins anew */
	assert_int_equal(newest_vm(t)->instance, 0);
	model_free(t->m);
	assert_int_equal(freed, 200);
	t->m = model_new(NULL);
}

/* The newest VM of a pid must survive its forgotten predecessor. */
static void test_expire_of_an_instance(void **state)
{
	struct target *t = *state;
	size_t count;

	states(t, 10, SDEI_CREATED, MASK);
	states(t, 20, SDEI_DESTROYED, MASK);
	states(t, 30, SDEI_CREATED, MASK);
	queued(t, 40, PEND | MASK);
	model_expire(t->m, 25);
	model_vms(t->m, &count);
	assert_int_equal(count, 1);
	assert_non_null(model_vm(t->m, 7));
	dispatch(t, 50, RUN);
	sample(event_of(t)->dispatch, 10);
}

static void test_many(void **state)
{
	struct target *t = *state;
	size_t count;

	for (t->vm = 1; t->vm <= 2000; t->vm++) {
		for (t->vcpu = 17; t->vcpu-- > 0;)
			queued(t, 10 + t->vm, PEND);
	}
	model_vms(t->m, &count);
	assert_int_equal(count, 2000);
	assert_int_equal(model_totals(t->m)->vcpus, 34000);
	for (t->vm = 1; t->vm <= 2000; t->vm++) {
		const struct model_vm *vm = model_vm(t->m, t->vm);

		for (uint32_t i = 0; i < 17; i++)
			assert_int_equal(vm->vcpus[i]->id, i);
	}
}

/* --- a recording that begins in the middle says how long what is open has been */

static void snapshot(struct target *t, uint64_t time, unsigned int state, uint64_t since)
{
	struct sdei_record_handler r = { .head = head(t, time, SDEI_STATE, state) };

	r.head.origin = SDEI_SNAPSHOT;
	r.head.arg = since;
	assert_int_equal(model_feed(t->m, &r.head, sizeof(r)), 0);
}

static const struct model_event *event_0(const struct target *t)
{
	return model_event(model_vcpu(newest_vm(t), t->vcpu), 0);
}

static void test_runs_since(void **state)
{
	struct target *t = *state;
	const struct model_event *e;

	snapshot(t, 5000, RUN, 1000);
	e = event_0(t);
	assert_int_equal(e->running_since_ns, 1000);
	assert_int_equal(e->carried_running, 1);
	complete(t, 6000, SDEI_COMPLETED, ENA);
	assert_int_equal(hist_count(e->handler), 1);
	assert_int_equal(hist_max(e->handler), 5000);
	assert_int_equal(model_unaccounted_handlers(e), 0);
}

static void test_pends_since(void **state)
{
	struct target *t = *state;
	const struct model_event *e;
	struct model_late late;

	snapshot(t, 5000, PEND, 2000);
	e = event_0(t);
	assert_int_equal(e->pending_since_ns, 2000);
	assert_false(model_event_open(e, 5500, &late));		/* what it waited for is not known */
	dispatch(t, 7000, RUN);
	assert_int_equal(hist_count(e->dispatch), 1);
	assert_int_equal(hist_max(e->dispatch), 5000);
	assert_int_equal(model_unaccounted(e), 0);
	for (unsigned int part = 0; part < BLAME_COUNT; part++)
		assert_int_equal(model_event_blame(e)->ns[part], 0);
	complete(t, 7100, SDEI_COMPLETED, ENA);
	queued(t, 8000, PEND);	/* of the next one all is known */
	dispatch(t, 8300, RUN);
	assert_int_equal(model_event_blame(e)->ns[BLAME_entry], 300);
}

static void test_masked_since(void **state)
{
	struct target *t = *state;
	const struct model_vcpu *v;

	t->event = SDEI_NONE;
	snapshot(t, 5000, MASK, 1500);
	t->event = 0;
	snapshot(t, 5000, ENA | MASK, 0);
	v = model_vcpu(newest_vm(t), 0);
	assert_int_equal(v->event_count, 1);
	assert_int_equal(v->masked_since_ns, 1500);
	unmask(t, 8000);
	assert_int_equal(hist_count(v->mask), 1);
	assert_int_equal(hist_max(v->mask), 6500);
	assert_int_equal(model_masked_ns(v, 9000), 3000);	/* what was seen of it */
}

/* A time to come, or none: as open as before, for how long is not known. */
static void test_since_unknown(void **state)
{
	struct target *t = *state;

	snapshot(t, 5000, RUN, 5001);
	assert_int_equal(event_0(t)->running_since_ns, 0);
	t->vcpu = 1;
	snapshot(t, 5000, ENA, 1000);
	assert_int_equal(event_0(t)->pending_since_ns, 0);
	t->vcpu = 2;
	snapshot(t, 5000, PEND, 0);
	dispatch(t, 7000, RUN);
	assert_int_equal(hist_count(event_0(t)->dispatch), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_one_signal),
		TEST(test_coalesced),
		TEST(test_rejected),
		TEST(test_pending_again_while_running),
		TEST(test_cancelled),
		TEST(test_unregister_clears_pending),
		TEST(test_unregister_while_running),
		TEST(test_reset_cuts_off),
		TEST(test_events_and_vcpus_are_apart),
		TEST(test_first_seen_dispatched),
		TEST(test_first_seen_completed),
		TEST(test_first_seen_coalesced),
		TEST(test_first_seen_queued),
		TEST(test_first_seen_cleared),
		TEST(test_first_seen_in_passing),
		TEST(test_restored),
		TEST(test_restore_takes_away),
		TEST(test_mask_interval),
		TEST(test_initial_mask),
		TEST(test_reset_masks),
		TEST(test_private_reset_leaves_the_mask),
		TEST(test_masked_before_first_sight),
		TEST(test_mask_flips_unseen),
		TEST(test_calls),
		TEST(test_values_of_registers),
		TEST(test_destroyed),
		TEST(test_pid_used_again),
		TEST(test_scratch_vm),
		TEST(test_vm_lives_while_a_vcpu_does),
		TEST(test_end_of_an_unseen_vcpu),
		TEST(test_created_over_a_living_vcpu),
		TEST(test_created_over_a_masked_vcpu),
		TEST(test_lost_end),
		TEST(test_lost_creation),
		TEST(test_lost_signal),
		TEST(test_lost_before_first_sight),
		TEST(test_contradiction),
		TEST(test_lost_of_every_kind),
		TEST(test_lost_call_harms_no_event),
		TEST(test_lost_interval_makes_no_sample),
		TEST(test_lost_unknown),
		TEST(test_late_signal),
		TEST(test_late_first_sight),
		TEST(test_late_for_the_dead),
		TEST(test_late_revives_nobody),
		TEST(test_malformed), TEST(test_too_many_events), TEST(test_too_many_vcpus),
		TEST(test_tick),
		TEST(test_tick_ahead_of_records),
		TEST(test_reset),
		TEST(test_expire),
		TEST(test_expire_of_an_instance),
		TEST(test_many),
		TEST(test_runs_since),
		TEST(test_pends_since),
		TEST(test_masked_since),
		TEST(test_since_unknown),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
