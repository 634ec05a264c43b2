// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults that are not over: their program sends a record when they end, so one that does not end is looked for, twice a second, in the
 * map of the vCPUs' faults, and reported as a record of its own for as long as it lasts.
 */
#include "source/live_private.h"

#include <errno.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/faults.h"
#include "sdei.skel.h"
#include "util/clock.h"

#define PERIOD_NS (NS_PER_SEC / 2)
#define LEAST_NS (NS_PER_SEC / 10)	/* one that is shorter is not reported */
#define SLICE_VCPUS 64		/* that are looked at together, at first */

static int faults_fd(const struct live *live)
{
	bool follows = live->bpf && live->probes.list[PROBE_APF_FAULT].attached;

	return follows ? bpf_map__fd(live->bpf->maps.vcpus_faults) : -1;
}

/* The same fault, looked at once more: so it was not one that ended, and another one that began, while the first look copied it. */
static bool is_still_in(int fd, uint64_t key, const struct sdei_vcpu_faults *f)
{
	struct sdei_vcpu_faults again;

	return !bpf_map_lookup_elem(fd, &key, &again) && again.since_ns == f->since_ns && again.gfn == f->gfn;
}

static void report(struct live *live, const struct record_sink *sink, const struct sdei_vcpu_faults *f, uint64_t now)
{
	const struct sdei_record_apf record = {
		.head = { .time_ns = now, .vm = f->vm, .vcpu = f->vcpu, .event = SDEI_NONE, .kind = SDEI_APF, .origin = APF_WAITING,
			  .outcome = f->cause },
		.gfn = f->gfn, .duration_ns = now - f->since_ns,
	};

	if (live->vm_filter && !vm_filter_wants(live->vm_filter, &record.head))
		return;
	live->waiting_reported++;
	sink_record(sink, &record.head, sizeof(record));
}

/* Whether the vCPU is in a fault as of now; one that is long enough goes to the sink, NULL: none. */
static bool look_at(struct live *live, const struct record_sink *sink, uint64_t key, const struct sdei_vcpu_faults *f, uint64_t now)
{
	if (!f->wanted || !f->since_ns || f->since_ns > now || !is_still_in(faults_fd(live), key, f))
		return false;
	if (sink && now - f->since_ns >= LEAST_NS)
		report(live, sink, f, now);
	return true;
}

/* *any: whether there is a fault that is not over as of now. 0 or -errno. */
static int look(struct live *live, const struct record_sink *sink, uint64_t now, bool *any)
{
	struct map_slice *s = &live->waiting;
	int fd = faults_fd(live), err = 0;

	*any = false;
	if (fd < 0)
		return 0;
	do {
		err = map_slice_next(s, fd, false);
		for (__u32 i = 0; i < s->count; i++)
			*any |= look_at(live, sink, ((uint64_t *)s->keys)[i], &((struct sdei_vcpu_faults *)s->values)[i], now);
	} while (s->halfway);
	return err == -EPERM ? 0 : err;		/* before Linux 5.19 who has given up CAP_BPF may not look */
}

int live_prepare_waiting(struct live *live)
{
	return map_slice_init(&live->waiting, sizeof(uint64_t), sizeof(struct sdei_vcpu_faults), SLICE_VCPUS);
}

void live_free_waiting(struct live *live)
{
	map_slice_free(&live->waiting);
}

int live_report_waiting(struct live *live, const struct record_sink *sink, uint64_t now, bool final)
{
	uint64_t settled_ns = streams_settled(live->streams);
	bool any;
	int err;

	if (!final && now < live->waiting_due_ns)
		return 0;
	live->waiting_due_ns = now + PERIOD_NS;
	if (!live->attached && live->end_ns < now)
		now = live->end_ns;
	err = look(live, sink, settled_ns < now ? settled_ns : now, &any);
	if (any)
		live->busy_ns = now;
	return err;
}

bool live_has_waiting(struct live *live)
{
	bool any;

	return look(live, NULL, clock_monotonic_ns(), &any) || any;
}
