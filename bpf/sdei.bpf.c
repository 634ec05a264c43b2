// SPDX-License-Identifier: GPL-2.0-only
/*
 * One program per kvm_sdei_* tracepoint, named like it; each only puts its
 * arguments where the record has them. The arguments are the contract of
 * tracepoints/README.md, where fields are only ever appended.
 * The programs of apf.h, counter.h, gic.h, place.h, smccc.h and snapshot.h are in the same object, because they
 * share its maps.
 */
#include <stdbool.h>
#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "apf.h"
#include "apf_user.h"
#include "counter.h"
#include "emit.h"
#include "gic.h"
#include "place.h"
#include "smccc.h"
#include "snapshot.h"

char _license[] SEC("license") = "GPL";

static __always_inline int emit(struct kvm_vcpu *vcpu, struct sdei_record *record, __u64 size, __s32 error,
				__u32 function)
{
	if (!tracing || !is_wanted(record))
		return 0;
	send(record, record->kind, size, error, function);
	if (sched)
		follow(vcpu, record);
	return 0;
}

SEC("tp_btf/kvm_sdei_register")
int BPF_PROG(kvm_sdei_register, struct kvm_vcpu *vcpu, __u32 event, __u32 state, __u64 ep_addr, __u64 ep_arg)
{
	struct sdei_record_handler record = {
		.head = head_seldom(vcpu, event, state, SDEI_REGISTER), .ep_addr = ep_addr, .ep_arg = ep_arg,
	};

	return emit(vcpu, &record.head, sizeof(record), 0, 0);
}

SEC("tp_btf/kvm_sdei_unregister")
int BPF_PROG(kvm_sdei_unregister, struct kvm_vcpu *vcpu, __u32 event, __u32 state, __u32 cleared, int result)
{
	struct sdei_record record = head_seldom(vcpu, event, state, SDEI_UNREGISTER);

	record.outcome = cleared;
	record.error = result;
	return emit(vcpu, &record, sizeof(record), result, 0);
}

SEC("tp_btf/kvm_sdei_enable")
int BPF_PROG(kvm_sdei_enable, struct kvm_vcpu *vcpu, __u32 event, __u32 state)
{
	struct sdei_record record = head_seldom(vcpu, event, state, SDEI_ENABLE);

	return emit(vcpu, &record, sizeof(record), 0, 0);
}

SEC("tp_btf/kvm_sdei_disable")
int BPF_PROG(kvm_sdei_disable, struct kvm_vcpu *vcpu, __u32 event, __u32 state)
{
	struct sdei_record record = head_seldom(vcpu, event, state, SDEI_DISABLE);

	return emit(vcpu, &record, sizeof(record), 0, 0);
}

SEC("tp_btf/kvm_sdei_mask")
int BPF_PROG(kvm_sdei_mask, struct kvm_vcpu *vcpu, __u32 event, __u32 state, int result)
{
	struct sdei_record record = head(vcpu, event, state, SDEI_MASK);

	record.error = result;
	return emit(vcpu, &record, sizeof(record), result, 0);
}

SEC("tp_btf/kvm_sdei_unmask")
int BPF_PROG(kvm_sdei_unmask, struct kvm_vcpu *vcpu, __u32 event, __u32 state, int result)
{
	struct sdei_record record = head(vcpu, event, state, SDEI_UNMASK);

	record.error = result;
	return emit(vcpu, &record, sizeof(record), result, 0);
}

SEC("tp_btf/kvm_sdei_reset")
int BPF_PROG(kvm_sdei_reset, struct kvm_vcpu *vcpu, __u32 event, __u32 state, __u32 reason)
{
	struct sdei_record record = head_seldom(vcpu, event, state, SDEI_RESET);

	record.origin = reason;
	return emit(vcpu, &record, sizeof(record), 0, 0);
}

SEC("tp_btf/kvm_sdei_signal")
int BPF_PROG(kvm_sdei_signal, struct kvm_vcpu *vcpu, __u32 event, __u32 state, __u32 source, __u32 sender,
	     __u32 outcome, int error)
{
	struct sdei_record record = head(vcpu, event, state, SDEI_SIGNAL);

	record.origin = source;
	record.sender = sender;
	record.outcome = outcome;
	record.error = error;
	return emit(vcpu, &record, sizeof(record), error, 0);
}

SEC("tp_btf/kvm_sdei_cancel")
int BPF_PROG(kvm_sdei_cancel, struct kvm_vcpu *vcpu, __u32 event, __u32 state, int error)
{
	struct sdei_record record = head_seldom(vcpu, event, state, SDEI_CANCEL);

	record.error = error;
	return emit(vcpu, &record, sizeof(record), error, 0);
}

/* ep_addr is left out: the record of REGISTER or STATE had it, and this one stays small. */
SEC("tp_btf/kvm_sdei_dispatch")
int BPF_PROG(kvm_sdei_dispatch, struct kvm_vcpu *vcpu, __u32 event, __u32 state, __u64 ep_addr, __u64 pc)
{
	struct sdei_record record = head(vcpu, event, state, SDEI_DISPATCH);

	record.pc = pc;
	return emit(vcpu, &record, sizeof(record), 0, 0);
}

SEC("tp_btf/kvm_sdei_complete")
int BPF_PROG(kvm_sdei_complete, struct kvm_vcpu *vcpu, __u32 event, __u32 state, __u32 how, __u64 arg)
{
	struct sdei_record record = head(vcpu, event, state, SDEI_COMPLETE);

	record.outcome = how;
	record.arg = arg;
	return emit(vcpu, &record, sizeof(record), 0, 0);
}

SEC("tp_btf/kvm_sdei_call")
int BPF_PROG(kvm_sdei_call, struct kvm_vcpu *vcpu, __u32 event, __u32 state, __u32 function, __u64 arg1,
	     __u64 arg2, __u64 arg3, __u64 arg4, __u64 arg5, __s64 result)
{
	struct sdei_record_call record = {
		.head = head(vcpu, event, state, SDEI_CALL), .args = { arg1, arg2, arg3 }, .function = function,
	};

	record.head.result = result;
	return emit(vcpu, &record.head, sizeof(record), result < 0 ? result : 0, function);
}

SEC("tp_btf/kvm_sdei_state")
int BPF_PROG(kvm_sdei_state, struct kvm_vcpu *vcpu, __u32 event, __u32 state, __u32 reason, __u32 cleared,
	     __u64 ep_addr, __u64 ep_arg)
{
	struct sdei_record_handler record = {
		.head = head_seldom(vcpu, event, state, SDEI_STATE), .ep_addr = ep_addr, .ep_arg = ep_arg,
	};

	record.head.origin = reason;
	record.head.outcome = cleared;
	return emit(vcpu, &record.head, sizeof(record), 0, 0);
}
