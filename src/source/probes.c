// SPDX-License-Identifier: GPL-2.0-only
#include "source/probes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <bpf/btf.h>

#include "source/btf_names.h"
#include "source/kvm_module.h"

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

/* The type of the tracepoint, or -ENOENT. */
static int tracepoint_id(const struct types *t, const char *tracepoint)
{
	char name[64];

	snprintf(name, sizeof(name), "btf_trace_%s", tracepoint);
	return btf_names_find(t->names, name, BTF_KIND_TYPEDEF);
}

/* The number of arguments of the tracepoint, -errno if there is none. */
static int argument_count(const struct types *t, const char *tracepoint)
{
	int id = tracepoint_id(t, tracepoint);
	const struct btf_type *type;

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

	probes->list[i] = (struct source_probe) { .name = name, .gives = probe_gives(i) };
	probes->programs[i] = name;
	probes->targets[i] = args < 0 ? 0 : tracepoint_id(t, name);
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

static int function_id(const struct types *t, const char *name)
{
	return btf_names_find(t->names, name, BTF_KIND_FUNC);
}

static bool has_function(const struct types *t, const char *name)
{
	return function_id(t, name) > 0;
}

static bool has_member(const struct btf *btf, const struct btf_type *type, const char *name)
{
	const struct btf_member *members = btf_members(type);

	for (int i = 0; i < btf_vlen(type); i++)
		if (strcmp(btf__name_by_offset(btf, members[i].name_off), name) == 0)
			return true;
	return false;
}

/* A member of that name in struct kvm_vcpu_arch that is a struct: arm64's; that of x86 is a number, and means something else. */
static bool keeps_power(const struct types *t)
{
	int id = btf_names_find(t->names, "kvm_vcpu_arch", BTF_KIND_STRUCT);
	const struct btf_type *arch = id < 0 ? NULL : btf__type_by_id(t->btf, id);

	for (int i = 0; arch && i < btf_vlen(arch); i++)
		if (strcmp(btf__name_by_offset(t->btf, btf_members(arch)[i].name_off), "mp_state") == 0)
			return btf_is_struct(btf__type_by_id(t->btf, btf_members(arch)[i].type));
	return false;
}

/* What the snapshot reads must be there under these names; where it is, libbpf finds out. */
static void find_snapshot(struct probes *probes, const struct types *t)
{
	static const char *const members[] = { "registered", "enabled", "running", "pending", "masked", "handlers" };
	int id = btf_names_find(t->names, "kvm_sdei_vcpu", BTF_KIND_STRUCT);

	probes->list[PROBE_SNAPSHOT] = (struct source_probe) { .name = SOURCE_SNAPSHOT, .gives = probe_gives(PROBE_SNAPSHOT) };
	probes->programs[PROBE_SNAPSHOT] = id > 0 ? SOURCE_SNAPSHOT : "kvm_power_snapshot";
	if (!has_function(t, "bpf_iter_task_file"))
		probes_refuse(probes, PROBE_SNAPSHOT, "this kernel has no BPF iterator over open files");
	else if (id < 0 && !probes->has_power)
		probes_refuse(probes, PROBE_SNAPSHOT, "this kernel keeps no struct kvm_sdei_vcpu");
	for (size_t i = 0; id > 0 && i < sizeof(members) / sizeof(members[0]) && !probes->list[PROBE_SNAPSHOT].why_not; i++)
		if (!has_member(t->btf, btf__type_by_id(t->btf, id), members[i]))
			probes_refuse(probes, PROBE_SNAPSHOT, "struct kvm_sdei_vcpu of this kernel has no '%s'", members[i]);
}

/* --- functions of page faults, of the GIC, of guests' calls and of the SDEI client, and for what has none that can be used, tracepoints */

/*
 * Where a program is attached. args are the arguments that it uses, the first of the function, a letter each: v struct kvm_vcpu *,
 * w struct kvm_async_pf *, k struct work_struct *, d struct kvm_device *, a struct kvm_device_attr *, g struct kvm_one_reg *, m struct msr_data *, n struct kvm *, r struct arm_smccc_res *, p struct pt_regs *, f struct notifier_block *, u a pointer to an
 * integer, i an integer. What a tracepoint has is counted only.
 */
struct hook {
	const char *program, *function, *args;
	char returns;		/* what the program reads: b a bool, i an int, v a struct kvm_vcpu *, 0 nothing */
	int tracepoint;		/* it is one, of so many arguments; 0: a function */
};

#define NEEDS(probe) (1ULL << (probe))
/* Who records the begin of a fault records how it goes on and ends, or its figures would be wrong. */
#define NEEDS_FAULT (NEEDS(PROBE_APF_SETUP) | NEEDS(PROBE_APF_NOT_PRESENT) | NEEDS(PROBE_APF_PRESENT) | NEEDS(PROBE_APF_CLEAR))
#define NEEDS_WORKER (NEEDS(PROBE_APF_WORKING) | NEEDS(PROBE_APF_WORKED) | NEEDS_FAULT)
/* A signal that nobody takes back, and a handler that nobody sees begin, would stay for ever. */
#define NEEDS_SIGNAL (NEEDS(PROBE_CLIENT_SIGNAL) | NEEDS(PROBE_CLIENT_SIGNAL_END) | NEEDS(PROBE_CLIENT_HANDLER))

static const struct {
	const char *name, *gives;
	struct hook hooks[2];	/* the first one that this kernel has */
	uint64_t needs;		/* other probes without which this one is of no use */
} functions[PROBE_COUNT] = {
	[PROBE_APF_SETUP] = { "apf_setup", "asynchronous page faults and their stages",
		{ { "apf_setup", "kvm_arch_async_page_not_present", "vw" } }, NEEDS_FAULT },
	[PROBE_APF_NOT_PRESENT] = { "apf_not_present", "whether guests are told of page faults",
		{ { "apf_not_present", "kvm_arch_async_page_not_present", "vw", 'b' } }, NEEDS_FAULT },
	[PROBE_APF_REFUSED] = { "apf_refused", "page faults that are synchronous because too many are in flight, or for want of memory",
		{ { "apf_refused", "kvm_setup_async_pf", "vi", 'b' } } },
	[PROBE_APF_NOT_NOW] = { "apf_not_now", "page faults that are synchronous because the guest cannot be told",
		{ { "apf_not_now", "kvm_can_do_async_pf", "v", 'b' }, { "apf_fallback_arm64", "kvm_apf_fallback", .tracepoint = 4 } } },
	[PROBE_APF_PRESENT] = { "apf_present", "when pages are there for the guest",
		{ { "apf_present", "kvm_arch_async_page_present", "vw" } }, NEEDS_FAULT },
	[PROBE_APF_WAKE_ALL] = { "apf_wake_all", "when guests are told to wake all who wait",
		{ { "apf_wake_all_arm64", "kvm_apf_present", .tracepoint = 4 }, { "apf_wake_all", "kvm_arch_async_page_present", "vw" } },
		NEEDS_FAULT },
	[PROBE_APF_ACK] = { "apf_ack", "acknowledgements of pages by guests",
		{ { "apf_ack", "kvm_set_msr_common", "vm" }, { "apf_ack_arm64", "kvm_apf_ack", .tracepoint = 2 } }, NEEDS_FAULT },
	[PROBE_APF_CLEAR] = { "apf_clear", "page faults that a reset of the vCPU ends",
		{ { "apf_clear", "kvm_clear_async_pf_completion_queue", "v" } }, NEEDS_FAULT },
	[PROBE_APF_WORKING] = { "apf_working", "when the host works on a page",
		{ { "apf_working", "async_pf_execute", "k" } }, NEEDS_WORKER },
	[PROBE_APF_PAGE] = { "apf_page", "of some page faults, when the page was ready",
		{ { "apf_page", "get_user_pages_remote", "" } }, NEEDS_WORKER },
	[PROBE_APF_WORKED] = { "apf_worked", "when pages are ready",
		{ { "apf_worked", "async_pf_execute", "k" } }, NEEDS_WORKER },
	[PROBE_APF_VCPU_END] = { "apf_vcpu_end", "the end of VMs",
		{ { "apf_vcpu_end", "kvm_arch_vcpu_destroy", "v" } } },
	[PROBE_APF_FAULT] = { "apf_fault", "synchronous page faults",
		{ { "apf_fault_arm64", "kvm_handle_guest_abort", "v" }, { "apf_fault_x86", "kvm_mmu_page_fault", "vii" } },
		NEEDS(PROBE_APF_SYNC) },
	[PROBE_APF_SYNC] = { "apf_sync", "synchronous page faults",
		{ { "apf_sync_arm64", "kvm_handle_guest_abort", "v" }, { "apf_sync_x86", "kvm_mmu_page_fault", "vii" } },
		NEEDS(PROBE_APF_FAULT) },
	[PROBE_APF_USERFAULT] = { "apf_userfault", "page faults that another process has to answer (userfaultfd)",
		{ { "apf_userfault", "handle_userfault", "" } }, NEEDS(PROBE_APF_FAULT) },
	[PROBE_APF_SWAP] = { "apf_swap", "page faults whose page was swapped out",
		{ { "apf_swap", "do_swap_page", "" } }, NEEDS(PROBE_APF_FAULT) },
	[PROBE_APF_HWPOISON] = { "apf_hwpoison", "page faults whose page's memory has failed",
		{ { "apf_hwpoison", "send_sig_mceerr", "" } }, NEEDS(PROBE_APF_FAULT) },
	[PROBE_USER_ACCEPT] = { "apf_accept", "when user space begins to bring a page",
		{ { "apf_accept", "kvm_async_pf_accept", "vi", 'i' } }, NEEDS_FAULT },
	[PROBE_USER_COMPLETE] = { "apf_complete", "when pages that user space brings are ready",
		{ { "apf_complete", "kvm_async_pf_complete", "vi" } }, NEEDS_FAULT },
	[PROBE_USER_AUTOCOMPLETE] = { "apf_autocomplete", "when pages are ready that user space brings before the vCPU goes on",
		{ { "apf_autocomplete", "kvm_async_pf_autocomplete_pending", "v" } }, NEEDS_FAULT },
	[PROBE_USER_RING] = { "apf_ring", "page faults that user space is told of without an exit",
		{ { "apf_ring", "kvm_async_pf_setup_userfault", "vi", 'i' } }, NEEDS_FAULT },
	[PROBE_USER_DRAIN] = { "apf_drain", "when pages are ready that user space was so told of",
		{ { "apf_drain", "kvm_async_pf_drain_exitless", "v" } }, NEEDS_FAULT },
	[PROBE_GIC_ITS_BEGIN] = { "gic_its_begin", "how long commands to an ITS take",
		{ { "gic_its_begin", "vgic_its_set_attr", "da" } }, NEEDS(PROBE_GIC_ITS_SET) },
	[PROBE_GIC_ITS_SET] = { "gic_its_set", "how an ITS is restored, and its tables saved",
		{ { "gic_its_set", "vgic_its_set_attr", "da", 'i' } } },
	[PROBE_GIC_ITS_GET] = { "gic_its_get", "how registers of an ITS are saved",
		{ { "gic_its_get", "vgic_its_get_attr", "da", 'i' } } },
	[PROBE_GIC_V3_BEGIN] = { "gic_v3_begin", "how long commands to a GIC take",
		{ { "gic_v3_begin", "vgic_v3_set_attr", "da" } }, NEEDS(PROBE_GIC_V3_SET) },
	[PROBE_GIC_V3_SET] = { "gic_v3_set", "how distributor, redistributors and CPU interfaces are restored",
		{ { "gic_v3_set", "vgic_v3_set_attr", "da", 'i' } } },
	[PROBE_GIC_V3_GET] = { "gic_v3_get", "how they are saved",
		{ { "gic_v3_get", "vgic_v3_get_attr", "da", 'i' } } },
	[PROBE_GIC_REGISTERS] = { "gic_registers", "when registers of vCPUs are restored",
		{ { "gic_registers", "kvm_arm_set_reg", "vg", 'i' } } },
	[PROBE_GIC_RUN] = { "gic_run", "when vCPUs run first",
		{ { "gic_run", "kvm_arch_vcpu_run_pid_change", "v" } } },
	[PROBE_GIC_RUN_AGAIN] = { "gic_run_again", "when vCPUs that had run before run first after a restore",
		{ { "gic_run_again", "kvm_arch_vcpu_ioctl_run", "v" } }, NEEDS(PROBE_GIC_REGISTERS) },
	[PROBE_SMCCC_BEGIN] = { "smccc_begin", "calls of guests",
		{ { "smccc_begin", "kvm_smccc_call_handler", "v" } }, NEEDS(PROBE_SMCCC_END) },
	[PROBE_SMCCC_TARGET] = { "smccc_target", "which vCPU another one turns on",
		{ { "smccc_target", "kvm_mpidr_to_vcpu", "ni", 'v' } }, NEEDS(PROBE_SMCCC_END) },
	[PROBE_SMCCC_END] = { "smccc", "calls of guests: those of SDEI that are refused or left to the VMM, vCPUs turned on and off",
		{ { "smccc", "kvm_smccc_call_handler", "v", 'i' } }, NEEDS(PROBE_SMCCC_BEGIN) },
	[PROBE_COUNTER_RUNS] = { "counter_runs", "one clock for a recording of the host and one of the guest: 'sdeitop join'",
		{ { "counter_runs", "kvm_arch_vcpu_run_pid_change", "v" } } },
	[PROBE_COUNTER_SET] = { "counter_set", "the same after a restore",
		{ { "counter_set", "kvm_arm_set_reg", "vg", 'i' } }, NEEDS(PROBE_COUNTER_RUNS) },
	[PROBE_CLIENT_HVC_BEGIN] = { "client_hvc_begin", "masks that end, and how long calls to a hypervisor take",
		{ { "client_hvc_begin", "sdei_smccc_hvc", "iiiiiir" } }, NEEDS(PROBE_CLIENT_HVC) },
	[PROBE_CLIENT_HVC] = { "client_hvc", "calls to a hypervisor: results, registrations, masks",
		{ { "client_hvc", "sdei_smccc_hvc", "iiiiiir" } }, NEEDS(PROBE_CLIENT_HVC_BEGIN) },
	[PROBE_CLIENT_SMC_BEGIN] = { "client_smc_begin", "masks that end, and how long calls to firmware take",
		{ { "client_smc_begin", "sdei_smccc_smc", "iiiiiir" } }, NEEDS(PROBE_CLIENT_SMC) },
	[PROBE_CLIENT_SMC] = { "client_smc", "calls to firmware: results, registrations, masks",
		{ { "client_smc", "sdei_smccc_smc", "iiiiiir" } }, NEEDS(PROBE_CLIENT_SMC_BEGIN) },
	[PROBE_CLIENT_IDLE] = { "client_idle", "which masks are those of idle CPUs, which may last",
		{ { "client_idle", "sdei_pm_notifier", "fi" } } },
	[PROBE_CLIENT_SIGNAL] = { "client_signal", "which CPU signals to which, latencies",
		{ { "client_signal", "sdei_event_signal", "ii" } }, NEEDS_SIGNAL },
	[PROBE_CLIENT_SIGNAL_END] = { "client_signal_end", "signals that are refused",
		{ { "client_signal_end", "sdei_event_signal", "ii", 'i' } }, NEEDS_SIGNAL },
	[PROBE_CLIENT_HANDLER] = { "client_handler", "dispatches, latencies",
		{ { "client_handler", "sdei_api_event_context", "iu" } } },
	[PROBE_CLIENT_END_NMI] = { "client_end_nmi", "handler times of NMIs between CPUs",
		{ { "client_end_nmi", "sdei_nmi_handler", "ip", 'i' } }, NEEDS(PROBE_CLIENT_HANDLER) },
	[PROBE_CLIENT_END_NORMAL] = { "client_end_normal", "handler times of hardware errors",
		{ { "client_end_normal", "ghes_sdei_normal_callback", "ip", 'i' } }, NEEDS(PROBE_CLIENT_HANDLER) },
	[PROBE_CLIENT_END_CRITICAL] = { "client_end_critical", "handler times of critical hardware errors",
		{ { "client_end_critical", "ghes_sdei_critical_callback", "ip", 'i' } }, NEEDS(PROBE_CLIENT_HANDLER) },
};

bool probe_is_sync(int i)
{
	return i >= PROBE_APF_VCPU_END && i <= PROBE_APF_HWPOISON;
}

unsigned int probe_kind(int i)
{
	if (i < PROBE_TRACEPOINTS)
		return (unsigned int)i + 1;
	if (probe_is_apf(i))
		return SDEI_APF;
	switch (i) {
	case PROBE_GIC_ITS_SET:
	case PROBE_GIC_ITS_GET:
	case PROBE_GIC_V3_SET:
	case PROBE_GIC_V3_GET:
	case PROBE_GIC_REGISTERS:
	case PROBE_GIC_RUN:
	case PROBE_GIC_RUN_AGAIN:
		return SDEI_GIC;
	case PROBE_SMCCC_BEGIN:
	case PROBE_SMCCC_END:
	case PROBE_CLIENT_IDLE:
		return SDEI_SMCCC;
	case PROBE_COUNTER_RUNS:
	case PROBE_COUNTER_SET:
		return SDEI_COUNTER;
	case PROBE_CLIENT_HVC:
	case PROBE_CLIENT_SMC:
		return SDEI_CALL;
	case PROBE_CLIENT_SIGNAL:
		return SDEI_SIGNAL;
	case PROBE_CLIENT_SIGNAL_END:
		return SDEI_CANCEL;
	case PROBE_CLIENT_HANDLER:
		return SDEI_DISPATCH;
	case PROBE_CLIENT_END_NMI:
	case PROBE_CLIENT_END_NORMAL:
	case PROBE_CLIENT_END_CRITICAL:
		return SDEI_COMPLETE;
	default:
		return SDEI_KIND_NONE;
	}
}

const char *probe_gives(int i)
{
	if (functions[i].gives)
		return functions[i].gives;
	if (i == PROBE_SNAPSHOT)
		return "quiet VMs, their state and which vCPUs are on, from the start; 'sdeitop state'";
	if (i >= PROBE_SCHED)
		return "--sched: how long a vCPU's thread was off the CPU";
	switch (i + 1) {
	case SDEI_SIGNAL:
		return "signals, latencies, drops";
	case SDEI_DISPATCH:
		return "dispatches, latencies, handler times";
	case SDEI_COMPLETE:
		return "completions, handler times";
	case SDEI_MASK:
	case SDEI_UNMASK:
		return "mask times, blame";
	case SDEI_ENABLE:
	case SDEI_DISABLE:
		return "blame";
	case SDEI_CALL:
		return "hypercalls and how they are answered";
	case SDEI_STATE:
		return "VMs and vCPUs that come, go, are reset or restored";
	default:
		return "states, drops";
	}
}

/* Behind typedefs and const. */
static const struct btf_type *plain_type(const struct btf *btf, __u32 id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	while (type && (btf_is_mod(type) || btf_is_typedef(type)))
		type = btf__type_by_id(btf, type->type);
	return type;
}

static const char *struct_of(char letter)
{
	switch (letter) {
	case 'v':
		return "kvm_vcpu";
	case 'w':
		return "kvm_async_pf";
	case 'k':
		return "work_struct";
	case 'd':
		return "kvm_device";
	case 'a':
		return "kvm_device_attr";
	case 'g':
		return "kvm_one_reg";
	case 'm':
		return "msr_data";
	case 'n':
		return "kvm";
	case 'r':
		return "arm_smccc_res";
	case 'p':
		return "pt_regs";
	case 'f':
		return "notifier_block";
	default:
		return NULL;
	}
}

static bool is_integer(const struct btf_type *type)
{
	return (btf_is_int(type) || btf_is_any_enum(type)) && type->size <= 8;
}

static bool is_argument(const struct btf *btf, __u32 id, char letter)
{
	const struct btf_type *type = plain_type(btf, id);
	const char *name = struct_of(letter);

	if (!type)
		return false;
	if (letter == 'i')
		return is_integer(type);
	if (!btf_is_ptr(type))
		return false;
	type = plain_type(btf, type->type);
	if (!name)
		return type && is_integer(type);
	return type && btf_is_composite(type) && strcmp(btf__name_by_offset(btf, type->name_off), name) == 0;
}

static bool is_returned(const struct btf *btf, __u32 id, char letter)
{
	const struct btf_type *type = plain_type(btf, id);

	if (struct_of(letter))
		return is_argument(btf, id, letter);
	return type && btf_is_int(type) && type->size == (letter == 'b' ? 1 : sizeof(int));
}

/*
 * Is the function the one that the program knows? Arguments behind those that it uses do not matter: where the return value
 * stands among them the kernel says.
 */
static bool fits(struct probes *probes, int i, const struct types *t, const struct hook *hook, int id)
{
	const struct btf_type *proto = btf__type_by_id(t->btf, btf__type_by_id(t->btf, id)->type);
	const struct btf_param *params;
	int used = strlen(hook->args);

	if (!proto || !btf_is_func_proto(proto)) {
		probes_refuse(probes, i, "the BTF of %s() is not that of a function", hook->function);
		return false;
	}
	params = btf_params(proto);
	for (int at = 0; at < used; at++) {
		if (at < btf_vlen(proto) && is_argument(t->btf, params[at].type, hook->args[at]))
			continue;
		probes_refuse(probes, i, "argument %d of %s() of this kernel is another one", at + 1, hook->function);
		return false;
	}
	if (!hook->returns || is_returned(t->btf, proto->type, hook->returns))
		return true;
	probes_refuse(probes, i, "%s() of this kernel returns something else", hook->function);
	return false;
}

static bool has_hook(const struct types *t, const struct hook *hook)
{
	if (!hook->function)
		return false;
	return hook->tracepoint ? argument_count(t, hook->function) >= hook->tracepoint : has_function(t, hook->function);
}

static void find_function(struct probes *probes, int i, const struct types *t)
{
	const struct hook *hook = &functions[i].hooks[0];

	if (!has_hook(t, hook) && has_hook(t, hook + 1))
		hook++;
	probes->list[i] = (struct source_probe){ .name = functions[i].name, .gives = functions[i].gives };
	probes->programs[i] = hook->program;
	probes->missing[i] = !has_hook(t, hook);
	probes->targets[i] = probes->missing[i] ? 0 : hook->tracepoint ? tracepoint_id(t, hook->function) : function_id(t, hook->function);
	if (probe_is_apf(i) && !probes->has_apf && !probe_is_sync(i))
		probes_refuse(probes, i, "this kernel has no asynchronous page faults for guests");
	else if (probe_is_user(i) && !probes->has_user)
		probes_refuse(probes, i, "this kernel does not let user space bring pages of asynchronous page faults");
	else if (probe_is_gic(i) && !probes->has_gic)
		probes_refuse(probes, i, "this kernel emulates no GICv3");
	else if (probe_is_smccc(i) && !probes->has_smccc)
		probes_refuse(probes, i, "this kernel has no kvm_smccc_call_handler()");
	else if (probe_is_counter(i) && !probes->has_counter)
		probes_refuse(probes, i, "this kernel's guests have no counter that can be set");
	else if (probe_is_client(i) && !probes->has_client)
		probes_refuse(probes, i, "this kernel has no SDEI client");
	else if (probes->missing[i])
		probes_refuse(probes, i, "this kernel has no function %s()", hook->function);
	else if (!hook->tracepoint)
		fits(probes, i, t, hook, probes->targets[i]);
}

/* The first probe that i needs and that is refused, or -1. */
static int needed_and_refused(const struct probes *probes, int i)
{
	for (int other = 0; other < PROBE_COUNT; other++)
		if (other != i && functions[i].needs & NEEDS(other) && probes->list[other].why_not)
			return other;
	return -1;
}

void probes_settle(struct probes *probes)
{
	bool changed = true;
	int other;

	while (changed) {
		changed = false;
		for (int i = 0; i < PROBE_COUNT; i++) {
			other = probes->list[i].why_not ? -1 : needed_and_refused(probes, i);
			if (other < 0)
				continue;
			probes_refuse(probes, i, "it is of no use without %s", functions[other].name);
			probes->list[i].denied = probes->list[other].denied;
			changed = true;
		}
	}
}

static void find_functions(struct probes *probes, const struct types *t)
{
	probes->has_apf = has_function(t, "kvm_setup_async_pf");
	probes->has_user = has_function(t, "kvm_async_pf_complete");
	probes->has_faults = has_hook(t, &functions[PROBE_APF_FAULT].hooks[0]) || has_hook(t, &functions[PROBE_APF_FAULT].hooks[1]);
	probes->has_gic = has_function(t, "vgic_v3_set_attr");
	probes->has_smccc = has_function(t, "kvm_smccc_call_handler");
	probes->has_counter = has_function(t, "kvm_arm_set_reg");
	probes->has_client = has_function(t, "sdei_smccc_hvc") && has_function(t, "sdei_smccc_smc");
	for (int i = PROBE_APF; i < PROBE_SCHED; i++)
		find_function(probes, i, t);
	for (int i = PROBE_CLIENT; i < PROBE_COUNT; i++)
		find_function(probes, i, t);
	probes_settle(probes);
}

static int find_all(struct probes *probes, const struct types *t)
{
	int found = 0;

	for (int i = 0; i < PROBE_TRACEPOINTS; i++)
		found += find_tracepoint(probes, i, kind_of(i + 1)->probe, kind_of(i + 1)->args, t);
	probes->has_power = keeps_power(t);
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
	probes->module_types = module ? btf__type_cnt(vmlinux) : 0;
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
	module = kvm_module_types(vmlinux, &probes->module_btf);
	found = probes_find_in(probes, vmlinux, module);
	btf__free(module);
	btf__free(vmlinux);
	return found;
}
