// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <bpf/btf.h>

#include "source/probes.h"

/* What the kernel says about a tracepoint with that many arguments, its own pointer not counted. */
static void add_tracepoint(struct btf *btf, const char *name, int args)
{
	char text[64];
	int function, pointer;

	function = btf__add_func_proto(btf, 0);
	for (int i = 0; i < args + 1; i++)
		assert_int_equal(btf__add_func_param(btf, "", 0), 0);
	pointer = btf__add_ptr(btf, function);
	snprintf(text, sizeof(text), "btf_trace_%s", name);
	assert_true(btf__add_typedef(btf, text, pointer) > 0);
}

static void add_all(struct btf *btf, int more)
{
	for (int i = 0; i < PROBE_TRACEPOINTS; i++)
		add_tracepoint(btf, kind_of(i + 1)->probe, kind_of(i + 1)->args + more);
}

static void test_all(void **state)
{
	struct btf *btf = btf__new_empty();
	struct probes probes;

	add_all(btf, 0);
	assert_int_equal(probes_find_in(&probes, btf, NULL), PROBE_TRACEPOINTS);
	assert_null(probes.list[0].why_not);
	assert_false(probes.list[0].attached);
	assert_string_equal(probes.list[SDEI_SIGNAL - 1].name, "kvm_sdei_signal");
	btf__free(btf);
}

static void test_none(void **state)
{
	struct btf *btf = btf__new_empty();
	struct probes probes;

	add_tracepoint(btf, "kvm_entry", 3);
	assert_int_equal(probes_find_in(&probes, btf, NULL), 0);
	assert_string_equal(probes.list[3].why_not, "this kernel does not have it");
	btf__free(btf);
}

/* Fields are only appended: more is a newer kernel, fewer is none that we know. */
static void test_argument_counts(void **state)
{
	struct btf *newer = btf__new_empty(), *older = btf__new_empty();
	struct probes probes;

	add_all(newer, 1);
	add_all(older, -1);
	assert_int_equal(probes_find_in(&probes, newer, NULL), PROBE_TRACEPOINTS);
	assert_int_equal(probes_find_in(&probes, older, NULL), 0);
	assert_non_null(strstr(probes.list[SDEI_CALL - 1].why_not, "9 arguments, 10 are expected"));
	btf__free(newer);
	btf__free(older);
}

static void test_module(void **state)
{
	struct btf *vmlinux = btf__new_empty(), *module;
	struct probes probes;

	add_tracepoint(vmlinux, "kvm_entry", 3);
	module = btf__new_empty_split(vmlinux);
	add_tracepoint(module, "kvm_sdei_signal", 7);
	assert_int_equal(probes_find_in(&probes, vmlinux, module), 1);
	assert_null(probes.list[SDEI_SIGNAL - 1].why_not);
	btf__free(module);
	btf__free(vmlinux);
}

static void test_not_a_tracepoint(void **state)
{
	struct btf *btf = btf__new_empty();
	struct probes probes;
	int number;

	number = btf__add_int(btf, "int", 4, 0);
	btf__add_typedef(btf, "btf_trace_kvm_sdei_signal", number);
	btf__add_typedef(btf, "btf_trace_kvm_sdei_mask", btf__add_ptr(btf, number));
	btf__add_typedef(btf, "btf_trace_kvm_sdei_reset", btf__add_ptr(btf, btf__add_func_proto(btf, 0)));
	assert_int_equal(probes_find_in(&probes, btf, NULL), 0);
	assert_string_equal(probes.list[SDEI_SIGNAL - 1].why_not, "its BTF is not that of a tracepoint");
	assert_string_equal(probes.list[SDEI_MASK - 1].why_not, "its BTF is not that of a tracepoint");
	assert_string_equal(probes.list[SDEI_RESET - 1].why_not, "its BTF is not that of a tracepoint");
	btf__free(btf);
}

static void add_struct(struct btf *btf, const char *const members[])
{
	int number = btf__add_int(btf, "long", 8, 0);

	assert_true(btf__add_struct(btf, "kvm_sdei_vcpu", 64) > 0);
	for (int i = 0; members[i]; i++)
		assert_int_equal(btf__add_field(btf, members[i], number, i * 64, 0), 0);
}

static void add_function(struct btf *btf, const char *name)
{
	assert_true(btf__add_func(btf, name, BTF_FUNC_GLOBAL, btf__add_func_proto(btf, 0)) > 0);
}

