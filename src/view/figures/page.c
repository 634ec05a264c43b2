/* SPDX-License-Identifier: GPL-2.0-only */
#include "view/figures/page.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "view/figures/format.h"

#define TIME_WIDTH 8

void page_clear(struct page *page)
{
	for (size_t i = 0; i < page->count; i++) {
		for (size_t j = 0; j < page->lines[i].count; j++)
			free(page->lines[i].spans[j].text);
		free(page->lines[i].spans);
	}
	free(page->lines);
	memset(page, 0, sizeof(*page));
}

void page_line(struct page *page)
{
	struct page_line *lines = reallocarray(page->lines, page->count + 1, sizeof(*lines));

	if (!lines) {
		page->no_memory = true;
		return;
	}
	page->lines = lines;
	lines[page->count++] = (struct page_line){ .count = 0 };
}

/* text is owned from here on. */
static void add_span(struct page *page, enum page_look look, char *text)
{
	struct page_line *line = page->count ? &page->lines[page->count - 1] : NULL;
	struct page_span *spans = line && text ? reallocarray(line->spans, line->count + 1, sizeof(*spans)) : NULL;

	if (!spans) {
		page->no_memory = true;
		free(text);
		return;
	}
	line->spans = spans;
	spans[line->count++] = (struct page_span){ .look = look, .text = text };
}

void page_put(struct page *page, enum page_look look, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	add_span(page, look, text);
}

void page_put_us(struct page *page, uint64_t ns)
{
	char text[FORMAT_SIZE];

	page_put(page, LOOK_PLAIN, " %*s", TIME_WIDTH, ns ? format_us(text, sizeof(text), ns, TIME_WIDTH) : "-");
}

void page_repeat(struct page *page, enum page_look look, const char *text, size_t count)
{
	size_t length = strlen(text);
	char *all = malloc(length * count + 1);

	for (size_t i = 0; all && i < count; i++)
		memcpy(all + i * length, text, length);
	if (all)
		all[length * count] = '\0';
	add_span(page, look, all);
}

void page_print(const struct page *page, FILE *out)
{
	for (size_t i = 0; i < page->count; i++) {
		for (size_t j = 0; j < page->lines[i].count; j++)
			fputs(page->lines[i].spans[j].text, out);
		putc('\n', out);
	}
}
