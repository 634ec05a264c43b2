// SPDX-License-Identifier: GPL-2.0-only
/*
 * SDEI as its client sees it: Linux on a machine whose firmware has SDEI, or in a guest of a KVM that has. Programs on
 * functions of the driver; no change of the kernel is needed. The machine is the VM, its CPUs are the vCPUs.
 *
 * A client sees no states: source/client_state.c makes them of the records, once they are in order. So what is here is what
 * happened, and of each SIGNAL that it was one.
 *
 * Programs run in handlers, which come at any time: where a handler interrupts a program, the kernel does not run the same
 * program in that handler, but counts it as missed. Only those of the calls can be missed so, as handlers make no signals.
 */
#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

/* A handler may come between any two instructions. */
#define IS_SHARED_KIND(kind) true

#include "arm_sdei.h"
#include "emit.h"
#include "psci.h"

char _license[] SEC("license") = "GPL";

const volatile bool no_calls;		/* their effects are traced all the same */
const volatile __u32 cpu_count;		/* possible CPUs: the highest one + 1 */
const volatile __u64 cpu_map_address;	/* of __cpu_logical_map[], the affinity of each CPU */
const volatile __u64 boot_mode_address;	/* of __boot_cpu_mode[] */

#define BOOT_CPU_MODE_EL2 0xe12

/* Function ids of SDEI, those that are distinguished here. */
enum {
	SDEI_EVENT_REGISTER = 0xC4000021, SDEI_EVENT_ENABLE, SDEI_EVENT_DISABLE,
	SDEI_EVENT_UNREGISTER = 0xC4000027, SDEI_EVENT_STATUS, SDEI_EVENT_GET_INFO, SDEI_EVENT_ROUTING_SET,
	SDEI_PE_MASK, SDEI_PE_UNMASK, SDEI_EVENT_SIGNAL = 0xC400002F, SDEI_PRIVATE_RESET_CALL = 0xC4000031,
};

#define SDEI_RESULT_PENDING -5

/* The call that this CPU is in: the last one that began. A handler that comes meanwhile makes calls of its own. */
struct call_begin {
	__u64 result;		/* where its result will be: no other call under way has that address; 0: none is known */
	__u64 time_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct call_begin);
} calls SEC(".maps");

/* CPUs by their affinity, as far as they were signalled to. Sized by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, __u32);
} cpus SEC(".maps");

/* Handlers that are known, by the address of their function: filled by user space. */
struct callback {
	__u8 role;		/* of SDEI_ROLES */
	__u8 has_end;		/* a program sees its end */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u64);
	__type(value, struct callback);
} callbacks SEC(".maps");

static __always_inline struct sdei_record client_head(__u32 cpu, __u32 event, __u8 kind)
{
	return (struct sdei_record) { .vm = SDEI_THIS_MACHINE, .vcpu = cpu, .event = event, .kind = kind };
}

static __always_inline void emit(struct sdei_record *record, __u64 size, __s32 error, __u32 function)
{
	if (is_wanted(record))
		send(record, record->kind, size, error, function);
}

static __always_inline struct call_begin *call_begin(void)
{
	const __u32 first = 0;

	return bpf_map_lookup_elem(&calls, &first);
}

/* --- calls */

/* What pends is handled before the call returns, so the mask ends where it begins. It is never refused. */
static __always_inline void emit_unmask(void)
{
	struct sdei_record record = client_head(bpf_get_smp_processor_id(), SDEI_NONE, SDEI_UNMASK);

	emit(&record, sizeof(record), 0, 0);
}

static __always_inline int begin_call(__u64 function, __u64 result)
{
	struct call_begin *begin = call_begin();

	if (!tracing || !begin)
		return 0;
	if (function == SDEI_PE_UNMASK)
		emit_unmask();
	begin->result = result;
	begin->time_ns = bpf_ktime_get_ns();
	return 0;
}

/* When it began; 0: a handler came in between, or the program that takes the time was missed. */
static __always_inline __u64 end_call(__u64 result)
{
	struct call_begin *begin = call_begin();

	if (!begin || begin->result != result)
		return 0;
	begin->result = 0;
	return begin->time_ns;
}

/* The event that the call is about: its first argument, if it takes one. */
static __always_inline __u32 event_of(__u32 function, __u64 arg)
{
	switch (function) {
	case SDEI_EVENT_REGISTER:
	case SDEI_EVENT_ENABLE:
	case SDEI_EVENT_DISABLE:
	case SDEI_EVENT_UNREGISTER:
	case SDEI_EVENT_STATUS:
	case SDEI_EVENT_GET_INFO:
	case SDEI_EVENT_ROUTING_SET:
	case SDEI_EVENT_SIGNAL:
		return arg;
	default:
		return SDEI_NONE;
	}
}

