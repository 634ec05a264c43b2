// SPDX-License-Identifier: GPL-2.0-only
#include "record/names.h"
#include "view/metrics/metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view/metrics/metrics_inside.h"
#include "session/vm_names.h"
#include "util/clock.h"
#include "util/line.h"

#ifndef SDEITOP_VERSION
#define SDEITOP_VERSION "unknown"
#endif

/*
 * The bounds: every power of two less one ns (bounds are inclusive), which is an upper edge of the model's, from 255 ns to
 * 8.6 s; of coarse buckets every second one from 1 us to 4.3 s. X(exponent, as seconds).
 */
#define BOUNDS(X)							\
	X(8, "2.55e-07") X(9, "5.11e-07") X(10, "1.023e-06") X(11, "2.047e-06") X(12, "4.095e-06") X(13, "8.191e-06")	\
	X(14, "1.6383e-05") X(15, "3.2767e-05") X(16, "6.5535e-05") X(17, "0.000131071") X(18, "0.000262143")		\
	X(19, "0.000524287") X(20, "0.001048575") X(21, "0.002097151") X(22, "0.004194303") X(23, "0.008388607")		\
	X(24, "0.016777215") X(25, "0.033554431") X(26, "0.067108863") X(27, "0.134217727") X(28, "0.268435455")		\
	X(29, "0.536870911") X(30, "1.073741823") X(31, "2.147483647") X(32, "4.294967295") X(33, "8.589934591")
#define COARSE_FIRST 10
#define IS_COARSE(exponent) ((exponent) >= COARSE_FIRST && (exponent) % 2 == 0)

static const struct bound {
	unsigned int power;	/* of hist_add_powers(): the last one below it */
	bool coarse;		/* coarse buckets have it, too */
	const char *le;
	size_t le_size;
} bounds[] = {
#define X(exponent, seconds) \
	{ (exponent) - 5, IS_COARSE(exponent), seconds, sizeof(seconds) - 1 },
	BOUNDS(X)
#undef X
};
#define BOUND_COUNT (sizeof(bounds) / sizeof(bounds[0]))
#define X(exponent, seconds) + IS_COARSE(exponent)
enum { COARSE_COUNT = 0 BOUNDS(X) };
#undef X

struct metrics {
	struct metrics_options options;
	struct metrics_rows rows;
	struct metrics_vms vms;
	struct buf text, name, start;
	size_t series, dropped;
};

#define KEY_END "\"} "	/* behind the value of a last label */

/* What rows are written with. */
struct writer {
	struct buf *text;
	struct buf *name;	/* of the family */
	struct buf *start;	/* what the lines of a row start with that differ in one label's value only */
	struct start {
		const struct family *family;
		const char *suffix;
		struct metrics_labels labels;
		bool has_key;
	} started;		/* whose that is */
	const char *labels;	/* of metrics_labels.at */
	enum metrics_buckets buckets;
	bool counting;		/* only count */
	size_t series;
	bool of_client;		/* rows are of this machine itself, not of VMs */
	/* of host rows */
	const struct model *model;
	const struct metrics_host *host;
	size_t dropped;
};

enum level { LEVEL_HOST, LEVEL_VM, LEVEL_PE, LEVEL_EVENT, LEVEL_APF, LEVELS };

struct family {
	const char *name, *type;
	enum level level;
	const char *key;	/* the label that it has besides those of its level, or NULL */
	const char *help;
	/* row is one of metrics_rows; of the host: its model_totals. */
	void (*put)(struct writer *w, const struct family *family, const void *row);
	size_t at;		/* in the row: what put is for, of those that put one member */
};

#define AT(row, member) offsetof(struct row, member)
#define ROW 0			/* put takes what it needs */

/* --- names */

#define KVM_PREFIX "kvm_sdei_"
#define CLIENT_PREFIX "sdei_client_"

static bool starts_with(const char *name, const char *start)
{
	return strncmp(name, start, strlen(start)) == 0;
}

/*
 * What is known of the SDEI of this machine itself has names of its own, so that no sum over a fleet's VMs has it in it. What is about
 * sdeid has not: there is one of it, whatever it looks at.
 */
static bool has_client_name(const struct writer *w, const struct family *f)
{
	return w->of_client && starts_with(f->name, f->level == LEVEL_HOST ? KVM_PREFIX "host_" : KVM_PREFIX);
}

static void find_name(struct writer *w, const struct family *f)
{
	bool of_client = has_client_name(w, f);

	w->name->size = 0;
	buf_puts(w->name, of_client ? CLIENT_PREFIX : "");
	buf_puts(w->name, f->name + (of_client ? strlen(KVM_PREFIX) : 0));
}

static void put_name(struct buf *text, const struct writer *w)
{
	buf_put(text, w->name->bytes, w->name->size);
}

/* --- one sample */

/* What lines of a row start with: up to the value of the label key, or without such a label up to the number. */
static void start_lines(struct writer *w, const struct family *f, const char *suffix, struct metrics_labels labels, const char *key)
{
	w->started = (struct start){ f, suffix, labels, key };
	w->start->size = 0;
	put_name(w->start, w);
	buf_puts(w->start, suffix);
	if (labels.size || key)
		buf_put(w->start, "{", 1);
	buf_put(w->start, w->labels + labels.at, labels.size);
	if (key) {
		buf_puts(w->start, labels.size ? "," : "");
		buf_puts(w->start, key);
		buf_puts(w->start, "=\"");
	} else {
		buf_puts(w->start, labels.size ? "} " : " ");
	}
}

/* Of a row all lines of a family with that suffix have the same key. */
static bool is_started(const struct writer *w, const struct family *f, const char *suffix, struct metrics_labels labels)
{
	return w->started.family == f && w->started.suffix == suffix && w->started.labels.at == labels.at &&
	       w->started.labels.size == labels.size;
}

static char *append(char *to, const char *bytes, size_t size)
{
	memcpy(to, bytes, size);
	return to + size;
}

/* A line that was started: the value of its label, if it has one, and a number. */
static void put_line(struct writer *w, const char *value, size_t value_size, const char *number, size_t number_size)
{
	char *to = buf_room(w->text, w->start->size + value_size + sizeof(KEY_END) + number_size);

	if (!to || w->start->failed)
		return;
	to = append(to, w->start->bytes, w->start->size);
	if (w->started.has_key) {
		to = append(to, value, value_size);
		to = append(to, KEY_END, sizeof(KEY_END) - 1);
	}
	if (number_size == 1)	/* most are 0 */
		*to++ = *number;
	else
		to = append(to, number, number_size);
	*to++ = '\n';
	w->text->size = (size_t)(to - w->text->bytes);
}

