// SPDX-License-Identifier: GPL-2.0-only
#include "cli/join_trace.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "util/log.h"

#define MSG_TRACE_OUTSIDE	"%" PRIu64 " records of the guest are left out: of when they were, the offset between the clocks is not known"

struct trace {
	const struct join *join;
	struct playback *host, *guest;
	struct export *export;
	uint64_t now_ns;	/* of the newest record */
	uint64_t outside;	/* records of the guest in no line */
};

/* When the guest's time was on the host's clock; UINT64_MAX: not known. */
static uint64_t on_host(const struct trace *t, uint64_t guest_ns)
{
	int64_t since_ns = (int64_t)(guest_ns - t->join->guest.side.begin_ns);
	const struct clock_line *clock = &match_line_at(&t->join->match, since_ns)->clock;

	if (since_ns < clock->from_ns || since_ns > clock->to_ns)
		return UINT64_MAX;
	return t->join->host.side.begin_ns + (uint64_t)llround(match_host_ns(&t->join->match, since_ns));
}

static bool is_wanted(const struct trace *t, uint64_t host_ns)
{
	return host_ns >= t->join->from_ns && host_ns <= t->join->to_ns;
}

/* --- what comes from them */

/* Where a line follows another one, the clock may seem to run back. */
static uint64_t forwards(struct trace *t, uint64_t time_ns)
{
	if (time_ns > t->now_ns)
		t->now_ns = time_ns;
	return t->now_ns;
}

static void take_host(void *ctx, const struct sdei_record *record, size_t size)
{
	struct trace *t = ctx;

	if (!is_wanted(t, record->time_ns))
		return;
	forwards(t, record->time_ns);
	export_record(t->export, record, size);
}

static void take_guest(void *ctx, const struct sdei_record *record, size_t size)
{
	union {
		struct sdei_record head;
		uint8_t bytes[SDEI_RECORD_MAX];
	} copy;
	struct trace *t = ctx;
	uint64_t time_ns = on_host(t, record->time_ns);

	if (time_ns == UINT64_MAX) {
		t->outside++;
		return;
	}
	if (!is_wanted(t, time_ns))
		return;
	memcpy(copy.bytes, record, size);
	copy.head.time_ns = forwards(t, time_ns);
	export_record(t->export, &copy.head, size);
}

static void take_lost(void *ctx, const struct sdei_lost_key *key, uint64_t count)
{
	export_lost(((struct trace *)ctx)->export, key, count);
}

static void take_status(void *ctx, const struct recording_status *status)
{
	struct trace *t = ctx;

	if (is_wanted(t, status->time_ns))
		export_tick(t->export, status->time_ns, status->wall_ns);
}

static char *name_of(void *ctx, uint32_t vm)
{
	struct trace *t = ctx;

	return playback_name(vm == SDEI_THIS_MACHINE ? t->guest : t->host, vm);
}

/* --- one behind the other */

/* What is in no line has no place, so it comes at once. */
static uint64_t guest_next_ns(struct trace *t)
{
	uint64_t guest_ns = playback_next_ns(t->guest), time_ns = guest_ns == UINT64_MAX ? UINT64_MAX : on_host(t, guest_ns);

	return guest_ns != UINT64_MAX && time_ns == UINT64_MAX ? 0 : time_ns;
}

static void play(struct trace *t, const struct output *out)
{
	while (!out->error) {
		uint64_t host_ns = playback_next_ns(t->host), guest_ns = guest_next_ns(t);

		if (host_ns == UINT64_MAX && guest_ns == UINT64_MAX)
			return;
		if (host_ns <= guest_ns)
			playback_run(t->host, guest_ns);
		else
			playback_run(t->guest, playback_next_ns(t->guest));
	}
}

static bool again(struct trace *t)
{
	const struct playback_calls host = { .sink = { .record = take_host, .lost = take_lost, .ctx = t }, .status = take_status, .ctx = t };
	const struct playback_calls guest = { .sink = { .record = take_guest, .lost = take_lost, .ctx = t }, .ctx = t };
	int err = playback_again(t->host, &host);

	if (!err)
		err = playback_again(t->guest, &guest);
	if (err)
		say(MSG_READING, strerror(-err));
	return !err;
}

int join_trace(const struct join *join, struct playback *host, struct playback *guest, const struct export_format *format, struct output *out)
{
	struct trace t = { .join = join, .host = host, .guest = guest };
	const struct export_options own = {
		.format = format, .out = out->file, .from_ns = join->is_part ? join->from_ns : join->host.side.begin_ns,
		.wall_offset_ns = join->host.about.clock_offset_ns,
		.host = join->host.about.host, .name = name_of, .ctx = &t,
	};
	int status = EXIT_FAILED;

	t.export = export_new(&own);
	if (!t.export) {
		say(MSG_NO_MEMORY);
	} else if (again(&t)) {
		play(&t, out);
		if (export_end(t.export, t.now_ns))
			say(MSG_EXPORT_MEMORY, out->name);
		else
			status = EXIT_DONE;
	}
	if (t.outside)
		say(MSG_TRACE_OUTSIDE, t.outside);
	export_free(t.export);
	return status;
}
