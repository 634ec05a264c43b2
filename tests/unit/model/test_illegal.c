// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random legal streams of the machine (sdei_machine.h) with one fault in them:
 * the machine does something that SDEI forbids, or one record of the stream is
 * missing without a word. The finding has to be the right one, and the only one.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "model/model.h"
#include "tests/unit/lib/sdei_machine.h"

/* Faults leave out what is 0. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define VCPUS 3
#define R SDEI_REGISTERED
#define E SDEI_ENABLED
#define U SDEI_RUNNING
#define P SDEI_PENDING
#define M SDEI_MASKED

/* Something that has to be so, or must not be, or does not matter. */
enum need { ANY, YES, NO };

/* What the machine does wrong. */
struct fault {
	enum finding_rule rule;
	uint8_t kind, outcome, origin;
	int error;
	uint8_t have, lack;		/* bits before: the fault can happen only then */
	uint8_t set, clear;		/* what it does to them */
	enum need busy, passes;		/* another handler runs; a lower event is deliverable */
	uint64_t unaccounted;		/* signals and handlers */
	bool of_pe;			/* the finding is about the PE */
};

static const struct fault faults[] = {
	{ RULE_ENABLED_UNREGISTERED, SDEI_CALL, .lack = R, .set = E },
	{ RULE_ENABLED_UNREGISTERED, SDEI_DISPATCH, .have = R | E | P, .lack = U | M, .set = U, .clear = R | P },
	{ RULE_PENDING_UNREGISTERED, SDEI_CALL, .lack = R, .set = P, .unaccounted = 1 },
	{ RULE_TWO_RUNNING, SDEI_STATE, .origin = SDEI_RESTORED, .lack = U, .set = U, .busy = YES },
	{ RULE_REGISTERED_TWICE, SDEI_REGISTER, .have = R },
	{ RULE_REGISTERED_RUNNING, SDEI_REGISTER, .have = U, .lack = R, .set = R },
	{ RULE_NOT_REGISTERED, SDEI_ENABLE, .lack = R, .set = R | E },
	{ RULE_NOT_REGISTERED, SDEI_ENABLE, .lack = R, .set = E },
	{ RULE_NOT_REGISTERED, SDEI_DISABLE, .lack = R },
	{ RULE_NOT_REGISTERED, SDEI_UNREGISTER, .lack = R },
	{ RULE_QUEUED_TWICE, SDEI_SIGNAL, SDEI_QUEUED, .have = P, .unaccounted = 1 },
	{ RULE_COALESCED_ALONE, SDEI_SIGNAL, SDEI_COALESCED, .have = R, .lack = P, .set = P, .unaccounted = 1 },
	{ RULE_COALESCED_ALONE, SDEI_SIGNAL, SDEI_COALESCED, .have = R, .lack = P },
	{ RULE_CANCELLED_NOTHING, SDEI_CANCEL, .lack = P, .unaccounted = 1 },
	{ RULE_DISPATCHED_MASKED, SDEI_DISPATCH, .have = R | E | P | M, .lack = U, .set = U, .clear = P },
	{ RULE_DISPATCHED_UNREGISTERED, SDEI_DISPATCH, .have = R | E | P, .lack = U | M, .set = U, .clear = R | E | P },
	{ RULE_DISPATCHED_DISABLED, SDEI_DISPATCH, .have = R | P, .lack = E | U | M, .set = U, .clear = P },
	{ RULE_DISPATCHED_NOTHING, SDEI_DISPATCH, .have = R | E, .lack = P | U | M, .set = U, .unaccounted = 1 },
	{ RULE_DISPATCHED_BUSY, SDEI_DISPATCH, .have = R | E | P, .lack = U | M, .set = U, .clear = P, .busy = YES },
	{ RULE_DISPATCHED_BUSY, SDEI_DISPATCH, .have = R | E | P | U, .lack = M, .clear = P, .unaccounted = 1 },
	{ RULE_DISPATCHED_ORDER, SDEI_DISPATCH, .have = R | E | P, .lack = U | M, .set = U, .clear = P, .busy = NO, .passes = YES },
	{ RULE_COMPLETED_NOTHING, SDEI_COMPLETE, SDEI_COMPLETED, .lack = U, .unaccounted = 1 },
	{ RULE_COMPLETED_NOTHING, SDEI_COMPLETE, SDEI_RESUMED, .lack = U, .unaccounted = 1 },
	{ RULE_LEFT_REGISTERED, SDEI_UNREGISTER, .have = R, .lack = E | P },
	{ RULE_LEFT_REGISTERED, SDEI_UNREGISTER, .have = R | E, .lack = P, .clear = E },
	{ RULE_LEFT_REGISTERED, SDEI_STATE, .origin = SDEI_STATE_RESET, .have = R, .lack = E | U | P },
	{ RULE_LEFT_ENABLED, SDEI_UNREGISTER, .have = R | E, .lack = P, .clear = R },
	{ RULE_LEFT_ENABLED, SDEI_DISABLE, .have = R | E },
	{ RULE_LEFT_PENDING, SDEI_DISPATCH, .have = R | E | P, .lack = U | M, .set = U, .unaccounted = 1 },
	{ RULE_LEFT_PENDING, SDEI_CANCEL, .have = P, .unaccounted = 1 },
	{ RULE_LEFT_PENDING, SDEI_UNREGISTER, P, .have = R | P, .clear = R | E, .unaccounted = 1 },
	{ RULE_LEFT_RUNNING, SDEI_COMPLETE, SDEI_COMPLETED, .have = U, .busy = NO, .unaccounted = 1 },
	{ RULE_NOT_SET, SDEI_REGISTER, .lack = R | U },
	{ RULE_NOT_SET, SDEI_ENABLE, .have = R, .lack = E },
	{ RULE_NOT_SET, SDEI_DISPATCH, .have = R | E | P, .lack = U | M, .clear = P, .unaccounted = 1 },
	{ RULE_NOT_SET, SDEI_SIGNAL, SDEI_QUEUED, .have = R, .lack = P, .unaccounted = 1 },
	{ RULE_NOT_SET, SDEI_SIGNAL, SDEI_COALESCED, .have = R | P, .clear = P, .unaccounted = 1 },
	{ RULE_CHANGED, SDEI_CALL, .have = R, .lack = E, .set = E },
	{ RULE_CHANGED, SDEI_CALL, .have = R | E, .clear = E },
	{ RULE_CHANGED, SDEI_CALL, .have = P, .clear = P, .unaccounted = 1 },
	{ RULE_CHANGED, SDEI_CALL, .have = U, .clear = U, .unaccounted = 1 },
	{ RULE_CHANGED, SDEI_CALL, .have = R, .lack = U, .set = U, .unaccounted = 1 },
	{ RULE_CHANGED, SDEI_ENABLE, .have = R | P, .set = E, .clear = P, .unaccounted = 1 },
	{ RULE_CHANGED, SDEI_SIGNAL, SDEI_REJECTED, .error = -EPERM, .have = R | E, .clear = E },
	{ RULE_MASK_RESULT, SDEI_MASK, .error = 1, .have = M, .of_pe = true },
	{ RULE_MASK_RESULT, SDEI_MASK, .error = 0, .lack = M, .set = M, .of_pe = true },
	{ RULE_MASK_STATE, SDEI_MASK, .error = 1, .lack = M, .of_pe = true },
	{ RULE_MASK_STATE, SDEI_UNMASK, .have = M, .of_pe = true },
	{ RULE_MASK_STATE, SDEI_RESET, .origin = SDEI_VCPU_RESET, .have = M, .clear = M, .of_pe = true },
	{ RULE_MASK_CHANGED, SDEI_CALL, .lack = M, .set = M, .of_pe = true },
	{ RULE_MASK_CHANGED, SDEI_CALL, .have = M, .clear = M, .of_pe = true },
	{ RULE_MASK_CHANGED, SDEI_CANCEL, .error = -ENOENT, .lack = M, .set = M, .of_pe = true },
	{ RULE_MASK_CHANGED, SDEI_SIGNAL, SDEI_REJECTED, .error = -EPERM, .have = M, .clear = M, .of_pe = true },
	{ RULE_MASK_CHANGED, SDEI_RESET, .origin = SDEI_PRIVATE_RESET, .have = M, .clear = M, .of_pe = true },
};

