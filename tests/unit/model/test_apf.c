// SPDX-License-Identifier: GPL-2.0-only
/* Asynchronous page faults in the model: by hand, one rule at a time; and against an independent machine (apf_machine.h). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record/names.h"
#include "model/apf.h"
#include "model/model.h"
#include "model/slice.h"
#include "tests/unit/lib/apf_machine.h"
#include "tests/unit/lib/same_hist.h"

#define ENABLED (SDEI_REGISTERED | SDEI_ENABLED)
#define VM 7

static int setup(void **state)
{
	*state = model_new(NULL);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	model_free(*state);
	return 0;
}

/* --- records */

static struct sdei_record_apf step_of(uint64_t time, unsigned int step, unsigned int outcome, uint64_t id)
{
	return (struct sdei_record_apf) {
		.head = { .time_ns = time, .vm = VM, .event = SDEI_NONE, .kind = SDEI_APF, .origin = step, .outcome = outcome, .arg = id << 12 },
		.id = id, .gfn = id ? 0x1000 + id : 0,
	};
}

static void feed(struct model *m, const struct sdei_record_apf *r)
{
	assert_int_equal(model_feed(m, &r->head, sizeof(*r)), 0);
}

static void step(struct model *m, uint64_t time, unsigned int step, unsigned int outcome, uint64_t id)
{
	struct sdei_record_apf r = step_of(time, step, outcome, id);

	feed(m, &r);
}

static void event(struct model *m, uint64_t time, unsigned int kind, unsigned int state, unsigned int origin, unsigned int outcome)
{
	struct sdei_record r = {
		.time_ns = time, .vm = VM, .event = 1, .kind = kind, .state = state, .origin = origin, .outcome = outcome,
	};

	assert_int_equal(model_feed(m, &r, sizeof(r)), 0);
}

static void signalled(struct model *m, uint64_t time)
{
	event(m, time, SDEI_SIGNAL, ENABLED | SDEI_PENDING, SDEI_FROM_APF, SDEI_QUEUED);
}

static void dispatched(struct model *m, uint64_t time)
{
	event(m, time, SDEI_DISPATCH, ENABLED | SDEI_RUNNING, 0, 0);
}

static void completed(struct model *m, uint64_t time)
{
	event(m, time, SDEI_COMPLETE, ENABLED, 0, SDEI_COMPLETED);
}

/* The fault with token 5 begins at 1000, and the guest is told at 1010, by an event that was signalled at 1005. */
static void told(struct model *m)
{
	step(m, 1000, APF_SETUP, 0, 5);
	signalled(m, 1005);
	step(m, 1010, APF_NOT_PRESENT, APF_TOLD, 5);
}

static void lost(struct model *m, unsigned int step, unsigned int outcome, uint64_t count)
{
	struct sdei_lost_key key = { .vm = VM, .event = SDEI_NONE, .kind = SDEI_APF, .origin = step, .outcome = outcome };

	assert_int_equal(model_feed_lost(m, &key, count), 0);
}

/* A fault that the guest is told of, up to the page's being there. */
static void fault(struct model *m, uint64_t time, uint64_t id)
{
	step(m, time, APF_SETUP, 0, id);
	step(m, time + 10, APF_NOT_PRESENT, APF_TOLD, id);
	step(m, time + 50, APF_WORKING, 0, id);
	step(m, time + 300, APF_READY, 0, id);
}

/* --- figures */

static struct model_vcpu *vcpu(struct model *m)
{
	return model_vcpu(model_vm(m, VM), 0);
}

static const struct model_apf *shown(struct model *m)
{
	size_t count;
	struct model_vm *const *vms = model_vms(m, &count);

	assert_true(count);
	return model_vcpu_apf(model_vcpu(vms[count - 1], 0));
}

static void one_sample(struct model *m, enum apf_stage stage, uint64_t value)
{
	const struct hist *h = shown(m)->stage[stage];

	if (hist_count(h) != 1 || hist_max(h) != value)
		fail_msg("%s: %lu samples, the largest %lu, not one of %lu", apf_stage_name(stage), hist_count(h), hist_max(h), value);
}

static void no_sample(struct model *m, enum apf_stage stage)
{
	assert_null(shown(m)->stage[stage]);
}

static void accounted(struct model *m)
{
	assert_int_equal(apf_unaccounted(shown(m)), 0);
}

/* --- one fault */

static void test_oldest(void **state)
{
	struct model *m = *state;
	struct model_apf sum;

	fault(m, 1000, 5);
	fault(m, 2000, 6);
	fault(m, 3000, 7);
	assert_int_equal(shown(m)->oldest_ns, 1000);
	step(m, 3500, APF_PRESENT, APF_SIGNALLED, 6);
	assert_int_equal(shown(m)->oldest_ns, 1000);
	step(m, 3600, APF_PRESENT, APF_SIGNALLED, 5);
	assert_int_equal(shown(m)->oldest_ns, 3000);
	assert_int_equal(model_vm_apf(model_vm(m, VM), &sum), 0);
	assert_int_equal(sum.oldest_ns, 3000);
	apf_release(&sum);
	model_reset(m, 3700);
	assert_int_equal(shown(m)->oldest_ns, 3000);
	step(m, 3800, APF_CLEAR, 0, 0);
	assert_int_equal(shown(m)->oldest_ns, 0);
	assert_int_equal(apf_older_ns(0, 0), 0);
	assert_int_equal(apf_older_ns(0, 5), 5);
	assert_int_equal(apf_older_ns(5, 0), 5);
	assert_int_equal(apf_older_ns(7, 5), 5);
	assert_int_equal(apf_older_ns(5, 7), 5);
}

static void test_stages(void **state)
{
	struct model *m = *state;

	fault(m, 1000, 5);
	assert_int_equal(shown(m)->in_flight, 1);
	accounted(m);
	step(m, 1350, APF_PRESENT, APF_SIGNALLED, 5);
	step(m, 1400, APF_ACK, 0, 0);
	one_sample(m, APF_STAGE_signal, 10);
	one_sample(m, APF_STAGE_wait, 50);
	one_sample(m, APF_STAGE_page, 250);
	one_sample(m, APF_STAGE_present, 50);
	one_sample(m, APF_STAGE_total, 350);
	one_sample(m, APF_STAGE_ack, 50);
	no_sample(m, APF_STAGE_dispatch);
	no_sample(m, APF_STAGE_handler);
	no_sample(m, APF_STAGE_halt);
	no_sample(m, APF_STAGE_sync);
	assert_int_equal(shown(m)->count.setup, 1);
	assert_int_equal(shown(m)->count.async, 1);
	assert_int_equal(shown(m)->count.acked, 1);
	assert_int_equal(shown(m)->in_flight, 0);
	assert_false(shown(m)->inexact);
	accounted(m);
}

static void test_worst_is_told(void **state)
{
	struct model *m = *state;
	const struct hist_worst *worst;

	fault(m, 1000, 5);
	step(m, 1350, APF_PRESENT, APF_SIGNALLED, 5);
	worst = hist_worst(shown(m)->stage[APF_STAGE_total]);
	assert_non_null(worst);
	assert_int_equal(worst->time_ns, 1350);
	assert_int_equal(worst->vm, VM);
	assert_int_equal(worst->event, SDEI_NONE);
}

