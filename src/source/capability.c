// SPDX-License-Identifier: GPL-2.0-only
/* The sentences. capability_look.c has what they are made of. */
#include "source/capability.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PATCH "patch and build the kernel as tracepoints/README.md says; 'make run' boots one in the lab"
#define ABOVE "what is missing above"
#define MIB (1024.0 * 1024.0)

struct judge_list {
	const struct capability_facts *facts;
	struct capability *list;
	size_t count;
};

const char *capability_state_name(enum capability_state state)
{
	switch (state) {
	case CAPABILITY_YES:
		return "yes";
	case CAPABILITY_NO:
		return "no";
	default:
		return "unknown";
	}
}

__attribute__((format(printf, 6, 7)))
static struct capability *add(struct judge_list *j, const char *name, enum capability_state state, bool needed, const char *gives,
			      const char *found, ...)
{
	struct capability *c = &j->list[j->count++];
	va_list args;

	*c = (struct capability){ .name = name, .state = state, .needed = needed, .gives = gives };
	va_start(args, found);
	vsnprintf(c->found, sizeof(c->found), found, args);
	va_end(args);
	return c;
}

__attribute__((format(printf, 2, 3)))
static void remedy(struct capability *c, const char *format, ...)
{
	va_list args;

	if (c->state == CAPABILITY_YES)
		return;
	va_start(args, format);
	vsnprintf(c->remedy, sizeof(c->remedy), format, args);
	va_end(args);
}

static enum capability_state yes_if(bool yes)
{
	return yes ? CAPABILITY_YES : CAPABILITY_NO;
}

/* --- the kernel */

/* Why nothing is known of what KVM has; NULL: it is known. */
static const char *why_unknown(const struct capability_facts *f)
{
	if (f->btf)
		return "not known without BTF";
	if (f->probes.module_btf)
		return "not known without the types of the module kvm";
	return f->kvm_module == KVM_MISSING ? "not known as long as KVM is not loaded" : NULL;
}

/* Only for a module: what is built in is in the kernel's own. */
static void judge_module_types(struct judge_list *j)
{
	int err = j->facts->probes.module_btf;
	struct capability *c;

	if (j->facts->btf || j->facts->kvm_module != KVM_LOADED)
		return;
	c = add(j, "kvm-btf", yes_if(!err), true, "programs that fit KVM, which is a module here", KVM_MODULE_BTF ": %s",
		err ? strerror(-err) : "readable");
	remedy(c, "boot a kernel built with CONFIG_DEBUG_INFO_BTF_MODULES=y, with the modules that were built with it");
}

static void judge_sdei(struct judge_list *j)
{
	const char *unknown = why_unknown(j->facts);
	struct capability *c;

	c = add(j, "sdei", yes_if(j->facts->sdei), false, "SDEI for guests", "%s", j->facts->sdei ?
		"this KVM keeps SDEI state for its vCPUs" : unknown ?:
		"this KVM has no struct kvm_sdei_vcpu: it offers no SDEI to guests");
	remedy(c, unknown ? ABOVE : PATCH);
}

static void judge_kernel(struct judge_list *j)
{
	const struct capability_facts *f = j->facts;
	struct capability *c;

	c = add(j, "btf", yes_if(!f->btf), true, "programs that fit this kernel", "/sys/kernel/btf/vmlinux of kernel %s: %s",
		f->release, f->btf ? strerror(-f->btf) : "readable");
	remedy(c, "boot a kernel built with CONFIG_DEBUG_INFO_BTF=y");
	c = add(j, "kvm", f->kvm == -EACCES || !f->kvm ? CAPABILITY_YES : f->kvm == -ENOENT ? CAPABILITY_NO : CAPABILITY_UNKNOWN,
		false, "VMs on this host", "/dev/kvm %s", f->kvm == -ENOENT ? "is not there" : f->kvm && f->kvm != -EACCES ?
		strerror(-f->kvm) : "is there");
	remedy(c, "load its module (modprobe kvm_intel or modprobe kvm_amd); on arm64 the machine has to boot the kernel at EL2");
	judge_module_types(j);
	judge_sdei(j);
}

