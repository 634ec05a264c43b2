// SPDX-License-Identifier: GPL-2.0-only
/*
 * The programs of sdei.bpf.c, and others to compare them with, on the one
 * tracepoint that can be fired at will on any kernel: bpf_test_run's
 * bpf_trigger_tp(int nonce). Only one of them is attached at a time.
 *
 * That tracepoint has no vCPU to give: its place is taken by memory with the
 * fields of a struct kvm_vcpu where this kernel has them, told to the verifier
 * with bpf_rdonly_cast(), which costs nothing when it runs. The other arguments
 * are read from memory too, as from a tracepoint's context.
 */
#include "sdei.bpf.c"

#define PRODUCERS 2
#define OBJECT_BYTES 65536	/* larger than struct kvm and struct kvm_vcpu of any kernel, as far as they are used */

/* Of one CPU each, with room between what both write. */
__u64 fake_vcpus[PRODUCERS][OBJECT_BYTES / 8], fake_vms[PRODUCERS][OBJECT_BYTES / 8];

/* The arguments behind the vCPU, as in the context of a tracepoint. */
__u64 args[PRODUCERS][16];

enum {
	ARG_EVENT, ARG_SIGNALLED, ARG_DISPATCHED, ARG_COMPLETED, ARG_SOURCE, ARG_SENDER, ARG_OUTCOME, ARG_ERROR, ARG_ADDRESS, ARG_PC,
	ARG_HOW, ARG_VALUE, ARG_FUNCTION,
};

/* What the nonce says. */
#define NONCE_PRODUCER(nonce) (((nonce) >> 2) & (PRODUCERS - 1))
#define NONCE(producer, step) ((producer) << 2 | (step))
enum { STEP_SIGNAL, STEP_DISPATCH, STEP_COMPLETE };

extern void *bpf_rdonly_cast(const void *object, __u32 type_id) __ksym;
extern int bpf_modify_return_test_tp(int nonce) __ksym;

static __always_inline struct kvm_vcpu *vcpu_of(__u32 producer)
{
	return bpf_rdonly_cast(&fake_vcpus[producer], bpf_core_type_id_kernel(struct kvm_vcpu));
}

/* --- what is compared */

SEC("tp_btf/bpf_trigger_tp")
int BPF_PROG(empty, int nonce)
{
	return 0;
}

__u64 stamped;

SEC("tp_btf/bpf_trigger_tp")
int BPF_PROG(stamp, int nonce)
{
	stamped = bpf_ktime_get_ns();
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 21);
} bare_ring SEC(".maps");

/* The least that any tracer with a record per event does: 64 bytes with the time in a ring. */
SEC("tp_btf/bpf_trigger_tp")
int BPF_PROG(bare, int nonce)
{
	struct sdei_record_call *record = bpf_ringbuf_reserve(&bare_ring, sizeof(*record), 0);

	if (!record)
		return 0;
	record->head.time_ns = bpf_ktime_get_ns();
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 0;
}

static __always_inline int run_signal(unsigned long long *ctx, __u32 p)
{
	return ____kvm_sdei_signal(ctx, vcpu_of(p), args[p][ARG_EVENT], args[p][ARG_SIGNALLED], args[p][ARG_SOURCE],
				   args[p][ARG_SENDER], args[p][ARG_OUTCOME], args[p][ARG_ERROR]);
}

static __always_inline int run_dispatch(unsigned long long *ctx, __u32 p)
{
	return ____kvm_sdei_dispatch(ctx, vcpu_of(p), args[p][ARG_EVENT], args[p][ARG_DISPATCHED], args[p][ARG_ADDRESS],
				     args[p][ARG_PC]);
}

static __always_inline int run_complete(unsigned long long *ctx, __u32 p)
{
	return ____kvm_sdei_complete(ctx, vcpu_of(p), args[p][ARG_EVENT], args[p][ARG_COMPLETED], args[p][ARG_HOW],
				     args[p][ARG_VALUE]);
}