static void add_iterator(struct btf *btf)
{
	add_function(btf, "bpf_iter_task_file");
}

static const char *why_no_snapshot(bool iterator, const char *const members[])
{
	static struct probes probes;
	struct btf *btf = btf__new_empty();

	if (iterator)
		add_iterator(btf);
	if (members)
		add_struct(btf, members);
	probes_find_in(&probes, btf, NULL);
	assert_string_equal(probes.list[PROBE_SNAPSHOT].name, SOURCE_SNAPSHOT);
	if (members)
		assert_string_equal(probes.programs[PROBE_SNAPSHOT], SOURCE_SNAPSHOT);
	btf__free(btf);
	return probes.list[PROBE_SNAPSHOT].why_not;
}

static void test_snapshot(void **state)
{
	static const char *const all[] = { "masked", "registered", "enabled", "running", "pending", "handlers", NULL };
	static const char *const fewer[] = { "masked", "registered", "enabled", "running", "pending", NULL };

	assert_null(why_no_snapshot(true, all));
	assert_string_equal(why_no_snapshot(true, fewer), "struct kvm_sdei_vcpu of this kernel has no 'handlers'");
	assert_string_equal(why_no_snapshot(true, NULL), "this kernel keeps no struct kvm_sdei_vcpu");
	assert_string_equal(why_no_snapshot(false, all), "this kernel has no BPF iterator over open files");
}

/* struct kvm_vcpu_arch with a member mp_state, of that type. */
static const char *why_no_power(bool is_struct, bool iterator)
{
	static struct probes probes;
	struct btf *btf = btf__new_empty();
	int type = btf__add_int(btf, "int", 4, 0);

	if (iterator)
		add_iterator(btf);
	if (is_struct) {
		int number = type;

		type = btf__add_struct(btf, "kvm_mp_state", 4);
		assert_int_equal(btf__add_field(btf, "mp_state", number, 0, 0), 0);
	}
	assert_true(btf__add_struct(btf, "kvm_vcpu_arch", 8) > 0);
	assert_int_equal(btf__add_field(btf, "mp_state", type, 32, 0), 0);
	probes_find_in(&probes, btf, NULL);
	assert_int_equal(probes.has_power, is_struct);
	assert_string_equal(probes.list[PROBE_SNAPSHOT].name, SOURCE_SNAPSHOT);
	assert_string_equal(probes.programs[PROBE_SNAPSHOT], "kvm_power_snapshot");
	btf__free(btf);
	return probes.list[PROBE_SNAPSHOT].why_not;
}

/* Where KVM has no SDEI, the snapshot still says which vCPUs are on: on arm64. */
static void test_snapshot_of_power(void **state)
{
	assert_null(why_no_power(true, true));
	assert_string_equal(why_no_power(false, true), "this kernel keeps no struct kvm_sdei_vcpu");
	assert_string_equal(why_no_power(true, false), "this kernel has no BPF iterator over open files");
}

static void test_snapshot_in_module(void **state)
{
	static const char *const all[] = { "masked", "registered", "enabled", "running", "pending", "handlers", NULL };
	struct btf *vmlinux = btf__new_empty(), *module;
	struct probes probes;

	add_iterator(vmlinux);
	module = btf__new_empty_split(vmlinux);
	add_struct(module, all);
	probes_find_in(&probes, vmlinux, module);
	assert_null(probes.list[PROBE_SNAPSHOT].why_not);
	btf__free(module);
	btf__free(vmlinux);
}

/* Only the first three arguments of sched_switch are used, and none of the others'. */
static void test_sched(void **state)
{
	struct btf *btf = btf__new_empty();
	struct probes probes;

	add_tracepoint(btf, "sched_switch", 4);
	add_tracepoint(btf, "kvm_entry", 1);
	assert_int_equal(probes_find_in(&probes, btf, NULL), 0);
	assert_null(probes.list[PROBE_SWITCH].why_not);
	assert_null(probes.list[PROBE_ENTRY].why_not);
	assert_string_equal(probes.list[PROBE_EXIT].why_not, "this kernel does not have it");
	btf__free(btf);
}

/* What functions are made of, by the letters of a prototype. */
struct types {
	struct btf *btf;
	int number, boolean, signed_int, vcpu, work, queue, msr, result, regs, notifier, to_number, device, attribute, one_register, kvm, other;
};

