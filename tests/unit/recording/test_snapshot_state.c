// SPDX-License-Identifier: GPL-2.0-only
/* What a snapshot tells: the state that the records left, of all that lives and of nothing else. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recording/codec.h"
#include "recording/snapshot_state.h"
#include "tests/random_bits.h"
#include "tests/unit/lib/sdei_machine.h"

#define NOW (1ULL << 50)

static struct recording_item told[4096];
static size_t count;

static int take(void *ctx, const struct recording_item *item)
{
	assert_true(count < sizeof(told) / sizeof(told[0]));
	told[count++] = *item;
	return 0;
}

static void tell(const struct snapshot_state *k)
{
	count = 0;
	assert_int_equal(snapshot_state_send(k, NOW, take, NULL), 0);
}

static void learn(struct snapshot_state *k, struct sdei_record_handler record)
{
	struct recording_item item = { .kind = ITEM_RECORD };

	item.record.handler = record;
	item.size = sizeof(record);
	assert_int_equal(snapshot_state_learn(k, &item), 0);
}

#define LEARN(k, pid, id, number, what, ...) \
	learn(k, (struct sdei_record_handler){ .head = { .vm = pid, .vcpu = id, .event = number, .kind = what, __VA_ARGS__ } })

static void name(struct snapshot_state *k, uint32_t vm, const char *text)
{
	struct recording_item item = { .kind = ITEM_NAME, .name.vm = vm };

	item.name.text = text;
	assert_int_equal(snapshot_state_learn(k, &item), 0);
}

static const struct sdei_record *check_snapshot(size_t at, size_t size, unsigned int kind, uint8_t origin, uint32_t vcpu, uint32_t event)
{
	const struct sdei_record *r = &told[at].record.head;

	assert_true(at < count);
	assert_int_equal(told[at].kind, ITEM_SNAPSHOT);
	assert_int_equal(told[at].time_ns, NOW);
	assert_int_equal(told[at].size, size);
	assert_int_equal(r->time_ns, NOW);
	assert_int_equal(r->kind, kind);
	assert_int_equal(r->origin, origin);
	assert_int_equal(r->vcpu, vcpu);
	assert_int_equal(r->event, event);
	return r;
}

static void check_event(size_t at, uint32_t vm, uint32_t vcpu, uint32_t event, uint8_t state)
{
	const struct sdei_record *r = check_snapshot(at, sizeof(struct sdei_record_handler), SDEI_STATE, SDEI_SNAPSHOT, vcpu, event);

	assert_int_equal(r->vm, vm);
	assert_int_equal(r->state, state);
}

static void check_name(size_t at, uint32_t vm, const char *text)
{
	assert_true(at < count);
	assert_int_equal(told[at].kind, ITEM_NAME);
	assert_int_equal(told[at].time_ns, NOW);
	assert_int_equal(told[at].name.vm, vm);
	assert_string_equal(told[at].name.text, text);
}

static void test_order(void **state)
{
	struct snapshot_state *k = snapshot_state_new();

	LEARN(k, 9, 1, 5, SDEI_ENABLE, .state = SDEI_REGISTERED | SDEI_ENABLED);
	LEARN(k, 9, 1, 2, SDEI_REGISTER, .state = SDEI_REGISTERED);
	LEARN(k, 9, 0, SDEI_NONE, SDEI_UNMASK);
	name(k, 9, "nine");
	LEARN(k, 3, 7, 0, SDEI_SIGNAL, .state = SDEI_PENDING | SDEI_MASKED);
	tell(k);
	assert_int_equal(count, 5);
	check_event(0, 3, 7, 0, SDEI_PENDING | SDEI_MASKED);
	check_name(1, 9, "nine");
	check_event(2, 9, 0, SDEI_NONE, 0);
	check_event(3, 9, 1, 2, SDEI_REGISTERED);
	check_event(4, 9, 1, 5, SDEI_REGISTERED | SDEI_ENABLED);
	snapshot_state_free(k);
}

/* The mask is the PE's: the newest record of the vCPU tells it for all of its events. */
static void test_mask(void **state)
{
	struct snapshot_state *k = snapshot_state_new();

	LEARN(k, 1, 0, 1, SDEI_ENABLE, .state = SDEI_REGISTERED | SDEI_ENABLED);
	LEARN(k, 1, 0, 2, SDEI_REGISTER, .state = SDEI_REGISTERED);
	LEARN(k, 1, 1, 1, SDEI_REGISTER, .state = SDEI_REGISTERED);
	LEARN(k, 1, 0, SDEI_NONE, SDEI_MASK, .state = SDEI_MASKED);
	tell(k);
	assert_int_equal(count, 3);
	check_event(0, 1, 0, 1, SDEI_REGISTERED | SDEI_ENABLED | SDEI_MASKED);
	check_event(1, 1, 0, 2, SDEI_REGISTERED | SDEI_MASKED);
	check_event(2, 1, 1, 1, SDEI_REGISTERED);
	LEARN(k, 1, 0, 2, SDEI_SIGNAL, .state = SDEI_REGISTERED | SDEI_PENDING);
	tell(k);
	check_event(0, 1, 0, 1, SDEI_REGISTERED | SDEI_ENABLED);
	check_event(1, 1, 0, 2, SDEI_REGISTERED | SDEI_PENDING);
	snapshot_state_free(k);
}

