// SPDX-License-Identifier: GPL-2.0-only
/* Each finding, raised by a crafted stream: when, how often, until when, and when not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/lib/one_model.h"

#define REG SDEI_REGISTERED
#define S 1000000000ULL

/* Steps leave out what is 0. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

struct step {
	uint8_t kind;
	uint32_t event;
	uint8_t state, outcome;
	int error;
	uint8_t origin;
	uint32_t vcpu;
	uint32_t sender;
};

static void put(uint64_t time, struct step s)
{
	union { struct sdei_record head; struct sdei_record_handler handler; struct sdei_record_call call; } r = {
		.head = {
			.time_ns = time, .vm = 7, .vcpu = s.vcpu, .event = s.event, .kind = s.kind, .state = s.state, .outcome = s.outcome,
			.origin = s.origin, .error = s.error,
		},
	};
	size_t size = s.kind == SDEI_STATE || s.kind == SDEI_REGISTER ? sizeof(r.handler) : sizeof(r.head);

	if (s.kind == SDEI_SIGNAL)
		r.head.sender = s.sender;
	if (s.kind == SDEI_CALL) {
		size = sizeof(r.call);
		r.head.result = s.error;
		r.call.function = 0xC4000020 + s.outcome;
		r.head.outcome = 0;
	}
	assert_int_equal(model_feed(m, &r.head, size), 0);
}

#define PUT(time, ...) put(time, (struct step){ __VA_ARGS__ })

static const struct model_finding *findings(size_t expected)
{
	size_t count;
	const struct model_finding *f = model_findings(m, &count);

	assert_int_equal(count, expected);
	return f;
}

/* Two steps that are legal and the third that is not. */
static const struct { enum finding_rule rule; bool of_pe; struct step steps[3]; } illegal[] = {
	{ RULE_ENABLED_UNREGISTERED, false, { { SDEI_CALL, 0, 0 }, { SDEI_CALL, 0, 0 }, { SDEI_CALL, 0, SDEI_ENABLED } } },
	{ RULE_PENDING_UNREGISTERED, false, { { SDEI_CALL, 0, 0 }, { SDEI_CALL, 0, 0 }, { SDEI_CALL, 0, SDEI_PENDING } } },
	{ RULE_TWO_RUNNING, false, { { SDEI_CALL, 0, RUN }, { SDEI_CALL, 0, RUN }, { SDEI_CALL, 1, RUN } } },
	{ RULE_REGISTERED_TWICE, false, { { SDEI_CALL, 0, 0 }, { SDEI_REGISTER, 0, REG }, { SDEI_REGISTER, 0, REG } } },
	{ RULE_REGISTERED_RUNNING, false, { { SDEI_DISPATCH, 0, RUN }, { SDEI_UNREGISTER, 0, SDEI_RUNNING },
					    { SDEI_REGISTER, 0, REG | SDEI_RUNNING } } },
	{ RULE_NOT_REGISTERED, false, { { SDEI_CALL, 0, 0 }, { SDEI_CALL, 0, 0 }, { SDEI_ENABLE, 0, ENA } } },
	{ RULE_NOT_REGISTERED, false, { { SDEI_CALL, 0, 0 }, { SDEI_CALL, 0, 0 }, { SDEI_UNREGISTER, 0, 0 } } },
	{ RULE_QUEUED_TWICE, false, { { SDEI_CALL, 0, ENA }, { SDEI_SIGNAL, 0, PEND, SDEI_QUEUED }, { SDEI_SIGNAL, 0, PEND, SDEI_QUEUED } } },
	{ RULE_COALESCED_ALONE, false, { { SDEI_CALL, 0, ENA }, { SDEI_CALL, 0, ENA }, { SDEI_SIGNAL, 0, PEND, SDEI_COALESCED } } },
	{ RULE_CANCELLED_NOTHING, false, { { SDEI_CALL, 0, ENA }, { SDEI_CALL, 0, ENA }, { SDEI_CANCEL, 0, ENA } } },
	{ RULE_DISPATCHED_MASKED, false, { { SDEI_CALL, 0, ENA | MASK }, { SDEI_SIGNAL, 0, PEND | MASK, SDEI_QUEUED },
					   { SDEI_DISPATCH, 0, RUN | MASK } } },
	{ RULE_DISPATCHED_DISABLED, false, { { SDEI_CALL, 0, REG }, { SDEI_SIGNAL, 0, REG | SDEI_PENDING, SDEI_QUEUED },
					     { SDEI_DISPATCH, 0, REG | SDEI_RUNNING } } },
	{ RULE_DISPATCHED_NOTHING, false, { { SDEI_CALL, 0, ENA }, { SDEI_CALL, 0, ENA }, { SDEI_DISPATCH, 0, RUN } } },
	{ RULE_DISPATCHED_BUSY, false, { { SDEI_CALL, 0, RUN }, { SDEI_SIGNAL, 1, PEND, SDEI_QUEUED }, { SDEI_DISPATCH, 1, RUN } } },
	{ RULE_DISPATCHED_ORDER, false, { { SDEI_SIGNAL, 0, PEND, SDEI_QUEUED }, { SDEI_SIGNAL, 2, PEND, SDEI_QUEUED },
					  { SDEI_DISPATCH, 2, RUN } } },
	{ RULE_COMPLETED_NOTHING, false, { { SDEI_CALL, 0, ENA }, { SDEI_CALL, 0, ENA }, { SDEI_COMPLETE, 0, ENA, SDEI_COMPLETED } } },
	{ RULE_LEFT_PENDING, false, { { SDEI_CALL, 0, ENA }, { SDEI_SIGNAL, 0, PEND, SDEI_QUEUED }, { SDEI_DISPATCH, 0, RUN | PEND } } },
	{ RULE_LEFT_PENDING, false, { { SDEI_CALL, 0, ENA }, { SDEI_SIGNAL, 0, PEND, SDEI_QUEUED },
				      { SDEI_UNREGISTER, 0, SDEI_PENDING } } },
	{ RULE_LEFT_RUNNING, false, { { SDEI_CALL, 0, PEND }, { SDEI_DISPATCH, 0, RUN }, { SDEI_COMPLETE, 0, RUN, SDEI_COMPLETED } } },
	{ RULE_LEFT_ENABLED, false, { { SDEI_CALL, 0, ENA }, { SDEI_CALL, 0, ENA }, { SDEI_DISABLE, 0, ENA } } },
	{ RULE_NOT_SET, false, { { SDEI_CALL, 0, REG }, { SDEI_CALL, 0, REG }, { SDEI_ENABLE, 0, REG } } },
	{ RULE_CHANGED, false, { { SDEI_CALL, 0, REG }, { SDEI_CALL, 0, REG }, { SDEI_CALL, 0, ENA } } },
	{ RULE_MASK_RESULT, true, { { SDEI_UNMASK, SDEI_NONE, 0 }, { SDEI_MASK, SDEI_NONE, MASK, 0, 1 }, { SDEI_MASK, SDEI_NONE, MASK, 0, 1 } } },
	{ RULE_MASK_STATE, true, { { SDEI_UNMASK, SDEI_NONE, 0 }, { SDEI_MASK, SDEI_NONE, MASK, 0, 1 }, { SDEI_UNMASK, SDEI_NONE, MASK } } },
	{ RULE_MASK_CHANGED, true, { { SDEI_CALL, 0, ENA }, { SDEI_CALL, 0, ENA }, { SDEI_CALL, 0, ENA | MASK } } },
};

