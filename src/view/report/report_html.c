/* SPDX-License-Identifier: GPL-2.0-only */
/* The report as a page for browsers: no script, no network; whatever the recording says is text. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "model/apf.h"
#include "view/figures/format.h"
#include "view/report/html.h"
#include "session/vm_names.h"
#include "view/report/report_html_inside.h"
#include "view/report/verdict.h"
#include "model/sum.h"
#include "view/figures/why.h"

/* --- what was recorded */

static void about_text(FILE *out, const char *label, const char *text)
{
	if (!*text)
		return;
	fprintf(out, "<dt>%s<dd>", label);
	html_text(out, text);
	putc('\n', out);
}

static void about(FILE *out, const struct report *report)
{
	const struct recording_about *a = report->about;
	char wall[FORMAT_SIZE];

	fputs("<header><h1>SDEI on ", out);
	html_text(out, *a->host ? a->host : HTML_NO_HOST);
	fputs("</h1>\n<dl>", out);
	fprintf(out, "<dt>from<dd>%s\n", format_time(wall, sizeof(wall), report->status, report->begin_ns, 3));
	fprintf(out, "<dt>for<dd data-ns=%" PRIu64 ">", report->end_ns - report->begin_ns);
	html_ns(out, report->end_ns - report->begin_ns);
	putc('\n', out);
	if (report_is_partial(report)) {
		fprintf(out, "<dt>of a recording of<dd data-ns=%" PRIu64 ">", report->span.end_ns - report->span.begin_ns);
		html_ns(out, report->span.end_ns - report->span.begin_ns);
		putc('\n', out);
	}
	about_text(out, "kernel", a->kernel);
	about_text(out, "machine", a->machine);
	if (a->cpus)
		fprintf(out, "<dt>CPUs<dd>%u\n", a->cpus);
	about_text(out, "sdeitop", a->version);
	about_text(out, "only", a->filter);
	about_text(out, "because of", a->reason);
	about_text(out, "not attached", a->probes_missing);
	fputs("</dl></header>\n", out);
}

/* --- the worst, in one sentence */

static void headline(const struct html_page *page)
{
	FILE *out = page->out;
	struct model_worst worst;
	const struct verdict_words *words;
	char why[WHY_SIZE], found[VERDICT_SIZE];

	verdict_worst(&worst, page->model, page->report->status->now_ns);
	words = verdict_words(worst.kind);
	if (words) {
		fprintf(out, "<p class=lead>%s", words->subject);
		if (worst.event)
			fprintf(out, " %" PRIu32, worst.event->event);
		fputs(" of VM ", out);
		html_page_vm(out, worst.vcpu->vm, HTML_NAME);
		fprintf(out, " vCPU %" PRIu32 " %s <b data-ns=%" PRIu64 ">", worst.vcpu->id, words->verb, worst.ns);
		html_ns(out, worst.ns);
		why_late(why, sizeof(why), &worst.wait);
		fprintf(out, "</b>%s%s%s.", words->end, *why ? ": " : "", why);
	} else {
		fputs("<p class=lead>No event was dispatched whose signal had been seen.", out);
	}
	fprintf(out, " %s</p>\n", verdict_found(found, sizeof(found), page->model));
}

/* --- the figures of all */

static void tile(FILE *out, const char *id, const char *name, uint64_t count, const char *class)
{
	fprintf(out, "<div class=\"tile %s\"><b id=%s>%" PRIu64 "</b> %s</div>\n", count ? class : "", id, count, name);
}

static void tiles(const struct html_page *page)
{
	const struct model_totals *totals = model_totals(page->model);
	const struct model_counts *c = &totals->count;
	size_t vms, vcpus = 0, findings;
	struct model_vm *const *vm = model_vms(page->model, &vms);

	for (size_t i = 0; i < vms; i++)
		vcpus += vm[i]->vcpu_count;
	model_findings(page->model, &findings);
	fputs("<div class=tiles>\n", page->out);
	tile(page->out, "n-vms", "VMs", vms, "");
	tile(page->out, "n-vcpus", "vCPUs", vcpus, "");
	tile(page->out, "n-records", "records", totals->records, "");
	tile(page->out, "n-signals", "signals", c->signals, "");
	tile(page->out, "n-dispatched", "dispatched", c->dispatched, "");
	tile(page->out, "n-dropped", "dropped", c->coalesced + c->rejected + c->cancelled + c->cleared, "");
	tile(page->out, "n-findings", "findings", findings, "warning");
	tile(page->out, "n-lost", "records lost", totals->lost, "error");
	fputs("</div>\n", page->out);
}

/* --- what is missing */

static void doubt(FILE *out, uint64_t count, const char *one, const char *more)
{
	if (count)
		fprintf(out, "<li>%" PRIu64 " %s\n", count, count == 1 ? one : more);
}

static void missing(const struct html_page *page)
{
	const struct report *report = page->report;
	const struct model_totals *totals = model_totals(page->model);
	uint64_t malformed = totals->unknown + report->status->counters.malformed;
	char buf[512];

	if (!(totals->lost + totals->late + totals->misfits + malformed + totals->crowded + totals->no_memory + report->problems_all)) {
		fputs("<p class=fine>No record was lost, nothing is missing.</p>\n", page->out);
		return;
	}
	fputs("<section id=missing class=error><h2>Missing</h2>\n<ul>\n", page->out);
	doubt(page->out, totals->lost, "record was lost while recording: counts are exact, times miss samples",
	      "records were lost while recording: counts are exact, times miss samples");
	doubt(page->out, totals->late, "record came late", "records came late");
	doubt(page->out, totals->misfits, "record did not fit the state before it",
	      "records did not fit the state before them");
	doubt(page->out, malformed, "record was malformed", "records were malformed");
	doubt(page->out, totals->crowded, "record was left out: its vCPU or VM has more events or vCPUs than can be",
	      "records were left out: their vCPU or VM has more events or vCPUs than can be");
	doubt(page->out, totals->no_memory, "record found no memory", "records found no memory");
	for (size_t i = 0; i < report->problem_count; i++) {
		reader_describe(&report->problems[i], buf, sizeof(buf));
		fputs("<li>", page->out);
		html_text(page->out, buf);
		putc('\n', page->out);
	}
	doubt(page->out, report->problems_all - report->problem_count, "place more is damaged or incomplete",
	      "places more are damaged or incomplete");
	fputs("</ul></section>\n", page->out);
}

