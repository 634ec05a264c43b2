/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page faults, from functions of KVM: so on any kernel that has them, without a patch. Records of kind APF.
 *
 * An asynchronous one is seen in virt/kvm/async_pf.c and what it calls: a work item of the kernel, whose address is used again as
 * soon as it is done; so each gets an id, for as long as it is in `faults`. The worker's steps are distinguished by its thread,
 * because its item may be gone before it returns. A synchronous one is the time that KVM's handler of page faults takes.
 */
#ifndef SDEI_APF_H
#define SDEI_APF_H

#include "emit.h"
#include "faults.h"

#define APF_PER_VCPU 64		/* ASYNC_PF_PER_VCPU */
#define MSR_KVM_ASYNC_PF_ACK 0x4b564d07

#define SYNC_NS 20000		/* a fault that takes as long is recorded by itself */

/* Set between open and load. */
const volatile __u8 apf_untold = APF_UNTOLD;	/* what it means that the guest is not told */
const volatile bool sdei;			/* kvm_sdei_state shows the ends of vCPUs */

/* One that is in flight. */
struct fault {
	__u64 id, gfn, token;
	__u64 vcpu_address;
	__u32 vm, vcpu;
	__u32 ready;		/* of one that user space brings: told to be */
	bool told, user;
};

/* A worker that handles a fault. */
struct worker {
	struct fault fault;
	bool ready;		/* told to be */
};

/* Sized by user space. Room is made as there are any: for as many as there may be at once it would be 7 MB. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, __u64);	/* address of the work item */
	__type(value, struct fault);
} faults SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);	/* thread */
	__type(value, struct worker);
} workers SEC(".maps");

/* Mapped by user space, which so looks at them, and takes what is added up in them, without a system call. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sdei_vcpu_faults);
} vcpus_faults SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, __u64);	/* address of the vCPU */
	__type(value, __u32);	/* its place in vcpus_faults */
} places SEC(".maps");

/* Places that vCPUs have left. */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 1);
	__type(value, __u32);
} free_places SEC(".maps");

volatile __u32 places_used;	/* those from here on have never been taken */

/* Which vCPU a thread was last in a fault of. Threads end unseen: the oldest make room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);	/* thread */
	__type(value, __u64);	/* address of the vCPU */
} threads SEC(".maps");

volatile __u64 last_fault;	/* id */

/* Workers that handle a fault, mostly none: get_user_pages_remote() has other callers. */
volatile __u32 working;

static __always_inline struct sdei_record_apf apf_record(__u32 vm, __u32 vcpu, __u8 step, __u8 outcome)
{
	return (struct sdei_record_apf) {
		.head = { .vm = vm, .vcpu = vcpu, .event = SDEI_NONE, .kind = SDEI_APF, .origin = step, .outcome = outcome },
	};
}

static __always_inline struct sdei_record_apf apf_record_of(const struct fault *f, __u8 step, __u8 outcome)
{
	struct sdei_record_apf record = apf_record(f->vm, f->vcpu, step, outcome);

	record.head.arg = f->token;
	record.id = f->id;
	record.gfn = f->gfn;
	return record;
}

static __always_inline struct sdei_record_apf apf_record_vcpu(struct kvm_vcpu *vcpu, __u8 step, __u8 outcome)
{
	struct sdei_record_apf record = apf_record(vm_of_seldom(vcpu), FAR(vcpu, vcpu_id), step, outcome);

	record.queued = queued_of(vcpu);
	return record;
}

static __always_inline void apf_send(struct sdei_record_apf *record)
{
	if (is_wanted(&record->head))
		send(&record->head, SDEI_APF, sizeof(*record), 0, 0);
}

/* --- the vCPU's side */

static __always_inline __u64 token_of(struct kvm_async_pf *work)
{
	if (bpf_core_field_exists(struct kvm_arch_async_pf, token))
		return work->arch.token;
	if (bpf_core_field_exists(struct kvm_arch_async_pf, pfault_token))
		return work->arch.pfault_token;
	return 0;
}

static __always_inline __u64 gfn_of(struct kvm_async_pf *work)
{
	if (bpf_core_field_exists(struct kvm_arch_async_pf, gfn))
		return work->arch.gfn;
	return work->cr2_or_gpa >> 12;
}

/* NULL: that vCPU has had no fault yet, or there was no room for it. */
static __always_inline struct sdei_vcpu_faults *faults_at(__u64 vcpu_address)
{
	__u32 *place = bpf_map_lookup_elem(&places, &vcpu_address);

	return place ? bpf_map_lookup_elem(&vcpus_faults, place) : NULL;
}

