/* SPDX-License-Identifier: GPL-2.0-only */
#include "record/names.h"
#include "view/figures/json.h"

#include <math.h>

#include "model/apf.h"
#include "model/fault_history.h"
#include "model/power.h"
#include "model/senders.h"
#include "model/worst.h"
#include "view/figures/columns.h"
#include "session/vm_names.h"
#include "view/figures/format.h"
#include "view/figures/migration.h"
#include "record/json.h"
#include "util/json.h"
#include "view/figures/why.h"

/* What all levels of one line need. */
struct json_line {
	struct json *json;
	const char *type;
	const struct status *status;
	const struct model_totals *totals;
	bool summary;
};

static void put_worst_sample(struct json *j, const struct hist_worst *worst)
{
	if (!worst) {
		json_null(j, "worst");
		return;
	}
	json_open(j, "worst", '{');
	json_u64(j, "time_ns", worst->time_ns);
	json_u64(j, "value", worst->value_ns);
	json_close(j, '}');
}

static void put_buckets(struct json *j, const struct hist *h)
{
	struct hist_bucket bucket;
	unsigned int it = 0;

	json_open(j, "buckets", '[');
	while (hist_next(h, &it, &bucket)) {
		json_open(j, NULL, '{');
		json_u64(j, "min", bucket.min_ns);
		json_u64(j, "max", bucket.max_ns);
		json_u64(j, "count", bucket.count);
		json_close(j, '}');
	}
	json_close(j, ']');
}

/* The names of a histogram's figures, with and without their unit. */
static const struct hist_names {
	const char *sum, *min, *max, *mean, *stddev;
	const char *quantiles[4];
} in_ns = { "sum_ns", "min_ns", "max_ns", "mean_ns", "stddev_ns", { "p50_ns", "p90_ns", "p99_ns", "p999_ns" } },
  plain = { "sum", "min", "max", "mean", "stddev", { "p50", "p90", "p99", "p999" } };

static void put_hist(struct json_line *line, const char *key, const struct hist *h, const struct hist_names *names)
{
	static const double quantiles[] = { 0.5, 0.9, 0.99, 0.999 };
	struct json *j = line->json;

	if (!hist_count(h)) {
		json_null(j, key);
		return;
	}
	json_open(j, key, '{');
	json_u64(j, "count", hist_count(h));
	json_u64(j, names->sum, hist_sum(h));
	json_u64(j, names->min, hist_min(h));
	json_u64(j, names->max, hist_max(h));
	json_real(j, names->mean, hist_mean(h), 1);
	json_real(j, names->stddev, hist_stddev(h), 1);
	for (int i = 0; i < 4; i++)
		json_u64(j, names->quantiles[i], hist_quantile(h, quantiles[i]));
	put_worst_sample(j, hist_worst(h));
	if (line->summary)
		put_buckets(j, h);
	json_close(j, '}');
}

static void put_counts(struct json *j, const char *key, const struct model_counts *counts)
{
	json_open(j, key, '{');
#define X(field, help) json_u64(j, #field, counts->field);
	MODEL_COUNTS(X)
#undef X
	json_close(j, '}');
}

static void put_rejected(struct json *j, const struct model_event *e)
{
	json_open(j, "rejected_by", '{');
	for (int i = 0; i < REJECT_COUNT; i++)
		json_u64(j, why_reject(i), e->rejected[i]);
	json_close(j, '}');
}

static void put_state(struct json *j, const struct model_event *e)
{
	const struct model_vcpu *vcpu = e->vcpu;
	unsigned int state = e->state & ~SDEI_MASKED;
	char letters[6];

	if (vcpu->mask_known && vcpu->masked)
		state |= SDEI_MASKED;
	json_text(j, "state", sdei_state_letters(state, letters));
}

