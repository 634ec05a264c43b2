/* SPDX-License-Identifier: GPL-2.0-only */
#include "view/screen/top_inside.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "model/apf.h"
#include "view/screen/crash.h"
#include "view/screen/terminfo.h"
#include "view/figures/why.h"

#define EMPTY_READS_MAX 10	/* readable without a key again and again: the terminal is gone */

/* --- the terminal */

bool top_possible(char *message, size_t size)
{
	if (isatty(STDIN_FILENO))
		return terminfo_possible(message, size);
	snprintf(message, size, "the live screen needs a terminal for its keys, and standard input is none; try -b for text");
	return false;
}

static void arm(void)
{
	char leave[256];

	terminfo_leave(leave, sizeof(leave));
	crash_arm(leave);
}

static void prepare_terminal(struct top *top)
{
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESC_WAIT_MS);
	curs_set(0);
	top_prepare_colors(top);
	top_prepare_mouse(!top->options.no_mouse);
	arm();
}

static void release(struct top *top)
{
	table_free(top->table);
	heat_free(top->heat);
	filter_free(top->filter);
	filter_free(top->search.filter);
	page_clear(&top->page);
	top_close_findings(top);
	free(top);
}

struct top *top_open(const struct top_options *options)
{
	struct top *top = calloc(1, sizeof(*top));

	if (!top)
		return NULL;
	top->options = *options;
	if (!top->options.sort)
		top->options.sort = column_find("max");
	if (options->setup)
		top->setup = *options->setup;
	else
		setup_init(&top->setup);
	top_go(top, &top_table_mode);
	top->table = table_new();
	top->heat = heat_new();
	crash_save_modes();
	if (top->table && top->heat && (!options->filter || top_set_filter(top, options->filter) == 0))
		top->screen = newterm(NULL, stdout, stdin);
	if (!top->screen) {
		release(top);
		return NULL;
	}
	prepare_terminal(top);
	return top;
}

void top_close(struct top *top)
{
	if (!top)
		return;
	endwin();
	crash_disarm();
	delscreen(top->screen);
	release(top);
}

void top_suspend(struct top *top)
{
	endwin();
}

void top_resume(struct top *top)
{
	reset_prog_mode();
	clearok(curscr, TRUE);
	top_resize(top);
}

void top_resize(struct top *top)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col)
		resizeterm(size.ws_row, size.ws_col);
}

uint64_t top_delay_ms(const struct top *top)
{
	return top->options.delay_ms;
}

void top_setup(const struct top *top, struct setup *setup)
{
	*setup = top->setup;
	setup->sort = top->options.sort;
	setup->reverse = top->options.reverse;
	setup->delay_ms = top->options.delay_ms;
	setup->no_mouse = top->options.no_mouse;
}

/* --- what the command calls */

enum top_action top_keys(struct top *top)
{
	enum top_action action = TOP_REDRAW;
	bool any = false;
	enum input input;
	wint_t key;

	while (action == TOP_REDRAW && (input = top_read_key(&key)) != INPUT_NOTHING) {
		any = true;
		if (input == INPUT_UNKNOWN)
			continue;
		top->message[0] = '\0';
		if (input == INPUT_SPECIAL && key == KEY_MOUSE)
			action = top_take_mouse(top);
		else
			action = top->mode->key(top, key, input == INPUT_SPECIAL);
	}
	top->empty_reads = any ? 0 : top->empty_reads + 1;
	return top->empty_reads > EMPTY_READS_MAX ? TOP_QUIT : action;
}

/* What the table shows, which is kept while paused. */
static int take_table(struct top *top, const struct model *m, uint64_t now_ns)
{
	struct view_scope scope = {
		.now_ns = now_ns, .interval_ns = model_totals(m)->interval_ns, .recent = top->recent, .level = top->at.level,
	};
	struct table_options own = {
		.sort = top->options.sort, .reverse = top->options.reverse, .all = top->options.all, .gone = true,
		.within = top->at.within, .of = top->at.of, .filter = top->filter,
	};
	int err;

	if (top->refreeze)
		table_thaw(top->table);
	err = table_build(top->table, m, &scope, &own);
	if (!err && top->refreeze)
		err = table_freeze(top->table);
	top->refreeze = false;
	return err;
}

/* Keys may be typed faster than drawn: what Enter opens is what would be seen. */
void top_rearrange(struct top *top)
{
	if (top->newest && take_table(top, top->newest, top->status.now_ns) == 0)
		top_find_selection(top);
}

static void take_figures(struct top *top, const struct model *m, const struct status *status)
{
	int err = top->options.replay ? 0 : heat_take(top->heat, m);

	if (!top->paused || top->refreeze) {
		top->status = *status;
		top->totals = *model_totals(m);
		top->findings = why_count(m);
		top->gone_vms = model_gone_vms(m, 0);
		top->has_apf = model_has_apf(m);
	}
	if (take_table(top, m, status->now_ns) < 0 || err < 0)
		snprintf(top->message, sizeof(top->message), "out of memory");
}

void top_draw(struct top *top, const struct model *m, const struct status *status)
{
	take_figures(top, m, status);
	top_find_selection(top);
	erase();
	top->model = top->newest = m;
	top->mode->draw(top);
	top->model = NULL;
	refresh();
}
