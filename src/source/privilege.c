// SPDX-License-Identifier: GPL-2.0-only
#include "source/privilege.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "source/kvm_module.h"

uint64_t privilege_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data))
		return 0;
	return data[0].effective | (uint64_t)data[1].effective << 32;
}

/* Kernels give the initial namespaces numbers of their own; one without namespaces has no such link. */
static bool is_initial(const char *kind, const char *initial)
{
	char path[32], name[64];
	ssize_t size;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	size = readlink(path, name, sizeof(name));
	return size < 0 ? errno == ENOENT : size == (ssize_t)strlen(initial) && memcmp(name, initial, size) == 0;
}

bool privilege_sees_host_pids(void)
{
	return is_initial("pid", "pid:[4026531836]");
}

enum lockdown privilege_lockdown(void)
{
	char text[128] = "";
	FILE *file = fopen("/sys/kernel/security/lockdown", "re");

	if (!file)
		return LOCKDOWN_UNKNOWN;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	if (strstr(text, "[confidentiality]"))
		return LOCKDOWN_CONFIDENTIALITY;
	if (strstr(text, "[integrity]"))
		return LOCKDOWN_INTEGRITY;
	return strstr(text, "[none]") ? LOCKDOWN_NONE : LOCKDOWN_UNKNOWN;
}

bool privilege_is_filtered(void)
{
	char line[128];
	FILE *file = fopen("/proc/self/status", "re");
	int mode = 0;

	while (file && fgets(line, sizeof(line), file) && sscanf(line, "Seccomp: %d", &mode) != 1)
		;
	if (file)
		fclose(file);
	return mode != 0;
}

bool privilege_in_user_namespace(void)
{
	return !is_initial("user", "user:[4026531837]");
}

/* What may forbid it to a process with the capabilities, but for what can be excluded. */
static void explain_refusal(char *text, size_t size)
{
	if (privilege_lockdown() == LOCKDOWN_CONFIDENTIALITY)
		snprintf(text, size, "the kernel is locked down (confidentiality), which forbids BPF programs to read it");
	else if (privilege_in_user_namespace())
		snprintf(text, size, "this process is in a user namespace, whose CAP_BPF and CAP_PERFMON the kernel does not take");
	else if (privilege_is_filtered())
		snprintf(text, size, "this process has the capabilities and is in no user namespace, so its seccomp filter or a "
			 "security module forbids bpf()");
	else
		snprintf(text, size, "this process has the capabilities, no seccomp filter and no user namespace, so a security "
			 "module, or what this kernel runs in, forbids it");
}

void privilege_explain(char *text, size_t size)
{
	uint64_t have = privilege_capabilities();
	bool admin = have & 1ULL << CAP_SYS_ADMIN;
	bool bpf = admin || have & 1ULL << CAP_BPF, perfmon = admin || have & 1ULL << CAP_PERFMON;

	if (!bpf || !perfmon)
		snprintf(text, size, "this process lacks %s%s%s; run it as root, or with both CAP_BPF and CAP_PERFMON",
			 bpf ? "" : "CAP_BPF", !bpf && !perfmon ? " and " : "", perfmon ? "" : "CAP_PERFMON");
	else if (!admin && kvm_module() == KVM_LOADED)
		snprintf(text, size, "KVM is a module of this kernel, which lets nobody without CAP_SYS_ADMIN find its types; run it as "
			 "root, or with that capability, too");
	else
		explain_refusal(text, size);
}
