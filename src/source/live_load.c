// SPDX-License-Identifier: GPL-2.0-only
#include "source/live_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "source/guest_name.h"
#include "source/privilege.h"
#include "source/process.h"
#include "source/targets.h"
#include "util/counter.h"
#include "client.skel.h"
#include "sdei.skel.h"

#define DENIED_VMS 16384
#define WAITING_VCPUS 16384	/* that have an event pending at the same time */
#define SNAPSHOT_VCPUS 65536	/* of more, those whose file has several descriptors are reported more than once: no harm, only work */
#define APF_FAULTS 65536	/* in flight, of all vCPUs */
#define APF_THREADS 16384	/* workers at the same time */
#define GIC_THREADS 4096	/* in a call on a GIC at the same time */
#define GIC_DEVICES 16384
#define GIC_VCPUS 65536		/* whose registers were set */
#define CALLING_VCPUS 16384	/* in a call at the same time: most are asleep in CPU_SUSPEND */
#define FAULTING_VCPUS 65536	/* that have had a page fault, until they end */

/*
 * libbpf's messages have no context, so the first warning is kept here, of those that name a program if there is one: behind
 * "cannot load" it is what helps, and which program the kernel did not take is said nowhere else.
 */
static char first_warning[160];

#define NAMES_PROGRAM "prog '"

static void keep_warning(const char *format, va_list args)
{
	const char *prefix = "libbpf: ";
	char text[sizeof(first_warning)];

	if (strncmp(format, prefix, strlen(prefix)) == 0)
		format += strlen(prefix);
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	if (!first_warning[0] || (strncmp(text, NAMES_PROGRAM, strlen(NAMES_PROGRAM)) == 0 &&
				  strncmp(first_warning, NAMES_PROGRAM, strlen(NAMES_PROGRAM)) != 0))
		memcpy(first_warning, text, sizeof(text));
}

static int take_warning(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_WARN)
		keep_warning(format, args);
	return 0;
}

static int show_warning(enum libbpf_print_level level, const char *format, va_list args)
{
	va_list again;

	if (level > LIBBPF_INFO)
		return 0;
	va_copy(again, args);
	vfprintf(stderr, format, again);
	va_end(again);
	return take_warning(level, format, args);
}

#define OBJECT_OF(skeleton) {										\
		.obj = (skeleton)->obj, .rings = (skeleton)->maps.rings, .wakeups = (skeleton)->maps.wakeups,	\
		.counters = (skeleton)->maps.counters, .lost = { (skeleton)->maps.lost_0, (skeleton)->maps.lost_1 }, \
		.vms = (skeleton)->maps.vms, .vcpus = (skeleton)->maps.vcpus, .events = (skeleton)->maps.events,	\
		.denied = (skeleton)->maps.denied,								\
		.ring_bytes = (void *)&(skeleton)->rodata->ring_bytes,						\
		.wakeup_bytes = (void *)&(skeleton)->rodata->wakeup_bytes,					\
		.filter_vms = (void *)&(skeleton)->rodata->filter_vms,						\
		.filter_vcpus = (void *)&(skeleton)->rodata->filter_vcpus,					\
		.filter_events = (void *)&(skeleton)->rodata->filter_events,					\
		.filter_denied = (void *)&(skeleton)->rodata->filter_denied,					\
		.tracing = (void *)&(skeleton)->bss->tracing, .lost_in = (void *)&(skeleton)->bss->lost_in,	\
		.reader_sleeps = (void *)&(skeleton)->bss->reader_sleeps,					\
	}

/* The version of the records, or -errno. */
static int open_kvm(struct live *live)
{
	live->bpf = sdei_bpf__open();
	if (!live->bpf)
		return -errno;
	live->object = (struct live_object) OBJECT_OF(live->bpf);
	return live->bpf->rodata->record_abi;
}

static int open_client(struct live *live)
{
	live->client_bpf = client_bpf__open();
	if (!live->client_bpf)
		return -errno;
	live->object = (struct live_object) OBJECT_OF(live->client_bpf);
	return live->client_bpf->rodata->record_abi;
}

