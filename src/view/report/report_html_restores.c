/* SPDX-License-Identifier: GPL-2.0-only */
/* How interrupt controllers were saved and restored on the page: a line for each VM, its steps folded. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "view/report/html.h"
#include "view/report/report_html_inside.h"

#define HTML_RESTORES_MAX 64
#define HTML_STEPS_MAX 200	/* rows of a VM */

/* Names are text, whatever they are. text is changed. */
static void put_lines(FILE *out, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n"))) {
		html_text(out, line);
		if (text)
			putc('\n', out);
	}
}

static int put_vm(const struct html_page *page, const struct restore_vm *vm)
{
	const struct restore_view *view = page->report->restores;
	char *text = NULL;
	size_t size, line;
	FILE *memory = open_memstream(&text, &size);

	if (!memory)
		return -ENOMEM;
	restore_vm_brief(memory, view, vm);
	putc('\0', memory);
	fflush(memory);
	line = size;
	restore_vm_text(memory, view, vm, HTML_STEPS_MAX);
	if (fclose(memory)) {
		free(text);
		return -ENOMEM;
	}
	fprintf(page->out, "<details data-vm=%u><summary>", vm->pid);
	html_text(page->out, text);
	fputs("</summary><div class=box tabindex=0><pre>", page->out);
	put_lines(page->out, text + line);
	fputs("</pre></div></details>\n", page->out);
	free(text);
	return 0;
}

int report_html_restores(const struct html_page *page)
{
	const struct restore_view *view = page->report->restores;
	const struct restore_vm *const *vms;
	size_t count;
	int err = 0;

	if (!view)
		return 0;
	vms = restore_vms(view->restore, &count);
	fputs("<section id=restores><h2>Saves and restores of interrupt controllers</h2>\n", page->out);
	if (view->lost)
		fprintf(page->out, "<p class=error>%" PRIu64 " steps are missing, and what was found may be due to that.</p>\n", view->lost);
	for (size_t i = 0; i < count && i < HTML_RESTORES_MAX && !err; i++)
		err = put_vm(page, vms[i]);
	html_page_more(page->out, count, HTML_RESTORES_MAX, "VMs");
	fputs("</section>\n", page->out);
	return err;
}
