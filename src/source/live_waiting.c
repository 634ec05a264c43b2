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
#define BATCH 64

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

/* Whether there is a fault that is not over as of now; those that are long enough go to the sink, NULL: none. */
static bool look(struct live *live, const struct record_sink *sink, uint64_t now)
{
	struct sdei_vcpu_faults values[BATCH];
	uint64_t keys[BATCH];
	int fd = faults_fd(live), err = fd < 0 ? fd : 0;
	bool any = false;
	__u32 at, count;

	for (void *from = NULL; !err; from = &at) {
		count = BATCH;
		err = bpf_map_lookup_batch(fd, from, &at, keys, values, &count, NULL);
		for (__u32 i = 0; (!err || err == -ENOENT) && i < count; i++) {
			if (!values[i].wanted || !values[i].since_ns || values[i].since_ns > now || !is_still_in(fd, keys[i], &values[i]))
				continue;
			any = true;
			if (sink && now - values[i].since_ns >= LEAST_NS)
				report(live, sink, &values[i], now);
		}
	}
	return any;
}

void live_report_waiting(struct live *live, const struct record_sink *sink, uint64_t now, bool final)
{
	uint64_t settled_ns = streams_settled(live->streams);

	if (!final && now < live->waiting_due_ns)
		return;
	live->waiting_due_ns = now + PERIOD_NS;
	if (!live->attached && live->end_ns < now)
		now = live->end_ns;
	if (look(live, sink, settled_ns < now ? settled_ns : now))
		live->busy_ns = now;
}

bool live_has_waiting(struct live *live)
{
	return look(live, NULL, clock_monotonic_ns());
}