static int load_skeleton(struct live *live)
{
	int err = targets_use(&live->probes);

	if (!err)
		err = live->client_bpf ? client_bpf__load(live->client_bpf) : sdei_bpf__load(live->bpf);
	targets_use(NULL);
	return err;
}

static void destroy_object(struct live *live)
{
	sdei_bpf__destroy(live->bpf);
	client_bpf__destroy(live->client_bpf);
	live->bpf = NULL;
	live->client_bpf = NULL;
	memset(&live->object, 0, sizeof(live->object));
}

static int open_object(struct live *live, bool client, bool verbose, struct error *error)
{
	int abi, err;

	first_warning[0] = '\0';
	libbpf_set_print(verbose ? show_warning : take_warning);
	err = targets_register();
	if (err)
		return error_set(error, err, "cannot have libbpf attach the BPF programs: %s", strerror(-err));
	abi = client ? open_client(live) : open_kvm(live);
	if (abi < 0)
		return error_set(error, abi, "cannot open the BPF programs: %s", strerror(-abi));
	if (abi != SDEI_RECORD_ABI)
		return error_set(error, -EPROTO, "the BPF programs write records of version %d, %d is expected: rebuild",
				 abi, SDEI_RECORD_ABI);
	return 0;
}

/* The reader is woken at half of a ring. */
static void configure_rings(struct live *live)
{
	*live->object.ring_bytes = live->ring_bytes;
	*live->object.wakeup_bytes = live->ring_bytes / 2;
}

static void configure_filters(struct live *live, const struct source_filter *filter)
{
	*live->object.filter_vms = filter->vm_count;
	*live->object.filter_vcpus = filter->vcpu_count;
	*live->object.filter_events = filter->event_count;
	*live->object.filter_denied = filter->want_vm;
}

static int size_set(struct bpf_map *map, size_t count)
{
	return bpf_map__set_max_entries(map, count ? count : 1);
}

static bool is_wanted(const struct live *live, int i)
{
	return !live->probes.list[i].why_not;
}

/* What a guest that cannot be told of a fault does: on arm64 the fault is waited for, elsewhere the vCPU is halted. */
static unsigned char untold_outcome(void)
{
	struct utsname host;

	return uname(&host) == 0 && strcmp(host.machine, "aarch64") == 0 ? APF_UNTOLD : APF_HALTED;
}

/* What following threads and the snapshot need. */
static int configure_kvm(struct live *live, const struct live_options *options)
{
	size_t waiting = options->sched ? WAITING_VCPUS : 1;
	bool gic = options->gic || options->only_gic;
	int err;

	live->bpf->rodata->sched = options->sched;
	live->bpf->rodata->apf_untold = untold_outcome();
	live->bpf->rodata->sdei = live->has_sdei;
	live->bpf->rodata->smccc_sdei = !live->has_sdei;
	live->bpf->rodata->counter_hz = counter_hz();
	err = bpf_map__set_max_entries(live->bpf->maps.waiting, waiting);
	if (!err)
		err = bpf_map__set_max_entries(live->bpf->maps.watched, waiting);
	if (!err)
		err = bpf_map__set_max_entries(live->bpf->maps.faults, live->probes.has_apf ? APF_FAULTS : 1);
	if (!err)
		err = bpf_map__set_max_entries(live->bpf->maps.workers, live->probes.has_apf ? APF_THREADS : 1);
	if (!err)
		err = bpf_map__set_max_entries(live->bpf->maps.vcpus_faults, live->probes.has_faults ? FAULTING_VCPUS : 1);
	if (!err)
		err = bpf_map__set_max_entries(live->bpf->maps.places, live->probes.has_faults ? FAULTING_VCPUS : 1);
	if (!err)
		err = bpf_map__set_max_entries(live->bpf->maps.free_places, live->probes.has_faults ? FAULTING_VCPUS : 1);
	if (!err)
		err = bpf_map__set_max_entries(live->bpf->maps.threads, live->probes.has_faults ? FAULTING_VCPUS : 1);
	if (!err)
		err = bpf_map__set_max_entries(live->bpf->maps.gic_calls, gic ? GIC_THREADS : 1);
	if (!err)
		err = bpf_map__set_max_entries(live->bpf->maps.gic_devices, gic ? GIC_DEVICES : 1);
	if (!err)
		err = bpf_map__set_max_entries(live->bpf->maps.vcpus_registers, gic ? GIC_VCPUS : 1);
	if (!err)
		err = bpf_map__set_max_entries(live->bpf->maps.smccc_calls, is_wanted(live, PROBE_SMCCC_END) ? CALLING_VCPUS : 1);
	if (!err)
		err = bpf_map__set_max_entries(live->bpf->maps.told, is_wanted(live, PROBE_SNAPSHOT) ? SNAPSHOT_VCPUS : 1);
	return err;
}

