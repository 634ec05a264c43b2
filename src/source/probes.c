// SPDX-License-Identifier: GPL-2.0-only
#include "source/probes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <bpf/btf.h>

#include "source/btf_names.h"

/* What there is to look in: the kernel's BTF, and the kvm module's where that is none of the kernel. */
struct types {
	const struct btf *btf;
	struct btf_names *names;
};

void probes_refuse(struct probes *probes, int i, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(probes->reasons[i], sizeof(probes->reasons[i]), format, args);
	va_end(args);
	probes->list[i].attached = false;
	probes->list[i].why_not = probes->reasons[i];
}

/* The number of arguments of the tracepoint, -errno if there is none. */
static int argument_count(const struct types *t, const char *tracepoint)
{
	const struct btf_type *type;
	char name[64];
	int id;

	snprintf(name, sizeof(name), "btf_trace_%s", tracepoint);
	id = btf_names_find(t->names, name, BTF_KIND_TYPEDEF);
	if (id < 0)
		return id;
	type = btf__type_by_id(t->btf, btf__type_by_id(t->btf, id)->type);
	if (!type || !btf_is_ptr(type))
		return -EINVAL;
	type = btf__type_by_id(t->btf, type->type);
	return type && btf_is_func_proto(type) && btf_vlen(type) > 0 ? btf_vlen(type) - 1 : -EINVAL;
}

/* Fields are only ever appended, so more arguments than expected are fine. */
static bool find_tracepoint(struct probes *probes, int i, const char *name, int expected, const struct types *t)
{
	int args = argument_count(t, name);

	probes->list[i] = (struct source_probe) { .name = name };
	probes->programs[i] = name;
	probes->args[i] = args < 0 ? 0 : args;
	if (args == -ENOENT)
		probes_refuse(probes, i, "this kernel does not have it");
	else if (args < 0)
		probes_refuse(probes, i, "its BTF is not that of a tracepoint");
	else if (args < expected)
		probes_refuse(probes, i, "it has %d arguments, %d are expected: another version of the kernel series",
			      args, expected);
	return !probes->list[i].why_not;
}

static bool has_function(const struct types *t, const char *name)
{
	return btf_names_find(t->names, name, BTF_KIND_FUNC) > 0;
}

static bool has_member(const struct btf *btf, const struct btf_type *type, const char *name)
{
	const struct btf_member *members = btf_members(type);

	for (int i = 0; i < btf_vlen(type); i++)
		if (strcmp(btf__name_by_offset(btf, members[i].name_off), name) == 0)
			return true;
	return false;
}

/* What the snapshot reads must be there under these names; where it is, libbpf finds out. */
static void find_snapshot(struct probes *probes, const struct types *t)
{
	static const char *const members[] = { "registered", "enabled", "running", "pending", "masked", "handlers" };
	int id = btf_names_find(t->names, "kvm_sdei_vcpu", BTF_KIND_STRUCT);

	probes->list[PROBE_SNAPSHOT] = (struct source_probe) { .name = SOURCE_SNAPSHOT };
	probes->programs[PROBE_SNAPSHOT] = SOURCE_SNAPSHOT;
	if (!has_function(t, "bpf_iter_task_file"))
		probes_refuse(probes, PROBE_SNAPSHOT, "this kernel has no BPF iterator over open files");
	else if (id < 0)
		probes_refuse(probes, PROBE_SNAPSHOT, "this kernel keeps no struct kvm_sdei_vcpu");
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]) && !probes->list[PROBE_SNAPSHOT].why_not; i++)
		if (!has_member(t->btf, btf__type_by_id(t->btf, id), members[i]))
			probes_refuse(probes, PROBE_SNAPSHOT, "struct kvm_sdei_vcpu of this kernel has no '%s'", members[i]);
}

/* --- functions of asynchronous page faults, and for what has none that can be used, tracepoints */

