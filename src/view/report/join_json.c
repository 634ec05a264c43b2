// SPDX-License-Identifier: GPL-2.0-only
/* Two recordings joined, as one JSON object. Unknown is null. */
#include <errno.h>
#include <math.h>

#include "util/json.h"
#include "view/report/join.h"

#define DIGITS 3	/* behind the point, of ns */
#define SLOPE_DIGITS 12

/* The VMs that it was after the first one. */
static void put_moves(struct json *j, const struct join_recording *r)
{
	json_open(j, "moved_to", '[');
	for (size_t i = 1; i < r->vm_count; i++) {
		json_open(j, NULL, '{');
		json_u64(j, "vm", r->vms[i].vm);
		json_text(j, "name", r->vms[i].name);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static int put_recording(struct json *j, const char *key, const struct join_recording *r)
{
	if (!r->vms)
		return -ENOMEM;
	json_open(j, key, '{');
	json_text(j, "directory", r->directory);
	json_text(j, "host", r->about.host);
	json_text(j, "kernel", r->about.kernel);
	json_u64(j, "vm", r->vms->vm);
	json_text(j, "name", r->vms->name);
	if (r->vm_count > 1)
		put_moves(j, r);
	json_u64(j, "begin_ns", r->side.begin_ns);
	json_u64(j, "end_ns", r->side.begin_ns + (uint64_t)r->side.length_ns);
	json_u64(j, "signals", r->side.counts[SIDE_SIGNAL]);
	json_u64(j, "handlers", r->side.counts[SIDE_HANDLER]);
	json_u64(j, "calls", r->side.counts[SIDE_CALL]);
	json_u64(j, "lost", r->side.lost);
	json_u64(j, "lost_calls", r->side.lost_calls);
	json_close(j, '}');
	return 0;
}

static void put_line(struct json *j, const struct join *join, const struct match_line *line)
{
	uint64_t begin_ns = join->guest.side.begin_ns;

	json_open(j, NULL, '{');
	json_u64(j, "guest_begin_ns", begin_ns + (uint64_t)line->clock.from_ns);
	json_u64(j, "guest_end_ns", begin_ns + (uint64_t)line->clock.to_ns);
	json_i64(j, "offset_ns", join_offset_ns(join, line));
	json_real(j, "slope", line->clock.slope, SLOPE_DIGITS);
	json_real(j, "error_ns", line->clock.error_ns, DIGITS);
	json_i64(j, "moved_ns", join_moved_ns(join, line));
	json_u64(j, "handlers", line->handlers);
	json_u64(j, "calls", line->calls);
	json_close(j, '}');
}

/* Its offset is of where the first line begins. */
static void put_counter(struct json *j, const struct join *join)
{
	const struct match *m = &join->match;

	json_open(j, "counter", '{');
	json_bool(j, "used", m->by_counter);
	json_plain(j, "why", join_counter_says(m));
	if (m->counter_lack == COUNTER_THERE) {
		json_i64(j, "offset_ns", join_counter_offset_ns(join, m->lines[0].clock.from_ns));
		json_real(j, "error_ns", m->counter.error_ns, DIGITS);
		json_u64(j, "agrees", m->counter_agrees);
		json_u64(j, "contradicts", m->counter_contradicts);
	}
	json_close(j, '}');
}

static void put_counts(struct json *j, const char *key, const uint64_t counts[SIDE_WHATS])
{
	json_open(j, key, '{');
	json_u64(j, "signals", counts[SIDE_SIGNAL]);
	json_u64(j, "handlers", counts[SIDE_HANDLER]);
	json_u64(j, "calls", counts[SIDE_CALL]);
	json_close(j, '}');
}

static void put_leg(struct json *j, const char *name, const struct hist *h)
{
	if (!hist_count(h)) {
		json_null(j, name);
		return;
	}
	json_open(j, name, '{');
	json_u64(j, "count", hist_count(h));
	json_u64(j, "min_ns", hist_min(h));
	json_real(j, "mean_ns", hist_mean(h), DIGITS);
	json_u64(j, "p50_ns", hist_quantile(h, 0.5));
	json_u64(j, "p99_ns", hist_quantile(h, 0.99));
	json_u64(j, "max_ns", hist_max(h));
	json_close(j, '}');
}

static void put_row(struct json *j, const struct waterfall_row *row)
{
	json_open(j, NULL, '{');
	json_u64(j, "vcpu", row->vcpu);
	json_u64(j, "event", row->event);
	json_open(j, "legs", '{');
	for (int leg = 0; leg < LEG_COUNT; leg++)
		put_leg(j, waterfall_legs[leg].name, row->legs[leg]);
	json_close(j, '}');
	json_close(j, '}');
}

static void put_way(struct json *j, const struct waterfall_way *way)
{
	json_open(j, NULL, '{');
	json_u64(j, "time_ns", way->time_ns);
	json_u64(j, "vcpu", way->vcpu);
	json_u64(j, "event", way->event);
	json_id(j, "sender", way->sender);
	json_open(j, "legs_ns", '{');
	for (int leg = 0; leg < LEG_COUNT; leg++) {
		if (way->legs[leg] == WATERFALL_UNKNOWN)
			json_null(j, waterfall_legs[leg].name);
		else
			json_i64(j, waterfall_legs[leg].name, way->legs[leg]);
	}
	json_close(j, '}');
	json_close(j, '}');
}

int join_json(FILE *out, const struct join *join)
{
	const struct match *m = &join->match;
	struct json json, *j = &json;
	int err;

	json_start(j, out);
	json_open(j, NULL, '{');
	json_text(j, "type", "join");
	err = put_recording(j, "host", &join->host);
	err = err ?: put_recording(j, "guest", &join->guest);
	json_open(j, "clock", '[');
	for (size_t i = 0; i < m->line_count; i++)
		put_line(j, join, &m->lines[i]);
	json_close(j, ']');
	put_counter(j, join);
	json_real(j, "error_ns", match_error_ns(m), DIGITS);
	put_counts(j, "joined", m->counts.joined);
	put_counts(j, "only_guest", m->counts.guest_only);
	put_counts(j, "only_host", m->counts.host_only);
	if (join->is_part) {
		json_u64(j, "from_ns", join->from_ns);
		json_u64(j, "to_ns", join->to_ns);
	}
	json_open(j, "events", '[');
	for (size_t i = 0; i < join->waterfall.count; i++)
		put_row(j, &join->waterfall.rows[i]);
	json_close(j, ']');
	json_open(j, "worst", '[');
	for (size_t i = 0; i < join->waterfall.worst_count; i++)
		put_way(j, &join->waterfall.worst[i]);
	json_close(j, ']');
	json_close(j, '}');
	putc('\n', out);
	return err;
}
