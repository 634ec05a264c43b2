/* SPDX-License-Identifier: GPL-2.0-only */
#include "view/figures/page_event.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/migration.h"
#include "model/power.h"
#include "view/figures/bars.h"
#include "view/figures/columns.h"
#include "util/text.h"
#include "record/text.h"
#include "view/figures/format.h"
#include "view/figures/migration.h"
#include "view/figures/why.h"

#define ROWS_MAX 48
#define BAR_MAX 256
#define LABEL_WIDTH 8
#define FIGURE_WIDTH 8
#define LINE_STEPS 24
#define PLAIN_WIDTH 6
#define CLOCK_DECIMALS 3
#define RECORD_DECIMALS 6
#define SINCE_WIDTH 6

struct maker {
	struct page *page;
	const struct page_scope *scope;
};

static const char *clock_of(const struct maker *k, uint64_t time_ns, char *buf, size_t size)
{
	return format_clock(buf, size, k->scope->status, time_ns, CLOCK_DECIMALS);
}

/* With a blank before it. */
static unsigned int clock_width(const struct maker *k)
{
	return 1 + format_clock_width(k->scope->status, CLOCK_DECIMALS);
}

static const char *age_of(const struct maker *k, uint64_t since_ns, char *buf, size_t size)
{
	uint64_t now = k->scope->status->now_ns;

	return format_age(buf, size, now > since_ns ? now - since_ns : 0);
}

static void put_head(const struct maker *k, const char *title)
{
	page_line(k->page);
	page_line(k->page);
	page_put(k->page, LOOK_HEAD, "%s", title);
}

/* --- state */

static void put_state(const struct maker *k, const struct model_vcpu *vcpu, const struct model_event *e)
{
	static const struct {
		unsigned int bit;
		const char *word;
	} words[] = {
		{ SDEI_REGISTERED, "registered" }, { SDEI_ENABLED, "enabled" }, { SDEI_RUNNING, "running" },
		{ SDEI_PENDING, "pending" }, { SDEI_MASKED, "PE masked" },
	};
	unsigned int state = (e->state & ~SDEI_MASKED) | (vcpu->mask_known && vcpu->masked ? SDEI_MASKED : 0);
	const char *comma = "";
	char letters[6], age[FORMAT_SIZE];

	page_line(k->page);
	page_put(k->page, LOOK_HEAD, "State    ");
	page_put(k->page, LOOK_PLAIN, "%s  ", vcpu->gone ? "gone" : sdei_state_letters(state, letters));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!(state & words[i].bit) || vcpu->gone)
			continue;
		page_put(k->page, LOOK_PLAIN, "%s%s", comma, words[i].word);
		comma = ", ";
	}
	if (vcpu->off)
		page_put(k->page, LOOK_WARN, "%sparked for %s: the vCPU is off", comma, age_of(k, model_off_since_ns(vcpu), age, sizeof(age)));
	if (sdei_role_name(e->role))
		page_put(k->page, LOOK_PLAIN, "  for %s", sdei_role_name(e->role));
	if (e->ep_addr)
		page_put(k->page, LOOK_DIM, "  handler 0x%" PRIx64 "(0x%" PRIx64 ")", e->ep_addr, e->ep_arg);
}

static void put_open(const struct maker *k, const struct model_event *e)
{
	char age[FORMAT_SIZE], why[WHY_SIZE];
	struct model_late late;

	if (model_event_open(e, k->scope->status->now_ns, &late)) {
		page_line(k->page);
		page_put(k->page, LOOK_HEAD, "Pending  ");
		page_put(k->page, LOOK_WARN, "for %s", format_age(age, sizeof(age), late.latency_ns));
		page_put(k->page, LOOK_PLAIN, ": %s so far", why_late(why, sizeof(why), &late));
	}
	if (e->state & SDEI_RUNNING && e->running_since_ns) {
		page_line(k->page);
		page_put(k->page, LOOK_HEAD, "Running  ");
		page_put(k->page, LOOK_WARN, "for %s", age_of(k, e->running_since_ns, age, sizeof(age)));
	}
}

/* --- counts, as many on a line as fit */

struct flow {
	const struct maker *k;
	unsigned int used;
};

