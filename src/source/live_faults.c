// SPDX-License-Identifier: GPL-2.0-only
/*
 * What programs leave of page faults in the map of the vCPUs' faults, for user space to make records of. The map is mapped: whoever has
 * given up CAP_BPF sees it, too.
 *
 * Quick ones are added up there, and each sum is taken some ten times a second: so none of them waits for the vCPU's next fault, which may
 * never come. One that is not over has no record before its end: so it is looked for twice a second, and reported for as long as it lasts.
 */
#include "source/live_private.h"

#include <errno.h>
#include <sys/mman.h>
#include <bpf/libbpf.h>

#include "bpf/faults.h"
#include "sdei.skel.h"
#include "util/clock.h"

#define QUICK_PERIOD_NS (75 * NS_PER_MS)	/* with every second drain, where little else happens; see PACE_MOST_MS */
#define WAITING_PERIOD_NS (NS_PER_SEC / 2)
#define WAITING_LEAST_NS (NS_PER_SEC / 10)	/* one that is shorter is not reported */

static size_t map_bytes(const struct live *live)
{
	return live->faults_room * sizeof(*live->faults);
}

int live_prepare_faults(struct live *live)
{
	struct sdei_vcpu_faults *faults;

	if (!live->bpf || !live->probes.has_faults)
		return 0;
	live->faults_room = bpf_map__max_entries(live->bpf->maps.vcpus_faults);
	faults = mmap(NULL, map_bytes(live), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(live->bpf->maps.vcpus_faults), 0);
	if (faults == MAP_FAILED)
		return -errno;
	live->faults = faults;
	return 0;
}

void live_free_faults(struct live *live)
{
	if (live->faults)
		munmap(live->faults, map_bytes(live));
	live->faults = NULL;
}

/* How many places may have a vCPU. */
static uint32_t places(const struct live *live)
{
	uint32_t used;

	if (!live->faults)
		return 0;
	used = __atomic_load_n(&live->bpf->bss->places_used, __ATOMIC_ACQUIRE);
	return used < live->faults_room ? used : live->faults_room;
}

static void report(struct live *live, const struct record_sink *sink, const struct sdei_record_apf *record)
{
	if (live->vm_filter && !vm_filter_wants(live->vm_filter, &record->head))
		return;
	live->faults_reported++;
	sink_record(sink, &record->head, sizeof(*record));
}

/* --- quick ones */

static bool has_sum(const struct sdei_vcpu_faults *f)
{
	return __atomic_load_n(&f->wanted, __ATOMIC_RELAXED) && __atomic_load_n(&f->quick, __ATOMIC_ACQUIRE);
}

/* Takes the sum, with a copy of what belongs to it: the vCPU adds to it meanwhile, or ends and takes it itself. False: there is none. */
static bool take_sum(struct sdei_vcpu_faults *f, struct sdei_vcpu_faults *taken)
{
	while (has_sum(f)) {
		*taken = *(volatile struct sdei_vcpu_faults *)f;
		if (taken->quick && __atomic_compare_exchange_n(&f->quick, &taken->quick, 0, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

/* Some may have ended since the streams were read, up to now: these are reported as of then. */
static void report_sum(struct live *live, const struct record_sink *sink, const struct sdei_vcpu_faults *f, uint64_t now)
{
	uint64_t end_ns = f->quick_until_ns < now ? f->quick_until_ns : now;
	uint64_t duration_ns = f->quick & SDEI_QUICK_NS;
	const struct sdei_record_apf record = {
		.head = { .time_ns = now, .vm = f->vm, .vcpu = f->vcpu, .event = SDEI_NONE, .kind = SDEI_APF, .origin = APF_QUICK,
			  .arg = now - end_ns },
		.span_ns = f->quick_since_ns < end_ns ? end_ns - f->quick_since_ns : duration_ns,
		.faults = f->quick >> SDEI_QUICK_SHIFT, .duration_ns = duration_ns,
	};

	report(live, sink, &record);
}

static void report_sums(struct live *live, const struct record_sink *sink, uint64_t now)
{
	struct sdei_vcpu_faults taken;

	for (uint32_t i = 0; i < places(live); i++) {
		if (!take_sum(&live->faults[i], &taken))
			continue;
		report_sum(live, sink, &taken, now);
		live->busy_ns = now;
	}
}

/* --- those that are not over */

/* The same fault, looked at once more: so it was not one that ended, and another one that began, while the first look copied it. */
static bool copy_fault(const volatile struct sdei_vcpu_faults *f, struct sdei_vcpu_faults *copy)
{
	copy->since_ns = __atomic_load_n(&f->since_ns, __ATOMIC_ACQUIRE);
	copy->gfn = f->gfn;
	copy->vm = f->vm;
	copy->vcpu = f->vcpu;
	copy->cause = f->cause;
	copy->wanted = f->wanted;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return copy->wanted && copy->since_ns && f->since_ns == copy->since_ns && f->gfn == copy->gfn;
}

static void report_waiting(struct live *live, const struct record_sink *sink, const struct sdei_vcpu_faults *f, uint64_t now)
{
	const struct sdei_record_apf record = {
		.head = { .time_ns = now, .vm = f->vm, .vcpu = f->vcpu, .event = SDEI_NONE, .kind = SDEI_APF, .origin = APF_WAITING,
			  .outcome = f->cause },
		.gfn = f->gfn, .duration_ns = now - f->since_ns,
	};

	report(live, sink, &record);
}

static void report_all_waiting(struct live *live, const struct record_sink *sink, uint64_t now)
{
	struct sdei_vcpu_faults f;

	for (uint32_t i = 0; i < places(live); i++) {
		if (!copy_fault(&live->faults[i], &f) || f.since_ns > now)
			continue;
		live->busy_ns = now;
		if (now - f.since_ns >= WAITING_LEAST_NS)
			report_waiting(live, sink, &f, now);
	}
}

/* --- both */

void live_report_faults(struct live *live, const struct record_sink *sink, uint64_t now, bool final)
{
	bool quick = live_take_turn(&live->quick_due_ns, QUICK_PERIOD_NS, now, final);
	bool waiting = live_take_turn(&live->waiting_due_ns, WAITING_PERIOD_NS, now, final);
	uint64_t settled_ns = streams_settled(live->streams);

	if (!live->attached && live->end_ns < now)
		now = live->end_ns;
	if (settled_ns < now)
		now = settled_ns;
	if (quick)	/* first: what is added to a sum is of before the vCPU began to wait */
		report_sums(live, sink, now);
	if (waiting)
		report_all_waiting(live, sink, now);
}

bool live_has_faults(const struct live *live)
{
	struct sdei_vcpu_faults f;

	for (uint32_t i = 0; i < places(live); i++)
		if (has_sum(&live->faults[i]) || copy_fault(&live->faults[i], &f))
			return true;
	return false;
}