static void put_u64_line(struct writer *w, const char *value, size_t value_size, uint64_t number)
{
	char digits[LINE_DIGITS];

	put_line(w, value, value_size, digits, (size_t)(line_decimal(digits, number) - digits));
}

/* False: it was only counted. */
static bool begin(struct writer *w, const struct family *f, const char *suffix, struct metrics_labels labels, const char *key)
{
	w->series++;
	if (w->counting)
		return false;
	if (!is_started(w, f, suffix, labels))
		start_lines(w, f, suffix, labels, key);
	return true;
}

/* Of a line with several more labels: its name, and those labels. False: it was only counted. */
static bool begin_labels(struct writer *w, struct metrics_labels labels)
{
	w->series++;
	if (w->counting)
		return false;
	put_name(w->text, w);
	buf_put(w->text, "{", 1);
	buf_put(w->text, w->labels + labels.at, labels.size);
	return true;
}

/* value: of the label key of the family; NULL: the line has no such label. */
static void put_line_number(struct writer *w, const struct family *f, const char *suffix, struct metrics_labels labels, const char *value,
			    uint64_t number)
{
	if (begin(w, f, suffix, labels, value ? f->key : NULL))
		put_u64_line(w, value ?: "", value ? strlen(value) : 0, number);
}

static void put_line_seconds(struct writer *w, const struct family *f, const char *suffix, struct metrics_labels labels,
			     const char *value, uint64_t ns)
{
	char seconds[LINE_SECONDS];

	if (begin(w, f, suffix, labels, value ? f->key : NULL))
		put_line(w, value ?: "", value ? strlen(value) : 0, seconds, (size_t)(line_seconds(seconds, ns) - seconds));
}

static void put_number(struct writer *w, const struct family *f, struct metrics_labels labels, const char *value, uint64_t number)
{
	put_line_number(w, f, "", labels, value, number);
}

static void put_seconds(struct writer *w, const struct family *f, struct metrics_labels labels, const char *value, uint64_t ns)
{
	put_line_seconds(w, f, "", labels, value, ns);
}

static bool is_bound(const struct writer *w, const struct bound *bound)
{
	return w->buckets == METRICS_FINE || bound->coarse;
}

static size_t count_bounds(const struct writer *w)
{
	return w->buckets == METRICS_FINE ? BOUND_COUNT : COARSE_COUNT;
}

static void put_buckets(struct writer *w, const struct family *f, struct metrics_labels labels, const struct metrics_hist *h)
{
	unsigned int power = 0;
	uint64_t count = 0;

	start_lines(w, f, "_bucket", labels, "le");
	for (size_t i = 0; i < BOUND_COUNT; i++) {
		while (power <= bounds[i].power)
			count += h->powers[power++];
		if (is_bound(w, &bounds[i]))
			put_u64_line(w, bounds[i].le, bounds[i].le_size, count);
	}
	put_u64_line(w, "+Inf", 4, h->count);
}

/* What a histogram and a summary end with. */
static void put_sum(struct writer *w, const struct family *f, struct metrics_labels labels, const char *value, uint64_t ns, uint64_t count)
{
	put_line_seconds(w, f, "_sum", labels, value, ns);
	put_line_number(w, f, "_count", labels, value, count);
}

static void put_hist(struct writer *w, const struct family *f, struct metrics_labels labels, const struct metrics_hist *h)
{
	w->series += count_bounds(w) + 1;
	if (!w->counting)
		put_buckets(w, f, labels, h);
	put_sum(w, f, labels, NULL, h->sum, h->count);
}

/* --- one member of a row, whichever it is */

static const void *member_of(const struct family *f, const void *row)
{
	return (const char *)row + f->at;
}

/* Each row but the host's begins with them. */
static struct metrics_labels labels_of_row(const struct family *f, const void *row)
{
	return f->level == LEVEL_HOST ? (struct metrics_labels){ 0 } : *(const struct metrics_labels *)row;
}
_Static_assert(AT(metrics_vm, labels) == 0 && AT(metrics_pe, labels) == 0 && AT(metrics_event, labels) == 0 &&
	       AT(metrics_apf, labels) == 0, "see above");

static void put_u64(struct writer *w, const struct family *f, const void *row)
{
	const uint64_t *number = member_of(f, row);

	put_number(w, f, labels_of_row(f, row), NULL, *number);
}

static void put_ns(struct writer *w, const struct family *f, const void *row)
{
	const uint64_t *ns = member_of(f, row);

	put_seconds(w, f, labels_of_row(f, row), NULL, *ns);
}

static void put_hist_at(struct writer *w, const struct family *f, const void *row)
{
	put_hist(w, f, labels_of_row(f, row), member_of(f, row));
}

static void put_outcomes(struct writer *w, const struct family *f, const void *row)
{
	const struct model_counts *c = member_of(f, row);
	struct metrics_labels labels = labels_of_row(f, row);

	put_number(w, f, labels, "queued", c->queued);
	put_number(w, f, labels, "coalesced", c->coalesced);
	put_number(w, f, labels, "rejected", c->rejected);
}

/* Those that were found once: nothing is lost by not being there before, as with a counter. */
static void put_open(struct writer *w, const struct family *f, const void *row)
{
	const struct metrics_pe *r = row;

	for (unsigned int code = 0; code < FINDING_GIC; code++)
		if (r->found[code] || r->open[code])
			put_number(w, f, r->labels, finding_code_name(code), r->open[code]);
}

/* Masks are seldom, and most VMs on x86 cannot have one. */
static void put_masks(struct writer *w, const struct family *f, const void *row)
{
	const struct metrics_pe *r = row;

	if (r->mask.count)
		put_hist(w, f, r->labels, &r->mask);
}

static void put_findings(struct writer *w, const struct family *f, const void *row)
{
	const uint64_t *by_code = member_of(f, row);
	unsigned int codes = f->level == LEVEL_HOST ? FINDING_COUNT : FINDING_GIC;

	for (unsigned int code = 0; code < codes; code++)
		put_number(w, f, labels_of_row(f, row), finding_code_name(code), by_code[code]);
}

