// SPDX-License-Identifier: GPL-2.0-only
#include "source/live.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "source/live_private.h"
#include "record/kinds.h"
#include "source/pace.h"
#include "util/clock.h"

/* A program under way at the end finishes within microseconds, unless a hypervisor took its CPU away. */
#define FINAL_TRIES 200
#define FINAL_PAUSE_NS 1000000
#define SLEEP_AFTER_NS NS_PER_SEC	/* no less than what live_report_losses() may leave for later */
#define RUN_MAX 256		/* records that are delivered together: their place in the rings is given back after that */

/* Until the next wakeup live_fd() is not readable. */
static void forget_wakeups(struct live *live)
{
	__atomic_store_n(live->woken, __atomic_load_n(live->wakeups, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
}

/* Whether a record is whole and wanted. */
static bool check(struct live *live, const struct sdei_record *record, size_t size)
{
	const struct kind *kind = size < sizeof(*record) ? NULL : kind_of(record->kind);

	if (!kind || size < kind->size) {
		live->malformed++;
		return false;
	}
	return !live->vm_filter || vm_filter_wants(live->vm_filter, record);
}

/* The record, or what it is with the state that its program did not know: in copy, as the rings cannot be written. */
static const struct sdei_record *with_state(struct live *live, const struct sdei_record *record, void *copy)
{
	if (!live->client_state)
		return record;
	memcpy(copy, record, kind_sizes[record->kind]);
	client_state_fill(live->client_state, copy);	/* without memory for what is new, that is assumed again the next time */
	return copy;
}

/* Hands on what is fit of a run, and says how many that were. The arrays are closed up. */
static size_t deliver(struct live *live, const struct record_sink *sink, const struct sdei_record *records[], size_t sizes[], size_t count)
{
	struct { _Alignas(8) uint8_t bytes[SDEI_RECORD_MAX]; } copies[RUN_MAX];
	size_t fit = 0;

	for (size_t i = 0; i < count; i++) {
		if (!check(live, records[i], sizes[i]))
			continue;
		records[fit] = with_state(live, records[i], &copies[fit]);
		sizes[fit++] = sizes[i];
	}
	sink_records(sink, records, sizes, fit);
	return fit;
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

/* The programs look at it with each record: written only if it changes. */
static void set_asleep(struct live *live, bool asleep)
{
	live->asleep = asleep;
	if (__atomic_load_n(live->object.reader_sleeps, __ATOMIC_RELAXED) != asleep)
		__atomic_store_n(live->object.reader_sleeps, asleep, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/*
 * A host where nothing happens is not looked at: once there has been nothing to do for SLEEP_AFTER_NS, the first record wakes
 * us. It costs its CPU microseconds, so that it must not be each one where a few come in a second. What had begun before the
 * programs saw that we sleep does not wake us: it is looked for once more.
 */
static void sleep_or_stay(struct live *live, uint64_t now)
{
	uint64_t read = streams_read(live->streams);

	if (read != live->busy_read || !live_losses_are_reported(live))
		live->busy_ns = now;
	live->busy_read = read;
	set_asleep(live, now - live->busy_ns >= SLEEP_AFTER_NS);
	if (live->asleep && (!streams_is_complete(live->streams) || live_has_faults(live)))
		set_asleep(live, false);
}

/* A program has woken us, perhaps for the begin of a page fault, of which there is no record yet. */
static void note_wakeup(struct live *live, uint64_t now)
{
	if (live->asleep && !__atomic_load_n(live->object.reader_sleeps, __ATOMIC_RELAXED))
		live->busy_ns = now;
}

static int64_t drain_once(struct live *live, const struct record_sink *sink, uint64_t now, bool all)
{
	const struct sdei_record *records[RUN_MAX];
	size_t sizes[RUN_MAX], run;
	int64_t count = 0;

	streams_begin(live->streams, now, all);
	while ((run = streams_next(live->streams, records, sizes, RUN_MAX)))
		count += deliver(live, sink, records, sizes, run);
	streams_end(live->streams);
	return count;
}

/* While still attached there is no end to it: then up to now. */
static int64_t drain_rest(struct live *live, const struct record_sink *sink)
{
	const struct timespec pause = { .tv_nsec = FINAL_PAUSE_NS };
	int64_t count;

	if (live->attached)
		return drain_once(live, sink, clock_monotonic_ns(), true);
	count = drain_once(live, sink, UINT64_MAX, true);
	for (int i = 0; i < FINAL_TRIES && !streams_is_complete(live->streams); i++) {
		nanosleep(&pause, NULL);
		count += drain_once(live, sink, UINT64_MAX, true);
	}
	return count;
}

bool live_take_turn(uint64_t *due_ns, uint64_t period_ns, uint64_t now, bool final)
{
	if (!final && now < *due_ns)
		return false;
	*due_ns = now + period_ns;
	return true;
}

int64_t live_drain(struct live *live, const struct record_sink *sink, bool final)
{
	uint64_t now = clock_monotonic_ns();
	int64_t count;
	int err;

	forget_wakeups(live);
	note_wakeup(live, now);
	set_pace(live, now);
	live_add_rings(live, now);
	count = final ? drain_rest(live, sink) : drain_once(live, sink, now, false);
	live_report_faults(live, sink, now, final);
	err = live_report_losses(live, sink, now, final);
	sleep_or_stay(live, now);
	return err ? err : count;
}
