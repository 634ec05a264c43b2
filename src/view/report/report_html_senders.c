// SPDX-License-Identifier: GPL-2.0-only
/* Who interrupts whom. */
#include <stdlib.h>

#include "model/senders.h"
#include "view/figures/format.h"
#include "view/report/html.h"
#include "view/report/report_html_inside.h"

bool report_html_has_senders(const struct html_page *page)
{
	for (size_t i = 0; i < page->vm_count; i++)
		if (model_has_senders(page->vms[i]))
			return true;
	return false;
}

static void cell_if_known(FILE *out, uint64_t ns)
{
	if (ns)
		html_page_cell_ns(out, ns);
	else
		html_page_no_cell(out);
}

static void pair_row(const struct html_page *page, const struct model_pair *pair)
{
	const struct model_sender *s = pair->sender;
	const struct model_vm *vm = pair->target->vm;
	char last[FORMAT_SIZE];

	fprintf(page->out, "<tr data-vm=%u data-instance=%u data-vcpu=%u data-sender=%u><th scope=row>", vm->pid, vm->instance,
		pair->target->id, s->sender);
	html_page_vm(page->out, vm, HTML_NAME);
	fprintf(page->out, "<td>%u<td>%u", s->sender, pair->target->id);
	cell_if_known(page->out, pair->waiting_ns);
	html_page_cell(page->out, s->signals);
	html_page_cell(page->out, s->dispatched);
	html_page_cell(page->out, s->unanswered);
	cell_if_known(page->out, hist_quantile(s->latency, 0.99));
	cell_if_known(page->out, s->worst_ns);
	fprintf(page->out, "<td>%s\n", format_time(last, sizeof(last), page->report->status, s->last_ns, 3));
}

/* As many as are left of HTML_ROWS_MAX. */
static int vm_rows(const struct html_page *page, const struct model_vm *vm, size_t *rows)
{
	size_t count;
	int err;
	struct model_pair *pairs = model_pairs(vm, page->report->status->now_ns, &count, &err);

	for (size_t i = 0; i < count; i++)
		if (++*rows <= HTML_ROWS_MAX)
			pair_row(page, &pairs[i]);
	free(pairs);
	return err;
}

int report_html_senders(const struct html_page *page)
{
	size_t rows = 0;
	int err = 0;

	if (!report_html_has_senders(page))
		return 0;
	fputs("<section id=senders><h2>Who interrupts whom</h2>\n<p>Which vCPU signals to which. Of each VM first those whose handler is still to "
	      "come, then those of which some never came: refused, cancelled or cleared.</p>\n", page->out);
	html_page_table(page->out, "<tr><th>VM<th>from vCPU<th>to vCPU<th>waiting<th>signals<th>dispatched<th>unanswered<th>p99<th>worst<th>last");
	for (size_t i = 0; i < page->vm_count && !err; i++)
		err = vm_rows(page, page->vms[i], &rows);
	html_page_table_end(page->out);
	html_page_more(page->out, rows, HTML_ROWS_MAX, "pairs");
	fputs("</section>\n", page->out);
	return err;
}