static const struct model_finding *illegal_one(void)
{
	size_t count;
	const struct model_finding *f = model_findings(m, &count);

	for (; count; count--, f++) {
		if (f->code == FINDING_ILLEGAL_TRANSITION)
			return f;
	}
	return NULL;
}

static void feed_illegal(size_t i, uint64_t time)
{
	for (unsigned int k = 0; k < 3; k++)
		put(time + k, illegal[i].steps[k]);
}

static void test_illegal(void **state)
{
	for (size_t i = 0; i < sizeof(illegal) / sizeof(*illegal); i++) {
		const struct model_finding *f;
		char text[200];

		model_free(m);
		m = model_new(NULL);
		feed_illegal(i, 100);
		findings(0);				/* a loss may be told yet */
		model_tick(m, S);
		f = illegal_one();
		assert_non_null(f);
		assert_string_equal(finding_rule_help(f->rule), finding_rule_help(illegal[i].rule));
		assert_int_equal(f->event, illegal[i].of_pe ? SDEI_NONE : illegal[i].steps[2].event);
		assert_int_equal(f->first_ns, 102);
		assert_int_equal(f->count, 1);
		assert_true(f->open && f->has_record);
		assert_int_equal(f->record.head.kind, illegal[i].steps[2].kind);
		finding_describe(f, text, sizeof(text));
		assert_non_null(strstr(text, finding_rule_help(f->rule)));
		model_tick(m, 3 * S);
		assert_false(illegal_one()->open);
	}
}

/* Each of them, had something been lost that is told before the tick, or were the state before unknown. */
static void test_no_false_alarm(void **state)
{
	for (size_t i = 0; i < sizeof(illegal) / sizeof(*illegal); i++) {
		struct sdei_lost_key key = { .vm = 7, .event = 3, .kind = SDEI_COMPLETE, .outcome = SDEI_COMPLETED };

		model_free(m);
		m = model_new(NULL);
		feed_illegal(i, 100);
		if (i % 2)
			model_feed_lost(m, &key, 1);
		else
			model_feed_lost(m, NULL, 1);
		model_settle(m, S);
		findings(0);
		put(S / 2, illegal[i].steps[2]);	/* another may have been lost just before */
		model_settle(m, S);
		findings(0);
	}
}