/* A call's record may be older than the state, and PLACE has none. */
static void test_no_states(void **state)
{
	struct snapshot_state *k = snapshot_state_new();

	LEARN(k, 1, 0, 1, SDEI_ENABLE, .state = SDEI_REGISTERED | SDEI_ENABLED | SDEI_MASKED);
	LEARN(k, 1, 0, 1, SDEI_CALL, .state = SDEI_RUNNING);
	LEARN(k, 1, 0, 1, SDEI_PLACE, .state = 0x1f);
	LEARN(k, 2, 0, SDEI_NONE, SDEI_PLACE);
	tell(k);
	assert_int_equal(count, 1);
	check_event(0, 1, 0, 1, SDEI_REGISTERED | SDEI_ENABLED | SDEI_MASKED);
	LEARN(k, 1, 3, 4, SDEI_CALL, .state = SDEI_REGISTERED);
	tell(k);
	assert_int_equal(count, 2);
	check_event(1, 1, 3, SDEI_NONE, 0);
	snapshot_state_free(k);
}

static void test_handlers(void **state)
{
	struct snapshot_state *k = snapshot_state_new();

	learn(k, (struct sdei_record_handler){
		.head = { .vm = 1, .event = 1, .kind = SDEI_REGISTER }, .ep_addr = 0x1111, .ep_arg = 0x2222 });
	/* What stands behind a shorter record is not its own. */
	learn(k, (struct sdei_record_handler){
		.head = { .vm = 1, .event = 1, .kind = SDEI_ENABLE }, .ep_addr = 3, .ep_arg = 4 });
	tell(k);
	assert_int_equal(told[0].record.handler.ep_addr, 0x1111);
	assert_int_equal(told[0].record.handler.ep_arg, 0x2222);
	learn(k, (struct sdei_record_handler){
		.head = { .vm = 1, .event = 1, .kind = SDEI_STATE, .origin = SDEI_RESTORED }, .ep_addr = 5, .ep_arg = 6 });
	tell(k);
	assert_int_equal(told[0].record.handler.ep_addr, 5);
	assert_int_equal(told[0].record.handler.ep_arg, 6);
	snapshot_state_free(k);
}