static void test_stages_by_sdei(void **state)
{
	struct model *m = *state;

	told(m);
	dispatched(m, 1030);
	step(m, 1050, APF_WORKING, 0, 5);
	completed(m, 1100);
	step(m, 1300, APF_READY, 0, 5);
	step(m, 1350, APF_PRESENT, APF_SIGNALLED, 5);
	one_sample(m, APF_STAGE_signal, 10);
	one_sample(m, APF_STAGE_dispatch, 20);
	one_sample(m, APF_STAGE_handler, 70);
	assert_int_equal(shown(m)->slow[0].stage[APF_STAGE_dispatch], 20);
	assert_int_equal(shown(m)->slow[0].stage[APF_STAGE_handler], 70);
	assert_int_equal(shown(m)->count.async, 1);
}

/* The slowest ones are completed when all is known. */
static void test_page_before_handler_ends(void **state)
{
	struct model *m = *state;

	told(m);
	dispatched(m, 1030);
	step(m, 1050, APF_WORKING, 0, 5);
	step(m, 1060, APF_READY, 0, 5);
	step(m, 1070, APF_PRESENT, APF_SIGNALLED, 5);
	assert_int_equal(shown(m)->slow[0].stage[APF_STAGE_handler], APF_UNKNOWN);
	completed(m, 1100);
	step(m, 1150, APF_ACK, 0, 0);
	one_sample(m, APF_STAGE_handler, 70);
	one_sample(m, APF_STAGE_ack, 80);
	assert_int_equal(shown(m)->slow[0].stage[APF_STAGE_handler], 70);
	assert_int_equal(shown(m)->slow[0].stage[APF_STAGE_ack], 80);
	assert_int_equal(shown(m)->count.async, 1);
}

/*
 * Pages that user space brings: told by an exit and accepted, told by a ring, and told by an exit that lasts until the page is there.
 * Of the last one nothing but its length is known. Lost records count as the others do.
 */
static void test_pages_of_user(void **state)
{
	struct model *m = *state;

	step(m, 1000, APF_SETUP, APF_BY_USER, 5);
	step(m, 1010, APF_NOT_PRESENT, APF_TOLD, 5);
	step(m, 1050, APF_WORKING, APF_BY_USER, 5);
	step(m, 1300, APF_READY, APF_BY_USER, 5);
	step(m, 1310, APF_READY, APF_BY_USER, 5);
	step(m, 1350, APF_PRESENT, APF_SIGNALLED, 5);
	one_sample(m, APF_STAGE_wait, 50);
	one_sample(m, APF_STAGE_page, 250);
	one_sample(m, APF_STAGE_present, 50);
	step(m, 2000, APF_SETUP, APF_BY_USER, 6);
	step(m, 2005, APF_WORKING, APF_BY_RING, 6);
	step(m, 2010, APF_NOT_PRESENT, APF_TOLD, 6);
	step(m, 3000, APF_SETUP, APF_BY_USER, 7);
	step(m, 3010, APF_NOT_PRESENT, APF_HALTED, 7);
	step(m, 3400, APF_READY, APF_BY_USER, 7);
	step(m, 3500, APF_PRESENT, APF_SILENT, 7);
	step(m, 4000, APF_READY, APF_BY_RING, 6);
	step(m, 4100, APF_PRESENT, APF_SIGNALLED, 6);
	fault(m, 5000, 8);
	step(m, 6000, APF_PRESENT, APF_SIGNALLED, 8);
	assert_int_equal(shown(m)->count.setup, 4);
	assert_int_equal(shown(m)->count.user, 3);
	assert_int_equal(shown(m)->count.accepted, 1);
	assert_int_equal(shown(m)->count.ring, 1);
	assert_int_equal(shown(m)->count.async, 3);
	assert_int_equal(shown(m)->count.halted, 1);
	assert_int_equal(hist_count(shown(m)->stage[APF_STAGE_wait]), 3);
	assert_int_equal(hist_count(shown(m)->stage[APF_STAGE_total]), 4);
	accounted(m);
	lost(m, APF_SETUP, APF_BY_USER, 2);
	lost(m, APF_WORKING, APF_BY_USER, 1);
	lost(m, APF_WORKING, APF_BY_RING, 3);
	assert_int_equal(shown(m)->count.user, 5);
	assert_int_equal(shown(m)->count.accepted, 2);
	assert_int_equal(shown(m)->count.ring, 4);
}

/* The handler is entered nevertheless. */
static void test_wasted(void **state)
{
	struct model *m = *state;

	told(m);
	step(m, 1050, APF_WORKING, 0, 5);
	step(m, 1060, APF_READY, 0, 5);
	step(m, 1070, APF_PRESENT, APF_SIGNALLED, 5);
	assert_int_equal(shown(m)->count.wasted, 1);
	assert_int_equal(shown(m)->count.async, 0);
	accounted(m);
	dispatched(m, 1080);
	completed(m, 1100);
	one_sample(m, APF_STAGE_dispatch, 70);
	one_sample(m, APF_STAGE_handler, 20);
}

static void test_cancelled(void **state)
{
	struct model *m = *state;

	told(m);
	event(m, 1060, SDEI_CANCEL, ENABLED, 0, 0);
	step(m, 1070, APF_PRESENT, APF_CANCELLED, 5);
	assert_int_equal(shown(m)->count.cancelled, 1);
	accounted(m);
	dispatched(m, 1080);	/* of nobody */
	completed(m, 1090);
	no_sample(m, APF_STAGE_dispatch);
	no_sample(m, APF_STAGE_handler);
}

/* arm64: who was told is not told how it ended, because the vCPU was restored meanwhile. */
static void test_restored(void **state)
{
	struct model *m = *state;

	told(m);
	step(m, 1020, APF_WORKING, 0, 5);
	step(m, 1100, APF_PRESENT, APF_WAKE_ALL, 0);
	step(m, 1140, APF_ACK, 0, 0);
	step(m, 1200, APF_READY, 0, 5);
	step(m, 1210, APF_PRESENT, APF_SILENT, 5);
	assert_int_equal(shown(m)->count.async, 0);
	assert_int_equal(shown(m)->count.cleared, 1);
	assert_int_equal(shown(m)->count.wake_all, 1);
	assert_int_equal(shown(m)->in_flight, 0);
	one_sample(m, APF_STAGE_ack, 40);
	no_sample(m, APF_STAGE_present);
	no_sample(m, APF_STAGE_total);
	accounted(m);
}

static void test_halted_and_untold(void **state)
{
	struct model *m = *state;

	step(m, 1000, APF_SETUP, 0, 5);
	step(m, 1010, APF_NOT_PRESENT, APF_HALTED, 5);
	step(m, 1200, APF_PRESENT, APF_SILENT, 5);
	assert_int_equal(shown(m)->count.halted, 1);
	one_sample(m, APF_STAGE_halt, 200);
	no_sample(m, APF_STAGE_signal);
	step(m, 2000, APF_SETUP, 0, 6);
	step(m, 2010, APF_NOT_PRESENT, APF_UNTOLD, 6);
	step(m, 2300, APF_PRESENT, APF_SILENT, 6);
	assert_int_equal(shown(m)->count.untold, 1);
	assert_int_equal(hist_max(shown(m)->stage[APF_STAGE_halt]), 300);
	assert_int_equal(hist_count(shown(m)->stage[APF_STAGE_total]), 2);
	assert_int_equal(apf_saved_ns(shown(m)), 0);
	assert_int_equal(apf_blocked_ns(shown(m)), 500);
	fault(m, 3000, 7);
	step(m, 3400, APF_PRESENT, APF_SIGNALLED, 7);
	assert_int_equal(apf_saved_ns(shown(m)), 400);
	assert_int_equal(apf_blocked_ns(shown(m)), 500);
	accounted(m);
}

