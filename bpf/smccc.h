/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls of guests that follow the SMC Calling Convention: records of kind SMCCC. From functions of arm64's KVM, so on any kernel
 * and without a patch: calls of SDEI, which such a kernel refuses or leaves to the VMM, and those of PSCI that turn vCPUs or the VM
 * on and off. Whatever else a guest calls pays for one look at its number.
 *
 * The answer is written over the arguments, so they are kept from the beginning of a call to its end, which is seconds later when
 * a vCPU suspends itself. That one with its PE masked begins has a record, too: such a mask may last.
 */
#ifndef SDEI_SMCCC_H
#define SDEI_SMCCC_H

#include "emit.h"
#include "psci.h"

/* A bit for each of the list. */
#define TRACED(id, NAME) | 1U << (id)
#define PSCI_TRACED (0 PSCI_CALLS(TRACED))

const volatile bool smccc_sdei;	/* calls of SDEI have no tracepoint of their own */

/* A call under way. */
struct smccc_call {
	__u64 args[2];		/* x1, x2 */
	__u64 since_ns;
	__u32 function;
	__u32 target;		/* vcpu_id; SDEI_NONE: none, or not known */
};

/* Sized by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);	/* thread that is in a call */
	__type(value, struct smccc_call);
} smccc_calls SEC(".maps");

volatile __u32 smccc_under_way;	/* calls in that map: mostly none, and then there is no need to look */

static __always_inline __u32 psci_number(__u32 function)
{
	return (function & ~SMCCC_64) - PSCI_BASE;
}

static __always_inline bool is_psci(__u32 function)
{
	__u32 number = psci_number(function);

	return number < PSCI_NUMBERS && PSCI_TRACED >> number & 1;
}

static __always_inline bool is_traced_call(__u32 function)
{
	return is_psci(function) || (smccc_sdei && function >= SMCCC_SDEI_FIRST && function <= SMCCC_SDEI_LAST);
}

static __always_inline __u64 argument(__u64 value, __u32 function)
{
	return function & SMCCC_64 ? value : (__u32)value;
}

static __always_inline struct sdei_record_smccc smccc_record(struct kvm_vcpu *vcpu, const struct smccc_call *call)
{
	return (struct sdei_record_smccc) {
		.head = head_seldom(vcpu, SDEI_NONE, 0, SDEI_SMCCC), .args = { call->args[0], call->args[1] },
		.function = call->function, .target = call->target,
	};
}

/* There is no room to remember the call. */
static __noinline int lose_call(struct sdei_record_smccc *record)
{
	__u32 id = bpf_get_smp_processor_id();
	struct sdei_cpu *cpu = bpf_map_lookup_elem(&counters, &id);

	if (!cpu)
		return 0;
	raise(&cpu->kinds[SDEI_SMCCC].attempted, SDEI_SMCCC);
	lose(cpu, &record->head, SDEI_SMCCC, 0, record->function);
	return 0;
}

/* One that this thread has begun and whose end was missed is forgotten. False: there is no room. */
static __always_inline bool remember(__u32 thread, const struct smccc_call *call)
{
	if (bpf_map_update_elem(&smccc_calls, &thread, call, BPF_NOEXIST))
		return !bpf_map_update_elem(&smccc_calls, &thread, call, BPF_EXIST);
	__sync_fetch_and_add(&smccc_under_way, 1);
	return true;
}

static __always_inline bool suspends_masked(struct kvm_vcpu *vcpu, __u32 function)
{
	return psci_number(function) == PSCI_NUMBER_CPU_SUSPEND && bpf_core_field_exists(vcpu->arch.sdei.masked) && FAR(vcpu, arch.sdei.masked);
}

SEC("fentry/kvm_smccc_call_handler")
int BPF_PROG(smccc_begin, struct kvm_vcpu *vcpu)
{
	struct smccc_call call = { .target = SDEI_NONE };
	__u32 thread = bpf_get_current_pid_tgid();
	struct sdei_record_smccc record;

	call.function = FAR(vcpu, arch.ctxt.regs.regs[0]);
	if (!is_traced_call(call.function) || !tracing)
		return 0;
	record = smccc_record(vcpu, &call);
	if (!is_wanted(&record.head))
		return 0;
	call.args[0] = argument(FAR(vcpu, arch.ctxt.regs.regs[1]), call.function);
	call.args[1] = argument(FAR(vcpu, arch.ctxt.regs.regs[2]), call.function);
	call.since_ns = bpf_ktime_get_ns();
	if (!remember(thread, &call))
		lose_call(&record);
	if (!suspends_masked(vcpu, call.function))
		return 0;
	record.head.outcome = SMCCC_BEGUN;
	send(&record.head, SDEI_SMCCC, sizeof(record), 0, call.function);
	return 0;
}

/* The vCPU that CPU_ON names by its affinity. */
SEC("fexit/kvm_mpidr_to_vcpu")
int BPF_PROG(smccc_target, struct kvm *kvm, unsigned long mpidr, struct kvm_vcpu *target)
{
	__u32 thread = bpf_get_current_pid_tgid();
	struct smccc_call *call;

	if (!smccc_under_way || !target)
		return 0;
	call = bpf_map_lookup_elem(&smccc_calls, &thread);
	if (call && psci_number(call->function) == PSCI_NUMBER_CPU_ON)
		call->target = BPF_CORE_READ(target, vcpu_id);
	return 0;
}

/* answered: 1, KVM has answered, in x0; else the VMM has to, or to do what was asked for. */
SEC("fexit/kvm_smccc_call_handler")
int BPF_PROG(smccc, struct kvm_vcpu *vcpu, int answered)
{
	__u32 thread = bpf_get_current_pid_tgid();
	struct sdei_record_smccc record;
	struct smccc_call *call;
	__u64 since_ns;

	if (!smccc_under_way)
		return 0;
	call = bpf_map_lookup_elem(&smccc_calls, &thread);
	if (!call)
		return 0;
	record = smccc_record(vcpu, call);
	since_ns = call->since_ns;
	bpf_map_delete_elem(&smccc_calls, &thread);
	__sync_fetch_and_add(&smccc_under_way, -1);
	if (!tracing)
		return 0;
	record.head.outcome = answered == 1 ? SMCCC_ANSWERED : SMCCC_FORWARDED;
	record.head.result = answered == 1 ? FAR(vcpu, arch.ctxt.regs.regs[0]) : 0;
	send_lasting(&record.head, SDEI_SMCCC, sizeof(record), (struct lasting){ since_ns, .duration_ns = &record.duration_ns },
		     record.head.result < 0 ? record.head.result : 0, record.function);
	return 0;
}

#endif /* SDEI_SMCCC_H */
