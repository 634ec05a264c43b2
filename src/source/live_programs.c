// SPDX-License-Identifier: GPL-2.0-only
/* The programs of an open or loaded object: by their probe, switched on and off, and how often they were missed. */
#include "source/live_private.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

struct bpf_program *live_program(const struct live *live, int i)
{
	return bpf_object__find_program_by_name(live->object.obj, live->probes.programs[i]);
}

void live_switch(struct live *live, bool on)
{
	__atomic_store_n(live->object.tracing, on, __ATOMIC_SEQ_CST);
}

/* Who has given up CAP_BPF may not ask before Linux 5.19: then it is what it was. */
uint64_t live_missed(struct live *live, int i)
{
	struct bpf_prog_info program = { 0 };
	__u32 size = sizeof(program);
	int fd;

	if (!live->attached || live->probes.list[i].why_not)
		return live->missed[i];
	fd = bpf_program__fd(live_program(live, i));
	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &program, &size))
		live->missed[i] = program.recursion_misses;
	return live->missed[i];
}

uint64_t live_missed_of(struct live *live, unsigned int kind)
{
	uint64_t missed = 0;

	for (int i = 0; i < PROBE_COUNT; i++)
		if (probe_kind(i) == kind)
			missed += live_missed(live, i);
	return missed;
}
