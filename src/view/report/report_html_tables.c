/* SPDX-License-Identifier: GPL-2.0-only */
/* The tables of the page: VMs, events, blame, drops, masks, calls. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "view/report/html.h"
#include "session/vm_names.h"
#include "view/figures/migration.h"
#include "view/figures/page_calls.h"
#include "view/report/report_html_inside.h"
#include "model/sum.h"
#include "view/figures/why.h"

#define NAME_WHOLE 300	/* once, in the table of VMs: more than a recording keeps of a name */

static uint64_t drops_of(const struct model_counts *c)
{
	return c->coalesced + c->rejected + c->cancelled + c->cleared;
}

/* --- VMs */

static void vm_row(FILE *out, const struct model_vm *vm, const struct model_sum *sum, const struct status *status)
{
	char words[MIGRATION_SIZE];

	fprintf(out, "<tr data-vm=%u data-instance=%u><th scope=row class=whole>", vm->pid, vm->instance);
	html_page_vm(out, vm, NAME_WHOLE);
	fprintf(out, "<td>%s", vm->gone ? "gone" : "there");
	if (*migration_words(words, sizeof(words), vm, status))
		fprintf(out, ", %s", words);
	html_page_cell(out, vm->vcpu_count);
	html_page_cell(out, sum->tally.events);
	html_page_cell(out, sum->tally.count.signals);
	html_page_cell(out, sum->tally.count.dispatched);
	html_page_cell(out, sum->tally.count.completed + sum->tally.count.resumed);
	html_page_cell(out, drops_of(&sum->tally.count));
	html_page_cell(out, sum->tally.unaccounted);
	if (hist_count(sum->dispatch))
		html_page_cell_ns(out, hist_max(sum->dispatch));
	else
		html_page_no_cell(out);
	fputs("</tr>\n", out);
}

int report_html_vms(const struct html_page *page)
{
	const uint64_t now_ns = page->report->status->now_ns;

	fputs("<section id=vms><h2>VMs</h2>\n<p>The worst first.</p>\n", page->out);
	html_page_table(page->out, "<tr><th>VM<th>state<th>vCPUs<th>events<th>signals<th>dispatched<th>completed<th>dropped<th>unaccounted"
		   "<th>worst dispatch");
	for (size_t i = 0; i < page->vm_count && i < HTML_ROWS_MAX; i++) {
		struct model_sum *sum = sum_new(page->vms[i], NULL, now_ns, false);

		if (!sum)
			return -ENOMEM;
		vm_row(page->out, page->vms[i], sum, page->report->status);
		sum_free(sum);
	}
	html_page_table_end(page->out);
	html_page_more(page->out, page->vm_count, HTML_ROWS_MAX, "VMs");
	fputs("</section>\n", page->out);
	return 0;
}

/* --- events */

static void blame_cell(FILE *out, const struct model_blame *blame)
{
	if (model_blame_total(blame))
		fprintf(out, "<td>%s %.0f\xc2\xa0%%", why_part(model_blame_main(blame)), 100 * why_share(blame, model_blame_main(blame)));
	else
		html_page_no_cell(out);
}

static void event_row(FILE *out, const struct model_event *e, size_t i)
{
	static const double quantiles[] = { 0.5, 0.9, 0.99, 0.999, 1 };

	html_page_row(out, e->vcpu, e, i);
	blame_cell(out, model_event_blame(e));
	html_page_cell(out, e->count.signals);
	html_page_cell(out, e->count.dispatched);
	html_page_cell(out, e->count.completed + e->count.resumed);
	html_page_cell(out, drops_of(&e->count));
	for (size_t k = 0; k < 5; k++)
		html_page_cell_hist(out, e->dispatch, quantiles[k]);
	html_page_cell_hist(out, e->handler, 0.99);
	html_page_cell_hist(out, e->handler, 1);
	html_page_cell_hist(out, e->total, 0.99);
	html_page_cell_hist(out, e->total, 1);
	html_page_cell_doubt(out, e->lost, model_event_unaccounted(e));
	putc('\n', out);
}

void report_html_events(const struct html_page *page)
{
	FILE *out = page->out;

	fputs("<section id=events><h2>Events</h2>\n<p>The worst dispatch first. The number of an event leads to its histograms.</p>\n", out);
	html_page_table(out, "<tr><td colspan=4><td colspan=4><th colspan=5>signal to dispatch<th colspan=2>handler<th colspan=2>total<td>"
		   "<tr><th>VM<th>vCPU<th>event<th>waited mostly<th>signals<th>dispatched<th>completed<th>dropped<th>p50<th>p90<th>p99<th>p99.9<th>max"
		   "<th>p99<th>max<th>p99<th>max<th>");
	for (size_t i = 0; i < page->event_count && i < HTML_ROWS_MAX; i++)
		event_row(out, page->events[i], i);
	html_page_table_end(out);
	html_page_more(out, page->event_count, HTML_ROWS_MAX, "events");
	fputs("</section>\n", out);
}