static int add_pointer_to(struct btf *btf, const char *name)
{
	int type = btf__add_struct(btf, name, 64);

	assert_true(type > 0);
	return btf__add_ptr(btf, type);
}

static struct types types_in(struct btf *btf)
{
	return (struct types) {
		.btf = btf, .number = btf__add_typedef(btf, "gpa_t", btf__add_int(btf, "unsigned long", 8, 0)),
		.boolean = btf__add_typedef(btf, "bool", btf__add_int(btf, "_Bool", 1, BTF_INT_BOOL)),
		.vcpu = add_pointer_to(btf, "kvm_vcpu"), .work = add_pointer_to(btf, "kvm_async_pf"),
		.queue = add_pointer_to(btf, "work_struct"), .msr = add_pointer_to(btf, "msr_data"),
		.other = add_pointer_to(btf, "other"), .device = add_pointer_to(btf, "kvm_device"),
		.attribute = add_pointer_to(btf, "kvm_device_attr"), .one_register = add_pointer_to(btf, "kvm_one_reg"), .kvm = add_pointer_to(btf, "kvm"), .result = add_pointer_to(btf, "arm_smccc_res"), .regs = add_pointer_to(btf, "pt_regs"), .notifier = add_pointer_to(btf, "notifier_block"),
		.signed_int = btf__add_int(btf, "int", 4, BTF_INT_SIGNED),
		.to_number = btf__add_ptr(btf, btf__add_int(btf, "unsigned long long", 8, 0)),
	};
}

static int type_of(const struct types *t, char letter)
{
	switch (letter) {
	case 'v':
		return t->vcpu;
	case 'w':
		return t->work;
	case 'k':
		return t->queue;
	case 'm':
		return t->msr;
	case 'n':
		return t->kvm;
	case 'd':
		return t->device;
	case 'a':
		return t->attribute;
	case 'g':
		return t->one_register;
	case 'o':
		return t->other;
	case 'b':
		return t->boolean;
	case 'e':
		return t->signed_int;
	case 'r':
		return t->result;
	case 'p':
		return t->regs;
	case 'f':
		return t->notifier;
	case 'u':
		return t->to_number;
	case 'i':
		return t->number;
	default:
		return 0;
	}
}

/* args and what it returns, by letters; "vi" and 'b': bool f(struct kvm_vcpu *, gpa_t). */
static void add_prototype(const struct types *t, const char *name, const char *args, char returns)
{
	int proto = btf__add_func_proto(t->btf, type_of(t, returns));

	for (; *args; args++)
		assert_int_equal(btf__add_func_param(t->btf, "", type_of(t, *args)), 0);
	assert_true(btf__add_func(t->btf, name, BTF_FUNC_GLOBAL, proto) > 0);
}

struct prototype {
	const char *name, *args;
	char returns;
};

/* Of all architectures; other, if any, stands for the function of its name. */
static struct types add_apf(struct btf *btf, const struct prototype *other)
{
	static const struct prototype functions[] = {
		{ "kvm_setup_async_pf", "viio", 'b' }, { "kvm_arch_async_page_not_present", "vw", 'b' },
		{ "kvm_arch_async_page_present", "vw", 0 }, { "async_pf_execute", "k", 0 },
		{ "kvm_clear_async_pf_completion_queue", "v", 0 }, { "kvm_arch_vcpu_destroy", "v", 0 },
		{ "get_user_pages_remote", "oiiioo", 'i' }, { "handle_userfault", "oi", 'i' }, { "do_swap_page", "o", 'i' },
		{ "send_sig_mceerr", "ioio", 'i' },
	};
	struct types t = types_in(btf);

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		const struct prototype *f = other && strcmp(other->name, functions[i].name) == 0 ? other : &functions[i];

		add_prototype(&t, f->name, f->args, f->returns);
	}
	return t;
}

static void add_apf_of_x86(struct btf *btf, const struct prototype *other)
{
	struct types t = add_apf(btf, other);

	add_prototype(&t, "kvm_can_do_async_pf", "v", 'b');
	add_prototype(&t, "kvm_set_msr_common", "vm", 'i');
	add_prototype(&t, "kvm_mmu_page_fault", "viioi", 'i');
}

