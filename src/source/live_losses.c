// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was lost, as the kernel counts it, told to the sink. While records are lost the rings are full: nothing here may
 * take so long that more is lost meanwhile.
 */
#include "source/live_private.h"

#include <errno.h>
#include <stdlib.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "sdei.skel.h"

#define LOSSES_PERIOD_NS 100000000
/* A system call for each program, which adds up what all CPUs have. */
#define MISSED_PERIOD_NS 1000000000
/* Of the keys in one drain: some ten microseconds, where all that the map can hold would take milliseconds. */
#define SLICE_KEYS 64

int live_prepare_losses(struct live *live)
{
	live->losses = losses_new(bpf_map__max_entries(live->bpf->maps.lost));
	live->lost_keys = calloc(SLICE_KEYS, sizeof(live->lost_keys[0]));
	live->lost_values = calloc((size_t)SLICE_KEYS * live->cpu_values, sizeof(live->lost_values[0]));
	return live->losses && live->lost_keys && live->lost_values ? 0 : -ENOMEM;
}

void live_free_losses(struct live *live)
{
	losses_free(live->losses);
	free(live->lost_keys);
	free(live->lost_values);
}

/* values: one for each CPU. */
static void report_key(struct live *live, const struct record_sink *sink, const struct sdei_lost_key *key, const uint64_t *values)
{
	uint64_t total = 0, fresh;

	for (unsigned int i = 0; i < live->cpu_values; i++)
		total += values[i];
	fresh = losses_update(live->losses, key, total);
	live->lost_reported += fresh;
	if (fresh && (!live->judge || vm_filter_wants_vm(live->judge, key->vm)))
		sink_lost(sink, key, fresh);
}

/* The next keys of the map, from losses_at on; which may be the last ones. */
static int report_slice(struct live *live, const struct record_sink *sink)
{
	__u32 count = SLICE_KEYS;
	int err = bpf_map_lookup_batch(bpf_map__fd(live->bpf->maps.lost), live->losses_halfway ? &live->losses_at : NULL,
				       &live->losses_at, live->lost_keys, live->lost_values, &count, NULL);

	live->losses_halfway = !err;
	if (err && err != -ENOENT)
		return err;
	for (__u32 i = 0; i < count; i++)
		report_key(live, sink, &live->lost_keys[i], &live->lost_values[(size_t)i * live->cpu_values]);
	return 0;
}

static void report_unknown(const struct record_sink *sink, uint64_t total, uint64_t *reported)
{
	uint64_t fresh = total - *reported;

	*reported = total;
	if (fresh)
		sink_lost(sink, NULL, fresh);
}

static uint64_t lost_total(const struct live *live)
{
	uint64_t lost = 0;

	for (unsigned int cpu = 0; cpu < live->cpus; cpu++)
		for (int kind = 1; kind < SDEI_KIND_COUNT; kind++)
			lost += __atomic_load_n(&live->counts[cpu].kinds[kind].lost, __ATOMIC_ACQUIRE);
	return lost;
}

static void report_nameless(struct live *live, const struct record_sink *sink)
{
	uint64_t before = live->unknown_reported, unknown = 0;

	for (unsigned int cpu = 0; cpu < live->cpus; cpu++)
		unknown += __atomic_load_n(&live->counts[cpu].lost_unknown, __ATOMIC_ACQUIRE);
	live->lost_reported += unknown - before;
	report_unknown(sink, unknown, &live->unknown_reported);
}

/* Programs on functions may be preempted, and are missed then by whoever comes next: what is known of SDEI is as exact as before. */
static void report_missed_faults(struct live *live, const struct record_sink *sink)
{
	static const struct sdei_lost_key key = { .vm = SDEI_ANY_VM, .vcpu = SDEI_NONE, .event = SDEI_NONE, .kind = SDEI_APF };
	uint64_t missed = live_missed_of(live, SDEI_APF), fresh = missed - live->missed_faults_reported;

	live->missed_faults_reported = missed;
	if (fresh)
		sink_lost(sink, &key, fresh);
}

static void report_missed(struct live *live, const struct record_sink *sink)
{
	uint64_t missed = 0;

	for (unsigned int kind = 1; kind < SDEI_APF; kind++)
		missed += live_missed_of(live, kind);
	report_unknown(sink, missed, &live->missed_reported);
	report_missed_faults(live, sink);
}
_Static_assert(SDEI_APF == SDEI_KIND_COUNT - 1, "see report_missed()");

/* True once in a period, and at the end. */
static bool is_due(uint64_t *due_ns, uint64_t period_ns, uint64_t now, bool final)
{
	if (!final && now < *due_ns)
		return false;
	*due_ns = now + period_ns;
	return true;
}

int live_report_losses(struct live *live, const struct record_sink *sink, uint64_t now, bool final)
{
	int err;

	if (is_due(&live->missed_due_ns, MISSED_PERIOD_NS, now, final))
		report_missed(live, sink);
	/* At the end once more from the first key on: those that were passed may have lost more since. */
	live->losses_halfway = live->losses_halfway && !final;
	if (!live->losses_halfway &&
	    (!is_due(&live->losses_due_ns, LOSSES_PERIOD_NS, now, final) || lost_total(live) == live->lost_reported))
		return 0;
	do
		err = report_slice(live, sink);
	while (!err && final && live->losses_halfway);
	if (!err && !live->losses_halfway)
		report_nameless(live, sink);
	return err;
}
