// SPDX-License-Identifier: GPL-2.0-only
#include "source.h"

#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "live_private.h"
#include "sdei.skel.h"

/* Reading the map of losses takes two system calls a key. */
#define LOSSES_PERIOD_NS 100000000
/* A program under way at the end finishes within microseconds, unless a hypervisor took its CPU away. */
#define FINAL_TRIES 200
#define FINAL_PAUSE_NS 1000000

uint64_t live_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);	/* the clock of bpf_ktime_get_ns() */
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* Until the next wakeup live_fd() is not readable. */
static void forget_wakeups(struct live *live)
{
	struct epoll_event events[64];

	while (epoll_wait(live->epoll, events, 64, 0) == 64)
		;
}

/* 1 if it was delivered. */
static int deliver(struct live *live, const struct source_sink *sink, const struct sdei_record *record, size_t size)
{
	const struct kind *kind = size < sizeof(*record) ? NULL : kind_of(record->kind);

	if (!kind || size < kind->size) {
		live->malformed++;
		return 0;
	}
	if (live->judge && !judge_wants(live->judge, record))
		return 0;
	if (sink->record)
		sink->record(sink->ctx, record, kind->size);
	return 1;
}

static int64_t drain_once(struct live *live, const struct source_sink *sink, uint64_t now, bool all)
{
	const void *record;
	int64_t count = 0;
	size_t size;

	streams_begin(live->streams, now, all);
	while ((record = streams_next(live->streams, &size)))
		count += deliver(live, sink, record, size);
	streams_end(live->streams);
	return count;
}

/* While still attached there is no end to it: then up to now. */
static int64_t drain_rest(struct live *live, const struct source_sink *sink)
{
	const struct timespec pause = { .tv_nsec = FINAL_PAUSE_NS };
	int64_t count;

	if (live->attached)
		return drain_once(live, sink, live_now_ns(), true);
	count = drain_once(live, sink, UINT64_MAX, true);
	for (int i = 0; i < FINAL_TRIES && !streams_is_complete(live->streams); i++) {
		nanosleep(&pause, NULL);
		count += drain_once(live, sink, UINT64_MAX, true);
	}
	return count;
}

static void report_key(struct live *live, const struct source_sink *sink, const struct sdei_lost_key *key)
{
	uint64_t total = 0, fresh;

	for (unsigned int i = 0; i < live->cpu_values; i++)
		total += live->lost_values[i];
	fresh = losses_update(live->losses, key, total);
	live->lost_reported += fresh;
	if (fresh && sink->lost && (!live->judge || judge_wants_vm(live->judge, key->vm)))
		sink->lost(sink->ctx, key, fresh);
}

static int report_keys(struct live *live, const struct source_sink *sink)
{
	int fd = bpf_map__fd(live->bpf->maps.lost), err;
	struct sdei_lost_key key;
	const void *last = NULL;

	while (!(err = bpf_map_get_next_key(fd, last, &key))) {
		last = &key;
		err = bpf_map_lookup_elem(fd, &key, live->lost_values);
		if (err)
			return err;
		report_key(live, sink, &key);
	}
	return err == -ENOENT ? 0 : err;
}

static void report_unknown(const struct source_sink *sink, uint64_t total, uint64_t *reported)
{
	uint64_t fresh = total - *reported;

	*reported = total;
	if (fresh && sink->lost_unknown)
		sink->lost_unknown(sink->ctx, fresh);
}

static uint64_t lost_total(const struct live *live)
{
	uint64_t lost = 0;

	for (unsigned int cpu = 0; cpu < live->cpus; cpu++)
		for (int kind = 1; kind < SDEI_KIND_COUNT; kind++)
			lost += __atomic_load_n(&live->counts[cpu].kinds[kind].lost, __ATOMIC_ACQUIRE);
	return lost;
}

static uint64_t unknown_total(const struct live *live)
{
	uint64_t unknown = 0;

	for (unsigned int cpu = 0; cpu < live->cpus; cpu++)
		unknown += __atomic_load_n(&live->counts[cpu].lost_unknown, __ATOMIC_ACQUIRE);
	return unknown;
}

static uint64_t missed_total(const struct live *live)
{
	uint64_t missed = 0;

	for (unsigned int kind = 1; kind < SDEI_KIND_COUNT; kind++)
		missed += live_missed_of(live, kind);
	return missed;
}

static int report_losses(struct live *live, const struct source_sink *sink)
{
	uint64_t unknown;
	int err;

	report_unknown(sink, missed_total(live), &live->missed_reported);
	if (lost_total(live) == live->lost_reported)
		return 0;
	err = report_keys(live, sink);
	unknown = unknown_total(live);
	live->lost_reported += unknown - live->unknown_reported;
	report_unknown(sink, unknown, &live->unknown_reported);
	return err;
}

int64_t live_drain(struct live *live, const struct source_sink *sink, bool final)
{
	uint64_t now = live_now_ns();
	int64_t count;
	int err;

	forget_wakeups(live);
	count = final ? drain_rest(live, sink) : drain_once(live, sink, now, false);
	if (!final && now < live->losses_due_ns)
		return count;
	live->losses_due_ns = now + LOSSES_PERIOD_NS;
	err = report_losses(live, sink);
	return err ? err : count;
}
