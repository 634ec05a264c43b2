/* SPDX-License-Identifier: GPL-2.0-only */
#include "record/names.h"
#include "view/figures/page_apf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "view/figures/bars.h"
#include "util/text.h"
#include "view/figures/format.h"
#include "session/vm_names.h"
#include "view/figures/page_apf_history.h"

#define LABEL_WIDTH 10
#define FIGURE_WIDTH 9
#define BAR_MAX 256
#define BAR_LEAST 10

struct maker {
	struct page *page;
	const struct page_scope *scope;
	const struct model_apf *apf;
	const struct model_vm *vm;
	const struct model_vcpu *vcpu;	/* NULL: all of the VM's */
};

/* A host whose kernel has none shows only what was waited for. */
static bool has_async(const struct model_apf *apf)
{
	return apf->count.setup || apf->count.fallback || apf->carried || apf->in_flight || apf->lost;
}

/* --- counts, as many on a line as fit */

struct flow {
	const struct maker *k;
	const char *label;
	unsigned int used;
};

static void put_text(struct flow *flow, enum page_look look, const char *name, const char *figure)
{
	char text[64];
	unsigned int width = snprintf(text, sizeof(text), "%s %s  ", name, figure);

	if (!flow->used || flow->used + width - 2 > flow->k->scope->width) {
		page_line(flow->k->page);
		page_put(flow->k->page, LOOK_HEAD, "%-*s", LABEL_WIDTH, flow->used ? "" : flow->label);
		flow->used = LABEL_WIDTH;
	}
	page_put(flow->k->page, look, "%s", text);
	flow->used += width;
}

static void put_figure(struct flow *flow, enum page_look look, const char *name, int64_t count)
{
	char text[FORMAT_SIZE];

	snprintf(text, sizeof(text), "%" PRId64, count);
	put_text(flow, look, name, text);
}

static void put_some(struct flow *flow, enum page_look look, const char *name, int64_t count)
{
	if (count)
		put_figure(flow, look, name, count);
}

/* How long the oldest of those in flight is. */
static void put_oldest(struct flow *flow)
{
	const struct maker *k = flow->k;
	uint64_t since_ns = k->apf->oldest_ns, now_ns = k->scope->status->now_ns;
	char age[FORMAT_SIZE];

	if (since_ns && since_ns < now_ns)
		put_text(flow, LOOK_PLAIN, "oldest", format_age(age, sizeof(age), now_ns - since_ns));
}

static void put_faults(const struct maker *k)
{
	const struct model_apf *apf = k->apf;
	struct flow flow = { .k = k, .label = "Faults" };

	put_figure(&flow, LOOK_PLAIN, "setup", apf->count.setup);
	put_figure(&flow, apf->in_flight ? LOOK_PLAIN : LOOK_DIM, "in flight", apf->in_flight);
	put_oldest(&flow);
	put_some(&flow, LOOK_PLAIN, "most at once", apf->most_in_flight);
	put_some(&flow, LOOK_PLAIN, "user", apf->count.user);
	put_some(&flow, LOOK_PLAIN, "accepted", apf->count.accepted);
	put_some(&flow, LOOK_PLAIN, "ring", apf->count.ring);
	put_some(&flow, LOOK_PLAIN, "carried", apf->carried);
	put_some(&flow, LOOK_PLAIN, "acked", apf->count.acked);
	put_some(&flow, LOOK_PLAIN, "wake_all", apf->count.wake_all);
	put_some(&flow, LOOK_BAD, "unaccounted", apf_unaccounted(apf));
	put_some(&flow, LOOK_BAD, "LOST", apf->lost);
}

static void put_outcomes(const struct maker *k)
{
	struct flow flow = { .k = k, .label = "Outcomes" };

#define X(name, help) put_figure(&flow, k->apf->count.name ? LOOK_PLAIN : LOOK_DIM, #name, k->apf->count.name);
	APF_OUTCOMES(X)
#undef X
}

static void put_fallbacks(const struct maker *k)
{
	struct flow flow = { .k = k, .label = "Fallbacks" };

	put_figure(&flow, k->apf->count.fallback ? LOOK_PLAIN : LOOK_DIM, "all", k->apf->count.fallback);
	for (unsigned int i = 1; i < APF_FALLBACKS; i++)
		put_some(&flow, LOOK_WARN, record_name(LABELS_APF_FALLBACK, i), k->apf->fallbacks[i]);
}