static void test_apf_of_x86(void **state)
{
	struct btf *btf = btf__new_empty();
	struct probes probes;

	add_apf_of_x86(btf, NULL);
	assert_int_equal(probes_find_in(&probes, btf, NULL), 0);
	assert_true(probes.has_apf);
	for (int i = PROBE_APF; i < PROBE_USER; i++) {
		assert_true(probe_is_apf(i));
		assert_null(probes.list[i].why_not);
		assert_string_equal(probes.list[i].gives, probe_gives(i));
	}
	assert_true(probes.has_faults);
	assert_string_equal(probes.list[PROBE_APF_SYNC].name, "apf_sync");
	assert_string_equal(probes.programs[PROBE_APF_SYNC], "apf_sync_x86");
	assert_string_equal(probes.programs[PROBE_APF_FAULT], "apf_fault_x86");
	assert_string_equal(probes.programs[PROBE_APF_WAKE_ALL], "apf_wake_all");
	btf__free(btf);
}

/* arm64 as it is has no asynchronous ones; the others are there. */
static void test_faults_of_arm64(void **state)
{
	struct btf *btf = btf__new_empty();
	struct types t = types_in(btf);
	struct probes probes;

	add_prototype(&t, "kvm_handle_guest_abort", "v", 'i');
	add_prototype(&t, "kvm_arch_vcpu_destroy", "v", 0);
	add_prototype(&t, "handle_userfault", "oi", 'i');
	add_prototype(&t, "send_sig_mceerr", "ioio", 'i');
	assert_int_equal(probes_find_in(&probes, btf, NULL), 0);
	assert_false(probes.has_apf);
	assert_true(probes.has_faults);
	assert_string_equal(probes.programs[PROBE_APF_HWPOISON], "apf_hwpoison");
	for (int i = PROBE_APF; i < PROBE_USER; i++)
		assert_int_equal(!probes.list[i].why_not, probe_is_sync(i) && i != PROBE_APF_SWAP);
	assert_string_equal(probes.programs[PROBE_APF_FAULT], "apf_fault_arm64");
	assert_string_equal(probes.list[PROBE_APF_SWAP].why_not, "this kernel has no function do_swap_page()");
	btf__free(btf);
}

/* The probes of a kernel of x86 one of whose functions is another one. */
static struct probes probes_with(const char *name, const char *args, char returns)
{
	const struct prototype other = { name, args, returns };
	struct btf *btf = btf__new_empty();
	struct probes probes;

	add_apf_of_x86(btf, &other);
	probes_find_in(&probes, btf, NULL);
	btf__free(btf);
	return probes;
}

static unsigned int count_refused(const struct probes *probes)
{
	unsigned int count = 0;

	for (int i = PROBE_APF; i < PROBE_USER; i++)
		count += probes->list[i].why_not != NULL;
	return count;
}

/* Where the return value is does not depend on arguments that are not used. */
static void test_more_arguments(void **state)
{
	struct probes probes = probes_with("kvm_setup_async_pf", "viiob", 'b');

	assert_int_equal(count_refused(&probes), 0);
}

/* A function that is another one costs what it is for, and no more. */
static void test_other_function(void **state)
{
	struct probes probes = probes_with("kvm_setup_async_pf", "voio", 'b');

	assert_int_equal(count_refused(&probes), 1);
	assert_string_equal(probes.reasons[PROBE_APF_REFUSED], "argument 2 of kvm_setup_async_pf() of this kernel is another one");
	probes = probes_with("kvm_setup_async_pf", "v", 'b');
	assert_string_equal(probes.reasons[PROBE_APF_REFUSED], "argument 2 of kvm_setup_async_pf() of this kernel is another one");
	probes = probes_with("kvm_setup_async_pf", "oiio", 'b');
	assert_string_equal(probes.reasons[PROBE_APF_REFUSED], "argument 1 of kvm_setup_async_pf() of this kernel is another one");
	probes = probes_with("kvm_setup_async_pf", "viio", 'i');
	assert_int_equal(count_refused(&probes), 1);
	assert_string_equal(probes.reasons[PROBE_APF_REFUSED], "kvm_setup_async_pf() of this kernel returns something else");
	probes = probes_with("kvm_setup_async_pf", "viio", 0);
	assert_string_equal(probes.reasons[PROBE_APF_REFUSED], "kvm_setup_async_pf() of this kernel returns something else");
}