static void test_counted_once(void **state)
{
	const struct model_finding *f;

	PUT(100, SDEI_CALL, 0, REG);
	for (uint64_t i = 1; i <= 5; i++)
		PUT(100 + i, SDEI_DISABLE, 0, ENA);
	model_tick(m, S);
	PUT(S + 5, SDEI_DISABLE, 0, ENA);
	f = findings(1);
	assert_int_equal(f->count, 6);
	assert_int_equal(f->last_ns, S + 5);
	PUT(4 * S, SDEI_DISABLE, 0, ENA);
	model_settle(m, 4 * S);
	f = findings(2);
	assert_false(f[0].open);
	assert_true(f[1].open);
	model_reset(m, 5 * S);
	findings(0);
}

static void test_handler_hung(void **state)
{
	const struct model_finding *f;
	char text[100];

	PUT(100, SDEI_CALL, 0, PEND);
	PUT(200, SDEI_DISPATCH, 0, RUN);
	model_tick(m, S);
	findings(0);
	model_tick(m, 2 * S);
	f = findings(1);
	assert_int_equal(f->code, FINDING_HANDLER_HUNG);
	assert_int_equal(f->first_ns, S + 200);
	assert_true(f->open);
	model_tick(m, 3 * S);
	PUT(4 * S + 200, SDEI_COMPLETE, 0, ENA, SDEI_COMPLETED);
	f = findings(1);
	assert_false(f->open);
	assert_int_equal(f->count, 1);
	assert_int_equal(f->value, 4 * S);
	finding_describe(f, text, sizeof(text));
	assert_string_equal(text, "the handler ran for 4.00 s");
}

static void test_hung_between_ticks(void **state)
{
	PUT(100, SDEI_CALL, 0, PEND);
	PUT(200, SDEI_DISPATCH, 0, RUN);
	PUT(2 * S, SDEI_COMPLETE, 0, ENA, SDEI_COMPLETED);
	findings(0);
	model_settle(m, 2 * S);
	assert_int_equal(findings(1)->value, 2 * S - 200);
	assert_int_equal(findings(1)->first_ns, S + 200);
	assert_false(findings(1)->open);
}

static void test_pending_stuck(void **state)
{
	PUT(100, SDEI_CALL, 0, PEND);
	PUT(200, SDEI_DISPATCH, 0, RUN);
	PUT(300, SDEI_SIGNAL, 0, RUN | SDEI_PENDING, SDEI_QUEUED);
	PUT(S / 2, SDEI_COMPLETE, 0, PEND, SDEI_COMPLETED);
	model_tick(m, S + S / 4);
	findings(0);				/* not deliverable all that time */
	model_tick(m, 2 * S);
	assert_int_equal(findings(1)->code, FINDING_PENDING_STUCK);
	assert_int_equal(findings(1)->first_ns, S + S / 2);
	PUT(3 * S, SDEI_DISPATCH, 0, RUN);
	assert_false(findings(1)->open);
	assert_int_equal(findings(1)->value, 2 * S + S / 2);
}

/* What vCPU sender signals to target, which enters its handler at once. */
static void interrupt(uint64_t time, uint32_t sender, uint32_t target)
{
	PUT(time, SDEI_SIGNAL, 0, PEND, SDEI_QUEUED, 0, SDEI_FROM_GUEST, target, sender);
	PUT(time + 5, SDEI_DISPATCH, 0, RUN, 0, 0, 0, target);
}

static void register_on(uint32_t vcpus)
{
	for (uint32_t vcpu = 0; vcpu < vcpus; vcpu++)
		PUT(50, SDEI_CALL, 0, ENA, 0, 0, 0, vcpu);
}

/* All that wait for nothing but another vCPU's signal are stopped: that is one finding, about who did it. */
static void test_guest_stop(void **state)
{
	const struct model_finding *f;
	char text[FINDING_TEXT_SIZE];

	register_on(3);
	interrupt(100, 0, 1);
	interrupt(110, 0, 2);
	model_tick(m, S);
	findings(0);
	model_tick(m, 2 * S);
	f = findings(1);
	assert_int_equal(f->code, FINDING_GUEST_STOP);
	assert_int_equal(f->vcpu, 0);
	assert_int_equal(f->event, SDEI_NONE);
	assert_int_equal(f->first_ns, 100);
	assert_int_equal(f->most, 2);
	assert_true(f->open);
	finding_describe(f, text, sizeof(text));
	assert_string_equal(text, "its signal has stopped all other vCPUs (2), and none has completed for 2.00 s");
	PUT(3 * S, SDEI_COMPLETE, 0, ENA, SDEI_COMPLETED, 0, 0, 1);
	model_tick(m, 4 * S);
	f = findings(2);
	assert_false(f[0].open);
	assert_int_equal(f[1].code, FINDING_HANDLER_HUNG);	/* the others go on */
	assert_int_equal(f[1].vcpu, 2);
}