/* Only the newest can be what a dispatch is for. */
static void test_dispatch_of_the_newest(void **state)
{
	struct model *m = *state;

	told(m);
	dispatched(m, 1020);
	completed(m, 1030);
	step(m, 2000, APF_SETUP, 0, 6);
	signalled(m, 2005);
	step(m, 2010, APF_NOT_PRESENT, APF_TOLD, 6);
	step(m, 2040, APF_PRESENT, APF_SIGNALLED, 5);
	assert_int_equal(shown(m)->count.async, 1);
	dispatched(m, 2060);
	step(m, 2090, APF_PRESENT, APF_SIGNALLED, 6);
	assert_int_equal(shown(m)->count.async, 2);
	assert_int_equal(hist_max(shown(m)->stage[APF_STAGE_dispatch]), 50);
	assert_int_equal(hist_count(shown(m)->stage[APF_STAGE_dispatch]), 2);
	accounted(m);
}

/* Signals of others to the same event, and other events, say nothing about faults. */
static void test_other_events(void **state)
{
	struct model *m = *state;
	struct sdei_record r = { .time_ns = 1020, .vm = VM, .event = 2, .kind = SDEI_DISPATCH, .state = ENABLED | SDEI_RUNNING };

	step(m, 1000, APF_SETUP, 0, 5);
	event(m, 1005, SDEI_SIGNAL, ENABLED | SDEI_PENDING, SDEI_FROM_VMM, SDEI_QUEUED);
	event(m, 1006, SDEI_SIGNAL, ENABLED | SDEI_PENDING, SDEI_FROM_APF, SDEI_COALESCED);
	step(m, 1010, APF_NOT_PRESENT, APF_TOLD, 5);
	assert_int_equal(model_feed(m, &r, sizeof(r)), 0);
	no_sample(m, APF_STAGE_dispatch);
	step(m, 1050, APF_PRESENT, APF_SIGNALLED, 5);
	assert_int_equal(shown(m)->count.wasted, 0);
	assert_int_equal(shown(m)->count.async, 1);
}

/* A signal to an earlier fault says nothing about this one. */
static void test_told_without_a_signal(void **state)
{
	struct model *m = *state;

	told(m);
	dispatched(m, 1020);
	completed(m, 1030);
	step(m, 2000, APF_SETUP, 0, 6);
	step(m, 2010, APF_NOT_PRESENT, APF_TOLD, 6);
	step(m, 2090, APF_PRESENT, APF_SIGNALLED, 6);
	assert_int_equal(shown(m)->count.async, 1);
	assert_int_equal(shown(m)->count.wasted, 0);
}

/* A handler that a reset cuts off has no sample, whatever comes then. */
static void test_handler_cut_off(void **state)
{
	struct model *m = *state;
	struct sdei_record_handler r = {
		.head = { .time_ns = 1040, .vm = VM, .event = 1, .kind = SDEI_STATE, .origin = SDEI_STATE_RESET, .outcome = SDEI_RUNNING },
	};

	told(m);
	dispatched(m, 1030);
	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
	completed(m, 1100);
	no_sample(m, APF_STAGE_handler);
}

static void test_event_withdrawn(void **state)
{
	struct model *m = *state;

	told(m);
	event(m, 1020, SDEI_DISABLE, SDEI_REGISTERED | SDEI_PENDING, 0, 0);
	event(m, 1030, SDEI_UNREGISTER, 0, 0, SDEI_PENDING);
	dispatched(m, 1040);
	no_sample(m, APF_STAGE_dispatch);
}

/* --- many */

static void test_slowest(void **state)
{
	static const uint64_t totals[] = { 300, 900, 100, 700, 500, 800 }, expected[] = { 900, 800, 700, 500 };
	struct model *m = *state;
	uint64_t time = 1000;

	for (unsigned int i = 0; i < 6; i++, time += 1000) {
		step(m, time, APF_SETUP, 0, i + 1);
		step(m, time + totals[i], APF_PRESENT, APF_SIGNALLED, i + 1);
	}
	assert_int_equal(shown(m)->slow_count, APF_SLOW_COUNT);
	for (unsigned int i = 0; i < APF_SLOW_COUNT; i++)
		assert_int_equal(shown(m)->slow[i].stage[APF_STAGE_total], expected[i]);
	assert_int_equal(shown(m)->slow[0].id, 2);
	assert_int_equal(shown(m)->slow[0].gfn, 0x1002);
	assert_int_equal(shown(m)->slow[0].token, 2 << 12);
	assert_int_equal(shown(m)->slow[0].setup_ns, 2000);
	assert_int_equal(shown(m)->slow[0].stage[APF_STAGE_page], APF_UNKNOWN);
}

static void test_depth(void **state)
{
	struct model *m = *state;
	struct sdei_record_apf r = step_of(1300, APF_SETUP, 0, 4);

	for (uint64_t id = 1; id <= 3; id++)
		step(m, 1000 + id, APF_SETUP, 0, id);
	assert_int_equal(shown(m)->in_flight, 3);
	r.queued = 6;	/* the kernel knows of two that began earlier */
	feed(m, &r);
	assert_int_equal(hist_max(shown(m)->depth), 6);
	assert_int_equal(shown(m)->most_in_flight, 6);
	r = step_of(1400, APF_SETUP, 0, 5);
	r.queued = 65;	/* more than there can be */
	feed(m, &r);
	assert_int_equal(hist_max(shown(m)->depth), 6);
	assert_int_equal(hist_count(shown(m)->depth), 5);
}

static void test_fallbacks(void **state)
{
	struct model *m = *state;

	for (unsigned int reason = 0; reason < 12; reason++)
		step(m, 1000 + reason, APF_FALLBACK, reason, 0);
	assert_int_equal(shown(m)->count.fallback, 12);
	assert_int_equal(shown(m)->fallbacks[0], 0);
	for (unsigned int reason = 1; reason < APF_FALLBACK_OTHER; reason++)
		assert_int_equal(shown(m)->fallbacks[reason], 1);
	assert_int_equal(shown(m)->fallbacks[APF_FALLBACK_OTHER], 12 - (APF_FALLBACK_OTHER - 1));
	assert_string_equal(record_name(LABELS_APF_FALLBACK, APF_FALLBACK_FULL), "full");
	assert_string_equal(record_name(LABELS_APF_FALLBACK, 99), "?");
}

static void test_sync(void **state)
{
	struct model *m = *state;
	struct sdei_record_apf r = step_of(1000, APF_SYNC, 0, 0);

	r.duration_ns = 777;
	feed(m, &r);
	one_sample(m, APF_STAGE_sync, 777);
	assert_int_equal(apf_blocked_ns(shown(m)), 777);
	assert_int_equal(apf_saved_ns(shown(m)), 0);
	assert_int_equal(shown(m)->count.sync, 1);
	assert_int_equal(shown(m)->count.setup, 0);
}

/* How long it lasted, where its page came from, which was the slowest. */
static void sync_fault(struct model *m, uint64_t end, unsigned int cause, uint64_t gfn, uint64_t duration)
{
	struct sdei_record_apf r = step_of(end, APF_SYNC, cause, 0);

	r.gfn = gfn;
	r.duration_ns = duration;
	feed(m, &r);
}

