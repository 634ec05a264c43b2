// SPDX-License-Identifier: GPL-2.0-only
/* What the programs on the SDEI client need to know of the kernel that BTF does not say: addresses. */
#include "source/live_private.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "client.skel.h"
#include "source/kallsyms.h"

static const char *const symbols[CLIENT_ADDRESS_COUNT] = {
	[CLIENT_CPU_MAP] = "__cpu_logical_map",
	[CLIENT_BOOT_MODE] = "__boot_cpu_mode",
	[CLIENT_HANDLER_NMI] = "sdei_nmi_handler",
	[CLIENT_HANDLER_NORMAL] = "ghes_sdei_normal_callback",
	[CLIENT_HANDLER_CRITICAL] = "ghes_sdei_critical_callback",
};

/* The ends of handlers, the addresses by which handlers are known, and what they are for. */
static const struct {
	int probe;
	enum client_address address;
	__u8 role;
} ends[] = {
	{ PROBE_CLIENT_END_NMI, CLIENT_HANDLER_NMI, SDEI_FOR_NMI },
	{ PROBE_CLIENT_END_NORMAL, CLIENT_HANDLER_NORMAL, SDEI_FOR_GHES },
	{ PROBE_CLIENT_END_CRITICAL, CLIENT_HANDLER_CRITICAL, SDEI_FOR_GHES },
};

/* As in client.bpf.c. */
struct callback {
	__u8 role, has_end;
};

#define ENDS (sizeof(ends) / sizeof(ends[0]))

/* A program whose function is in the kernel, but whose address is not shown. */
static void need_address(struct live *live, int probe, enum client_address address)
{
	if (live->probes.list[probe].why_not || live->addresses[address])
		return;
	probes_refuse(&live->probes, probe, "/proc/kallsyms does not say where %s is", symbols[address]);
	live->probes.list[probe].denied = true;
}

void live_find_addresses(struct live *live)
{
	kallsyms_find(symbols, live->addresses, CLIENT_ADDRESS_COUNT);
	need_address(live, PROBE_CLIENT_SIGNAL, CLIENT_CPU_MAP);
	for (size_t i = 0; i < ENDS; i++) {
		need_address(live, ends[i].probe, ends[i].address);
		need_address(live, ends[i].probe, CLIENT_BOOT_MODE);
	}
	probes_settle(&live->probes);
}

int live_configure_client(struct live *live, const struct live_options *options)
{
	struct client_bpf__rodata *rodata = live->client_bpf->rodata;

	rodata->no_calls = options->no_calls;
	rodata->cpu_count = live->cpus;
	rodata->cpu_map_address = live->addresses[CLIENT_CPU_MAP];
	rodata->boot_mode_address = live->addresses[CLIENT_BOOT_MODE];
	return bpf_map__set_max_entries(live->client_bpf->maps.cpus, live->cpus);
}

int live_fill_callbacks(struct live *live)
{
	int fd = bpf_map__fd(live->client_bpf->maps.callbacks), err = 0;

	for (size_t i = 0; i < ENDS && !err; i++) {
		struct callback callback = { .role = ends[i].role, .has_end = live->links[ends[i].probe] != NULL };

		if (live->addresses[ends[i].address])
			err = bpf_map_update_elem(fd, &live->addresses[ends[i].address], &callback, BPF_ANY);
	}
	return err;
}
