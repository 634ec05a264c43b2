// SPDX-License-Identifier: GPL-2.0-only
#include "source/kvm_module.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>

#define MODULE "module/kvm"	/* also there, for its parameters, where KVM is built in */

/* While it comes or goes, nothing can be attached to it. */
static enum kvm_module read_state(FILE *file)
{
	char state[16] = "";

	return fgets(state, sizeof(state), file) && strcmp(state, "live\n") == 0 ? KVM_LOADED : KVM_MISSING;
}

enum kvm_module kvm_module_in(const char *sys)
{
	enum kvm_module module;
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/" MODULE "/initstate", sys);
	file = fopen(path, "re");
	if (file) {
		module = read_state(file);
		fclose(file);
		return module;
	}
	snprintf(path, sizeof(path), "%s/" MODULE, sys);
	return access(path, F_OK) ? KVM_MISSING : KVM_BUILT_IN;
}

enum kvm_module kvm_module(void)
{
	return kvm_module_in("/sys");
}

struct btf *kvm_module_types(struct btf *vmlinux, int *err)
{
	struct btf *types = btf__load_module_btf("kvm", vmlinux);
	int failed = -errno;

	*err = !types && kvm_module() == KVM_LOADED ? failed : 0;
	return types;
}

/* Closes fd if its types are not the module's. */
static bool is_kvm(int fd)
{
	char name[sizeof("kvm") + 1] = "";
	struct bpf_btf_info info = { .name = (uintptr_t)name, .name_len = sizeof(name) };
	__u32 size = sizeof(info);
	int err = bpf_obj_get_info_by_fd(fd, &info, &size);

	if ((!err || errno == ENOSPC) && info.kernel_btf && strcmp(name, "kvm") == 0)
		return true;
	close(fd);
	return false;
}

int kvm_module_types_fd(void)
{
	__u32 id = 0;
	int fd;

	while (!bpf_btf_get_next_id(id, &id)) {
		fd = bpf_btf_get_fd_by_id(id);
		if (fd < 0 && errno != ENOENT)	/* it went meanwhile */
			return -errno;
		if (fd >= 0 && is_kvm(fd))
			return fd;
	}
	return -errno;
}
