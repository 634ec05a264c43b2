/* SPDX-License-Identifier: GPL-2.0-only */
#include "recording/snapshot_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record/kinds.h"
#include "record/smccc.h"
#include "recording/codec.h"

struct known_event {
	uint32_t event;			/* SDEI_NONE: nothing is known of this vCPU but its PE */
	uint8_t state;			/* without the PE mask */
	uint64_t pending_ns, running_ns;	/* since when; 0: not, or not known */
	uint64_t ep_addr, ep_arg;
};

struct known_vcpu {
	uint32_t id;
	uint8_t mask;			/* SDEI_MASKED or 0 */
	bool has_sdei;			/* mask and events are known, not only what follows */
	uint8_t power;			/* enum sdei_power; 0: not known */
	uint64_t power_ns, off_ns;	/* when it was last turned off or on; since when it is off, 0: not, or not known */
	uint64_t masked_ns;		/* since when; 0: not, or not known */
	uint64_t counter_offset;	/* see struct sdei_record_counter */
	uint32_t counter_hz;		/* 0: not known */
	struct known_event *events;	/* by number */
	size_t count;
};

struct known_vm {
	uint32_t pid;
	char *name;			/* NULL: none yet */
	char uuid[RECORDING_UUID_SIZE];
	struct known_vcpu *vcpus;	/* by id */
	size_t count;
};

#define HINTS 1024

struct snapshot_state {
	struct known_vm *vms;		/* by pid */
	size_t count;
	uint32_t hints[HINTS];		/* by the low bits of a pid: where it was found last */
	uint64_t lost_ns;		/* what began before that may have ended and begun again unseen */
};

struct snapshot_state *snapshot_state_new(void)
{
	return calloc(1, sizeof(struct snapshot_state));
}

static void clear_vm(struct known_vm *vm)
{
	for (size_t i = 0; i < vm->count; i++)
		free(vm->vcpus[i].events);
	free(vm->vcpus);
	free(vm->name);
}

void snapshot_state_free(struct snapshot_state *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->count; i++)
		clear_vm(&k->vms[i]);
	free(k->vms);
	free(k);
}

/* --- arrays that are sorted by a number in front of each element */

static inline uint32_t key_at(const void *array, size_t at, size_t size)
{
	uint32_t key;

	memcpy(&key, (const char *)array + at * size, sizeof(key));
	return key;
}

