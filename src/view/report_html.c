/* SPDX-License-Identifier: GPL-2.0-only */
/* The report as a page for browsers: no script, no network; whatever the recording says is text. */
#include <stdint.h>
#include <stdlib.h>

#include "events_text.h"
#include "format.h"
#include "html.h"
#include "names.h"
#include "report_html_inside.h"
#include "sum.h"
#include "why.h"

#define ROWS_MAX 500

static const char head[] =
	"<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>\n"
	"<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	"<meta name=viewport content=\"width=device-width, initial-scale=1\">\n<title>sdeitop report</title>\n<style>\n"
	":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:75rem;margin:auto;padding:1rem;"
	"overflow-wrap:anywhere}\n"
	".box{overflow-x:auto}table{border-collapse:collapse;white-space:nowrap}th,td{padding:.15rem .6rem;text-align:right;"
	"border-bottom:1px solid #8886}th:first-child,td:first-child{text-align:left}\n"
	"svg{display:block;width:100%;height:16rem;background:#160b1f}.axis{display:flex;justify-content:space-between;margin:0}\n"
	".h1{fill:#46327e}.h2{fill:#365c8d}.h3{fill:#277f8e}.h4{fill:#1fa187}.h5{fill:#4ac16d}.h6{fill:#9fda3a}.h7{fill:#d8e219}"
	".h8{fill:#fde725}\n"
	".bar{display:flex;height:1.2rem;min-width:12rem;border-radius:3px;overflow:hidden}.bar i{display:block}"
	".p0{background:#cc79a7}.p1{background:#999}.p2{background:#e69f00}.p3{background:#0072b2}.p4{background:#56b4e9}"
	".p5{background:#009e73}.p6{background:#d55e00}.key{display:inline-block;width:.8rem;height:.8rem;margin:0 .3rem 0 1rem}\n"
	".lead{font-size:1.2rem}details{margin:.4rem 0}details td{text-align:left}.num{text-align:right!important}\n"
	"@media print{svg{break-inside:avoid}}\n</style></head><body>\n";

static void cell_ns(FILE *out, uint64_t ns)
{
	char buf[FORMAT_SIZE];

	fprintf(out, "<td data-ns=%ju>%s</td>", (uintmax_t)ns, format_age(buf, sizeof(buf), ns));
}

static void event_row(FILE *out, const struct model_vcpu *v, const struct model_event *e)
{
	const struct hist *h = e->dispatch;
	char buf[WHY_SIZE];

	fprintf(out, "<tr><td>%u ", v->vm->pid);
	html_text(out, name_of(v->vm)->raw ? name_of(v->vm)->raw : "-");
	fprintf(out, "</td><td>%u</td><td>%u</td><td>%ju</td><td>%ju</td><td>%ju</td>", v->id, e->event, (uintmax_t)e->count.signals,
		(uintmax_t)e->count.dispatched,
		(uintmax_t)(e->count.coalesced + e->count.rejected + e->count.cancelled + e->count.cleared));
	if (hist_count(h)) {
		cell_ns(out, hist_quantile(h, 0.5));
		cell_ns(out, hist_quantile(h, 0.9));
		cell_ns(out, hist_quantile(h, 0.99));
		cell_ns(out, hist_quantile(h, 0.999));
		cell_ns(out, hist_max(h));
	} else {
		fputs("<td>-</td><td>-</td><td>-</td><td>-</td><td>-</td>", out);
	}
	fprintf(out, "<td>%s</td><td>%s</td></tr>\n", why_short(buf, sizeof(buf), model_event_blame(e)), e->inexact ? "lost" : "");
}

static void events(FILE *out, const struct model *m)
{
	size_t count, rows = 0;
	struct model_vm *const *vms = model_vms(m, &count);

	fputs("<h2>Events</h2>\n<div class=box tabindex=0><table><thead><tr><th>VM<th>vCPU<th>event<th>signals<th>dispatched<th>dropped<th>p50<th>p90"
	      "<th>p99<th>p99.9<th>max<th>blame<th>records</tr></thead><tbody>\n", out);
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < vms[i]->vcpu_count; k++) {
			const struct model_vcpu *v = vms[i]->vcpus[k];

			for (size_t n = 0; n < v->event_count; n++) {
				if (event_in_use(v->events[n]) && rows++ < ROWS_MAX)
					event_row(out, v, v->events[n]);
			}
		}
	}
	fputs("</tbody></table></div>\n", out);
	if (rows > ROWS_MAX)
		fprintf(out, "<p>and %zu events more: the text has them all</p>\n", rows - ROWS_MAX);
}

