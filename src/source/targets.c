// SPDX-License-Identifier: GPL-2.0-only
#include "source/targets.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "source/kvm_module.h"
#include "source/probes.h"

/* libbpf has one set of handlers in a process. */
static struct {
	bool registered;
	const struct probes *probes;
	int module_fd;		/* the types of KVM's module; -1: it is none */
} targets = { .module_fd = -1 };

static int probe_of(const struct bpf_program *program)
{
	for (int i = 0; targets.probes && i < PROBE_COUNT; i++)
		if (targets.probes->targets[i] && strcmp(targets.probes->programs[i], bpf_program__name(program)) == 0)
			return i;
	return -1;
}

/* In the kernel; or -errno. */
static int look_for(const struct bpf_program *program)
{
	const char *section = bpf_program__section_name(program), *slash = strchr(section, '/');

	return slash ? libbpf_find_vmlinux_btf_id(slash + 1, bpf_program__expected_attach_type(program)) : -EINVAL;
}

static int prepare_load(struct bpf_program *program, struct bpf_prog_load_opts *opts, long cookie)
{
	int i = probe_of(program), id = i < 0 ? look_for(program) : targets.probes->targets[i];

	if (id < 0)
		return id;
	opts->attach_btf_id = id;
	if (i >= 0 && targets.module_fd >= 0 && id >= targets.probes->module_types)
		opts->attach_btf_obj_fd = targets.module_fd;
	return 0;
}

static int attach(const struct bpf_program *program, long cookie, struct bpf_link **link)
{
	*link = bpf_program__attach_trace(program);
	return *link ? 0 : -errno;
}

int targets_register(void)
{
	static const struct {
		const char *section;
		enum bpf_attach_type type;
	} handled[] = { { "fentry+", BPF_TRACE_FENTRY }, { "fexit+", BPF_TRACE_FEXIT }, { "tp_btf+", BPF_TRACE_RAW_TP } };
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .prog_prepare_load_fn = prepare_load, .prog_attach_fn = attach);
	int handler = 0;

	for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]) && !targets.registered && handler >= 0; i++)
		handler = libbpf_register_prog_handler(handled[i].section, BPF_PROG_TYPE_TRACING, handled[i].type, &opts);
	targets.registered |= handler >= 0;
	return handler < 0 ? handler : 0;
}

int targets_use(const struct probes *probes)
{
	if (targets.module_fd >= 0)
		close(targets.module_fd);
	targets.module_fd = -1;
	targets.probes = probes;
	if (!probes || !probes->module_types)
		return 0;
	targets.module_fd = kvm_module_types_fd();
	return targets.module_fd < 0 ? targets.module_fd : 0;
}