/* One that could be stopped and is not, or two that stop each other. */
static void test_no_guest_stop(void **state)
{
	register_on(4);
	interrupt(100, 0, 1);
	interrupt(110, 0, 2);
	model_tick(m, 2 * S);
	assert_int_equal(findings(2)[0].code, FINDING_HANDLER_HUNG);
	assert_int_equal(findings(2)[1].code, FINDING_HANDLER_HUNG);
	interrupt(2 * S, 1, 3);
	model_tick(m, 4 * S);
	assert_int_equal(findings(3)[2].code, FINDING_HANDLER_HUNG);
	assert_int_equal(model_totals(m)->found[FINDING_GUEST_STOP], 0);
}

/* Of two vCPUs, a handler that does not end is slow unless it has masked its PE. */
static void test_stop_of_one(void **state)
{
	register_on(2);
	interrupt(100, 0, 1);
	model_tick(m, 2 * S);
	assert_int_equal(findings(1)->code, FINDING_HANDLER_HUNG);
	assert_true(findings(1)->open);
	PUT(3 * S, SDEI_MASK, SDEI_NONE, MASK, 0, 1, 0, 1);
	PUT(3 * S, SDEI_MASK, SDEI_NONE, MASK, 0, 1, 0, 0);
	model_tick(m, 6 * S);
	assert_false(findings(2)[1].open);	/* first_ns of the stop is before */
	assert_int_equal(findings(2)[0].code, FINDING_GUEST_STOP);
	assert_true(findings(2)[0].open);
}

/* Nothing looks until all is over: the masks of both end first, then the handler. */
static void test_stop_between_ticks(void **state)
{
	register_on(2);
	interrupt(100, 0, 1);
	PUT(200, SDEI_MASK, SDEI_NONE, MASK, 0, 1, 0, 1);
	PUT(300, SDEI_MASK, SDEI_NONE, MASK, 0, 1, 0, 0);
	PUT(3 * S, SDEI_STATE, 0, 0, 0, 0, SDEI_DESTROYED, 0);
	PUT(3 * S + 1, SDEI_STATE, 0, 0, SDEI_RUNNING, 0, SDEI_DESTROYED, 1);
	model_settle(m, 4 * S);
	assert_int_equal(findings(1)->code, FINDING_GUEST_STOP);
	assert_int_equal(findings(1)->value, 3 * S - 100);
	assert_false(findings(1)->open);
}

/* As pending-stuck, where another vCPU waits for it. */
static void test_nmi_unanswered(void **state)
{
	const struct model_finding *f;
	char text[FINDING_TEXT_SIZE];

	register_on(3);
	for (uint32_t vcpu = 1; vcpu < 3; vcpu++) {
		interrupt(100, 0, vcpu);
		PUT(200, SDEI_COMPLETE, 0, ENA, SDEI_COMPLETED, 0, 0, vcpu);
	}
	PUT(S, SDEI_SIGNAL, 0, PEND, SDEI_QUEUED, 0, SDEI_FROM_GUEST, 1, 2);
	PUT(S, SDEI_SIGNAL, 0, PEND, SDEI_QUEUED, 0, SDEI_FROM_GUEST, 2, 2);	/* its own */
	model_tick(m, 2 * S);
	findings(0);
	model_tick(m, 3 * S);
	f = findings(2);
	assert_int_equal(f[0].code, FINDING_NMI_UNANSWERED);
	assert_int_equal(f[0].vcpu, 1);
	assert_int_equal(f[0].sender, 2);
	assert_int_equal(f[1].code, FINDING_PENDING_STUCK);
	assert_int_equal(f[1].vcpu, 2);
	finding_describe(&f[0], text, sizeof(text));
	assert_string_equal(text, "the signal of vCPU 2 has been pending and deliverable for 2.00 s");
	PUT(4 * S, SDEI_DISPATCH, 0, RUN, 0, 0, 0, 1);
	assert_false(findings(2)[0].open);
	assert_int_equal(findings(2)[0].value, 3 * S);
}

/* A masked PE may keep it waiting. */
static void test_nmi_masked(void **state)
{
	register_on(3);
	interrupt(100, 0, 1);
	PUT(200, SDEI_COMPLETE, 0, ENA, SDEI_COMPLETED, 0, 0, 1);
	PUT(300, SDEI_MASK, SDEI_NONE, MASK, 0, 1, 0, 1);
	PUT(400, SDEI_SIGNAL, 0, PEND | MASK, SDEI_QUEUED, 0, SDEI_FROM_GUEST, 1, 2);
	model_tick(m, 3 * S);
	assert_int_equal(findings(1)->code, FINDING_MASK_LONG);
}

static void test_mask_long(void **state)
{
	PUT(100, SDEI_STATE, 0, MASK, 0, 0, SDEI_CREATED);
	model_settle(m, 5 * S);
	findings(0);				/* the initial mask */
	PUT(6 * S, SDEI_UNMASK, SDEI_NONE, 0);
	PUT(6 * S + 1, SDEI_REGISTER, 0, REG);
	PUT(7 * S, SDEI_MASK, SDEI_NONE, MASK, 0, 1);
	model_tick(m, 9 * S);
	assert_int_equal(findings(1)->code, FINDING_MASK_LONG);
	assert_int_equal(findings(1)->event, SDEI_NONE);
	PUT(10 * S, SDEI_UNMASK, SDEI_NONE, 0);
	assert_false(findings(1)->open);
	assert_int_equal(findings(1)->value, 3 * S);
}

