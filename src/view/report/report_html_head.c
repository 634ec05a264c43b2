/* SPDX-License-Identifier: GPL-2.0-only */
#include "view/report/html.h"
#include "view/report/report_html_inside.h"

/* How the page looks: report.css, made strings of by the build. */
static const char *const style[] = {
#include "report.css.inc"
};

void report_html_head(FILE *out, const char *host)
{
	fputs("<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>\n"
	      "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	      "<meta name=viewport content=\"width=device-width, initial-scale=1\">\n<title>SDEI on ", out);
	html_text(out, *host ? host : HTML_NO_HOST);
	fputs("</title>\n<style>\n", out);
	for (size_t i = 0; i < sizeof(style) / sizeof(style[0]); i++)
		fputs(style[i], out);
	fputs("</style></head><body><main>\n", out);
}
