// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was lost, as the kernel counts it, handed to the sink. While records are lost the rings are full: nothing here may
 * take so long that more is lost meanwhile.
 *
 * A map that is half full is retired: the programs count in the other one from then on, and when the last one that may still
 * count in it has ended, it is read for the last time and emptied. So no count is lost, and there is always room for new keys.
 *
 * Before Linux 5.19, where unprivileged BPF is disabled, who has given up CAP_BPF may not read the maps (__sys_bpf() refuses every
 * command): then the counters, which are mapped, tell how many of each kind were lost.
 */
#include "source/live_private.h"

#include <errno.h>
#include <bpf/libbpf.h>

#define LOSSES_PERIOD_NS 100000000
/* A system call for each program, which adds up what all CPUs have. */
#define MISSED_PERIOD_NS 1000000000
/* Of the keys in one drain: some ten microseconds, where all that the map can hold would take milliseconds. */
#define SLICE_KEYS 64

static struct bpf_map *lost_map(const struct live *live, unsigned int i)
{
	return live->object.lost[i];
}

int live_prepare_losses(struct live *live)
{
	for (unsigned int i = 0; i < 2; i++)
		live->losses[i] = losses_new(bpf_map__max_entries(lost_map(live, i)));
	if (!live->losses[0] || !live->losses[1])
		return -ENOMEM;
	return map_slice_init(&live->lost, sizeof(struct sdei_lost_key), sizeof(uint64_t), SLICE_KEYS);
}

void live_free_losses(struct live *live)
{
	background_wait(&live->retired);
	losses_free(live->losses[0]);
	losses_free(live->losses[1]);
	map_slice_free(&live->lost);
}

static bool is_wanted(const struct live *live, uint32_t vm)
{
	return vm == SDEI_ANY_VM || !live->vm_filter || vm_filter_wants_vm(live->vm_filter, vm);
}

/* total: the value of a key of map i. */
static void report_key(struct live *live, const struct record_sink *sink, unsigned int i, const struct sdei_lost_key *key, uint64_t total)
{
	struct sdei_lost_key known = *key;
	uint64_t fresh = losses_update(live->losses[i], key, total);

	live->lost_reported += fresh;
	if (key->kind < SDEI_KIND_COUNT)
		live->kind_reported[key->kind] += fresh;
	if (live->client_state)
		client_state_fill_lost(&known);
	if (fresh && is_wanted(live, key->vm))
		sink_lost(sink, &known, fresh);
}

/* The next keys of map i, which may be the last ones. Of a map that is retired they are taken out. */
static int report_slice(struct live *live, const struct record_sink *sink, unsigned int i)
{
	int err = map_slice_next(&live->lost, bpf_map__fd(lost_map(live, i)), i != live->lost_in);
	const struct sdei_lost_key *keys = live->lost.keys;
	const uint64_t *values = live->lost.values;

	for (__u32 key = 0; key < live->lost.count; key++)
		report_key(live, sink, i, &keys[key], values[key]);
	return err;
}

static void wait_for_programs(void *live)
{
	live_synchronize(live);
}

/* It waits for tens of milliseconds: aside. */
static void retire(struct live *live)
{
	live->lost_in = !live->lost_in;
	__atomic_store_n(live->object.lost_in, live->lost_in, __ATOMIC_SEQ_CST);
	live->retiring = true;
	background_start(&live->retired, wait_for_programs, live);
}

static int empty_retired(struct live *live, const struct record_sink *sink, bool final)
{
	unsigned int i = !live->lost_in;
	int err;

	if (!final && background_is_busy(&live->retired) && !background_is_done(&live->retired))
		return 0;
	background_wait(&live->retired);
	do
		err = report_slice(live, sink, i);
	while (!err && final && live->lost.halfway);
	if (err || live->lost.halfway)
		return err;
	losses_clear(live->losses[i]);
	live->retiring = false;
	return 0;
}

static bool is_half_full(const struct live *live)
{
	return losses_keys(live->losses[live->lost_in]) > bpf_map__max_entries(lost_map(live, live->lost_in)) / 2;
}

static void report_unknown(const struct record_sink *sink, uint64_t total, uint64_t *reported)
{
	uint64_t fresh = total - *reported;

	*reported = total;
	if (fresh)
		sink_lost(sink, NULL, fresh);
}

static uint64_t lost_of(const struct live *live, unsigned int kind)
{
	uint64_t lost = 0;

	for (unsigned int cpu = 0; cpu < live->cpus; cpu++)
		lost += __atomic_load_n(&live->counts[cpu].kinds[kind].lost, __ATOMIC_ACQUIRE);
	return lost;
}

