/* SPDX-License-Identifier: GPL-2.0-only */
/* Which guest frames of a VM had page faults, and when: a heat map of each VM. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "model/apf.h"
#include "model/fault_history.h"
#include "view/figures/format.h"
#include "view/report/html.h"
#include "view/report/report_html_heat.h"
#include "view/report/report_html_inside.h"

#define MAPS_SHOWN 8
#define FRAME_KIB 4

struct map {
	const struct model_vm *vm;
	const struct fault_history *history;
	uint64_t faults;	/* whose frame is known */
};

static uint64_t faults_of_row(const struct fault_history *h, unsigned int row)
{
	uint64_t sum = 0;

	for (unsigned int c = 0; c < h->time.used; c++)
		sum += h->columns[c].rows[row];
	return sum;
}

static uint64_t faults_of(const struct fault_history *h)
{
	uint64_t sum = 0;

	for (unsigned int row = 0; row < h->frames.used; row++)
		sum += faults_of_row(h, row);
	return sum;
}

static struct heat_scale scale_of(const struct fault_history *h)
{
	uint64_t min = UINT64_MAX, max = 0;

	for (unsigned int c = 0; c < h->time.used; c++) {
		for (unsigned int row = 0; row < h->frames.used; row++) {
			uint64_t count = h->columns[c].rows[row];

			min = count && count < min ? count : min;
			max = count > max ? count : max;
		}
	}
	return heat_scale_of(HEAT_COUNT, min, max);
}

/* --- a map: the highest frame at the top */

static void put_size(FILE *out, const struct fault_axis *frames)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double size = (double)FRAME_KIB * fault_axis_width(frames);
	unsigned int unit = 0;

	for (; size >= 1024 && unit < sizeof(units) / sizeof(units[0]) - 1; unit++)
		size /= 1024;
	fprintf(out, "%g\xc2\xa0%s", size, units[unit]);
}

static void put_labels(FILE *out, const struct fault_history *h)
{
	fputs("<div class=left>", out);
	for (unsigned int row = h->frames.used; row-- > 0;)
		fprintf(out, "<span>0x%" PRIx64 "</span>", fault_axis_begin(&h->frames, row));
	fputs("</div>\n", out);
}

static void put_cells(FILE *out, const struct fault_history *h, const struct heat_scale *scale)
{
	const struct heat_time time = { h->time.used, fault_axis_width(&h->time) };
	unsigned char shades[FAULT_COLUMNS];

	heat_begin(out, &time, h->frames.used, "Page faults by guest frame and time");
	for (unsigned int row = h->frames.used; row-- > 0;) {
		for (unsigned int c = 0; c < h->time.used; c++)
			shades[c] = heat_shade(scale, h->columns[c].rows[row]);
		heat_row(out, h->frames.used - 1 - row, shades, h->time.used);
	}
	fputs("</svg>\n<div class=right>", out);
	for (unsigned int row = h->frames.used; row-- > 0;)
		fprintf(out, "<span>%" PRIu64 "</span>", faults_of_row(h, row));
	fputs("</div>", out);
	heat_ticks(out, &time);
}

static void put_map(const struct html_page *page, const struct map *map)
{
	const struct fault_history *h = map->history;
	const struct heat_scale scale = scale_of(h);
	char begin[FORMAT_SIZE];
	FILE *out = page->out;

	fprintf(out, "<div class=\"worst frames\" data-vm=%u data-instance=%u><p>", map->vm->pid, map->vm->instance);
	html_page_vm(out, map->vm, HTML_NAME);
	fputs(": a row is ", out);
	put_size(out, &h->frames);
	fprintf(out, ", time is counted from %s.</p>\n",
		format_time(begin, sizeof(begin), page->report->status, fault_axis_begin(&h->time, 0), 3));
	heat_legend(out, &scale);
	fputs("<div class=map>", out);
	put_labels(out, h);
	put_cells(out, h, &scale);
	fputs("</div></div>\n", out);
}

/* --- all of them */

static int by_faults(const void *a, const void *b)
{
	const struct map *x = a, *y = b;

	if (x->faults != y->faults)
		return x->faults < y->faults ? 1 : -1;
	if (x->vm->pid != y->vm->pid)
		return x->vm->pid < y->vm->pid ? -1 : 1;
	return (x->vm->instance > y->vm->instance) - (x->vm->instance < y->vm->instance);
}

/* Those that have a frame; how many of them. */
static size_t sort_maps(struct map *maps, const struct html_page *page)
{
	size_t count = 0;

	for (size_t i = 0; i < page->vm_count; i++) {
		const struct fault_history *h = model_vm_fault_history(page->vms[i]);

		if (h && h->frames.used)
			maps[count++] = (struct map){ page->vms[i], h, faults_of(h) };
	}
	qsort(maps, count, sizeof(*maps), by_faults);
	return count;
}

static void put_maps(const struct html_page *page, const struct map *maps, size_t count)
{
	size_t shown = count < MAPS_SHOWN ? count : MAPS_SHOWN;
	size_t left_out = count - shown + model_fault_histories_left_out(page->model);

	fputs("<h3>Guest frames over time</h3>\n<p>Where in its memory each VM had page faults, those with a record each: on the left the "
	      "first guest frame (gfn) of a row, on the right how many there were.</p>\n", page->out);
	for (size_t i = 0; i < shown; i++)
		put_map(page, &maps[i]);
	if (left_out)
		fprintf(page->out, "<p class=more>%zu more VMs are left out.</p>\n", left_out);
}

int report_html_frames(const struct html_page *page)
{
	struct map *maps = calloc(page->vm_count + 1, sizeof(*maps));
	size_t count;

	if (!maps)
		return -ENOMEM;
	count = sort_maps(maps, page);
	if (count)
		put_maps(page, maps, count);
	free(maps);
	return 0;
}