/* --- blame */

static void name_blame(struct html_part parts[BLAME_COUNT])
{
	for (unsigned int part = 0; part < BLAME_COUNT; part++)
		parts[part].name = why_part(part);
}

static void blame_row(FILE *out, const struct model_vm *vm, struct html_part parts[BLAME_COUNT])
{
	struct model_blame blame;

	model_vm_blame(vm, &blame);
	if (!model_blame_total(&blame))
		return;
	fprintf(out, "<tr data-vm=%u data-instance=%u><th scope=row>", vm->pid, vm->instance);
	html_page_vm(out, vm, HTML_NAME);
	html_page_cell_ns(out, model_blame_total(&blame));
	for (unsigned int part = 0; part < BLAME_COUNT; part++)
		parts[part].value = blame.ns[part];
	fputs("<td>", out);
	html_page_bar(out, parts, BLAME_COUNT);
	for (unsigned int part = 0; part < BLAME_COUNT; part++) {
		if (blame.ns[part])
			html_page_cell_ns(out, blame.ns[part]);
		else
			html_page_no_cell(out);
	}
	putc('\n', out);
}

void report_html_blame(const struct html_page *page)
{
	FILE *out = page->out;
	struct html_part parts[BLAME_COUNT];

	name_blame(parts);
	fputs("<section id=blame><h2>Where the time to the dispatch went</h2>\n<p>Of all dispatches whose latency is known, from the first "
	      "queued signal on.</p>\n", out);
	html_page_key(out, parts, BLAME_COUNT);
	html_page_table(out, "<tr><th>VM<th>waited<th class=wide><th>masked<th>disabled<th>blocked<th>entry<th>descheduled<th>in guest<th>in host");
	for (size_t i = 0; i < page->vm_count && i < HTML_ROWS_MAX; i++)
		blame_row(out, page->vms[i], parts);
	html_page_table_end(out);
	html_page_more(out, page->vm_count, HTML_ROWS_MAX, "VMs");
	fputs("</section>\n", out);
}

/* --- drops */

#define DROP_PARTS (REJECT_COUNT + 3)

static void find_drops(struct html_part parts[DROP_PARTS], const struct model_event *e)
{
	unsigned int i = 0;

	parts[i++] = (struct html_part){ "coalesced", e->count.coalesced };
	for (unsigned int reject = 0; reject < REJECT_COUNT; reject++)
		parts[i++] = (struct html_part){ why_reject(reject), e->rejected[reject] };
	parts[i++] = (struct html_part){ "cancelled", e->count.cancelled };
	parts[i] = (struct html_part){ "cleared", e->count.cleared };
}

static void drop_row(FILE *out, const struct model_event *e)
{
	struct html_part parts[DROP_PARTS];

	find_drops(parts, e);
	html_page_row(out, e->vcpu, e, HTML_NO_HIST);
	html_page_cell(out, e->count.signals);
	html_page_cell(out, drops_of(&e->count));
	fputs("<td>", out);
	html_page_bar(out, parts, DROP_PARTS);
	for (unsigned int i = 0; i < DROP_PARTS; i++)
		html_page_cell(out, parts[i].value);
	putc('\n', out);
}

static int by_drops(const void *a, const void *b)
{
	const struct model_event *x = *(const struct model_event *const *)a, *y = *(const struct model_event *const *)b;
	uint64_t xs = drops_of(&x->count), ys = drops_of(&y->count);

	if (xs != ys)
		return xs < ys ? 1 : -1;
	return html_page_compare(x, y);
}

static void put_drops(FILE *out, const struct model_event **events, size_t count)
{
	struct html_part parts[DROP_PARTS];

	find_drops(parts, events[0]);
	fputs("<p>Signals that got no dispatch of their own: coalesced with one that was "
	      "pending, rejected with an error, cancelled, or cleared by an unregister, a reset or the end of the vCPU.</p>\n", out);
	html_page_key(out, parts, DROP_PARTS);
	html_page_table(out, "<tr><td colspan=7><th colspan=4>rejected<td colspan=2>"
		   "<tr><th>VM<th>vCPU<th>event<th>signals<th>dropped<th class=wide><th>coalesced<th>ENOENT<th>EPERM<th>EBUSY<th>other"
		   "<th>cancelled<th>cleared");
	for (size_t i = 0; i < count && i < HTML_ROWS_MAX; i++)
		drop_row(out, events[i]);
	html_page_table_end(out);
	html_page_more(out, count, HTML_ROWS_MAX, "events");
}

