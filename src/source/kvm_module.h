/* SPDX-License-Identifier: GPL-2.0-only */
/* KVM as this kernel has it. Where it is a module, it comes and goes, and its types are apart from the kernel's. */
#ifndef SOURCE_KVM_MODULE_H
#define SOURCE_KVM_MODULE_H

#define KVM_MODULE_BTF "/sys/kernel/btf/kvm"

/* KVM_MISSING: not in this kernel, or a module that is not loaded, or not yet. */
enum kvm_module { KVM_BUILT_IN, KVM_LOADED, KVM_MISSING };

enum kvm_module kvm_module(void);

/* The same in the folder that stands for /sys. */
enum kvm_module kvm_module_in(const char *sys);

struct btf;

/*
 * The types of the module, for btf__free(). NULL: where KVM is a module, *err is why they cannot be read, else 0 (also where
 * there is nothing to read).
 */
struct btf *kvm_module_types(struct btf *vmlinux, int *err);

/* A descriptor by which the kernel knows these types. To ask for it takes CAP_SYS_ADMIN. Or -errno: -ENOENT there is no module. */
int kvm_module_types_fd(void);

#endif