/* Of a fault that is not told to end, figures would be wrong: then it is not told to begin. */
static void test_needed(void **state)
{
	struct probes probes = probes_with("kvm_arch_async_page_present", "vo", 0);

	assert_string_equal(probes.reasons[PROBE_APF_SETUP], "it is of no use without apf_present");
	assert_string_equal(probes.reasons[PROBE_APF_PAGE], "it is of no use without apf_setup");
	assert_null(probes.list[PROBE_APF_NOT_NOW].why_not);
	assert_null(probes.list[PROBE_APF_SYNC].why_not);
	assert_int_equal(count_refused(&probes), 9);
	probes = probes_with("async_pf_execute", "o", 0);
	assert_int_equal(count_refused(&probes), 3);
	assert_null(probes.list[PROBE_APF_SETUP].why_not);
	assert_string_equal(probes.reasons[PROBE_APF_PAGE], "it is of no use without apf_working");
	probes = probes_with("get_user_pages_remote", "", 0);
	assert_int_equal(count_refused(&probes), 0);
	probes_refuse(&probes, PROBE_APF_SYNC, "no");
	probes.list[PROBE_APF_SYNC].denied = true;
	probes_settle(&probes);
	assert_int_equal(count_refused(&probes), 5);
	assert_true(probes.list[PROBE_APF_FAULT].denied && probes.list[PROBE_APF_SWAP].denied);
}

/* Kernels where user space brings pages: its calls are followed, each as far as it is known. */
static void test_apf_of_user(void **state)
{
	struct probes probes = probes_with("kvm_setup_async_pf", "viiob", 'b');
	struct btf *btf = btf__new_empty();
	struct types t;

	assert_false(probes.has_user);
	for (int i = PROBE_USER; i < PROBE_GIC; i++)
		assert_string_equal(probes.reasons[i], "this kernel does not let user space bring pages of asynchronous page faults");
	add_apf_of_x86(btf, NULL);
	t = types_in(btf);
	add_prototype(&t, "kvm_async_pf_accept", "vi", 'e');
	add_prototype(&t, "kvm_async_pf_complete", "vi", 'e');
	add_prototype(&t, "kvm_async_pf_autocomplete_pending", "v", 0);
	probes_find_in(&probes, btf, NULL);
	assert_true(probes.has_user);
	for (int i = PROBE_USER; i < PROBE_USER_RING; i++)
		assert_null(probes.list[i].why_not);
	assert_string_equal(probes.reasons[PROBE_USER_RING], "this kernel has no function kvm_async_pf_setup_userfault()");
	add_prototype(&t, "kvm_async_pf_setup_userfault", "viioi", 'b');
	add_prototype(&t, "kvm_async_pf_drain_exitless", "v", 'b');
	probes_find_in(&probes, btf, NULL);
	assert_string_equal(probes.reasons[PROBE_USER_RING], "kvm_async_pf_setup_userfault() of this kernel returns something else");
	assert_null(probes.list[PROBE_USER_DRAIN].why_not);
	btf__free(btf);
}

/* In the module; what only x86 has is missing, and that alone; the kernel series has tracepoints instead. */
static void test_apf_of_arm64(void **state)
{
	struct btf *vmlinux = btf__new_empty(), *module;
	struct probes probes;
	struct types t;

	add_iterator(vmlinux);
	module = btf__new_empty_split(vmlinux);
	t = add_apf(module, NULL);
	add_prototype(&t, "kvm_handle_guest_abort", "v", 'i');
	probes_find_in(&probes, vmlinux, module);
	assert_true(probes.has_apf);
	assert_null(probes.list[PROBE_APF_SETUP].why_not);
	assert_int_equal(probes.module_types, btf__type_cnt(vmlinux));
	assert_int_equal(probes.targets[PROBE_APF_CLEAR], btf__find_by_name_kind(module, "kvm_clear_async_pf_completion_queue", BTF_KIND_FUNC));
	assert_int_equal(probes.targets[PROBE_APF_ACK], 0);
	assert_string_equal(probes.programs[PROBE_APF_SYNC], "apf_sync_arm64");
	assert_string_equal(probes.list[PROBE_APF_NOT_NOW].why_not, "this kernel has no function kvm_can_do_async_pf()");
	assert_string_equal(probes.list[PROBE_APF_ACK].why_not, "this kernel has no function kvm_set_msr_common()");
	add_tracepoint(module, "kvm_apf_fallback", 5);
	add_tracepoint(module, "kvm_apf_ack", 3);
	add_tracepoint(module, "kvm_apf_present", 4);
	probes_find_in(&probes, vmlinux, module);
	assert_int_equal(probes.targets[PROBE_APF_ACK], btf__find_by_name_kind(module, "btf_trace_kvm_apf_ack", BTF_KIND_TYPEDEF));
	for (int i = PROBE_APF; i < PROBE_USER; i++)
		assert_null(probes.list[i].why_not);
	assert_string_equal(probes.programs[PROBE_APF_NOT_NOW], "apf_fallback_arm64");
	assert_string_equal(probes.programs[PROBE_APF_ACK], "apf_ack_arm64");
	assert_string_equal(probes.programs[PROBE_APF_WAKE_ALL], "apf_wake_all_arm64");
	btf__free(module);
	btf__free(vmlinux);
}