static bool is_of_kvm(int i)
{
	return i != PROBE_SWITCH;
}

static void judge_tracepoint(struct judge_list *j, int i)
{
	const struct probes *p = &j->facts->probes;
	const char *unknown = is_of_kvm(i) || j->facts->btf ? why_unknown(j->facts) : NULL;
	const char *why_not = unknown ?: p->list[i].why_not;
	const char *name = i < PROBE_TRACEPOINTS ? kind_of((unsigned int)i + 1)->probe : p->list[i].name;
	const char *gives = probe_gives(i);
	struct capability *c;

	if (!name)
		return;
	if (why_not)
		c = add(j, name, yes_if(false), false, gives, "%s", why_not);
	else if (i < PROBE_TRACEPOINTS)
		c = add(j, name, CAPABILITY_YES, false, gives, "%d arguments, %d are used", p->args[i],
			kind_of((unsigned int)i + 1)->args);
	else
		c = add(j, name, CAPABILITY_YES, false, gives, "there");
	remedy(c, "%s", unknown ? ABOVE : i < PROBE_SCHED ? PATCH : "boot a kernel built with CONFIG_TRACEPOINTS and the kvm tracepoints");
}

/* All of it or nothing, but for single functions that a kernel calls otherwise. */
static void judge_apf(struct judge_list *j)
{
	const struct probes *p = &j->facts->probes;
	const char *unknown = why_unknown(j->facts), *missing = NULL;
	bool there = !unknown && p->has_apf;
	struct capability *c;

	for (int i = PROBE_APF; there && i < PROBE_USER && !missing; i++)
		missing = probe_is_sync(i) ? NULL : p->list[i].why_not;
	c = add(j, "async-page-faults", yes_if(there), false, "asynchronous page faults of guests and their latency", "%s",
		unknown ?: !there ? "this kernel has no kvm_setup_async_pf()" : missing ?: "all functions are there");
	remedy(c, unknown ? ABOVE : "boot a kernel with CONFIG_KVM_ASYNC_PF: any of x86 or s390, or one of arm64 with the second series of tracepoints/");
}

static void judge_sync(struct judge_list *j)
{
	const struct probes *p = &j->facts->probes;
	const char *unknown = why_unknown(j->facts), *missing = NULL;
	bool there = !unknown && p->has_faults;
	struct capability *c;

	for (int i = PROBE_APF; there && i < PROBE_GIC && !missing; i++)
		missing = probe_is_sync(i) ? p->list[i].why_not : NULL;
	c = add(j, "page-faults", yes_if(there), false, "page faults that vCPUs wait for, and where their pages come from", "%s",
		unknown ?: !there ? "this kernel has neither kvm_mmu_page_fault() nor kvm_handle_guest_abort()" : missing ?: "all functions are there");
	remedy(c, unknown ? ABOVE : "load the kvm module of an x86 or arm64 kernel that has CONFIG_KVM");
}

static const char *first_missing(const struct probes *p, int from, int to)
{
	for (int i = from; i < to; i++)
		if (p->list[i].why_not && !p->missing[i])
			return p->list[i].why_not;
	return NULL;
}

/* Functions of a kernel that either has them all or is another one: nothing to say where it has not even the first (has). */
static void judge_set(struct judge_list *j, bool has, int from, int to, const char *name, const char *gives)
{
	const struct capability_facts *f = j->facts;
	const char *missing = NULL;

	if (f->btf || !has)
		return;
	for (int i = from; i < to && !missing; i++)
		missing = f->probes.list[i].why_not;
	remedy(add(j, name, yes_if(!missing), false, gives, "%s", missing ?: "all functions are there"),
	       "boot a kernel of another series, or report it");
}