static void put_cause(struct flow *flow, const char *name, uint64_t count, uint64_t ns)
{
	char text[64], shown[FORMAT_SIZE], age[FORMAT_SIZE];

	if (!count)
		return;
	snprintf(text, sizeof(text), "%s %s", format_count(shown, sizeof(shown), count, FIGURE_WIDTH),
		 format_age(age, sizeof(age), ns));
	put_text(flow, LOOK_PLAIN, name, text);
}

/* Faults that the vCPU waited for: how many, and how long together, by where their pages came from. */
static void put_waited(const struct maker *k)
{
	const struct model_apf *apf = k->apf;
	struct flow flow = { .k = k, .label = "Waited" };

	for (unsigned int cause = 1; cause < APF_CAUSES; cause++)
		put_cause(&flow, record_name(LABELS_APF_CAUSE, cause), apf->causes[cause].count, apf->causes[cause].ns);
	put_cause(&flow, "sync", apf->causes[0].count, apf->causes[0].ns);
	put_cause(&flow, "quick", apf->count.quick, apf->quick_ns);
}

/* How many guest frames these were about, and in what order. */
static void put_frames(const struct maker *k)
{
	const struct apf_counts *count = &k->apf->count;
	struct flow flow = { .k = k, .label = "Frames" };
	char share[FORMAT_SIZE];

	if (!(count->frames + count->unfollowed))
		return;
	put_figure(&flow, LOOK_PLAIN, "different", count->frames);
	put_figure(&flow, count->again ? LOOK_PLAIN : LOOK_DIM, "again", count->again);
	snprintf(share, sizeof(share), "%.0f%%", 100 * apf_sequential_share(count));
	put_text(&flow, LOOK_PLAIN, "sequential", share);
	put_some(&flow, LOOK_BAD, "unfollowed", count->unfollowed);
}

static unsigned int vcpus_of(const struct maker *k)
{
	unsigned int count = 0;

	for (size_t i = 0; i < k->vm->vcpu_count; i++)
		count += !!model_vcpu_apf(k->vm->vcpus[i]);
	return k->vcpu || !count ? 1 : count;
}

/* How long it took from a VM's first fault until they ceased, and what share of that its vCPUs were blocked. */
static void put_warmup(const struct maker *k)
{
	const struct apf_warmup *w = &k->apf->warmup;
	uint64_t length_ns = w->end_ns - w->start_ns;
	bool settled = apf_is_settled(w, k->scope->status->now_ns);
	char age[FORMAT_SIZE], count[FORMAT_SIZE];

	if (!w->faults)
		return;
	page_line(k->page);
	page_put(k->page, LOOK_HEAD, "%-*s", LABEL_WIDTH, "Warm-up");
	page_put(k->page, LOOK_PLAIN, "%s %s, %s faults", settled ? "settled after" : "goes on for",
		 format_age(age, sizeof(age), length_ns), format_count(count, sizeof(count), w->faults, FIGURE_WIDTH));
	if (length_ns)
		page_put(k->page, LOOK_PLAIN, ", vCPUs blocked %.0f%%",
			 100.0 * w->blocked_ns / length_ns / vcpus_of(k));
}

/* Of all vCPUs of the VM. */
static void put_history(const struct maker *k)
{
	const struct fault_history *history = k->vcpu ? NULL : model_vm_fault_history(k->vm);

	if (history)
		page_apf_history(k->page, history, vcpus_of(k), k->scope);
}

static void put_time(const struct maker *k)
{
	char saved[FORMAT_SIZE], blocked[FORMAT_SIZE];

	page_line(k->page);
	page_put(k->page, LOOK_HEAD, "%-*s", LABEL_WIDTH, "Time");
	page_put(k->page, LOOK_PLAIN, "saved %s  ", format_age(saved, sizeof(saved), apf_saved_ns(k->apf)));
	page_put(k->page, LOOK_PLAIN, "blocked %s", format_age(blocked, sizeof(blocked), apf_blocked_ns(k->apf)));
}

/* --- the waterfall: each stage begins where, in the median, the one before it ends */

static double median_of(const struct maker *k, enum apf_stage stage)
{
	return hist_quantile(k->apf->stage[stage], 0.5);
}