/* Without these faults, the functions that are there all the same say nothing. */
static void test_no_apf(void **state)
{
	struct btf *btf = btf__new_empty();
	struct probes probes;

	add_function(btf, "get_user_pages_remote");
	probes_find_in(&probes, btf, NULL);
	assert_false(probes.has_apf);
	assert_false(probes.has_faults);
	for (int i = PROBE_APF; i < PROBE_APF_VCPU_END; i++)
		assert_string_equal(probes.list[i].why_not, "this kernel has no asynchronous page faults for guests");
	btf__free(btf);
}

/* --- interrupt controllers */

static struct probes gic_probes(const char *set_args)
{
	struct btf *btf = btf__new_empty();
	struct types t = types_in(btf);
	struct probes probes;

	add_prototype(&t, "vgic_its_set_attr", set_args, 'e');
	add_prototype(&t, "vgic_its_get_attr", "da", 'e');
	add_prototype(&t, "vgic_v3_set_attr", "da", 'e');
	add_prototype(&t, "vgic_v3_get_attr", "da", 'e');
	add_prototype(&t, "kvm_arm_set_reg", "vg", 'e');
	add_prototype(&t, "kvm_arch_vcpu_run_pid_change", "v", 'e');
	add_prototype(&t, "kvm_arch_vcpu_ioctl_run", "v", 'e');
	assert_int_equal(probes_find_in(&probes, btf, NULL), 0);
	btf__free(btf);
	return probes;
}

static void test_gic(void **state)
{
	struct probes probes = gic_probes("da");

	assert_true(probes.has_gic);
	for (int i = PROBE_GIC; i < PROBE_SMCCC; i++) {
		assert_null(probes.list[i].why_not);
		assert_string_equal(probes.list[i].name, probes.programs[i]);
		assert_true(probe_is_gic(i) && probe_is_basic(i) && !probe_is_apf(i) && !probe_is_client(i));
	}
	assert_int_equal(probe_kind(PROBE_GIC_ITS_SET), SDEI_GIC);
	assert_int_equal(probe_kind(PROBE_GIC_RUN), SDEI_GIC);
	assert_int_equal(probe_kind(PROBE_GIC_RUN_AGAIN), SDEI_GIC);
	assert_int_equal(probe_kind(PROBE_GIC_ITS_BEGIN), SDEI_KIND_NONE);
}

/* A function that is another one costs what it is for. */
static void test_other_its(void **state)
{
	struct probes probes = gic_probes("do");

	assert_string_equal(probes.list[PROBE_GIC_ITS_SET].why_not, "argument 2 of vgic_its_set_attr() of this kernel is another one");
	assert_non_null(probes.list[PROBE_GIC_ITS_BEGIN].why_not);
	assert_null(probes.list[PROBE_GIC_ITS_GET].why_not);
	assert_null(probes.list[PROBE_GIC_V3_SET].why_not);
}

static void test_no_gic(void **state)
{
	struct btf *btf = btf__new_empty();
	struct probes probes;

	add_function(btf, "kvm_arch_vcpu_run_pid_change");
	probes_find_in(&probes, btf, NULL);
	assert_false(probes.has_gic);
	assert_string_equal(probes.list[PROBE_GIC_RUN].why_not, "this kernel emulates no GICv3");
	btf__free(btf);
}

/* --- calls of guests */

static struct probes smccc_probes(const char *handler_args, char target)
{
	struct btf *btf = btf__new_empty();
	struct types t = types_in(btf);
	struct probes probes;