static void put_blame(struct json *j, const struct model_blame *blame)
{
	if (!blame) {
		json_null(j, "blame");
		return;
	}
	json_open(j, "blame", '{');
#define X(field, help) json_u64(j, #field "_ns", blame->ns[BLAME_##field]);
	MODEL_BLAMES(X)
#undef X
	json_close(j, '}');
}

static void put_late(struct json *j, const struct model_event *e)
{
	size_t count;
	const struct model_late *late = model_event_late(e, &count);

	json_open(j, "late", '[');
	for (size_t i = 0; i < count; i++) {
		json_open(j, NULL, '{');
		json_u64(j, "latency_ns", late[i].latency_ns);
		json_u64(j, "signal_ns", late[i].signal_ns);
		if (late[i].stood_ns)
			json_u64(j, "stood_still_ns", late[i].stood_ns);
		json_u64(j, "dispatch_ns", late[i].dispatch_ns);
		json_u64(j, "signals", late[i].signals);
		json_id(j, "blocked_by", late[i].blocked_by);
		put_blame(j, &late[i].blame);
		json_close(j, '}');
	}
	json_close(j, ']');
}

/* What rows are sorted by. */
static void put_worst(struct json_line *line, const struct model_worst *worst)
{
	struct json *j = line->json;

	if (worst->kind == WORST_NONE) {
		json_null(j, "worst");
		return;
	}
	json_open(j, "worst", '{');
	json_text(j, "what", worst_kind_name(worst->kind));
	json_bool(j, "open", worst_letter(worst->kind));
	json_u64(j, "ns", worst->ns);
	json_u64(j, "at_ns", worst->at_ns);
	json_u64(j, "vcpu", worst->vcpu->id);
	json_id(j, "event", worst->event ? worst->event->event : SDEI_NONE);
	put_blame(j, model_blame_total(&worst->wait.blame) ? &worst->wait.blame : NULL);
	json_close(j, '}');
}

static void put_event_worst(struct json_line *line, const struct model_event *e)
{
	struct model_worst worst;

	model_event_worst(&worst, e, line->status->now_ns, false);
	put_worst(line, &worst);
}

static void put_vcpu_worst(struct json_line *line, const struct model_vcpu *vcpu)
{
	struct model_worst worst;

	model_vcpu_worst(&worst, vcpu, line->status->now_ns, false);
	put_worst(line, &worst);
}

static void put_vm_worst(struct json_line *line, const struct model_vm *vm)
{
	struct model_worst worst;

	model_vm_worst(&worst, vm, line->status->now_ns, false);
	put_worst(line, &worst);
}

static void put_event(struct json_line *line, const struct model_event *e)
{
	struct json *j = line->json;

	json_open(j, NULL, '{');
	json_u64(j, "event", e->event);
	if (sdei_role_name(e->role))
		json_plain(j, "for", sdei_role_name(e->role));
	put_state(j, e);
	put_counts(j, "count", &e->count);
	put_rejected(j, e);
	put_counts(j, "interval", &e->interval);
	json_u64(j, "carried_pending", e->carried_pending);
	json_u64(j, "carried_running", e->carried_running);
	if (e->unsignalled)
		json_u64(j, "unsignalled", e->unsignalled);
	json_i64(j, "unaccounted", model_unaccounted(e));
	json_i64(j, "unaccounted_handlers", model_unaccounted_handlers(e));
	json_u64(j, "lost", e->lost);
	json_u64(j, "misfits", e->misfits);
	json_bool(j, "inexact", e->inexact);
	put_hist(line, "dispatch", e->dispatch, &in_ns);
	put_hist(line, "handler", e->handler, &in_ns);
	put_hist(line, "total", e->total, &in_ns);
	put_hist(line, "coalesce_age", e->coalesce_age, &in_ns);
	put_hist(line, "episode_signals", e->episode_signals, &plain);
	put_blame(j, model_event_blame(e));
	put_event_worst(line, e);
	put_late(j, e);
	json_close(j, '}');
}