static void test_causes(void **state)
{
	struct model *m = *state;
	const struct model_apf *apf;

	sync_fault(m, 1000, APF_FROM_USERFAULT, 7, 300);
	sync_fault(m, 2000, APF_FROM_USERFAULT, 8, 500);
	sync_fault(m, 3000, APF_FROM_FILE, 9, 400);
	sync_fault(m, 4000, APF_CAUSES, 10, 1);		/* of a later version */
	sync_fault(m, 5000, APF_FROM_HWPOISON, 11, 2);
	lost(m, APF_SYNC, APF_FROM_SWAP, 3);
	apf = shown(m);
	assert_int_equal(apf->causes[APF_FROM_USERFAULT].count, 2);
	assert_int_equal(apf->causes[APF_FROM_USERFAULT].ns, 800);
	assert_int_equal(apf->causes[APF_FROM_FILE].count, 1);
	assert_int_equal(apf->causes[APF_FROM_SWAP].count, 3);
	assert_int_equal(apf->causes[0].count, 1);
	assert_int_equal(apf->causes[APF_FROM_HWPOISON].count, 1);
	assert_int_equal(apf->causes[APF_FROM_HWPOISON].ns, 2);
	assert_int_equal(apf->count.sync, 8);
	assert_int_equal(apf->slow_count, 4);
	assert_int_equal(apf->slow[0].gfn, 8);
	assert_int_equal(apf->slow[0].setup_ns, 1500);
	assert_int_equal(apf->slow[0].cause, APF_FROM_USERFAULT);
	assert_int_equal(apf_fault_ns(&apf->slow[1]), 400);
	assert_string_equal(record_apf_outcome(APF_SYNC, APF_FROM_NOTHING), "mapped");
	assert_string_equal(record_apf_outcome(APF_SYNC, APF_FROM_HWPOISON), "hwpoison");
	assert_string_equal(record_apf_outcome(APF_SYNC, 0), "");
}

static void quick(struct model *m, uint64_t time, uint64_t faults, uint64_t duration)
{
	struct sdei_record_apf r = step_of(time, APF_QUICK, 0, 0);

	r.faults = faults;
	r.duration_ns = duration;
	feed(m, &r);
}

static void test_quick(void **state)
{
	struct model *m = *state;

	quick(m, 1000, 20, 300);
	quick(m, 2000, 5, 100);
	lost(m, APF_QUICK, 0, 1);
	quick(m, 3000, 7, 50);
	assert_int_equal(shown(m)->count.quick, 32);
	assert_int_equal(shown(m)->quick_ns, 450);
	assert_int_equal(apf_blocked_ns(shown(m)), 450);
	assert_int_equal(shown(m)->count.sync, 0);
	assert_true(shown(m)->inexact);
}

/* A sum that says when they were: it may be sent long after that. */
static void quick_span(struct model *m, uint64_t time, uint64_t ago, uint64_t span, uint64_t faults, uint64_t duration)
{
	struct sdei_record_apf r = step_of(time, APF_QUICK, 0, 0);

	r.head.arg = ago;
	r.span_ns = span;
	r.faults = faults;
	r.duration_ns = duration;
	feed(m, &r);
}

static void test_quick_warmup(void **state)
{
	const uint64_t s = 1000000000;
	struct model *m = *state;
	const struct apf_warmup *w;

	quick_span(m, 10 * s, 50000, 100000, 20, 300);
	w = &shown(m)->warmup;
	assert_int_equal(w->start_ns, 10 * s - 150000);
	assert_int_equal(w->end_ns, 10 * s - 50000);
	assert_int_equal(w->faults, 20);
	assert_int_equal(w->blocked_ns, 300);
	quick_span(m, 11 * s - 60000, 0, 10, 1, 10);		/* not quite a second later */
	assert_false(w->over);
	assert_int_equal(w->end_ns, 11 * s - 60000);
	quick_span(m, 13 * s, 2 * s, 10, 1, 10);		/* of before, but sent late */
	assert_false(w->over);
	assert_int_equal(w->end_ns, 11 * s);
	quick_span(m, 13 * s, 0, 10, 1, 10);
	assert_true(w->over);
	assert_int_equal(w->faults, 22);
	quick_span(m, 14 * s, UINT64_MAX, UINT64_MAX, 1, 10);	/* no time that can be */
	assert_int_equal(shown(m)->count.quick, 24);
}

/* Of before the vCPU began to wait: that it was taken meanwhile does not say that it has gone on. */
static void test_quick_before_waiting(void **state)
{
	struct model *m = *state;
	struct sdei_record_apf waiting = step_of(5000, APF_WAITING, APF_FROM_USERFAULT, 0);

	waiting.duration_ns = 1000;
	feed(m, &waiting);
	assert_int_equal(shown(m)->oldest_ns, 4000);
	quick_span(m, 6000, 2100, 500, 3, 30);
	assert_int_equal(shown(m)->oldest_ns, 4000);
	quick_span(m, 7000, 10, 500, 3, 30);
	assert_int_equal(shown(m)->oldest_ns, 0);
}

/* From the first fault until there was none for a second; what comes later is none of it. */
static void test_warmup(void **state)
{
	const uint64_t s = 1000000000;
	struct model *m = *state;
	const struct apf_warmup *w;

	sync_fault(m, 10 * s + 500, APF_FROM_FILE, 1, 500);
	w = &shown(m)->warmup;
	assert_int_equal(w->start_ns, 10 * s);
	quick(m, 11 * s, 40, 1000);
	sync_fault(m, 12 * s + s / 2, APF_FROM_FILE, 2, s);	/* a long wait is no calm */
	assert_int_equal(w->end_ns, 12 * s + s / 2);
	assert_int_equal(w->faults, 42);
	assert_int_equal(w->blocked_ns, s + 1500);
	assert_false(w->over);
	assert_false(apf_is_settled(w, 13 * s));
	assert_true(apf_is_settled(w, 14 * s));
	sync_fault(m, 20 * s, APF_FROM_FILE, 3, 100);
	assert_true(w->over);
	assert_int_equal(w->faults, 42);
	assert_int_equal(w->end_ns, 12 * s + s / 2);
	assert_true(apf_is_settled(w, 20 * s));
}

static void test_wake_all(void **state)
{
	struct model *m = *state;

	step(m, 1000, APF_PRESENT, APF_WAKE_ALL, 0);
	step(m, 1040, APF_ACK, 0, 0);
	step(m, 1090, APF_ACK, 0, 0);
	assert_int_equal(shown(m)->count.wake_all, 1);
	assert_int_equal(shown(m)->count.acked, 2);
	one_sample(m, APF_STAGE_ack, 40);
	accounted(m);
}

static void test_clear(void **state)
{
	struct model *m = *state;

	for (uint64_t id = 1; id <= 5; id++)
		fault(m, 1000 * id, id);
	step(m, 5500, APF_PRESENT, APF_SIGNALLED, 3);
	step(m, 6000, APF_CLEAR, 0, 0);
	assert_int_equal(shown(m)->count.cleared, 4);
	assert_int_equal(shown(m)->in_flight, 0);
	accounted(m);
	step(m, 6010, APF_READY, 0, 1);	/* its worker has not heard of that */
	accounted(m);
}

/* --- lives */

static void test_end_of_the_vcpu(void **state)
{
	struct model *m = *state;

	fault(m, 1000, 5);
	step(m, 2000, APF_VCPU_END, 0, 0);
	assert_null(model_vm(m, VM));
	assert_int_equal(model_totals(m)->vcpus, 0);
	assert_int_equal(shown(m)->count.cleared, 1);
	accounted(m);
	step(m, 2010, APF_READY, 0, 5);
	step(m, 2020, APF_CLEAR, 0, 0);
	step(m, 2030, APF_VCPU_END, 0, 0);
	assert_null(model_vm(m, VM));
	step(m, 3000, APF_SETUP, 0, 6);		/* the next of that pid */
	assert_non_null(model_vm(m, VM));
	assert_int_equal(model_vm(m, VM)->instance, 1);
	assert_int_equal(shown(m)->count.setup, 1);
	model_expire(m, 2500);
	assert_int_equal(shown(m)->count.setup, 1);
}