static void put_worst(struct writer *w, const struct family *f, const void *row)
{
	const struct hist_worst *worst = member_of(f, row);

	if (worst->time_ns)
		put_seconds(w, f, labels_of_row(f, row), NULL, worst->value_ns);
}

/* To the millisecond: the two clocks drift. */
static void put_worst_time(struct writer *w, const struct family *f, const void *row)
{
	const struct hist_worst *worst = member_of(f, row);
	int64_t wall_ns = status_wall_ns(w->host->status, worst->time_ns);

	if (worst->time_ns && wall_ns >= 0)
		put_seconds(w, f, labels_of_row(f, row), NULL, ((uint64_t)wall_ns + NS_PER_MS / 2) / NS_PER_MS * NS_PER_MS);
}

/* Since 0: nothing is there, which is of no age. */
static void put_age(struct writer *w, const struct family *f, const void *row)
{
	const uint64_t *since_ns = member_of(f, row);
	uint64_t now_ns = w->host->status->now_ns;

	put_seconds(w, f, labels_of_row(f, row), NULL, *since_ns && *since_ns < now_ns ? now_ns - *since_ns : 0);
}

/* --- of the host */

static const struct metrics_labels none;

static void put_up(struct writer *w, const struct family *f, const void *row)
{
	put_number(w, f, none, NULL, w->host->status->probes_attached > 0);
}

static void put_updated(struct writer *w, const struct family *f, const void *row)
{
	put_seconds(w, f, none, NULL, w->host->status->wall_ns);
}

static void put_cpu(struct writer *w, const struct family *f, const void *row)
{
	put_seconds(w, f, none, NULL, w->host->cpu_ns);
}

static void put_probes_attached(struct writer *w, const struct family *f, const void *row)
{
	put_number(w, f, none, NULL, w->host->status->probes_attached);
}

static void put_probes(struct writer *w, const struct family *f, const void *row)
{
	put_number(w, f, none, NULL, w->host->status->probes_total);
}

static void put_malformed(struct writer *w, const struct family *f, const void *row)
{
	const struct model_totals *t = row;

	put_number(w, f, none, NULL, t->unknown + t->crowded + w->host->status->counters.malformed);
}

static void put_dropped(struct writer *w, const struct family *f, const void *row)
{
	put_number(w, f, none, NULL, w->dropped);
}

static void put_write_errors(struct writer *w, const struct family *f, const void *row)
{
	put_number(w, f, none, NULL, w->host->write_errors);
}

static void put_build(struct writer *w, const struct family *f, const void *row)
{
	put_number(w, f, none, SDEITOP_VERSION, 1);
}

static void put_lost(struct writer *w, const struct family *f, const void *row)
{
	const struct model_totals *t = row;

	for (unsigned int kind = SDEI_KIND_NONE + 1; kind < SDEI_KIND_COUNT; kind++)
		if (kind < SDEI_APF || (kind == SDEI_APF ? t->apf : t->lost_by[kind] > 0))
			put_number(w, f, none, sdei_kind_name(kind), t->lost_by[kind]);
	put_number(w, f, none, "unknown", t->lost_by[SDEI_KIND_NONE]);
}

/* --- of a VM */

static void put_info(struct writer *w, const struct family *f, const void *row)
{
	const struct metrics_vm *r = row;

	if (!begin_labels(w, r->labels))
		return;
	buf_puts(w->text, ",name=\"");
	metrics_put_label(w->text, name_of(r->vm)->raw, METRICS_NAME_MAX);
	buf_puts(w->text, "\",uuid=\"");
	buf_puts(w->text, name_of(r->vm)->uuid);
	buf_puts(w->text, "\",pid=\"");
	buf_put_u64(w->text, r->vm->pid);
	buf_puts(w->text, "\"} 1\n");
}

/* Those that were found once: most VMs never have one. */
static void put_restore_findings(struct writer *w, const struct family *f, const void *row)
{
	const struct metrics_vm *r = row;

	for (int code = FINDING_GIC; code < FINDING_COUNT; code++)
		if (r->vm->restore_found[code - FINDING_GIC])
			put_number(w, f, r->labels, finding_code_name(code), r->vm->restore_found[code - FINDING_GIC]);
}

static void put_gone(struct writer *w, const struct family *f, const void *row)
{
	const struct metrics_vm *r = row;

	put_number(w, f, r->labels, NULL, r->vm->gone);
}

/* --- of a VM or vCPU */

/* label, function="…" and result="…" */
static void put_call(struct writer *w, const struct family *f, const struct metrics_pe *r, const char *function, const char *result, uint64_t count)
{
	if (!begin_labels(w, r->labels))
		return;
	buf_puts(w->text, ",function=\"");
	buf_puts(w->text, function);
	buf_puts(w->text, "\",result=\"");
	buf_puts(w->text, result);
	buf_puts(w->text, "\"} ");
	buf_put_u64(w->text, count);
	buf_put(w->text, "\n", 1);
}

static bool is_called(const struct metrics_pe *r, uint32_t function)
{
	for (unsigned int class = 0; class < MODEL_RESULT_CLASSES; class++)
		if (r->calls[function - SDEI_FN_FIRST][class])
			return true;
	return false;
}

/* All results of what was called, so that the first refusal is an increase; but few VMMs take calls of SDEI upon themselves. */
static void put_calls(struct writer *w, const struct family *f, const void *row)
{
	const struct metrics_pe *r = row;

	for (uint32_t function = SDEI_FN_FIRST; r->has_calls && function <= SDEI_FN_LAST; function++) {
		const uint64_t *counts = r->calls[function - SDEI_FN_FIRST];

		if (!sdei_call_name(function) || !is_called(r, function))
			continue;
		for (unsigned int class = 0; class < MODEL_RESULT_CLASSES; class++)
			if (class != MODEL_RESULT_FORWARDED || counts[class])
				put_call(w, f, r, sdei_call_name(function), model_result_class_name(class), counts[class]);
	}
}

/* Only a client's calls say how long they took. */
static void put_call_times(struct writer *w, const struct family *f, const void *row)
{
	const struct metrics_pe *r = row;

	for (unsigned int i = 0; r->has_calls && i < SDEI_CALL_COUNT; i++)
		if (sdei_call_name(SDEI_FN_FIRST + i) && r->call_times[i].count)
			put_sum(w, f, r->labels, sdei_call_name(SDEI_FN_FIRST + i), r->call_times[i].sum, r->call_times[i].count);
}