/* --- the page */

static size_t each_event(const struct model *m, const struct model_event **events)
{
	size_t vms, count = 0;
	struct model_vm *const *vm = model_vms(m, &vms);

	for (size_t i = 0; i < vms; i++)
		for (size_t j = 0; j < vm[i]->vcpu_count; j++)
			for (size_t k = 0; k < vm[i]->vcpus[j]->event_count; k++) {
				if (!event_in_use(vm[i]->vcpus[j]->events[k]))
					continue;
				if (events)
					events[count] = vm[i]->vcpus[j]->events[k];
				count++;
			}
	return count;
}

static int by_worst(const void *a, const void *b)
{
	const struct model_event *x = *(const struct model_event *const *)a, *y = *(const struct model_event *const *)b;
	uint64_t xs = hist_max(x->dispatch), ys = hist_max(y->dispatch);

	if (xs != ys)
		return xs < ys ? 1 : -1;
	return html_page_compare(x, y);
}

struct ranked_vm {
	const struct model_vm *vm;
	uint64_t worst_ns;
};

static int by_worst_of_vm(const void *a, const void *b)
{
	const struct ranked_vm *x = a, *y = b;

	if (x->worst_ns != y->worst_ns)
		return x->worst_ns < y->worst_ns ? 1 : -1;
	if (x->vm->pid != y->vm->pid)
		return x->vm->pid < y->vm->pid ? -1 : 1;
	return (x->vm->instance > y->vm->instance) - (x->vm->instance < y->vm->instance);
}

static int sort_vms(struct html_page *page)
{
	struct model_vm *const *vms = model_vms(page->model, &page->vm_count);
	struct ranked_vm *ranked = calloc(page->vm_count + 1, sizeof(*ranked));
	struct model_worst worst;

	page->vms = calloc(page->vm_count + 1, sizeof(*page->vms));
	if (!ranked || !page->vms) {
		free(ranked);
		return -ENOMEM;
	}
	for (size_t i = 0; i < page->vm_count; i++) {
		model_vm_worst(&worst, vms[i], page->report->status->now_ns, false);
		ranked[i] = (struct ranked_vm){ vms[i], worst.kind == WORST_NONE ? 0 : worst.ns };
	}
	qsort(ranked, page->vm_count, sizeof(*ranked), by_worst_of_vm);
	for (size_t i = 0; i < page->vm_count; i++)
		page->vms[i] = ranked[i].vm;
	free(ranked);
	return 0;
}

static int sort_events(struct html_page *page)
{
	page->event_count = each_event(page->model, NULL);
	page->events = calloc(page->event_count + 1, sizeof(*page->events));
	if (!page->events)
		return -ENOMEM;
	each_event(page->model, page->events);
	qsort(page->events, page->event_count, sizeof(*page->events), by_worst);
	return 0;
}

static void contents(const struct html_page *page)
{
	FILE *out = page->out;

	fputs("<nav><a href=\"#findings\">findings</a> <a href=\"#time\">over time</a> <a href=\"#vms\">VMs</a> "
	      "<a href=\"#events\">events</a> <a href=\"#hists\">histograms</a> <a href=\"#blame\">blame</a> <a href=\"#drops\">drops</a> "
	      "<a href=\"#masks\">masks</a> <a href=\"#calls\">calls</a> ", out);
	if (report_html_has_senders(page))
		fputs("<a href=\"#senders\">senders</a> ", out);
	if (model_has_apf(page->model))
		fputs("<a href=\"#faults\">page faults</a> ", out);
	if (page->report->restores)
		fputs("<a href=\"#restores\">restores</a> ", out);
	fputs("<a href=\"#late\">records</a></nav>\n", out);
}

static int body(const struct html_page *page)
{
	int err;

	about(page->out, page->report);
	headline(page);
	tiles(page);
	missing(page);
	contents(page);
	report_html_findings(page);
	err = report_html_latencies(page);
	if (!err)
		err = report_html_vms(page);
	report_html_events(page);
	report_html_hists(page);
	report_html_blame(page);
	if (!err)
		err = report_html_drops(page);
	if (!err)
		err = report_html_masks(page);
	report_html_calls(page);
	if (!err)
		err = report_html_senders(page);
	if (!err)
		err = report_html_apf(page);
	if (!err)
		err = report_html_restores(page);
	report_html_late(page);
	return err;
}

int report_html(FILE *out, const struct report *report)
{
	struct html_page page = { .out = out, .report = report, .model = report->model };
	size_t *findings = verdict_order(report->model, &page.finding_count);
	int err = findings ? sort_vms(&page) : -ENOMEM;

	page.findings = findings;
	if (!err)
		err = sort_events(&page);
	if (!err) {
		report_html_head(out, report->about->host);
		err = body(&page);
		fputs("</main></body></html>\n", out);
	}
	free(findings);
	free(page.vms);
	free(page.events);
	return err;
}