/* Where key is, or belongs; guess: where it may be, which makes it faster. */
static inline size_t place_of(const void *array, size_t count, size_t size, uint32_t key, size_t guess)
{
	size_t low = 0, high = count;

	if (guess < count && key_at(array, guess, size) == key)
		return guess;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (key_at(array, middle, size) < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A new element of zeros, before the one at that place; NULL: no memory. */
static void *add(void **array, size_t *count, size_t size, uint32_t key, size_t at)
{
	char *element = reallocarray(*array, *count + 1, size);

	if (!element)
		return NULL;
	*array = element;
	element += at * size;
	memmove(element + size, element, (*count - at) * size);
	memset(element, 0, size);
	memcpy(element, &key, sizeof(key));
	++*count;
	return element;
}

/* The element of that key, a new one if there is none; NULL: no memory. */
static inline void *find_or_add(void **array, size_t *count, size_t size, uint32_t key, size_t guess)
{
	size_t at = place_of(*array, *count, size, key, guess);

	if (at < *count && key_at(*array, at, size) == key)
		return (char *)*array + at * size;
	return add(array, count, size, key, at);
}

static struct known_vm *vm_of(const struct snapshot_state *k, uint32_t pid)
{
	size_t at = place_of(k->vms, k->count, sizeof(*k->vms), pid, k->hints[pid % HINTS]);

	return at < k->count && k->vms[at].pid == pid ? &k->vms[at] : NULL;
}

static struct known_vm *add_vm(struct snapshot_state *k, uint32_t pid)
{
	struct known_vm *vm = find_or_add((void **)&k->vms, &k->count, sizeof(*k->vms), pid, k->hints[pid % HINTS]);

	if (vm)
		k->hints[pid % HINTS] = vm - k->vms;
	return vm;
}

/* vCPUs are numbered from 0 on, most often all of them. */
static struct known_vcpu *add_vcpu(struct known_vm *vm, uint32_t id)
{
	return find_or_add((void **)&vm->vcpus, &vm->count, sizeof(*vm->vcpus), id, id);
}

static struct known_event *add_event(struct known_vcpu *vcpu, uint32_t event)
{
	return find_or_add((void **)&vcpu->events, &vcpu->count, sizeof(*vcpu->events), event, 0);
}

/* --- learning */

/* One of which no vCPU is known. */
static void forget_idle_vm(struct snapshot_state *k, uint32_t pid)
{
	struct known_vm *vm = vm_of(k, pid);
	size_t at = vm ? vm - k->vms : 0;

	if (!vm || vm->count)
		return;
	clear_vm(vm);
	memmove(vm, vm + 1, (--k->count - at) * sizeof(*vm));
}

static void forget_vcpu(struct snapshot_state *k, uint32_t pid, uint32_t id)
{
	struct known_vm *vm = vm_of(k, pid);
	size_t at = vm ? place_of(vm->vcpus, vm->count, sizeof(*vm->vcpus), id, id) : 0;

	if (!vm || at == vm->count || vm->vcpus[at].id != id)
		return;
	free(vm->vcpus[at].events);
	memmove(&vm->vcpus[at], &vm->vcpus[at + 1], (--vm->count - at) * sizeof(*vm->vcpus));
	forget_idle_vm(k, pid);
}

static void take_handler(struct known_event *event, const struct recording_item *item)
{
	if (item->record.head.kind != SDEI_REGISTER && item->record.head.kind != SDEI_STATE)
		return;
	event->ep_addr = item->record.handler.ep_addr;
	event->ep_arg = item->record.handler.ep_arg;
}

/* Since when a bit of a state holds that is now set or not: begins says whether this record sets it. */
static uint64_t since(uint64_t before_ns, bool is_set, bool was_set, bool begins, uint64_t time_ns)
{
	if (!is_set)
		return 0;
	return begins ? time_ns : was_set ? before_ns : 0;
}

static void learn_mask(struct known_vcpu *vcpu, const struct recording_item *item)
{
	const struct sdei_record *r = &item->record.head;
	bool begins = r->kind == SDEI_MASK && r->error == 1;

	vcpu->masked_ns = since(vcpu->masked_ns, r->state & SDEI_MASKED, vcpu->mask, begins, r->time_ns);
	vcpu->mask = r->state & SDEI_MASKED;
	if (r->kind == SDEI_RESET && r->origin == SDEI_VCPU_RESET)	/* another wait, for the guest's first unmask */
		vcpu->masked_ns = 0;
	if (item->kind == ITEM_SNAPSHOT && r->event == SDEI_NONE)
		vcpu->masked_ns = r->arg;
}

static void learn_event(struct known_event *event, const struct recording_item *item)
{
	const struct sdei_record *r = &item->record.head;
	bool signalled = r->kind == SDEI_SIGNAL && r->outcome == SDEI_QUEUED, entered = r->kind == SDEI_DISPATCH;

	event->pending_ns = since(event->pending_ns, r->state & SDEI_PENDING, event->state & SDEI_PENDING, signalled, r->time_ns);
	event->running_ns = since(event->running_ns, r->state & SDEI_RUNNING, event->state & SDEI_RUNNING, entered, r->time_ns);
	event->state = r->state & ~SDEI_MASKED;
	if (item->kind == ITEM_SNAPSHOT && event->state & SDEI_RUNNING)
		event->running_ns = r->arg;
	else if (item->kind == ITEM_SNAPSHOT && event->state & SDEI_PENDING)
		event->pending_ns = r->arg;
	take_handler(event, item);
}

/* What is older than what is known says nothing. */
static void switch_vcpu(struct known_vcpu *vcpu, enum sdei_power power, uint64_t time_ns)
{
	if (time_ns < vcpu->power_ns)
		return;
	vcpu->power = power;
	vcpu->power_ns = time_ns;
	vcpu->off_ns = power == SDEI_POWER_ON ? 0 : time_ns;
}

static void see_on(struct known_vcpu *vcpu, uint64_t time_ns)
{
	if (vcpu->power == SDEI_POWER_ON || (vcpu->power_ns && time_ns <= vcpu->power_ns))
		return;
	vcpu->power = SDEI_POWER_ON;
	vcpu->off_ns = 0;
}

/* As the model has it (model/power.c): where its events are known, its reset shows that it is on. */
static void turn_on(struct known_vm *vm, const struct sdei_record_smccc *call)
{
	size_t at = place_of(vm->vcpus, vm->count, sizeof(*vm->vcpus), call->target, call->target);

	if (at < vm->count && vm->vcpus[at].id == call->target && !vm->vcpus[at].count)
		switch_vcpu(&vm->vcpus[at], SDEI_POWER_ON, call->head.time_ns);
}

/* While its CPU is suspended, a snapshot does not say since when the PE is masked: such a mask may last. */
static void learn_call(struct known_vm *vm, struct known_vcpu *vcpu, const struct sdei_record_smccc *call)
{
	if (call->head.outcome == SMCCC_BEGUN)
		vcpu->masked_ns = 0;
	see_on(vcpu, smccc_begin_ns(call));
	switch (smccc_switch(call)) {
	case SMCCC_SWITCHES_OFF:
		switch_vcpu(vcpu, SDEI_POWER_OFF, smccc_begin_ns(call));
		break;
	case SMCCC_SWITCHES_ON:
		turn_on(vm, call);
		break;
	case SMCCC_SWITCHES_VM_OFF:
		for (size_t i = 0; i < vm->count; i++)
			switch_vcpu(&vm->vcpus[i], SDEI_POWER_OFF, call->head.time_ns);
		break;
	default:
		break;
	}
}

static void learn_power(struct known_vcpu *vcpu, const struct sdei_record *r)
{
	if (vcpu->power)
		return;
	vcpu->power = r->origin;
	if (r->origin == SDEI_POWER_ON)
		return;
	vcpu->power_ns = r->time_ns;
	vcpu->off_ns = r->arg;
}

static void learn_counter(struct known_vcpu *vcpu, const struct sdei_record_counter *counter)
{
	vcpu->counter_offset = counter->offset;
	vcpu->counter_hz = counter->hz;
}

/* Kinds that say nothing of SDEI's state. 0 or -ENOMEM. */
static int learn_aside(struct snapshot_state *k, const struct recording_item *item)
{
	const struct sdei_record *r = &item->record.head;
	struct known_vm *vm = add_vm(k, r->vm);
	struct known_vcpu *vcpu = vm ? add_vcpu(vm, r->vcpu) : NULL;

	if (!vcpu)
		return -ENOMEM;
	if (r->kind == SDEI_SMCCC)
		learn_call(vm, vcpu, &item->record.smccc);
	else if (r->kind == SDEI_POWER)
		learn_power(vcpu, r);
	else
		learn_counter(vcpu, &item->record.counter);
	return 0;
}

/* Which vCPUs there are may not be known here: the others name their VM again. */
static int learn_fault(struct snapshot_state *k, const struct sdei_record *r)
{
	struct known_vm *vm = vm_of(k, r->vm);
	size_t at = vm ? place_of(vm->vcpus, vm->count, sizeof(*vm->vcpus), r->vcpu, r->vcpu) : 0;

	if (r->origin == APF_VCPU_END) {
		forget_vcpu(k, r->vm, r->vcpu);
		forget_idle_vm(k, r->vm);
	} else if (vm && at < vm->count && vm->vcpus[at].id == r->vcpu && vm->vcpus[at].power && record_shows_on(r)) {
		see_on(&vm->vcpus[at], r->time_ns);
	}
	return 0;
}

static int learn_record(struct snapshot_state *k, const struct recording_item *item)
{
	const struct sdei_record *r = &item->record.head;
	struct known_vm *vm;
	struct known_vcpu *vcpu;
	struct known_event *event;

	if (r->kind == SDEI_PLACE || r->kind == SDEI_GIC)
		return 0;
	if (r->kind == SDEI_APF)
		return learn_fault(k, r);
	if (r->kind == SDEI_SMCCC || r->kind == SDEI_POWER || r->kind == SDEI_COUNTER)
		return learn_aside(k, item);
	if (r->kind == SDEI_STATE && r->origin == SDEI_DESTROYED) {
		/* One comes for each event: the first is enough, the others find nothing. */
		forget_vcpu(k, r->vm, r->vcpu);
		return 0;
	}
	vm = add_vm(k, r->vm);
	vcpu = vm ? add_vcpu(vm, r->vcpu) : NULL;
	if (!vcpu)
		return -ENOMEM;
	vcpu->has_sdei = true;
	if (r->kind == SDEI_STATE && r->origin == SDEI_CREATED)
		vcpu->power = vcpu->power_ns = 0;
	else if (vcpu->power > SDEI_POWER_ON && record_shows_on(r))
		see_on(vcpu, r->time_ns);
	/* A call's own record may come after the vCPU has gone on: the state it has is that of its event only. */
	if (r->kind != SDEI_CALL)
		learn_mask(vcpu, item);
	if (r->event == SDEI_NONE || r->kind == SDEI_CALL)
		return 0;
	event = add_event(vcpu, r->event);
	if (!event)
		return -ENOMEM;
	learn_event(event, item);
	return 0;
}

static int learn_name(struct snapshot_state *k, const struct recording_item *item)
{
	struct known_vm *vm = add_vm(k, item->name.vm);
	char *name = vm ? strndup(item->name.text, RECORDING_NAME_MAX) : NULL;

	if (!name)
		return -ENOMEM;
	free(vm->name);
	vm->name = name;
	memcpy(vm->uuid, item->name.uuid, sizeof(vm->uuid));
	return 0;
}

int snapshot_state_learn(struct snapshot_state *k, const struct recording_item *item)
{
	switch (item->kind) {
	case ITEM_RECORD:
	case ITEM_SNAPSHOT:
		return learn_record(k, item);
	case ITEM_NAME:
		return learn_name(k, item);
	case ITEM_LOST:
		k->lost_ns = item->time_ns;
		return 0;
	default:
		return 0;
	}
}

const char *snapshot_state_name(const struct snapshot_state *k, uint32_t vm)
{
	const struct known_vm *known = vm_of(k, vm);

	return known ? known->name : NULL;
}

const char *snapshot_state_uuid(const struct snapshot_state *k, uint32_t vm)
{
	const struct known_vm *known = vm_of(k, vm);

	return known ? known->uuid : "";
}

/* --- sending */

struct sending {
	uint64_t time_ns, lost_ns;
	int (*put)(void *ctx, const struct recording_item *item);
	void *ctx;
};

static struct recording_item state_item(uint64_t time_ns, uint32_t vm, const struct known_vcpu *vcpu, const struct known_event *event)
{
	struct recording_item item = { .kind = ITEM_SNAPSHOT, .time_ns = time_ns, .size = sizeof(struct sdei_record_handler) };

	item.record.handler = (struct sdei_record_handler){
		.head = {
			.time_ns = time_ns, .vm = vm, .vcpu = vcpu->id, .event = event->event,
			.kind = SDEI_STATE, .state = event->state | vcpu->mask, .origin = SDEI_SNAPSHOT,
		},
		.ep_addr = event->ep_addr,
		.ep_arg = event->ep_arg,
	};
	return item;
}

static uint64_t if_known(const struct sending *t, uint64_t since_ns)
{
	return since_ns > t->lost_ns && since_ns <= t->time_ns ? since_ns : 0;
}

static int send_event(const struct sending *t, const struct known_vm *vm, const struct known_vcpu *vcpu,
		      const struct known_event *event, uint64_t since_ns)
{
	struct recording_item item = state_item(t->time_ns, vm->pid, vcpu, event);

	item.record.head.arg = since_ns;
	return t->put(t->ctx, &item);
}

static int send_power(const struct sending *t, const struct known_vm *vm, const struct known_vcpu *vcpu)
{
	struct recording_item item = { .kind = ITEM_SNAPSHOT, .time_ns = t->time_ns, .size = sizeof(struct sdei_record) };

	if (!vcpu->power)
		return 0;
	item.record.head = (struct sdei_record){
		.time_ns = t->time_ns, .vm = vm->pid, .vcpu = vcpu->id, .event = SDEI_NONE, .kind = SDEI_POWER, .origin = vcpu->power,
		.arg = if_known(t, vcpu->off_ns),
	};
	return t->put(t->ctx, &item);
}

static int send_counter(const struct sending *t, const struct known_vm *vm, const struct known_vcpu *vcpu)
{
	struct recording_item item = { .kind = ITEM_SNAPSHOT, .time_ns = t->time_ns, .size = sizeof(struct sdei_record_counter) };

	if (!vcpu->counter_hz)
		return 0;
	item.record.counter = (struct sdei_record_counter){
		.head = {
			.time_ns = t->time_ns, .vm = vm->pid, .vcpu = vcpu->id, .event = SDEI_NONE, .kind = SDEI_COUNTER,
			.origin = SDEI_COUNTER_FOUND,
		},
		.offset = vcpu->counter_offset, .hz = vcpu->counter_hz,
	};
	return t->put(t->ctx, &item);
}

static int send_sdei(const struct sending *t, const struct known_vm *vm, const struct known_vcpu *vcpu)
{
	static const struct known_event none = { .event = SDEI_NONE };
	uint64_t masked_ns = if_known(t, vcpu->masked_ns);
	int err = vcpu->count && !masked_ns ? 0 : send_event(t, vm, vcpu, &none, masked_ns);

	for (size_t i = 0; i < vcpu->count && !err; i++) {
		const struct known_event *event = &vcpu->events[i];

		err = send_event(t, vm, vcpu, event, if_known(t, event->state & SDEI_RUNNING ? event->running_ns : event->pending_ns));
	}
	return err;
}

static int send_vcpu(const struct sending *t, const struct known_vm *vm, const struct known_vcpu *vcpu)
{
	int err = vcpu->has_sdei ? send_sdei(t, vm, vcpu) : 0;

	if (!err)
		err = send_power(t, vm, vcpu);
	return err ? err : send_counter(t, vm, vcpu);
}

static int send_name(const struct sending *t, const struct known_vm *vm)
{
	struct recording_item item = { .kind = ITEM_NAME, .time_ns = t->time_ns };

	item.name.vm = vm->pid;
	item.name.text = vm->name;
	memcpy(item.name.uuid, vm->uuid, sizeof(item.name.uuid));
	return t->put(t->ctx, &item);
}

int snapshot_state_send(const struct snapshot_state *k, uint64_t time_ns, int (*put)(void *ctx, const struct recording_item *item), void *ctx)
{
	const struct sending sending = { time_ns, k->lost_ns, put, ctx };
	int err = 0;

	for (size_t i = 0; i < k->count && !err; i++) {
		const struct known_vm *vm = &k->vms[i];

		if (vm->name)
			err = send_name(&sending, vm);
		for (size_t j = 0; j < vm->count && !err; j++)
			err = send_vcpu(&sending, vm, &vm->vcpus[j]);
	}
	return err;
}

/* --- ends */

bool snapshot_state_end(const struct snapshot_state *k, uint32_t vm, uint64_t time_ns, struct recording_item *item)
{
	static const struct known_event none = { 0 };	/* the records of states are about an event, any */
	const struct known_vm *known = vm_of(k, vm);
	const struct known_vcpu *vcpu = known && known->count ? known->vcpus : NULL;

	if (!vcpu)
		return false;
	*item = state_item(time_ns, vm, vcpu, vcpu->count ? vcpu->events : &none);
	item->kind = ITEM_RECORD;
	item->record.head.state = 0;
	item->record.head.origin = SDEI_DESTROYED;
	return true;
}

/* As they usually are encoded. */
#define NAME_BYTES 40
#define EVENT_BYTES 27
#define POWER_BYTES 39
#define COUNTER_BYTES 43

static size_t size_of_vcpu(const struct known_vcpu *vcpu)
{
	return EVENT_BYTES * (vcpu->count ?: 1) + (vcpu->power ? POWER_BYTES : 0) + (vcpu->counter_hz ? COUNTER_BYTES : 0);
}

size_t snapshot_state_size(const struct snapshot_state *k)
{
	size_t size = 0;

	for (size_t i = 0; i < k->count; i++) {
		size += NAME_BYTES;
		for (size_t j = 0; j < k->vms[i].count; j++)
			size += size_of_vcpu(&k->vms[i].vcpus[j]);
	}
	return size;
}