#define FAULTS (sizeof(faults) / sizeof(*faults))

struct bed {
	struct machine *machine;
	struct model *m;
	/* the record to be missing */
	bool dropping, dropped, told;	/* told: a later record of its event was taken */
	struct sdei_record missing;
	struct sdei_record newest;
};

/* Those that leave a gap in the books: what one takes away, or brings. */
static uint64_t gap_of(const struct sdei_record *r)
{
	switch (r->kind) {
	case SDEI_SIGNAL:
		return r->outcome == SDEI_QUEUED;
	case SDEI_DISPATCH:
		return 2;	/* the signal did not become anything, the handler came from nowhere */
	case SDEI_COMPLETE:
		return 1;
	case SDEI_CANCEL:
		return !r->error;
	case SDEI_UNREGISTER:
		return !!r->outcome;
	default:
		return 0;
	}
}

static bool is_same(const struct sdei_record *a, const struct sdei_record *b)
{
	return a->vcpu == b->vcpu && a->event == b->event;
}

static void take(void *ctx, const struct sdei_record *r, size_t size)
{
	struct bed *b = ctx;

	if (b->dropping && !b->dropped && gap_of(r)) {
		b->dropped = true;
		b->missing = *r;
		return;
	}
	b->told = b->told || (b->dropped && is_same(r, &b->missing));
	b->newest = *r;
	assert_int_equal(model_feed(b->m, r, size), 0);
}

