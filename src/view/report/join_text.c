// SPDX-License-Identifier: GPL-2.0-only
/* Two recordings joined, on paper: the recordings, the clocks, what has no counterpart, the legs, the worst. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "util/clock.h"
#include "util/text.h"
#include "view/figures/format.h"
#include "view/report/join.h"

#define WIDTH 8		/* of a time */
#define TIME_DECIMALS 6

/* --- what both forms need */

int64_t join_offset_ns(const struct join *j, const struct match_line *line)
{
	uint64_t begins_ns = j->host.side.begin_ns - j->guest.side.begin_ns;

	return (int64_t)(begins_ns + (uint64_t)llround(line->clock.offset_ns));
}

int64_t join_moved_ns(const struct join *j, const struct match_line *line)
{
	if (line == j->match.lines)
		return 0;
	return llround(line->clock.offset_ns - clock_line_offset_ns(&line[-1].clock, line->clock.from_ns));
}

int64_t join_counter_offset_ns(const struct join *j, int64_t guest_ns)
{
	uint64_t begins_ns = j->host.side.begin_ns - j->guest.side.begin_ns;

	return (int64_t)(begins_ns + (uint64_t)llround(counter_clock_host_ns(&j->match.counter, guest_ns) - (double)guest_ns));
}

const char *join_counter_says(const struct match *m)
{
	switch (m->counter_lack) {
	case COUNTER_NOT_OF_HOST:
		return "not in the host's recording: it was made on another machine than arm64, or by an older sdeitop";
	case COUNTER_NOT_OF_GUEST:
		return "not in the guest's recording: it was made by an older sdeitop";
	case COUNTER_NO_OFFSET:
		return "how far the guest's is behind is not in the host's recording";
	case COUNTER_OTHER_HZ:
		return "the guest's runs at another frequency than the host's";
	default:
		break;
	}
	if (m->counter_contradicts)
		return "not used: what happened in both contradicts it";
	return m->by_counter ? "times of the guest are placed by it" : "not used: it is less exact than what happened in both";
}

/* --- the recordings */

/* Texts of a recording are as hostile as any. */
static int put_words(FILE *out, const struct join *j, const char *label, const char *text)
{
	char *shown = text ? escape_terminal(text, j->utf8) : NULL;

	if (!shown)
		return -ENOMEM;
	fprintf(out, "%s%s", label, shown);
	free(shown);
	return 0;
}

static int put_recording(FILE *out, const struct join *j, const char *label, const struct join_recording *r)
{
	const struct side *s = &r->side;
	int64_t ms = s->length_ns / (int64_t)NS_PER_MS;
	int err = r->vms ? 0 : -ENOMEM;

	for (size_t i = 0; i < r->vm_count && !err; i++) {
		err = put_words(out, j, i ? ", then " : label, r->vms[i].name);
		fprintf(out, " (%" PRIu32 ")", r->vms[i].vm);
	}
	fprintf(out, ", %" PRId64 ".%03" PRId64 " s, %" PRIu64 " signals, %" PRIu64 " handlers, %" PRIu64 " calls, %" PRIu64
		" records lost", ms / 1000, ms % 1000, s->counts[SIDE_SIGNAL], s->counts[SIDE_HANDLER], s->counts[SIDE_CALL], s->lost);
	err = err ?: put_words(out, j, *r->about.kernel ? ", kernel " : "", r->about.kernel);
	err = err ?: put_words(out, j, "\n      ", r->directory);
	putc('\n', out);
	return err;
}

/* --- the clocks */

static void put_time(FILE *out, const struct join *j, const char *label, int64_t guest_ns)
{
	char text[TIMES_SIZE];
	uint64_t time_ns = j->host.side.begin_ns + (uint64_t)llround(match_host_ns(&j->match, guest_ns));

	fprintf(out, "%s%s", label, times_short(text, sizeof(text), j->times, time_ns, TIME_DECIMALS));
}

static void put_line(FILE *out, const struct join *j, const struct match_line *line)
{
	char text[FORMAT_SIZE];

	fprintf(out, "CLOCK host = guest %s", format_offset(text, sizeof(text), join_offset_ns(j, line)));
	fprintf(out, " %+.3f ppm, within %s us", line->clock.slope * 1e6, format_real(text, sizeof(text), line->clock.error_ns / 1e3, WIDTH));
	put_time(out, j, ", from ", line->clock.from_ns);
	put_time(out, j, " to ", line->clock.to_ns);
	fprintf(out, ", by %" PRIu64 " handlers and %" PRIu64 " calls\n", line->handlers, line->calls);
	if (line != j->match.lines)
		fprintf(out, "      since there: the offset moved by %s\n", format_offset(text, sizeof(text), join_moved_ns(j, line)));
}

