// SPDX-License-Identifier: GPL-2.0-only
#include "cli/join_guest.h"

#include <errno.h>
#include <stdlib.h>

#include "model/migration.h"
#include "session/feeder.h"
#include "util/array.h"

static bool has_events(const struct model_vcpu *v)
{
	for (size_t i = 0; i < v->event_count; i++) {
		const struct model_counts *count = &v->events[i]->count;

		if (count->signals || count->dispatched || count->completed || count->resumed)
			return true;
	}
	return false;
}

static bool uses_sdei(const struct model_vm *vm)
{
	uint64_t calls[SDEI_CALL_COUNT][MODEL_RESULT_CLASSES] = { 0 };

	for (size_t i = 0; i < vm->vcpu_count; i++)
		if (has_events(vm->vcpus[i]) || model_add_calls(vm->vcpus[i], calls))
			return true;
	return false;
}

static bool is_chosen(const struct model_vm *vm, struct playback *host, const struct playback_config *chosen)
{
	char *name = playback_name(host, vm->pid);
	bool is = playback_chooses(chosen, vm->pid, name);

	free(name);
	return is;
}

/* All VMs that a process had, one after the other, count as one. */
static bool is_of(const struct model *m, const struct model_vm *vm, const struct model_vm *first)
{
	return model_first_vm(m, vm)->pid == first->pid;
}

/* As what the guest began; NULL: there is none. */
static const struct model_vm *choose(struct join_guest *guest, const struct model *m, struct playback *host, const struct playback_config *chosen)
{
	const struct model_vm *first = NULL;
	size_t count;
	struct model_vm *const *vms = model_vms(m, &count);

	for (size_t i = 0; i < count; i++) {
		if (!uses_sdei(vms[i]) || !is_chosen(vms[i], host, chosen))
			continue;
		if (first && !is_of(m, vms[i], first))
			guest->other_vm = vms[i]->pid;
		first = first ?: model_first_vm(m, vms[i]);
	}
	return first;
}

static int add(struct number_list *list, uint32_t vm)
{
	if (list->count && number_list_has(list, vm))
		return 0;
	if (ARRAY_ROOM_BY_COUNT(list->values, list->count))
		return -ENOMEM;
	list->values[list->count++] = vm;
	return 0;
}

static int take_all(struct join_guest *guest, const struct model *m, const struct model_vm *first)
{
	size_t count;
	struct model_vm *const *vms = model_vms(m, &count);
	int err = 0;

	for (size_t i = 0; i < count && !err; i++)
		if (is_of(m, vms[i], first))
			err = add(&guest->vms, vms[i]->pid);
	return err;
}

int join_guest_find(struct join_guest *guest, struct playback *host, const struct playback_config *chosen)
{
	struct feeder *feeder = feeder_new(false, NULL);
	const struct model_vm *first;
	struct record_sink sink;
	struct model *m;
	int err = 0;

	*guest = (struct join_guest){ 0 };
	if (!feeder)
		return -ENOMEM;
	m = feeder_model(feeder);
	sink = feeder_sink(feeder);
	feeder_set_playback(feeder, host);
	playback_set_sink(host, &sink);
	playback_run(host, UINT64_MAX);
	feeder_flush(feeder);
	model_settle(m, playback_now_ns(host));
	first = choose(guest, m, host, chosen);
	if (first)
		err = take_all(guest, m, first);
	feeder_free(feeder);
	return err;
}

void join_guest_clear(struct join_guest *guest)
{
	free(guest->vms.values);
	*guest = (struct join_guest){ 0 };
}