static void test_end_told_by_sdei(void **state)
{
	struct model *m = *state;
	struct sdei_record_handler r = {
		.head = { .time_ns = 2000, .vm = VM, .event = 1, .kind = SDEI_STATE, .origin = SDEI_DESTROYED },
	};

	fault(m, 1000, 5);
	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
	assert_int_equal(shown(m)->count.cleared, 1);
	accounted(m);
	step(m, 1990, APF_PRESENT, APF_SIGNALLED, 5);	/* late, so it may be one of those */
	assert_int_equal(model_totals(m)->late, 1);
	assert_int_equal(shown(m)->carried, 0);
	assert_true(shown(m)->inexact);
}

/* A vCPU of a VM that goes on. */
static void test_vcpu_comes_back(void **state)
{
	struct model *m = *state;
	struct sdei_record_apf other = step_of(900, APF_SETUP, 0, 1);

	other.head.vcpu = 1;
	feed(m, &other);
	fault(m, 1000, 5);
	step(m, 2000, APF_VCPU_END, 0, 0);
	assert_true(vcpu(m)->gone);
	fault(m, 3000, 6);
	assert_false(vcpu(m)->gone);
	assert_int_equal(shown(m)->count.setup, 2);
	assert_int_equal(shown(m)->in_flight, 1);
	accounted(m);
}

static void test_end_lost(void **state)
{
	struct model *m = *state;

	fault(m, 1000, 5);
	lost(m, APF_VCPU_END, 0, 1);
	model_tick(m, 2000);
	step(m, 2500, APF_PRESENT, APF_SIGNALLED, 5);	/* it is alive yet */
	model_tick(m, 3000);
	assert_non_null(model_vm(m, VM));
	model_tick(m, 4000);
	assert_null(model_vm(m, VM));
}

/* Steps of workers and ends tell of nobody who is not known. */
static void test_first_seen(void **state)
{
	struct model *m = *state;
	size_t count;

	assert_false(model_has_apf(m));
	step(m, 1000, APF_WORKING, 0, 5);
	step(m, 1010, APF_VCPU_END, 0, 0);
	lost(m, APF_CLEAR, 0, 3);
	model_vms(m, &count);
	assert_int_equal(count, 0);
	step(m, 1020, APF_FALLBACK, APF_FALLBACK_FULL, 0);
	assert_non_null(vcpu(m));
	assert_int_equal(vcpu(m)->first_seen_ns, 1020);
	assert_true(model_has_apf(m));
	assert_true(model_vm_has_apf(model_vm(m, VM)));
}

static void test_without(void **state)
{
	struct model *m = *state;

	signalled(m, 1000);
	dispatched(m, 1010);
	completed(m, 1020);
	assert_null(model_vcpu_apf(vcpu(m)));
	assert_false(model_vm_has_apf(model_vm(m, VM)));
	assert_false(model_has_apf(m));
	assert_null(model_vcpu_apf_interval(vcpu(m), APF_STAGE_total));
}

/* --- begun before the first record */

static void test_carried(void **state)
{
	struct model *m = *state;

	step(m, 1000, APF_WORKING, 0, 5);
	step(m, 1010, APF_PRESENT, APF_SIGNALLED, 5);
	step(m, 1020, APF_READY, 0, 6);
	step(m, 1030, APF_PRESENT, APF_SILENT, 6);
	assert_int_equal(shown(m)->carried, 2);
	assert_int_equal(shown(m)->count.async, 1);
	assert_int_equal(shown(m)->count.halted, 1);
	no_sample(m, APF_STAGE_total);
	accounted(m);
}

/* What it is when the guest is not told depends on the host. */
static void test_carried_untold(void **state)
{
	struct model *m = *state;

	step(m, 1000, APF_SETUP, 0, 7);
	step(m, 1001, APF_NOT_PRESENT, APF_UNTOLD, 7);
	step(m, 1030, APF_PRESENT, APF_SILENT, 6);
	assert_int_equal(shown(m)->count.untold, 1);
	assert_int_equal(shown(m)->carried, 1);
	assert_int_equal(shown(m)->in_flight, 1);
	accounted(m);
}

static void test_reset(void **state)
{
	struct model *m = *state;

	fault(m, 1000, 5);
	fault(m, 2000, 6);
	step(m, 2500, APF_PRESENT, APF_SIGNALLED, 5);
	lost(m, APF_SYNC, 0, 1);
	model_reset(m, 3000);
	assert_true(model_has_apf(m));
	assert_int_equal(shown(m)->count.setup, 0);
	assert_int_equal(shown(m)->in_flight, 1);
	assert_int_equal(shown(m)->carried, 1);
	assert_int_equal(shown(m)->most_in_flight, 1);
	assert_int_equal(shown(m)->slow_count, 0);
	assert_int_equal(shown(m)->lost, 0);
	assert_false(shown(m)->inexact);
	no_sample(m, APF_STAGE_total);
	accounted(m);
	step(m, 3500, APF_PRESENT, APF_SIGNALLED, 6);
	one_sample(m, APF_STAGE_total, 1500);
	accounted(m);
	fault(m, 4000, 7);
	model_reset(m, 5000);
	model_feed_lost(m, NULL, 1);
	assert_int_equal(shown(m)->in_flight, 0);
}

static void test_intervals(void **state)
{
	struct model *m = *state;

	model_keep_intervals(m, true);
	fault(m, 1000, 5);
	step(m, 1350, APF_PRESENT, APF_SIGNALLED, 5);
	model_tick(m, 2000);
	assert_int_equal(shown(m)->interval.setup, 1);
	assert_int_equal(shown(m)->interval.async, 1);
	assert_int_equal(hist_count(model_vcpu_apf_interval(vcpu(m), APF_STAGE_total)), 1);
	fault(m, 2000, 6);
	fault(m, 2500, 7);
	model_tick(m, 3000);
	assert_int_equal(shown(m)->interval.setup, 2);
	assert_int_equal(shown(m)->interval.async, 0);
	assert_null(model_vcpu_apf_interval(vcpu(m), APF_STAGE_total));
	assert_int_equal(hist_count(model_vcpu_apf_interval(vcpu(m), APF_STAGE_page)), 2);
	model_tick(m, 4000);
	assert_int_equal(shown(m)->interval.setup, 0);
	model_keep_intervals(m, false);
	assert_null(model_vcpu_apf_interval(vcpu(m), APF_STAGE_page));
}

static void test_sum(void **state)
{
	struct model *m = *state;
	struct model_apf sum;

	for (uint32_t id = 0; id < 3; id++) {
		struct sdei_record_apf r = step_of(1000, APF_SETUP, 0, 10 + id);

		r.head.vcpu = id;
		feed(m, &r);
		r = step_of(1100 + 100 * id, APF_PRESENT, APF_SIGNALLED, 10 + id);
		r.head.vcpu = id;
		feed(m, &r);
	}
	step(m, 5000, APF_SETUP, 0, 50);
	step(m, 5000, APF_FALLBACK, APF_FALLBACK_FULL, 0);
	assert_int_equal(model_vm_apf(model_vm(m, VM), &sum), 0);
	assert_int_equal(sum.count.setup, 4);
	assert_int_equal(sum.count.async, 3);
	assert_int_equal(sum.fallbacks[APF_FALLBACK_FULL], 1);
	assert_int_equal(sum.in_flight, 1);
	assert_int_equal(sum.most_in_flight, 1);
	assert_int_equal(hist_count(sum.stage[APF_STAGE_total]), 3);
	assert_int_equal(hist_max(sum.stage[APF_STAGE_total]), 300);
	assert_int_equal(sum.slow_count, 3);
	assert_int_equal(sum.slow[0].vcpu, 2);
	assert_int_equal(apf_unaccounted(&sum), 0);
	apf_release(&sum);
}

