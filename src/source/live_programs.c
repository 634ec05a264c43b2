// SPDX-License-Identifier: GPL-2.0-only
/* The programs of an open or loaded object: by their probe, switched on and off, and how often they were missed. */
#include "source/live_private.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "sdei.skel.h"

struct bpf_program *live_program(const struct live *live, int i)
{
	return bpf_object__find_program_by_name(live->bpf->obj, live->probes.programs[i]);
}

void live_switch(struct live *live, bool on)
{
	__atomic_store_n(&live->bpf->bss->tracing, on, __ATOMIC_SEQ_CST);
}

uint64_t live_missed(const struct live *live, int i)
{
	int fd = bpf_program__fd(live_program(live, i));
	struct bpf_prog_info program = { 0 };
	__u32 size = sizeof(program);

	if (!live->attached)
		return live->missed[i];
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &program, &size))
		return 0;
	return program.recursion_misses;
}

uint64_t live_missed_of(const struct live *live, unsigned int kind)
{
	uint64_t missed = 0;

	for (int i = PROBE_APF; kind == SDEI_APF && i < PROBE_SCHED; i++)
		missed += live_missed(live, i);
	return kind <= PROBE_TRACEPOINTS ? live_missed(live, kind - 1) : missed;
}
