/* SPDX-License-Identifier: GPL-2.0-only */
/* Pieces that all screens are made of. */
#include "view/screen/top_inside.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"
#include "view/figures/format.h"

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

attr_t top_page_look(const struct top *top, enum page_look page_look)
{
	static const attr_t plain[LOOK_HEAT] = {
		[LOOK_HEAD] = A_BOLD, [LOOK_DIM] = A_DIM, [LOOK_BAD] = A_BOLD | A_REVERSE, [LOOK_WARN] = A_BOLD,
		[LOOK_CHOSEN] = A_REVERSE,
	};

	if (page_look >= LOOK_HEAT)
		return top->color ? COLOR_PAIR(PAIR_PAGE + page_look) : A_NORMAL;
	if (page_look == LOOK_BAD || page_look == LOOK_WARN || page_look == LOOK_CHOSEN)
		return top_look(top, page_look == LOOK_BAD ? PAIR_BAD : page_look == LOOK_WARN ? PAIR_WARN : PAIR_CHOSEN);
	return plain[page_look];
}

void top_prepare_colors(struct top *top)
{
	static const short heat[] = { COLOR_WHITE, COLOR_BLUE, COLOR_CYAN, COLOR_GREEN, COLOR_YELLOW, COLOR_RED };
	static const short parts[BLAME_COUNT] = {
		COLOR_MAGENTA, COLOR_BLUE, COLOR_RED, COLOR_GREEN, COLOR_YELLOW, COLOR_CYAN, COLOR_WHITE,
	};
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
	for (int i = 0; i < 6; i++)
		init_pair(PAIR_PAGE + LOOK_HEAT + i, heat[i], -1);
	for (int i = 0; i < BLAME_COUNT; i++)
		init_pair(PAIR_PAGE + LOOK_PART + i, COLOR_BLACK, parts[i]);
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

/* Where in the hierarchy the table is; nothing for all events. */
static int draw_station(const struct top *top, int x)
{
	static const char *const levels[] = { [LEVEL_EVENT] = "events", [LEVEL_VCPU] = "vCPUs", [LEVEL_VM] = "VMs" };
	const struct station *at = &top->at;
	char crumbs[128];

	if (at->within == LEVEL_EVENT && at->level == LEVEL_EVENT)
		return x;
	if (at->within == LEVEL_EVENT)
		return top_put_piece(0, x, A_BOLD, "all %s", levels[at->level]);
	top_crumbs(at->within, &at->of, at->name, crumbs, sizeof(crumbs));
	return top_put_piece(0, x, A_BOLD, "%s > %s", crumbs, levels[at->level]);
}

static int draw_clock(const struct top *top, int x)
{
	char clock[FORMAT_SIZE];

	return top_put_piece(0, x, A_NORMAL, "%s", format_clock(clock, sizeof(clock), &top->status, top->status.now_ns, 0));
}

static int draw_totals(const struct top *top, int x)
{
	const struct model_totals *totals = &top->totals;

	if (!totals->vms && top->gone_vms)
		return top_put_piece(0, x, A_NORMAL, "%zu VM%s gone", top->gone_vms, top->gone_vms == 1 ? "" : "s");
	x = top_put_piece(0, x, A_NORMAL, "%zu VM%s", totals->vms, totals->vms == 1 ? "" : "s");
	return top_put_piece(0, x, A_NORMAL, "%zu vCPU%s", totals->vcpus, totals->vcpus == 1 ? "" : "s");
}

static int draw_choice(const struct top *top, int x)
{
	if (top->paused)
		x = top_put_piece(0, x, top_look(top, PAIR_WARN), "PAUSED");
	if (*top->filter_text)
		x = top_put_piece(0, x, top_look(top, PAIR_WARN), "filter: %s", top->filter_text);
	return top->base == &top_table_mode ? draw_station(top, x) : x;
}

/* In a replay the place takes so much room that what was chosen goes before what hardly changes. */
static void draw_first_line(const struct top *top)
{
	int x;

	if (top->options.replay) {
		x = draw_choice(top, draw_clock(top, top_put_position(top, 0)));
		x = draw_totals(top, top_put_piece(0, x, A_BOLD, "%.24s", top->status.host));
	} else {
		x = draw_clock(top, top_put_piece(0, 0, A_BOLD, "sdeitop on %.24s", top->status.host));
		x = draw_choice(top, draw_totals(top, x));
	}
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

/* What the rows are sorted by, and how many columns found no room. Where it ends. */
static int draw_order(const struct top *top, int x)
{
	x = top_put_piece(1, x, A_NORMAL, "by %s%s", top->options.sort ? top->options.sort->id : "vm", direction(top));
	return top->hidden ? top_put_piece(1, x, A_NORMAL, "+%zu columns", top->hidden) : x;
}

static void draw_second_line(const struct top *top)
{
	const struct model_totals *totals = &top->totals;
	const struct status *status = &top->status;
	double rate = model_per_second(totals->interval_records, totals->interval_ns);
	bool few = status->probes_attached < status->probes_total;
	char findings[WHY_SIZE];
	int x = top_put_piece(1, 0, A_NORMAL, "%8.1f events/s", rate);

	x = top_put_piece(1, x, totals->lost ? top_look(top, PAIR_BAD) : A_NORMAL, "LOST %" PRIu64, totals->lost);
	if (top->findings.all)
		x = top_put_piece(1, x, top->findings.open ? top_look(top, PAIR_BAD) : A_NORMAL, "%s",
				  why_counts(findings, sizeof(findings), &top->findings));
	if (top->recent)
		x = top_put_piece(1, x, top_look(top, PAIR_WARN), "interval's times");
	x = top_put_piece(1, x, few ? top_look(top, PAIR_WARN) : A_NORMAL, "probes %u/%u", status->probes_attached,
		      status->probes_total);
	if (top->base == &top_table_mode)
		x = draw_order(top, x);
	if (status->cpu_percent >= 0)
		top_put_piece(1, x, A_NORMAL, "CPU %4.1f%%", status->cpu_percent);
}

static bool has_bar(const struct top *top)
{
	return top->options.replay && LINES >= BAR_FROM_LINES;
}

int top_head_lines(const struct top *top)
{
	return HEAD_LINES + has_bar(top);
}

void top_draw_head(const struct top *top)
{
	draw_first_line(top);
	draw_second_line(top);
	if (has_bar(top))
		top_draw_bar(top, HEAD_LINES - 1);
}

/* --- the last line */

bool top_has_foot(const struct top *top)
{
	return LINES >= FOOT_FROM_LINES || *top->message;
}

void top_draw_foot(const struct top *top)
{
	if (*top->message)
		top_put_field(LINES - 1, 0, top->message, COLS, true, top_look(top, PAIR_WARN));
	else if (top_has_foot(top))
		top_draw_keys(top);
}
