// SPDX-License-Identifier: GPL-2.0-only
/* Two recordings joined, as a page for browsers: the recordings, the clocks, what has no counterpart, the legs, the worst. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "view/figures/format.h"
#include "view/report/html.h"
#include "view/report/join.h"
#include "view/report/report_html_inside.h"

#define TIME_DECIMALS 6
#define PARTS LEG_total		/* the legs before it, of which it is made */

/* --- the recordings */

static int put_recording(FILE *out, const char *side, const struct join_recording *r)
{
	const struct side *s = &r->side;

	if (!r->vms)
		return -ENOMEM;
	fprintf(out, "<tr><th scope=row>%s<td class=word>", side);
	for (size_t i = 0; i < r->vm_count; i++) {
		fprintf(out, "%s%" PRIu32 " <span class=name>", i ? ", then " : "", r->vms[i].vm);
		html_text_cut(out, r->vms[i].name, HTML_NAME);
		fputs("</span>", out);
	}
	html_page_cell_ns(out, (uint64_t)s->length_ns);
	html_page_cell(out, s->counts[SIDE_SIGNAL]);
	html_page_cell(out, s->counts[SIDE_HANDLER]);
	html_page_cell(out, s->counts[SIDE_CALL]);
	html_page_cell(out, s->lost);
	fputs("<td class=word>", out);
	html_text(out, r->about.kernel);
	fputs("<td class=word>", out);
	html_text(out, r->directory);
	putc('\n', out);
	return 0;
}

static int put_recordings(FILE *out, const struct join *j)
{
	int err;

	fputs("<section id=recordings><h2>The two recordings</h2>\n", out);
	html_page_table(out, "<tr><th>side<th class=word>VM<th>length<th>signals<th>handlers<th>calls<th>records lost<th class=word>kernel"
			     "<th class=word>directory");
	err = put_recording(out, "host", &j->host);
	err = err ?: put_recording(out, "guest", &j->guest);
	html_page_table_end(out);
	fputs("</section>\n", out);
	return err;
}

/* --- the clocks */

static void put_time(FILE *out, const struct join *j, int64_t guest_ns)
{
	char text[TIMES_SIZE];
	uint64_t time_ns = j->host.side.begin_ns + (uint64_t)llround(match_host_ns(&j->match, guest_ns));

	fprintf(out, "<td>%s", times_full(text, sizeof(text), j->times, time_ns, TIME_DECIMALS));
}

static void put_line(FILE *out, const struct join *j, const struct match_line *line)
{
	char text[FORMAT_SIZE];

	fputs("<tr>", out);
	put_time(out, j, line->clock.from_ns);
	put_time(out, j, line->clock.to_ns);
	fprintf(out, "<td>%s<td>%+.3f ppm", format_offset(text, sizeof(text), join_offset_ns(j, line)), line->clock.slope * 1e6);
	if (isfinite(line->clock.error_ns))
		html_page_cell_ns(out, (uint64_t)llround(line->clock.error_ns));
	else
		html_page_no_cell(out);
	if (line == j->match.lines)
		html_page_no_cell(out);
	else
		fprintf(out, "<td>%s", format_offset(text, sizeof(text), join_moved_ns(j, line)));
	html_page_cell(out, line->handlers);
	html_page_cell(out, line->calls);
	putc('\n', out);
}

static void put_counter(FILE *out, const struct match *m)
{
	char text[FORMAT_SIZE];

	fprintf(out, "<p>The counter of the machine, which both can read: %s", join_counter_says(m));
	if (m->counter_lack == COUNTER_THERE)
		fprintf(out, "; within %s µs, %" PRIu64 " handlers and calls agree, %" PRIu64 " do not",
			format_real(text, sizeof(text), m->counter.error_ns / 1e3, 0), m->counter_agrees, m->counter_contradicts);
	fputs(".</p>\n", out);
}

static void put_clocks(FILE *out, const struct join *j)
{
	fputs("<section id=clocks><h2>The clocks</h2>\n<p>Host = guest + offset. What happened in both bounds it: the true offset is not further away "
	      "than the error.</p>\n", out);
	html_page_table(out, "<tr><th>from<th>to<th>offset<th>changes by<th>error<th>moved by<th>handlers<th>calls");
	for (size_t i = 0; i < j->match.line_count; i++)
		put_line(out, j, &j->match.lines[i]);
	html_page_table_end(out);
	put_counter(out, &j->match);
	fputs("</section>\n", out);
}

/* --- what has no counterpart */

static void put_counts(FILE *out, const char *what, const uint64_t counts[SIDE_WHATS])
{
	fprintf(out, "<tr><th scope=row>%s", what);
	html_page_cell(out, counts[SIDE_SIGNAL]);
	html_page_cell(out, counts[SIDE_HANDLER]);
	html_page_cell(out, counts[SIDE_CALL]);
	putc('\n', out);
}

static void put_joined(FILE *out, const struct match_counts *c)
{
	fputs("<section id=joined><h2>What was joined</h2>\n<p>What is in one of them only, although the other side was recorded at that time, has no "
	      "counterpart.</p>\n", out);
	html_page_table(out, "<tr><th>in<th>signals<th>handlers<th>calls");
	put_counts(out, "both", c->joined);
	put_counts(out, "the guest only", c->guest_only);
	put_counts(out, "the host only", c->host_only);
	html_page_table_end(out);
	fputs("</section>\n", out);
}