/* As Linux does it when it takes a CPU down and brings it up again: nothing is kept away meanwhile. */
static void test_mask_without_events(void **state)
{
	PUT(S, SDEI_CALL, 0, ENA);
	PUT(2 * S, SDEI_UNREGISTER, 0, 0);
	PUT(2 * S + 1, SDEI_MASK, SDEI_NONE, MASK, 0, 1);
	model_settle(m, 60 * S);
	findings(0);
	PUT(61 * S, SDEI_REGISTER, 0, REG | MASK);
	PUT(61 * S + 1, SDEI_ENABLE, 0, ENA | MASK);
	PUT(61 * S + 2, SDEI_UNMASK, SDEI_NONE, 0);
	model_settle(m, 62 * S);
	findings(0);
	PUT(63 * S, SDEI_MASK, SDEI_NONE, MASK, 0, 1);
	PUT(64 * S, SDEI_UNREGISTER, 0, MASK);
	PUT(70 * S, SDEI_REGISTER, 0, REG | MASK);
	model_settle(m, 72 * S);		/* but this keeps away what is registered since */
	assert_int_equal(findings(1)->code, FINDING_MASK_LONG);
	assert_int_equal(findings(1)->first_ns, 71 * S);
	assert_int_equal(findings(1)->value, 2 * S);
}

/* As Linux stops a CPU that does not answer otherwise: in the handler, which never ends. */
static void test_stopped_in_the_handler(void **state)
{
	char text[160];

	PUT(S, SDEI_CALL, 0, ENA);
	PUT(S + 1, SDEI_SIGNAL, 0, PEND, SDEI_QUEUED);
	PUT(S + 2, SDEI_DISPATCH, 0, RUN);
	model_settle(m, 3 * S);
	finding_describe(findings(1), text, sizeof(text));
	assert_string_equal(text, "the handler has been running for 2.00 s");
	PUT(3 * S, SDEI_MASK, SDEI_NONE, MASK, 0, 1);
	model_settle(m, 3 * S + S / 2);
	finding_describe(findings(1), text, sizeof(text));
	assert_string_equal(text, "the handler has been running for 2.50 s, and has masked the PE");
}

static void test_drop_burst(void **state)
{
	PUT(1, SDEI_CALL, 0, PEND);
	for (uint64_t i = 0; i < 99; i++)
		PUT(100 + i, SDEI_SIGNAL, 0, PEND, SDEI_COALESCED);
	findings(0);
	for (uint64_t i = 0; i < 8; i++)
		PUT(300 + i, SDEI_SIGNAL, 0, PEND, SDEI_COALESCED);
	assert_int_equal(findings(1)->code, FINDING_DROP_BURST);
	assert_int_equal(findings(1)->count, 107);
	assert_int_equal(findings(1)->first_ns, 300);
	model_tick(m, 2 * S);
	assert_false(findings(1)->open);	/* and not stuck: a handler may run that was not seen */
}

static void test_refused_calls(void **state)
{
	for (uint64_t i = 0; i < 12; i++)
		PUT(100 + i, SDEI_CALL, SDEI_NONE, MASK, i % 3 ? 1 : 0, i % 3 ? -3 : -1);
	assert_int_equal(findings(1)->code, FINDING_REFUSED_CALLS);
	assert_int_equal(findings(1)->count, 12);
	assert_int_equal(findings(1)->function, 0xC4000021);
	assert_int_equal(findings(1)->result, -3);
	assert_int_equal(findings(1)->most, 8);
}

/* 19 calls with four results each and twenty that SDEI does not have: more than could be kept one by one, counted all the same. */
static void test_refused_of_all_kinds(void **state)
{
	static const int64_t results[] = { -1, -2, -3, -10 };

	for (uint32_t i = 0; i < 19 * 4; i++) {
		struct sdei_record_call call = { .head = { .kind = SDEI_CALL, .vm = 1, .event = SDEI_NONE, .state = MASK, .time_ns = 100 + i,
							   .result = results[i % 4] }, .function = 0xC4000020 + i / 4,
						 .args = { SDEI_CONTEXT_REGISTERS } };

		assert_int_equal(model_feed(m, &call.head, sizeof(call)), 0);
	}
	for (uint32_t i = 0; i < 20; i++) {
		struct sdei_record_call call = { .head = { .kind = SDEI_CALL, .vm = 1, .event = SDEI_NONE, .state = MASK, .time_ns = 200 + i,
							   .result = -1 }, .function = 0xC4000040 + i };

		model_feed(m, &call.head, sizeof(call));
	}
	assert_int_equal(findings(1)->count, 96);
	assert_int_equal(findings(1)->most, 20);
	assert_int_equal(findings(1)->function, 0);
	assert_int_equal(findings(1)->result, -1);
}