/* What the call has done; SDEI_KIND_NONE: nothing that changes a state, or it was refused. A signal and an unmask are told before it. */
static __always_inline __u8 effect_of(__u32 function, __s64 result)
{
	if (function == SDEI_EVENT_UNREGISTER && result == SDEI_RESULT_PENDING)
		return SDEI_UNREGISTER;
	if (result < 0)
		return SDEI_KIND_NONE;
	switch (function) {
	case SDEI_EVENT_REGISTER:
		return SDEI_REGISTER;
	case SDEI_EVENT_UNREGISTER:
		return SDEI_UNREGISTER;
	case SDEI_EVENT_ENABLE:
		return SDEI_ENABLE;
	case SDEI_EVENT_DISABLE:
		return SDEI_DISABLE;
	case SDEI_PE_MASK:
		return SDEI_MASK;
	case SDEI_PRIVATE_RESET_CALL:
		return SDEI_RESET;
	default:
		return SDEI_KIND_NONE;
	}
}

static __always_inline void emit_effect(__u32 cpu, __u8 kind, const struct sdei_record_call *call)
{
	struct sdei_record_handler record = {
		.head = client_head(cpu, call->head.event, kind), .ep_addr = call->args[1], .ep_arg = call->args[2],
	};

	if (kind == SDEI_REGISTER) {
		emit(&record.head, sizeof(record), 0, 0);
		return;
	}
	if (kind == SDEI_RESET)
		record.head.origin = SDEI_PRIVATE_RESET;
	else if (kind != SDEI_ENABLE && kind != SDEI_DISABLE)
		record.head.error = call->head.result;
	emit(&record.head, sizeof(record.head), record.head.error, 0);
}

static __noinline int emit_call(struct sdei_record_call *call, __u64 since_ns)
{
	__u32 cpu = bpf_get_smp_processor_id();
	__s64 result = call->head.result;
	__u8 kind = effect_of(call->function, result);

	call->head.vcpu = cpu;
	if (kind)
		emit_effect(cpu, kind, call);
	if (!no_calls && is_wanted(&call->head))
		send_lasting(&call->head, SDEI_CALL, sizeof(*call), (struct lasting){ since_ns, .short_ns = &call->duration_ns },
			     result < 0 ? result : 0, call->function);
	return 0;
}

static __always_inline int finish_call(__u64 function, __u64 arg1, __u64 arg2, __u64 arg3, struct arm_smccc_res *res)
{
	struct sdei_record_call call = {
		.head = client_head(0, event_of(function, arg1), SDEI_CALL), .args = { arg1, arg2, arg3 }, .function = function,
	};
	__u64 since_ns;

	if (!tracing)
		return 0;
	since_ns = end_call((__u64)res);
	call.head.result = BPF_CORE_READ(res, a0);
	return emit_call(&call, since_ns);
}

SEC("fentry/sdei_smccc_hvc")
int BPF_PROG(client_hvc_begin, unsigned long function, unsigned long arg1, unsigned long arg2, unsigned long arg3,
	     unsigned long arg4, unsigned long arg5, struct arm_smccc_res *res)
{
	return begin_call(function, (__u64)res);
}

SEC("fexit/sdei_smccc_hvc")
int BPF_PROG(client_hvc, unsigned long function, unsigned long arg1, unsigned long arg2, unsigned long arg3,
	     unsigned long arg4, unsigned long arg5, struct arm_smccc_res *res)
{
	return finish_call(function, arg1, arg2, arg3, res);
}

SEC("fentry/sdei_smccc_smc")
int BPF_PROG(client_smc_begin, unsigned long function, unsigned long arg1, unsigned long arg2, unsigned long arg3,
	     unsigned long arg4, unsigned long arg5, struct arm_smccc_res *res)
{
	return begin_call(function, (__u64)res);
}

SEC("fexit/sdei_smccc_smc")
int BPF_PROG(client_smc, unsigned long function, unsigned long arg1, unsigned long arg2, unsigned long arg3,
	     unsigned long arg4, unsigned long arg5, struct arm_smccc_res *res)
{
	return finish_call(function, arg1, arg2, arg3, res);
}

/* --- idle CPUs */

#define CPU_PM_ENTER 0	/* of the kernel's enum cpu_pm_event */

/* It has masked: the CPU is about to be suspended, which on arm64 is a call of PSCI. */
SEC("fexit/sdei_pm_notifier")
int BPF_PROG(client_idle, void *block, unsigned long action)
{
	struct sdei_record_smccc record = {
		.head = client_head(bpf_get_smp_processor_id(), SDEI_NONE, SDEI_SMCCC), .function = PSCI_BASE | SMCCC_64 | PSCI_NUMBER_CPU_SUSPEND,
		.target = SDEI_NONE,
	};

	if (action != CPU_PM_ENTER || !tracing)
		return 0;
	record.head.outcome = SMCCC_BEGUN;
	emit(&record.head, sizeof(record), 0, record.function);
	return 0;
}

/* --- signals, before firmware has them: the target cannot be faster */

#define CPUS_MAX 4096	/* as many as an arm64 kernel can have */