static void bed_open(struct bed *b, uint64_t seed)
{
	*b = (struct bed){ 0 };
	b->m = model_new(&(struct model_options){ .limits = { .drops = UINT32_MAX, .refused = UINT32_MAX } });
	assert_non_null(b->m);
	b->machine = machine_new(VCPUS, seed, take, b);
}

static void bed_close(struct bed *b)
{
	machine_free(b->machine);
	model_free(b->m);
}

static void run(struct bed *b, uint64_t steps)
{
	while (steps--)
		machine_step(b->machine);
}

/* --- the machine's state */

static unsigned int bits_of(const struct bed *b, unsigned int vcpu, uint32_t event)
{
	const struct machine_vcpu *v = &b->machine->vcpus[vcpu];
	const struct machine_event *e = &v->events[event];

	return e->registered * R | e->enabled * E | e->running * U | e->pending * P | v->masked * M;
}

static void set_bits(struct bed *b, unsigned int vcpu, uint32_t event, unsigned int bits)
{
	struct machine_vcpu *v = &b->machine->vcpus[vcpu];
	struct machine_event *e = &v->events[event];

	e->registered = bits & R;
	e->enabled = bits & E;
	e->running = bits & U;
	e->pending = bits & P;
	v->masked = bits & M;
}

static unsigned int running(const struct bed *b, unsigned int vcpu)
{
	unsigned int count = 0;

	for (uint32_t event = 0; event < MACHINE_EVENTS; event++)
		count += b->machine->vcpus[vcpu].events[event].running;
	return count;
}

static bool is_legal(const struct bed *b, unsigned int vcpu)
{
	for (uint32_t event = 0; event < MACHINE_EVENTS; event++) {
		unsigned int bits = bits_of(b, vcpu, event);

		if (!(bits & R) && bits & (E | P))
			return false;
	}
	return running(b, vcpu) < 2;
}

static bool is_other_running(const struct bed *b, unsigned int vcpu, uint32_t event)
{
	return running(b, vcpu) > b->machine->vcpus[vcpu].events[event].running;
}