/* --- lost, late, hostile */

static void test_lost_counts(void **state)
{
	struct model *m = *state;

	step(m, 1000, APF_SETUP, 0, 5);
	lost(m, APF_SETUP, 0, 2);
	lost(m, APF_PRESENT, APF_SIGNALLED, 3);
	lost(m, APF_PRESENT, APF_CANCELLED, 4);
	lost(m, APF_PRESENT, APF_SILENT, 5);
	lost(m, APF_PRESENT, APF_WAKE_ALL, 6);
	lost(m, APF_ACK, 0, 7);
	lost(m, APF_FALLBACK, APF_FALLBACK_BUSY, 8);
	lost(m, APF_SYNC, 0, 9);
	lost(m, APF_READY, 0, 10);
	assert_int_equal(shown(m)->count.setup, 3);
	assert_int_equal(shown(m)->count.async, 3);
	assert_int_equal(shown(m)->count.cancelled, 4);
	assert_int_equal(shown(m)->count.halted, 5);
	assert_int_equal(shown(m)->count.wake_all, 6);
	assert_int_equal(shown(m)->count.acked, 7);
	assert_int_equal(shown(m)->fallbacks[APF_FALLBACK_BUSY], 8);
	assert_int_equal(shown(m)->count.sync, 9);
	assert_int_equal(shown(m)->lost, 54);
	assert_int_equal(model_totals(m)->lost, 54);
	assert_int_equal(model_totals(m)->lost_by[SDEI_APF], 54);
	assert_true(shown(m)->inexact);
	accounted(m);
}

/* Only what is missing has no sample. */
static void test_lost_stage(void **state)
{
	struct model *m = *state;

	step(m, 1000, APF_SETUP, 0, 5);
	step(m, 1010, APF_NOT_PRESENT, APF_TOLD, 5);
	lost(m, APF_WORKING, 0, 1);
	step(m, 1300, APF_READY, 0, 5);
	step(m, 1350, APF_PRESENT, APF_SIGNALLED, 5);
	no_sample(m, APF_STAGE_wait);
	no_sample(m, APF_STAGE_page);
	one_sample(m, APF_STAGE_present, 50);
	one_sample(m, APF_STAGE_total, 350);
	assert_int_equal(shown(m)->slow[0].stage[APF_STAGE_page], APF_UNKNOWN);
}

/* Which fault has ended is not known, so none is followed any more. */
static void test_lost_end(void **state)
{
	struct model *m = *state;

	fault(m, 1000, 5);
	fault(m, 2000, 6);
	lost(m, APF_PRESENT, APF_SIGNALLED, 1);
	assert_int_equal(shown(m)->in_flight, 0);
	step(m, 2500, APF_PRESENT, APF_SIGNALLED, 6);
	assert_int_equal(shown(m)->count.setup, 2);
	assert_int_equal(shown(m)->count.async, 2);
	assert_int_equal(shown(m)->carried, 0);
	no_sample(m, APF_STAGE_total);
	fault(m, 3000, 7);
	step(m, 3350, APF_PRESENT, APF_SIGNALLED, 7);
	one_sample(m, APF_STAGE_total, 350);
}

static void test_lost_ack(void **state)
{
	struct model *m = *state;

	fault(m, 1000, 5);
	step(m, 1350, APF_PRESENT, APF_SIGNALLED, 5);
	lost(m, APF_ACK, 0, 1);
	step(m, 1900, APF_ACK, 0, 0);
	no_sample(m, APF_STAGE_ack);
	assert_int_equal(shown(m)->count.acked, 2);
}

static void test_lost_unknown(void **state)
{
	struct model *m = *state;

	fault(m, 1000, 5);
	model_feed_lost(m, NULL, 3);
	assert_int_equal(shown(m)->in_flight, 0);
	assert_true(shown(m)->inexact);
}

/* Nobody knows whose: all that is in flight is in doubt, but nothing about SDEI. */
static void test_lost_of_any(void **state)
{
	const struct sdei_lost_key key = { .vm = SDEI_ANY_VM, .vcpu = SDEI_NONE, .event = SDEI_NONE, .kind = SDEI_APF };
	struct model *m = *state;

	fault(m, 1000, 5);
	step(m, 1100, APF_SETUP, 0, 6);
	assert_int_equal(model_feed_lost(m, &key, 3), 0);
	assert_int_equal(shown(m)->in_flight, 0);
	assert_true(shown(m)->inexact);
	assert_false(model_vcpu(model_vm(m, VM), 0)->inexact);
	assert_int_equal(model_totals(m)->lost, 3);
	assert_int_equal(model_totals(m)->lost_by[SDEI_APF], 3);
	assert_null(model_vm(m, SDEI_ANY_VM));
}

/* Whether the guest has seen it is not known then. */
static void test_lost_event(void **state)
{
	struct model *m = *state;
	struct sdei_lost_key key = { .vm = VM, .event = 1, .kind = SDEI_DISPATCH };

	told(m);
	assert_int_equal(model_feed_lost(m, &key, 1), 0);
	assert_true(shown(m)->inexact);
	completed(m, 1050);
	step(m, 1070, APF_PRESENT, APF_SIGNALLED, 5);
	assert_int_equal(shown(m)->count.wasted, 0);
	assert_int_equal(shown(m)->count.async, 1);
	no_sample(m, APF_STAGE_dispatch);
	no_sample(m, APF_STAGE_handler);
	one_sample(m, APF_STAGE_total, 70);
}

static void test_late_event(void **state)
{
	struct model *m = *state;

	told(m);
	event(m, 1003, SDEI_ENABLE, ENABLED, 0, 0);
	dispatched(m, 1040);
	no_sample(m, APF_STAGE_dispatch);
	assert_true(shown(m)->inexact);
}

static void test_late(void **state)
{
	struct model *m = *state;

	step(m, 1000, APF_SETUP, 0, 5);
	step(m, 1400, APF_FALLBACK, APF_FALLBACK_FULL, 0);
	step(m, 1010, APF_NOT_PRESENT, APF_TOLD, 5);
	step(m, 1050, APF_WORKING, 0, 5);
	step(m, 1300, APF_READY, 0, 5);
	step(m, 1350, APF_PRESENT, APF_SIGNALLED, 5);
	assert_int_equal(model_totals(m)->late, 4);
	one_sample(m, APF_STAGE_signal, 10);
	one_sample(m, APF_STAGE_total, 350);
	accounted(m);
	step(m, 1200, APF_SETUP, 0, 6);		/* whether it has ended already is not known */
	assert_int_equal(shown(m)->in_flight, 0);
	assert_int_equal(shown(m)->count.setup, 2);
	assert_true(shown(m)->inexact);
	step(m, 1500, APF_PRESENT, APF_SIGNALLED, 6);
	assert_int_equal(shown(m)->count.async, 2);
}

/* Told late: the dispatch is for the one that was told last. */
static void test_late_told(void **state)
{
	struct model *m = *state;

	step(m, 1000, APF_SETUP, 0, 5);
	step(m, 2000, APF_SETUP, 0, 6);
	step(m, 2010, APF_NOT_PRESENT, APF_TOLD, 6);
	step(m, 1010, APF_NOT_PRESENT, APF_TOLD, 5);
	dispatched(m, 2050);
	one_sample(m, APF_STAGE_dispatch, 40);
}