static void put_figure(struct flow *flow, enum page_look look, const char *text)
{
	unsigned int width = strlen(text);

	if (!flow->used || flow->used + width > flow->k->scope->width) {
		page_line(flow->k->page);
		page_put(flow->k->page, LOOK_HEAD, "%-*s", LABEL_WIDTH + 1, flow->used ? "" : "Counts");
		flow->used = LABEL_WIDTH + 1;
	}
	page_put(flow->k->page, look, "%s", text);
	flow->used += width;
}

static void put_count(struct flow *flow, const char *name, uint64_t count, uint64_t interval)
{
	uint64_t length = flow->k->scope->interval_ns;
	char text[96], rate[FORMAT_SIZE];

	if (interval && length)
		snprintf(text, sizeof(text), "%s %" PRIu64 " (%s/s)  ", name, count,
			 format_real(rate, sizeof(rate), model_per_second(interval, length), PLAIN_WIDTH));
	else
		snprintf(text, sizeof(text), "%s %" PRIu64 "  ", name, count);
	put_figure(flow, count ? LOOK_PLAIN : LOOK_DIM, text);
}

static void put_trouble(struct flow *flow, const char *name, int64_t count)
{
	char text[64];

	if (!count)
		return;
	snprintf(text, sizeof(text), "%s %" PRId64 "  ", name, count);
	put_figure(flow, LOOK_BAD, text);
}

static void put_counts(const struct maker *k, const struct model_event *e)
{
	struct flow flow = { .k = k };

#define X(field, help) put_count(&flow, #field, e->count.field, e->interval.field);
	MODEL_COUNTS(X)
#undef X
	if (e->carried_pending || e->carried_running)
		put_count(&flow, "carried", e->carried_pending + e->carried_running, 0);
	if (e->unsignalled)
		put_count(&flow, "unsignalled", e->unsignalled, 0);
	put_trouble(&flow, "unaccounted", model_event_unaccounted(e));
	put_trouble(&flow, "LOST", e->lost);
	put_trouble(&flow, "misfits", e->misfits);
}

/* --- the table of latencies */

static const struct figure {
	const char *title;
	unsigned int rank;
	double quantile;	/* 0: other */
	double (*get)(const struct hist *h);
} figures[] = {
	{ "avg", 4, 0, hist_mean },
	{ "p50", 2, 0.5, NULL },
	{ "p90", 5, 0.9, NULL },
	{ "p99", 1, 0.99, NULL },
	{ "p99.9", 3, 0.999, NULL },
	{ "stddev", 7, 0, hist_stddev },
};
#define FIGURES (sizeof(figures) / sizeof(figures[0]))

/* min, avg, p50, p90, p99, p99.9, max, stddev: the order on the screen. */
static bool has_room(const struct maker *k, unsigned int rank)
{
	return LABEL_WIDTH + FIGURE_WIDTH * (rank + 2) <= k->scope->width;
}

static bool has_clock(const struct maker *k)
{
	return LABEL_WIDTH + FIGURE_WIDTH * 9 + clock_width(k) <= k->scope->width;
}

static void put_us(const struct maker *k, double ns)
{
	char buf[FORMAT_SIZE];

	page_put(k->page, LOOK_PLAIN, "%*s", FIGURE_WIDTH, format_us(buf, sizeof(buf), ns, FIGURE_WIDTH - 1));
}

static void put_latency_head(const struct maker *k)
{
	char label[LABEL_WIDTH + 1];

	page_line(k->page);
	page_line(k->page);
	snprintf(label, sizeof(label), "%s", k->scope->recent ? "Last, us" : "All, us");
	page_put(k->page, LOOK_HEAD, "%-*s%*s", LABEL_WIDTH, label, FIGURE_WIDTH, "count");
	if (has_room(k, 6))
		page_put(k->page, LOOK_HEAD, "%*s", FIGURE_WIDTH, "min");
	for (size_t i = 0; i < FIGURES; i++) {
		if (i == FIGURES - 1)
			page_put(k->page, LOOK_HEAD, "%*s", FIGURE_WIDTH, "max");
		if (has_room(k, figures[i].rank))
			page_put(k->page, LOOK_HEAD, "%*s", FIGURE_WIDTH, figures[i].title);
	}
	if (has_clock(k))
		page_put(k->page, LOOK_HEAD, "%*s", clock_width(k), "worst at");
}