/* --- the legs */

static void put_key(FILE *out)
{
	struct html_part parts[PARTS];

	for (int leg = 0; leg < PARTS; leg++)
		parts[leg] = (struct html_part){ .name = waterfall_legs[leg].name };
	html_page_key(out, parts, PARTS);
}

static void put_leg(FILE *out, const struct waterfall_row *row, int leg)
{
	const struct hist *h = row->legs[leg];

	fprintf(out, "<tr data-vcpu=%" PRIu32 " data-event=%" PRIu32 " data-leg=%s><td>%" PRIu32 "<td>%" PRIu32 "<td class=word>%s%s", row->vcpu,
		row->event, waterfall_legs[leg].name, row->vcpu, row->event, waterfall_legs[leg].name, waterfall_legs[leg].across ? " *" : "");
	html_page_cell(out, hist_count(h));
	html_page_cells_hist(out, h);
	fprintf(out, "<td class=word>%s\n", waterfall_legs[leg].help);
}

static void put_range(FILE *out, const struct join *j)
{
	char from[TIMES_SIZE], to[TIMES_SIZE];

	if (j->is_part)
		fprintf(out, "<p>Of the events that were dispatched from %s to %s.</p>\n",
			times_full(from, sizeof(from), j->times, j->from_ns, TIME_DECIMALS),
			times_full(to, sizeof(to), j->times, j->to_ns, TIME_DECIMALS));
}

static void put_rows(FILE *out, const struct join *j)
{
	fputs("<section id=legs><h2>The legs of each event</h2>\n<p>Those with a * lead from one clock to the other, and are known within the error. The "
	      "others are of one clock, and exact.</p>\n", out);
	put_range(out, j);
	html_page_table(out, "<tr><th>vCPU<th>event<th class=word>leg<th>count<th>p50<th>p99<th>max<th class=word>what it is");
	for (size_t i = 0; i < j->waterfall.count && i < HTML_ROWS_MAX; i++)
		for (int leg = 0; leg < LEG_COUNT; leg++)
			put_leg(out, &j->waterfall.rows[i], leg);
	html_page_table_end(out);
	html_page_more(out, j->waterfall.count, HTML_ROWS_MAX, "events");
	fputs("</section>\n", out);
}

/* --- the worst */

/* A leg that is not known has no part of the bar. */
static void put_bar(FILE *out, const struct waterfall_way *way)
{
	struct html_part parts[PARTS];

	for (int leg = 0; leg < PARTS; leg++)
		parts[leg] = (struct html_part){
			.name = waterfall_legs[leg].name, .value = way->legs[leg] == WATERFALL_UNKNOWN ? 0 : (uint64_t)way->legs[leg],
		};
	fputs("<td class=wide>", out);
	html_page_bar(out, parts, PARTS);
}

static void put_way(FILE *out, const struct join *j, const struct waterfall_way *way)
{
	char text[TIMES_SIZE];

	fprintf(out, "<tr data-vcpu=%" PRIu32 " data-event=%" PRIu32 "><th scope=row>%s<td>%" PRIu32 "<td>%" PRIu32, way->vcpu, way->event,
		times_full(text, sizeof(text), j->times, way->time_ns, TIME_DECIMALS), way->vcpu, way->event);
	if (way->sender == SDEI_NONE)
		html_page_no_cell(out);
	else
		fprintf(out, "<td>%" PRIu32, way->sender);
	put_bar(out, way);
	for (int leg = 0; leg < LEG_COUNT; leg++) {
		if (way->legs[leg] == WATERFALL_UNKNOWN)
			html_page_no_cell(out);
		else
			html_page_cell_ns(out, (uint64_t)way->legs[leg]);
	}
	putc('\n', out);
}

static void put_worst(FILE *out, const struct join *j)
{
	fputs("<section id=worst><h2>The worst</h2>\n", out);
	put_key(out);
	html_page_table(out, "<tr><th>dispatched<th>vCPU<th>event<th>from vCPU<th class=wide>"
#define X(name, across, help) "<th>" #name
			     WATERFALL_LEGS(X)
#undef X
			     );
	for (size_t i = 0; i < j->waterfall.worst_count; i++)
		put_way(out, j, &j->waterfall.worst[i]);
	html_page_table_end(out);
	fputs("</section>\n", out);
}

int join_html(FILE *out, const struct join *j)
{
	int err;

	report_html_head(out, j->host.about.host);
	fputs("<h1>A guest's events on one timeline with its host's</h1>\n"
	      "<nav><a href=\"#worst\">the worst</a> <a href=\"#legs\">legs</a> <a href=\"#joined\">joined</a> <a href=\"#clocks\">clocks</a> "
	      "<a href=\"#recordings\">recordings</a></nav>\n", out);
	put_worst(out, j);
	put_rows(out, j);
	put_joined(out, &j->match.counts);
	put_clocks(out, j);
	err = put_recordings(out, j);
	fputs("</main></body></html>\n", out);
	return err;
}