static void put_counter(FILE *out, const struct match *m)
{
	char text[FORMAT_SIZE];

	fprintf(out, "COUNTER %s", join_counter_says(m));
	if (m->counter_lack == COUNTER_THERE)
		fprintf(out, ": within %s us; %" PRIu64 " handlers and calls agree, %" PRIu64 " do not",
			format_real(text, sizeof(text), m->counter.error_ns / 1e3, WIDTH), m->counter_agrees, m->counter_contradicts);
	putc('\n', out);
}

static void put_counts(FILE *out, const char *label, const uint64_t counts[SIDE_WHATS])
{
	fprintf(out, "%s%" PRIu64 " signals, %" PRIu64 " handlers, %" PRIu64 " calls\n", label, counts[SIDE_SIGNAL], counts[SIDE_HANDLER],
		counts[SIDE_CALL]);
}

/* --- the legs */

static void put_us(FILE *out, double ns)
{
	char text[FORMAT_SIZE];

	fprintf(out, " %*s", WIDTH, format_us(text, sizeof(text), ns, WIDTH));
}

static void put_leg(FILE *out, const struct leg *leg, const struct hist *h)
{
	fprintf(out, "%-10s %7" PRIu64, leg->name, hist_count(h));
	if (hist_count(h)) {
		put_us(out, hist_quantile(h, 0.5));
		put_us(out, hist_quantile(h, 0.99));
		put_us(out, hist_max(h));
	} else {
		fprintf(out, " %*s %*s %*s", WIDTH, "-", WIDTH, "-", WIDTH, "-");
	}
	fprintf(out, "%s\n", leg->across ? " *" : "");
}

static void put_range(FILE *out, const struct join *j)
{
	char from[TIMES_SIZE], to[TIMES_SIZE];

	if (j->is_part)
		fprintf(out, "\nEvents dispatched from %s to %s\n", times_full(from, sizeof(from), j->times, j->from_ns, TIME_DECIMALS),
			times_full(to, sizeof(to), j->times, j->to_ns, TIME_DECIMALS));
}

static void put_rows(FILE *out, const struct join *j)
{
	char text[FORMAT_SIZE];

	fprintf(out, "\nvCPU EVENT LEG          COUNT   P50 us   P99 us   MAX us\n");
	for (size_t i = 0; i < j->waterfall.count; i++) {
		const struct waterfall_row *row = &j->waterfall.rows[i];

		for (int leg = 0; leg < LEG_COUNT; leg++) {
			if (leg)
				fprintf(out, "%11s", "");
			else
				fprintf(out, "%4" PRIu32 " %5" PRIu32 " ", row->vcpu, row->event);
			put_leg(out, &waterfall_legs[leg], row->legs[leg]);
		}
	}
	fprintf(out, "* from one clock to the other: %s us more or less\n", format_real(text, sizeof(text), match_error_ns(&j->match) / 1e3, WIDTH));
}

/* --- the worst */

static void put_way(FILE *out, const struct join *j, const struct waterfall_way *way)
{
	char text[TIMES_SIZE];

	fprintf(out, "%s %4" PRIu32 " %5" PRIu32 " ", times_short(text, sizeof(text), j->times, way->time_ns, TIME_DECIMALS), way->vcpu, way->event);
	if (way->sender == SDEI_NONE)
		fprintf(out, "%4s", "-");
	else
		fprintf(out, "%4" PRIu32, way->sender);
	for (int leg = 0; leg < LEG_COUNT; leg++) {
		if (way->legs[leg] == WATERFALL_UNKNOWN)
			fprintf(out, " %*s", WIDTH, "-");
		else
			put_us(out, way->legs[leg]);
	}
	putc('\n', out);
}

static void put_worst(FILE *out, const struct join *j)
{
	if (!j->waterfall.worst_count)
		return;
	fprintf(out, "\nThe worst, us\n%-*s vCPU EVENT FROM", times_short_width(j->times, TIME_DECIMALS), "DISPATCHED");
	for (int leg = 0; leg < LEG_COUNT; leg++)
		fprintf(out, " %*s", WIDTH, waterfall_legs[leg].name);
	putc('\n', out);
	for (size_t i = 0; i < j->waterfall.worst_count; i++)
		put_way(out, j, &j->waterfall.worst[i]);
}

int join_text(FILE *out, const struct join *j)
{
	int err = put_recording(out, j, "HOST  ", &j->host);

	err = err ?: put_recording(out, j, "GUEST ", &j->guest);
	if (err)
		return err;
	for (size_t i = 0; i < j->match.line_count; i++)
		put_line(out, j, &j->match.lines[i]);
	put_counter(out, &j->match);
	put_counts(out, "JOINED            ", j->match.counts.joined);
	put_counts(out, "ONLY IN THE GUEST ", j->match.counts.guest_only);
	put_counts(out, "ONLY ON THE HOST  ", j->match.counts.host_only);
	put_range(out, j);
	put_rows(out, j);
	put_worst(out, j);
	return 0;
}
