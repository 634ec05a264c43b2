/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few kernel fields that are read, as CO-RE types: libbpf moves every access
 * to where the running kernel has the field. So no generated vmlinux.h is
 * needed and one object serves arm64 and x86 hosts.
 * What differs between kernels goes here and nowhere else.
 */
#ifndef SDEI_KVM_H
#define SDEI_KVM_H

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* --- KVM */

/* arm64 since 6.4; asked for before use. */
struct arch_timer_vm_data {
	__u64 voffset;		/* ticks that the virtual counter is behind the physical one */
};

struct kvm_arch {
	struct arch_timer_vm_data timer_data;
};

struct kvm {
	int userspace_pid;	/* of the thread that created the VM */
	struct kvm_arch arch;
};

struct list_head {
	struct list_head *next, *prev;
};

struct kvm_sdei_handler {
	__u64 ep_addr;
	__u64 ep_arg;
};

struct qspinlock {
	struct {
		int counter;
	} val;
};

struct raw_spinlock {
	struct qspinlock raw_lock;
};

struct spinlock {
	struct raw_spinlock rlock;
};

/* As the kernel series has it; asked for before use. The number of handlers is that of events. */
struct kvm_sdei_vcpu {
	struct spinlock lock;
	bool masked;
	bool announced;		/* reported as created */
	unsigned long registered;
	unsigned long enabled;
	unsigned long running;
	unsigned long pending;
	struct kvm_sdei_handler handlers[1];
};

/* Likewise. */
struct kvm_apf_vcpu {
	__u32 ready_token;	/* of the page that the guest was told of last */
};

/* arm64 */
struct kvm_vcpu_fault_info {
	__u64 hpfar_el2;
};

/* Counts of a vCPU; of x86 none is read. */
struct kvm_vcpu_stat {
	__u64 mmio_exit_user, mmio_exit_kernel;
};

/* arm64: the guest's registers. */
struct user_pt_regs {
	__u64 regs[31];
};

struct kvm_cpu_context {
	struct user_pt_regs regs;
	__u64 sys_regs[1];	/* by enum vcpu_sysreg */
};

/* Where the virtual counter's offset is before 6.4; the number is the kernel's, asked for before use. */
enum vcpu_sysreg {
	CNTVOFF_EL2 = 1,
};

/* Does the vCPU run, as user space is told by KVM_GET_MP_STATE? */
struct kvm_mp_state {
	__u32 mp_state;
};

/* Those of arm64 that are no KVM_MP_STATE_RUNNABLE; uapi/linux/kvm.h. */
#define MP_STATE_STOPPED 5
#define MP_STATE_SUSPENDED 10

struct kvm_vcpu_arch {
	struct kvm_cpu_context ctxt;
	struct kvm_mp_state mp_state;	/* arm64 since 5.19; asked for before use. That of x86 is no struct */
	struct kvm_vcpu_fault_info fault;
	struct kvm_sdei_vcpu sdei;
	struct kvm_apf_vcpu apf;
};

/* Kernels whose count is atomic; asked for before use. */
struct kvm_vcpu___atomic {
	struct {
		struct {
			int counter;
		} queued;
	} async_pf;
};

struct kvm_vcpu {
	struct kvm *kvm;
	int vcpu_id;
	int mode;		/* 0: outside of the guest */
	struct pid *pid;	/* the thread that ran it last; NULL: none yet */
	struct {
		__u32 queued;
		struct list_head queue;
	} async_pf;
	struct kvm_vcpu_arch arch;
	struct kvm_vcpu_stat stat;
};

/* Each architecture has some of these; asked for before use. */
struct kvm_arch_async_pf {
	__u32 token;
	unsigned long pfault_token;
	unsigned long long gfn;
	__u32 fallback;
};

/* x86 */
struct msr_data {
	bool host_initiated;
	__u32 index;
	__u64 data;
};

struct kvm_device {
	struct kvm *kvm;
};

/* A call on a device, as user space passes it. */
struct kvm_device_attr {
	__u32 group;
	__u64 attr;
	__u64 addr;		/* of the value */
};

/* A call on a register of a vCPU, likewise. */
struct kvm_one_reg {
	__u64 id;
};

struct work_struct {
	unsigned long data;
};

/* Of kernels where user space may bring the page. */
enum kvm_apf_uf_state {
	KVM_APF_UF_PENDING,	/* it has not said whether it will */
	KVM_APF_UF_ACCEPTED,
	KVM_APF_UF_COMPLETED,
};

struct kvm_async_pf {
	struct work_struct work;
	struct list_head queue;	/* in kvm_vcpu.async_pf.queue */
	unsigned long long cr2_or_gpa;
	struct kvm_arch_async_pf arch;
	bool wakeup_all;
	bool notpresent_injected;
	bool userfault;		/* user space brings the page; asked for before use, as is its state */
	enum kvm_apf_uf_state uf_state;
};

/* --- threads */

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct upid {
	int nr;
};

struct pid {
	struct hlist_head tasks[1];	/* the first one: of the thread with this id */
	struct upid numbers[1];		/* the first one: in the initial namespace */
};

struct thread_info {
	__u32 cpu;
};

struct task_struct {
	struct thread_info thread_info;
	int pid;		/* in the initial namespace */
	int on_cpu;
	unsigned long nvcsw;	/* how often it gave its CPU up to wait */
	unsigned long min_flt, maj_flt;	/* pages it was given: from memory, from storage */
	struct hlist_node pid_links[1];	/* in pid.tasks */
};

/* --- files and the iterator over them */

struct super_block {
	unsigned long s_magic;
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct qstr d_name;
	struct super_block *d_sb;
};

struct path {
	struct dentry *dentry;
};

struct file {
	struct path f_path;
	void *private_data;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct file *file;
};

#pragma clang attribute pop

/*
 * The value of a field at a computed address: an instruction that loads has 16 bits for where its field is, and some kernels
 * have struct kvm or struct kvm_vcpu of more than 32 KiB. pointer is one that the verifier trusts, and whose type the kernel has.
 */
#define FAR(pointer, field) ({ \
	typeof(&(pointer)->field) at_ = (void *)(pointer) + bpf_core_field_offset((pointer)->field); \
	asm volatile("" : "+r"(at_)); \
	*at_; \
})

/*
 * Of programs that run often. For each of them the verifier goes four times through all that the kernel says of its types, because
 * of the pointer.
 */
static __always_inline __u32 vm_of(struct kvm_vcpu *vcpu)
{
	struct kvm *kvm = FAR(vcpu, kvm);

	return FAR(kvm, userspace_pid);
}

/* Of those that run seldom: two calls of a helper, and nothing for the verifier to look for. */
static __always_inline __u32 vm_of_seldom(struct kvm_vcpu *vcpu)
{
	return BPF_CORE_READ(vcpu, kvm, userspace_pid);
}

/* Page faults of the vCPU in flight; 0 where the kernel has no asynchronous ones. */
static __always_inline __u32 queued_of(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu___atomic *atomic = (void *)vcpu;

	if (!bpf_core_field_exists(vcpu->async_pf))
		return 0;
	if (bpf_core_field_exists(atomic->async_pf.queued.counter))
		return FAR(atomic, async_pf.queued.counter);
	return FAR(vcpu, async_pf.queued);
}

#endif /* SDEI_KVM_H */