static void test_gone(void **state)
{
	struct snapshot_state *k = snapshot_state_new();

	for (uint32_t vcpu = 0; vcpu < 3; vcpu++)
		for (uint32_t event = 0; event < 2; event++)
			LEARN(k, 1, vcpu, event, SDEI_REGISTER, .state = SDEI_REGISTERED);
	LEARN(k, 2, 0, 0, SDEI_REGISTER, .state = SDEI_REGISTERED);
	name(k, 1, "one");
	name(k, 2, "two");
	LEARN(k, 1, 1, 0, SDEI_STATE, .origin = SDEI_DESTROYED);
	LEARN(k, 1, 1, 1, SDEI_STATE, .origin = SDEI_DESTROYED);
	tell(k);
	assert_int_equal(count, 7);
	check_event(3, 1, 2, 0, SDEI_REGISTERED);
	LEARN(k, 1, 0, 0, SDEI_STATE, .origin = SDEI_DESTROYED);
	assert_non_null(snapshot_state_name(k, 1));
	LEARN(k, 1, 2, 0, SDEI_STATE, .origin = SDEI_DESTROYED);
	assert_null(snapshot_state_name(k, 1));
	assert_non_null(snapshot_state_name(k, 2));
	LEARN(k, 1, 2, 1, SDEI_STATE, .origin = SDEI_DESTROYED);
	LEARN(k, 7, 0, 0, SDEI_STATE, .origin = SDEI_DESTROYED);
	tell(k);
	assert_int_equal(count, 2);
	check_name(0, 2, "two");
	check_event(1, 2, 0, 0, SDEI_REGISTERED);
	snapshot_state_free(k);
}

/* The newest name counts; one of which the end is missing does not run on. */
static void test_names(void **state)
{
	char endless[RECORDING_NAME_MAX + 1];
	struct recording_item item = { .kind = ITEM_NAME, .name = { .vm = 1, .text = endless, .uuid = "4dd25b7e" } };
	struct snapshot_state *k = snapshot_state_new();

	assert_null(snapshot_state_name(k, 1));
	name(k, 1, "first");
	name(k, 1, "second");
	assert_non_null(snapshot_state_name(k, 1));
	assert_null(snapshot_state_name(k, 0));
	assert_null(snapshot_state_name(k, 2));
	tell(k);
	assert_int_equal(count, 1);
	check_name(0, 1, "second");
	assert_string_equal(snapshot_state_uuid(k, 1), "");
	assert_string_equal(snapshot_state_uuid(k, 2), "");
	memset(endless, 'x', sizeof(endless));
	assert_int_equal(snapshot_state_learn(k, &item), 0);
	tell(k);
	assert_int_equal(strlen(told[0].name.text), RECORDING_NAME_MAX);
	assert_string_equal(told[0].name.uuid, "4dd25b7e");
	assert_string_equal(snapshot_state_uuid(k, 1), "4dd25b7e");
	snapshot_state_free(k);
}

/* Items that have no state change nothing. */
static void test_others(void **state)
{
	struct recording_item lost = { .kind = ITEM_LOST, .lost.key = { .vm = 1, .kind = SDEI_SIGNAL }, .lost.key_known = true };
	struct recording_item status = { .kind = ITEM_STATUS };
	struct snapshot_state *k = snapshot_state_new();

	assert_int_equal(snapshot_state_learn(k, &lost), 0);
	assert_int_equal(snapshot_state_learn(k, &status), 0);
	tell(k);
	assert_int_equal(count, 0);
	assert_int_equal(snapshot_state_size(k), 0);
	snapshot_state_free(k);
	snapshot_state_free(NULL);
}

static int refuse(void *ctx, const struct recording_item *item)
{
	return ++*(int *)ctx == 4 ? -EXDEV : 0;
}

static void test_refused(void **state)
{
	struct snapshot_state *k = snapshot_state_new();
	int calls = 0;

	for (uint32_t vm = 1; vm < 4; vm++) {
		name(k, vm, "x");
		LEARN(k, vm, 0, 0, SDEI_ENABLE);
		LEARN(k, vm, 1, SDEI_NONE, SDEI_MASK);
	}
	assert_int_equal(snapshot_state_send(k, NOW, refuse, &calls), -EXDEV);
	assert_int_equal(calls, 4);
	snapshot_state_free(k);
}