/* Without room, what comes of it later is not sent: that shows as one lost record. */
static __always_inline void lose_fault(struct sdei_record *record)
{
	__u32 id = bpf_get_smp_processor_id();
	struct sdei_cpu *cpu = bpf_map_lookup_elem(&counters, &id);

	if (!cpu)
		return;
	raise(&cpu->kinds[SDEI_APF].attempted, SDEI_APF);
	lose(cpu, record, SDEI_APF, 0, 0);
}

/* Kernels where nobody but a worker brings it do not say. */
static __always_inline bool is_of_user(struct kvm_async_pf *work)
{
	return bpf_core_field_exists(work->userfault) && work->userfault;
}

SEC("fentry/kvm_arch_async_page_not_present")
int BPF_PROG(apf_setup, struct kvm_vcpu *vcpu, struct kvm_async_pf *work)
{
	struct fault fault = {
		.gfn = gfn_of(work), .token = token_of(work), .vcpu_address = (__u64)vcpu,
		.vm = vm_of_seldom(vcpu), .vcpu = FAR(vcpu, vcpu_id),
	};
	struct sdei_vcpu_faults *in_fault;
	struct sdei_record_apf record;
	bool user = is_of_user(work);
	__u64 key = (__u64)work;
	struct fault *f;

	if (!tracing)
		return 0;
	fault.id = __sync_fetch_and_add(&last_fault, 1) + 1;
	record = apf_record_of(&fault, APF_SETUP, user ? APF_BY_USER : APF_BY_WORKER);
	record.queued = queued_of(vcpu);
	if (!is_wanted(&record.head))
		return 0;
	if (bpf_map_update_elem(&faults, &key, &fault, BPF_ANY)) {
		lose_fault(&record.head);
		return 0;
	}
	send(&record.head, SDEI_APF, sizeof(record), 0, 0);
	f = bpf_map_lookup_elem(&faults, &key);
	if (f)		/* not before that: user space may be as quick as to say at once that the page is there */
		f->user = user;
	in_fault = faults_at(fault.vcpu_address);
	if (in_fault)
		in_fault->handed_over = true;
	return 0;
}

/* What a function has returned, whose arguments may be more than are known here. */
static __always_inline int result_of(void *ctx)
{
	__u64 value = 0;

	bpf_get_func_ret(ctx, &value);
	return value;
}

/* Of a bool only its byte is defined. */
static __always_inline bool returned(void *ctx)
{
	return result_of(ctx) & 0xff;
}

/* It returns whether the guest was told. */
SEC("fexit/kvm_arch_async_page_not_present")
int BPF_PROG(apf_not_present, struct kvm_vcpu *vcpu, struct kvm_async_pf *work)
{
	__u64 key = (__u64)work;
	struct fault *f = bpf_map_lookup_elem(&faults, &key);
	struct sdei_record_apf record;
	bool told;

	if (!f || !tracing)
		return 0;
	told = f->told = returned(ctx);
	record = apf_record_of(f, APF_NOT_PRESENT, told ? APF_TOLD : apf_untold);
	record.queued = queued_of(vcpu);
	apf_send(&record);
	return 0;
}

/* In the order of the checks of kvm_setup_async_pf(): what is left is a bad address or no memory. */
static __always_inline void send_refused(struct kvm_vcpu *vcpu, __u64 gpa)
{
	struct sdei_record_apf record = apf_record_vcpu(vcpu, APF_FALLBACK, queued_of(vcpu) >= APF_PER_VCPU ? APF_FALLBACK_FULL :
							APF_FALLBACK_NO_MEMORY);

	record.gfn = gpa >> 12;
	apf_send(&record);
}

SEC("fexit/kvm_setup_async_pf")
int BPF_PROG(apf_refused, struct kvm_vcpu *vcpu, __u64 gpa)
{
	if (tracing && !returned(ctx) && !bpf_core_field_exists(struct kvm_arch_async_pf, fallback))	/* arm64 reports it with all others */
		send_refused(vcpu, gpa);
	return 0;
}

/* x86 asks this first. */
SEC("fexit/kvm_can_do_async_pf")
int BPF_PROG(apf_not_now, struct kvm_vcpu *vcpu)
{
	struct sdei_record_apf record;

	if (!tracing || returned(ctx))
		return 0;
	record = apf_record_vcpu(vcpu, APF_FALLBACK, APF_FALLBACK_NOT_NOW);
	apf_send(&record);
	return 0;
}