/* The CPU of that affinity; SDEI_NONE: there is none. Few ever look: cpu_of() remembers. */
static __noinline __u32 find_cpu(__u64 affinity)
{
	__u64 of = 0;

	for (__u32 cpu = 0; cpu < cpu_count && cpu < CPUS_MAX; cpu++) {
		if (bpf_probe_read_kernel(&of, sizeof(of), (void *)(cpu_map_address + cpu * sizeof(of))) || of != affinity)
			continue;
		bpf_map_update_elem(&cpus, &affinity, &cpu, BPF_ANY);
		return cpu;
	}
	return SDEI_NONE;
}

static __always_inline __u32 cpu_of(__u64 affinity)
{
	__u32 *cpu = bpf_map_lookup_elem(&cpus, &affinity);

	return cpu ? *cpu : find_cpu(affinity);
}

/* What happened to a CPU that is not known is counted as a loss of which only the kind is known. */
static __always_inline int emit_of(__u64 affinity, struct sdei_record *record)
{
	record->vcpu = cpu_of(affinity);
	if (record->vcpu != SDEI_NONE)
		emit(record, sizeof(*record), 0, 0);
	else
		lose_unplaced(record);
	return 0;
}

SEC("fentry/sdei_event_signal")
int BPF_PROG(client_signal, __u32 event, __u64 affinity)
{
	struct sdei_record record = client_head(0, event, SDEI_SIGNAL);

	if (!tracing)
		return 0;
	record.sender = bpf_get_smp_processor_id();
	record.origin = SDEI_FROM_GUEST;
	record.outcome = SDEI_QUEUED;
	return emit_of(affinity, &record);
}

/* Refused: the signal that client_signal() has sent is none. */
SEC("fexit/sdei_event_signal")
int BPF_PROG(client_signal_end, __u32 event, __u64 affinity, int err)
{
	struct sdei_record record = client_head(0, event, SDEI_CANCEL);

	if (!tracing || err >= 0)
		return 0;
	return emit_of(affinity, &record);
}

/* --- handlers */

/* Every handler begins by asking for the registers that its entry has overwritten, the first one first. */
static __always_inline struct sdei_registered_event *registered_of(__u64 *first_register)
{
	struct sdei_registered_event *none = NULL;

	return (void *)first_register - bpf_core_field_offset(none->interrupted_regs.regs);
}

SEC("fentry/sdei_api_event_context")
int BPF_PROG(client_handler, __u32 query, __u64 *value)
{
	struct sdei_registered_event *registered;
	struct call_begin *begin = call_begin();
	const struct callback *callback;
	struct sdei_record record;
	__u64 address;

	if (query || !tracing)
		return 0;
	if (begin)
		begin->result = 0;
	registered = registered_of(value);
	record = client_head(bpf_get_smp_processor_id(), BPF_CORE_READ(registered, event_num), SDEI_DISPATCH);
	record.pc = BPF_CORE_READ(registered, interrupted_regs.pc);
	address = (__u64)BPF_CORE_READ(registered, callback);
	callback = bpf_map_lookup_elem(&callbacks, &address);
	record.origin = (BPF_CORE_READ(registered, priority) ? SDEI_CRITICAL : 0) | (callback ? callback->role : 0);
	emit(&record, sizeof(record), 0, 0);
	if (callback && callback->has_end)
		return 0;
	record.kind = SDEI_COMPLETE;
	record.outcome = SDEI_END_UNSEEN;
	record.origin = 0;
	record.arg = 0;
	emit(&record, sizeof(record), 0, 0);
	return 0;
}

/* The driver works at EL1, or at EL2 where the kernel was entered there and has stayed. */
static __always_inline __u64 kernel_mode(void)
{
	__u32 boot_mode = 0;

	bpf_probe_read_kernel(&boot_mode, sizeof(boot_mode), (void *)boot_mode_address);
	return boot_mode == BOOT_CPU_MODE_EL2 ? PSR_MODE_EL2H : PSR_MODE_EL1H;
}

/* As do_sdei_event() decides it: what was interrupted where interrupts are off goes on, all else first sees to its work. */
static __always_inline __u8 how_of(__u64 pstate)
{
	return (pstate & PSR_MODE_MASK) == kernel_mode() && pstate & PSR_I_BIT ? SDEI_COMPLETED : SDEI_RESUMED;
}

static __always_inline int end_handler(__u32 event, struct pt_regs___arm64 *regs, int err)
{
	struct sdei_record record = client_head(bpf_get_smp_processor_id(), event, SDEI_COMPLETE);

	if (!tracing)
		return 0;
	record.outcome = err ? SDEI_COMPLETED : how_of(BPF_CORE_READ(regs, pstate));
	record.arg = err ? 1 : 0;	/* SDEI_EV_FAILED */
	emit(&record, sizeof(record), 0, 0);
	return 0;
}

#define HANDLER_END(program, function)									\
	SEC("fexit/" #function)										\
	int BPF_PROG(program, __u32 event, struct pt_regs___arm64 *regs, void *arg, int err)		\
	{												\
		return end_handler(event, regs, err);							\
	}

HANDLER_END(client_end_nmi, sdei_nmi_handler)
HANDLER_END(client_end_normal, ghes_sdei_normal_callback)
HANDLER_END(client_end_critical, ghes_sdei_critical_callback)