static double begin_of(const struct maker *k, enum apf_stage stage)
{
	switch (stage) {
	case APF_STAGE_dispatch:
		return median_of(k, APF_STAGE_signal);
	case APF_STAGE_handler:
		return median_of(k, APF_STAGE_signal) + median_of(k, APF_STAGE_dispatch);
	case APF_STAGE_page:
		return median_of(k, APF_STAGE_wait);
	case APF_STAGE_present:
		return median_of(k, APF_STAGE_wait) + median_of(k, APF_STAGE_page);
	case APF_STAGE_ack:
		return median_of(k, APF_STAGE_wait) + median_of(k, APF_STAGE_page) + median_of(k, APF_STAGE_present);
	default:
		return 0;
	}
}

static double longest(const struct maker *k)
{
	double most = 1;

	for (unsigned int i = 0; i < APF_STAGE_sync; i++) {
		double end = begin_of(k, i) + median_of(k, i);

		most = end > most ? end : most;
	}
	return most;
}

static unsigned int bar_width(const struct maker *k)
{
	unsigned int taken = LABEL_WIDTH + 4 * FIGURE_WIDTH + 2;

	if (k->scope->width < taken + BAR_LEAST)
		return 0;
	return k->scope->width - taken > BAR_MAX ? BAR_MAX : k->scope->width - taken;
}

static void put_bar(const struct maker *k, enum apf_stage stage, double most)
{
	unsigned int width = bar_width(k), begin = begin_of(k, stage) / most * width;
	char bar[3 * BAR_MAX + 1];

	if (!width || stage == APF_STAGE_sync)
		return;
	begin = begin >= width ? width - 1 : begin;
	page_repeat(k->page, LOOK_PLAIN, " ", 2 + begin);
	page_put(k->page, LOOK_HEAT + 3, "%s",
		 bars_bar(bar, median_of(k, stage) / most * width / (width - begin), width - begin, k->scope->utf8));
}

static void put_us(const struct maker *k, double ns)
{
	char buf[FORMAT_SIZE];

	page_put(k->page, LOOK_PLAIN, "%*s", FIGURE_WIDTH, format_us(buf, sizeof(buf), ns, FIGURE_WIDTH - 1));
}

static void put_stage(const struct maker *k, enum apf_stage stage, double most)
{
	const struct hist *h = k->apf->stage[stage];
	char count[FORMAT_SIZE];

	page_line(k->page);
	page_put(k->page, LOOK_PLAIN, "%-*s%*s", LABEL_WIDTH, apf_stage_name(stage), FIGURE_WIDTH,
		 format_count(count, sizeof(count), hist_count(h), FIGURE_WIDTH - 1));
	put_us(k, hist_quantile(h, 0.5));
	put_us(k, hist_quantile(h, 0.99));
	put_us(k, hist_max(h));
	put_bar(k, stage, most);
}

static bool has_samples(const struct model_apf *apf)
{
	for (unsigned int i = 0; i < APF_STAGE_COUNT; i++)
		if (hist_count(apf->stage[i]))
			return true;
	return false;
}

static void put_stages(const struct maker *k)
{
	double most = longest(k);

	if (!has_samples(k->apf))
		return;
	page_line(k->page);
	page_line(k->page);
	page_put(k->page, LOOK_HEAD, "%-*s%*s%*s%*s%*s", LABEL_WIDTH, k->scope->recent ? "Last, us" : "All, us", FIGURE_WIDTH, "count",
		 FIGURE_WIDTH, "p50", FIGURE_WIDTH, "p99", FIGURE_WIDTH, "max");
	if (bar_width(k))
		page_put(k->page, LOOK_HEAD, "  p50, one after another");
	for (unsigned int i = 0; i < APF_STAGE_COUNT; i++)
		if (hist_count(k->apf->stage[i]))
			put_stage(k, i, most);
}

/* --- the slowest */

static void put_slow_stage(const struct maker *k, const struct apf_fault *fault, enum apf_stage stage, enum page_look look)
{
	char age[FORMAT_SIZE];

	page_put(k->page, look, " %s %s", apf_stage_name(stage), format_age(age, sizeof(age), fault->stage[stage]));
}

static bool is_part(const struct apf_fault *fault, enum apf_stage stage)
{
	return stage != APF_STAGE_total && stage != APF_STAGE_halt && fault->stage[stage] != APF_UNKNOWN;
}

