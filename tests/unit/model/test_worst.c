// SPDX-License-Identifier: GPL-2.0-only
/* What is the worst of the past and of what is open: worked out by hand, then against the reference machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/worst.h"
#include "tests/unit/lib/one_model.h"
#include "tests/unit/lib/sdei_machine.h"

static void put_on(uint32_t vcpu, uint64_t time, unsigned int kind, uint32_t event, unsigned int post)
{
	struct sdei_record r = {
		.time_ns = time, .vm = 7, .vcpu = vcpu, .event = event, .kind = kind, .state = post,
		.outcome = kind == SDEI_SIGNAL ? SDEI_QUEUED : kind == SDEI_COMPLETE ? SDEI_COMPLETED : 0,
		.origin = kind == SDEI_SIGNAL ? SDEI_FROM_GUEST : 0, .error = kind == SDEI_MASK,
	};

	assert_int_equal(model_feed(m, &r, sizeof(r)), 0);
}

static void put(uint64_t time, unsigned int kind, uint32_t event, unsigned int post)
{
	put_on(0, time, kind, event, post);
}

static void put_state(uint64_t time, unsigned int reason, unsigned int post)
{
	const struct sdei_record_handler r = {
		.head = { .time_ns = time, .vm = 7, .kind = SDEI_STATE, .state = post, .origin = reason },
	};

	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
}

static void episode(uint64_t time, uint32_t event, uint64_t wait, uint64_t work)
{
	put(time, SDEI_SIGNAL, event, PEND);
	put(time + wait, SDEI_DISPATCH, event, RUN);
	put(time + wait + work, SDEI_COMPLETE, event, ENA);
}

static struct model_worst worst_of(uint32_t event, uint64_t now_ns)
{
	const struct model_event *e = model_event(model_vcpu(model_vm(m, 7), 0), event);
	struct model_worst worst;

	assert_non_null(e);
	model_event_worst(&worst, e, now_ns, false);
	return worst;
}

static void check(uint32_t event, uint64_t now_ns, enum worst_kind kind, uint64_t ns)
{
	struct model_worst worst = worst_of(event, now_ns);

	assert_int_equal(worst.kind, kind);
	assert_int_equal(worst.ns, ns);
}

/* A wait that lasts is the worst as soon as it is longer than those that have ended, with its causes so far. */
static void test_pending(void **state)
{
	struct model_worst worst;

	episode(100, 0, 50, 5);
	check(0, 200, WORST_dispatch, 50);
	worst = worst_of(0, 200);
	assert_int_equal(worst.at_ns, 150);
	assert_int_equal(worst.wait.blame.ns[BLAME_entry], 50);
	put(210, SDEI_SIGNAL, 0, PEND);
	check(0, 260, WORST_dispatch, 50);
	check(0, 261, WORST_pending, 51);
	put(270, SDEI_MASK, SDEI_NONE, MASK);
	worst = worst_of(0, 300);
	assert_int_equal(worst.kind, WORST_pending);
	assert_int_equal(worst.ns, 90);
	assert_int_equal(worst.at_ns, 300);
	assert_int_equal(worst.wait.blame.ns[BLAME_entry], 60);
	assert_int_equal(worst.wait.blame.ns[BLAME_masked], 30);
	assert_int_equal(worst_letter(worst.kind), 'P');
	put(305, SDEI_UNMASK, SDEI_NONE, 0);
	put(310, SDEI_DISPATCH, 0, RUN);
	check(0, 310, WORST_dispatch, 100);
}

/* Of a handler, what counts is that none of those before ran so long. */
static void test_running(void **state)
{
	episode(100, 0, 5, 40);
	put(200, SDEI_SIGNAL, 0, PEND);
	put(203, SDEI_DISPATCH, 0, RUN);
	check(0, 243, WORST_dispatch, 5);
	check(0, 244, WORST_running, 41);
	put(250, SDEI_COMPLETE, 0, ENA);
	check(0, 260, WORST_dispatch, 5);
}

/* The mask of each registered event, but where one is pending; and not the one that a vCPU begins with. */
static void test_masked(void **state)
{
	struct model_worst worst;

	put_state(90, SDEI_CREATED, MASK);
	put(95, SDEI_ENABLE, 0, ENA | MASK);
	check(0, 1000, WORST_NONE, 0);
	put(1000, SDEI_UNMASK, SDEI_NONE, 0);
	put(1001, SDEI_UNREGISTER, 1, 0);
	put(1010, SDEI_MASK, SDEI_NONE, MASK);
	check(0, 1500, WORST_masked, 490);
	check(1, 1500, WORST_NONE, 0);
	model_vcpu_worst(&worst, model_vcpu(model_vm(m, 7), 0), 1500, false);
	assert_int_equal(worst.kind, WORST_masked);
	assert_null(worst.event);
	put(1600, SDEI_SIGNAL, 0, PEND | MASK);
	check(0, 1700, WORST_pending, 100);
	model_vcpu_worst(&worst, model_vcpu(model_vm(m, 7), 0), 1700, false);
	assert_int_equal(worst.kind, WORST_pending);
	assert_int_equal(worst.event->event, 0);
}

/* Seen pending at first sight: at least since then. Once records are missing, it may be over. */
static void test_unseen_beginning(void **state)
{
	const struct sdei_lost_key key = { .vm = 7, .kind = SDEI_SIGNAL, .outcome = SDEI_COALESCED, .origin = SDEI_FROM_GUEST };
	struct model_worst worst;

	put(100, SDEI_ENABLE, 0, PEND);
	worst = worst_of(0, 400);
	assert_int_equal(worst.kind, WORST_pending);
	assert_int_equal(worst.ns, 300);
	assert_int_equal(model_blame_total(&worst.wait.blame), 0);
	model_feed_lost(m, &key, 1);
	check(0, 500, WORST_NONE, 0);
}