static void put_latency(const struct maker *k, const char *name, const struct hist *h)
{
	const struct hist_worst *worst = hist_worst(h);
	char buf[FORMAT_SIZE];

	page_line(k->page);
	page_put(k->page, LOOK_PLAIN, "%-*s%*s", LABEL_WIDTH, name, FIGURE_WIDTH,
		 format_count(buf, sizeof(buf), hist_count(h), FIGURE_WIDTH - 1));
	if (!hist_count(h))
		return;
	if (has_room(k, 6))
		put_us(k, hist_min(h));
	for (size_t i = 0; i < FIGURES; i++) {
		const struct figure *f = &figures[i];

		if (i == FIGURES - 1)
			put_us(k, hist_max(h));
		if (has_room(k, f->rank))
			put_us(k, f->get ? f->get(h) : hist_quantile(h, f->quantile));
	}
	if (has_clock(k) && worst)
		page_put(k->page, LOOK_DIM, "%*s", clock_width(k), clock_of(k, worst->time_ns, buf, sizeof(buf)));
}

static void put_latencies(const struct maker *k, const struct model_event *e)
{
	put_latency_head(k);
	put_latency(k, "dispatch", model_event_hist(e, k->scope->recent, HIST_DISPATCH));
	put_latency(k, "handler", model_event_hist(e, k->scope->recent, HIST_HANDLER));
	put_latency(k, "total", model_event_hist(e, k->scope->recent, HIST_TOTAL));
}

/* --- blame: letters, so that it can be read without colours */

static const char letters[BLAME_COUNT + 1] = "MDBEOGH";

static void put_blame_bar(const struct maker *k, const char *label, const struct model_blame *blame)
{
	unsigned int width = k->scope->width > LABEL_WIDTH + 3U ? k->scope->width - LABEL_WIDTH - 3 : 1;
	unsigned int cells[BLAME_COUNT];

	bars_split(blame->ns, BLAME_COUNT, width, cells);
	page_line(k->page);
	page_put(k->page, LOOK_PLAIN, "%-*s [", LABEL_WIDTH, label);
	for (unsigned int part = 0; part < BLAME_COUNT; part++)
		if (cells[part])
			page_repeat(k->page, LOOK_PART + part, (char[]){ letters[part], '\0' }, cells[part]);
	page_put(k->page, LOOK_PLAIN, "]");
}

static void put_legend(const struct maker *k, const struct model_blame *blame)
{
	char age[FORMAT_SIZE];

	page_line(k->page);
	page_put(k->page, LOOK_PLAIN, "%-*s", LABEL_WIDTH + 1, "");
	for (unsigned int part = 0; part < BLAME_COUNT; part++) {
		if (!blame->ns[part])
			continue;
		page_put(k->page, LOOK_PART + part, "%c", letters[part]);
		page_put(k->page, LOOK_PLAIN, " %s %.0f%% %s  ", why_part(part), why_share(blame, part) * 100,
			 format_age(age, sizeof(age), blame->ns[part]));
	}
}

static void put_late(const struct maker *k, const struct model_late *late)
{
	char age[FORMAT_SIZE], clock[FORMAT_SIZE], why[WHY_SIZE];

	page_line(k->page);
	page_put(k->page, LOOK_WARN, "%*s", LABEL_WIDTH, format_age(age, sizeof(age), late->latency_ns));
	page_put(k->page, LOOK_PLAIN, " at %s: %s", clock_of(k, late->dispatch_ns, clock, sizeof(clock)),
		 why_late(why, sizeof(why), late));
	if (late->signals > 1)
		page_put(k->page, LOOK_DIM, " (%" PRIu32 " signals)", late->signals);
}

static void put_blame(const struct maker *k, const struct model_event *e)
{
	const struct model_blame *blame = model_event_blame(e);
	size_t count;
	const struct model_late *late = model_event_late(e, &count);

	if (!blame || !model_blame_total(blame))
		return;
	put_head(k, "Blame: where the time to the dispatch went");
	put_blame_bar(k, "all", blame);
	put_legend(k, blame);
	if (count)
		put_blame_bar(k, "worst", &late[0].blame);
	for (size_t i = 0; i < count; i++)
		put_late(k, &late[i]);
}

/* --- histogram */

