/* SPDX-License-Identifier: GPL-2.0-only */
#include "view/figures/migration.h"

#include <inttypes.h>

#include "model/migration.h"
#include "model/standstill.h"
#include "session/vm_names.h"
#include "view/figures/format.h"

#define VCPUS_MAX 16	/* on a line */
#define DECIMALS 3

char *migration_words(char *buf, size_t size, const struct model_vm *vm, const struct status *status)
{
	enum model_came came = model_came(vm);
	char from[32] = "", time[FORMAT_SIZE];

	*buf = '\0';
	if (came == CAME_NEW)
		return buf;
	if (came == CAME_FROM_VM)
		snprintf(from, sizeof(from), " from VM %" PRIu32, vm->from_pid);
	snprintf(buf, size, "restored%s%s at %s", from, came == CAME_IN_PLACE ? " in place" : "",
		 format_time(time, sizeof(time), status, vm->restored_ns, DECIMALS));
	return buf;
}

/* "; silent for at most 1.20s (vCPU 0), 1.18s (vCPU 1)" */
static void put_blackouts(FILE *out, const struct model_vm *vm)
{
	const char *before = "; silent for at most ";
	size_t known = 0;

	for (size_t i = 0; i < vm->vcpu_count; i++) {
		struct model_blackout b;
		char age[FORMAT_SIZE];

		if (!model_blackout(vm->vcpus[i], &b) || known++ >= VCPUS_MAX)
			continue;
		fprintf(out, "%s%s (vCPU %" PRIu32 ")", before, format_age(age, sizeof(age), b.first_ns - b.last_ns), vm->vcpus[i]->id);
		before = ", ";
	}
	if (known > VCPUS_MAX)
		fprintf(out, ", and %zu vCPUs more", known - VCPUS_MAX);
}

/* "; its guest stood still for 310ms" */
static void put_moved(FILE *out, const struct model_vm *vm)
{
	char age[FORMAT_SIZE];
	uint64_t ns;

	if (model_moved_ns(vm, &ns))
		fprintf(out, "; its guest stood still for %s", format_age(age, sizeof(age), ns));
}

static void put_stops(FILE *out, struct model_vm *const *vms, size_t count)
{
	const char *head = "\nVMs that their VMM had stopped: not in the times of their events\n";
	char age[FORMAT_SIZE];

	for (size_t i = 0; i < count; i++) {
		if (!vms[i]->stops)
			continue;
		fprintf(out, "%sVM %" PRIu32 " %s: stood still %" PRIu64 " time%s, %s in all\n", head, vms[i]->pid, name_of(vms[i])->shown,
			vms[i]->stops, vms[i]->stops == 1 ? "" : "s", format_age(age, sizeof(age), vms[i]->stood_ns));
		head = "";
	}
}

void migration_text(FILE *out, const struct model *m, const struct status *status)
{
	const char *head = "\nrestored VMs\n";
	size_t count;
	struct model_vm *const *vms = model_vms(m, &count);
	char words[MIGRATION_SIZE];

	for (size_t i = 0; i < count; i++) {
		if (!*migration_words(words, sizeof(words), vms[i], status))
			continue;
		fprintf(out, "%sVM %" PRIu32 " %s: %s", head, vms[i]->pid, name_of(vms[i])->shown, words);
		put_moved(out, vms[i]);
		put_blackouts(out, vms[i]);
		putc('\n', out);
		head = "";
	}
	put_stops(out, vms, count);
}

static void put_vcpu(struct json *j, const struct model_vcpu *vcpu)
{
	struct model_blackout b;

	if (!model_blackout(vcpu, &b))
		return;
	json_open(j, NULL, '{');
	json_u64(j, "vcpu", vcpu->id);
	json_u64(j, "last_ns", b.last_ns);
	json_u64(j, "first_ns", b.first_ns);
	json_u64(j, "blackout_ns", b.first_ns - b.last_ns);
	json_close(j, '}');
}

static void put_restored(struct json *j, const struct model_vm *vm, enum model_came came)
{
	uint64_t ns;

	json_open(j, "restored", '{');
	json_u64(j, "time_ns", vm->restored_ns);
	if (came == CAME_RESTORED) {
		json_null(j, "from");
	} else {
		json_open(j, "from", '{');
		json_u64(j, "vm", vm->from_pid);
		json_u64(j, "instance", vm->from_instance);
		json_close(j, '}');
	}
	if (model_moved_ns(vm, &ns))
		json_u64(j, "stood_still_ns", ns);
	else
		json_null(j, "stood_still_ns");
	json_open(j, "vcpus", '[');
	for (size_t i = 0; i < vm->vcpu_count; i++)
		put_vcpu(j, vm->vcpus[i]);
	json_close(j, ']');
	json_close(j, '}');
}

void migration_json(struct json *j, const struct model_vm *vm)
{
	enum model_came came = model_came(vm);

	if (came != CAME_NEW)
		put_restored(j, vm, came);
	if (!vm->stops)
		return;
	json_open(j, "stood_still", '{');
	json_u64(j, "count", vm->stops);
	json_u64(j, "ns", vm->stood_ns);
	json_close(j, '}');
}