/* --- page faults; nothing where there is none */

static void put_apf_counts(struct json *j, const char *key, const struct apf_counts *counts)
{
	json_open(j, key, '{');
#define X(name, help) json_u64(j, #name, counts->name);
	APF_COUNTS(X)
#undef X
	json_close(j, '}');
}

static void put_fallbacks(struct json *j, const struct model_apf *apf)
{
	json_open(j, "fallback_by", '{');
	for (unsigned int reason = 1; reason < APF_FALLBACKS; reason++)
		json_u64(j, record_name(LABELS_APF_FALLBACK, reason), apf->fallbacks[reason]);
	json_close(j, '}');
}

/* "unknown": of recordings that do not say it. */
static void put_causes(struct json *j, const struct model_apf *apf)
{
	json_open(j, "sync_by", '{');
	for (unsigned int cause = 0; cause < APF_CAUSES; cause++) {
		json_open(j, cause ? record_name(LABELS_APF_CAUSE, cause) : "unknown", '{');
		json_u64(j, "count", apf->causes[cause].count);
		json_u64(j, "ns", apf->causes[cause].ns);
		json_close(j, '}');
	}
	json_close(j, '}');
	json_u64(j, "quick_ns", apf->quick_ns);
}

static void put_warmup(struct json *j, const struct apf_warmup *w)
{
	json_open(j, "warmup", '{');
	json_u64(j, "start_ns", w->start_ns);
	json_u64(j, "end_ns", w->end_ns);
	json_u64(j, "faults", w->faults);
	json_u64(j, "blocked_ns", w->blocked_ns);
	json_bool(j, "over", w->over);
	json_close(j, '}');
}

static void put_slow_stage(struct json *j, enum apf_stage stage, uint64_t ns)
{
	if (ns == APF_UNKNOWN)
		json_null(j, apf_stage_name(stage));
	else
		json_u64(j, apf_stage_name(stage), ns);
}