/*
 * enum kvm_apf_fallback of arm64, see tracepoints/README.md. Without branches: behind each of them the verifier would look
 * once more for what the kernel says of struct kvm, four times through all of its BTF.
 */
#define FALLBACK(reason, outcome) ((__u64)(outcome) << 4 * (reason))

static __always_inline __u8 fallback_of(__u32 reason)
{
	const __u64 outcomes = FALLBACK(1, APF_FALLBACK_OFF) | FALLBACK(2, APF_FALLBACK_MASKED) | FALLBACK(3, APF_FALLBACK_BUSY) |
			       FALLBACK(4, APF_FALLBACK_PENDING) | FALLBACK(5, APF_FALLBACK_NOT_NOW) |
			       FALLBACK(7, APF_FALLBACK_FULL) | FALLBACK(10, APF_FALLBACK_NO_MEMORY);

	return (reason < 16 ? outcomes >> 4 * reason & 15 : 0) ?: APF_FALLBACK_OTHER;
}

/* arm64. With a token it is about a fault that was set up, of which APF_NOT_PRESENT says that the guest was not told. */
SEC("tp_btf/kvm_apf_fallback")
int BPF_PROG(apf_fallback_arm64, struct kvm_vcpu *vcpu, __u32 token, __u64 gfn, __u32 reason)
{
	struct sdei_record_apf record;

	if (token || !tracing)
		return 0;
	record = apf_record_vcpu(vcpu, APF_FALLBACK, fallback_of(reason));
	record.gfn = gfn;
	apf_send(&record);
	return 0;
}

/*
 * How a fault of which the guest was told has ended. arm64 may withdraw the not-present; and whoever has switched the service
 * off meanwhile, or was reset, is told nothing.
 */
static __always_inline __u8 present_outcome(struct kvm_vcpu *vcpu, struct kvm_async_pf *work, const struct fault *f)
{
	if (!f->told)
		return APF_SILENT;
	if (!bpf_core_field_exists(vcpu->arch.apf.ready_token))
		return APF_SIGNALLED;
	if (!work->notpresent_injected)
		return APF_SILENT;
	return FAR(vcpu, arch.apf.ready_token) == f->token ? APF_SIGNALLED : APF_CANCELLED;
}

/* User space may say so twice, and it may be seen at its end only. */
static __always_inline void tell_ready_once(struct fault *f, __u8 by)
{
	struct sdei_record_apf record;

	if (__sync_lock_test_and_set(&f->ready, 1))
		return;
	record = apf_record_of(f, APF_READY, by);
	apf_send(&record);
}

/* Its item lives until the caller frees it. */
SEC("fexit/kvm_arch_async_page_present")
int BPF_PROG(apf_present, struct kvm_vcpu *vcpu, struct kvm_async_pf *work)
{
	__u64 key = (__u64)work;
	struct fault *f = bpf_map_lookup_elem(&faults, &key);
	struct sdei_record_apf record;

	if (!f || !tracing)
		return 0;
	if (f->user)
		tell_ready_once(f, APF_BY_USER);	/* whoever said so: its program has yet to look */
	record = apf_record_of(f, APF_PRESENT, present_outcome(vcpu, work, f));
	record.queued = queued_of(vcpu);
	bpf_map_delete_elem(&faults, &key);
	apf_send(&record);
	return 0;
}

static __always_inline int wake_all(struct kvm_vcpu *vcpu)
{
	struct sdei_record_apf record;

	if (!tracing)
		return 0;
	record = apf_record_vcpu(vcpu, APF_PRESENT, APF_WAKE_ALL);
	apf_send(&record);
	return 0;
}

/* x86: a work item of its own, that no worker has. */
SEC("fexit/kvm_arch_async_page_present")
int BPF_PROG(apf_wake_all, struct kvm_vcpu *vcpu, struct kvm_async_pf *work)
{
	return work->wakeup_all ? wake_all(vcpu) : 0;
}

/* arm64, which has no item for it. */
#define KVM_APF_WAKE_ALL 3

SEC("tp_btf/kvm_apf_present")
int BPF_PROG(apf_wake_all_arm64, struct kvm_vcpu *vcpu, __u32 token, __u64 gfn, __u32 reason)
{
	return reason == KVM_APF_WAKE_ALL ? wake_all(vcpu) : 0;
}