static void put_row(const struct maker *k, const struct hist_bucket *row, uint64_t most, uint64_t all)
{
	unsigned int taken = 17 + 1 + 8 + 1 + 6, width = k->scope->width > taken + 4 ? k->scope->width - taken : 4;
	char bar[3 * BAR_MAX + 1], from[FORMAT_SIZE], to[FORMAT_SIZE], count[FORMAT_SIZE];

	width = width > BAR_MAX ? BAR_MAX : width;
	page_line(k->page);
	page_put(k->page, LOOK_PLAIN, "%6s - %6s |", format_age(from, sizeof(from), row->min_ns),
		 format_age(to, sizeof(to), row->max_ns + 1));
	bars_bar(bar, (double)row->count / most, width, k->scope->utf8);
	page_put(k->page, LOOK_HEAT + 3, "%s", bar);
	page_repeat(k->page, LOOK_PLAIN, " ", width - (k->scope->utf8 ? text_width(bar) : strlen(bar)));
	page_put(k->page, row->count ? LOOK_PLAIN : LOOK_DIM, "|%8s %5.1f%%",
		 format_count(count, sizeof(count), row->count, 8), 100.0 * row->count / all);
}

static void put_histogram(const struct maker *k, const struct model_event *e)
{
	const struct hist *h = model_event_hist(e, k->scope->recent, HIST_DISPATCH);
	struct hist_bucket rows[ROWS_MAX];
	size_t count = bars_merge(h, rows, k->scope->rows < ROWS_MAX ? k->scope->rows : ROWS_MAX);
	uint64_t most = 1;

	if (!count)
		return;
	for (size_t i = 0; i < count; i++)
		most = rows[i].count > most ? rows[i].count : most;
	put_head(k, k->scope->recent ? "Dispatch latency in the last interval" : "Dispatch latency");
	for (size_t i = 0; i < count; i++)
		put_row(k, &rows[i], most, hist_count(h));
}

/* --- drops */

static void put_reasons(const struct maker *k, const struct model_event *e)
{
	const struct model_counts *c = &e->count;

	page_line(k->page);
	page_put(k->page, LOOK_PLAIN, "coalesced %" PRIu64 "  rejected %" PRIu64, c->coalesced, c->rejected);
	for (int i = 0; i < REJECT_COUNT; i++)
		if (e->rejected[i])
			page_put(k->page, LOOK_PLAIN, " (%s %" PRIu64 ")", why_reject(i), e->rejected[i]);
	page_put(k->page, LOOK_PLAIN, "  cancelled %" PRIu64 "  cleared %" PRIu64, c->cancelled, c->cleared);
}

static void put_drops(const struct maker *k, const struct model_event *e)
{
	const struct model_counts *c = &e->count;
	const struct hist *age = e->coalesce_age, *signals = e->episode_signals;
	char p50[FORMAT_SIZE], p99[FORMAT_SIZE], max[FORMAT_SIZE];

	if (!(c->coalesced + c->rejected + c->cancelled + c->cleared))
		return;
	put_head(k, "Drops: signals without a dispatch of their own");
	put_reasons(k, e);
	if (hist_count(age)) {
		page_line(k->page);
		page_put(k->page, LOOK_PLAIN, "age of the episode when coalesced: p50 %s  p99 %s  max %s",
			 format_age(p50, sizeof(p50), hist_quantile(age, 0.5)),
			 format_age(p99, sizeof(p99), hist_quantile(age, 0.99)), format_age(max, sizeof(max), hist_max(age)));
	}
	if (hist_count(signals)) {
		page_line(k->page);
		page_put(k->page, LOOK_PLAIN, "signals per episode: avg %.1f  p99 %" PRIu64 "  max %" PRIu64, hist_mean(signals),
			 hist_quantile(signals, 0.99), hist_max(signals));
	}
}

/* --- the vCPU: where it came from, its mask and its last records */

static void put_restored(const struct maker *k, const struct model_vcpu *vcpu)
{
	struct model_blackout b;
	char words[MIGRATION_SIZE], age[FORMAT_SIZE];

	if (!*migration_words(words, sizeof(words), vcpu->vm, k->scope->status))
		return;
	page_line(k->page);
	page_put(k->page, LOOK_HEAD, "VM       ");
	page_put(k->page, LOOK_PLAIN, "%s", words);
	if (model_blackout(vcpu, &b))
		page_put(k->page, LOOK_PLAIN, "; this vCPU was silent for at most %s", format_age(age, sizeof(age), b.first_ns - b.last_ns));
}

