/* SPDX-License-Identifier: GPL-2.0-only */
/* The whole report on paper: what was recorded, the summary, then each event and what was around the worst. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "util/text.h"
#include "record/text.h"
#include "view/figures/format.h"
#include "session/vm_names.h"
#include "view/figures/page_event.h"
#include "view/figures/page_senders.h"
#include "record/names.h"
#include "view/report/report_text_inside.h"
#include "model/senders.h"
#include "model/sum.h"
#include "view/figures/text.h"
#include "view/figures/why.h"

#define WIDTH 100
#define HISTOGRAM_ROWS 24
#define SINCE_WIDTH 6

/* Texts of a recording are as hostile as any. */
static void put_text(FILE *out, const char *label, const char *text, bool utf8)
{
	char *shown = *text ? escape_terminal(text, utf8) : NULL;

	if (shown)
		fprintf(out, "%s%s", label, shown);
	free(shown);
}

static void put_times(FILE *out, const struct report *r, const char *label, uint64_t begin_ns, uint64_t end_ns)
{
	char text[FORMAT_SIZE];

	fprintf(out, "%sfrom %s, %" PRIu64 ".%03" PRIu64 " s", label, format_time(text, sizeof(text), r->status, begin_ns, 3),
		(end_ns - begin_ns) / 1000000000, (end_ns - begin_ns) / 1000000 % 1000);
}

void report_text_head(FILE *out, const struct report *r)
{
	const struct recording_about *about = r->about;

	fputs("recorded", out);
	put_text(out, " on ", about->host, r->utf8);
	put_text(out, ", kernel ", about->kernel, r->utf8);
	put_text(out, " ", about->machine, r->utf8);
	if (about->cpus)
		fprintf(out, ", %" PRIu32 " CPUs", about->cpus);
	put_text(out, ", by sdeitop ", about->version, r->utf8);
	putc('\n', out);
	put_times(out, r, "", r->span.begin_ns, r->span.end_ns);
	fprintf(out, ", %" PRIu64 " items in %" PRIu64 " bytes\n", r->span.items, r->span.bytes);
	if (report_is_partial(r)) {
		put_times(out, r, "of that, all below is about what was recorded ", r->begin_ns, r->end_ns);
		putc('\n', out);
	}
	put_text(out, "not attached: ", about->probes_missing, r->utf8);
	put_text(out, *about->probes_missing ? "\nonly: " : "only: ", about->filter, r->utf8);
	put_text(out, *about->probes_missing || *about->filter ? "\nbecause of: " : "because of: ", about->reason, r->utf8);
	if (*about->probes_missing || *about->filter || *about->reason)
		putc('\n', out);
}

void report_text_problems(FILE *out, const struct report *r, size_t most)
{
	size_t shown = r->problem_count < most ? r->problem_count : most;
	char text[256];

	for (size_t i = 0; i < shown; i++) {
		reader_describe(&r->problems[i], text, sizeof(text));
		fprintf(out, "MISSING %s\n", text);
	}
	if (r->problems_all > shown)
		fprintf(out, "MISSING and %" PRIu64 " more\n", r->problems_all - shown);
}

/* --- each event */

static int put_event(FILE *out, const struct report *r, const struct model_event *e)
{
	const struct page_scope scope = {
		.status = r->status, .interval_ns = model_totals(r->model)->interval_ns,
		.width = WIDTH, .rows = HISTOGRAM_ROWS, .utf8 = r->utf8,
	};
	struct page page = { 0 };
	bool short_of_memory;

	fprintf(out, "\nVM %" PRIu32 " %s vCPU %" PRIu32 " event %" PRIu32 "\n", e->vcpu->vm->pid, name_of(e->vcpu->vm)->shown,
		e->vcpu->id, e->event);
	page_event(&page, e->vcpu, e, &scope);
	page_print(&page, out);
	short_of_memory = page.no_memory;
	page_clear(&page);
	return short_of_memory ? -ENOMEM : 0;
}

static int put_vcpu_events(FILE *out, const struct report *r, const struct model_vcpu *vcpu)
{
	int err = 0;

	for (size_t i = 0; i < vcpu->event_count && !err; i++)
		if (event_in_use(vcpu->events[i]))
			err = put_event(out, r, vcpu->events[i]);
	return err;
}

static int put_events(FILE *out, const struct report *r)
{
	size_t vms;
	struct model_vm *const *vm = model_vms(r->model, &vms);
	int err = 0;

	for (size_t i = 0; i < vms; i++)
		for (size_t j = 0; j < vm[i]->vcpu_count && !err; j++)
			err = put_vcpu_events(out, r, vm[i]->vcpus[j]);
	return err;
}

/* --- who interrupts whom */