static void judge_user(struct judge_list *j)
{
	judge_set(j, j->facts->probes.has_user, PROBE_USER, PROBE_GIC, "user-page-faults",
			"asynchronous page faults whose page user space brings, told by an exit or by a ring");
}

static void judge_gic(struct judge_list *j)
{
	judge_set(j, j->facts->probes.has_gic, PROBE_GIC, PROBE_SMCCC, "gic-restore",
			"how interrupt controllers of VMs are saved and restored: 'sdeitop restore'");
}

static void judge_smccc(struct judge_list *j)
{
	judge_set(j, j->facts->probes.has_smccc, PROBE_SMCCC, PROBE_COUNTER, "guest-calls",
			"calls of guests: those of SDEI where KVM has none, vCPUs turned on and off");
}

static void judge_counter(struct judge_list *j)
{
	judge_set(j, j->facts->probes.has_counter, PROBE_COUNTER, PROBE_SCHED, "guest-counters",
			"how far counters of guests are behind the host's: one clock for 'sdeitop join'");
}

/* Nothing to say where there is no such driver: on most machines that is no lack. */
static void judge_client(struct judge_list *j)
{
	const struct capability_facts *f = j->facts;
	const char *missing;
	struct capability *c;

	if (f->btf || !f->probes.has_client)
		return;
	c = add(j, "sdei-client", yes_if(f->client_bound), false, "SDEI of this machine itself: --client", f->client_bound ?
		"the driver has found SDEI" : "the driver is there and has found no SDEI");
	remedy(c, "none, if this machine has no SDEI: in firmware (device tree /firmware/sdei, ACPI table SDEI), or from its hypervisor");
	missing = first_missing(&f->probes, PROBE_CLIENT, PROBE_COUNT);
	c = add(j, "client-functions", yes_if(!missing), false, "calls, signals and handlers of --client", "%s",
		missing ?: f->probes.missing[PROBE_CLIENT_SIGNAL] ? "all functions are there; none signals to other CPUs (Linux 7.3 has one)" :
		"all functions are there");
	remedy(c, "boot a kernel of another series, or report it");
}

static void judge_tracepoints(struct judge_list *j)
{
	for (int i = 0; i < PROBE_TRACEPOINTS; i++)
		judge_tracepoint(j, i);
	judge_tracepoint(j, PROBE_SNAPSHOT);
	judge_user(j);
	judge_sync(j);
	judge_apf(j);
	judge_gic(j);
	judge_smccc(j);
	judge_counter(j);
	judge_client(j);
	for (int i = PROBE_SCHED; i < PROBE_CLIENT; i++)
		judge_tracepoint(j, i);
}

/* --- BPF */

static void judge_bpf_feature(struct judge_list *j, const char *name, int answer, const char *gives,
			      const char *what, const char *option)
{
	struct capability *c;

	c = add(j, name, answer > 0 ? CAPABILITY_YES : answer ? CAPABILITY_UNKNOWN : CAPABILITY_NO, true, gives,
		answer > 0 ? "%s: tried, works" : answer ? "%s: cannot be tried: %s" : "%s: tried, this kernel refuses it", what,
		answer < 0 ? strerror(-answer) : "");
	if (answer < 0)
		remedy(c, "run as root, or with CAP_BPF and CAP_PERFMON, to find out");
	else
		remedy(c, "boot a kernel built with %s", option);
}

/* Some hosts forbid these to processes that may load the others. */
static void judge_functions(struct judge_list *j)
{
	const struct capability_facts *f = j->facts;
	bool forbidden = f->functions == -EPERM && f->tracing > 0;
	struct capability *c;

	c = add(j, "bpf-functions", f->functions > 0 ? CAPABILITY_YES : forbidden || !f->functions ? CAPABILITY_NO : CAPABILITY_UNKNOWN,
		false, "programs on functions (fentry): page faults", f->functions > 0 ? "tried, works" : forbidden ?
		"tried: forbidden to this process, where programs on tracepoints are not" : f->functions ?
		"cannot be tried: %s" : "tried, this kernel refuses it", strerror(-f->functions));
	if (forbidden)
		remedy(c, "not the capabilities%s%s: ask who runs this host what forbids it (a security module, a hypervisor)",
		       f->filtered ? "" : ", no seccomp filter", f->user_namespace ? "" : ", no user namespace");
	else
		remedy(c, f->functions < 0 ? "run as root, or with CAP_BPF and CAP_PERFMON, to find out" :
		       "boot a kernel built with CONFIG_FUNCTION_TRACER and CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS");
}