/* Of each call those results that it had. */
static void put_psci(struct writer *w, const struct family *f, const void *row)
{
	const struct metrics_pe *r = row;

	for (unsigned int i = 0; r->has_psci && i < PSCI_CALL_COUNT * PSCI_CLASS_COUNT; i++) {
		unsigned int call = i / PSCI_CLASS_COUNT, class = i % PSCI_CLASS_COUNT;

		if (r->psci.count[call][class])
			put_call(w, f, r, psci_call_name(call), psci_class_name(class), r->psci.count[call][class]);
	}
}

static void put_off(struct writer *w, const struct family *f, const void *row)
{
	const struct metrics_pe *r = row;

	if (r->has_power)
		put_number(w, f, r->labels, NULL, r->off_vcpus);
}

/* --- of an event */

static void put_ends(struct writer *w, const struct family *f, const void *row)
{
	const struct metrics_event *r = row;

	put_number(w, f, r->labels, "completed", r->tally.count.completed);
	put_number(w, f, r->labels, "resumed", r->tally.count.resumed);
	put_number(w, f, r->labels, "cleared", r->tally.count.running_cleared);
}

static void put_drops(struct writer *w, const struct family *f, const void *row)
{
	static const char *const rejects[REJECT_COUNT] = {
		[REJECT_ENOENT] = "rejected_ENOENT", [REJECT_EPERM] = "rejected_EPERM", [REJECT_EBUSY] = "rejected_EBUSY",
		[REJECT_OTHER] = "rejected_other",
	};
	const struct metrics_event *r = row;

	put_number(w, f, r->labels, "coalesced", r->tally.count.coalesced);
	for (unsigned int i = 0; i < REJECT_COUNT; i++)
		put_number(w, f, r->labels, rejects[i], r->tally.rejected[i]);
	put_number(w, f, r->labels, "cancelled", r->tally.count.cancelled);
	put_number(w, f, r->labels, "cleared", r->tally.count.cleared);
}

static void put_blame(struct writer *w, const struct family *f, const void *row)
{
	const struct metrics_event *r = row;

	for (unsigned int part = 0; part < BLAME_COUNT; part++)
		put_seconds(w, f, r->labels, model_blame_name(part), r->tally.blame.ns[part]);
}

/* --- of asynchronous page faults */

static void put_apf_outcomes(struct writer *w, const struct family *f, const void *row)
{
	const struct metrics_apf *r = row;

#define X(name, help) put_number(w, f, r->labels, #name, r->tally.all.count.name);
	APF_OUTCOMES(X)
#undef X
}

static void put_apf_fallbacks(struct writer *w, const struct family *f, const void *row)
{
	const struct metrics_apf *r = row;

	for (unsigned int reason = 1; reason < APF_FALLBACKS; reason++)
		put_number(w, f, r->labels, record_name(LABELS_APF_FALLBACK, reason), r->tally.all.fallbacks[reason]);
}

/* "unknown": of recordings that do not say it, which sdeid does not read. */
static const char *cause_name(unsigned int cause)
{
	return cause ? record_name(LABELS_APF_CAUSE, cause) : "unknown";
}

static void put_apf_causes(struct writer *w, const struct family *f, const void *row)
{
	const struct metrics_apf *r = row;

	for (unsigned int cause = !r->tally.all.causes[0].count; cause < APF_CAUSES; cause++)
		put_number(w, f, r->labels, cause_name(cause), r->tally.all.causes[cause].count);
}

static void put_apf_cause_times(struct writer *w, const struct family *f, const void *row)
{
	const struct metrics_apf *r = row;

	for (unsigned int cause = !r->tally.all.causes[0].count; cause < APF_CAUSES; cause++)
		put_seconds(w, f, r->labels, cause_name(cause), r->tally.all.causes[cause].ns);
}

/* Which stages there are depends on the architecture, so those that were seen. */
static void put_apf_stages(struct writer *w, const struct family *f, const void *row)
{
	const struct metrics_apf *r = row;

	for (unsigned int stage = 0; stage < APF_STAGE_COUNT; stage++)
		if (r->stages[stage].count)
			put_hist(w, f, r->stage_labels[stage], &r->stages[stage]);
}

/* --- the table */