/* x86. The guest's answer to page-ready lets the next one through: told before what comes of it. */
SEC("fentry/kvm_set_msr_common")
int BPF_PROG(apf_ack, struct kvm_vcpu *vcpu, struct msr_data *msr)
{
	struct sdei_record_apf record;

	if (msr->index != MSR_KVM_ASYNC_PF_ACK || msr->host_initiated || !(msr->data & 1) || !tracing)
		return 0;
	record = apf_record_vcpu(vcpu, APF_ACK, 0);
	apf_send(&record);
	return 0;
}

/* arm64 */
SEC("tp_btf/kvm_apf_ack")
int BPF_PROG(apf_ack_arm64, struct kvm_vcpu *vcpu, __u32 token)
{
	struct sdei_record_apf record;

	if (!tracing)
		return 0;
	record = apf_record_vcpu(vcpu, APF_ACK, 0);
	record.head.arg = token;
	apf_send(&record);
	return 0;
}

static long forget_fault(void *map, __u64 *key, struct fault *f, __u64 *vcpu)
{
	if (f->vcpu_address == *vcpu)
		bpf_map_delete_elem(map, key);
	return 0;
}

SEC("fentry/kvm_clear_async_pf_completion_queue")
int BPF_PROG(apf_clear, struct kvm_vcpu *vcpu)
{
	struct sdei_record_apf record;
	__u64 address = (__u64)vcpu;

	if (!tracing || !queued_of(vcpu))
		return 0;
	record = apf_record_vcpu(vcpu, APF_CLEAR, 0);
	bpf_for_each_map_elem(&faults, forget_fault, &address, 0);
	apf_send(&record);
	return 0;
}

/* --- the worker's side */

SEC("fentry/async_pf_execute")
int BPF_PROG(apf_working, void *work)
{
	__u64 key = (__u64)work - bpf_core_field_offset(struct kvm_async_pf, work);
	__u32 thread = bpf_get_current_pid_tgid();
	struct fault *f = bpf_map_lookup_elem(&faults, &key);
	struct worker worker = {};
	struct sdei_record_apf record;

	if (!f || !tracing)
		return 0;
	worker.fault = *f;
	record = apf_record_of(f, APF_WORKING, 0);
	if (!bpf_map_update_elem(&workers, &thread, &worker, BPF_NOEXIST))
		__sync_fetch_and_add(&working, 1);
	apf_send(&record);
	return 0;
}

static __always_inline void tell_ready(struct worker *worker)
{
	struct sdei_record_apf record = apf_record_of(&worker->fault, APF_READY, 0);

	worker->ready = true;
	apf_send(&record);
}

/* Before the vCPU can know of it: so it is never told present before it is told ready. */
SEC("fexit/get_user_pages_remote")
int BPF_PROG(apf_page)
{
	__u32 thread = bpf_get_current_pid_tgid();
	struct worker *worker;

	if (!working || !tracing)
		return 0;
	worker = bpf_map_lookup_elem(&workers, &thread);
	if (worker && !worker->ready)
		tell_ready(worker);
	return 0;
}

/* Without the above, or when the VM's memory is gone already, as soon as it is told. */
SEC("fexit/async_pf_execute")
int BPF_PROG(apf_worked, void *work)
{
	__u32 thread = bpf_get_current_pid_tgid();
	struct worker *worker = bpf_map_lookup_elem(&workers, &thread);

	if (!worker)
		return 0;
	if (!worker->ready && tracing)
		tell_ready(worker);
	if (!bpf_map_delete_elem(&workers, &thread))
		__sync_fetch_and_add(&working, -1);
	return 0;
}

/* --- faults that keep the vCPU in the host: on any KVM, whether it has asynchronous ones or not */

static __always_inline bool is_in_fault(const struct sdei_vcpu_faults *f)
{
	return f && f->since_ns;
}

/* What may have been met inside one, by the thread that is current. */
static __always_inline void note_cause(__u8 cause)
{
	__u32 thread = bpf_get_current_pid_tgid();
	__u64 *vcpu = bpf_map_lookup_elem(&threads, &thread);
	struct sdei_vcpu_faults *f;

	if (!vcpu)
		return;
	f = faults_at(*vcpu);
	if (is_in_fault(f) && (!f->cause || cause < f->cause || cause == APF_FROM_HWPOISON))
		f->cause = cause;
}

SEC("fentry/handle_userfault")
int BPF_PROG(apf_userfault)
{
	note_cause(APF_FROM_USERFAULT);
	return 0;
}

SEC("fentry/do_swap_page")
int BPF_PROG(apf_swap)
{
	note_cause(APF_FROM_SWAP);
	return 0;
}

