/* SPDX-License-Identifier: GPL-2.0-only */
/* The list of findings: what holds now first, then the newest. Below it, all about the selected one. */
#include "view/screen/top_inside.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/text.h"
#include "record/text.h"
#include "view/figures/format.h"
#include "session/vm_names.h"
#include "view/figures/why.h"

#define DETAIL_LINES 4		/* a rule and three lines */
#define DETAIL_FROM_LINES 12

static int compare_found(const void *a, const void *b)
{
	const struct model_finding *left = &((const struct found *)a)->finding, *right = &((const struct found *)b)->finding;

	if (left->open != right->open)
		return left->open ? -1 : 1;
	if (left->last_ns != right->last_ns)
		return left->last_ns > right->last_ns ? -1 : 1;
	return (left->first_ns < right->first_ns) - (left->first_ns > right->first_ns);
}

static bool same_finding(const struct model_finding *a, const struct model_finding *b)
{
	return a->code == b->code && a->vm == b->vm && a->instance == b->instance && a->vcpu == b->vcpu &&
	       a->event == b->event && a->first_ns == b->first_ns;
}

static void name_found(const struct top *top, struct found *found)
{
	const struct model_vm *vm = why_vm(top->model, &found->finding);
	const char *name = vm ? name_of(vm)->shown : "-";

	snprintf(found->name, sizeof(found->name), "%.*s", (int)text_cut(name, 20, NULL), name);
}

/* Copies what the model has; the selection stays with its finding unless it is the first row. */
static void take_findings(struct top *top)
{
	size_t count, row = 0;
	const struct model_finding *findings = model_findings(top->model, &count);
	struct found *list = calloc(count ? count : 1, sizeof(*list));

	if (!list)
		return;
	for (size_t i = 0; i < count; i++) {
		list[i].finding = findings[i];
		name_found(top, &list[i]);
	}
	qsort(list, count, sizeof(*list), compare_found);
	if (!top->seek && top->found_row && top->found_row < top->found_count) {
		top->sought = top->found[top->found_row].finding;
		top->seek = true;
	}
	while (top->seek && row < count && !same_finding(&list[row].finding, &top->sought))
		row++;
	top->seek = false;
	free(top->found);
	top->found = list;
	top->found_count = count;
	top->found_row = row < count ? row : 0;
}

void top_open_findings(struct top *top)
{
	top_close_findings(top);
	top->page_stale = true;
	top_go(top, &top_findings_mode);
}

void top_select_finding(struct top *top, const struct model_finding *finding)
{
	if (top->base != &top_findings_mode)
		top_open_findings(top);
	top->sought = *finding;
	top->seek = true;
}

void top_close_findings(struct top *top)
{
	free(top->found);
	top->found = NULL;
	top->found_count = top->found_row = top->found_first = 0;
}

/* --- showing them */

static bool has_detail(void)
{
	return LINES >= DETAIL_FROM_LINES;
}

static size_t visible_findings(const struct top *top)
{
	int taken = top_head_lines(top) + (top_has_foot(top) ? FOOT_LINES : 0) + (has_detail() ? DETAIL_LINES : 0);

	return LINES > taken ? LINES - taken : 1;
}

static const char *clock_at(const struct top *top, uint64_t time_ns, char *buf, size_t size)
{
	return format_clock(buf, size, &top->status, time_ns, 0);
}

static int clock_width(const struct top *top)
{
	return format_clock_width(&top->status, 0);
}

static void format_id(char *buf, size_t size, uint32_t id)
{
	if (id == SDEI_NONE)
		snprintf(buf, size, "-");
	else
		snprintf(buf, size, "%" PRIu32, id);
}

/* Where the columns begin that are left out on narrow screens. */
#define LINE_FORMAT "%.1s %-18s %7s %4s %3s"
#define TIMES_FROM_COLUMNS 62
#define TEXT_FROM_COLUMNS 72

#define RECORD_DECIMALS 6

static void format_found(const struct top *top, const struct found *found, char *line, size_t size)
{
	const struct model_finding *f = &found->finding;
	char vm[16], vcpu[16], event[16], first[FORMAT_SIZE], last[FORMAT_SIZE], count[FORMAT_SIZE], what[FINDING_TEXT_SIZE];
	int length;

	format_id(vm, sizeof(vm), f->vm);
	format_id(vcpu, sizeof(vcpu), f->vcpu);
	format_id(event, sizeof(event), f->event);
	length = snprintf(line, size, LINE_FORMAT " %*s", severity_name(finding_severity(f->code)), finding_code_name(f->code), vm,
			  vcpu, event, clock_width(top), clock_at(top, f->first_ns, first, sizeof(first)));
	if (COLS >= TIMES_FROM_COLUMNS)
		length += snprintf(line + length, size - length, " %*s %5s", clock_width(top), clock_at(top, f->last_ns, last, sizeof(last)),
				   format_count(count, sizeof(count), f->count, 5));
	finding_describe(f, what, sizeof(what));
	if (COLS >= TEXT_FROM_COLUMNS)
		snprintf(line + length, size - length, " %s", what);
}

static void draw_titles(const struct top *top)
{
	char line[200];
	int length = snprintf(line, sizeof(line), LINE_FORMAT " %*s", " ", "FINDING", "VM", "vCPU", "EV", clock_width(top), "FIRST");

	if (COLS >= TIMES_FROM_COLUMNS)
		length += snprintf(line + length, sizeof(line) - length, " %*s %5s", clock_width(top), "LAST", "COUNT");
	if (COLS >= TEXT_FROM_COLUMNS)
		snprintf(line + length, sizeof(line) - length, " WHAT");
	top_put_field(top_head_lines(top) - 1, 0, line, COLS, true, top_look(top, PAIR_TITLE));
}