static const struct {
	const char *name, *program, *function, *other_program, *other_function;
} functions[PROBE_COUNT] = {
	[PROBE_APF_SETUP] = { "apf_setup", "apf_setup", "kvm_arch_async_page_not_present" },
	[PROBE_APF_NOT_PRESENT] = { "apf_not_present", "apf_not_present", "kvm_arch_async_page_not_present" },
	[PROBE_APF_REFUSED] = { "apf_refused", "apf_refused", "kvm_setup_async_pf" },
	[PROBE_APF_NOT_NOW] = { "apf_not_now", "apf_not_now", "kvm_can_do_async_pf", "apf_fallback_arm64", "kvm_apf_fallback" },
	[PROBE_APF_PRESENT] = { "apf_present", "apf_present", "kvm_arch_async_page_present" },
	[PROBE_APF_ACK] = { "apf_ack", "apf_ack", "kvm_set_msr_common", "apf_ack_arm64", "kvm_apf_ack" },
	[PROBE_APF_CLEAR] = { "apf_clear", "apf_clear", "kvm_clear_async_pf_completion_queue" },
	[PROBE_APF_WORKING] = { "apf_working", "apf_working", "async_pf_execute" },
	[PROBE_APF_PAGE] = { "apf_page", "apf_page", "get_user_pages_remote" },
	[PROBE_APF_WORKED] = { "apf_worked", "apf_worked", "async_pf_execute" },
	[PROBE_APF_VCPU_END] = { "apf_vcpu_end", "apf_vcpu_end", "kvm_arch_vcpu_destroy" },
	[PROBE_APF_FAULT] = { "apf_fault", "apf_fault_arm64", "kvm_handle_guest_abort", "apf_fault_x86", "kvm_mmu_page_fault" },
	[PROBE_APF_SYNC] = { "apf_sync", "apf_sync_arm64", "kvm_handle_guest_abort", "apf_sync_x86", "kvm_mmu_page_fault" },
};

static bool has_place(const struct types *t, const char *name)
{
	return has_function(t, name) || argument_count(t, name) > 0;
}

static void find_function(struct probes *probes, int i, const struct types *t)
{
	const char *function = functions[i].function;

	probes->list[i] = (struct source_probe){ .name = functions[i].name };
	probes->programs[i] = functions[i].program;
	if (!has_function(t, function) && functions[i].other_function && has_place(t, functions[i].other_function)) {
		function = functions[i].other_function;
		probes->programs[i] = functions[i].other_program;
	}
	if (!probes->has_apf)
		probes_refuse(probes, i, "this kernel has no asynchronous page faults for guests");
	else if (!has_place(t, function))
		probes_refuse(probes, i, "this kernel has no function %s()", function);
}

static void find_functions(struct probes *probes, const struct types *t)
{
	probes->has_apf = has_function(t, "kvm_setup_async_pf");
	for (int i = PROBE_APF; i < PROBE_SCHED; i++)
		find_function(probes, i, t);
}

static int find_all(struct probes *probes, const struct types *t)
{
	int found = 0;

	for (int i = 0; i < PROBE_TRACEPOINTS; i++)
		found += find_tracepoint(probes, i, kind_of(i + 1)->probe, kind_of(i + 1)->args, t);
	find_snapshot(probes, t);
	find_functions(probes, t);
	find_tracepoint(probes, PROBE_SWITCH, "sched_switch", 3, t);
	find_tracepoint(probes, PROBE_ENTRY, "kvm_entry", 0, t);
	find_tracepoint(probes, PROBE_EXIT, "kvm_exit", 0, t);
	return found;
}

/* The module's BTF knows the kernel's, too. */
int probes_find_in(struct probes *probes, const struct btf *vmlinux, const struct btf *module)
{
	struct types types = { .btf = module ?: vmlinux };
	int found;

	types.names = btf_names_new(types.btf);
	if (!types.names)
		return -ENOMEM;
	found = find_all(probes, &types);
	btf_names_free(types.names);
	return found;
}

int probes_find(struct probes *probes)
{
	struct btf *vmlinux, *module;
	int found;

	vmlinux = btf__load_vmlinux_btf();
	if (!vmlinux)
		return -errno;
	module = btf__load_module_btf("kvm", vmlinux);	/* NULL where KVM is built in */
	found = probes_find_in(probes, vmlinux, module);
	btf__free(module);
	btf__free(vmlinux);
	return found;
}