/* Where records were lost, what is open may be another one than before. */
static void test_since(void **state)
{
	struct recording_item lost = { .kind = ITEM_LOST, .time_ns = 150 };
	struct snapshot_state *k = snapshot_state_new();

	LEARN(k, 1, 0, 0, SDEI_DISPATCH, .state = SDEI_RUNNING, .time_ns = 100);
	LEARN(k, 1, 0, SDEI_NONE, SDEI_MASK, .state = SDEI_MASKED, .error = 1, .time_ns = 120);
	tell(k);
	assert_int_equal(count, 2);
	check_event(0, 1, 0, SDEI_NONE, SDEI_MASKED);
	assert_int_equal(told[0].record.head.arg, 120);
	check_event(1, 1, 0, 0, SDEI_RUNNING | SDEI_MASKED);
	assert_int_equal(told[1].record.head.arg, 100);
	assert_int_equal(snapshot_state_learn(k, &lost), 0);
	tell(k);
	assert_int_equal(count, 1);
	assert_int_equal(told[0].record.head.arg, 0);
	LEARN(k, 1, 0, 1, SDEI_SIGNAL, .state = SDEI_PENDING | SDEI_MASKED, .outcome = SDEI_QUEUED, .time_ns = 200);
	tell(k);
	assert_int_equal(told[1].record.head.arg, 200);
	snapshot_state_free(k);
}

/* How long the PE of an idle CPU has been masked is not told: it says nothing. */
static void test_since_of_idle(void **state)
{
	struct recording_item idle = { .kind = ITEM_RECORD, .size = sizeof(struct sdei_record_smccc), .time_ns = 130 };
	struct snapshot_state *k = snapshot_state_new();

	LEARN(k, 1, 0, 0, SDEI_ENABLE, .state = SDEI_REGISTERED | SDEI_ENABLED, .time_ns = 100);
	LEARN(k, 1, 0, SDEI_NONE, SDEI_MASK, .state = SDEI_MASKED, .error = 1, .time_ns = 120);
	idle.record.smccc = (struct sdei_record_smccc){
		.head = { .time_ns = 130, .vm = 1, .event = SDEI_NONE, .kind = SDEI_SMCCC, .outcome = SMCCC_BEGUN }, .function = 0xC4000001,
		.target = SDEI_NONE,
	};
	assert_int_equal(snapshot_state_learn(k, &idle), 0);
	tell(k);
	for (size_t i = 0; i < count; i++)
		if (told[i].record.head.kind == SDEI_STATE)
			assert_int_equal(told[i].record.head.arg, 0);
	assert_true(told[0].record.head.state & SDEI_MASKED);
	snapshot_state_free(k);
}

/* --- against a machine: the same states, and learning a snapshot gives that snapshot */

static void learn_any(void *ctx, const struct sdei_record *record, size_t size)
{
	struct recording_item item = { .kind = ITEM_RECORD, .size = size };

	memcpy(&item.record, record, size);
	assert_int_equal(snapshot_state_learn(ctx, &item), 0);
}

static uint8_t state_of(const struct machine_vcpu *vcpu, const struct machine_event *e)
{
	return (e->registered ? SDEI_REGISTERED : 0) | (e->enabled ? SDEI_ENABLED : 0) | (e->running ? SDEI_RUNNING : 0) |
	       (e->pending ? SDEI_PENDING : 0) | (vcpu->masked ? SDEI_MASKED : 0);
}

/* Since when what is open has been, as the machine knows. */
static uint64_t since_of(const struct machine_vcpu *vcpu, uint32_t event)
{
	const struct machine_event *e = &vcpu->events[event];

	if (event == SDEI_NONE)
		return vcpu->masked && !vcpu->initial ? vcpu->masked_since : 0;
	return e->running ? e->running_since : e->pending ? e->pending_since : 0;
}

