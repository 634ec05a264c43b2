/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of the page. Each writes a section with its heading, and says so where there is nothing to show. Figures stand
 * in table cells as people read them; a duration's cell has the ns in data-ns, too, and a row says whom it is about in
 * data-vm, data-instance, data-vcpu and data-event.
 */
#ifndef VIEW_REPORT_REPORT_HTML_INSIDE_H
#define VIEW_REPORT_REPORT_HTML_INSIDE_H

#include "view/report/report.h"

#define HTML_ROWS_MAX 500	/* of a table; what is beyond them is counted */

struct html_page {
	FILE *out;
	const struct report *report;
	const struct model *model;
	const struct model_event **events;	/* those in use, the worst dispatch first */
	size_t event_count;
	const struct model_vm **vms;		/* all, by the worst of each, past or open */
	size_t vm_count;
	const size_t *findings;			/* all, as verdict_order() has them */
	size_t finding_count;
};

/* Up to the body: the title, and how all parts look. */
#define HTML_NO_HOST "an unknown host"
void report_html_head(FILE *out, const char *host);

/* Pieces that the parts share. */
#define HTML_NAME 40	/* characters of a VM's name, where it is known already who that is */
void html_page_vm(FILE *out, const struct model_vm *vm, unsigned int characters);	/* "80 web-1", the name cut */
void html_page_cell(FILE *out, uint64_t count);
void html_page_no_cell(FILE *out);	/* of what is not known */
void html_page_cell_ns(FILE *out, uint64_t ns);
void html_page_cell_hist(FILE *out, const struct hist *h, double quantile);	/* 1: the largest */
void html_page_cells_hist(FILE *out, const struct hist *h);			/* p50, p99, the largest */
void html_page_cell_doubt(FILE *out, uint64_t lost, int64_t unaccounted);	/* why the row may not be all, if so */
void html_page_table(FILE *out, const char *head);
void html_page_table_end(FILE *out);
void html_page_more(FILE *out, size_t count, size_t shown, const char *what);	/* says how many were left out, if any */

/* Opens a row: VM, vCPU and, unless e is NULL, its event, which refers to the histogram of that index (HTML_NO_HIST: to none). */
#define HTML_NO_HIST SIZE_MAX
void html_page_row(FILE *out, const struct model_vcpu *v, const struct model_event *e, size_t hist);

/* By VM, vCPU and event. */
int html_page_compare(const struct model_event *a, const struct model_event *b);

/* A bar of coloured parts p0 …, as wide as their values are; of 0: nothing. */
struct html_part {
	const char *name;
	uint64_t value;
};
void html_page_bar(FILE *out, const struct html_part *parts, unsigned int count);
void html_page_key(FILE *out, const struct html_part *parts, unsigned int count);

/* report_html_tables.c; 0 or -ENOMEM */
int report_html_vms(const struct html_page *page);
void report_html_events(const struct html_page *page);
void report_html_blame(const struct html_page *page);
int report_html_drops(const struct html_page *page);
int report_html_masks(const struct html_page *page);
void report_html_calls(const struct html_page *page);

/* report_html_senders.c: who interrupts whom; nothing at all where no vCPU signals. 0 or -ENOMEM */
bool report_html_has_senders(const struct html_page *page);
int report_html_senders(const struct html_page *page);

/* report_html_apf.c: asynchronous page faults; nothing at all where there is none. 0 or -ENOMEM */
int report_html_apf(const struct html_page *page);

/* report_html_restores.c: how interrupt controllers were saved and restored; nothing at all where none was. 0 or -ENOMEM */
int report_html_restores(const struct html_page *page);

/* report_html_hists.c: dispatch, handler and total of the worst events; the table of events refers to "#e0" … of them. */
#define HTML_HISTS_MAX 64
void report_html_hists(const struct html_page *page);

/* report_html_plots.c: latencies over time, of all and of each vCPU; masks and page faults over time, without a section of their own. 0 or -ENOMEM */
int report_html_latencies(const struct html_page *page);
int report_html_masked(const struct html_page *page);
int report_html_faults(const struct html_page *page);

/* report_html_frames.c: which guest frames had page faults, and when; without a section of its own. 0 or -ENOMEM */
int report_html_frames(const struct html_page *page);

/* report_html_evidence.c: findings and the worst dispatches, with the records around them. */
void report_html_findings(const struct html_page *page);
void report_html_late(const struct html_page *page);

#endif