/* What an earlier finding counted is none of the next one's, even if the end of the vCPU came between them in one second. */
static void test_refused_anew(void **state)
{
	for (uint64_t i = 0; i < 30; i++)
		PUT(100 + i, SDEI_CALL, SDEI_NONE, MASK, 0, -1);
	PUT(200, SDEI_STATE, 0, 0, 0, 0, SDEI_DESTROYED);
	PUT(300, SDEI_STATE, 0, MASK, 0, 0, SDEI_CREATED);
	for (uint64_t i = 0; i < 11; i++)
		PUT(400 + i, SDEI_CALL, SDEI_NONE, MASK, 1, -3);
	assert_int_equal(findings(2)[1].count, 11);
	assert_int_equal(findings(2)[1].most, 11);
	assert_int_equal(findings(2)[1].result, -3);
	for (uint64_t i = 0; i < 15; i++)	/* a second without any has ended that one, too */
		PUT(9 * S + i, SDEI_CALL, SDEI_NONE, MASK, i < 12, i < 12 ? -2 : -1);
	assert_int_equal(findings(3)[2].count, 15);
	assert_int_equal(findings(3)[2].most, 12);
}

/* The right amount, singular or plural, in each sentence. */
static void test_sentences(void **state)
{
	static const struct { struct model_finding finding; const char *text; } sentences[] = {
		{ { .code = FINDING_ILLEGAL_TRANSITION, .rule = RULE_DISPATCHED_DISABLED, .count = 1, .state_before = REG | SDEI_PENDING,
		    .record.head = { .kind = SDEI_DISPATCH, .state = REG | SDEI_RUNNING } },
		  "dispatched while disabled: dispatch R--P- -> R-U--" },
		{ { .code = FINDING_ILLEGAL_TRANSITION, .rule = RULE_DISPATCHED_DISABLED, .count = 2, .state_before = REG | SDEI_PENDING,
		    .record.head = { .kind = SDEI_DISPATCH, .state = REG | SDEI_RUNNING } },
		  "dispatched while disabled: dispatch R--P- -> R-U--, and 1 illegal transition after that" },
		{ { .code = FINDING_ILLEGAL_TRANSITION, .rule = RULE_MASK_CHANGED, .count = 7, .record.head = { .kind = SDEI_CALL, .state = MASK } },
		  "the PE mask changed without an operation on it: call ----- -> ----M, and 6 illegal transitions after that" },
		{ { .code = FINDING_HANDLER_HUNG, .count = 1, .open = true, .value = 1200000000 }, "the handler has been running for 1.20 s" },
		{ { .code = FINDING_HANDLER_HUNG, .count = 1, .value = 61 * S }, "the handler ran for 61.0 s" },
		{ { .code = FINDING_PENDING_STUCK, .count = 1, .open = true, .value = 5 * S / 2 },
		  "the event has been pending and deliverable for 2.50 s" },
		{ { .code = FINDING_PENDING_STUCK, .count = 1, .value = 150000000 }, "the event was pending and deliverable for 150 ms" },
		{ { .code = FINDING_MASK_LONG, .count = 1, .open = true, .value = S }, "the PE has been masked for 1.00 s" },
		{ { .code = FINDING_MASK_LONG, .count = 1, .value = 3 * S }, "the PE was masked for 3.00 s" },
		{ { .code = FINDING_DROP_BURST, .count = 210, .value = 1 }, "210 signals got no dispatch of their own" },
		{ { .code = FINDING_DROP_BURST, .count = 1, .value = 1 }, "1 signal got no dispatch of its own" },
		{ { .code = FINDING_REFUSED_CALLS, .count = 416, .most = 65, .function = 0xC400002F, .result = -2 },
		  "416 calls were refused, 65 of them EVENT_SIGNAL with INVALID_PARAMETERS" },
		{ { .code = FINDING_REFUSED_CALLS, .count = 13, .most = 13, .function = 0xC4000025, .result = -3 },
		  "13 calls were refused, all of them EVENT_COMPLETE with DENIED" },
		{ { .code = FINDING_REFUSED_CALLS, .count = 1, .most = 1, .function = 0xC4000025, .result = -3 },
		  "1 call was refused: EVENT_COMPLETE with DENIED" },
		{ { .code = FINDING_REFUSED_CALLS, .count = 12, .most = 10, .function = 0, .result = -77 },
		  "12 calls were refused, 10 of them an unknown call with an unknown result" },
		{ { .code = FINDING_UNACCOUNTED, .count = 1, .value = 1 }, "1 signal or handler is unaccounted for" },
		{ { .code = FINDING_UNACCOUNTED, .count = 1, .value = 3 }, "3 signals or handlers are unaccounted for" },
	};
	char text[FINDING_TEXT_SIZE];

	for (size_t i = 0; i < sizeof(sentences) / sizeof(*sentences); i++) {
		finding_describe(&sentences[i].finding, text, sizeof(text));
		assert_string_equal(text, sentences[i].text);
	}
}

