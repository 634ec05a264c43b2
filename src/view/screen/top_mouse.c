/* SPDX-License-Identifier: GPL-2.0-only */
/* The mouse: its wheel scrolls, a click on a row or the title of a column is for what is there. */
#include "view/screen/top_inside.h"

#define WHEEL_LINES 3

/* Where there is none, what a terminal sends for one is no key. */
void top_prepare_mouse(bool wanted)
{
	mouseinterval(0);
	if (!wanted || !mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL))
		keyok(KEY_MOUSE, FALSE);
}

static void turn_wheel(struct top *top, long lines)
{
	if (top->mode->go)
		top->mode->go(top, lines);
}

enum top_action top_take_mouse(struct top *top)
{
	MEVENT event;

	if (getmouse(&event) != OK)
		return TOP_REDRAW;
	if (event.bstate & BUTTON4_PRESSED)
		turn_wheel(top, -WHEEL_LINES);
	else if (event.bstate & BUTTON5_PRESSED)
		turn_wheel(top, WHEEL_LINES);
	else if (event.bstate & BUTTON1_PRESSED && top->mode->key == top_common_key && top_has_foot(top) && event.y == LINES - 1)
		return top_click_key(top, event.x);
	else if (event.bstate & BUTTON1_PRESSED && top->mode->click)
		top->mode->click(top, event.y, event.x);
	return TOP_REDRAW;
}