static int size_maps(struct live *live, const struct source_filter *filter)
{
	int err;

	err = bpf_map__set_max_entries(live->object.rings, live->cpus);
	if (!err)
		err = bpf_map__set_max_entries(live->object.counters, live->cpus);
	if (!err)
		err = size_set(live->object.vms, filter->vm_count);
	if (!err)
		err = size_set(live->object.vcpus, filter->vcpu_count);
	if (!err)
		err = size_set(live->object.events, filter->event_count);
	if (!err)
		err = size_set(live->object.denied, filter->want_vm ? DENIED_VMS : 1);
	return err;
}

/* The verifier learns from an example what the rings are like. */
static int load_with_rings(struct live *live)
{
	int example = ring_create("sdei_ring", live->ring_bytes), err;

	if (example < 0)
		return example;
	err = bpf_map__set_inner_map_fd(live->object.rings, example);
	if (!err)
		err = load_skeleton(live);
	close(example);
	return err;
}

/* libbpf raises RLIMIT_MEMLOCK by itself where the kernel (before 5.11) still counts maps against it. */
static int load_object(struct live *live, const struct live_options *options, struct error *error)
{
	struct bpf_program *program;
	char why[256];
	int err;

	configure_rings(live);
	configure_filters(live, &options->filter);
	err = size_maps(live, &options->filter);
	if (!err)
		err = options->client ? live_configure_client(live, options) : configure_kvm(live, options);
	if (err)
		return error_set(error, err, "cannot size the BPF maps: %s", strerror(-err));
	bpf_object__for_each_program(program, live->object.obj)
		bpf_program__set_autoload(program, false);
	for (int i = 0; i < PROBE_COUNT; i++)
		if (is_wanted(live, i))
			bpf_program__set_autoload(live_program(live, i), true);
	err = load_with_rings(live);
	if (err == -EPERM) {
		privilege_explain(why, sizeof(why));
		return error_set(error, err, "the kernel does not let BPF programs be loaded: %s", why);
	}
	if (err)
		return error_set(error, err, "cannot load the BPF programs: %s (%s)", strerror(-err), first_warning);
	return 0;
}

static int fill_set(struct bpf_map *map, const uint32_t *values, size_t count)
{
	const __u8 yes = 1;
	int err = 0;

	for (size_t i = 0; i < count && !err; i++)
		err = bpf_map_update_elem(bpf_map__fd(map), &values[i], &yes, BPF_ANY);
	return err;
}

static int fill_sets(struct live *live, const struct source_filter *filter)
{
	int err;

	err = fill_set(live->object.vms, filter->vms, filter->vm_count);
	if (!err)
		err = fill_set(live->object.vcpus, filter->vcpus, filter->vcpu_count);
	if (!err)
		err = fill_set(live->object.events, filter->events, filter->event_count);
	return err;
}

/* Without room for it the VM's records are dropped here instead of in the kernel. */
static void deny(void *ctx, uint32_t vm, bool wanted)
{
	struct live *live = ctx;
	int fd = bpf_map__fd(live->object.denied);
	const __u8 yes = 1;

	if (wanted)
		bpf_map_delete_elem(fd, &vm);
	else
		bpf_map_update_elem(fd, &vm, &yes, BPF_ANY);
}

