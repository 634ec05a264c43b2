// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>

#include "format.h"
#include "html.h"
#include "names.h"
#include "report_html_inside.h"
#include "sum.h"
#include "why.h"

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
	fprintf(out, "</td><td>%u</td><td>%u</td><td>%ju</td><td>%ju</td>", v->id, e->event, (uintmax_t)e->count.signals,
		(uintmax_t)e->count.dispatched);
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
	size_t count;
	struct model_vm *const *vms = model_vms(m, &count);

	fputs("<h2>Events</h2>\n<div class=box tabindex=0><table><thead><tr><th>VM<th>vCPU<th>event<th>signals<th>dispatched<th>p50<th>p90"
	      "<th>p99<th>p99.9<th>max<th>blame<th>records</tr></thead><tbody>\n", out);
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < vms[i]->vcpu_count; k++) {
			const struct model_vcpu *v = vms[i]->vcpus[k];

			for (size_t n = 0; n < v->event_count; n++) {
				if (event_in_use(v->events[n]))
					event_row(out, v, v->events[n]);
			}
		}
	}
	fputs("</tbody></table></div>\n", out);
}

static void findings(FILE *out, const struct model *m)
{
	size_t count;
	const struct model_finding *f = model_findings(m, &count);
	char buf[WHY_SIZE];

	fprintf(out, "<h2>Findings: %zu</h2>\n<ul>\n", count);
	for (size_t i = 0; i < count; i++) {
		const struct model_vm *vm = why_vm(m, &f[i]);

		fprintf(out, "<li>%s: ", severity_name(finding_severity(f[i].code)));
		html_text(out, why_where(buf, sizeof(buf), &f[i], vm ? name_of(vm)->shown : "-"));
		fprintf(out, ": %s, %ju times</li>\n", finding_help(f[i].code), (uintmax_t)f[i].count);
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
	fprintf(out, "</h1>\n<p>%s from %s, %ju records. Kernel ", length, wall, (uintmax_t)model_totals(report->model)->records);
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
	events(out, report->model);
	err = report_html_plots(out, report);
	findings(out, report->model);
	missing(out, report);
	fputs("</body></html>\n", out);
	return err;
}
