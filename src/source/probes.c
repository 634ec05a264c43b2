// SPDX-License-Identifier: GPL-2.0-only
#include "probes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <bpf/btf.h>

void probes_refuse(struct probes *probes, int i, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(probes->reasons[i], sizeof(probes->reasons[i]), format, args);
	va_end(args);
	probes->list[i].attached = false;
	probes->list[i].why_not = probes->reasons[i];
}

/* The number of arguments of the tracepoint, -errno if btf (NULL is fine) does not have it. */
static int argument_count(const struct btf *btf, const char *tracepoint)
{
	const struct btf_type *type;
	char name[64];
	int id;

	if (!btf)
		return -ENOENT;
	snprintf(name, sizeof(name), "btf_trace_%s", tracepoint);
	id = btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF);
	if (id < 0)
		return id;
	type = btf__type_by_id(btf, btf__type_by_id(btf, id)->type);
	if (!type || !btf_is_ptr(type))
		return -EINVAL;
	type = btf__type_by_id(btf, type->type);
	return type && btf_is_func_proto(type) && btf_vlen(type) > 0 ? btf_vlen(type) - 1 : -EINVAL;
}

/* Fields are only ever appended, so more arguments than expected are fine. */
static bool find(struct probes *probes, int i, const struct btf *vmlinux, const struct btf *module)
{
	const struct kind *kind = kind_of(i + 1);
	int args = argument_count(vmlinux, kind->probe);

	probes->list[i] = (struct source_probe) { .name = kind->probe };
	if (args == -ENOENT)
		args = argument_count(module, kind->probe);
	if (args == -ENOENT)
		probes_refuse(probes, i, "this kernel does not have it");
	else if (args < 0)
		probes_refuse(probes, i, "its BTF is not that of a tracepoint");
	else if (args < kind->args)
		probes_refuse(probes, i, "it has %d arguments, %d are expected: another version of the kernel series",
			      args, kind->args);
	return !probes->list[i].why_not;
}

int probes_find_in(struct probes *probes, const struct btf *vmlinux, const struct btf *module)
{
	int found = 0;

	for (int i = 0; i < PROBE_COUNT; i++)
		found += find(probes, i, vmlinux, module);
	return found;
}

int probes_find(struct probes *probes)
{
	struct btf *vmlinux, *module;
	int found;

	vmlinux = btf__load_vmlinux_btf();
	if (!vmlinux)
		return -errno;
	module = btf__load_module_btf("kvm", vmlinux);	/* NULL where KVM is built in */
	found = probes_find_in(probes, vmlinux, module);
	btf__free(module);
	btf__free(vmlinux);
	return found;
}