/* The longest part first: there may be no room for the others. */
static void put_slow_stages(const struct maker *k, const struct apf_fault *fault)
{
	enum apf_stage longest = APF_STAGE_COUNT;

	for (unsigned int i = 0; i < APF_STAGE_COUNT; i++)
		if (is_part(fault, i) && (longest == APF_STAGE_COUNT || fault->stage[i] > fault->stage[longest]))
			longest = i;
	if (longest == APF_STAGE_COUNT)
		return;
	put_slow_stage(k, fault, longest, LOOK_WARN);
	for (unsigned int i = 0; i < APF_STAGE_COUNT; i++)
		if (is_part(fault, i) && i != longest)
			put_slow_stage(k, fault, i, LOOK_PLAIN);
}

static bool is_sync(const struct apf_fault *fault)
{
	return fault->stage[APF_STAGE_total] == APF_UNKNOWN;
}

static void put_slow(const struct maker *k, const struct apf_fault *fault)
{
	char age[FORMAT_SIZE], clock[FORMAT_SIZE];

	page_line(k->page);
	page_put(k->page, LOOK_WARN, "%6s", format_age(age, sizeof(age), apf_fault_ns(fault)));
	page_put(k->page, LOOK_PLAIN, " at %s vCPU %" PRIu32, format_clock(clock, sizeof(clock), k->scope->status, fault->setup_ns, 3),
		 fault->vcpu);
	if (fault->gfn)
		page_put(k->page, LOOK_PLAIN, " gfn 0x%" PRIx64, fault->gfn);
	page_put(k->page, LOOK_PLAIN, "%s", fault->stage[APF_STAGE_halt] == APF_UNKNOWN && !is_sync(fault) ? "" : " waited");
	if (is_sync(fault) && fault->cause)
		page_put(k->page, LOOK_PLAIN, " (%s)", record_name(LABELS_APF_CAUSE, fault->cause));
	if (is_sync(fault))
		return;
	page_put(k->page, LOOK_PLAIN, ":");
	put_slow_stages(k, fault);
}

static void put_slowest(const struct maker *k)
{
	if (!k->apf->slow_count)
		return;
	page_line(k->page);
	page_line(k->page);
	page_put(k->page, LOOK_HEAD, "Slowest");
	for (unsigned int i = 0; i < k->apf->slow_count; i++)
		put_slow(k, &k->apf->slow[i]);
}

/* --- a line for each vCPU, or VM */

#define ROW_WIDTH 8

/* With a length of time rates, else numbers. */
static void put_number(const struct maker *k, uint64_t count, uint64_t length_ns)
{
	double number = length_ns ? model_per_second(count, length_ns) : count;
	char buf[FORMAT_SIZE];

	if (length_ns)
		format_real(buf, sizeof(buf), number, ROW_WIDTH - 1);
	else
		format_count(buf, sizeof(buf), number, ROW_WIDTH - 1);
	page_put(k->page, count ? LOOK_PLAIN : LOOK_DIM, "%*s", ROW_WIDTH, buf);
}

static void put_row_us(const struct maker *k, const struct hist *h, double ns)
{
	char buf[FORMAT_SIZE];

	page_put(k->page, LOOK_PLAIN, "%*s", ROW_WIDTH, hist_count(h) ? format_us(buf, sizeof(buf), ns, ROW_WIDTH - 1) : "-");
}

static void put_row_titles(const struct maker *k, bool rates)
{
	static const char *const titles[][2] = {
		{ "SETUP", "SETUP/s" }, { "ASYNC", "ASYNC/s" }, { "WAITED", "WAIT/s" }, { "FALLBK", "FALLB/s" }, { "SYNC", "SYNC/s" },
		{ "NOW", "NOW" }, { "p50us", "p50us" }, { "p99us", "p99us" }, { "maxus", "maxus" },
	};

	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		page_put(k->page, LOOK_HEAD, "%*s", ROW_WIDTH, titles[i][rates]);
}

static void put_row(const struct maker *k, const struct apf_counts *count, uint64_t length_ns)
{
	/* Without asynchronous ones, of those that were waited for. */
	const struct hist *total = k->apf->stage[has_async(k->apf) ? APF_STAGE_total : APF_STAGE_sync];

	put_number(k, count->setup, length_ns);
	put_number(k, count->async, length_ns);
	put_number(k, count->halted + count->untold, length_ns);
	put_number(k, count->fallback, length_ns);
	put_number(k, count->sync, length_ns);
	put_number(k, k->apf->in_flight, 0);
	put_row_us(k, total, hist_quantile(total, 0.5));
	put_row_us(k, total, hist_quantile(total, 0.99));
	put_row_us(k, total, hist_max(total));
	if (k->apf->inexact)
		page_put(k->page, LOOK_WARN, " ~");
}