/* The longest of each is not cut off. */
static void test_sentences_fit(void **state)
{
	for (unsigned int code = 0; code < FINDING_COUNT; code++) {
		for (unsigned int rule = 0; rule < RULE_COUNT; rule++) {
			const struct model_finding finding = {
				.code = code, .rule = rule, .count = UINT64_MAX, .most = UINT64_MAX - 1, .value = UINT64_MAX,
				.function = 0xC4000026, .result = -2, .record = { .head.kind = SDEI_UNREGISTER },
			};
			char text[FINDING_TEXT_SIZE];

			finding_describe(&finding, text, sizeof(text));
			assert_in_range(strlen(text), 1, sizeof(text) - 2);
		}
	}
}

static void test_unaccounted(void **state)
{
	PUT(100, SDEI_CALL, 0, ENA);
	PUT(200, SDEI_SIGNAL, 0, PEND, SDEI_QUEUED);
	PUT(300, SDEI_CALL, 0, ENA);		/* the pending bit vanished */
	model_settle(m, S);
	for (size_t i = 0; i < 2; i++)
		assert_true(findings(2)[i].code == FINDING_UNACCOUNTED || findings(2)[i].code == FINDING_ILLEGAL_TRANSITION);
}

/* What does not add up becomes more: the finding reports the most. */
static void test_unaccounted_grows(void **state)
{
	const struct model_finding *f;

	for (uint64_t i = 0; i < 3; i++) {
		PUT(100 + 10 * i, SDEI_CALL, 0, ENA);
		PUT(101 + 10 * i, SDEI_SIGNAL, 0, PEND, SDEI_QUEUED);
		PUT(102 + 10 * i, SDEI_CALL, 0, ENA);
		model_settle(m, 103 + 10 * i);
	}
	f = findings(2);
	assert_int_equal(f[f->code != FINDING_UNACCOUNTED].code, FINDING_UNACCOUNTED);
	assert_int_equal(f[f->code != FINDING_UNACCOUNTED].value, 3);
}

static void test_cap(void **state)
{
	for (uint32_t vcpu = 0; vcpu < FINDINGS_MAX + 100; vcpu++) {
		PUT(10 * vcpu + 1, SDEI_CALL, 0, REG, .vcpu = vcpu);
		PUT(10 * vcpu + 2, SDEI_DISABLE, 0, ENA, .vcpu = vcpu);
		if (vcpu % 100 == 99)
			model_settle(m, 10 * vcpu + 3);
	}
	model_settle(m, S);
	findings(FINDINGS_MAX);
	assert_int_equal(model_totals(m)->findings_unkept, 100);
}

/* One that holds is kept with its place in the list, which others leave; then there is room again. */
static void test_expire(void **state)
{
	const struct model_finding *hung;

	PUT(10, SDEI_CALL, 1, REG);
	PUT(11, SDEI_DISABLE, 1, ENA);
	PUT(20, SDEI_CALL, 0, RUN);
	model_settle(m, S / 2);
	PUT(2 * S, SDEI_CALL, 2, REG);
	PUT(2 * S + 1, SDEI_DISABLE, 2, ENA);
	model_settle(m, 2 * S + 2);
	model_tick(m, 4 * S);
	findings(3);
	model_expire_findings(m, 11);
	findings(3);
	model_expire_findings(m, 2 * S);
	findings(2);
	hung = findings(2);
	while (hung->code != FINDING_HANDLER_HUNG)
		hung++;
	assert_true(hung->open);
	PUT(5 * S, SDEI_COMPLETE, 0, ENA, SDEI_COMPLETED);
	assert_false(hung->open);
	model_expire_findings(m, 6 * S);
	findings(0);
	assert_int_equal(model_totals(m)->found[FINDING_HANDLER_HUNG], 1);
	assert_int_equal(model_totals(m)->findings_unkept, 0);
}

/* The snapshot's state stands until a record says more, and its carried bits are no trouble. */
static void test_snapshot(void **state)
{
	const struct model_event *e;

	PUT(100, SDEI_STATE, 0, RUN | SDEI_PENDING, 0, 0, SDEI_SNAPSHOT);
	e = model_event(model_vcpu(model_vm(m, 7), 0), 0);
	assert_int_equal(e->state, RUN | SDEI_PENDING);
	assert_int_equal(e->carried_pending, 1);
	assert_int_equal(model_unaccounted(e), 0);
	PUT(90, SDEI_DISPATCH, 0, RUN);		/* under way when the snapshot was taken */
	PUT(95, SDEI_SIGNAL, 0, RUN | SDEI_PENDING, SDEI_QUEUED);
	PUT(100, SDEI_STATE, 0, 0, 0, 0, SDEI_SNAPSHOT);
	assert_int_equal(e->state, RUN | SDEI_PENDING);
	assert_int_equal(model_unaccounted(e), 0);
	assert_int_equal(model_unaccounted_handlers(e), 0);
	assert_int_equal(model_totals(m)->late + model_totals(m)->misfits, 0);
	PUT(200, SDEI_STATE, 0, REG, SDEI_RUNNING | SDEI_PENDING, 0, SDEI_DESTROYED);
	PUT(300, SDEI_STATE, 0, ENA, 0, 0, SDEI_SNAPSHOT);
	assert_null(model_vm(m, 7));
	model_settle(m, 301);
	findings(0);
}

