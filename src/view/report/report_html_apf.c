/* SPDX-License-Identifier: GPL-2.0-only */
/* Asynchronous page faults on the page: what became of those of each VM, its stages, and the slowest ones. */
#include <errno.h>
#include <inttypes.h>

#include "model/apf.h"
#include "record/names.h"
#include "view/report/html.h"
#include "view/report/report_html_inside.h"

/* The stages that a fault goes through one after another. */
static const enum apf_stage parts_of[] = { APF_STAGE_wait, APF_STAGE_page, APF_STAGE_present };
#define HTML_VMS_MAX (HTML_ROWS_MAX / APF_STAGE_COUNT)	/* with a row for each stage */
#define PARTS (sizeof(parts_of) / sizeof(parts_of[0]))

static void open_row(FILE *out, const struct model_vm *vm)
{
	fprintf(out, "<tr data-vm=%u data-instance=%u><th scope=row>", vm->pid, vm->instance);
	html_page_vm(out, vm, HTML_NAME);
}

static void put_parts(FILE *out, const struct model_apf *apf)
{
	struct html_part parts[PARTS];

	for (size_t i = 0; i < PARTS; i++)
		parts[i] = (struct html_part){ apf_stage_name(parts_of[i]), hist_sum(apf->stage[parts_of[i]]) };
	fputs("<td>", out);
	html_page_bar(out, parts, PARTS);
}

static void vm_row(FILE *out, const struct model_vm *vm, const struct model_apf *apf)
{
	open_row(out, vm);
	html_page_cell(out, apf->count.setup);
	html_page_cell(out, apf->in_flight);
#define X(name, help) html_page_cell(out, apf->count.name);
	APF_OUTCOMES(X)
#undef X
	html_page_cell(out, apf->count.fallback);
	html_page_cell(out, apf->count.sync);
	put_parts(out, apf);
	html_page_cell_doubt(out, apf->lost, apf_unaccounted(apf));
	putc('\n', out);
}

static void fallback_row(FILE *out, const struct model_vm *vm, const struct model_apf *apf)
{
	open_row(out, vm);
	for (unsigned int reason = 1; reason < APF_FALLBACKS; reason++)
		html_page_cell(out, apf->fallbacks[reason]);
	putc('\n', out);
}

static void stage_rows(FILE *out, const struct model_vm *vm, const struct model_apf *apf)
{
	for (unsigned int stage = 0; stage < APF_STAGE_COUNT; stage++) {
		const struct hist *h = apf->stage[stage];

		if (!hist_count(h))
			continue;
		open_row(out, vm);
		fprintf(out, "<td title=\"%s\">%s", apf_stage_help(stage), apf_stage_name(stage));
		html_page_cell(out, hist_count(h));
		html_page_cells_hist(out, h);
		putc('\n', out);
	}
}

/* Of what a vCPU waited for; 0: a worker brought it, or it is not known. */
static void put_cause(FILE *out, unsigned int cause)
{
	if (cause)
		fprintf(out, "<td>%s", record_name(LABELS_APF_CAUSE, cause));
	else
		html_page_no_cell(out);
}

static void cause_row(FILE *out, const struct model_vm *vm, const char *cause, uint64_t count, uint64_t ns)
{
	if (!count)
		return;
	open_row(out, vm);
	fprintf(out, "<td>%s", cause);
	html_page_cell(out, count);
	html_page_cell_ns(out, ns);
	putc('\n', out);
}

static void cause_rows(FILE *out, const struct model_vm *vm, const struct model_apf *apf)
{
	for (unsigned int cause = 1; cause < APF_CAUSES; cause++)
		cause_row(out, vm, record_name(LABELS_APF_CAUSE, cause), apf->causes[cause].count, apf->causes[cause].ns);
	cause_row(out, vm, "unknown", apf->causes[0].count, apf->causes[0].ns);
	cause_row(out, vm, "quick", apf->count.quick, apf->quick_ns);
}

static void slow_rows(FILE *out, const struct model_vm *vm, const struct model_apf *apf)
{
	for (unsigned int i = 0; i < apf->slow_count; i++) {
		const struct apf_fault *fault = &apf->slow[i];

		open_row(out, vm);
		fprintf(out, "<td>%" PRIu32 "<td>0x%" PRIx64, fault->vcpu, fault->gfn);
		html_page_cell_ns(out, apf_fault_ns(fault));
		for (unsigned int stage = 0; stage <= APF_STAGE_ack; stage++) {
			if (fault->stage[stage] == APF_UNKNOWN)
				html_page_no_cell(out);
			else
				html_page_cell_ns(out, fault->stage[stage]);
		}
		put_cause(out, fault->cause);
		putc('\n', out);
	}
}

/* One table, with what put_rows() makes of each VM that has any. */
static int put_table(const struct html_page *page, const char *head,
		     void (*put_rows)(FILE *out, const struct model_vm *vm, const struct model_apf *apf))
{
	size_t shown = 0, all = 0;
	int err = 0;

	html_page_table(page->out, head);
	for (size_t i = 0; i < page->vm_count && !err; i++) {
		struct model_apf apf;

		if (!model_vm_has_apf(page->vms[i]) || all++ >= HTML_VMS_MAX)
			continue;
		err = model_vm_apf(page->vms[i], &apf);
		put_rows(page->out, page->vms[i], &apf);
		apf_release(&apf);
		shown++;
	}
	html_page_table_end(page->out);
	html_page_more(page->out, all, shown, "VMs");
	return err;
}

static void put_key(FILE *out)
{
	struct html_part parts[PARTS];

	for (size_t i = 0; i < PARTS; i++)
		parts[i] = (struct html_part){ .name = apf_stage_name(parts_of[i]) };
	html_page_key(out, parts, PARTS);
}

int report_html_apf(const struct html_page *page)
{
	FILE *out = page->out;
	int err;

	if (!model_has_apf(page->model))
		return 0;
	fputs("<section id=faults><h2>Asynchronous page faults</h2>\n<p>Faults handed to a worker, how they ended, and where their "
	      "time went; fallbacks had no worker, synchronous ones kept the vCPU in the host.</p>\n", out);
	put_key(out);
	err = put_table(page, "<tr><th>VM<th>setup<th>in flight"
#define X(name, help) "<th title=\"" help "\">" #name
			APF_OUTCOMES(X)
#undef X
			"<th>fallback<th>sync<th class=wide><th>", vm_row);
	if (!err)
		err = report_html_faults(page);
	if (!err)
		err = report_html_frames(page);
	fputs("<h3>Stages</h3>\n", out);
	if (!err)
		err = put_table(page, "<tr><th>VM<th>stage<th>count<th>p50<th>p99<th>max", stage_rows);
	fputs("<h3>Waited for, by cause</h3>\n<p>Faults that kept a vCPU in the host, by where their page came from; quick ones are too short to be recorded one by "
	      "one.</p>\n<div id=causes>", out);
	if (!err)
		err = put_table(page, "<tr><th>VM<th>cause<th>count<th>time", cause_rows);
	fputs("</div><h3>Fallbacks by reason</h3>\n", out);
	if (!err)
		err = put_table(page, "<tr><th>VM<th>off<th>not-now<th>full<th>no-memory<th>masked<th>busy<th>pending<th>other", fallback_row);
	fputs("<h3>The slowest of each VM</h3>\n", out);
	if (!err)
		err = put_table(page, "<tr><th>VM<th>vCPU<th>gfn<th>total<th>signal<th>dispatch<th>handler<th>wait<th>page<th>present<th>ack<th>cause",
				slow_rows);
	fputs("</section>\n", out);
	return err;
}