static void judge_bpf(struct judge_list *j)
{
	const struct capability_facts *f = j->facts;
	struct capability *c;

	judge_bpf_feature(j, "bpf-tracing", f->tracing, "programs on tracepoints (tp_btf)", "programs of type tracing",
			  "CONFIG_BPF_SYSCALL, CONFIG_BPF_EVENTS and CONFIG_DEBUG_INFO_BTF");
	judge_functions(j);
	judge_bpf_feature(j, "bpf-ringbuf", f->ringbuf, "records", "ring buffers", "CONFIG_BPF_SYSCALL, 5.8 or later");
	judge_bpf_feature(j, "bpf-array-of-maps", f->array_of_maps, "a ring for each CPU", "arrays of maps", "CONFIG_BPF_SYSCALL");
	c = add(j, "bpf-iterator", yes_if(f->iterator), false, "quiet VMs from the start", f->iterator ?
		"iterator over open files" : "this kernel has no iterator over open files");
	remedy(c, "boot a kernel built with CONFIG_BPF_SYSCALL and CONFIG_PROC_FS");
}

/* --- privilege */

static bool has(const struct capability_facts *f, unsigned int capability)
{
	return f->capabilities >> capability & 1;
}

static void judge_cap(struct judge_list *j, const char *name, unsigned int number, bool needed, const char *gives)
{
	bool admin = has(j->facts, CAP_SYS_ADMIN) && (number == CAP_BPF || number == CAP_PERFMON);
	struct capability *c;

	c = add(j, name, yes_if(has(j->facts, number) || admin), needed, gives, has(j->facts, number) ? "held" :
		admin ? "not held, but CAP_SYS_ADMIN stands for it" : "not held");
	remedy(c, needed ? "run as root, or: setcap cap_bpf,cap_perfmon%s+ep on the program" :
	       "only if you want that: run as root, or add it", j->facts->kvm_module == KVM_LOADED ? ",cap_sys_admin" : "");
}

static void judge_lockdown(struct judge_list *j)
{
	static const char *const names[] = {
		[LOCKDOWN_UNKNOWN] = "not told (no lockdown in this kernel, or securityfs is not mounted)",
		[LOCKDOWN_NONE] = "none",
		[LOCKDOWN_INTEGRITY] = "integrity: BPF may read",
		[LOCKDOWN_CONFIDENTIALITY] = "confidentiality: BPF may not read the kernel",
	};
	enum lockdown mode = j->facts->lockdown;
	struct capability *c;

	c = add(j, "lockdown", mode == LOCKDOWN_CONFIDENTIALITY ? CAPABILITY_NO : mode ? CAPABILITY_YES : CAPABILITY_UNKNOWN, true,
		"BPF programs that read the kernel", "%s", names[mode]);
	if (mode == LOCKDOWN_CONFIDENTIALITY)
		remedy(c, "boot with lockdown=integrity, or without lockdown= and with Secure Boot off");
}