static attr_t found_look(const struct top *top, size_t row)
{
	const struct model_finding *f = &top->found[row].finding;

	if (row == top->found_row)
		return top_look(top, PAIR_CHOSEN);
	if (!f->open)
		return A_DIM;
	return finding_severity(f->code) == FINDING_ERROR ? top_look(top, PAIR_BAD) : A_NORMAL;
}

/* "12:00:01.000123Z +1.2us signal of event 1, state RE--- -> RE-P- queued, from vCPU 0". */
static void format_evidence(const struct top *top, const struct model_finding *f, char *buf, size_t size)
{
	const struct sdei_record *r = &f->record.head;
	const char *kind = sdei_kind_name(r->kind);
	char clock[FORMAT_SIZE], since[FORMAT_SIZE], event[24] = "", before[6], after[6];
	FILE *out;

	*buf = '\0';
	if (!f->has_record)
		return;
	format_clock(clock, sizeof(clock), &top->status, r->time_ns, RECORD_DECIMALS);
	if (r->event != SDEI_NONE)
		snprintf(event, sizeof(event), " of event %" PRIu32, r->event);
	out = fmemopen(buf, size, "w");
	if (!out)
		return;
	fputs(clock, out);
	if (f->before_ns && r->time_ns >= f->before_ns)
		fprintf(out, " +%s", format_age(since, sizeof(since), r->time_ns - f->before_ns));
	fprintf(out, " %s%s, state %s -> %s ", kind ? kind : "?", event, sdei_state_letters(f->state_before, before),
		sdei_state_letters(r->state, after));
	record_text_details(out, &f->record);
	fclose(out);
}

static void draw_detail(const struct top *top)
{
	const struct found *found = &top->found[top->found_row];
	const struct model_finding *f = &found->finding;
	char line[320], where[WHY_SIZE], what[FINDING_TEXT_SIZE], first[FORMAT_SIZE], last[FORMAT_SIZE];
	int y = LINES - FOOT_LINES - DETAIL_LINES;

	mvhline(y, 0, top->options.utf8 ? 0 : '-', COLS);
	finding_describe(f, what, sizeof(what));
	snprintf(line, sizeof(line), "%s: %s", why_where(where, sizeof(where), f, found->name), what);
	top_put_field(y + 1, 0, line, COLS, true, A_BOLD);
	snprintf(line, sizeof(line), "first %s, last %s%s", clock_at(top, f->first_ns, first, sizeof(first)),
		 clock_at(top, f->last_ns, last, sizeof(last)), f->open ? ", still so" : "");
	top_put_field(y + 2, 0, line, COLS, true, A_NORMAL);
	format_evidence(top, f, line, sizeof(line));
	top_put_field(y + 3, 0, line, COLS, true, A_NORMAL);
}

static void keep_in_view(struct top *top)
{
	size_t visible = visible_findings(top);

	if (top->found_row < top->found_first)
		top->found_first = top->found_row;
	if (top->found_row >= top->found_first + visible)
		top->found_first = top->found_row - visible + 1;
}

static void draw_findings(struct top *top)
{
	size_t visible = visible_findings(top);
	char line[320];

	if (!top->paused || top->page_stale)
		take_findings(top);
	top->page_stale = false;
	keep_in_view(top);
	top_draw_head(top);
	draw_titles(top);
	for (size_t i = 0; i < visible && top->found_first + i < top->found_count; i++) {
		format_found(top, &top->found[top->found_first + i], line, sizeof(line));
		top_put_field(top_head_lines(top) + i, 0, line, COLS, true, found_look(top, top->found_first + i));
	}
	if (!top->found_count)
		mvaddnstr(top_head_lines(top) + 1, 2, "No findings.", COLS - 2);
	else if (has_detail())
		draw_detail(top);
	top_draw_foot(top);
}

static void move_findings(struct top *top, long lines)
{
	long row = (long)top->found_row + lines, last = (long)top->found_count - 1;

	row = row > last ? last : row;
	top->found_row = row < 0 ? 0 : row;
}

static void enter_finding(struct top *top)
{
	const struct found *found = top->found_count ? &top->found[top->found_row] : NULL;
	const struct model_finding *f = found ? &found->finding : NULL;
	struct row_id id;

	if (!f || f->vcpu == SDEI_NONE)
		return;
	id = (struct row_id){
		.pid = f->vm, .instance = f->instance, .vcpu = f->vcpu, .event = f->event, .has_event = f->event != SDEI_NONE,
	};
	top_show_event(top, &id, found->name);
}

/* As in the table. */
static void click_finding(struct top *top, int y, int x)
{
	size_t row = top->found_first + y - top_head_lines(top);

	if (y < top_head_lines(top) || row >= top->found_count || row >= top->found_first + visible_findings(top))
		return;
	if (row == top->found_row)
		enter_finding(top);
	else
		top->found_row = row;
}

static void leave_findings(struct top *top)
{
	top_close_findings(top);
	top_go(top, &top_table_mode);
}

const struct mode top_findings_mode = {
	.draw = draw_findings, .key = top_common_key, .where = IN_FINDINGS, .go = move_findings, .page = visible_findings,
	.enter = enter_finding, .back = leave_findings, .click = click_finding,
};