static void check_machine(const struct machine *m)
{
	size_t vcpus = 0;

	for (size_t i = 0; i < count; i++) {
		const struct sdei_record *r = &told[i].record.head;
		const struct machine_vcpu *vcpu = &m->vcpus[r->vcpu];

		assert_true(r->vcpu < m->count && vcpu->exists);
		vcpus += !i || r->vcpu != told[i - 1].record.head.vcpu;
		if (r->event < MACHINE_EVENTS)
			assert_int_equal(r->state, state_of(vcpu, &vcpu->events[r->event]));
		assert_int_equal(r->arg, since_of(vcpu, r->event));
	}
	for (unsigned int i = 0; i < m->count; i++)
		vcpus -= m->vcpus[i].exists;
	assert_int_equal(vcpus, 0);
}

static void test_machine(void **state)
{
	struct snapshot_state *k = snapshot_state_new(), *again = snapshot_state_new();
	struct machine *m = machine_new(7, 13, learn_any, k);
	struct recording_item first[4096];
	size_t items, size = 0;

	for (int i = 0; i < 5000; i++) {
		machine_step(m);
		tell(k);
		check_machine(m);
	}
	items = count;
	memcpy(first, told, sizeof(first));
	for (size_t i = 0; i < items; i++) {
		uint8_t bytes[CODEC_ITEM_MAX];
		uint64_t clock = NOW;

		assert_int_equal(snapshot_state_learn(again, &first[i]), 0);
		size += codec_put(bytes, &first[i], &clock);
	}
	tell(again);
	assert_int_equal(count, items);
	assert_memory_equal(told, first, items * sizeof(first[0]));
	/* "About": between half and twice as much. */
	assert_true(snapshot_state_size(k) > size / 2 && snapshot_state_size(k) < size * 2);
	machine_free(m);
	snapshot_state_free(k);
	snapshot_state_free(again);
}

/* --- against a table: many VMs come and go in any order, far apart and close together, with any numbers of vCPUs */

#define VMS 64
#define VM_VCPUS 5

static uint32_t pid_of(unsigned int vm)
{
	return 1 + vm % 8 + 1024 * (vm / 8);
}

static uint32_t id_of(unsigned int vcpu)
{
	return vcpu * vcpu;
}

static void check_table(const uint8_t table[VMS][VM_VCPUS])
{
	size_t at = 0;

	for (unsigned int low = 0; low < VMS; low++)
		for (unsigned int vcpu = 0; vcpu < VM_VCPUS; vcpu++)
			if (table[low][vcpu])
				check_event(at++, pid_of(low), id_of(vcpu), 3, table[low][vcpu]);
	assert_int_equal(count, at);
}

static void test_many(void **state)
{
	uint8_t table[VMS][VM_VCPUS] = { 0 };
	struct snapshot_state *k = snapshot_state_new();
	uint64_t seed = 4711;

	for (int i = 0; i < 20000; i++) {
		unsigned int vm = random_below(&seed, VMS), vcpu = random_below(&seed, VM_VCPUS);
		bool goes = random_below(&seed, 8) == 0;

		table[vm][vcpu] = goes ? 0 : 1 + random_below(&seed, 15);
		if (goes)
			LEARN(k, pid_of(vm), id_of(vcpu), 3, SDEI_STATE, .origin = SDEI_DESTROYED);
		else
			LEARN(k, pid_of(vm), id_of(vcpu), 3, SDEI_ENABLE, .state = table[vm][vcpu]);
		if (i % 16)
			continue;
		tell(k);
		check_table(table);
	}
	snapshot_state_free(k);
}

/* --- which vCPUs are on */

static void learn_call(struct snapshot_state *k, uint64_t time, uint32_t vcpu, uint32_t function, uint32_t target)
{
	struct recording_item item = { .kind = ITEM_RECORD, .size = sizeof(struct sdei_record_smccc) };
	bool is_answered = function != 0x84000008;

	item.record.smccc = (struct sdei_record_smccc){
		.head = { .time_ns = time, .vm = 1, .vcpu = vcpu, .event = SDEI_NONE, .kind = SDEI_SMCCC,
			  .outcome = is_answered ? SMCCC_ANSWERED : SMCCC_FORWARDED },
		.duration_ns = 10, .function = function, .target = target,
	};
	assert_int_equal(snapshot_state_learn(k, &item), 0);
}