static void judge_privileges(struct judge_list *j)
{
	const struct capability_facts *f = j->facts;
	bool is_module = f->kvm_module == KVM_LOADED;
	struct capability *c;

	judge_cap(j, "cap_bpf", CAP_BPF, true, "loading BPF programs");
	judge_cap(j, "cap_perfmon", CAP_PERFMON, true, "attaching to tracepoints");
	judge_cap(j, "cap_sys_admin", CAP_SYS_ADMIN, is_module, is_module ? "finding the types of KVM, which is a module here" :
		  "the two above, on kernels that ask for it");
	judge_cap(j, "cap_sys_ptrace", CAP_SYS_PTRACE, false, "names of guests of other users where /proc hides them");
	judge_lockdown(j);
	if (f->user_namespace) {
		c = add(j, "user-namespace", CAPABILITY_NO, true, "capabilities that bpf() takes", "this process is in a user namespace");
		remedy(c, "run in the host's user namespace (containers: --userns=host, --privileged)");
	}
	if (f->pid_namespace) {
		c = add(j, "guest-names", CAPABILITY_NO, false, "names of VMs (else '-')",
			"this process is in a pid namespace, the kernel's pids are those of the host");
		remedy(c, "run in the host's pid namespace (containers: --pid=host, hostPID)");
		return;
	}
	c = add(j, "guest-names", f->names ? CAPABILITY_NO : CAPABILITY_YES, false, "names of VMs (else their pids)", f->names ?
		"command lines of other users' processes: %s" : "command lines of other users' processes can be read%s",
		f->names ? strerror(-f->names) : "");
	remedy(c, "mount /proc without hidepid=, or run with CAP_SYS_PTRACE");
}

/* --- memory */

static void judge_memory(struct judge_list *j)
{
	const struct capability_facts *f = j->facts;
	uint64_t need = (uint64_t)f->cpus * f->ring_bytes;
	bool raises = has(f, CAP_SYS_RESOURCE), fits = need <= f->memlock || f->charges_memory > 0 || raises;
	char limit[64] = "no limit";
	struct capability *c;

	if (f->memlock != UINT64_MAX)
		snprintf(limit, sizeof(limit), "%.1f MiB", f->memlock / MIB);
	c = add(j, "ring-memory", fits ? CAPABILITY_YES : f->charges_memory < 0 ? CAPABILITY_UNKNOWN : CAPABILITY_NO, true,
		"room for records", "%u CPUs x %.2f MiB = %.1f MiB; RLIMIT_MEMLOCK is %s%s",
		f->cpus, f->ring_bytes / MIB, need / MIB, limit,
		f->charges_memory > 0 ? ", which this kernel does not apply to BPF" :
		raises ? ", which this process may raise" : f->charges_memory < 0 ? "; whether it applies is not known" : "");
	remedy(c, "ulimit -l %llu, or a smaller --ring-size", (unsigned long long)(need / 1024 * 2));
}

/* --- the proof */

static void judge_trial(struct judge_list *j)
{
	const struct capability_facts *f = j->facts;
	struct capability *c;

	if (!f->live.code)
		c = add(j, "live", CAPABILITY_YES, true, "live tracing",
			"tried: %u of %u probes attached%s, and let go again", f->attached, f->wanted,
			f->trial_client ? " to the SDEI client" : "");
	else
		c = add(j, "live", CAPABILITY_NO, true, "live tracing", "%s", f->live.text);
	remedy(c, ABOVE);
	for (size_t i = 0; !f->live.code && i < f->trial_count; i++) {
		if (f->trial[i].attached)
			continue;
		c = add(j, "live", CAPABILITY_NO, false, "that probe", "tried: %s is not attached: %.90s",
			f->trial[i].name, f->trial_why[i]);
		remedy(c, f->trial[i].denied ? "run as root, or with CAP_BPF and CAP_PERFMON" : ABOVE);
		break;
	}
}

_Static_assert(4 + PROBE_COUNT + 1 + 5 + 8 + 1 + 2 <= CAPABILITY_MAX, "room for all of them");

size_t capability_judge(const struct capability_facts *facts, struct capability list[CAPABILITY_MAX])
{
	struct judge_list j = { .facts = facts, .list = list };

	judge_kernel(&j);
	judge_tracepoints(&j);
	judge_bpf(&j);
	judge_privileges(&j);
	judge_memory(&j);
	judge_trial(&j);
	return j.count;
}
