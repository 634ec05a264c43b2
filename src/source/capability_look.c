// SPDX-License-Identifier: GPL-2.0-only
#include "source/capability.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "source/client.h"
#include "source/ring.h"

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

static void look_at_btf(struct capability_facts *f)
{
	struct btf *vmlinux = btf__load_vmlinux_btf(), *module;

	if (!vmlinux) {
		f->btf = -errno;
		return;
	}
	module = kvm_module_types(vmlinux, &f->probes.module_btf);
	probes_find_in(&f->probes, vmlinux, module);
	f->sdei = btf__find_by_name_kind(module ? module : vmlinux, "kvm_sdei_vcpu", BTF_KIND_STRUCT) > 0;
	f->iterator = btf__find_by_name_kind(vmlinux, "bpf_iter_task_file", BTF_KIND_FUNC) > 0;
	btf__free(module);
	btf__free(vmlinux);
}

static int look_at_file(const char *path)
{
	return access(path, F_OK) ? -errno : 0;
}

/* libbpf does not distinguish "no" from "you may not". */
static int answer(const struct capability_facts *f, int yes)
{
	const uint64_t bpf = 1ULL << CAP_BPF | 1ULL << CAP_SYS_ADMIN;

	return yes > 0 || f->capabilities & bpf ? yes : -EPERM;
}

/* A program that does nothing, on what every kernel has. 1, 0 or -errno. */
static int try_program(const char *name, enum bpf_attach_type type)
{
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 }, { .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = type);
	int fd = libbpf_find_vmlinux_btf_id(name, type);

	if (fd < 0)
		return 0;
	options.attach_btf_id = (__u32)fd;
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, NULL, "GPL", nothing, 2, &options);
	if (fd < 0)
		return fd == -EPERM ? -EPERM : 0;
	close(fd);
	return 1;
}

static void look_at_bpf(struct capability_facts *f)
{
	f->tracing = try_program("sched_switch", BPF_TRACE_RAW_TP);
	f->functions = try_program("kernel_clone", BPF_TRACE_FENTRY);
	f->ringbuf = answer(f, libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL));
	f->array_of_maps = answer(f, libbpf_probe_bpf_map_type(BPF_MAP_TYPE_ARRAY_OF_MAPS, NULL));
	/* Both came with the same kernel, and only the helper can be asked for. */
	f->charges_memory = answer(f, libbpf_probe_bpf_helper(BPF_PROG_TYPE_SOCKET_FILTER, BPF_FUNC_ktime_get_coarse_ns, NULL));
}

static unsigned int count_cpus(void)
{
	long count = sysconf(_SC_NPROCESSORS_CONF);

	return count > 0 ? (unsigned int)count : 1;
}

static uint64_t memlock_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	return limit.rlim_cur;
}

/* Process 1 is another user's for everybody but root. */
static int look_at_names(void)
{
	int fd = open("/proc/1/cmdline", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static void keep_trial(struct capability_facts *f, const struct live *live)
{
	const struct source_probe *probes = live_probes(live, &f->trial_count);

	for (size_t i = 0; i < f->trial_count; i++) {
		f->trial[i] = probes[i];
		f->attached += probes[i].attached;
		if (probes[i].why_not)
			snprintf(f->trial_why[i], sizeof(f->trial_why[i]), "%s", probes[i].why_not);
		f->trial[i].why_not = NULL;
	}
	f->wanted = f->trial_count;
}

/* With all there is; without what is optional if that is too much for this kernel. */
static void try_live(struct capability_facts *f)
{
	struct live_options options = { .sched = true };
	struct live *live = live_open(&options, &f->live);

	if (!live && f->live.code != -ENOENT && f->live.code != -EPERM) {
		options.sched = false;
		live = live_open(&options, &f->live);
	}
	if (!live && f->live.code == -ENOENT && f->client_bound) {
		options.sched = false;
		options.client = f->trial_client = true;
		live = live_open(&options, &f->live);
	}
	if (!live)
		return;
	f->live.code = 0;
	keep_trial(f, live);
	live_close(live);
}

void capability_look(struct capability_facts *f)
{
	struct utsname kernel;

	memset(f, 0, sizeof(*f));
	libbpf_set_print(quiet);
	uname(&kernel);
	snprintf(f->release, sizeof(f->release), "%.64s", kernel.release);
	f->capabilities = privilege_capabilities();
	f->lockdown = privilege_lockdown();
	f->filtered = privilege_is_filtered();
	f->user_namespace = privilege_in_user_namespace();
	f->kvm_module = kvm_module();
	look_at_btf(f);
	f->kvm = look_at_file("/dev/kvm");
	f->client_bound = client_is_bound();
	look_at_bpf(f);
	f->cpus = count_cpus();
	f->ring_bytes = ring_default_bytes(f->cpus);
	f->memlock = memlock_limit();
	f->pid_namespace = !privilege_sees_host_pids();
	f->names = look_at_names();
	try_live(f);
}