/* --- blame */

static void blame_bar(FILE *out, const struct model_blame *blame)
{
	fputs("<div class=bar>", out);
	for (unsigned int part = 0; part < BLAME_COUNT; part++) {
		double percent = 100 * why_share(blame, part);

		if (blame->ns[part])
			fprintf(out, "<i class=p%u style=\"width:%.2f%%\" title=\"%s %.1f%%\"></i>", part, percent, why_part(part), percent);
	}
	fputs("</div>", out);
}

static void blame_key(FILE *out)
{
	fputs("<p>", out);
	for (unsigned int part = 0; part < BLAME_COUNT; part++)
		fprintf(out, "<span class=\"key p%u\"></span>%s", part, why_part(part));
	fputs("</p>\n", out);
}

static void blame(FILE *out, const struct model *m)
{
	size_t count;
	struct model_vm *const *vms = model_vms(m, &count);
	char buf[FORMAT_SIZE];

	fputs("<h2>Where the time to the dispatch went</h2>\n", out);
	blame_key(out);
	fputs("<div class=box tabindex=0><table><thead><tr><th>VM<th>waiting, all together<th>of it</tr></thead><tbody>\n", out);
	for (size_t i = 0; i < count && i < ROWS_MAX; i++) {
		struct model_blame sum;

		model_vm_blame(vms[i], &sum);
		if (!model_blame_total(&sum))
			continue;
		fprintf(out, "<tr><td>%u ", vms[i]->pid);
		html_text(out, name_of(vms[i])->raw ? name_of(vms[i])->raw : "-");
		fprintf(out, "</td><td>%s</td><td>", format_age(buf, sizeof(buf), model_blame_total(&sum)));
		blame_bar(out, &sum);
		fputs("</td></tr>\n", out);
	}
	fputs("</tbody></table></div>\n", out);
}

/* --- the worst, in one sentence */

static void headline(FILE *out, const struct model *m)
{
	const struct model_event *worst = NULL;
	const struct model_late *of_worst = NULL;
	size_t vms, count;
	struct model_vm *const *vm = model_vms(m, &vms);
	char age[FORMAT_SIZE], why[WHY_SIZE];

	for (size_t i = 0; i < vms; i++)
		for (size_t j = 0; j < vm[i]->vcpu_count; j++)
			for (size_t k = 0; k < vm[i]->vcpus[j]->event_count; k++) {
				const struct model_event *e = vm[i]->vcpus[j]->events[k];
				const struct model_late *late = model_event_late(e, &count);

				if (late && count && (!of_worst || late->latency_ns > of_worst->latency_ns)) {
					worst = e;
					of_worst = late;
				}
			}
	if (!worst) {
		fputs("<p class=lead>No event was dispatched.</p>\n", out);
		return;
	}
	fprintf(out, "<p class=lead>The latest event was dispatched after <b data-ns=%ju>%s</b>: event %u of VM %u ",
		(uintmax_t)of_worst->latency_ns, format_age(age, sizeof(age), of_worst->latency_ns), worst->event,
		worst->vcpu->vm->pid);
	html_text(out, name_of(worst->vcpu->vm)->raw ? name_of(worst->vcpu->vm)->raw : "-");
	fprintf(out, ", vCPU %u. It waited: %s.</p>\n", worst->vcpu->id, why_late(why, sizeof(why), of_worst));
}

/* --- evidence */

static void record_row(FILE *out, const struct report_evidence *e, size_t i)
{
	const struct sdei_record *r = &e->records[i];
	const char *kind = sdei_kind_name(r->kind), *call = e->functions ? sdei_call_name(e->functions[i]) : NULL;
	char letters[6], *details = NULL;
	size_t size;
	FILE *text = open_memstream(&details, &size);

	if (text) {
		events_text_details(text, r);
		fclose(text);
	}
	fprintf(out, "<tr><td class=num>%+.3f</td><td>%s</td><td>", (double)(int64_t)(r->time_ns - e->from_ns) / 1e3, kind ? kind : "?");
	if (r->event != SDEI_NONE)
		fprintf(out, "%u", r->event);
	fprintf(out, "</td><td>%s</td><td>%s", sdei_state_letters(r->state, letters), call ? call : "");
	html_text(out, details ? details : "");
	fputs("</td></tr>\n", out);
	free(details);
}