#define CPU_OFF(k, time, vcpu) learn_call(k, time, vcpu, 0x84000002, SDEI_NONE)
#define CPU_ON(k, time, vcpu, target) learn_call(k, time, vcpu, 0xC4000003, target)
#define SYSTEM_OFF(k, time, vcpu) learn_call(k, time, vcpu, 0x84000008, SDEI_NONE)

static void check_power(size_t at, uint32_t vcpu, uint8_t power, uint64_t since_ns)
{
	assert_int_equal(check_snapshot(at, sizeof(struct sdei_record), SDEI_POWER, power, vcpu, SDEI_NONE)->arg, since_ns);
}

/* Where KVM has no SDEI, it is all that is told of a vCPU. */
static void test_power(void **state)
{
	struct snapshot_state *k = snapshot_state_new();

	LEARN(k, 1, 0, SDEI_NONE, SDEI_POWER, .origin = SDEI_POWER_ON, .time_ns = 100);
	LEARN(k, 1, 1, SDEI_NONE, SDEI_POWER, .origin = SDEI_POWER_OFF, .time_ns = 100);
	LEARN(k, 1, 2, SDEI_NONE, SDEI_POWER, .origin = SDEI_POWER_SUSPENDED, .time_ns = 100, .arg = 30);
	tell(k);
	assert_int_equal(count, 3);
	check_power(0, 0, SDEI_POWER_ON, 0);
	check_power(1, 1, SDEI_POWER_OFF, 0);
	check_power(2, 2, SDEI_POWER_SUSPENDED, 30);
	CPU_ON(k, 200, 0, 1);
	CPU_OFF(k, 310, 0);
	CPU_OFF(k, 400, 3);
	tell(k);
	assert_int_equal(count, 4);
	check_power(0, 0, SDEI_POWER_OFF, 300);	/* when the call began */
	check_power(1, 1, SDEI_POWER_ON, 0);
	check_power(3, 3, SDEI_POWER_OFF, 390);
	LEARN(k, 1, 3, SDEI_NONE, SDEI_APF, .origin = APF_SYNC, .time_ns = 500);
	LEARN(k, 1, 2, SDEI_NONE, SDEI_APF, .origin = APF_PRESENT, .time_ns = 500);
	SYSTEM_OFF(k, 450, 1);
	tell(k);
	check_power(2, 2, SDEI_POWER_OFF, 450);
	check_power(3, 3, SDEI_POWER_OFF, 450);
	LEARN(k, 1, 3, SDEI_NONE, SDEI_APF, .origin = APF_SYNC, .time_ns = 500);
	LEARN(k, 1, 0, SDEI_NONE, SDEI_APF, .origin = APF_VCPU_END, .time_ns = 600);
	tell(k);
	assert_int_equal(count, 3);
	check_power(2, 3, SDEI_POWER_ON, 0);
	snapshot_state_free(k);
}