static void put_slow(struct json *j, const struct model_apf *apf)
{
	json_open(j, "slow", '[');
	for (unsigned int i = 0; i < apf->slow_count; i++) {
		const struct apf_fault *fault = &apf->slow[i];

		json_open(j, NULL, '{');
		json_u64(j, "vcpu", fault->vcpu);
		json_u64(j, "setup_ns", fault->setup_ns);
		json_address(j, "gfn", fault->gfn);
		json_u64(j, "token", fault->token);
		if (fault->cause)
			json_text(j, "cause", record_name(LABELS_APF_CAUSE, fault->cause));
		json_open(j, "stages_ns", '{');
		for (unsigned int stage = 0; stage < APF_STAGE_COUNT; stage++)
			put_slow_stage(j, stage, fault->stage[stage]);
		json_close(j, '}');
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void put_columns(struct json *j, const char *key, const struct fault_history *h, uint64_t (*of)(const struct fault_column *column))
{
	json_open(j, key, '[');
	for (unsigned int i = 0; i < h->time.used; i++)
		json_u64(j, NULL, of(&h->columns[i]));
	json_close(j, ']');
}

/* Only of a VM. */
static void put_history(struct json *j, const struct fault_history *h)
{
	if (!h)
		return;
	json_open(j, "over_time", '{');
	json_u64(j, "begin_ns", fault_axis_begin(&h->time, 0));
	json_u64(j, "column_ns", fault_axis_width(&h->time));
	put_columns(j, "faults", h, fault_column_faults);
	put_columns(j, "blocked_ns", h, fault_column_blocked_ns);
	put_columns(j, "frames", h, fault_column_frames);
	json_close(j, '}');
}

static void put_apf(struct json_line *line, const struct model_apf *apf, const struct fault_history *history)
{
	struct json *j = line->json;

	json_open(j, "apf", '{');
	put_apf_counts(j, "count", &apf->count);
	put_apf_counts(j, "interval", &apf->interval);
	put_fallbacks(j, apf);
	put_causes(j, apf);
	put_warmup(j, &apf->warmup);
	json_u64(j, "in_flight", apf->in_flight);
	json_u64(j, "oldest_ns", apf->oldest_ns);
	json_u64(j, "most_in_flight", apf->most_in_flight);
	json_u64(j, "carried", apf->carried);
	json_i64(j, "unaccounted", apf_unaccounted(apf));
	json_u64(j, "lost", apf->lost);
	json_bool(j, "inexact", apf->inexact);
	json_u64(j, "saved_ns", apf_saved_ns(apf));
	json_u64(j, "blocked_ns", apf_blocked_ns(apf));
	json_open(j, "stages", '{');
	for (unsigned int stage = 0; stage < APF_STAGE_COUNT; stage++)
		put_hist(line, apf_stage_name(stage), apf->stage[stage], &in_ns);
	json_close(j, '}');
	put_hist(line, "depth", apf->depth, &plain);
	put_slow(j, apf);
	put_history(j, history);
	json_close(j, '}');
}

/* Without memory there are fewer samples in it. */
static void put_vm_apf(struct json_line *line, const struct model_vm *vm)
{
	struct model_apf apf;

	if (!model_vm_has_apf(vm))
		return;
	model_vm_apf(vm, &apf);
	put_apf(line, &apf, model_vm_fault_history(vm));
	apf_release(&apf);
}

static void put_calls(struct json *j, const struct model_vcpu *vcpu)
{
	json_open(j, "calls", '[');
	for (uint32_t function = SDEI_FN_FIRST; vcpu->calls && function <= SDEI_FN_LAST; function++) {
		for (unsigned int class = 0; class < MODEL_RESULT_CLASSES; class++) {
			uint64_t count = model_call_count(vcpu, function, class);

			if (!count || !sdei_call_name(function))
				continue;
			json_open(j, NULL, '{');
			json_text(j, "function", sdei_call_name(function));
			json_text(j, "result", model_result_class_name(class));
			json_u64(j, "count", count);
			json_close(j, '}');
		}
	}
	json_close(j, ']');
}

/* How long they took, by function; only of a vCPU of which that is known. */
static void put_call_times(struct json_line *line, const struct model_vcpu *vcpu)
{
	bool any = false;

	for (uint32_t function = SDEI_FN_FIRST; function <= SDEI_FN_LAST; function++) {
		const struct hist *time = model_call_time(vcpu, function);

		if (!time || !sdei_call_name(function))
			continue;
		if (!any)
			json_open(line->json, "call_times", '{');
		any = true;
		put_hist(line, sdei_call_name(function), time, &in_ns);
	}
	if (any)
		json_close(line->json, '}');
}

/* Only of a vCPU of which anything of PSCI was seen. */
static void put_psci(struct json_line *line, const struct model_vcpu *vcpu)
{
	struct json *j = line->json;
	struct psci_counts psci = { 0 };

	if (!vcpu->power)
		return;
	model_add_psci(vcpu, &psci);
	json_bool(j, "off", vcpu->off);
	if (vcpu->off)
		json_u64(j, "off_since_ns", model_off_since_ns(vcpu));
	json_open(j, "psci", '[');
	for (unsigned int i = 0; i < PSCI_CALL_COUNT * PSCI_CLASS_COUNT; i++) {
		uint64_t count = psci.count[i / PSCI_CLASS_COUNT][i % PSCI_CLASS_COUNT];

		if (!count)
			continue;
		json_open(j, NULL, '{');
		json_text(j, "function", psci_call_name(i / PSCI_CLASS_COUNT));
		json_text(j, "result", psci_class_name(i % PSCI_CLASS_COUNT));
		json_u64(j, "count", count);
		json_close(j, '}');
	}
	json_close(j, ']');
}

/* 0: not known, or there is none. */
static void put_known(struct json *j, const char *key, uint64_t ns)
{
	if (ns)
		json_u64(j, key, ns);
	else
		json_null(j, key);
}

static void put_sender(struct json *j, const struct model_sender *s, uint64_t waiting_ns)
{
	json_open(j, NULL, '{');
	json_u64(j, "sender", s->sender);
	json_u64(j, "signals", s->signals);
	json_u64(j, "dispatched", s->dispatched);
	json_u64(j, "unanswered", s->unanswered);
	put_known(j, "waiting_ns", waiting_ns);
	put_known(j, "p99_ns", hist_quantile(s->latency, 0.99));
	put_known(j, "worst_ns", s->worst_ns);
	put_known(j, "worst_at_ns", s->worst_at_ns);
	json_u64(j, "last_ns", s->last_ns);
	json_close(j, '}');
}

/* Who signalled to it; only where a vCPU did. */
static void put_senders(struct json_line *line, const struct model_vcpu *vcpu)
{
	size_t count;
	const struct model_sender *senders = model_senders(vcpu, &count);

	if (!count)
		return;
	json_open(line->json, "senders", '[');
	for (size_t i = 0; i < count; i++)
		put_sender(line->json, &senders[i], model_sender_waiting_ns(vcpu, senders[i].sender, line->status->now_ns));
	json_close(line->json, ']');
}

/* Up to when figures of this vCPU count. */
static uint64_t vcpu_end(const struct json_line *line, const struct model_vcpu *vcpu)
{
	return vcpu->gone ? vcpu->gone_ns : line->status->now_ns;
}

static void put_masked_share(struct json_line *line, const struct model_vcpu *vcpu)
{
	uint64_t end = vcpu_end(line, vcpu);
	uint64_t masked = vcpu->interval_masked_ns, length = line->totals->interval_ns;

	if (line->summary) {
		masked = model_masked_ns(vcpu, end);
		length = end > vcpu->first_seen_ns ? end - vcpu->first_seen_ns : 0;
	}
	if (model_vcpu_has_mask(vcpu) && length)
		json_real(line->json, "masked_share", (double)masked / length, 6);
	else
		json_null(line->json, "masked_share");
}

static void put_mask(struct json_line *line, const struct model_vcpu *vcpu)
{
	struct json *j = line->json;
	uint64_t end = vcpu_end(line, vcpu);

	if (vcpu->mask_known)
		json_bool(j, "masked", vcpu->masked);
	else
		json_null(j, "masked");
	if (vcpu->mask_known && vcpu->masked && vcpu->masked_since_ns)
		json_u64(j, "masked_age_ns", end > vcpu->masked_since_ns ? end - vcpu->masked_since_ns : 0);
	else
		json_null(j, "masked_age_ns");
	json_u64(j, "masked_ns", model_masked_ns(vcpu, end));
	put_masked_share(line, vcpu);
	json_u64(j, "mask_calls", vcpu->mask_calls);
	json_u64(j, "unmask_calls", vcpu->unmask_calls);
	put_hist(line, "mask", vcpu->mask, &in_ns);
	put_hist(line, "initial_mask", vcpu->initial_mask, &in_ns);
}

static void put_vcpu(struct json_line *line, const struct model_vcpu *vcpu)
{
	struct json *j = line->json;
	struct model_blame blame;

	json_open(j, NULL, '{');
	json_u64(j, "vcpu", vcpu->id);
	json_bool(j, "gone", vcpu->gone);
	json_u64(j, "lost", vcpu->lost);
	json_bool(j, "inexact", vcpu->inexact);
	put_mask(line, vcpu);
	put_calls(j, vcpu);
	put_call_times(line, vcpu);
	put_psci(line, vcpu);
	put_senders(line, vcpu);
	model_vcpu_blame(vcpu, &blame);
	put_blame(j, &blame);
	put_vcpu_worst(line, vcpu);
	if (model_vcpu_apf(vcpu))
		put_apf(line, model_vcpu_apf(vcpu), NULL);
	json_open(j, "events", '[');
	for (size_t i = 0; i < vcpu->event_count; i++)
		put_event(line, vcpu->events[i]);
	json_close(j, ']');
	json_close(j, '}');
}

/* An interval shows the gone once: in the interval in which they went. */
static bool is_shown(const struct json_line *line, bool gone, uint64_t gone_ns)
{
	return line->summary || !gone || gone_ns + line->totals->interval_ns >= line->status->now_ns;
}

static void put_vm(struct json_line *line, const struct model_vm *vm)
{
	struct json *j = line->json;
	struct model_blame blame;

	model_vm_blame(vm, &blame);
	json_open(j, NULL, '{');
	json_u64(j, "vm", vm->pid);
	json_u64(j, "instance", vm->instance);
	json_text(j, "name", name_of(vm)->raw);
	json_bool(j, "gone", vm->gone);
	migration_json(j, vm);
	put_blame(j, &blame);
	put_vm_worst(line, vm);
	put_vm_apf(line, vm);
	json_open(j, "vcpus", '[');
	for (size_t i = 0; i < vm->vcpu_count; i++)
		if (is_shown(line, vm->vcpus[i]->gone, vm->vcpus[i]->gone_ns))
			put_vcpu(line, vm->vcpus[i]);
	json_close(j, ']');
	json_close(j, '}');
}

static void put_vms(struct json_line *line, const struct model *m)
{
	size_t count;
	struct model_vm *const *vms = model_vms(m, &count);

	json_open(line->json, "vms", '[');
	for (size_t i = 0; i < count; i++)
		if (is_shown(line, vms[i]->gone, vms[i]->gone_ns))
			put_vm(line, vms[i]);
	json_close(line->json, ']');
}

static void put_finding(struct json *j, const struct model_finding *finding)
{
	char text[FINDING_TEXT_SIZE], letters[6];

	finding_describe(finding, text, sizeof(text));
	json_open(j, NULL, '{');
	json_text(j, "code", finding_code_name(finding->code));
	json_text(j, "severity", severity_name(finding_severity(finding->code)));
	json_u64(j, "vm", finding->vm);
	json_u64(j, "instance", finding->instance);
	json_id(j, "vcpu", finding->vcpu);
	json_id(j, "event", finding->event);
	if (finding->sender != SDEI_NONE)
		json_u64(j, "sender", finding->sender);
	json_u64(j, "first_ns", finding->first_ns);
	json_u64(j, "last_ns", finding->last_ns);
	json_u64(j, "count", finding->count);
	json_bool(j, "open", finding->open);
	json_u64(j, "value", finding->value);
	json_text(j, "text", text);
	if (finding_cost(finding->code))
		json_plain(j, "cost", finding_cost(finding->code));
	json_text(j, "state_before", sdei_state_letters(finding->state_before, letters));
	if (finding->has_record)
		json_record_brief(j, "record", &finding->record);
	else
		json_null(j, "record");
	if (finding->gfn)
		json_u64(j, "gfn", finding->gfn);
	json_close(j, '}');
}

/* An interval has what holds, and what was seen in it. */
static void put_findings(struct json_line *line, const struct model *m)
{
	size_t count;
	const struct model_finding *findings = model_findings(m, &count);

	json_open(line->json, "findings", '[');
	for (size_t i = 0; i < count; i++)
		if (line->summary || findings[i].open || findings[i].last_ns + line->totals->interval_ns >= line->status->now_ns)
			put_finding(line->json, &findings[i]);
	json_close(line->json, ']');
}

static void put_by_kind(struct json *j, const char *key, const uint64_t counts[SDEI_KIND_COUNT])
{
	json_open(j, key, '{');
	for (unsigned int kind = SDEI_KIND_NONE + 1; kind < SDEI_KIND_COUNT; kind++)
		json_u64(j, sdei_kind_name(kind), counts[kind]);
	json_close(j, '}');
}

static void put_counters(struct json_line *line, const struct record_counters *counters)
{
	struct json *j = line->json;

	json_open(j, "counters", '{');
	put_by_kind(j, "attempted", counters->attempted);
	put_by_kind(j, "lost", counters->lost);
	json_u64(j, "read", counters->read);
	json_u64(j, "malformed", counters->malformed);
	json_u64(j, "late", counters->late);
	json_close(j, '}');
}

static void put_head(struct json_line *line)
{
	const struct status *status = line->status;
	const struct model_totals *totals = line->totals;
	struct json *j = line->json;
	char wall[FORMAT_SIZE];

	json_text(j, "type", line->type);
	json_u64(j, "time_ns", status->now_ns);
	json_text(j, "wall", format_time_wall(wall, sizeof(wall), status, status->now_ns));
	json_u64(j, "start_ns", totals->start_ns);
	json_u64(j, "interval_ns", line->summary ? status->now_ns - totals->start_ns : totals->interval_ns);
	json_text(j, "host", status->host);
	json_u64(j, "records", totals->records);
	json_u64(j, "interval_records", totals->interval_records);
	json_u64(j, "lost", totals->lost);
	json_u64(j, "late", totals->late);
	json_u64(j, "malformed", status->counters.malformed + totals->unknown + totals->crowded);
	json_u64(j, "no_memory", totals->no_memory);
	json_u64(j, "misfits", totals->misfits);
	json_bool(j, "inexact", totals->inexact);
}

static void put_watching(struct json_line *line)
{
	const struct status *status = line->status;
	struct json *j = line->json;

	json_open(j, "probes", '{');
	json_u64(j, "attached", status->probes_attached);
	json_u64(j, "total", status->probes_total);
	json_close(j, '}');
	if (status->cpu_percent < 0 || isnan(status->cpu_percent))
		json_null(j, "cpu_percent");
	else
		json_real(j, "cpu_percent", status->cpu_percent, 2);
	json_u64(j, "vm_count", line->totals->vms);
	json_u64(j, "vcpu_count", line->totals->vcpus);
}

static void put_members(struct json *j, const char *type, const struct model *m, const struct status *status, bool summary)
{
	struct json_line line = {
		.json = j,
		.type = type,
		.status = status,
		.totals = model_totals(m),
		.summary = summary,
	};

	put_head(&line);
	put_watching(&line);
	put_counts(j, "count", &line.totals->count);
	put_counts(j, "interval", &line.totals->interval);
	if (summary)
		put_counters(&line, &status->counters);
	put_findings(&line, m);
	put_vms(&line, m);
}

void json_summary_members(struct json *j, const char *type, const struct model *m, const struct status *status)
{
	put_members(j, type, m, status, true);
}

static void put_line(FILE *out, const char *type, const struct model *m, const struct status *status, bool summary)
{
	struct json json;

	json_start(&json, out);
	json_open(&json, NULL, '{');
	put_members(&json, type, m, status, summary);
	json_close(&json, '}');
	putc('\n', out);
}

void json_interval(FILE *out, const struct model *m, const struct status *status)
{
	put_line(out, "interval", m, status, false);
}

void json_stretch(FILE *out, const struct status *status, uint64_t length_ns)
{
	char wall[FORMAT_SIZE];
	struct json j;

	json_start(&j, out);
	json_open(&j, NULL, '{');
	json_text(&j, "type", "stretch");
	json_u64(&j, "time_ns", status->now_ns);
	json_text(&j, "wall", format_time_wall(wall, sizeof(wall), status, status->now_ns));
	json_text(&j, "host", status->host);
	json_u64(&j, "length_ns", length_ns);
	json_close(&j, '}');
	putc('\n', out);
}

void json_summary(FILE *out, const struct model *m, const struct status *status)
{
	put_line(out, "summary", m, status, true);
}