/* Event 1, that of page faults, may go before any. */
static bool passes_over(const struct bed *b, unsigned int vcpu, uint32_t event)
{
	if (event == 1)
		return false;
	while (event--) {
		if ((bits_of(b, vcpu, event) & (R | E | P)) == (R | E | P))
			return true;
	}
	return false;
}

static bool is_as_needed(enum need need, bool is)
{
	return need == ANY || (need == YES) == is;
}

static bool can_happen(const struct bed *b, const struct fault *f, unsigned int vcpu, uint32_t event)
{
	unsigned int bits = bits_of(b, vcpu, event);

	return b->machine->vcpus[vcpu].exists && (bits & f->have) == f->have && !(bits & f->lack) &&
	       is_as_needed(f->busy, is_other_running(b, vcpu, event)) && is_as_needed(f->passes, passes_over(b, vcpu, event));
}

static void tell(struct bed *b, unsigned int vcpu, uint32_t event, const struct fault *f)
{
	union { struct sdei_record head; struct sdei_record_handler handler; struct sdei_record_call call; } r = {
		.head = {
			.time_ns = b->machine->time++, .vm = MACHINE_VM, .vcpu = vcpu, .event = event, .kind = f->kind,
			.state = bits_of(b, vcpu, event), .outcome = f->outcome, .origin = f->origin, .error = f->error,
		},
	};
	bool of_pe = f->kind == SDEI_MASK || f->kind == SDEI_UNMASK || f->kind == SDEI_RESET;
	size_t size = f->kind == SDEI_STATE || f->kind == SDEI_REGISTER ? sizeof(r.handler) : sizeof(r.head);

	if (of_pe) {
		r.head.event = SDEI_NONE;
		r.head.state &= M;
	}
	if (f->kind == SDEI_CALL) {
		r.call.function = 0xC4000028;
		size = sizeof(r.call);
	}
	take(b, &r.head, size);
}

/* --- one fault */

struct happened {
	const struct fault *fault;
	unsigned int vcpu, before;
	uint32_t event;			/* that the finding should be about */
	struct sdei_record record;	/* and that it should show */
};

/* Two handlers at once are told of by a restore, which may; the next record of the first one shows it. */
static void tell_other(struct bed *b, struct happened *h)
{
	static const struct fault call = { .kind = SDEI_CALL };
	uint32_t other = 0;

	while (other == h->event || !b->machine->vcpus[h->vcpu].events[other].running)
		other++;
	h->event = other;
	h->before = bits_of(b, h->vcpu, other);
	tell(b, h->vcpu, other, &call);
}

static void do_fault(struct bed *b, struct happened *h)
{
	const struct fault *f = h->fault;

	h->before = bits_of(b, h->vcpu, h->event);
	set_bits(b, h->vcpu, h->event, (h->before | f->set) & ~f->clear);
	tell(b, h->vcpu, h->event, f);
	if (f->rule == RULE_TWO_RUNNING)
		tell_other(b, h);
	h->record = b->newest;
	if (f->of_pe) {
		h->event = SDEI_NONE;
		h->before &= b->newest.event == SDEI_NONE ? M : ~0U;
	}
}

/* The machine goes on until it can. */
static void wait_for(struct bed *b, struct happened *h)
{
	for (unsigned int tries = 0; tries < 100000; tries++) {
		h->vcpu = machine_random(b->machine, VCPUS);
		h->event = machine_random(b->machine, MACHINE_EVENTS);
		if (can_happen(b, h->fault, h->vcpu, h->event)) {
			do_fault(b, h);
			return;
		}
		machine_step(b->machine);
	}
	fail_msg("%s never could happen", finding_rule_help(h->fault->rule));
}

static const struct model_finding *finding(const struct bed *b, enum model_finding_code code, unsigned int vcpu, uint32_t event)
{
	size_t count;
	const struct model_finding *f = model_findings(b->m, &count);

	for (; count; count--, f++) {
		if (f->code == code && f->vcpu == vcpu && f->event == event)
			return f;
	}
	return NULL;
}