static int set_up_vm_filter(struct live *live, const struct source_filter *filter)
{
	const struct vm_filter_calls calls = {
		.want = filter->want_vm, .want_ctx = filter->ctx, .sure = guest_name_is_sure, .identity = process_identity,
		.decided = deny, .decided_ctx = live,
	};

	if (!filter->want_vm)
		return 0;
	live->vm_filter = vm_filter_new(&calls);
	return live->vm_filter ? 0 : -ENOMEM;
}

static int set_up(struct live *live, const struct source_filter *filter)
{
	int err;

	err = live_open_rings(live);
	if (!err)
		err = live_prepare_losses(live);
	if (!err)
		err = live_prepare_faults(live);
	if (!err)
		err = fill_sets(live, filter);
	if (!err)
		err = set_up_vm_filter(live, filter);
	return err;
}

static int open_and_load(struct live *live, const struct live_options *options, struct error *error)
{
	int err = open_object(live, options->client, options->verbose, error);

	return err ? err : load_object(live, options, error);
}

/* --- a program that this kernel does not take costs only what it is for */

/* The probe of the program that was not taken, -1: it was none of them. */
static int refused_probe(const struct live *live)
{
	const char *name = first_warning + strlen(NAMES_PROGRAM);

	if (strncmp(first_warning, NAMES_PROGRAM, strlen(NAMES_PROGRAM)) != 0)
		return -1;
	for (int i = 0; i < PROBE_COUNT; i++) {
		size_t length = strlen(live->probes.programs[i]);

		if (is_wanted(live, i) && strncmp(name, live->probes.programs[i], length) == 0 && name[length] == '\'')
			return i;
	}
	return -1;
}

static bool is_on_function(const struct live *live, int i)
{
	enum bpf_attach_type type = bpf_program__expected_attach_type(live_program(live, i));

	return type == BPF_TRACE_FENTRY || type == BPF_TRACE_FEXIT;
}

/* Programs on functions may be forbidden where the others are not. */
static void forbid_functions(struct live *live)
{
	for (int i = 0; i < PROBE_COUNT; i++) {
		if (!is_wanted(live, i) || !is_on_function(live, i))
			continue;
		probes_refuse(&live->probes, i, "programs on functions are forbidden to this process, those on tracepoints are not");
		live->probes.list[i].denied = true;
	}
}

static bool is_any_wanted(const struct live *live)
{
	for (int i = 0; i < PROBE_COUNT; i++)
		if (is_wanted(live, i) && probe_is_basic(i))
			return true;
	return false;
}

/* Gives up the program that was not taken, and what is of no use without it. False: that is not the way. */
static bool give_up(struct live *live, int err)
{
	const struct probes found = live->probes;
	int i = refused_probe(live);
	const char *reason;

	if (i < 0 || (err == -EPERM && !is_on_function(live, i)))
		return false;
	reason = strstr(first_warning, "': ");
	if (err == -EPERM)
		forbid_functions(live);
	else
		probes_refuse(&live->probes, i, "this kernel does not take its program: %.56s", reason ? reason + 3 : strerror(-err));
	probes_settle(&live->probes);
	if (is_any_wanted(live))
		return true;
	live->probes = found;
	return false;
}

static int load(struct live *live, const struct live_options *options, struct error *error)
{
	int err;

	while ((err = open_and_load(live, options, error)) && live->object.obj && give_up(live, err))
		destroy_object(live);
	return err;
}

int live_load(struct live *live, const struct live_options *options, struct error *error)
{
	int err;

	err = live_size_rings(live, options->ring_bytes, error);
	if (!err)
		err = load(live, options, error);
	if (err)
		return err;
	err = set_up(live, &options->filter);
	if (err)
		return error_set(error, err, "cannot set up a ring of %zu bytes for each of %u CPUs: %s", live->ring_bytes,
				 live->cpus, strerror(-err));
	return 0;
}

void live_unload(struct live *live)
{
	live_close_rings(live);
	vm_filter_free(live->vm_filter);
	live_free_losses(live);
	live_free_faults(live);
	client_state_free(live->client_state);
	destroy_object(live);
}
