/* SPDX-License-Identifier: GPL-2.0-only */
/* What a replay's screen has besides that of a live one. */
#include "view/screen/top_inside.h"

#include <stdarg.h>

#include "view/figures/format.h"

/* --- where it is */

static const char *format_speed(int speed, char *buf, size_t size)
{
	snprintf(buf, size, speed < 0 ? "x1/%u" : "x%u", 1U << (speed < 0 ? -speed : speed));
	return buf;
}

static const char *doing(const struct replay_status *replay)
{
	return replay->playing ? "playing" : replay->ended ? "END" : "paused";
}

int top_put_position(const struct top *top, int x)
{
	const struct replay_status *replay = &top->status.replay;
	char position[FORMAT_SIZE], length[FORMAT_SIZE], speed[16];

	x = top_put_piece(0, x, top_look(top, PAIR_WARN), "REPLAY %s/%s",
			  format_position(position, sizeof(position), replay->position_ns),
			  format_position(length, sizeof(length), replay->length_ns));
	/* It belongs to that: one blank between them. */
	if (replay->jump_percent >= 0)
		return top_put_piece(0, x - 1, top_look(top, PAIR_WARN), "going %d%% (space stops)", replay->jump_percent);
	return top_put_piece(0, x - 1, top_look(top, PAIR_WARN), "%s %s", format_speed(replay->speed, speed, sizeof(speed)),
			     doing(replay));
}

/* The cell of a position among width ones. */
static int cell_of(const struct replay_status *replay, uint64_t position_ns, int width)
{
	double share = replay->length_ns ? (double)position_ns / replay->length_ns : 1;

	return share >= 1 ? width - 1 : share * width;
}

static void draw_cells(const struct top *top, int y, int from, int to, const char *utf8, char ascii, attr_t look)
{
	attrset(look);
	for (int x = from; x < to; x++) {
		if (top->options.utf8)
			mvaddstr(y, x, utf8);
		else
			mvaddch(y, x, ascii);
	}
	attrset(A_NORMAL);
}

void top_draw_bar(const struct top *top, int y)
{
	const struct replay_status *replay = &top->status.replay;
	int here = cell_of(replay, replay->position_ns, COLS);

	draw_cells(top, y, 0, here, "\u2501", '=', A_BOLD);
	draw_cells(top, y, here, here + 1, "\u25cf", '>', A_BOLD);
	draw_cells(top, y, here + 1, COLS, "\u2500", '-', A_DIM);
	for (size_t i = 0; i < replay->mark_count; i++) {
		int x = cell_of(replay, replay->marks[i], COLS);

		if (x != here)
			mvaddch(y, x, '!' | top_look(top, PAIR_BAD));
	}
}

/* --- what is asked, and answered */

static enum top_action accept_jump(struct top *top, const char *text)
{
	snprintf(top->jump_text, sizeof(top->jump_text), "%s", text);
	return *text ? TOP_JUMP : TOP_REDRAW;
}

enum top_action top_ask_jump(struct top *top)
{
	static const struct question question = { .label = "Go to (1m30s, +10s, -10s, 10:00:05): ", .accept = accept_jump };

	top_ask(top, &question, "");
	return TOP_REDRAW;
}

const char *top_jump_text(const struct top *top)
{
	return top->jump_text;
}

void top_say(struct top *top, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(top->message, sizeof(top->message), format, args);
	va_end(args);
}

void top_take(struct top *top, const struct model *m)
{
	if (heat_take(top->heat, m) < 0)
		top_say(top, "out of memory");
}

void top_forget(struct top *top)
{
	heat_clear(top->heat);
}
