/* SPDX-License-Identifier: GPL-2.0-only */
/* Pieces that all screens are made of. */
#include "top_inside.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "format.h"

/* --- attributes */

attr_t top_look(const struct top *top, int pair)
{
	static const attr_t plain[] = {
		[PAIR_TITLE] = A_BOLD | A_UNDERLINE, [PAIR_CHOSEN] = A_REVERSE, [PAIR_BAD] = A_BOLD | A_REVERSE,
		[PAIR_WARN] = A_BOLD, [PAIR_SORT] = A_BOLD | A_REVERSE,
	};

	if (!top->color)
		return plain[pair];
	return COLOR_PAIR(pair) | (pair == PAIR_BAD || pair == PAIR_WARN ? A_BOLD : 0);
}

void top_prepare_colors(struct top *top)
{
	const char *no_color = getenv("NO_COLOR");

	top->color = !(no_color && *no_color) && has_colors() && start_color() == OK;
	if (!top->color)
		return;
	use_default_colors();
	init_pair(PAIR_TITLE, COLOR_BLACK, COLOR_GREEN);
	init_pair(PAIR_CHOSEN, COLOR_BLACK, COLOR_CYAN);
	init_pair(PAIR_BAD, COLOR_RED, -1);
	init_pair(PAIR_WARN, COLOR_YELLOW, -1);
	init_pair(PAIR_SORT, COLOR_BLACK, COLOR_CYAN);
}

/* --- drawing: pieces */

void top_put_field(int y, int x, const char *text, unsigned int width, bool left, attr_t look)
{
	unsigned int used;
	size_t bytes = text_cut(text, width, &used);

	attrset(look);
	mvhline(y, x, ' ' | look, width);
	mvaddnstr(y, left ? x : x + (int)(width - used), text, bytes);
	attrset(A_NORMAL);
}

int top_put_piece(int y, int x, attr_t look, const char *format, ...)
{
	char text[300];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (x + (int)text_width(text) > COLS)
		return x;
	attrset(look);
	mvaddstr(y, x, text);
	attrset(A_NORMAL);
	return x + text_width(text) + 2;
}

void top_draw_first_line(const struct top *top)
{
	const struct model_totals *totals = &top->totals;
	char clock[FORMAT_SIZE];
	int x = top_put_piece(0, 0, A_BOLD, "sdeitop on %.24s", top->status.host);

	x = top_put_piece(0, x, A_NORMAL, "%s", format_clock(clock, sizeof(clock), top->status.wall_ns));
	x = top_put_piece(0, x, A_NORMAL, "%zu VM%s", totals->vms, totals->vms == 1 ? "" : "s");
	x = top_put_piece(0, x, A_NORMAL, "%zu vCPU%s", totals->vcpus, totals->vcpus == 1 ? "" : "s");
	if (top->paused)
		x = top_put_piece(0, x, top_look(top, PAIR_WARN), "PAUSED");
	if (*top->filter)
		x = top_put_piece(0, x, top_look(top, PAIR_WARN), "filter: %s", top->filter);
	top_put_piece(0, x, A_NORMAL, "every %gs", top->status.delay_ns / 1e9);
}

static const char *direction(const struct top *top)
{
	const struct column *sort = top->options.sort;
	bool falling = (sort && sort->falling) != top->options.reverse;

	if (top->options.utf8)
		return falling ? "\u2193" : "\u2191";
	return falling ? " desc" : " asc";
}

void top_draw_second_line(const struct top *top)
{
	const struct model_totals *totals = &top->totals;
	const struct view_status *status = &top->status;
	double rate = totals->interval_ns ? totals->interval_records * 1e9 / totals->interval_ns : 0;
	bool few = status->probes_attached < status->probes_total;
	int x = top_put_piece(1, 0, A_NORMAL, "%8.1f events/s", rate);

	x = top_put_piece(1, x, totals->lost ? top_look(top, PAIR_BAD) : A_NORMAL, "LOST %" PRIu64, totals->lost);
	x = top_put_piece(1, x, few ? top_look(top, PAIR_WARN) : A_NORMAL, "probes %u/%u", status->probes_attached,
		      status->probes_total);
	if (status->cpu_percent >= 0)
		x = top_put_piece(1, x, A_NORMAL, "CPU %4.1f%%", status->cpu_percent);
	x = top_put_piece(1, x, A_NORMAL, "by %s%s", top->options.sort ? top->options.sort->id : "vm", direction(top));
	if (top->hidden)
		top_put_piece(1, x, A_NORMAL, "+%zu columns", top->hidden);
}
