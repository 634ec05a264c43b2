/* SPDX-License-Identifier: GPL-2.0-only */
/* What was found, what was worst, and the records around both. */
#include <inttypes.h>
#include <stdlib.h>

#include "record/text.h"
#include "view/figures/format.h"
#include "view/report/html.h"
#include "session/vm_names.h"
#include "view/report/report_html_inside.h"
#include "view/figures/why.h"

/* --- records */

static void put_details(FILE *out, const struct record_brief *brief)
{
	char *details = NULL;
	size_t size;
	FILE *text = open_memstream(&details, &size);

	if (text) {
		record_text_details(text, brief);
		fclose(text);
	}
	html_text(out, details ? details : "");
	free(details);
}

static void record_row(FILE *out, const struct report_evidence *e, size_t i)
{
	const struct sdei_record *r = &e->records[i].head;
	const char *kind = sdei_kind_name(r->kind);
	int64_t ns = r->time_ns - e->from_ns, since_ns = report_since_before(e, i);
	char letters[6];

	fprintf(out, "<tr><td data-ns=%" PRId64 ">%+.3f<td>", ns, ns / 1e3);
	if (since_ns >= 0)
		fprintf(out, "%.3f", since_ns / 1e3);
	fprintf(out, "<td class=word>%s<td>", kind ? kind : "?");
	if (r->event != SDEI_NONE)
		fprintf(out, "%u", r->event);
	fprintf(out, "<td class=state>%s<td class=word>", sdei_state_letters(r->state, letters));
	put_details(out, &e->records[i]);
	putc('\n', out);
}

static void records(FILE *out, const struct report_evidence *e)
{
	fputs("<div class=box tabindex=0><table class=records><thead><tr><th>\xc2\xb5s<th>\xc2\xb5s since the last<th class=word>record<th>event<th>state<th></thead><tbody>\n",
	      out);
	for (size_t i = 0; i < e->count; i++) {
		if (e->left_out && i == e->gap)
			fprintf(out, "<tr><td colspan=6 class=more>and %" PRIu64 " record%s more in between\n", e->left_out,
				e->left_out == 1 ? "" : "s");
		record_row(out, e, i);
	}
	fputs("</tbody></table></div>\n", out);
}

/* --- the worst dispatches */

static void put_whose(const struct html_page *page, uint32_t pid, uint32_t instance, uint32_t vcpu, uint32_t event)
{
	const struct model_vm *vm = why_vm_of(page->model, pid, instance);

	if (vm)
		html_page_vm(page->out, vm, HTML_NAME);
	else
		fprintf(page->out, "%u", pid);
	if (vcpu != SDEI_NONE)
		fprintf(page->out, " vCPU\xc2\xa0%u", vcpu);
	if (event != SDEI_NONE)
		fprintf(page->out, " event\xc2\xa0%u", event);
}

void report_html_late(const struct html_page *page)
{
	const struct report *report = page->report;

	fprintf(page->out, "<section id=late><h2>Records around the worst dispatches</h2>\n<p>%s</p>\n",
		report->late_count ? "Times count from the signal." : "There are none.");
	for (size_t i = 0; i < report->late_count; i++) {
		const struct report_evidence *e = &report->late[i];

		fprintf(page->out, "<details%s><summary><b data-ns=%" PRIu64 ">", i ? "" : " open", e->latency_ns);
		html_ns(page->out, e->latency_ns);
		fputs("</b> ", page->out);
		put_whose(page, e->vm, e->instance, e->vcpu, e->event);
		fputs("</summary>\n", page->out);
		records(page->out, e);
		fputs("</details>\n", page->out);
	}
	fputs("</section>\n", page->out);
}

/* --- findings */

static void finding(const struct html_page *page, const struct model_finding *f, const struct report_evidence *e)
{
	const struct status *status = page->report->status;
	const char *severity = severity_name(finding_severity(f->code));
	char what[FINDING_TEXT_SIZE], wall[FORMAT_SIZE];

	finding_describe(f, what, sizeof(what));
	format_time(wall, sizeof(wall), status, f->first_ns, 3);
	fprintf(page->out, "<li class=%s data-code=%s data-count=%" PRIu64 "><b>%s</b> <b>%s</b> VM ", severity, finding_code_name(f->code), f->count,
		severity, finding_code_name(f->code));
	put_whose(page, f->vm, f->instance, f->vcpu, f->event);
	fputs(": <span class=what>", page->out);
	html_text(page->out, what);
	fprintf(page->out, "</span>; first <time>%s</time>%s\n", wall, f->open ? ", still so" : "");
	if (e && e->count) {
		fputs("<details><summary>records around it</summary>\n", page->out);
		records(page->out, e);
		fputs("</details>", page->out);
	}
	fputs("</li>\n", page->out);
}

void report_html_findings(const struct html_page *page)
{
	const struct report *report = page->report;
	size_t count;
	const struct model_finding *f = model_findings(page->model, &count);

	fputs("<section id=findings><h2>Findings</h2>\n", page->out);
	if (!count)
		fputs("<p>Nothing was found.</p>\n", page->out);
	fputs("<ul class=findings>\n", page->out);
	for (size_t i = 0; i < count && i < HTML_ROWS_MAX; i++) {
		size_t place = page->findings[i];

		finding(page, &f[place], place < report->finding_count ? &report->findings[place] : NULL);
	}
	fputs("</ul>\n", page->out);
	html_page_more(page->out, count, HTML_ROWS_MAX, "findings");
	fputs("</section>\n", page->out);
}