	if (handler_args)
		add_prototype(&t, "kvm_smccc_call_handler", handler_args, 'e');
	add_prototype(&t, "kvm_mpidr_to_vcpu", "ni", target);
	assert_int_equal(probes_find_in(&probes, btf, NULL), 0);
	btf__free(btf);
	return probes;
}

static void test_smccc(void **state)
{
	struct probes probes = smccc_probes("v", 'v');

	assert_true(probes.has_smccc);
	for (int i = PROBE_SMCCC; i < PROBE_COUNTER; i++) {
		assert_null(probes.list[i].why_not);
		assert_string_equal(probes.list[i].name, probes.programs[i]);
		assert_true(probe_is_smccc(i) && probe_is_basic(i) && !probe_is_gic(i) && !probe_is_apf(i) && !probe_is_client(i));
	}
	assert_int_equal(probe_kind(PROBE_SMCCC_BEGIN), SDEI_SMCCC);
	assert_int_equal(probe_kind(PROBE_SMCCC_TARGET), SDEI_KIND_NONE);
	assert_int_equal(probe_kind(PROBE_SMCCC_END), SDEI_SMCCC);
}

/* Without its target a CPU_ON still is one. */
static void test_other_target(void **state)
{
	struct probes probes = smccc_probes("v", 'w');

	assert_string_equal(probes.list[PROBE_SMCCC_TARGET].why_not, "kvm_mpidr_to_vcpu() of this kernel returns something else");
	assert_null(probes.list[PROBE_SMCCC_BEGIN].why_not);
	assert_null(probes.list[PROBE_SMCCC_END].why_not);
}

static void test_other_handler(void **state)
{
	struct probes probes = smccc_probes("o", 'v');

	for (int i = PROBE_SMCCC; i < PROBE_COUNTER; i++)
		assert_non_null(probes.list[i].why_not);
	probes = smccc_probes(NULL, 'v');
	assert_false(probes.has_smccc);
	assert_string_equal(probes.list[PROBE_SMCCC_TARGET].why_not, "this kernel has no kvm_smccc_call_handler()");
}

/* --- guests' counters */

static struct probes counter_probes(const char *run_args, const char *set_args)
{
	struct btf *btf = btf__new_empty();
	struct types t = types_in(btf);
	struct probes probes;

	if (run_args)
		add_prototype(&t, "kvm_arch_vcpu_run_pid_change", run_args, 'e');
	if (set_args)
		add_prototype(&t, "kvm_arm_set_reg", set_args, 'e');
	assert_int_equal(probes_find_in(&probes, btf, NULL), 0);
	btf__free(btf);
	return probes;
}

static void test_counter(void **state)
{
	struct probes probes = counter_probes("v", "vg");

	assert_true(probes.has_counter);
	for (int i = PROBE_COUNTER; i < PROBE_SCHED; i++) {
		assert_null(probes.list[i].why_not);
		assert_int_equal(probe_kind(i), SDEI_COUNTER);
		assert_true(probe_is_counter(i) && !probe_is_basic(i) && !probe_is_smccc(i) && !probe_is_client(i));
	}
	probes = counter_probes("v", "vo");
	assert_null(probes.list[PROBE_COUNTER_RUNS].why_not);
	assert_string_equal(probes.list[PROBE_COUNTER_SET].why_not, "argument 2 of kvm_arm_set_reg() of this kernel is another one");
	/* What a VMM sets comes on top of what it was. */
	probes = counter_probes(NULL, "vg");
	assert_string_equal(probes.list[PROBE_COUNTER_SET].why_not, "it is of no use without counter_runs");
	probes = counter_probes("v", NULL);
	assert_false(probes.has_counter);
	assert_string_equal(probes.list[PROBE_COUNTER_RUNS].why_not, "this kernel's guests have no counter that can be set");
}

/* --- the SDEI client */

/* As Linux 7.3 has it; before, without what is for NMIs between CPUs. */
static struct probes client_probes(bool nmi, const char *context_args)
{
	struct btf *btf = btf__new_empty();
	struct types t = types_in(btf);
	struct probes probes;