static void test_late_clear(void **state)
{
	struct model *m = *state;

	fault(m, 1000, 5);
	fault(m, 3000, 6);
	step(m, 2000, APF_CLEAR, 0, 0);
	assert_int_equal(shown(m)->count.cleared, 1);
	assert_int_equal(shown(m)->in_flight, 1);
	step(m, 3500, APF_PRESENT, APF_SIGNALLED, 6);
	one_sample(m, APF_STAGE_total, 500);
	accounted(m);
}

static void test_same_id_again(void **state)
{
	struct model *m = *state;

	fault(m, 1000, 5);
	fault(m, 2000, 5);
	step(m, 2350, APF_PRESENT, APF_SIGNALLED, 5);
	one_sample(m, APF_STAGE_total, 350);
	assert_int_equal(shown(m)->count.setup, 2);
	assert_int_equal(shown(m)->in_flight, 0);
	assert_true(shown(m)->inexact);
}

static void test_steps_again(void **state)
{
	struct model *m = *state;

	fault(m, 1000, 5);
	step(m, 1310, APF_NOT_PRESENT, APF_TOLD, 5);
	step(m, 1320, APF_WORKING, 0, 5);
	step(m, 1330, APF_READY, 0, 5);
	one_sample(m, APF_STAGE_signal, 10);
	one_sample(m, APF_STAGE_wait, 50);
	one_sample(m, APF_STAGE_page, 250);
}

static void test_without_id(void **state)
{
	struct model *m = *state;

	fault(m, 1000, 0);
	assert_int_equal(shown(m)->count.setup, 1);
	assert_int_equal(shown(m)->in_flight, 0);
	assert_true(shown(m)->inexact);
}

static void test_more_than_there_can_be(void **state)
{
	struct model *m = *state;

	for (uint64_t id = 1; id <= 1000; id++)
		step(m, 1000 * id, APF_SETUP, 0, id);
	assert_int_equal(shown(m)->in_flight, 64);
	assert_true(shown(m)->inexact);
	step(m, 2000000, APF_PRESENT, APF_SIGNALLED, 1000);
	step(m, 2000001, APF_PRESENT, APF_SIGNALLED, 936);
	assert_int_equal(shown(m)->in_flight, 63);
	step(m, 2000002, APF_PRESENT, APF_SIGNALLED, 937);
	assert_int_equal(shown(m)->in_flight, 62);
}

static void test_unsound(void **state)
{
	struct model *m = *state;
	struct sdei_record_apf r = step_of(1000, APF_SETUP, 0, 5);
	struct sdei_lost_key key = { .vm = VM, .kind = SDEI_APF, .origin = 99 };

	assert_int_equal(model_feed(m, &r.head, sizeof(r.head)), -EINVAL);
	r.head.origin = 0;
	assert_int_equal(model_feed(m, &r.head, sizeof(r)), -EINVAL);
	r.head.origin = APF_WAITING + 1;
	assert_int_equal(model_feed(m, &r.head, sizeof(r)), -EINVAL);
	assert_int_equal(model_feed_lost(m, &key, 2), -EINVAL);
	assert_int_equal(model_totals(m)->unknown, 5);
	assert_false(model_has_apf(m));
}

/* --- against the machine */

#define VCPUS 5

struct path {
	struct model *m;
	struct apf_machine *machine;
	unsigned int skip;		/* records before the model looks */
	unsigned int lose, garble;	/* permille */
	uint64_t seed, lost;
	bool strict;			/* conservation is checked after every record */
};

static uint64_t chance(struct path *p, uint64_t below)
{
	p->seed = p->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (p->seed >> 33) % below;
}

static const struct model_apf *newest(struct path *p, uint32_t id)
{
	size_t count;
	struct model_vm *const *vms = model_vms(p->m, &count);
	const struct model_vcpu *v = count ? model_vcpu(vms[0], id) : NULL;

	assert_true(count <= 1);
	return v ? model_vcpu_apf(v) : NULL;
}

static void check_accounted(struct path *p, uint32_t id)
{
	const struct model_apf *apf = newest(p, id);

	if (apf && apf_unaccounted(apf))
		fail_msg("vCPU %u: %ld unaccounted", id, apf_unaccounted(apf));
}

static void garble(struct path *p, struct sdei_record_apf *r)
{
	switch (chance(p, 7)) {
	case 0:
		r->head.origin = chance(p, 12);
		break;
	case 1:
		r->head.outcome = chance(p, 12);
		break;
	case 2:
		r->id = chance(p, 200);
		break;
	case 3:
		r->queued = chance(p, 2) ? ~0ULL : chance(p, 100);
		break;
	case 4:
		r->head.time_ns -= chance(p, 1000000);
		break;
	case 5:
		r->head.vcpu = chance(p, 2 * VCPUS);
		break;
	case 6:
		r->head.time_ns = chance(p, 2) ? 0 : r->head.time_ns + chance(p, 10000);
		break;
	}
}

static void lose_record(struct path *p, const struct sdei_record *r)
{
	struct sdei_lost_key key = {
		.vm = r->vm, .vcpu = r->vcpu, .event = r->event, .kind = r->kind, .outcome = r->outcome, .origin = r->origin,
	};

	p->lost++;
	assert_int_equal(model_feed_lost(p->m, &key, 1), 0);
}

static void take(void *ctx, const struct sdei_record *record, size_t size)
{
	struct path *p = ctx;
	struct sdei_record_apf r;

	if (p->skip) {
		p->skip--;
		return;
	}
	memcpy(&r, record, size);
	if (r.head.kind == SDEI_APF && chance(p, 1000) < p->lose) {
		lose_record(p, &r.head);
		return;
	}
	if (r.head.kind == SDEI_APF && chance(p, 1000) < p->garble)
		garble(p, &r);
	model_feed(p->m, &r.head, size);
	if (p->strict)
		check_accounted(p, r.head.vcpu);
}

static struct path *walk(unsigned int steps, bool sdei, struct path path)
{
	struct path *p = malloc(sizeof(*p));

	assert_non_null(p);
	*p = path;
	p->m = model_new(NULL);
	p->machine = apf_machine_new(VCPUS, sdei, path.seed, take, p);
	for (unsigned int i = 0; i < steps; i++) {
		apf_machine_step(p->machine);
		if (!(i % 1000))
			model_tick(p->m, p->machine->time);
	}
	return p;
}

static void path_free(struct path *p)
{
	apf_machine_free(p->machine);
	model_free(p->m);
	free(p);
}

static void same_counts(const struct apf_machine_vcpu *v, const struct model_apf *apf)
{
	assert_int_equal(apf->count.setup, v->setup);
	assert_int_equal(apf->count.async, v->async);
	assert_int_equal(apf->count.halted, v->halted);
	assert_int_equal(apf->count.untold, v->untold);
	assert_int_equal(apf->count.cancelled, v->cancelled);
	assert_int_equal(apf->count.wasted, v->wasted);
	assert_int_equal(apf->count.cleared, v->cleared);
	assert_int_equal(apf->count.wake_all, v->wake_all);
	assert_int_equal(apf->count.acked, v->acked);
	assert_int_equal(apf->count.fallback, v->fallback);
	assert_int_equal(apf->count.sync, v->sync);
	assert_memory_equal(apf->fallbacks, v->fallbacks, sizeof(v->fallbacks));
}