int report_html_drops(const struct html_page *page)
{
	const struct model_event **events = calloc(page->event_count + 1, sizeof(*events));
	size_t count = 0;

	if (!events)
		return -ENOMEM;
	for (size_t i = 0; i < page->event_count; i++)
		if (drops_of(&page->events[i]->count))
			events[count++] = page->events[i];
	qsort(events, count, sizeof(*events), by_drops);
	fputs("<section id=drops><h2>Dropped signals by reason</h2>\n", page->out);
	if (count)
		put_drops(page->out, events, count);
	else
		fputs("<p>No signal was dropped.</p>\n", page->out);
	fputs("</section>\n", page->out);
	free(events);
	return 0;
}

/* --- masks */

static const char *mask_now(const struct model_vcpu *v)
{
	if (v->gone)
		return "gone";
	if (!v->mask_known)
		return "unknown";
	return v->masked ? "masked" : "not masked";
}

static void mask_row(FILE *out, const struct model_vcpu *v, const struct model_sum *sum, uint64_t now_ns)
{
	html_page_row(out, v, NULL, HTML_NO_HIST);
	fprintf(out, "<td>%s", mask_now(v));
	html_page_cell_ns(out, model_masked_ns(v, v->gone ? v->gone_ns : now_ns));
	if (sum->seen_ns)
		fprintf(out, "<td>%.1f\xc2\xa0%%", 100.0 * sum->masked_ns / sum->seen_ns);
	else
		html_page_no_cell(out);
	html_page_cell(out, v->mask_calls);
	html_page_cell(out, v->unmask_calls);
	html_page_cell(out, hist_count(v->mask));
	html_page_cell_hist(out, v->mask, 0.5);
	html_page_cell_hist(out, v->mask, 0.99);
	html_page_cell_hist(out, v->mask, 1);
	html_page_cell(out, hist_count(v->initial_mask));
	html_page_cell_hist(out, v->initial_mask, 1);
	putc('\n', out);
}

/* As many as are left of HTML_ROWS_MAX. */
static int vm_masks(const struct html_page *page, const struct model_vm *vm, size_t *rows)
{
	const uint64_t now_ns = page->report->status->now_ns;

	for (size_t i = 0; i < vm->vcpu_count; i++) {
		struct model_sum *sum;

		if (++*rows > HTML_ROWS_MAX)
			continue;
		sum = sum_new(vm, vm->vcpus[i], now_ns, false);
		if (!sum)
			return -ENOMEM;
		mask_row(page->out, vm->vcpus[i], sum, now_ns);
		sum_free(sum);
	}
	return 0;
}

int report_html_masks(const struct html_page *page)
{
	size_t rows = 0;
	int err;

	fputs("<section id=masks><h2>Masks</h2>\n", page->out);
	err = report_html_masked(page);
	fputs("<h3>Masks of each vCPU</h3>\n<p>The initial mask lasts from the start or reset of a vCPU to its first PE_UNMASK.</p>\n",
	      page->out);
	html_page_table(page->out, "<tr><td colspan=7><th colspan=4>PE_MASK to PE_UNMASK<th colspan=2>initial mask"
		   "<tr><th>VM<th>vCPU<th>now<th>masked<th>share<th>PE_MASK<th>PE_UNMASK<th>count<th>p50<th>p99<th>max<th>count<th>max");
	for (size_t i = 0; i < page->vm_count && !err; i++)
		err = vm_masks(page, page->vms[i], &rows);
	html_page_table_end(page->out);
	html_page_more(page->out, rows, HTML_ROWS_MAX, "vCPUs");
	fputs("</section>\n", page->out);
	return err;
}

/* --- calls */

static uint64_t call_sum(const uint64_t counts[MODEL_RESULT_CLASSES])
{
	uint64_t sum = 0;

	for (unsigned int class = 0; class < MODEL_RESULT_CLASSES; class++)
		sum += counts[class];
	return sum;
}

/* A column for what VMMs have to answer only where there is any such call. */
static unsigned int class_count(const struct calls *all)
{
	for (unsigned int i = 0; i < SDEI_CALL_COUNT; i++)
		if (all->count[i][MODEL_RESULT_FORWARDED])
			return MODEL_RESULT_CLASSES;
	return MODEL_RESULT_CLASSES - 1;
}

/* vm NULL: all of them. */
static void call_head(FILE *out, const struct model_vm *vm, const char *name, uint64_t sum)
{
	if (vm)
		fprintf(out, "<tr data-vm=%u data-instance=%u><th scope=row>", vm->pid, vm->instance);
	else
		fputs("<tr class=all><th scope=row>all", out);
	if (vm)
		html_page_vm(out, vm, HTML_NAME);
	fprintf(out, "<td class=word>%s", name);
	html_page_cell(out, sum);
}