SEC("tp_btf/bpf_trigger_tp")
int BPF_PROG(signal, int nonce)
{
	return run_signal(ctx, 0);
}

SEC("tp_btf/bpf_trigger_tp")
int BPF_PROG(dispatch, int nonce)
{
	return run_dispatch(ctx, 0);
}

SEC("tp_btf/bpf_trigger_tp")
int BPF_PROG(call, int nonce)
{
	return ____kvm_sdei_call(ctx, vcpu_of(0), args[0][ARG_EVENT], args[0][ARG_COMPLETED], args[0][ARG_FUNCTION],
				 args[0][ARG_VALUE], args[0][ARG_VALUE], args[0][ARG_VALUE], args[0][ARG_VALUE], args[0][ARG_VALUE],
				 args[0][ARG_ERROR]);
}

/* All three of an episode, as the nonce says: in the kernel they are three programs. */
SEC("tp_btf/bpf_trigger_tp")
int BPF_PROG(stream, int nonce)
{
	__u32 p = NONCE_PRODUCER(nonce);

	switch (nonce & 3) {
	case STEP_SIGNAL:
		return run_signal(ctx, p);
	case STEP_DISPATCH:
		return run_dispatch(ctx, p);
	default:
		return run_complete(ctx, p);
	}
}

/* --- what fires */

static __always_inline void set_vcpu(__u32 producer, __u32 vm, __u32 vcpu)
{
	((__u32 *)fake_vcpus[producer])[bpf_core_field_offset(struct kvm_vcpu, vcpu_id) / 4] = vcpu;
	((__u32 *)fake_vms[producer])[bpf_core_field_offset(struct kvm, userspace_pid) / 4] = vm;
}

static __always_inline void prepare_one(__u32 p)
{
	fake_vcpus[p][bpf_core_field_offset(struct kvm_vcpu, kvm) / 8] = (__u64)&fake_vms[p];
	set_vcpu(p, 1000, p);
	args[p][ARG_SIGNALLED] = SDEI_REGISTERED | SDEI_ENABLED | SDEI_PENDING;
	args[p][ARG_DISPATCHED] = SDEI_REGISTERED | SDEI_ENABLED | SDEI_RUNNING;
	args[p][ARG_COMPLETED] = SDEI_REGISTERED | SDEI_ENABLED;
	args[p][ARG_SOURCE] = SDEI_FROM_VMM;
	args[p][ARG_SENDER] = SDEI_NONE;
	args[p][ARG_OUTCOME] = SDEI_QUEUED;
	args[p][ARG_HOW] = SDEI_COMPLETED;
}

SEC("syscall")
int prepare(void *ctx)
{
	prepare_one(0);
	prepare_one(1);
	return 0;
}

struct fire {
	__u32 count;	/* of turns */
	__u32 vcpus;	/* whose turn it is, one after the other */
	__u32 next;
	__u32 producer;
};

static long fire_one(__u32 i, void *ctx)
{
	bpf_modify_return_test_tp(i);
	return 0;
}

SEC("syscall")
int fire(struct fire *f)
{
	bpf_loop(f->count, fire_one, NULL, 0);
	return 0;
}

/* An episode of the next vCPU; each producer has its own ones. A VM has eight vCPUs. */
static long fire_episode(__u32 i, struct fire *f)
{
	__u32 producer = f->producer & (PRODUCERS - 1), number = f->next * PRODUCERS + producer;

	set_vcpu(producer, 1000 + number / 8, number % 8);
	if (++f->next >= f->vcpus)
		f->next = 0;
	bpf_modify_return_test_tp(NONCE(producer, STEP_SIGNAL));
	bpf_modify_return_test_tp(NONCE(producer, STEP_DISPATCH));
	bpf_modify_return_test_tp(NONCE(producer, STEP_COMPLETE));
	return 0;
}

SEC("syscall")
int fire_stream(struct fire *f)
{
	struct fire own = *f;

	bpf_loop(f->count, fire_episode, &own, 0);
	f->next = own.next;
	return 0;
}
