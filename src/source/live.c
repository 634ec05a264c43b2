// SPDX-License-Identifier: GPL-2.0-only
#include "source/live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <bpf/libbpf.h>

#include "source/kvm_module.h"
#include "source/live_private.h"
#include "source/pace.h"
#include "source/privilege.h"
#include "util/clock.h"

#define ENOTSUPP 524	/* the kernel's own, which no system call should return */
#define WAY_OUT "tracepoints/README.md says how to patch a kernel; 'make run' boots one that has them"

/* The first reason for which there is nothing to attach, other than that it was not wanted. */
static const char *first_refusal(const struct live *live)
{
	int first = live->has_sdei ? 0 : live->client_bpf ? PROBE_CLIENT : live->only_gic ? PROBE_GIC :
		    live->probes.has_apf ? PROBE_APF : live->probes.has_faults ? PROBE_APF_VCPU_END : PROBE_SMCCC;

	for (int i = first; i < PROBE_COUNT; i++)
		if (live->probes.list[i].why_not)
			return live->probes.list[i].why_not;
	return "";
}

static void leave_out_apf(struct probes *probes)
{
	probes->has_apf = probes->has_user = probes->has_faults = false;
	for (int i = PROBE_APF; i < PROBE_GIC; i++)
		probes_refuse(probes, i, "not asked for");
}

static void leave_out_calls(struct probes *probes)
{
	if (!probes->list[SDEI_CALL - 1].why_not)
		probes_refuse(probes, SDEI_CALL - 1, "switched off");
	probes->has_smccc = false;
	for (int i = PROBE_SMCCC; i < PROBE_COUNTER; i++)
		probes_refuse(probes, i, "switched off");
}

static void refuse(struct probes *probes, int from, int to, const char *why)
{
	for (int i = from; i < to; i++)
		probes_refuse(probes, i, "%s", why);
}

static int find_client_probes(struct live *live, const char *release, struct error *error)
{
	if (!live->probes.has_client)
		return error_set(error, -ENOENT, "kernel %s has no SDEI client (drivers/firmware/arm_sdei.c): it must be one of arm64 "
				 "built with CONFIG_ARM_SDE_INTERFACE", release);
	refuse(&live->probes, 0, PROBE_CLIENT, "not asked for");
	live_find_addresses(live);
	live->client_state = client_state_new();
	return live->client_state ? 0 : error_no_memory(error);
}

static int find_gic_probes(struct live *live, const char *release, struct error *error)
{
	if (!live->probes.has_gic)
		return error_set(error, -ENOENT, "kernel %s emulates no GICv3 for VMs (vgic_v3_set_attr()): it must be one of arm64 "
				 "built with CONFIG_KVM", release);
	refuse(&live->probes, 0, PROBE_GIC, "not asked for");
	refuse(&live->probes, PROBE_SMCCC, PROBE_COUNT, "not asked for");
	live->only_gic = true;
	return 0;
}

/* There is nothing of KVM to trace. */
static int explain_nothing(const struct live *live, const struct live_options *options, const char *release, struct error *error)
{
	if (kvm_module() == KVM_MISSING)
		return error_set(error, -ENOENT, "KVM is not loaded ('modprobe kvm_intel' or 'modprobe kvm_amd'), or kernel %s was built "
				 "without it", release);
	if (live->probes.module_btf)
		return error_set(error, -ENOENT, "cannot read what the module kvm of kernel %s says about itself in " KVM_MODULE_BTF
				 " (%s): it must be built with CONFIG_DEBUG_INFO_BTF_MODULES", release,
				 strerror(-live->probes.module_btf));
	return error_set(error, -ENOENT, "kernel %s has no kvm_sdei_* tracepoints that can be used: tried all %d in "
			 "the BTF of the kernel and of its kvm module (%s: %s)%s; " WAY_OUT, release, PROBE_TRACEPOINTS,
			 live->probes.list[0].name, live->probes.list[0].why_not, options->no_apf ? "" : ", nor KVM's page faults");
}

/* Of what a kernel has without the tracepoints of SDEI. */
static bool has_stock_probe(const struct probes *probes, const struct live_options *options)
{
	if (options->just_look && !probes->list[PROBE_SNAPSHOT].why_not)
		return true;
	return (!options->no_apf && (probes->has_apf || probes->has_faults)) || (!options->no_calls && probes->has_smccc);
}