static void test_levels(void **state)
{
	struct model_worst worst;

	episode(100, 0, 7, 1);
	put_on(3, 120, SDEI_SIGNAL, 2, PEND);
	model_vm_worst(&worst, model_vm(m, 7), 180, false);
	assert_int_equal(worst.kind, WORST_pending);
	assert_int_equal(worst.ns, 60);
	assert_int_equal(worst.vcpu->id, 3);
	assert_int_equal(worst.event->event, 2);
	model_vcpu_worst(&worst, model_vcpu(model_vm(m, 7), 0), 180, false);
	assert_int_equal(worst.kind, WORST_dispatch);
	assert_int_equal(worst.ns, 7);
}

/* Of the last interval: what is open now counts as ever, of the past only what was in it. */
static void test_recent(void **state)
{
	const struct model_event *e;
	struct model_worst worst;

	model_keep_intervals(m, true);
	model_tick(m, 50);
	episode(100, 0, 70, 1);
	model_tick(m, 200);
	episode(210, 0, 9, 1);
	model_tick(m, 300);
	e = model_event(model_vcpu(model_vm(m, 7), 0), 0);
	model_event_worst(&worst, e, 300, true);
	assert_int_equal(worst.ns, 9);
	assert_int_equal(worst.at_ns, 219);
	put(310, SDEI_SIGNAL, 0, PEND);
	model_event_worst(&worst, e, 330, true);
	assert_int_equal(worst.kind, WORST_pending);
	model_event_worst(&worst, e, 330, false);
	assert_int_equal(worst.kind, WORST_dispatch);
	assert_int_equal(worst.ns, 70);
}

/* Nothing is open on a vCPU that is gone. */
static void test_gone(void **state)
{
	const struct model_event *e;
	struct model_worst worst;

	episode(100, 0, 5, 1);
	e = model_event(model_vcpu(model_vm(m, 7), 0), 0);
	put(120, SDEI_SIGNAL, 0, PEND);
	put(125, SDEI_SIGNAL, 1, PEND);
	put_state(200, SDEI_DESTROYED, 0);
	model_event_worst(&worst, e, 900, false);
	assert_int_equal(worst.ns, 5);
	model_event_worst(&worst, model_event(e->vcpu, 1), 900, false);
	assert_int_equal(worst.kind, WORST_NONE);
}

/* --- the reference */

static void feed(void *ctx, const struct sdei_record *record, size_t size)
{
	assert_int_equal(model_feed(m, record, size), 0);
}

static uint64_t longest(const struct spans *spans)
{
	uint64_t most = 0;

	for (size_t i = 0; i < spans->count; i++)
		most = spans->span[i].value > most ? spans->span[i].value : most;
	return most;
}

static void take(uint64_t *ns, uint64_t since, uint64_t now, uint64_t ended)
{
	if (since && now - since > ended && now - since > *ns)
		*ns = now - since;
}

static bool has_pending(const struct machine_vcpu *v)
{
	for (int i = 0; i < MACHINE_EVENTS; i++)
		if (v->events[i].pending)
			return true;
	return false;
}

static uint64_t expected(const struct machine_vcpu *v, const struct machine_event *e, uint64_t now)
{
	uint64_t ns = longest(&e->spans[SPAN_DISPATCH]);

	if (!v->exists)
		return ns;
	if (e->pending)
		take(&ns, e->pending_since, now, 0);
	if (e->running)
		take(&ns, e->running_since, now, longest(&e->spans[SPAN_HANDLER]));
	if (e->registered && v->masked && !v->initial && !has_pending(v))
		take(&ns, v->masked_since, now, longest(&v->mask));
	return ns;
}

/* How many events were compared while something open was the worst of them. */
static unsigned int compare(const struct machine *machine)
{
	uint64_t now = machine->time + 1;
	unsigned int open = 0;

	for (unsigned int i = 0; i < machine->count; i++) {
		const struct machine_vcpu *v = &machine->vcpus[i];

		for (uint32_t event = 0; event < MACHINE_EVENTS; event++) {
			const struct machine_event *e = &v->events[event];
			const struct model_vcpu *vcpu = model_vcpu(model_vm(m, MACHINE_VM), i);
			struct model_worst worst;

			/* What a restore brought has no beginning. */
			if ((e->pending && !e->pending_since) || (e->running && !e->running_since))
				continue;
			model_event_worst(&worst, model_event(vcpu, event), now, false);
			assert_int_equal(worst.ns, expected(v, e, now));
			open += worst_letter(worst.kind) != 0;
		}
	}
	return open;
}

static void test_reference(void **state)
{
	struct machine *machine = machine_new(5, 17, feed, NULL);
	unsigned int open = 0;

	for (int i = 0; i < 20011; i++) {
		machine_step(machine);
		if (i % 7 == 0)
			open += compare(machine);
	}
	assert_in_range(open, 100, UINT32_MAX);
	machine_free(machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pending, setup, teardown),
		cmocka_unit_test_setup_teardown(test_running, setup, teardown),
		cmocka_unit_test_setup_teardown(test_masked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unseen_beginning, setup, teardown),
		cmocka_unit_test_setup_teardown(test_levels, setup, teardown),
		cmocka_unit_test_setup_teardown(test_recent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reference, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
