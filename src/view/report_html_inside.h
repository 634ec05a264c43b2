/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of the page, for report_html.c. */
#ifndef VIEW_REPORT_HTML_INSIDE_H
#define VIEW_REPORT_HTML_INSIDE_H

#include "report.h"

/* Latency over time, of all and of each vCPU; nothing without a timeline. 0 or -ENOMEM. */
int report_html_plots(FILE *out, const struct report *report);

#endif