static int find_probes(struct live *live, const struct live_options *options, struct error *error)
{
	int found = probes_find(&live->probes);
	struct utsname kernel;

	uname(&kernel);
	if (found < 0)
		return error_set(error, -ENOENT, "cannot read what kernel %s says about itself in /sys/kernel/btf/vmlinux "
				 "(%s): it must be built with CONFIG_DEBUG_INFO_BTF and have the kvm_sdei_* tracepoints; "
				 WAY_OUT, kernel.release, strerror(-found));
	if (options->client)
		return find_client_probes(live, kernel.release, error);
	if (options->only_gic || (options->gic && !live->probes.has_gic))
		return find_gic_probes(live, kernel.release, error);
	refuse(&live->probes, PROBE_CLIENT, PROBE_COUNT, "not asked for");
	if (!options->gic)
		refuse(&live->probes, PROBE_GIC, PROBE_SMCCC, "not asked for");
	live->has_sdei = found > 0;
	if (!found && !has_stock_probe(&live->probes, options))
		return explain_nothing(live, options, kernel.release, error);
	if (options->no_calls)
		leave_out_calls(&live->probes);
	if (options->no_apf)
		leave_out_apf(&live->probes);
	if (!options->sched)
		refuse(&live->probes, PROBE_SCHED, PROBE_CLIENT, "not asked for");
	return 0;
}

int live_check(bool client, struct error *error)
{
	const struct live_options options = { .client = client };
	struct live *live = calloc(1, sizeof(*live));
	int err;

	if (!live)
		return error_no_memory(error);
	err = find_probes(live, &options, error);
	if (!err)
		err = live_load(live, &options, error);
	live_close(live);
	return err;
}

/* A kernel without SDEI lacks nothing of it. Nor does one lack the end of a handler that it does not have. */
static bool is_shown(const struct live *live, const struct live_options *options, int i)
{
	if (options->client || probe_is_client(i))
		return options->client && probe_is_client(i) && !live->probes.missing[i];
	if (probe_is_user(i))
		return live->probes.has_user;
	if (probe_is_apf(i))
		return live->probes.has_apf || (probe_is_sync(i) && live->probes.has_faults);
	if (probe_is_gic(i) || options->only_gic)
		return probe_is_gic(i) && (options->gic || options->only_gic);
	if (probe_is_smccc(i))
		return live->probes.has_smccc;
	if (probe_is_counter(i))
		return live->probes.has_counter;
	if (i >= PROBE_SCHED)
		return options->sched;
	if (i == PROBE_SNAPSHOT)
		return live->has_sdei || live->probes.has_power;
	return live->has_sdei;
}

static void select_shown(struct live *live, const struct live_options *options)
{
	for (int i = 0; i < PROBE_COUNT; i++)
		if (is_shown(live, options, i))
			live->shown[live->shown_count++] = live->probes.list[i];
}

/* Whatever it is that the kernel does not let us attach to, the others will do. 1 if it is attached, 0 or -errno. */
static int attach_probe(struct live *live, int i)
{
	int err;

	if (live->probes.list[i].why_not)
		return 0;
	live->links[i] = bpf_program__attach(live_program(live, i));
	live->probes.list[i].attached = live->links[i];
	if (live->links[i])
		return 1;
	err = -errno;
	probes_refuse(&live->probes, i, "it cannot be attached to: %s", err == -ENOTSUPP ? "this kernel cannot trace its function" :
		      strerror(-err));
	live->probes.list[i].denied = err == -EPERM || err == -EACCES;
	return err;
}

/* Those that are of no use without another one, which could not be attached. */
static void detach_useless(struct live *live)
{
	probes_settle(&live->probes);
	for (int i = 0; i < PROBE_COUNT; i++) {
		if (!live->probes.list[i].why_not)
			continue;
		bpf_link__destroy(live->links[i]);
		live->links[i] = NULL;
	}
}

static bool is_any_attached(const struct live *live)
{
	for (int i = 0; i < PROBE_COUNT; i++)
		if (live->links[i] && probe_is_basic(i))
			return true;
	return false;
}