static void put_vcpu(const struct maker *k, const struct model_vm *vm, const struct model_vcpu *vcpu)
{
	struct model_apf apf;
	struct maker own = { k->page, k->scope, &apf, vm, vcpu };

	if (model_apf_sum(vm, vcpu, k->scope->recent, &apf))
		k->page->no_memory = true;
	page_line(k->page);
	page_put(k->page, LOOK_PLAIN, "%5" PRIu32, vcpu->id);
	put_row(&own, &apf.count, 0);
	apf_release(&apf);
}

static void put_vcpus(const struct maker *k, const struct model_vm *vm)
{
	page_line(k->page);
	page_line(k->page);
	page_put(k->page, LOOK_HEAD, " vCPU");
	put_row_titles(k, false);
	for (size_t i = 0; i < vm->vcpu_count; i++)
		if (model_vcpu_apf(vm->vcpus[i]))
			put_vcpu(k, vm, vm->vcpus[i]);
}

void page_apf(struct page *page, const struct model_vm *vm, const struct model_vcpu *vcpu, const struct page_scope *scope)
{
	struct model_apf apf;
	struct maker k = { page, scope, &apf, vm, vcpu };

	if (vcpu ? !model_vcpu_apf(vcpu) : !model_vm_has_apf(vm)) {
		page_line(page);
		page_put(page, LOOK_DIM, "no page fault seen yet");
		return;
	}
	if (model_apf_sum(vm, vcpu, scope->recent, &apf))
		page->no_memory = true;
	if (has_async(&apf)) {
		put_faults(&k);
		put_outcomes(&k);
		put_fallbacks(&k);
	}
	put_waited(&k);
	put_frames(&k);
	put_time(&k);
	put_warmup(&k);
	put_history(&k);
	put_stages(&k);
	put_slowest(&k);
	if (!vcpu)
		put_vcpus(&k, vm);
	apf_release(&apf);
}

/* --- all VMs */

#define NAME_WIDTH 12

/* Of the last interval, or where that has no length, of all time. */
static void put_vm(const struct maker *k, const struct model_vm *vm)
{
	uint64_t length_ns = k->scope->interval_ns;
	const char *name = name_of(vm)->shown;
	unsigned int used;
	int bytes = text_cut(name, NAME_WIDTH, &used);
	struct model_apf apf;
	struct maker own = { k->page, k->scope, &apf, vm, NULL };

	if (model_apf_sum(vm, NULL, k->scope->recent, &apf))
		k->page->no_memory = true;
	page_line(k->page);
	page_put(k->page, LOOK_PLAIN, "%7" PRIu32 " %.*s%*s", vm->pid, bytes, name, (int)(NAME_WIDTH - used), "");
	put_row(&own, length_ns ? &apf.interval : &apf.count, length_ns);
	apf_release(&apf);
}

static void put_vm_titles(const struct maker *k)
{
	page_line(k->page);
	page_put(k->page, LOOK_HEAD, "%7s %-*s", "APF VM", NAME_WIDTH, "NAME");
	put_row_titles(k, k->scope->interval_ns);
}

/* gone_since_ns: those that were gone before are left out. */
static void put_vms(const struct maker *k, const struct model *m, uint64_t gone_since_ns)
{
	size_t count, shown = 0;
	struct model_vm *const *vms = model_vms(m, &count);

	for (size_t i = 0; i < count; i++) {
		if ((vms[i]->gone && vms[i]->gone_ns < gone_since_ns) || !model_vm_has_apf(vms[i]))
			continue;
		if (!shown++)
			put_vm_titles(k);
		put_vm(k, vms[i]);
	}
}

void page_apf_interval(struct page *page, const struct model *m, const struct page_scope *scope)
{
	const struct maker k = { .page = page, .scope = scope };

	if (scope->interval_ns)
		put_vms(&k, m, scope->status->now_ns - scope->interval_ns);
}

void page_apf_total(struct page *page, const struct model *m, const struct page_scope *scope)
{
	const struct maker k = { .page = page, .scope = scope };

	put_vms(&k, m, 0);
}
