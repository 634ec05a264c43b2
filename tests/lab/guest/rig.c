// SPDX-License-Identifier: GPL-2.0-only
#include "rig.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "script.h"
#include "semantics.h"
#include "truth.h"

#define PATIENCE_S 20
#define LAST_RESORT_S 20	/* a vCPU thread that does not even leave KVM_RUN: the process goes */

static char name[128], wrong[512];
static const char *only;
static unsigned int nr_tests, nr_failed;

/* lines -------------------------------------------------------------------------- */

bool test_wanted(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	complain_into(wrong, sizeof(wrong));
	return !only || strstr(name, only);
}

void test_wrong(const char *format, ...)
{
	va_list args;

	if (*wrong)
		return;
	va_start(args, format);
	vsnprintf(wrong, sizeof(wrong), format, args);
	va_end(args);
}

bool test_equal(const char *what, uint64_t got, uint64_t expected)
{
	if (got != expected)
		test_wrong("%s is %#llx instead of %#llx", what, (unsigned long long)got, (unsigned long long)expected);
	return got == expected;
}

void test_end(void)
{
	nr_tests++;
	nr_failed += *wrong != 0;
	if (*wrong)
		printf("not ok %s: %s\n", name, wrong);
	else
		printf("ok %s\n", name);
	complain_into(NULL, 0);
}

/* rig ------------------------------------------------------------------------------ */

bool rig_up(struct rig *rig)
{
	if (rig->alive)
		return true;
	rig->options.logging = true;
	if (!rig->options.vcpus)
		rig->options.vcpus = 1;
	rig->alive = !vm_create(&rig->vm, &rig->options);
	if (!rig->alive)
		test_wrong("no VM");
	rig->vm.check = rig->check;
	rig->vm.check_context = rig->context;
	return rig->alive;
}

void rig_down(struct rig *rig)
{
	if (!rig->alive)
		return;
	alarm(LAST_RESORT_S);
	vm_kill(&rig->vm);
	alarm(0);
	vm_destroy(&rig->vm);
	rig->alive = false;
}

static struct script script;

bool rig_load(struct rig *rig, const char *text)
{
	if (!rig_up(rig))
		return false;
	vm_rewind(&rig->vm);
	script_close(&script);
	script = (struct script){ 0 };
	return !script_from_text(&script, "semantics.tests", text) && !script_load(&script, &rig->vm);
}

static void say_where(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->nr_vcpus; i++) {
		const struct area *area = vm->vcpus[i].area;
		const struct op *ops = vm_memory(vm, area->ops);
		uint32_t pc = area->context[MAIN].pc;

		if (!vm->vcpus[i].done)
			test_wrong("it hangs: vCPU %u got to line %u", i, ops[pc ? pc - 1 : 0].line);
	}
}

/* A VM that went wrong is not used again. */
bool rig_run(struct rig *rig)
{
	struct truth truth = { .script = &script, .complete = true };
	bool fine = !vm_start(&rig->vm) && vm_wait(&rig->vm, PATIENCE_S * 1000);

	if (!fine)
		say_where(&rig->vm);
	if (fine && !rig->vm.failed)
		vm_join(&rig->vm);
	fine = fine && !rig->vm.failed && !truth_check(&rig->vm, &truth);
	if (!fine)
		rig_down(rig);
	return fine;
}

bool rig_do(struct rig *rig, const char *text)
{
	return rig_load(rig, text) && rig_run(rig);
}

/* all ------------------------------------------------------------------------------- */

static bool possible(void)
{
	struct vm_options options = { .vcpus = 1 };
	struct vm vm;

	if (vm_create(&vm, &options))
		return false;
	vm_destroy(&vm);
	return true;
}

int semantics_main(const char *wanted)
{
	only = wanted;
	clock_sample();
	if (!possible())
		return 4;
	run_state_table();
	run_scripts();
	run_register_tests();
	script_close(&script);
	printf("# %u tests, %u failed\n", nr_tests, nr_failed);
	return nr_failed || !nr_tests;
}