static size_t findings(const struct bed *b)
{
	size_t count;

	model_findings(b->m, &count);
	return count;
}

static void check_exact(const struct bed *b, const struct happened *h)
{
	const struct model_finding *f = finding(b, FINDING_ILLEGAL_TRANSITION, h->vcpu, h->event);
	const struct model_finding *gap = finding(b, FINDING_UNACCOUNTED, h->vcpu, h->event);
	unsigned int about = h->event == SDEI_NONE ? M : ~0U;

	if (!f || f->rule != h->fault->rule || !gap != !h->fault->unaccounted || findings(b) != 1 + !!gap)
		fail_msg("fault %td (%s): %s, %zu findings, %s", h->fault - faults, finding_rule_help(h->fault->rule),
			 f ? finding_rule_help(f->rule) : "no finding", findings(b), gap ? "unaccounted" : "accounted");
	assert_int_equal(f->first_ns, h->record.time_ns);
	assert_int_equal(f->last_ns, h->record.time_ns);
	assert_int_equal(f->count, 1);
	assert_int_equal(f->state_before & about, h->before & about);
	assert_memory_equal(&f->record.head, &h->record, sizeof(h->record));
	if (gap) {
		assert_int_equal(gap->value, h->fault->unaccounted);
		assert_int_equal(gap->first_ns, h->record.time_ns);
		assert_int_equal(gap->count, 1);
	}
}

/* What shows of a fault at other events of the vCPU, while two handlers run. */
static bool is_explained(const struct model_finding *f)
{
	return f->code == FINDING_ILLEGAL_TRANSITION && f->rule == RULE_TWO_RUNNING;
}

/* The machine goes on from where the fault left it, which may be no legal state: of that event, or PE, alone. */
static void check_afterwards(struct bed *b, const struct happened *h)
{
	bool legal = is_legal(b, h->vcpu);
	size_t count;
	const struct model_finding *f;

	run(b, 500);
	model_settle(b->m, b->machine->time);
	f = model_findings(b->m, &count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(f[i].vcpu, h->vcpu);
		assert_true(f[i].first_ns >= h->record.time_ns);
		if (f[i].event != h->event && !is_explained(&f[i]))
			fail_msg("fault %td: %s at event %d", h->fault - faults, finding_rule_help(f[i].rule), (int)f[i].event);
		assert_true(!legal || (f[i].event == h->event && f[i].count == 1));
	}
}

/* All its vCPUs end. */
static void end(struct bed *b)
{
	for (unsigned int vcpu = 0; vcpu < VCPUS; vcpu++) {
		for (uint32_t event = 0; event < MACHINE_EVENTS && b->machine->vcpus[vcpu].exists; event++) {
			unsigned int bits = bits_of(b, vcpu, event);
			struct fault destroyed = { .kind = SDEI_STATE, .outcome = bits & (P | U), .origin = SDEI_DESTROYED };

			set_bits(b, vcpu, event, bits & ~(P | U));
			tell(b, vcpu, event, &destroyed);
		}
	}
}

/* The VM is forgotten, what was found is not. */
static void check_outlives(struct bed *b)
{
	struct model_finding before[100];
	size_t count;
	const struct model_finding *f = model_findings(b->m, &count);

	assert_in_range(count, 1, 100);
	memcpy(before, f, count * sizeof(*f));
	model_expire(b->m, UINT64_MAX);
	model_vms(b->m, &count);
	assert_int_equal(count, 0);
	model_settle(b->m, UINT64_MAX);
	f = model_findings(b->m, &count);
	for (size_t i = 0; i < count; i++) {
		assert_false(f[i].open);
		before[i].open = false;
	}
	assert_memory_equal(before, f, count * sizeof(*f));
}