static void records(FILE *out, const struct report_evidence *e)
{
	fputs("<div class=box tabindex=0><table><thead><tr><th>\xc2\xb5s<th>record<th>event<th>state<th></tr></thead><tbody>\n", out);
	for (size_t i = 0; i < e->count; i++) {
		if (e->left_out && i == e->gap)
			fprintf(out, "<tr><td colspan=5>and %ju records more in between</td></tr>\n", (uintmax_t)e->left_out);
		record_row(out, e, i);
	}
	fputs("</tbody></table></div>\n", out);
}

static void latest(FILE *out, const struct report *report)
{
	char age[FORMAT_SIZE];

	if (report->late_count)
		fputs("<h2>Records around the worst dispatches</h2>\n", out);
	for (size_t i = 0; i < report->late_count; i++) {
		const struct report_evidence *e = &report->late[i];

		fprintf(out, "<details%s><summary>%s: VM %u vCPU %u event %u</summary>\n", i ? "" : " open",
			format_age(age, sizeof(age), e->to_ns - e->from_ns), e->vm, e->vcpu, e->event);
		records(out, e);
		fputs("</details>\n", out);
	}
}

static void findings(FILE *out, const struct report *report)
{
	const struct model *m = report->model;
	size_t count;
	const struct model_finding *f = model_findings(m, &count);
	char buf[WHY_SIZE];

	fprintf(out, "<h2>Findings: %zu</h2>\n<ul>\n", count);
	for (size_t i = 0; i < count; i++) {
		const struct model_vm *vm = why_vm(m, &f[i]);

		fprintf(out, "<li>%s: ", severity_name(finding_severity(f[i].code)));
		html_text(out, why_where(buf, sizeof(buf), &f[i], vm ? name_of(vm)->shown : "-"));
		fprintf(out, ": %s, %ju times", finding_help(f[i].code), (uintmax_t)f[i].count);
		if (i < report->finding_count && report->findings[i].count) {
			fputs("<details><summary>records around it</summary>\n", out);
			records(out, &report->findings[i]);
			fputs("</details>", out);
		}
		fputs("</li>\n", out);
	}
	fputs("</ul>\n", out);
}

static void about(FILE *out, const struct report *report)
{
	const struct recording_about *a = report->about;
	char wall[FORMAT_SIZE], length[FORMAT_SIZE];

	format_wall(wall, sizeof(wall), (int64_t)report->begin_ns + a->clock_offset_ns);
	format_age(length, sizeof(length), report->end_ns - report->begin_ns);
	fputs("<h1>SDEI on ", out);
	html_text(out, a->host);
	fprintf(out, "</h1>\n<p>%s from %s, %ju records", length, wall, (uintmax_t)model_totals(report->model)->records);
	if (report_is_partial(report))
		fprintf(out, ", out of a recording of %s",
			format_age(length, sizeof(length), report->span.end_ns - report->span.begin_ns));
	fputs(". Kernel ", out);
	html_text(out, a->kernel);
	fputs(". Probes: ", out);
	html_text(out, a->probes);
	if (a->probes_missing[0]) {
		fputs("; missing: ", out);
		html_text(out, a->probes_missing);
	}
	fputs("</p>\n", out);
}

static void missing(FILE *out, const struct report *report)
{
	char buf[512];

	if (!model_totals(report->model)->lost && !report->problems_all) {
		fputs("<p>No record was lost, nothing is missing.</p>\n", out);
		return;
	}
	fprintf(out, "<h2>Missing</h2>\n<p>%ju records lost while recording, %ju places of the recording damaged or incomplete.</p>\n<ul>\n",
		(uintmax_t)model_totals(report->model)->lost, (uintmax_t)report->problems_all);
	for (size_t i = 0; i < report->problem_count; i++) {
		reader_describe(&report->problems[i], buf, sizeof(buf));
		fputs("<li>", out);
		html_text(out, buf);
		fputs("</li>\n", out);
	}
	fputs("</ul>\n", out);
}

int report_html(FILE *out, const struct report *report)
{
	int err;

	fputs(head, out);
	about(out, report);
	headline(out, report->model);
	missing(out, report);
	events(out, report->model);
	blame(out, report->model);
	err = report_html_plots(out, report);
	findings(out, report);
	latest(out, report);
	fputs("</body></html>\n", out);
	return err;
}