/* Names are ABI: dashboards and alerts match them. */
static const struct family families[] = {
	{ "kvm_sdei_up", "gauge", LEVEL_HOST, NULL, "1 if any tracepoint is attached.", put_up, ROW },
	{ "kvm_sdei_build_info", "gauge", LEVEL_HOST, "version", "The exporter's version; always 1.", put_build, ROW },
	{ "kvm_sdei_last_update_timestamp_seconds", "gauge", LEVEL_HOST, NULL,
	  "When these figures were taken: alert if it is old.", put_updated, ROW },
	{ "kvm_sdei_exporter_cpu_seconds_total", "counter", LEVEL_HOST, NULL, "CPU time that the exporter has used.", put_cpu, ROW },
	{ "kvm_sdei_probes_attached", "gauge", LEVEL_HOST, NULL, "Probes that are attached.", put_probes_attached, ROW },
	{ "kvm_sdei_probes", "gauge", LEVEL_HOST, NULL, "Probes that were asked for.", put_probes, ROW },
	{ "kvm_sdei_vms", "gauge", LEVEL_HOST, NULL, "VMs there are.", put_u64, AT(model_totals, vms) },
	{ "kvm_sdei_vcpus", "gauge", LEVEL_HOST, NULL, "vCPUs there are.", put_u64, AT(model_totals, vcpus) },
	{ "kvm_sdei_records_total", "counter", LEVEL_HOST, NULL, "Records taken from the kernel.", put_u64, AT(model_totals, records) },
	{ "kvm_sdei_lost_records_total", "counter", LEVEL_HOST, "kind",
	  "Records that found no room, by kind. Counts stay exact (but for unknown ones), distributions miss samples.", put_lost, ROW },
	{ "kvm_sdei_late_records_total", "counter", LEVEL_HOST, NULL,
	  "Records that came out of order: they only count.", put_u64, AT(model_totals, late) },
	{ "kvm_sdei_malformed_records_total", "counter", LEVEL_HOST, NULL, "Records of unknown kind or size, or of more events or vCPUs than can be.", put_malformed, ROW },
	{ "kvm_sdei_memory_failures_total", "counter", LEVEL_HOST, NULL, "Records dropped for want of memory.", put_u64, AT(model_totals, no_memory) },
	{ "kvm_sdei_misfits_total", "counter", LEVEL_HOST, NULL,
	  "Records that contradicted the state that the one before had left.", put_u64, AT(model_totals, misfits) },
	{ "kvm_sdei_findings_unkept_total", "counter", LEVEL_HOST, NULL, "Findings of which only the number is kept.", put_u64, AT(model_totals, findings_unkept) },
	{ "kvm_sdei_series_dropped", "gauge", LEVEL_HOST, NULL,
	  "Series left out of this file because there would be too many: those of the latest VMs.", put_dropped, ROW },
	{ "kvm_sdei_write_errors_total", "counter", LEVEL_HOST, NULL, "Times this file could not be written.", put_write_errors, ROW },
	{ "kvm_sdei_host_signals_total", "counter", LEVEL_HOST, "outcome",
	  "Signals on this host, VMs that are forgotten included.", put_outcomes, AT(model_totals, count) },
	{ "kvm_sdei_host_dispatched_total", "counter", LEVEL_HOST, NULL,
	  "Dispatches on this host, VMs that are forgotten included.", put_u64, AT(model_totals, count.dispatched) },
	{ "kvm_sdei_host_findings_total", "counter", LEVEL_HOST, "code",
	  "Findings raised on this host, VMs that are forgotten included.", put_findings, AT(model_totals, found) },

	{ "kvm_sdei_vm_info", "gauge", LEVEL_VM, "name,uuid,pid",
	  "What a VM is called, its UUID if that is known, and the process that made it; always 1.", put_info, ROW },
	{ "kvm_sdei_vm_gone", "gauge", LEVEL_VM, NULL, "1 if all vCPUs of the VM are gone: its series will end.", put_gone, ROW },
	{ "kvm_sdei_vm_restore_findings_total", "counter", LEVEL_VM, "code",
	  "Findings about how the VM's GIC and ITS were saved and restored (--gic), of those that were ever raised; alert on those of the host, which are there with 0.",
	  put_restore_findings, ROW },

	{ "kvm_sdei_vm_vcpus", "gauge", LEVEL_PE, NULL, "vCPUs that are not gone.", put_u64, AT(metrics_pe, vcpus) },
	{ "kvm_sdei_masked_vcpus", "gauge", LEVEL_PE, NULL, "vCPUs whose PE is masked now.", put_u64, AT(metrics_pe, masked_vcpus) },
	{ "kvm_sdei_masked_seconds_total", "counter", LEVEL_PE, NULL,
	  "Time that PEs were masked, what is open and the initial mask included.", put_ns, AT(metrics_pe, masked_ns) },
	{ "kvm_sdei_mask_seconds", "histogram", LEVEL_PE, NULL, "PE_MASK to PE_UNMASK; the initial mask is left out. Once there was one.", put_masks, ROW },
	{ "kvm_sdei_calls_total", "counter", LEVEL_PE, "function,result", "SDEI calls by function and result.", put_calls, ROW },
	{ "kvm_sdei_call_seconds", "summary", LEVEL_PE, "function",
	  "How long calls took, as their caller sees it: with --client only, of those that no handler interrupted. There are no quantiles.", put_call_times, ROW },
	{ "kvm_psci_calls_total", "counter", LEVEL_PE, "function,result",
	  "Calls of PSCI that turn vCPUs or the VM on and off, by function and result; once there was one.", put_psci, ROW },
	{ "kvm_psci_off_vcpus", "gauge", LEVEL_PE, NULL, "vCPUs that are off by PSCI: parked. Once that is known of any.", put_off, ROW },
	{ "kvm_sdei_findings_total", "counter", LEVEL_PE, "code", "Findings raised.", put_findings, AT(metrics_pe, found) },
	{ "kvm_sdei_findings_open", "gauge", LEVEL_PE, "code", "Findings that hold now, of those that were ever raised.", put_open, ROW },
	{ "kvm_sdei_vm_lost_records_total", "counter", LEVEL_PE, NULL, "Records about it that found no room.", put_u64, AT(metrics_pe, lost) },

	{ "kvm_sdei_signals_total", "counter", LEVEL_EVENT, "outcome", "Signals, by what became of them at once.", put_outcomes, AT(metrics_event, tally.count) },
	{ "kvm_sdei_dispatched_total", "counter", LEVEL_EVENT, NULL, "Times the handler was entered.", put_u64, AT(metrics_event, tally.count.dispatched) },
	{ "kvm_sdei_completed_total", "counter", LEVEL_EVENT, "outcome",
	  "Handlers that ended: by COMPLETE, by COMPLETE_AND_RESUME, or cut off by a reset or the end of the vCPU.", put_ends, ROW },
	{ "kvm_sdei_dropped_total", "counter", LEVEL_EVENT, "reason",
	  "Signals that did not become a dispatch of their own; rejected_ERRNO is what the signaller got.", put_drops, ROW },
	{ "kvm_sdei_pending", "gauge", LEVEL_EVENT, NULL, "vCPUs on which the event is pending.", put_u64, AT(metrics_event, tally.pending) },
	{ "kvm_sdei_running", "gauge", LEVEL_EVENT, NULL, "vCPUs on which its handler runs.", put_u64, AT(metrics_event, tally.running) },
	{ "kvm_sdei_unaccounted", "gauge", LEVEL_EVENT, NULL,
	  "Signals, or else handlers, that do not add up: 0 without loss.", put_u64, AT(metrics_event, tally.unaccounted) },
	{ "kvm_sdei_dispatch_latency_seconds", "histogram", LEVEL_EVENT, NULL,
	  "First queued signal of an episode to its dispatch.", put_hist_at, AT(metrics_event, hists[METRICS_DISPATCH]) },
	{ "kvm_sdei_handler_seconds", "histogram", LEVEL_EVENT, NULL, "Dispatch to complete.", put_hist_at, AT(metrics_event, hists[METRICS_HANDLER]) },
	{ "kvm_sdei_total_latency_seconds", "histogram", LEVEL_EVENT, NULL, "First queued signal to complete.", put_hist_at, AT(metrics_event, hists[METRICS_TOTAL]) },
	{ "kvm_sdei_blame_seconds_total", "counter", LEVEL_EVENT, "part",
	  "Where the time to dispatch went; the parts sum to the dispatch latency.", put_blame, ROW },
	{ "kvm_sdei_worst_latency_seconds", "gauge", LEVEL_EVENT, NULL, "The worst dispatch latency so far.", put_worst, AT(metrics_event, worst) },
	{ "kvm_sdei_worst_latency_timestamp_seconds", "gauge", LEVEL_EVENT, NULL, "When that was.", put_worst_time, AT(metrics_event, worst) },

	{ "kvm_apf_faults_total", "counter", LEVEL_APF, NULL, "Faults that were handed to a worker, or to user space.", put_u64, AT(metrics_apf, tally.all.count.setup) },
	{ "kvm_apf_user_faults_total", "counter", LEVEL_APF, NULL, "Of these, those whose page user space brings.", put_u64, AT(metrics_apf, tally.all.count.user) },
	{ "kvm_apf_outcomes_total", "counter", LEVEL_APF, "outcome",
	  "How they ended: async, halted, untold, cancelled, wasted or cleared; sdeitop(1) says what each is.", put_apf_outcomes, ROW },
	{ "kvm_apf_fallbacks_total", "counter", LEVEL_APF, "reason",
	  "Faults that were not handed over, by reason.", put_apf_fallbacks, ROW },
	{ "kvm_apf_sync_faults_total", "counter", LEVEL_APF, "cause",
	  "Faults that kept the vCPU in the host, the quick ones apart, by where their page came from; sdeitop(1) says what each is.",
	  put_apf_causes, ROW },
	{ "kvm_apf_sync_seconds_total", "counter", LEVEL_APF, "cause", "How long these kept it.", put_apf_cause_times, ROW },
	{ "kvm_apf_quick_faults_total", "counter", LEVEL_APF, NULL, "Faults that were too short to be recorded one by one.", put_u64, AT(metrics_apf, tally.all.count.quick) },
	{ "kvm_apf_quick_seconds_total", "counter", LEVEL_APF, NULL, "How long these kept the vCPU in the host.", put_ns, AT(metrics_apf, tally.all.quick_ns) },
	{ "kvm_apf_frames_total", "counter", LEVEL_APF, NULL,
	  "Different guest frames that had a fault which was recorded by itself: the memory that the guest has had to wait for, in pages of 4 KiB.", put_u64,
	  AT(metrics_apf, tally.all.count.frames) },
	{ "kvm_apf_again_faults_total", "counter", LEVEL_APF, NULL, "Faults of a frame that had one before, whose page had to be brought again.", put_u64, AT(metrics_apf, tally.all.count.again) },
	{ "kvm_apf_sequential_faults_total", "counter", LEVEL_APF, NULL,
	  "Of both, those that came at most 16 frames after the one before of the same vCPU.", put_u64, AT(metrics_apf, tally.all.count.sequential) },
	{ "kvm_apf_unfollowed_faults_total", "counter", LEVEL_APF, NULL, "Faults of frames beyond those that are kept, 1 TiB of a VM.", put_u64, AT(metrics_apf, tally.all.count.unfollowed) },
	{ "kvm_apf_acked_total", "counter", LEVEL_APF, NULL, "Page-ready notices that the guest acknowledged.", put_u64, AT(metrics_apf, tally.all.count.acked) },
	{ "kvm_apf_wake_all_total", "counter", LEVEL_APF, NULL, "Times that all who wait were woken.", put_u64, AT(metrics_apf, tally.all.count.wake_all) },
	{ "kvm_apf_in_flight", "gauge", LEVEL_APF, NULL, "Faults whose page is not there yet, or not told.", put_u64, AT(metrics_apf, tally.all.in_flight) },
	{ "kvm_apf_oldest_seconds", "gauge", LEVEL_APF, NULL, "How long the oldest of them is in flight, or one has kept its vCPU in the host that is not over; 0 if none is there.", put_age, AT(metrics_apf, tally.all.oldest_ns) },
	{ "kvm_apf_unaccounted", "gauge", LEVEL_APF, NULL, "Faults that do not add up: 0 without loss.", put_u64, AT(metrics_apf, tally.unaccounted) },
	{ "kvm_apf_lost_records_total", "counter", LEVEL_APF, NULL, "Records about them that found no room.", put_u64, AT(metrics_apf, tally.all.lost) },
	{ "kvm_apf_stage_seconds", "histogram", LEVEL_APF, "stage",
	  "How long those stages took that were seen; sdeitop(1) says what each is.", put_apf_stages, ROW },
	{ "kvm_apf_saved_seconds_total", "counter", LEVEL_APF, NULL,
	  "Time that pages were on their way while their vCPUs could do something else.", put_ns, AT(metrics_apf, tally.saved_ns) },
	{ "kvm_apf_blocked_seconds_total", "counter", LEVEL_APF, NULL,
	  "Time that vCPUs stood still for a page all the same.", put_ns, AT(metrics_apf, tally.blocked_ns) },
	{ "kvm_apf_worst_seconds", "gauge", LEVEL_APF, NULL, "The slowest fault so far, in total.", put_worst, AT(metrics_apf, worst) },
	{ "kvm_apf_worst_timestamp_seconds", "gauge", LEVEL_APF, NULL, "When its page was told to be there.", put_worst_time, AT(metrics_apf, worst) },
};
#define FAMILY_COUNT (sizeof(families) / sizeof(families[0]))