static void test_each_fault(void **state)
{
	for (uint64_t seed = 0; seed < FAULTS * 20; seed++) {
		struct happened h = { .fault = &faults[seed % FAULTS] };
		struct bed b;

		bed_open(&b, seed + 1);
		run(&b, machine_random(b.machine, 500));
		wait_for(&b, &h);
		assert_int_equal(findings(&b), 0);	/* a loss may be told yet */
		model_settle(b.m, b.machine->time);
		check_exact(&b, &h);
		check_afterwards(&b, &h);
		end(&b);
		check_outlives(&b);
		bed_close(&b);
	}
}

/* Found only after the vCPU has gone. */
static void test_fault_at_the_end(void **state)
{
	for (uint64_t seed = 0; seed < FAULTS * 5; seed++) {
		struct happened h = { .fault = &faults[seed % FAULTS] };
		struct bed b;

		bed_open(&b, seed + 1000);
		run(&b, machine_random(b.machine, 500));
		wait_for(&b, &h);
		end(&b);
		model_settle(b.m, b.machine->time);
		assert_non_null(finding(&b, FINDING_ILLEGAL_TRANSITION, h.vcpu, h.event));
		check_outlives(&b);
		bed_close(&b);
	}
}

/* A loss that is told in time takes it all back, and what follows is not trusted at once. */
static void test_fault_or_loss(void **state)
{
	for (uint64_t seed = 0; seed < FAULTS * 5; seed++) {
		struct happened h = { .fault = &faults[seed % FAULTS] };
		struct sdei_lost_key key = { .vm = MACHINE_VM, .kind = SDEI_SIGNAL, .outcome = SDEI_COALESCED };
		struct bed b;

		bed_open(&b, seed + 2000);
		run(&b, machine_random(b.machine, 500));
		wait_for(&b, &h);
		key.vcpu = h.vcpu;
		key.event = machine_random(b.machine, MACHINE_EVENTS);
		assert_int_equal(model_feed_lost(b.m, &key, 1), 0);
		run(&b, 100);
		model_settle(b.m, b.machine->time);
		assert_int_equal(findings(&b), 0);
		bed_close(&b);
	}
}

/* --- one record missing */

/* What the others on the vCPU seem to do wrong, because of an event that has not been told of. */
static bool is_due_to_gap(const struct model_finding *f)
{
	return f->code == FINDING_ILLEGAL_TRANSITION &&
	       (f->rule == RULE_DISPATCHED_BUSY || f->rule == RULE_TWO_RUNNING || f->rule == RULE_DISPATCHED_ORDER);
}

static void check_gap(const struct bed *b)
{
	const struct model_finding *gap = finding(b, FINDING_UNACCOUNTED, b->missing.vcpu, b->missing.event), *f;
	size_t count;

	if (!gap)
		fail_msg("a %s is missing and nobody noticed", sdei_kind_name(b->missing.kind));
	assert_int_equal(gap->value, gap_of(&b->missing));
	f = model_findings(b->m, &count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(f[i].vcpu, b->missing.vcpu);
		assert_true(f[i].event == b->missing.event || is_due_to_gap(&f[i]));
		assert_true(f[i].first_ns > b->missing.time_ns);
	}
}

static void test_unaccounted(void **state)
{
	for (uint64_t seed = 1; seed <= 1000; seed++) {
		struct bed b;

		bed_open(&b, seed);
		run(&b, 10 + machine_random(b.machine, 1000));
		model_settle(b.m, b.machine->time);
		assert_int_equal(findings(&b), 0);
		b.dropping = true;
		while (!b.told)
			machine_step(b.machine);
		model_settle(b.m, b.machine->time);
		check_gap(&b);
		end(&b);
		check_outlives(&b);
		bed_close(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_fault),
		cmocka_unit_test(test_fault_at_the_end),
		cmocka_unit_test(test_fault_or_loss),
		cmocka_unit_test(test_unaccounted),
	};

	return cmocka_run_group_tests_name("model and illegal streams", tests, NULL, NULL);
}