/* One whose events are known is on when it is seen to be; its next life is another one. */
static void test_power_with_events(void **state)
{
	struct snapshot_state *k = snapshot_state_new();

	LEARN(k, 1, 0, 1, SDEI_ENABLE, .state = SDEI_REGISTERED | SDEI_ENABLED);
	CPU_OFF(k, 310, 0);
	CPU_ON(k, 400, 1, 0);
	LEARN(k, 1, 0, 1, SDEI_SIGNAL, .state = SDEI_REGISTERED | SDEI_ENABLED | SDEI_PENDING, .time_ns = 500);
	tell(k);
	assert_int_equal(count, 3);
	check_event(0, 1, 0, 1, SDEI_REGISTERED | SDEI_ENABLED | SDEI_PENDING);
	check_power(1, 0, SDEI_POWER_OFF, 300);
	check_power(2, 1, SDEI_POWER_ON, 0);
	LEARN(k, 1, 0, SDEI_NONE, SDEI_RESET, .origin = SDEI_VCPU_RESET, .time_ns = 600);
	tell(k);
	check_power(1, 0, SDEI_POWER_ON, 0);
	CPU_OFF(k, 710, 0);
	LEARN(k, 1, 0, 1, SDEI_STATE, .origin = SDEI_CREATED, .time_ns = 800);
	tell(k);
	assert_int_equal(count, 2);
	check_event(0, 1, 0, 1, 0);
	check_power(1, 1, SDEI_POWER_ON, 0);
	snapshot_state_free(k);
}

/* Since when it is off is not known where its turning on may be among what was lost. */
/* --- counters */

static void learn_counter(struct snapshot_state *k, uint32_t vm, uint32_t vcpu, uint64_t offset)
{
	struct recording_item item = { .kind = ITEM_RECORD, .size = sizeof(struct sdei_record_counter) };

	item.record.counter = (struct sdei_record_counter){
		.head = { .time_ns = 100, .vm = vm, .vcpu = vcpu, .event = SDEI_NONE, .kind = SDEI_COUNTER, .origin = SDEI_COUNTER_SET },
		.offset = offset, .hz = 62500000,
	};
	assert_int_equal(snapshot_state_learn(k, &item), 0);
}

static void check_counter(size_t at, uint32_t vcpu, uint64_t offset)
{
	const struct sdei_record_counter *counter = (const void *)check_snapshot(at, sizeof(*counter), SDEI_COUNTER, SDEI_COUNTER_FOUND, vcpu, SDEI_NONE);

	assert_int_equal(counter->offset, offset);
	assert_int_equal(counter->hz, 62500000);
}

/* The newest of each vCPU, behind whether it is on; until the vCPU ends. */
static void test_counter(void **state)
{
	struct snapshot_state *k = snapshot_state_new();

	learn_counter(k, 1, 0, 5);
	learn_counter(k, 1, 1, 5);
	LEARN(k, 1, 1, SDEI_NONE, SDEI_POWER, .origin = SDEI_POWER_ON, .time_ns = 100);
	learn_counter(k, 1, 0, UINT64_MAX);
	tell(k);
	assert_int_equal(count, 3);
	check_counter(0, 0, UINT64_MAX);
	check_power(1, 1, SDEI_POWER_ON, 0);
	check_counter(2, 1, 5);
	LEARN(k, 1, 0, SDEI_NONE, SDEI_APF, .origin = APF_VCPU_END, .time_ns = 600);
	tell(k);
	assert_int_equal(count, 2);
	LEARN(k, 1, 1, SDEI_NONE, SDEI_APF, .origin = APF_VCPU_END, .time_ns = 600);
	tell(k);
	assert_int_equal(count, 0);
	snapshot_state_free(k);
}

static void test_power_lost(void **state)
{
	struct recording_item lost = { .kind = ITEM_LOST, .time_ns = 350 };
	struct snapshot_state *k = snapshot_state_new();

	CPU_OFF(k, 310, 0);
	CPU_OFF(k, 410, 1);
	assert_int_equal(snapshot_state_learn(k, &lost), 0);
	tell(k);
	check_power(0, 0, SDEI_POWER_OFF, 0);
	check_power(1, 1, SDEI_POWER_OFF, 400);
	snapshot_state_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_mask),
		cmocka_unit_test(test_no_states),
		cmocka_unit_test(test_handlers),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_since), cmocka_unit_test(test_since_of_idle),
		cmocka_unit_test(test_machine),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_power),
		cmocka_unit_test(test_power_with_events),
		cmocka_unit_test(test_power_lost),
		cmocka_unit_test(test_counter),
	};

	return cmocka_run_group_tests_name("trace_known", tests, NULL, NULL);
}
