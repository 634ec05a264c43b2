/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few kernel fields that are read, as CO-RE types: libbpf moves every access
 * to where the running kernel has the field. So no generated vmlinux.h is
 * needed and one object serves arm64 and x86 hosts.
 * What differs between kernels goes here and nowhere else.
 */
#ifndef SDEI_KVM_H
#define SDEI_KVM_H

struct kvm {
	int userspace_pid;	/* of the thread that created the VM */
} __attribute__((preserve_access_index));

struct kvm_vcpu {
	struct kvm *kvm;
	int vcpu_id;
} __attribute__((preserve_access_index));

#endif /* SDEI_KVM_H */