/* What KVM does where the page that it asked for has failed. The kernel finds such a page where swapped ones have their place. */
SEC("fentry/send_sig_mceerr")
int BPF_PROG(apf_hwpoison)
{
	note_cause(APF_FROM_HWPOISON);
	return 0;
}

/* Accesses to devices are no page faults, but come the same way. */
static __always_inline __u64 device_accesses(struct kvm_vcpu *vcpu)
{
	__u64 count = 0;

	if (bpf_core_field_exists(vcpu->stat.mmio_exit_user))
		count = FAR(vcpu, stat.mmio_exit_user) + FAR(vcpu, stat.mmio_exit_kernel);
	return count;
}

/* NULL: there is no place left. */
static __always_inline struct sdei_vcpu_faults *take_place(__u32 *place)
{
	__u32 next = places_used;

	if (!bpf_map_pop_elem(&free_places, place))
		return bpf_map_lookup_elem(&vcpus_faults, place);
	if (!bpf_map_lookup_elem(&vcpus_faults, &next))
		return NULL;
	*place = __sync_fetch_and_add(&places_used, 1);
	return bpf_map_lookup_elem(&vcpus_faults, place);
}

/* Its place has no sum: whoever had it before took that along. */
static __always_inline struct sdei_vcpu_faults *first_fault_of(struct kvm_vcpu *vcpu, __u64 key)
{
	const struct sdei_record_apf record = apf_record(vm_of_seldom(vcpu), FAR(vcpu, vcpu_id), APF_WAITING, 0);
	struct sdei_vcpu_faults *f;
	__u32 place = 0;

	f = take_place(&place);
	if (!f)
		return NULL;
	f->thread = 0;
	f->vm = record.head.vm;
	f->vcpu = record.head.vcpu;
	f->wanted = is_wanted(&record.head);
	if (!bpf_map_update_elem(&places, &key, &place, BPF_NOEXIST))
		return f;
	bpf_map_push_elem(&free_places, &place, 0);
	return NULL;
}

static __always_inline struct sdei_vcpu_faults *faults_of(struct kvm_vcpu *vcpu)
{
	__u64 key = (__u64)vcpu;

	return faults_at(key) ?: first_fault_of(vcpu, key);
}

static __always_inline int enter_fault(struct kvm_vcpu *vcpu, __u64 gpa)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 thread = bpf_get_current_pid_tgid();
	__u64 key = (__u64)vcpu;
	struct sdei_vcpu_faults *f;

	if (!tracing)
		return 0;
	f = faults_of(vcpu);
	if (!f)		/* no room: its end will show as lost */
		return 0;
	if (f->thread != thread) {
		bpf_map_update_elem(&threads, &thread, &key, BPF_ANY);
		f->thread = thread;
	}
	f->cause = 0;
	f->handed_over = false;
	f->sleeps = FAR(task, nvcsw);
	f->majors = FAR(task, maj_flt);
	f->minors = FAR(task, min_flt);
	f->devices = device_accesses(vcpu);
	f->gfn = gpa >> 12;
	f->since_ns = bpf_ktime_get_ns();
	if (reader_sleeps)	/* it may be one that does not end: nothing else would show it */
		wake_reader(f->since_ns);
	return 0;
}

static __always_inline __u8 cause_of(const struct sdei_vcpu_faults *f)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (f->cause)
		return f->cause;
	if (FAR(task, maj_flt) != f->majors)
		return APF_FROM_FILE;
	return FAR(task, min_flt) != f->minors ? APF_FROM_MEMORY : APF_FROM_NOTHING;
}

/* Those that were too short for a record each, and that user space has not taken. */
static __always_inline void send_quick(struct sdei_vcpu_faults *f)
{
	struct sdei_record_apf record = apf_record(f->vm, f->vcpu, APF_QUICK, 0);
	__u64 since_ns = f->quick_since_ns, until_ns = f->quick_until_ns, sum = __sync_lock_test_and_set(&f->quick, 0);

	record.span_ns = until_ns - since_ns;
	record.faults = sum >> SDEI_QUICK_SHIFT;
	record.duration_ns = sum & SDEI_QUICK_NS;
	if (sum && is_wanted(&record.head))
		send_lasting(&record.head, SDEI_APF, sizeof(record), (struct lasting){ until_ns, .duration_ns = &record.head.arg }, 0, 0);
}