/* --- all rows */

static void put_rows(struct writer *w, const struct family *f, const struct metrics_rows *rows, const struct metrics_mark *from)
{
	switch (f->level) {
	case LEVEL_HOST:
		f->put(w, f, model_totals(w->model));
		break;
	case LEVEL_VM:
		for (size_t i = from->vms; i < rows->vm_count; i++)
			f->put(w, f, &rows->vms[i]);
		break;
	case LEVEL_PE:
		for (size_t i = from->pes; i < rows->pe_count; i++)
			f->put(w, f, &rows->pes[i]);
		break;
	case LEVEL_APF:
		for (size_t i = from->apfs; i < rows->apf_count; i++)
			f->put(w, f, &rows->apfs[i]);
		break;
	default:
		for (size_t i = from->events; i < rows->event_count; i++)
			f->put(w, f, &rows->events[i]);
	}
}

/* How many series the rows since from make. */
static size_t count_series(const struct writer *w, const struct metrics_rows *rows, const struct metrics_mark *from)
{
	struct writer counter = { .counting = true, .buckets = w->buckets, .host = w->host, .labels = rows->labels.bytes };

	for (size_t i = 0; i < FAMILY_COUNT; i++)
		if (families[i].level != LEVEL_HOST)
			put_rows(&counter, &families[i], rows, from);
	return counter.series;
}