static int put_senders(FILE *out, const struct report *r)
{
	struct page page = { 0 };
	bool short_of_memory;
	size_t vms;
	struct model_vm *const *vm = model_vms(r->model, &vms);

	for (size_t i = 0; i < vms; i++) {
		if (!model_has_senders(vm[i]))
			continue;
		page_line(&page);
		page_line(&page);
		page_put(&page, LOOK_PLAIN, "who interrupts whom in VM %" PRIu32 " %s", vm[i]->pid, name_of(vm[i])->shown);
		page_senders(&page, vm[i], NULL, r->status, SIZE_MAX);
	}
	page_print(&page, out);
	short_of_memory = page.no_memory;
	page_clear(&page);
	return short_of_memory ? -ENOMEM : 0;
}

/* --- evidence */

static const char *name_of_vm(const struct report *r, const struct report_evidence *e)
{
	const struct model_vm *vm = why_vm_of(r->model, e->vm, e->instance);

	return vm ? name_of(vm)->shown : "-";
}

/* Times count from the moment it is about. */
static void put_record(FILE *out, const struct report_evidence *e, size_t i)
{
	const struct sdei_record *record = &e->records[i].head;
	const char *kind = sdei_kind_name(record->kind);
	char letters[6], event[16] = "-", offset[FORMAT_SIZE], since[FORMAT_SIZE] = "";
	int64_t since_ns = report_since_before(e, i);

	if (record->event != SDEI_NONE)
		snprintf(event, sizeof(event), "%" PRIu32, record->event);
	if (since_ns >= 0)
		format_age(since, sizeof(since), since_ns);
	fprintf(out, "  %16s %*s  %-10s event %-4s %s ", format_offset(offset, sizeof(offset), record->time_ns - e->from_ns),
		SINCE_WIDTH, since, kind ? kind : "?", event,
		sdei_state_letters(record->state, letters));
	record_text_details(out, &e->records[i]);
	putc('\n', out);
}

void report_text_evidence(FILE *out, const struct report_evidence *e, size_t most)
{
	size_t first = e->count > most ? most / 2 : e->left_out ? e->gap : e->count;
	size_t next = e->count > most ? e->count - (most - first) : first;
	uint64_t left_out = e->left_out + next - first;

	for (size_t i = 0; i < first; i++)
		put_record(out, e, i);
	if (left_out)
		fprintf(out, "  and %" PRIu64 " record%s more in between\n", left_out, left_out == 1 ? "" : "s");
	for (size_t i = next; i < e->count; i++)
		put_record(out, e, i);
}

static void put_late(FILE *out, const struct report *r)
{
	if (r->late_count)
		fputs("\nrecords around the worst dispatches\n", out);
	for (size_t i = 0; i < r->late_count; i++) {
		const struct report_evidence *e = &r->late[i];
		char age[FORMAT_SIZE], from[FORMAT_SIZE];

		fprintf(out, "%s at %s, VM %" PRIu32 " %s vCPU %" PRIu32 " event %" PRIu32 "\n",
			format_age(age, sizeof(age), e->latency_ns), format_time(from, sizeof(from), r->status, e->from_ns, 6),
			e->vm, name_of_vm(r, e), e->vcpu, e->event);
		report_text_evidence(out, e, SIZE_MAX);
	}
}

static void put_findings(FILE *out, const struct report *r)
{
	size_t count;
	const struct model_finding *findings = model_findings(r->model, &count);

	if (r->finding_count)
		fputs("\nrecords around the findings\n", out);
	for (size_t i = 0; i < r->finding_count && i < count; i++) {
		char where[WHY_SIZE], what[FINDING_TEXT_SIZE];

		finding_describe(&findings[i], what, sizeof(what));
		fprintf(out, "%s %s: %s\n", finding_code_name(findings[i].code),
			why_where(where, sizeof(where), &findings[i], name_of_vm(r, &r->findings[i])), what);
		report_text_evidence(out, &r->findings[i], SIZE_MAX);
	}
	if (count > r->finding_count)
		fprintf(out, "  and %zu finding%s more\n", count - r->finding_count, count - r->finding_count == 1 ? "" : "s");
}

int report_text(FILE *out, const struct report *r)
{
	const struct table_options plain = { 0 };
	int err;

	report_text_head(out, r);
	report_text_problems(out, r, SIZE_MAX);
	putc('\n', out);
	err = text_summary(out, r->model, r->status, &plain);
	if (!err)
		err = put_senders(out, r);
	if (!err)
		err = put_events(out, r);
	if (r->restores) {
		fputs("\nsaves and restores of interrupt controllers\n", out);
		restore_text(out, r->restores);
	}
	put_late(out, r);
	put_findings(out, r);
	return err;
}
