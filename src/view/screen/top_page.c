/* SPDX-License-Identifier: GPL-2.0-only */
/* The page of one event or vCPU; the heat map, the calls, the senders and the asynchronous page faults of what a row stands for. */
#include "view/screen/top_inside.h"

#include <string.h>

#include "util/text.h"
#include "view/figures/page_apf.h"
#include "view/figures/page_calls.h"
#include "view/figures/page_event.h"
#include "view/figures/page_senders.h"

#define HISTOGRAM_ROWS 12
#define PAIRS_MAX 1000

static size_t visible_lines(const struct top *top)
{
	int taken = top_head_lines(top) + (top_has_foot(top) ? FOOT_LINES : 0);

	return LINES > taken ? LINES - taken : 1;
}

/* --- making it */

static const struct model_vm *find_vm(const struct top *top)
{
	size_t count;
	struct model_vm *const *vms = model_vms(top->model, &count);

	for (size_t i = 0; i < count; i++)
		if (vms[i]->pid == top->page_of.pid && vms[i]->instance == top->page_of.instance)
			return vms[i];
	return NULL;
}

static void make_gone(struct top *top)
{
	page_line(&top->page);
	page_put(&top->page, LOOK_WARN, "The VM is gone and forgotten.");
}

static const struct model_vcpu *find_vcpu(const struct top *top, const struct model_vm *vm)
{
	return vm ? model_vcpu(vm, top->page_of.vcpu) : NULL;
}

/* Of a VM all, of any other row those of its vCPU. */
static void make_calls(struct top *top)
{
	const struct model_vm *vm = find_vm(top);
	const struct model_vcpu *vcpu = find_vcpu(top, vm);
	struct calls calls = { 0 };

	if (vm && top->page_level == LEVEL_VM)
		calls_add_vm(&calls, vm);
	else if (vcpu)
		calls_add_vcpu(&calls, vcpu);
	else
		return make_gone(top);
	page_calls(&top->page, &calls, false);
	calls_release(&calls);
	if (top->page.count == 1) {
		page_line(&top->page);
		page_put(&top->page, LOOK_DIM, "no call seen yet");
	}
}

/* As the calls: of a VM all pairs, of any other row those to its vCPU. */
static void make_senders(struct top *top)
{
	const struct model_vm *vm = find_vm(top);
	const struct model_vcpu *vcpu = top->page_level == LEVEL_VM ? NULL : find_vcpu(top, vm);

	if (!vm || (!vcpu && top->page_level != LEVEL_VM))
		return make_gone(top);
	page_senders(&top->page, vm, vcpu, &top->status, PAIRS_MAX);
	if (top->page.count == 1) {
		page_line(&top->page);
		page_put(&top->page, LOOK_DIM, "no signal from a vCPU seen yet");
	}
}

/* As the calls. */
static void make_apf(struct top *top, const struct page_scope *scope)
{
	const struct model_vm *vm = find_vm(top);
	const struct model_vcpu *vcpu = top->page_level == LEVEL_VM ? NULL : find_vcpu(top, vm);

	if (vm && (vcpu || top->page_level == LEVEL_VM))
		page_apf(&top->page, vm, vcpu, scope);
	else
		make_gone(top);
}

static void make_event(struct top *top, const struct page_scope *scope)
{
	const struct model_vm *vm = find_vm(top);
	const struct model_vcpu *vcpu = find_vcpu(top, vm);
	const struct model_event *event = NULL;

	if (vcpu && top->page_of.has_event)
		event = model_event(vcpu, top->page_of.event);
	if (!vcpu) {
		make_gone(top);
		return;
	}
	page_event(&top->page, vcpu, event, scope);
	if (!event && model_vcpu_apf(vcpu)) {
		page_line(&top->page);
		page_apf(&top->page, vm, vcpu, scope);
	}
}

static void make_page(struct top *top)
{
	struct page_scope scope = {
		.status = &top->status, .interval_ns = top->totals.interval_ns, .width = COLS, .rows = HISTOGRAM_ROWS,
		.utf8 = top->options.utf8, .recent = top->recent,
	};

	page_clear(&top->page);
	switch (top->page_kind) {
	case PAGE_MAP:
		scope.rows = visible_lines(top);
		page_heat(&top->page, top->heat, top->page_level, &top->page_of, &scope);
		break;
	case PAGE_CALLS:
		make_calls(top);
		break;
	case PAGE_SENDERS:
		make_senders(top);
		break;
	case PAGE_APF:
		make_apf(top, &scope);
		break;
	case PAGE_EVENT:
		make_event(top, &scope);
	}
	top->page_stale = false;
}

void top_open_page(struct top *top, enum view_level level, const struct row_id *of, enum page_kind kind)
{
	top->page_back = top->base == &top_page_mode ? top->page_back : top->base;
	top->page_level = level;
	top->page_of = *of;
	top->page_kind = kind;
	top->page_first = 0;
	top->page_stale = true;
	top_go(top, &top_page_mode);
}

/* --- showing it */

static void draw_title(const struct top *top)
{
	char crumbs[160];

	top_crumbs(top->page_level, &top->page_of, top->page_name, crumbs, sizeof(crumbs));
	top_put_field(top_head_lines(top) - 1, 0, crumbs, COLS, true, top_look(top, PAIR_TITLE));
}

static void draw_line(const struct top *top, int y, const struct page_line *line)
{
	int x = 0;

	for (size_t i = 0; i < line->count && x < COLS; i++) {
		const char *text = line->spans[i].text;
		unsigned int used;
		size_t bytes = text_cut(text, COLS - x, &used);

		attrset(top_page_look(top, line->spans[i].look));
		mvaddnstr(y, x, text, bytes);
		x += used;
	}
	attrset(A_NORMAL);
}

static void draw_page(struct top *top)
{
	size_t visible = visible_lines(top);

	if (!top->paused || top->page_stale)
		make_page(top);
	if (top->page_first + visible > top->page.count)
		top->page_first = top->page.count > visible ? top->page.count - visible : 0;
	top_draw_head(top);
	draw_title(top);
	for (size_t i = 0; i < visible && top->page_first + i < top->page.count; i++)
		draw_line(top, top_head_lines(top) + i, &top->page.lines[top->page_first + i]);
	top_draw_foot(top);
}

static void scroll_page(struct top *top, long lines)
{
	long first = (long)top->page_first + lines, last = (long)top->page.count - (long)visible_lines(top);

	first = first > last ? last : first;
	top->page_first = first < 0 ? 0 : first;
}

void top_show_event(struct top *top, const struct row_id *of, const char *name)
{
	snprintf(top->page_name, sizeof(top->page_name), "%s", name);
	top_open_page(top, LEVEL_EVENT, of, PAGE_EVENT);
}

/* From the map or the calls to the event that they are of. */
static void enter_page(struct top *top)
{
	if (top->page_kind != PAGE_EVENT && top->page_level == LEVEL_EVENT)
		top_open_page(top, LEVEL_EVENT, &top->page_of, PAGE_EVENT);
}

static void leave_page(struct top *top)
{
	page_clear(&top->page);
	top_go(top, top->page_back);
}

const struct mode top_page_mode = {
	.draw = draw_page, .key = top_common_key, .where = IN_PAGE, .go = scroll_page, .page = visible_lines,
	.enter = enter_page, .back = leave_page,
};
