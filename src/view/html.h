/* SPDX-License-Identifier: GPL-2.0-only */
/* Pieces of HTML pages. */
#ifndef VIEW_HTML_H
#define VIEW_HTML_H

#include <stdio.h>

/*
 * Writes in so that it is text, in an element as in a quoted attribute: markup and quotes become references; unsafe
 * (see escape.h) and undecodable bytes become \xNN or \uNNNN that one sees, a backslash becomes two.
 */
void html_text(FILE *out, const char *in);

#endif