/* What the table has: how many result classes, and whether it is known how long calls took. */
struct call_columns {
	unsigned int classes;
	bool timed;
};

/* vm NULL: of all. Returns how many rows there are, of which the first most are written. */
static size_t call_rows(FILE *out, const struct model_vm *vm, const struct calls *calls, struct call_columns columns, size_t most)
{
	size_t rows = 0;

	for (unsigned int i = 0; i < SDEI_CALL_COUNT; i++) {
		uint64_t sum = call_sum(calls->count[i]);

		if (!sum || rows++ >= most)
			continue;
		call_head(out, vm, sdei_call_name(SDEI_FN_FIRST + i), sum);
		if (columns.timed)
			html_page_cells_hist(out, calls->time[i]);
		for (unsigned int class = 0; class < columns.classes; class++)
			html_page_cell(out, calls->count[i][class]);
		putc('\n', out);
	}
	return rows;
}

static void put_calls(const struct html_page *page, const struct calls *all)
{
	struct call_columns columns = { class_count(all), calls_are_timed(all) };
	size_t rows;

	fputs("<div class=box tabindex=0><table><thead><tr><th>VM<th class=word>call<th>count", page->out);
	if (columns.timed)
		fputs("<th>p50<th>p99<th>max", page->out);
	for (unsigned int class = 0; class < columns.classes; class++)
		fprintf(page->out, "<th>%s", model_result_class_name(class));
	fputs("</thead><tbody>\n", page->out);
	rows = call_rows(page->out, NULL, all, columns, HTML_ROWS_MAX);
	for (size_t i = 0; i < page->vm_count; i++) {
		struct calls own = { 0 };

		calls_add_vm(&own, page->vms[i]);
		rows += call_rows(page->out, page->vms[i], &own, columns, rows < HTML_ROWS_MAX ? HTML_ROWS_MAX - rows : 0);
		calls_release(&own);
	}
	html_page_table_end(page->out);
	html_page_more(page->out, rows, HTML_ROWS_MAX, "lines");
}

/* --- PSCI, whose results are others: in words */

static uint64_t psci_sum(const struct psci_counts *psci, unsigned int call)
{
	uint64_t sum = 0;

	for (unsigned int class = 0; class < PSCI_CLASS_COUNT; class++)
		sum += psci->count[call][class];
	return sum;
}

static size_t psci_rows(FILE *out, const struct model_vm *vm, const struct psci_counts *psci, size_t most)
{
	size_t rows = 0;

	for (unsigned int call = 0; call < PSCI_CALL_COUNT; call++) {
		uint64_t sum = psci_sum(psci, call);

		if (!sum || rows++ >= most)
			continue;
		call_head(out, vm, psci_call_name(call), sum);
		fputs("<td class=word>", out);
		for (unsigned int class = 0; class < PSCI_CLASS_COUNT; class++)
			if (psci->count[call][class])
				fprintf(out, "%s %" PRIu64 " ", psci_class_name(class), psci->count[call][class]);
		putc('\n', out);
	}
	return rows;
}

static void put_psci(const struct html_page *page, const struct psci_counts *all)
{
	size_t rows;

	fputs("<h3>PSCI: vCPUs and VMs turned on and off</h3>\n<div class=box tabindex=0><table><thead><tr><th>VM<th class=word>call<th>count"
	      "<th class=word>results</thead><tbody>\n", page->out);
	rows = psci_rows(page->out, NULL, all, HTML_ROWS_MAX);
	for (size_t i = 0; i < page->vm_count; i++) {
		struct calls own = { 0 };

		calls_add_vm(&own, page->vms[i]);
		rows += psci_rows(page->out, page->vms[i], &own.psci, rows < HTML_ROWS_MAX ? HTML_ROWS_MAX - rows : 0);
		calls_release(&own);
	}
	html_page_table_end(page->out);
	html_page_more(page->out, rows, HTML_ROWS_MAX, "lines");
}

void report_html_calls(const struct html_page *page)
{
	struct calls all = { 0 };
	uint64_t sum = 0, psci = 0;

	for (size_t i = 0; i < page->vm_count; i++)
		calls_add_vm(&all, page->vms[i]);
	for (unsigned int i = 0; i < SDEI_CALL_COUNT; i++)
		sum += call_sum(all.count[i]);
	for (unsigned int call = 0; call < PSCI_CALL_COUNT; call++)
		psci += psci_sum(&all.psci, call);
	fputs("<section id=calls><h2>Calls by result</h2>\n", page->out);
	if (sum)
		put_calls(page, &all);
	if (psci)
		put_psci(page, &all.psci);
	if (!sum && !psci)
		fputs("<p>No call was seen.</p>\n", page->out);
	calls_release(&all);
	fputs("</section>\n", page->out);
}
