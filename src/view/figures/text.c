/* SPDX-License-Identifier: GPL-2.0-only */
#include "view/figures/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "util/text.h"
#include "view/figures/format.h"
#include "view/figures/migration.h"
#include "session/vm_names.h"
#include "view/figures/page_apf.h"
#include "view/figures/page_calls.h"
#include "view/figures/why.h"
#include "model/worst.h"

#define WORST_MAX 10
#define PAGE_WIDTH 100

/* Text is padded by its columns, as bytes and characters differ; nothing trails the last column. */
static void put_padded(FILE *out, const char *text, const struct column *column, bool last)
{
	unsigned int used;
	size_t bytes = column->unit == UNIT_TEXT ? text_cut(text, column->wide, &used) : strlen(text);
	int pad;

	if (column->unit != UNIT_TEXT)
		used = bytes;
	pad = used < column->wide ? column->wide - used : 0;
	if (column->left)
		fprintf(out, "%.*s%*s", (int)bytes, text, last ? 0 : pad, "");
	else
		fprintf(out, "%*s%s", pad, "", text);
	putc(last ? '\n' : ' ', out);
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

struct shown {
	const struct column *column[32];
	size_t count;
};

static bool is_among(const char *id, const char *const ids[])
{
	while (*ids && strcmp(*ids, id) != 0)
		ids++;
	return *ids;
}

/* ids NULL: all that are not for where there is room only. */
static void choose_columns(struct shown *shown, const struct table *t, const char *const ids[])
{
	shown->count = 0;
	for (size_t i = 0; i < column_count; i++)
		if ((ids ? is_among(columns[i].id, ids) : !columns[i].extra) && (!columns[i].rare || table_has(t, &columns[i])))
			shown->column[shown->count++] = &columns[i];
}

static void put_rows(FILE *out, const struct table *t, const char *const ids[], size_t most)
{
	size_t rows = table_count(t) < most ? table_count(t) : most;
	struct shown shown;

	choose_columns(&shown, t, ids);
	for (size_t i = 0; i < shown.count; i++)
		put_padded(out, column_title(shown.column[i], table_scope(t)), shown.column[i], i + 1 == shown.count);
	for (size_t row = 0; row < rows; row++) {
		for (size_t i = 0; i < shown.count; i++) {
			const struct column *column = shown.column[i];
			struct cell cell = table_cell(t, row, column);
			char buf[FORMAT_SIZE];

			put_padded(out, column_format(column, &cell, table_scope(t), column->wide, buf, sizeof(buf)), column,
				   i + 1 == shown.count);
		}
	}
	if (table_count(t) > rows)
		fprintf(out, "and %zu row%s more\n", table_count(t) - rows, plural(table_count(t) - rows));
}

static void put_observed(FILE *out, size_t vms, size_t vcpus)
{
	fprintf(out, "  %zu VM%s, %zu vCPU%s", vms, plural(vms), vcpus, plural(vcpus));
}

static void put_status(FILE *out, const struct model *m, const struct status *status)
{
	const struct model_totals *totals = model_totals(m);
	struct finding_counts counts = why_count(m);
	char findings[WHY_SIZE];

	fprintf(out, "  LOST %" PRIu64 "  probes %u/%u", totals->lost, status->probes_attached, status->probes_total);
	if (counts.all)
		fprintf(out, "  %s", why_counts(findings, sizeof(findings), &counts));
	if (status->cpu_percent >= 0)
		fprintf(out, "  CPU %.1f %%", status->cpu_percent);
	putc('\n', out);
}

static void put_interval_head(FILE *out, const struct model *m, const struct status *status)
{
	const struct model_totals *totals = model_totals(m);
	size_t gone = totals->vms ? 0 : model_gone_vms(m, status->now_ns - totals->interval_ns);
	char wall[FORMAT_SIZE];

	fprintf(out, "%s %s", format_time(wall, sizeof(wall), status, status->now_ns, 3), status->host);
	if (totals->interval_ns)
		fprintf(out, "  %.1f events/s", model_per_second(totals->interval_records, totals->interval_ns));
	/* The rows below may be of those. */
	if (gone)
		fprintf(out, "  %zu VM%s gone", gone, plural(gone));
	else
		put_observed(out, totals->vms, totals->vcpus);
	put_status(out, m, status);
}

void text_stretch(FILE *out, const struct status *status, uint64_t length_ns)
{
	char wall[FORMAT_SIZE];

	fprintf(out, "%s %s  nothing was recorded for %.1f s\n\n", format_time(wall, sizeof(wall), status, status->now_ns, 3), status->host,
		length_ns / 1e9);
}

/* Of all that were seen, as the table is. */
static void put_summary_head(FILE *out, const struct model *m, const struct status *status)
{
	const struct model_totals *totals = model_totals(m);
	size_t vms, vcpus = 0;
	struct model_vm *const *vm = model_vms(m, &vms);

	for (size_t i = 0; i < vms; i++)
		vcpus += vm[i]->vcpu_count;
	fprintf(out, "summary of %.1f s on %s  %" PRIu64 " events", (status->now_ns - totals->start_ns) / 1e9, status->host,
		totals->records);
	put_observed(out, vms, vcpus);
	put_status(out, m, status);
}

static void put_doubt(FILE *out, uint64_t count, const char *one, const char *more)
{
	if (count)
		fprintf(out, "%" PRIu64 " %s\n", count, count == 1 ? one : more);
}

void text_quality(FILE *out, const struct model *m, const struct status *status)
{
	const struct model_totals *totals = model_totals(m);

	if (totals->lost)
		fprintf(out, "LOST %" PRIu64 " record%s: counts are exact, times miss samples in the rows marked ~\n", totals->lost,
			plural(totals->lost));
	put_doubt(out, totals->late, "record came late", "records came late");
	put_doubt(out, totals->misfits, "record did not fit the state before it", "records did not fit the state before them");
	put_doubt(out, totals->unknown + status->counters.malformed, "record was malformed", "records were malformed");
	put_doubt(out, totals->crowded, "record was left out: its vCPU or VM has more events or vCPUs than can be",
		  "records were left out: their vCPU or VM has more events or vCPUs than can be");
	put_doubt(out, totals->no_memory, "record found no memory", "records found no memory");
}

static void put_finding(FILE *out, const struct model *m, const struct status *status, const struct model_finding *f)
{
	const struct model_vm *vm = why_vm(m, f);
	char where[WHY_SIZE], what[FINDING_TEXT_SIZE], wall[FORMAT_SIZE];

	finding_describe(f, what, sizeof(what));
	fprintf(out, "%-7s %-18s %s: %s; first %s%s\n", severity_name(finding_severity(f->code)),
		finding_code_name(f->code), why_where(where, sizeof(where), f, vm ? name_of(vm)->shown : "-"), what,
		format_time(wall, sizeof(wall), status, f->first_ns, 3), f->open ? ", still so" : "");
}

static void put_findings(FILE *out, const struct model *m, const struct status *status)
{
	size_t count;
	const struct model_finding *findings = model_findings(m, &count);

	if (count)
		fprintf(out, "\n%zu finding%s\n", count, plural(count));
	for (size_t i = 0; i < count; i++)
		put_finding(out, m, status, &findings[i]);
}

/* The worst ones, the worst first. */
struct worst_list {
	struct model_worst worst[WORST_MAX];
	size_t count;
};

static void insert(struct worst_list *list, const struct model_worst *worst)
{
	size_t at = list->count;

	while (at > 0 && list->worst[at - 1].ns < worst->ns)
		at--;
	if (at == WORST_MAX)
		return;
	list->count += list->count < WORST_MAX;
	memmove(&list->worst[at + 1], &list->worst[at], (list->count - at - 1) * sizeof(list->worst[0]));
	list->worst[at] = *worst;
}

/* Its worst dispatch, and what is open and worse. */
static void consider(struct worst_list *list, const struct model_event *e, uint64_t now_ns)
{
	size_t count;
	const struct model_late *late = model_event_late(e, &count);
	struct model_worst worst;

	if (count)
		insert(list, &(struct model_worst){ WORST_dispatch, late->latency_ns, late->dispatch_ns, e->vcpu, e, *late });
	model_event_worst(&worst, e, now_ns, false);
	if (worst_letter(worst.kind))
		insert(list, &worst);
}

static void find_worst(struct worst_list *list, const struct model *m, uint64_t now_ns)
{
	size_t vms;
	struct model_vm *const *vm = model_vms(m, &vms);

	for (size_t i = 0; i < vms; i++)
		for (size_t j = 0; j < vm[i]->vcpu_count; j++)
			for (size_t k = 0; k < vm[i]->vcpus[j]->event_count; k++)
				consider(list, vm[i]->vcpus[j]->events[k], now_ns);
}

/* "41ms at 12:00:05Z" for what has ended, "41ms so far pending" for what has not. */
static void put_when(FILE *out, const struct status *status, const struct model_worst *worst)
{
	char age[FORMAT_SIZE], wall[FORMAT_SIZE];

	fprintf(out, "%6s ", format_age(age, sizeof(age), worst->ns));
	if (worst_letter(worst->kind))
		fprintf(out, "so far %s", worst_kind_name(worst->kind));
	else
		fprintf(out, "at %s", format_time(wall, sizeof(wall), status, worst->at_ns, 3));
}

static void put_worst(FILE *out, const struct model *m, const struct status *status)
{
	struct worst_list list = { .count = 0 };

	find_worst(&list, m, status->now_ns);
	if (list.count)
		fputs("\nworst dispatch of each event, and what is open and worse\n", out);
	for (size_t i = 0; i < list.count; i++) {
		const struct model_event *e = list.worst[i].event;
		char why[WHY_SIZE];

		put_when(out, status, &list.worst[i]);
		fprintf(out, "  VM %u %s vCPU %u event %u", e->vcpu->vm->pid, name_of(e->vcpu->vm)->shown, e->vcpu->id, e->event);
		why_late(why, sizeof(why), &list.worst[i].wait);
		fprintf(out, "%s%s\n", *why ? ": " : "", why);
	}
}

/* All calls of the host, and who was refused what. */
static void put_calls(FILE *out, const struct model *m)
{
	struct calls all = { 0 };
	struct page page = { 0 };
	size_t vms;
	struct model_vm *const *vm = model_vms(m, &vms);

	for (size_t i = 0; i < vms; i++)
		calls_add_vm(&all, vm[i]);
	page_calls(&page, &all, false);
	for (size_t i = 0; i < vms; i++) {
		struct calls own = { 0 };

		calls_add_vm(&own, vm[i]);
		if (calls_refused(&own)) {
			page_line(&page);
			page_line(&page);
			page_put(&page, LOOK_PLAIN, "refused to VM %u %s", vm[i]->pid, name_of(vm[i])->shown);
			page_calls(&page, &own, true);
		}
		calls_release(&own);
	}
	calls_release(&all);
	if (page.count > 1) {
		putc('\n', out);
		page_print(&page, out);
	}
	page_clear(&page);
}

static void put_page(FILE *out, struct page *page)
{
	page_print(page, out);
	page_clear(page);
}

static void put_apf_interval(FILE *out, const struct model *m, const struct status *status, const struct view_scope *scope)
{
	struct page page = { 0 };

	page_apf_interval(&page, m, &(struct page_scope){ .status = status, .interval_ns = scope->interval_ns });
	put_page(out, &page);
}

static void put_apf(FILE *out, const struct model *m, const struct status *status)
{
	const struct page_scope scope = { .status = status, .width = PAGE_WIDTH };
	size_t vms;
	struct model_vm *const *vm = model_vms(m, &vms);

	for (size_t i = 0; i < vms; i++) {
		struct page page = { 0 };

		if (!model_vm_has_apf(vm[i]))
			continue;
		fprintf(out, "\npage faults of VM %u %s\n", vm[i]->pid, name_of(vm[i])->shown);
		page_apf(&page, vm[i], NULL, &scope);
		put_page(out, &page);
	}
}

/* On a host whose guests have no SDEI, only page faults, a table about SDEI would have nothing in it. */
static bool has_only_apf(const struct model *m)
{
	size_t vms;
	struct model_vm *const *vm = model_vms(m, &vms);

	for (size_t i = 0; i < vms; i++)
		for (size_t j = 0; j < vm[i]->vcpu_count; j++)
			if (vm[i]->vcpus[j]->event_count || vm[i]->vcpus[j]->calls || model_vcpu_has_mask(vm[i]->vcpus[j]))
				return false;
	return model_has_apf(m);
}

static void put_apf_total(FILE *out, const struct model *m, const struct status *status)
{
	struct page page = { 0 };

	page_apf_total(&page, m, &(struct page_scope){ .status = status });
	put_page(out, &page);
}

static int put_table(FILE *out, const struct model *m, const struct view_scope *scope, const struct table_options *options,
		     const char *const ids[], size_t most)
{
	struct table *t;
	int err;

	if (has_only_apf(m))
		return 0;
	t = table_new();
	err = t ? table_build(t, m, scope, options) : -ENOMEM;

	if (!err)
		put_rows(out, t, ids, most);
	table_free(t);
	return err;
}

int text_interval(FILE *out, const struct model *m, const struct status *status, const struct table_options *options)
{
	struct view_scope scope = { .now_ns = status->now_ns, .interval_ns = model_totals(m)->interval_ns };
	struct table_options own = *options;
	int err;

	own.gone_since_ns = status->now_ns - scope.interval_ns;
	put_interval_head(out, m, status);
	err = put_table(out, m, &scope, &own, NULL, SIZE_MAX);
	put_apf_interval(out, m, status, &scope);
	putc('\n', out);
	return err;
}

int text_summary(FILE *out, const struct model *m, const struct status *status, const struct table_options *options)
{
	struct view_scope scope = { .now_ns = status->now_ns, .total = true };
	struct table_options own = *options;
	int err;

	own.gone = true;
	put_summary_head(out, m, status);
	err = put_table(out, m, &scope, &own, NULL, SIZE_MAX);
	if (has_only_apf(m))
		put_apf_total(out, m, status);
	text_quality(out, m, status);
	migration_text(out, m, status);
	put_worst(out, m, status);
	put_apf(out, m, status);
	put_calls(out, m);
	put_findings(out, m, status);
	return err;
}

int text_table(FILE *out, const struct model *m, const struct status *status, const struct table_options *options,
	       const char *const ids[], size_t most)
{
	struct view_scope scope = { .now_ns = status->now_ns, .total = true };
	int err = put_table(out, m, &scope, options, ids, most);

	if (model_has_apf(m))
		put_apf_total(out, m, status);
	return err;
}

void text_column_help(FILE *out)
{
	for (size_t i = 0; i < column_count; i++) {
		fprintf(out, "  %-12s %-7s %s", columns[i].id, columns[i].title, columns[i].help);
		if (columns[i].key)
			fprintf(out, " (key %c)", columns[i].key);
		fputc('\n', out);
	}
}

void text_filter_help(FILE *out)
{
	for (size_t i = 0; i < filter_example_count; i++)
		fprintf(out, "  %-18s %s\n", filter_examples[i].text, filter_examples[i].meaning);
}
