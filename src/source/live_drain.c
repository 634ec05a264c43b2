// SPDX-License-Identifier: GPL-2.0-only
#include "source/live.h"

#include <errno.h>
#include <time.h>

#include "source/live_private.h"
#include "source/pace.h"

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
	__atomic_store_n(live->woken, __atomic_load_n(live->wakeups, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
}

/* 1 if it was delivered. */
static int deliver(struct live *live, const struct record_sink *sink, const struct sdei_record *record, size_t size)
{
	const struct kind *kind = size < sizeof(*record) ? NULL : kind_of(record->kind);

	if (!kind || size < kind->size) {
		live->malformed++;
		return 0;
	}
	if (live->judge && !vm_filter_wants(live->judge, record))
		return 0;
	if (sink->record)
		sink->record(sink->ctx, record, kind->size);
	return 1;
}

static size_t fullest(const struct live *live)
{
	size_t most = 0, used;

	for (unsigned int cpu = 0; cpu < live->cpus; cpu++) {
		used = ring_used(&live->rings[cpu]);
		most = used > most ? used : most;
	}
	return most;
}

static void set_pace(struct live *live, uint64_t now)
{
	live->period_ms = pace_next(live->period_ms, now - live->drained_ns, fullest(live), live->ring_bytes);
	live->drained_ns = now;
}

static int64_t drain_once(struct live *live, const struct record_sink *sink, uint64_t now, bool all)
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
static int64_t drain_rest(struct live *live, const struct record_sink *sink)
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

int64_t live_drain(struct live *live, const struct record_sink *sink, bool final)
{
	uint64_t now = live_now_ns();
	int64_t count;
	int err;

	forget_wakeups(live);
	set_pace(live, now);
	count = final ? drain_rest(live, sink) : drain_once(live, sink, now, false);
	err = live_report_losses(live, sink, now, final);
	return err ? err : count;
}