/* VMs in order of first sight, until there are too many series. */
static int collect(struct metrics *x, struct writer *w, const struct model *m)
{
	size_t count, series = 0;
	struct model_vm *const *vms = model_vms(m, &count);

	if (metrics_vms_update(&x->vms, vms, count))
		return -ENOMEM;
	metrics_rows_clear(&x->rows);
	x->dropped = 0;
	for (size_t i = 0; i < count; i++) {
		struct metrics_mark mark = metrics_rows_mark(&x->rows);
		size_t more;

		if (x->vms.named[i].left_out)
			continue;
		if (metrics_rows_add(&x->rows, vms[i], &x->vms, i, x->options.vcpu))
			return -ENOMEM;
		more = count_series(w, &x->rows, &mark);
		if (x->dropped || series + more > x->options.max_series) {
			x->dropped += more;
			metrics_rows_take_back(&x->rows, &mark);
		} else {
			series += more;
		}
	}
	return 0;
}

static void put_family(struct writer *w, const struct family *f, const struct metrics_rows *rows)
{
	const struct metrics_mark all = { 0 };

	if (f->level == LEVEL_APF && !rows->apf_count)
		return;
	find_name(w, f);
	buf_puts(w->text, "# HELP ");
	put_name(w->text, w);
	buf_puts(w->text, " ");
	buf_puts(w->text, f->help);
	buf_puts(w->text, "\n# TYPE ");
	put_name(w->text, w);
	buf_puts(w->text, " ");
	buf_puts(w->text, f->type);
	buf_puts(w->text, "\n");
	put_rows(w, f, rows, &all);
}

int metrics_render(struct metrics *x, const struct model *m, const struct metrics_host *host, const char **text, size_t *size)
{
	struct writer w = {
		.text = &x->text, .name = &x->name, .start = &x->start, .buckets = x->options.buckets, .model = m, .host = host,
		.of_client = model_vm(m, SDEI_THIS_MACHINE) != NULL,
	};
	int err = collect(x, &w, m);

	if (err)
		return err;
	x->text.size = 0;
	x->text.failed = x->name.failed = x->start.failed = false;
	w.labels = x->rows.labels.bytes;
	w.dropped = x->dropped;
	for (size_t i = 0; i < FAMILY_COUNT; i++)
		put_family(&w, &families[i], &x->rows);
	x->series = w.series;
	*text = x->text.bytes;
	*size = x->text.size;
	return x->text.failed || x->name.failed || x->start.failed ? -ENOMEM : 0;
}

size_t metrics_series(const struct metrics *x)
{
	return x->series;
}

size_t metrics_series_dropped(const struct metrics *x)
{
	return x->dropped;
}

struct metrics *metrics_new(const struct metrics_options *options)
{
	struct metrics *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->options = *options;
	if (!x->options.max_series)
		x->options.max_series = METRICS_SERIES;
	return x;
}

void metrics_free(struct metrics *x)
{
	if (!x)
		return;
	metrics_rows_free(&x->rows);
	metrics_vms_free(&x->vms);
	free(x->text.bytes);
	free(x->name.bytes);
	free(x->start.bytes);
	free(x);
}

/* --- how many there are */

/* Of one row. */
static size_t cost(enum metrics_buckets buckets, enum level level, const void *row)
{
	static const struct status status = { .now_ns = NS_PER_SEC, .wall_ns = NS_PER_SEC };
	static const struct metrics_host host = { .status = &status };
	struct writer counter = { .counting = true, .buckets = buckets, .host = &host };

	for (size_t i = 0; i < FAMILY_COUNT; i++)
		if (families[i].level == level)
			families[i].put(&counter, &families[i], row);
	return counter.series;
}

void metrics_costs(enum metrics_buckets buckets, struct metrics_costs *costs)
{
	static const struct model_totals totals;
	static const struct model_vm vm;
	static const struct metrics_vm named = { .vm = &vm };
	static const struct metrics_pe nothing, called = { .has_calls = true, .calls[0][0] = 1 }, found = { .found[0] = 1 }, masked = { .mask.count = 1 };
	static const struct metrics_event event = { .worst.time_ns = 1 };
	static const struct metrics_apf faults = { .worst.time_ns = 1 }, stage = { .worst.time_ns = 1, .stages[0].count = 1 };

	costs->host = cost(buckets, LEVEL_HOST, &totals);
	costs->vm = cost(buckets, LEVEL_VM, &named);
	costs->pe = cost(buckets, LEVEL_PE, &nothing);
	costs->call = cost(buckets, LEVEL_PE, &called) - costs->pe;
	costs->finding = cost(buckets, LEVEL_PE, &found) - costs->pe;
	costs->mask = cost(buckets, LEVEL_PE, &masked) - costs->pe;
	costs->event = cost(buckets, LEVEL_EVENT, &event);
	costs->faults = cost(buckets, LEVEL_APF, &faults);
	costs->stage = cost(buckets, LEVEL_APF, &stage) - costs->faults;
}

/* --- the manual page */

static void document_level(FILE *out, enum level level, const char *title, const char *labels)
{
	fprintf(out, ".SH %s\n", title);
	for (size_t i = 0; i < FAMILY_COUNT; i++) {
		const struct family *f = &families[i];
		const char *comma = *labels && f->key ? "," : "";

		if (f->level != level)
			continue;
		fprintf(out, ".TP\n.BR %s", f->name);
		if (*labels || f->key)
			fprintf(out, " {%s%s%s}", labels, comma, f->key ? f->key : "");
		fprintf(out, "\n%s. %s\n", f->type, f->help);
	}
}

static void document_cost(FILE *out, size_t coarse, size_t fine, const char *what)
{
	fprintf(out, ".TP\n");
	if (coarse == fine)
		fprintf(out, ".B %zu\n", coarse);
	else
		fprintf(out, ".BR %zu \", fine \" %zu\n", coarse, fine);
	fprintf(out, "%s\n", what);
}