/* User space takes the sum now and then. Only where it has not for long, it is sent before it has no more room. */
static __always_inline void add_quick(struct sdei_vcpu_faults *f, __u64 since_ns, __u64 now_ns)
{
	if (!f->quick)
		f->quick_since_ns = since_ns;
	f->quick_until_ns = now_ns;
	if (__sync_fetch_and_add(&f->quick, (1ULL << SDEI_QUICK_SHIFT) + now_ns - since_ns) & SDEI_QUICK_FULL)
		send_quick(f);
}

static __always_inline void send_sync(struct kvm_vcpu *vcpu, const struct sdei_vcpu_faults *f, __u64 gpa, __u64 since_ns)
{
	struct sdei_record_apf record = apf_record(vm_of_seldom(vcpu), FAR(vcpu, vcpu_id), APF_SYNC, cause_of(f));

	record.gfn = gpa >> 12;
	if (is_wanted(&record.head))
		send_lasting(&record.head, SDEI_APF, sizeof(record), (struct lasting){ since_ns, .duration_ns = &record.duration_ns }, 0, 0);
}

/* Those that slept or took long are recorded one by one; what a worker does is in its own steps. */
static __always_inline int leave_fault(struct kvm_vcpu *vcpu, __u64 gpa)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 key = (__u64)vcpu, since_ns, now_ns;
	struct sdei_vcpu_faults *f = faults_at(key);
	struct sdei_record_apf record;

	if (!tracing)
		return 0;
	if (!f) {
		record = apf_record_vcpu(vcpu, APF_SYNC, 0);
		lose_fault(&record.head);
		return 0;
	}
	if (!f->since_ns)
		return 0;
	now_ns = bpf_ktime_get_ns();
	since_ns = f->since_ns;
	f->since_ns = 0;
	if (device_accesses(vcpu) != f->devices)
		return 0;
	if (FAR(task, nvcsw) != f->sleeps || (now_ns - since_ns >= SYNC_NS && !f->handed_over))
		send_sync(vcpu, f, gpa, since_ns);
	else
		add_quick(f, since_ns, now_ns);
	return 0;
}

static __always_inline void end_faults(struct kvm_vcpu *vcpu)
{
	__u64 key = (__u64)vcpu;
	__u32 *found = bpf_map_lookup_elem(&places, &key), place;
	struct sdei_vcpu_faults *f;

	if (!found)
		return;
	place = *found;
	f = bpf_map_lookup_elem(&vcpus_faults, &place);
	if (!f)		/* cannot be */
		return;
	send_quick(f);
	f->since_ns = 0;
	f->wanted = false;
	bpf_map_delete_elem(&places, &key);
	bpf_map_push_elem(&free_places, &place, 0);
}

/* The last that is seen of a vCPU. The tracepoints of SDEI show the same where there are any. */
SEC("fentry/kvm_arch_vcpu_destroy")
int BPF_PROG(apf_vcpu_end, struct kvm_vcpu *vcpu)
{
	struct sdei_record_apf record;

	if (!tracing)
		return 0;
	end_faults(vcpu);
	if (sdei)
		return 0;
	record = apf_record_vcpu(vcpu, APF_VCPU_END, 0);
	apf_send(&record);
	return 0;
}

/* x86 */
#define PFERR_RSVD (1ULL << 3)	/* a page that KVM marked as a device's */

SEC("fentry/kvm_mmu_page_fault")
int BPF_PROG(apf_fault_x86, struct kvm_vcpu *vcpu, __u64 gpa, __u64 error_code)
{
	return error_code & PFERR_RSVD ? 0 : enter_fault(vcpu, gpa);
}

SEC("fexit/kvm_mmu_page_fault")
int BPF_PROG(apf_sync_x86, struct kvm_vcpu *vcpu, __u64 gpa, __u64 error_code)
{
	return error_code & PFERR_RSVD ? 0 : leave_fault(vcpu, gpa);
}

/* arm64 */
static __always_inline __u64 aborted_gpa(struct kvm_vcpu *vcpu)
{
	return (FAR(vcpu, arch.fault.hpfar_el2) & ~0xfULL) << 8;
}

SEC("fentry/kvm_handle_guest_abort")
int BPF_PROG(apf_fault_arm64, struct kvm_vcpu *vcpu)
{
	return enter_fault(vcpu, aborted_gpa(vcpu));
}

SEC("fexit/kvm_handle_guest_abort")
int BPF_PROG(apf_sync_arm64, struct kvm_vcpu *vcpu)
{
	return leave_fault(vcpu, aborted_gpa(vcpu));
}

#endif /* SDEI_APF_H */