static uint64_t lost_total(const struct live *live)
{
	uint64_t lost = 0;

	for (unsigned int kind = 1; kind < SDEI_KIND_COUNT; kind++)
		lost += lost_of(live, kind);
	return lost;
}

/* Whose they are, and so whether that VM is wanted, is not known. What was reported without a kind is not reported once more. */
static void report_kinds(struct live *live, const struct record_sink *sink)
{
	uint64_t left = lost_total(live) - live->lost_reported;

	for (unsigned int kind = 1; kind < SDEI_KIND_COUNT; kind++) {
		const struct sdei_lost_key key = { .vm = SDEI_ANY_VM, .vcpu = SDEI_NONE, .event = SDEI_NONE, .kind = kind };
		uint64_t fresh = lost_of(live, kind) - live->kind_reported[kind];

		if (fresh > left)
			fresh = left;
		left -= fresh;
		live->kind_reported[kind] += fresh;
		live->lost_reported += fresh;
		if (fresh)
			sink_lost(sink, &key, fresh);
	}
}

static void report_nameless(struct live *live, const struct record_sink *sink)
{
	uint64_t before = live->unknown_reported, unknown = 0;

	for (unsigned int cpu = 0; cpu < live->cpus; cpu++)
		unknown += __atomic_load_n(&live->counts[cpu].lost_unknown, __ATOMIC_ACQUIRE);
	live->lost_reported += unknown - before;
	report_unknown(sink, unknown, &live->unknown_reported);
}

/*
 * Programs on functions may be interrupted, and are missed then by whoever comes next. Where nothing but the kind is known of
 * what they would have shown, and no state depends on it, what is known of the rest is as exact as before.
 */
static bool is_missed_alone(const struct live *live, unsigned int kind)
{
	return kind == SDEI_APF || kind == SDEI_GIC || kind == SDEI_SMCCC || kind == SDEI_COUNTER || (kind == SDEI_CALL && live->client_state);
}

static void report_missed_kind(struct live *live, const struct record_sink *sink, unsigned int kind)
{
	const struct sdei_lost_key key = { .vm = SDEI_ANY_VM, .vcpu = SDEI_NONE, .event = SDEI_NONE, .kind = kind };
	uint64_t missed = live_missed_of(live, kind), fresh = missed - live->missed_alone_reported[kind];

	live->missed_alone_reported[kind] = missed;
	if (fresh)
		sink_lost(sink, &key, fresh);
}

static void report_missed(struct live *live, const struct record_sink *sink)
{
	uint64_t missed = 0;

	for (unsigned int kind = 1; kind < SDEI_KIND_COUNT; kind++) {
		if (is_missed_alone(live, kind))
			report_missed_kind(live, sink, kind);
		else
			missed += live_missed_of(live, kind);
	}
	report_unknown(sink, missed, &live->missed_reported);
}

bool live_losses_are_reported(const struct live *live)
{
	return !live->retiring && !live->lost.halfway && lost_total(live) == live->lost_reported;
}

static int report_keys(struct live *live, const struct record_sink *sink, uint64_t now, bool final)
{
	int err = 0;

	/* At the end once more from the first key on: those that were passed may have lost more since. */
	live->lost.halfway = live->lost.halfway && !final;
	if (live->retiring)
		err = empty_retired(live, sink, final);
	if (err || (live->retiring && !final))
		return err;
	if (!live->lost.halfway &&
	    (!live_take_turn(&live->losses_due_ns, LOSSES_PERIOD_NS, now, final) || lost_total(live) == live->lost_reported))
		return 0;
	do
		err = report_slice(live, sink, live->lost_in);
	while (!err && final && live->lost.halfway);
	if (err || live->lost.halfway)
		return err;
	report_nameless(live, sink);
	if (!final && is_half_full(live))
		retire(live);
	return 0;
}

int live_report_losses(struct live *live, const struct record_sink *sink, uint64_t now, bool final)
{
	int err;

	if (live_take_turn(&live->missed_due_ns, MISSED_PERIOD_NS, now, final))
		report_missed(live, sink);
	err = live->lost_closed ? -EPERM : report_keys(live, sink, now, final);
	if (err != -EPERM)
		return err;
	live->lost_closed = true;
	live->lost.halfway = live->retiring = false;
	report_kinds(live, sink);
	return 0;
}