static int attach(struct live *live, const struct live_options *options, struct error *error)
{
	int err, first_err = -ENOENT;
	char why[256];
	bool attached;

	live->start_ns = live->drained_ns = clock_monotonic_ns();
	for (int i = PROBE_APF; i < PROBE_COUNT; i++) {
		err = attach_probe(live, i);
		if (err < 0 && first_err == -ENOENT && !live->has_sdei)
			first_err = err;
	}
	for (int i = 0; i < PROBE_TRACEPOINTS; i++) {
		err = attach_probe(live, i);
		if (err < 0 && first_err == -ENOENT)
			first_err = err;
	}
	detach_useless(live);
	if (live->client_state && live_fill_callbacks(live))
		return error_set(error, -ENOMEM, "cannot fill a BPF map");
	live->attached = attached = is_any_attached(live);
	live_switch(live, live->attached);
	if (attached || (options->just_look && !live->has_sdei))
		return 0;
	privilege_explain(why, sizeof(why));
	if (first_err == -ENOTSUPP)
		first_err = -ENOENT;	/* so arm64 before Linux 6.5 */
	return error_set(error, first_err, "cannot attach to anything of %s: %s%s%s", live->client_state ? "the SDEI client" :
			 live->only_gic ? "KVM's GIC" : "SDEI, of page faults or of guests' calls", first_refusal(live),
			 first_err == -EPERM ? "; " : "", first_err == -EPERM ? why : "");
}

struct live *live_open(const struct live_options *options, struct error *error)
{
	struct live *live = calloc(1, sizeof(*live));
	int err;

	if (!live) {
		error_no_memory(error);
		return NULL;
	}
	live->period_ms = PACE_MOST_MS;
	live->ring_fd = -1;
	err = find_probes(live, options, error);
	if (!err)
		err = live_load(live, options, error);
	if (!err)
		err = attach(live, options, error);
	if (!err) {
		live_take_snapshot(live);
		select_shown(live, options);
		return live;
	}
	live_close(live);
	return NULL;
}

/*
 * The programs stay where they are, and do nothing, until live_close(): the kernel takes a tenth of a second and more for
 * each function that it is to call without ours again, and nobody who has asked for figures shall wait for that.
 */
void live_detach(struct live *live)
{
	if (!live->attached)
		return;
	live->end_ns = clock_monotonic_ns();
	live_switch(live, false);
	live_synchronize(live);
	for (int i = 0; i < PROBE_COUNT; i++)
		live->missed[i] = live_missed(live, i);
	live->attached = false;
}

void live_close(struct live *live)
{
	if (!live)
		return;
	for (int i = 0; i < PROBE_COUNT; i++)
		bpf_link__destroy(live->links[i]);
	live_unload(live);
	free(live);
}

bool live_has_sdei(const struct live *live)
{
	return live->has_sdei;
}

const char *live_gives(const struct live *live)
{
	bool faults = live->probes.has_faults || live->probes.has_apf;

	if (!live->probes.has_smccc)
		return "page faults";
	return faults ? "page faults and calls of guests" : "calls of guests";
}

int live_fd(const struct live *live)
{
	return bpf_map__fd(live->object.wakeups);
}

int live_period_ms(const struct live *live)
{
	if (!live->asleep)
		return live->period_ms;
	return live->has_all_cpus ? 0 : LIVE_CPU_PERIOD_MS;
}

const struct source_probe *live_probes(const struct live *live, size_t *count)
{
	*count = live->shown_count;
	return live->shown;
}

int live_counters(struct live *live, struct record_counters *counters)
{
	uint64_t missed, settled_ns = streams_settled(live->streams);

	*counters = (struct record_counters) {
		.read = streams_read(live->streams) + live->faults_reported, .late = streams_late(live->streams), .malformed = live->malformed,
		.settled_ns = settled_ns ? settled_ns : live->start_ns,
	};
	for (int kind = 1; kind < SDEI_KIND_COUNT; kind++) {
		for (unsigned int cpu = 0; cpu < live->cpus; cpu++) {
			const struct sdei_counter *count = &live->counts[cpu].kinds[kind];

			counters->lost[kind] += __atomic_load_n(&count->lost, __ATOMIC_ACQUIRE);
			counters->attempted[kind] += __atomic_load_n(&count->attempted, __ATOMIC_ACQUIRE);
		}
		counters->attempted[kind] += live->snapshot.counts.kinds[kind].attempted;
		missed = live_missed_of(live, kind);
		counters->lost[kind] += missed;
		counters->attempted[kind] += missed;
	}
	counters->attempted[SDEI_APF] += live->faults_reported;
	return 0;
}
