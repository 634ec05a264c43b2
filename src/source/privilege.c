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

uint64_t privilege_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data))
		return 0;
	return data[0].effective | (uint64_t)data[1].effective << 32;
}

bool privilege_sees_host_pids(void)
{
	/* PROC_PID_INIT_INO of the kernel; one without namespaces has no such link. */
	static const char initial[] = "pid:[4026531836]";
	char name[sizeof(initial) + 16];
	ssize_t size = readlink("/proc/self/ns/pid", name, sizeof(name));

	return size < 0 ? errno == ENOENT : size == sizeof(initial) - 1 && memcmp(name, initial, size) == 0;
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

void privilege_explain(char *text, size_t size)
{
	uint64_t have = privilege_capabilities();
	bool admin = have & 1ULL << CAP_SYS_ADMIN;
	bool bpf = admin || have & 1ULL << CAP_BPF, perfmon = admin || have & 1ULL << CAP_PERFMON;

	if (!bpf || !perfmon)
		snprintf(text, size, "this process lacks %s%s%s; run it as root, or with both CAP_BPF and CAP_PERFMON",
			 bpf ? "" : "CAP_BPF", !bpf && !perfmon ? " and " : "", perfmon ? "" : "CAP_PERFMON");
	else if (privilege_lockdown() == LOCKDOWN_CONFIDENTIALITY)
		snprintf(text, size, "the kernel is locked down (confidentiality), which forbids BPF programs to read it");
	else
		snprintf(text, size, "this process has CAP_BPF and CAP_PERFMON, so a security module, a seccomp filter "
			 "or a container's user namespace forbids bpf()");
}
