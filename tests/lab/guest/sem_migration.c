// SPDX-License-Identifier: GPL-2.0-only
/*
 * Migration by a VMM that knows nothing of SDEI: all registers of KVM_GET_REG_LIST read at a checkpoint, written in ascending
 * order into the fresh vCPU of a fresh VM, guest RAM copied. Then the program goes on there, and its events exactly once.
 */
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "rig.h"
#include "script.h"
#include "truth.h"

struct value {
	uint64_t id;
	uint8_t bytes[256];
};

struct migration {
	struct value *values;
	unsigned int nr;
	struct vm target;
	bool arrived;
	bool inject;		/* event 2 just before the registers are read */
};

static int access_reg(struct vcpu *vcpu, unsigned long request, struct value *value)
{
	struct kvm_one_reg reg = { .id = value->id, .addr = (uintptr_t)value->bytes };

	return ioctl(vcpu->fd, request, &reg) ? errno : 0;
}

static int compare_ids(const void *a, const void *b)
{
	const struct value *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static void save(struct vcpu *vcpu, struct migration *migration)
{
	struct kvm_reg_list probe = { .n = 0 }, *list;

	ioctl(vcpu->fd, KVM_GET_REG_LIST, &probe);
	list = calloc(1, sizeof(*list) + probe.n * sizeof(list->reg[0]));
	migration->values = calloc(probe.n, sizeof(*migration->values));
	if (!list || !migration->values)
		abort();
	list->n = probe.n;
	if (ioctl(vcpu->fd, KVM_GET_REG_LIST, list))
		test_wrong("KVM_GET_REG_LIST: %s", strerror(errno));
	for (uint64_t i = 0; i < list->n; i++) {
		struct value *value = &migration->values[migration->nr++];

		value->id = list->reg[i];
		if (access_reg(vcpu, KVM_GET_ONE_REG, value))
			test_wrong("register %#llx is listed, but cannot be read", (unsigned long long)value->id);
	}
	qsort(migration->values, migration->nr, sizeof(*migration->values), compare_ids);
	free(list);
}

static void restore(struct vcpu *vcpu, struct migration *migration)
{
	for (unsigned int i = 0; i < migration->nr; i++) {
		int error = access_reg(vcpu, KVM_SET_ONE_REG, &migration->values[i]);

		if (error)
			test_wrong("register %#llx cannot be written back: %s", (unsigned long long)migration->values[i].id,
				   strerror(error));
	}
}

static void copy_ram(struct vm *from, struct vm *to)
{
	static const uint8_t zeroes[4096];

	for (uint64_t page = 0; page < from->ram_size; page += sizeof(zeroes))
		if (memcmp(from->ram + page, zeroes, sizeof(zeroes)))
			memcpy(to->ram + page, from->ram + page, sizeof(zeroes));
}

static void carry_account(const struct vcpu *from, struct vcpu *to)
{
	memcpy(to->injected, from->injected, sizeof(to->injected));
}

/* On the source's thread, its vCPU stopped at the checkpoint; the source never runs again. */
static int64_t migrate(struct vcpu *vcpu, enum context which, const struct door *door)
{
	struct migration *migration = vcpu->vm->check_context;
	struct vcpu *arrival;

	vcpu_finish_exit(vcpu);
	if (migration->inject && !vcpu_sdei_act(vcpu, KVM_ARM_VCPU_SDEI_INJECT, 2, 0))
		vcpu->injected[2]++;
	save(vcpu, migration);
	vcpu->vm->abort = true;
	if (vm_create(&migration->target, &vcpu->vm->options))
		return 0;
	arrival = &migration->target.vcpus[0];
	copy_ram(vcpu->vm, &migration->target);
	arrival->area->context[which].door.result = 0;
	carry_account(vcpu, arrival);
	restore(arrival, migration);
	migration->arrived = true;
	return 0;
}

/* The pattern's doorbell injects event 2, its handler's checkpoint migrates. */
static int64_t inject_or_migrate(struct vcpu *vcpu, enum context which, const struct door *door)
{
	if (door->immediate != CHECK_PATTERN)
		return migrate(vcpu, which, door);
	vcpu->injected[2]++;
	return vcpu_sdei_act(vcpu, KVM_ARM_VCPU_SDEI_INJECT, 2, 0);
}

static void check_pattern(const struct area *area)
{
	for (unsigned int i = 0; i <= 24 && area->pattern[32]; i++)
		test_equal("an interrupted register after the migration", area->pattern[i],
			   (0xa500ull + i) << 48 | (0x1100 + i));
}

static void finish(struct migration *migration, const char *text)
{
	struct vm *vm = &migration->target;
	struct script script = { 0 };
	struct truth truth = { .script = &script, .complete = true };
	struct program *program = calloc(1, sizeof(*program));
	uint64_t mpidr = vm->vcpus[0].mpidr;
	struct machine machine = { 1, &mpidr, 1000000, 0 };

	if (vm_start(vm) || !vm_wait(vm, 10000))
		test_wrong("it hangs after the migration");
	vm_kill(vm);
	if (program && !script_from_text(&script, "semantics.tests", text) && !script_compile(&script, &machine, 0, program))
		truth_check(vm, &truth);
	check_pattern(vm->vcpus[0].area);
	script_close(&script);
	free(program);
}

void run_migration(const char *text, bool inject)
{
	struct migration migration = { .inject = inject };
	struct rig rig = { .options = { .without_gic = true }, .check = inject_or_migrate, .context = &migration };

	if (rig_load(&rig, text) && !vm_start(&rig.vm)) {
		for (int i = 0; i < 100 && !migration.arrived && !vm_wait(&rig.vm, 100); i++)
			;
		vm_kill(&rig.vm);
	}
	if (migration.arrived)
		finish(&migration, text);
	else
		test_wrong("it did not come to its checkpoint");
	if (migration.arrived)
		vm_destroy(&migration.target);
	rig_down(&rig);
	free(migration.values);
}

/* written back ------------------------------------------------------------------------- */

/*
 * As VMMs do with a vCPU that has stopped: all registers are read and, later, written back to it, in place. Meanwhile vCPU 1
 * signals event 0, and the VMM injects event 2.
 */
struct write_back {
	sem_t read, signalled;
};

static int64_t write_back(struct vcpu *vcpu, enum context which, const struct door *door)
{
	struct write_back *sync = vcpu->vm->check_context;
	struct migration registers = { 0 };

	vcpu_finish_exit(vcpu);
	save(vcpu, &registers);
	sem_post(&sync->read);
	sem_wait(&sync->signalled);
	if (!vcpu_sdei_act(vcpu, KVM_ARM_VCPU_SDEI_INJECT, 2, 0))
		vcpu->injected[2]++;
	restore(vcpu, &registers);
	free(registers.values);
	return 0;
}

/* vCPU 1 asks twice: before its signal, and after. */
static int64_t meet(struct vcpu *vcpu, enum context which, const struct door *door)
{
	struct write_back *sync = vcpu->vm->check_context;

	if (vcpu->id == 0)
		return write_back(vcpu, which, door);
	if (vcpu->area->context[MAIN].calls[CALL_SIGNAL][RESULT_SUCCESS])
		sem_post(&sync->signalled);
	else
		sem_wait(&sync->read);
	return 0;
}

void test_written_back(void)
{
	struct write_back sync;
	struct rig rig = { .options = { .vcpus = 2, .without_gic = true }, .check = meet, .context = &sync };

	sem_init(&sync.read, 0, 0);
	sem_init(&sync.signalled, 0, 0);
	rig_do(&rig, "on all\nregister 0 2\nenable 0 2\nunmask\nbarrier\non 0\ncheckpoint\nstate 0 RE---\nstate 2 RE---\n"
		     "predict 0 signals=1 dispatched=1\npredict 2 dispatched=1\non 1\ncheckpoint\nsignal 0 0\ncheckpoint\n");
	rig_down(&rig);
	sem_destroy(&sync.read);
	sem_destroy(&sync.signalled);
}