	add_prototype(&t, "sdei_smccc_hvc", "iiiiiir", 0);
	add_prototype(&t, "sdei_smccc_smc", "iiiiiir", 0);
	add_prototype(&t, "sdei_pm_notifier", "fio", 'e');
	add_prototype(&t, "sdei_api_event_context", context_args, 'e');
	add_prototype(&t, "ghes_sdei_normal_callback", "ipo", 'e');
	add_prototype(&t, "ghes_sdei_critical_callback", "ipo", 'e');
	if (nmi) {
		add_prototype(&t, "sdei_event_signal", "ii", 'e');
		add_prototype(&t, "sdei_nmi_handler", "ipo", 'e');
	}
	assert_int_equal(probes_find_in(&probes, btf, NULL), 0);
	btf__free(btf);
	return probes;
}

static void test_client(void **state)
{
	struct probes probes = client_probes(true, "iu");

	assert_true(probes.has_client);
	for (int i = PROBE_CLIENT; i < PROBE_COUNT; i++) {
		assert_null(probes.list[i].why_not);
		assert_string_equal(probes.list[i].name, probes.programs[i]);
		assert_true(probe_is_basic(i));
	}
	assert_int_equal(probe_kind(PROBE_CLIENT_HVC), SDEI_CALL);
	assert_int_equal(probe_kind(PROBE_CLIENT_HVC_BEGIN), SDEI_KIND_NONE);
	assert_int_equal(probe_kind(PROBE_CLIENT_END_NMI), SDEI_COMPLETE);
	assert_int_equal(probe_kind(PROBE_CLIENT_IDLE), SDEI_SMCCC);
}

/* What an older driver has is of use, and what it has not is said to be missing. */
static void test_older_client(void **state)
{
	struct probes probes = client_probes(false, "iu");

	assert_null(probes.list[PROBE_CLIENT_HVC].why_not);
	assert_null(probes.list[PROBE_CLIENT_HANDLER].why_not);
	assert_null(probes.list[PROBE_CLIENT_END_NORMAL].why_not);
	assert_string_equal(probes.list[PROBE_CLIENT_SIGNAL].why_not, "this kernel has no function sdei_event_signal()");
	assert_true(probes.missing[PROBE_CLIENT_SIGNAL]);
	assert_true(probes.missing[PROBE_CLIENT_END_NMI]);
	assert_false(probes.missing[PROBE_CLIENT_HVC]);
}

/* Without the beginning of handlers their ends and the signals would be told wrong. */
static void test_client_without_handler(void **state)
{
	struct probes probes = client_probes(true, "ii");

	assert_string_equal(probes.list[PROBE_CLIENT_HANDLER].why_not, "argument 2 of sdei_api_event_context() of this kernel is another one");
	assert_string_equal(probes.list[PROBE_CLIENT_SIGNAL].why_not, "it is of no use without client_handler");
	assert_string_equal(probes.list[PROBE_CLIENT_END_NMI].why_not, "it is of no use without client_handler");
	assert_null(probes.list[PROBE_CLIENT_HVC].why_not);
}

static void test_no_client(void **state)
{
	struct btf *btf = btf__new_empty();
	struct probes probes;

	add_apf_of_x86(btf, NULL);
	probes_find_in(&probes, btf, NULL);
	btf__free(btf);
	assert_false(probes.has_client);
	assert_string_equal(probes.list[PROBE_CLIENT_HVC].why_not, "this kernel has no SDEI client");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_argument_counts),
		cmocka_unit_test(test_module),
		cmocka_unit_test(test_not_a_tracepoint),
		cmocka_unit_test(test_snapshot),
		cmocka_unit_test(test_snapshot_of_power),
		cmocka_unit_test(test_snapshot_in_module),
		cmocka_unit_test(test_sched),
		cmocka_unit_test(test_apf_of_x86),
		cmocka_unit_test(test_faults_of_arm64),
		cmocka_unit_test(test_more_arguments),
		cmocka_unit_test(test_other_function),
		cmocka_unit_test(test_needed),
		cmocka_unit_test(test_apf_of_user),
		cmocka_unit_test(test_apf_of_arm64),
		cmocka_unit_test(test_no_apf),
		cmocka_unit_test(test_gic),
		cmocka_unit_test(test_other_its),
		cmocka_unit_test(test_no_gic),
		cmocka_unit_test(test_smccc),
		cmocka_unit_test(test_other_target),
		cmocka_unit_test(test_other_handler),
		cmocka_unit_test(test_counter),
		cmocka_unit_test(test_client),
		cmocka_unit_test(test_older_client),
		cmocka_unit_test(test_client_without_handler),
		cmocka_unit_test(test_no_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