/* Those of so many VMs with three events each. */
static size_t cost_of_fleet(const struct metrics_costs *c, size_t vms)
{
	return c->host + vms * (c->vm + c->pe + 5 * c->call + c->mask + 3 * c->event);
}

static void document_costs(FILE *out)
{
	struct metrics_costs coarse, fine;

	metrics_costs(METRICS_COARSE, &coarse);
	metrics_costs(METRICS_FINE, &fine);
	fprintf(out, ".SH SERIES\nHow many there are with\n.BR \\-\\-buckets\\~coarse ,\nthe default, and with\n.BR fine :\n");
	document_cost(out, coarse.host, fine.host, "for the host (one more once it had asynchronous page faults),");
	document_cost(out, coarse.vm, fine.vm, "for each VM,");
	document_cost(out, coarse.pe, fine.pe, "and for each VM, or with \\-\\-labels vcpu each vCPU, as all that follows:");
	document_cost(out, coarse.call, fine.call, "for each SDEI function that it calls (with \\-\\-client 2 more, once it is known how long a call took),");
	document_cost(out, coarse.finding, fine.finding, "for each code of a finding that it had,");
	document_cost(out, coarse.mask, fine.mask, "once it had a mask,");
	document_cost(out, coarse.event, fine.event, "for each event in use,");
	document_cost(out, coarse.faults, fine.faults, "once it had an asynchronous page fault,");
	document_cost(out, coarse.stage, fine.stage, "and for each stage of these that was seen.");
	fprintf(out, ".PP\nSo 100 VMs that have masks, call five functions and use three events each make\n"
		"%zu + 100 \\(mu (%zu + %zu + 5 \\(mu %zu + %zu + 3 \\(mu %zu) = %zu series, with fine buckets %zu.\n"
		".B \\-\\-max\\-series\nleaves out those of the VMs that came last.\n",
		coarse.host, coarse.vm, coarse.pe, coarse.call, coarse.mask, coarse.event, cost_of_fleet(&coarse, 100),
		cost_of_fleet(&fine, 100));
}

static void document_bounds(FILE *out)
{
	fprintf(out, ".SH HISTOGRAMS\nBounds are inclusive: powers of two of nanoseconds, less one, in seconds; each is an\n"
		"edge of the buckets that samples are kept in, so the counts are exact, and the sums are to the nanosecond.\n"
		"With\n.B \\-\\-buckets fine\nthe bounds are\n");
	for (size_t i = 0; i < BOUND_COUNT; i++)
		fprintf(out, "%s%s,\n", bounds[i].coarse ? ".B " : "", bounds[i].le);
	fprintf(out, "+Inf; coarse buckets have those in bold, and +Inf.\n"
		".PP\nA quantile that histogram_quantile() makes of coarse buckets may be wrong by a factor of nearly 4, of fine ones by\n"
		"nearly 2; below the first bound and above the last one nothing more is known than that. How many samples are\n"
		"above a bound is exact: so is an alert whose threshold is a bound, as those of sdeid(8) are.\n"
		"The model's own quantiles, as sdeitop shows them, are within 1/32.\n");
}

void metrics_document(FILE *out)
{
	fprintf(out, ".\\\" From the table in src/view/metrics/metrics.c, which tests/unit/view/metrics/test_metrics.c compares (UPDATE_GOLDEN=1).\n"
		".TH SDEID-METRICS 7 " SDEITOP_DATE " \"sdeitop " SDEITOP_VERSION "\"\n.SH NAME\nsdeid-metrics \\- what sdeid writes for Prometheus\n"
		".SH DESCRIPTION\nText format 0.0.4, without timestamps. Counters never go back while sdeid and the VM run.\n"
		"What is known to be possible is there with 0 from the start.\n.PP\nThe label\n.B vm\nis NAME:UUID,\n"
		"with the first eight digits of the UUID that the VM's command line has, or only NAME where it has none. So a VM has the same label after it\n"
		"was started again (its counters begin at 0 then), after sdeid was, and on another host. Of VMs that run at the same\n"
		"time and have the same label otherwise, the second is NAME#2, the third NAME#3, the lowest number that is free, as long\n"
		"as it runs: which of them is which may change when sdeid is started again, so give them names or UUIDs.\n"
		"A VM that is gone has no series any more once another one has its label.\n"
		".B kvm_sdei_vm_info\nhas the whole UUID and the process id:\n.PP\n.EX\n"
		"    kvm_sdei_pending * on (instance, vm) group_left (uuid, pid) kvm_sdei_vm_info\n.EE\n.PP\nIn names, controls and what is not UTF-8 are\nreplaced by "
		"U+FFFD, and at most %d bytes are kept.\n"
		"With\n.B \\-\\-labels vcpu\nfamilies of VMs (but for vm_info and vm_gone), of events and of page faults have the label\n.B vcpu\ntoo.\n"
		"Families of asynchronous page faults are there once one was seen.\n"
		".PP\nWith\n.B \\-\\-client\nsdeid shows the SDEI that this machine itself uses, and no VMs. Then what begins with\n.B kvm_sdei_\nbelow, of the "
		"machine and its events, begins with\n.B sdei_client_\ninstead, and so do the families\n.BR kvm_sdei_host_ :\n.B sdei_client_dispatch_latency_seconds\n"
		"is how long an NMI takes from one CPU to the other. The label\n.B vm\nis what the machine is called (\\(lqthis host, firmware\\(rq or "
		"\\(lqthis guest, KVM\\(rq),\n.B vcpu\na CPU.\n.PP\n"
		"The series of a VM that is gone stay for a while and then end.\n",
		METRICS_NAME_MAX);
	document_level(out, LEVEL_HOST, "OF THE HOST", "");
	document_level(out, LEVEL_VM, "OF EACH VM", "vm");
	document_level(out, LEVEL_PE, "OF EACH VM, OR VCPU", "vm");
	document_level(out, LEVEL_EVENT, "OF EACH EVENT IN USE", "vm,event");
	document_level(out, LEVEL_APF, "OF ASYNCHRONOUS PAGE FAULTS", "vm");
	document_costs(out);
	document_bounds(out);
	fprintf(out, ".SH SEE ALSO\n.BR sdeid (8)\n");
}
