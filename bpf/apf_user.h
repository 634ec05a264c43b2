/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asynchronous page faults whose page user space brings, on kernels where the ioctl KVM_ASYNC_PF is there for it. No worker runs. It
 * is told of them by an exit of the vCPU, or by a ring that it shares with KVM; then it accepts, unless it brings the page at once, and
 * says when the page is there. What these calls are about KVM finds in its list of the vCPU's faults, and so do we.
 */
#ifndef SDEI_APF_USER_H
#define SDEI_APF_USER_H

#include "apf.h"

enum look {
	LOOK_FRAME,		/* the fault of that frame */
	LOOK_COMPLETED,		/* those that user space has said to be there */
};

struct search {
	struct list_head *at, *end;
	__u64 gfn;
	__u32 look;
	__u8 step, outcome;
};

static __always_inline struct list_head *after(struct list_head *at)
{
	struct list_head *next = NULL;

	bpf_probe_read_kernel(&next, sizeof(next), &at->next);
	return next;
}

static __always_inline bool is_completed(struct kvm_async_pf *work)
{
	enum kvm_apf_uf_state state = KVM_APF_UF_PENDING;

	bpf_probe_read_kernel(&state, sizeof(state), &work->uf_state);
	return state == KVM_APF_UF_COMPLETED;
}

static __always_inline void take_step(struct fault *f, __u8 step, __u8 outcome)
{
	struct sdei_record_apf record;

	if (step == APF_READY) {
		tell_ready_once(f, outcome);
		return;
	}
	record = apf_record_of(f, step, outcome);
	apf_send(&record);
}

static long look_at(__u32 index, struct search *s)
{
	__u64 key = (__u64)s->at - bpf_core_field_offset(struct kvm_async_pf, queue);
	struct fault *f;

	if (!s->at || s->at == s->end)
		return 1;
	f = bpf_map_lookup_elem(&faults, &key);
	s->at = after(s->at);
	if (!f || !f->user)
		return 0;
	if (s->look == LOOK_FRAME ? f->gfn != s->gfn : !is_completed((struct kvm_async_pf *)key))
		return 0;
	take_step(f, s->step, s->outcome);
	return s->look == LOOK_FRAME;
}

/* The list may change meanwhile: a step that is so missed is told at the fault's end. */
static __always_inline void search(struct kvm_vcpu *vcpu, struct search s)
{
	s.end = (void *)vcpu + bpf_core_field_offset(vcpu->async_pf.queue);
	s.at = after(s.end);
	bpf_loop(APF_PER_VCPU, look_at, &s, 0);
}

SEC("fexit/kvm_async_pf_accept")
int BPF_PROG(apf_accept, struct kvm_vcpu *vcpu, __u64 gpa)
{
	if (!tracing || result_of(ctx))
		return 0;
	search(vcpu, (struct search){ .gfn = gpa >> 12, .look = LOOK_FRAME, .step = APF_WORKING, .outcome = APF_BY_USER });
	return 0;
}

/* Before the vCPU can know of it. */
SEC("fentry/kvm_async_pf_complete")
int BPF_PROG(apf_complete, struct kvm_vcpu *vcpu, __u64 gpa)
{
	if (!tracing)
		return 0;
	search(vcpu, (struct search){ .gfn = gpa >> 12, .look = LOOK_FRAME, .step = APF_READY, .outcome = APF_BY_USER });
	return 0;
}

/* Those of which user space was told by an exit, and has brought the page before the vCPU went on. Called whenever one goes on. */
SEC("fexit/kvm_async_pf_autocomplete_pending")
int BPF_PROG(apf_autocomplete, struct kvm_vcpu *vcpu)
{
	if (!tracing || !queued_of(vcpu))
		return 0;
	search(vcpu, (struct search){ .look = LOOK_COMPLETED, .step = APF_READY, .outcome = APF_BY_USER });
	return 0;
}

SEC("fexit/kvm_async_pf_drain_exitless")
int BPF_PROG(apf_drain, struct kvm_vcpu *vcpu)
{
	if (!tracing || !queued_of(vcpu))
		return 0;
	search(vcpu, (struct search){ .look = LOOK_COMPLETED, .step = APF_READY, .outcome = APF_BY_RING });
	return 0;
}

#define SETUP_BY_RING 0		/* KVM_ASYNC_PF_SETUP_EXITLESS: what it returns where no exit is needed; below 0 it could not be set up */

/* The newest of the vCPU, whose thread this is. */
SEC("fexit/kvm_async_pf_setup_userfault")
int BPF_PROG(apf_ring, struct kvm_vcpu *vcpu, __u64 gpa)
{
	struct list_head *newest = NULL, *queue = (void *)vcpu + bpf_core_field_offset(vcpu->async_pf.queue);
	int result = result_of(ctx);
	struct fault *f;
	__u64 key;

	if (!tracing)
		return 0;
	if (result < 0)
		send_refused(vcpu, gpa);
	if (result != SETUP_BY_RING)
		return 0;
	bpf_probe_read_kernel(&newest, sizeof(newest), &queue->prev);
	key = (__u64)newest - bpf_core_field_offset(struct kvm_async_pf, queue);
	f = bpf_map_lookup_elem(&faults, &key);
	if (!f)
		return 0;
	take_step(f, APF_WORKING, APF_BY_RING);
	if (is_completed((struct kvm_async_pf *)key))	/* which was seen before the fault was */
		tell_ready_once(f, APF_BY_RING);
	return 0;
}

#endif /* SDEI_APF_USER_H */