/* In a recording that begins in the middle: what has been open for long is found at the first tick. */
static void test_open_at_snapshot(void **state)
{
	struct sdei_record_handler r = {
		.head = { .time_ns = 9 * S, .vm = 7, .kind = SDEI_STATE, .state = RUN, .origin = SDEI_SNAPSHOT, .arg = 2 * S },
	};
	const struct model_finding *hung;

	assert_int_equal(model_feed(m, &r.head, sizeof(r)), 0);
	model_tick(m, 9 * S + 1);
	hung = findings(1);
	assert_int_equal(hung->code, FINDING_HANDLER_HUNG);
	assert_true(hung->open);
	assert_int_equal(hung->value, 7 * S + 1);
	PUT(10 * S, SDEI_COMPLETE, 0, ENA, SDEI_COMPLETED);
	assert_false(hung->open);
	assert_int_equal(hung->value, 8 * S);
}

static void test_kept(void **state)
{
	struct record_brief records[MODEL_RECENT];
	struct model_event_interval hists;
	const struct model_event *e;

	model_keep_recent(m, true);
	model_keep_intervals(m, true);
	for (uint64_t i = 0; i < 20; i++) {
		PUT(100 * i + 1, SDEI_SIGNAL, 0, PEND, SDEI_QUEUED);
		PUT(100 * i + 5, SDEI_DISPATCH, 0, RUN);
		PUT(100 * i + 9, SDEI_COMPLETE, 0, ENA, SDEI_COMPLETED);
	}
	e = model_event(model_vcpu(model_vm(m, 7), 0), 0);
	assert_int_equal(model_recent(e->vcpu, records), MODEL_RECENT);
	assert_int_equal(records[MODEL_RECENT - 1].head.time_ns, 1909);
	assert_int_equal(records[0].head.kind, SDEI_DISPATCH);
	model_tick(m, 2000);
	model_event_interval(e, &hists);
	assert_int_equal(hist_count(hists.dispatch), 20);
	assert_null(hists.coalesce_age);
	model_tick(m, 3000);
	model_event_interval(e, &hists);
	assert_null(hists.dispatch);
}

/* Which call it was is kept, of the last records and of one that shows a finding, which also knows when the record before it was. */
static void test_calls_kept(void **state)
{
	struct sdei_record_call call = {
		.head = { .vm = 7, .event = SDEI_NONE, .kind = SDEI_CALL, .result = -2 }, .function = 0xC400002F,
	};
	struct record_brief records[MODEL_RECENT];
	const struct model_finding *f;

	model_keep_recent(m, true);
	for (uint64_t i = 0; i < 10; i++) {
		call.head.time_ns = 100 + 10 * i;
		assert_int_equal(model_feed(m, &call.head, sizeof(call)), 0);
	}
	PUT(250, SDEI_ENABLE, 0, ENA);
	assert_int_equal(model_recent(model_vcpu(model_vm(m, 7), 0), records), 11);
	assert_int_equal(records[9].function, 0xC400002F);
	assert_int_equal(records[9].head.result, -2);
	assert_int_equal(records[10].function, 0);
	model_settle(m, S);
	f = findings(1);
	assert_int_equal(f->code, FINDING_REFUSED_CALLS);
	assert_int_equal(f->record.function, 0xC400002F);
	assert_int_equal(f->record.head.time_ns, 190);
	assert_int_equal(f->before_ns, 180);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_illegal), TEST(test_no_false_alarm), TEST(test_counted_once), TEST(test_handler_hung),
		TEST(test_hung_between_ticks), TEST(test_pending_stuck), TEST(test_guest_stop), TEST(test_no_guest_stop),
		TEST(test_stop_of_one), TEST(test_stop_between_ticks), TEST(test_nmi_unanswered), TEST(test_nmi_masked), TEST(test_mask_long), TEST(test_drop_burst),
		TEST(test_mask_without_events), TEST(test_stopped_in_the_handler),
		TEST(test_refused_calls), TEST(test_refused_of_all_kinds), TEST(test_refused_anew), TEST(test_sentences), TEST(test_sentences_fit),
		TEST(test_unaccounted), TEST(test_unaccounted_grows), TEST(test_cap), TEST(test_expire), TEST(test_snapshot), TEST(test_open_at_snapshot), TEST(test_kept), TEST(test_calls_kept),
	};

	return cmocka_run_group_tests_name("findings", tests, NULL, NULL);
}