static void put_mask_now(const struct maker *k, const struct model_vcpu *vcpu)
{
	uint64_t now = vcpu->gone ? vcpu->gone_ns : k->scope->status->now_ns;
	char age[FORMAT_SIZE];

	page_line(k->page);
	if (!vcpu->mask_known || vcpu->gone)
		page_put(k->page, LOOK_DIM, "%s", vcpu->gone ? "gone" : "not known yet");
	else if (!vcpu->masked)
		page_put(k->page, LOOK_PLAIN, "not masked now");
	else if (vcpu->masked_since_ns)
		page_put(k->page, LOOK_WARN, "masked for %s", age_of(k, vcpu->masked_since_ns, age, sizeof(age)));
	else
		page_put(k->page, LOOK_WARN, "masked, since when is not known");
	if (vcpu->masked && vcpu->initial)
		page_put(k->page, LOOK_PLAIN, " (ever since its creation or reset)");
	if (now > vcpu->first_seen_ns)
		page_put(k->page, LOOK_PLAIN, ", %.1f%% of all the time",
			 100.0 * model_masked_ns(vcpu, now) / (now - vcpu->first_seen_ns));
	if (k->scope->interval_ns && !vcpu->gone)
		page_put(k->page, LOOK_PLAIN, ", %.1f%% of the last interval",
			 100.0 * vcpu->interval_masked_ns / k->scope->interval_ns);
}

static void put_mask_times(const struct maker *k, const char *label, const struct hist *h)
{
	char min[FORMAT_SIZE], p50[FORMAT_SIZE], p99[FORMAT_SIZE], max[FORMAT_SIZE], line[3 * LINE_STEPS + 1];

	if (!hist_count(h))
		return;
	page_line(k->page);
	page_put(k->page, LOOK_PLAIN, "%-8s %6" PRIu64 "  p50 %-6s p99 %-6s  %s |", label, hist_count(h),
		 format_age(p50, sizeof(p50), hist_quantile(h, 0.5)), format_age(p99, sizeof(p99), hist_quantile(h, 0.99)),
		 format_age(min, sizeof(min), hist_min(h)));
	page_put(k->page, LOOK_HEAT + 3, "%s", bars_line(line, h, LINE_STEPS, k->scope->utf8));
	page_put(k->page, LOOK_PLAIN, "| %s", format_age(max, sizeof(max), hist_max(h)));
}

static void put_mask(const struct maker *k, const struct model_vcpu *vcpu)
{
	put_head(k, "PE mask of the vCPU");
	put_mask_now(k, vcpu);
	put_mask_times(k, "masked", vcpu->mask);
	put_mask_times(k, "initial", vcpu->initial_mask);
}

/* before: the one that came before it, or NULL. */
static void put_record(const struct maker *k, const struct record_brief *brief, const struct record_brief *before)
{
	const struct sdei_record *r = &brief->head;
	const char *kind = sdei_kind_name(r->kind);
	char clock[FORMAT_SIZE], since[FORMAT_SIZE] = "", event[16] = "-", state[6], *details = NULL;
	size_t size;
	FILE *out = open_memstream(&details, &size);

	if (r->event != SDEI_NONE)
		snprintf(event, sizeof(event), "%" PRIu32, r->event);
	if (out) {
		record_text_details(out, brief);
		fclose(out);
	}
	format_clock(clock, sizeof(clock), k->scope->status, r->time_ns, RECORD_DECIMALS);
	/* Late ones come behind what they are older than. */
	if (before && r->time_ns >= before->head.time_ns)
		format_age(since, sizeof(since), r->time_ns - before->head.time_ns);
	page_line(k->page);
	page_put(k->page, LOOK_PLAIN, "%s %*s %-10s %3s %s %s", clock, SINCE_WIDTH, since, kind ? kind : "?", event,
		 sdei_state_letters(r->state, state), details ? details : "");
	free(details);
}

static void put_records(const struct maker *k, const struct model_vcpu *vcpu)
{
	struct record_brief records[MODEL_RECENT];
	size_t count = model_recent(vcpu, records);

	if (!count)
		return;
	put_head(k, "Last records of the vCPU, the newest first; time since the record before");
	for (; count > 0; count--)
		put_record(k, &records[count - 1], count > 1 ? &records[count - 2] : NULL);
}

void page_event(struct page *page, const struct model_vcpu *vcpu, const struct model_event *e, const struct page_scope *scope)
{
	const struct maker k = { page, scope };

	put_restored(&k, vcpu);
	if (e) {
		put_state(&k, vcpu, e);
		put_open(&k, e);
		put_counts(&k, e);
		put_latencies(&k, e);
		put_blame(&k, e);
		put_histogram(&k, e);
		put_drops(&k, e);
	}
	put_mask(&k, vcpu);
	put_records(&k, vcpu);
}
