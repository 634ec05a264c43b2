/* SPDX-License-Identifier: GPL-2.0-only */
/* Pieces of HTML pages. */
#ifndef VIEW_REPORT_HTML_H
#define VIEW_REPORT_HTML_H

#include <stdint.h>
#include <stdio.h>

/*
 * Writes in so that it is text, in an element as in a quoted attribute: markup and quotes become references; unsafe
 * (see escape.h) and undecodable bytes become \xNN or \uNNNN that one sees, a backslash becomes two.
 */
void html_text(FILE *out, const char *in);

/* The same of at most that many characters, with an ellipsis behind them where there were more. */
void html_text_cut(FILE *out, const char *in, unsigned int most);

/* A duration with its unit: 12.3 µs, 501 ms, 4m05s. */
void html_ns(FILE *out, uint64_t ns);

/* The same of a round one, on an axis: 0, 10 µs, 5 s. */
void html_tick(FILE *out, uint64_t ns);

#endif
