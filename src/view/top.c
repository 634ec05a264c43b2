/* SPDX-License-Identifier: GPL-2.0-only */
#include "top_inside.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "crash.h"
#include "terminfo.h"

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
	set_escdelay(25);
	curs_set(0);
	top_prepare_colors(top);
	arm();
}

struct top *top_open(const struct top_options *options)
{
	struct top *top = calloc(1, sizeof(*top));

	if (!top)
		return NULL;
	top->options = *options;
	if (!top->options.sort)
		top->options.sort = column_find("max");
	top->mode = &top_table_mode;
	top->table = table_new();
	crash_save_modes();
	top->screen = top->table ? newterm(NULL, stdout, stdin) : NULL;
	if (!top->screen) {
		table_free(top->table);
		free(top);
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
	table_free(top->table);
	free(top);
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

/* --- what the command calls */

enum top_wish top_keys(struct top *top)
{
	enum top_wish wish = TOP_REDRAW;
	bool any = false;
	wint_t key;
	int kind;

	while (wish == TOP_REDRAW && (kind = get_wch(&key)) != ERR) {
		any = true;
		top->message[0] = '\0';
		wish = top->mode->key(top, key, kind == KEY_CODE_YES);
	}
	top->empty_reads = any ? 0 : top->empty_reads + 1;
	return top->empty_reads > EMPTY_READS_MAX ? TOP_QUIT : wish;
}

static void take_figures(struct top *top, const struct model *m, const struct view_status *status)
{
	struct view_scope scope = { .now_ns = status->now_ns, .interval_ns = model_totals(m)->interval_ns };
	struct table_options own = {
		.sort = top->options.sort, .reverse = top->options.reverse, .all = top->options.all, .gone = true,
	};

	if (!top->paused) {
		top->status = *status;
		top->totals = *model_totals(m);
	}
	if (table_build(top->table, m, &scope, &own) < 0)
		snprintf(top->message, sizeof(top->message), "out of memory");
}

void top_draw(struct top *top, const struct model *m, const struct view_status *status)
{
	take_figures(top, m, status);
	top_find_selection(top);
	erase();
	top->mode->draw(top);
	refresh();
}
