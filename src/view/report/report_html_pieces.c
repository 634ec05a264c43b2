/* SPDX-License-Identifier: GPL-2.0-only */
/* What several parts of the page are made of. */
#include <inttypes.h>

#include "view/report/html.h"
#include "session/vm_names.h"
#include "view/report/report_html_inside.h"

void html_page_vm(FILE *out, const struct model_vm *vm, unsigned int characters)
{
	const char *raw = name_of(vm)->raw;

	fprintf(out, "%u", vm->pid);
	if (vm->instance)
		fprintf(out, "<small>.%u</small>", vm->instance);
	fputs(" <span class=name>", out);
	html_text_cut(out, raw ? raw : "-", characters);
	fputs("</span>", out);
}

void html_page_cell(FILE *out, uint64_t count)
{
	fprintf(out, "<td%s>%" PRIu64, count ? "" : " class=nil", count);
}

void html_page_no_cell(FILE *out)
{
	fputs("<td class=nil>-", out);
}

void html_page_cell_ns(FILE *out, uint64_t ns)
{
	fprintf(out, "<td data-ns=%" PRIu64 ">", ns);
	html_ns(out, ns);
}

void html_page_cell_hist(FILE *out, const struct hist *h, double quantile)
{
	if (!hist_count(h))
		html_page_no_cell(out);
	else
		html_page_cell_ns(out, quantile < 1 ? hist_quantile(h, quantile) : hist_max(h));
}

void html_page_cells_hist(FILE *out, const struct hist *h)
{
	html_page_cell_hist(out, h, 0.5);
	html_page_cell_hist(out, h, 0.99);
	html_page_cell_hist(out, h, 1);
}

void html_page_cell_doubt(FILE *out, uint64_t lost, int64_t unaccounted)
{
	fputs("<td>", out);
	if (lost)
		fprintf(out, "%" PRIu64 " records lost ", lost);
	if (unaccounted)
		fprintf(out, "%" PRId64 " unaccounted", unaccounted);
}

void html_page_table(FILE *out, const char *head)
{
	fprintf(out, "<div class=box tabindex=0><table><thead>%s</thead><tbody>\n", head);
}

void html_page_table_end(FILE *out)
{
	fputs("</tbody></table></div>\n", out);
}

void html_page_row(FILE *out, const struct model_vcpu *v, const struct model_event *e, size_t hist)
{
	fprintf(out, "<tr data-vm=%u data-instance=%u data-vcpu=%u", v->vm->pid, v->vm->instance, v->id);
	if (e)
		fprintf(out, " data-event=%u", e->event);
	fputs("><th scope=row>", out);
	html_page_vm(out, v->vm, HTML_NAME);
	fprintf(out, "<td>%u", v->id);
	if (e && hist < HTML_HISTS_MAX)
		fprintf(out, "<td><a href=\"#e%zu\">%u</a>", hist, e->event);
	else if (e)
		fprintf(out, "<td>%u", e->event);
	if (e && sdei_role_name(e->role))
		fprintf(out, " %s", sdei_role_name(e->role));
}

void html_page_more(FILE *out, size_t count, size_t shown, const char *what)
{
	if (count > shown)
		fprintf(out, "<p class=more>and %zu %s more: the text and JSON reports have them all</p>\n", count - shown, what);
}

void html_page_bar(FILE *out, const struct html_part *parts, unsigned int count)
{
	double total = 0;

	for (unsigned int i = 0; i < count; i++)
		total += parts[i].value;
	fputs("<div class=bar>", out);
	for (unsigned int i = 0; i < count; i++)
		if (parts[i].value)
			fprintf(out, "<i class=p%u style=\"width:%.2f%%\" title=\"%s %.1f %%\"></i>", i, 100 * parts[i].value / total,
				parts[i].name, 100 * parts[i].value / total);
	fputs("</div>", out);
}

void html_page_key(FILE *out, const struct html_part *parts, unsigned int count)
{
	fputs("<p class=legend>", out);
	for (unsigned int i = 0; i < count; i++)
		fprintf(out, "<span><i class=p%u></i>%s</span> ", i, parts[i].name);
	fputs("</p>\n", out);
}

int html_page_compare(const struct model_event *a, const struct model_event *b)
{
	const struct model_vcpu *v = a->vcpu, *w = b->vcpu;

	if (v->vm->pid != w->vm->pid)
		return v->vm->pid < w->vm->pid ? -1 : 1;
	if (v->vm->instance != w->vm->instance)
		return v->vm->instance < w->vm->instance ? -1 : 1;
	if (v->id != w->id)
		return v->id < w->id ? -1 : 1;
	return (a->event > b->event) - (a->event < b->event);
}