static void test_machine(void **state)
{
	for (unsigned int seed = 0; seed < 20; seed++) {
		struct path *p = walk(20000, seed % 2, (struct path){ .seed = seed, .strict = true });

		for (uint32_t id = 0; id < VCPUS; id++) {
			const struct apf_machine_vcpu *v = &p->machine->vcpus[id];
			const struct model_apf *apf = newest(p, id);

			same_counts(v, apf);
			assert_int_equal(apf->in_flight, v->count);
			assert_int_equal(apf->carried, 0);
			assert_false(apf->inexact);
			for (unsigned int i = 0; i < APF_STAGE_COUNT; i++)
				same_hist(apf->stage[i], v->stage[i]);
			assert_int_equal(apf->slow[0].stage[APF_STAGE_total], v->slowest);
			assert_int_equal(hist_count(apf->depth), v->setup);
		}
		assert_int_equal(model_totals(p->m)->late, 0);
		path_free(p);
	}
}

/* Conservation holds from the first record on, wherever that is. */
static void test_machine_from_the_middle(void **state)
{
	uint64_t carried = 0;

	for (unsigned int seed = 0; seed < 20; seed++) {
		struct path *p = walk(3000, seed % 2, (struct path){ .seed = seed, .strict = true, .skip = 300 + seed });

		for (uint32_t id = 0; id < VCPUS; id++)
			carried += newest(p, id)->carried;
		path_free(p);
	}
	assert_true(carried > 100);
}

/* With what is told of lost records the counts are exact but for what was cleared, and no stage has a sample that was not. */
static void test_machine_lossy(void **state)
{
	for (unsigned int seed = 0; seed < 20; seed++) {
		struct path *p = walk(20000, false, (struct path){ .seed = seed, .lose = 10 });

		assert_true(p->lost > 50);
		for (uint32_t id = 0; id < VCPUS; id++) {
			const struct apf_machine_vcpu *v = &p->machine->vcpus[id];
			const struct model_apf *apf = newest(p, id);

			assert_int_equal(apf->count.setup, v->setup);
			assert_int_equal(apf->count.async + apf->count.halted, v->async + v->halted);
			assert_int_equal(apf->count.sync, v->sync);
			assert_memory_equal(apf->fallbacks, v->fallbacks, sizeof(v->fallbacks));
			assert_true(apf->count.cleared <= v->cleared);
			for (unsigned int i = 0; i < APF_STAGE_COUNT; i++) {
				assert_true(hist_count(apf->stage[i]) <= hist_count(v->stage[i]));
				assert_true(hist_max(apf->stage[i]) <= hist_max(v->stage[i]));
				assert_true(hist_sum(apf->stage[i]) <= hist_sum(v->stage[i]));
			}
			assert_true(hist_count(apf->stage[APF_STAGE_total]) * 2 > hist_count(v->stage[APF_STAGE_total]));
		}
		path_free(p);
	}
}

/* --- slices */

struct told {
	struct slicer *slicer;
	struct hist *stage[VCPUS][APF_STAGE_COUNT];
	uint64_t totals, known;
};

static void take_fault(void *ctx, const struct fault_slice *slice)
{
	struct told *t = ctx;
	struct hist **h = &t->stage[slice->vcpu->id][slice->stage];
	struct hist_worst who = { .time_ns = slice->to_ns, .vm = MACHINE_VM, .vcpu = slice->vcpu->id, .event = SDEI_NONE };

	if (!*h)
		*h = hist_new();
	assert_int_equal(hist_add(*h, slice->to_ns - slice->from_ns, &who), 0);
	if (slice->fault)
		assert_int_equal(slice->fault->stage[slice->stage], slice->to_ns - slice->from_ns);
	if (slice->stage != APF_STAGE_total)
		return;
	assert_non_null(slice->fault);
	t->totals++;
	t->known += slice->fault->stage[APF_STAGE_wait] + slice->fault->stage[APF_STAGE_page] +
		    slice->fault->stage[APF_STAGE_present] == slice->fault->stage[APF_STAGE_total];
}

static void take_slice(void *ctx, const struct slice *slice)
{
}

static void feed_slicer(void *ctx, const struct sdei_record *record, size_t size)
{
	struct told *t = ctx;

	assert_int_equal(slicer_feed(t->slicer, record, size), 0);
}

/* What slices tell is what the histograms hold, and the parts of a fault sum to it. */
static void test_slices(void **state)
{
	for (unsigned int seed = 0; seed < 4; seed++) {
		struct told t = { 0 };
		struct model *m = model_new(NULL);
		struct apf_machine *machine;

		t.slicer = slicer_new(m, &(struct slicer_calls){ .slice = take_slice, .fault = take_fault, .ctx = &t });
		machine = apf_machine_new(VCPUS, seed % 2, seed, feed_slicer, &t);
		for (unsigned int i = 0; i < 20000; i++)
			apf_machine_step(machine);
		assert_true(t.totals > 100);
		assert_int_equal(t.known, t.totals);
		for (uint32_t id = 0; id < VCPUS; id++) {
			for (unsigned int i = 0; i < APF_STAGE_COUNT; i++) {
				same_hist(t.stage[id][i], machine->vcpus[id].stage[i]);
				hist_free(t.stage[id][i]);
			}
		}
		apf_machine_free(machine);
		slicer_free(t.slicer);
		model_free(m);
	}
}

static void test_machine_hostile(void **state)
{
	for (unsigned int seed = 0; seed < 20; seed++) {
		struct path *p = walk(20000, seed % 2, (struct path){ .seed = seed, .lose = 5, .garble = 100 });
		size_t count;
		struct model_vm *const *vms = model_vms(p->m, &count);

		for (size_t i = 0; i < count; i++) {
			struct model_apf sum;

			assert_int_equal(model_vm_apf(vms[i], &sum), 0);
			assert_true(sum.in_flight <= 64 * vms[i]->vcpu_count);
			apf_release(&sum);
		}
		path_free(p);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_oldest),
		TEST(test_stages),
		TEST(test_worst_is_told),
		TEST(test_stages_by_sdei),
		TEST(test_page_before_handler_ends),
		TEST(test_pages_of_user),
		TEST(test_wasted),
		TEST(test_cancelled),
		TEST(test_restored),
		TEST(test_halted_and_untold),
		TEST(test_dispatch_of_the_newest),
		TEST(test_other_events),
		TEST(test_told_without_a_signal),
		TEST(test_handler_cut_off),
		TEST(test_event_withdrawn),
		TEST(test_slowest),
		TEST(test_depth),
		TEST(test_fallbacks),
		TEST(test_sync),
		TEST(test_causes),
		TEST(test_quick),
		TEST(test_quick_warmup),
		TEST(test_quick_before_waiting),
		TEST(test_warmup),
		TEST(test_wake_all),
		TEST(test_clear),
		TEST(test_end_of_the_vcpu),
		TEST(test_end_told_by_sdei),
		TEST(test_vcpu_comes_back),
		TEST(test_end_lost),
		TEST(test_first_seen),
		TEST(test_without),
		TEST(test_carried),
		TEST(test_carried_untold),
		TEST(test_reset),
		TEST(test_intervals),
		TEST(test_sum),
		TEST(test_lost_counts),
		TEST(test_lost_stage),
		TEST(test_lost_end),
		TEST(test_lost_ack),
		TEST(test_lost_unknown),
		TEST(test_lost_of_any),
		TEST(test_lost_event),
		TEST(test_late_event),
		TEST(test_late),
		TEST(test_late_told),
		TEST(test_late_clear),
		TEST(test_same_id_again),
		TEST(test_steps_again),
		TEST(test_without_id),
		TEST(test_more_than_there_can_be),
		TEST(test_unsound),
		cmocka_unit_test(test_machine),
		cmocka_unit_test(test_machine_from_the_middle),
		cmocka_unit_test(test_machine_lossy),
		cmocka_unit_test(test_slices),
		cmocka_unit_test(test_machine_hostile),
	};

	return cmocka_run_group_tests_name("asynchronous page faults", tests, NULL, NULL);
}
