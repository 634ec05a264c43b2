/* SPDX-License-Identifier: GPL-2.0-only */
/* What asks: the choice of the sort column, a line that is typed. */
#include "view/screen/top_inside.h"

#include <stdlib.h>

#include "util/text.h"

/* --- the choice of the sort column */

static void draw_sort(struct top *top)
{
	size_t page = LINES > 3 ? LINES - 3 : 1;
	size_t first = top->sort_row < page ? 0 : top->sort_row - page + 1;

	top_put_field(0, 0, "Sort by", COLS, true, A_BOLD);
	for (size_t i = 0; i < page && first + i < column_count; i++) {
		const struct column *column = &columns[first + i];
		char line[160];

		snprintf(line, sizeof(line), "  %-12s %s", column->title, column->help);
		top_put_field(1 + i, 0, line, COLS, true, first + i == top->sort_row ? top_look(top, PAIR_CHOSEN) : A_NORMAL);
	}
	top_put_field(LINES - 1, 0, "Up, Down choose, Enter sorts, Esc returns", COLS, true, top_look(top, PAIR_TITLE));
}

static bool is_enter(wint_t key, bool special)
{
	return special ? key == KEY_ENTER : key == '\n' || key == '\r';
}

static enum top_action sort_key(struct top *top, wint_t key, bool special)
{
	if (special && key == KEY_UP)
		top->sort_row -= top->sort_row > 0;
	else if (special && key == KEY_DOWN)
		top->sort_row += top->sort_row + 1 < column_count;
	else if (is_enter(key, special))
		top_sort_by(top, &columns[top->sort_row]);
	if (!special && (is_enter(key, special) || key == ESC || key == 'q' || key == 'o'))
		top->mode = top->base;
	return TOP_REDRAW;
}

/* --- a line that is typed */

#define PROMPT_MAX (sizeof(((struct prompt *)0)->text) / sizeof(wchar_t) - 1)

void top_ask(struct top *top, const char *label, const char *text, top_accept_t accept)
{
	struct prompt *prompt = &top->prompt;
	size_t length = mbstowcs(prompt->text, text, PROMPT_MAX);

	prompt->label = label;
	prompt->accept = accept;
	prompt->length = length <= PROMPT_MAX ? length : 0;
	top->mode = &top_prompt_mode;
}

void top_ask_again(struct top *top)
{
	top->mode = &top_prompt_mode;
}

/* The first character that is seen of a line that is longer than there is room. */
static size_t first_seen(const struct prompt *prompt, int room)
{
	size_t first = prompt->length;

	while (first > 0 && (room -= wcwidth(prompt->text[first - 1])) >= 0)
		first--;
	return first;
}

static void draw_prompt(struct top *top)
{
	const struct prompt *prompt = &top->prompt;
	int width = text_width(prompt->label);
	size_t first = first_seen(prompt, COLS - 1 - width);

	top->base->draw(top);
	if (*top->message && LINES > 1)
		top_put_field(LINES - 2, 0, top->message, COLS, true, top_look(top, PAIR_WARN));
	top_put_field(LINES - 1, 0, prompt->label, COLS, true, A_BOLD);
	move(LINES - 1, width < COLS ? width : COLS - 1);
	addnwstr(prompt->text + first, prompt->length - first);
	addch('_' | A_BLINK);
}

static enum top_action accept_prompt(struct top *top)
{
	char text[sizeof(top->prompt.text)];
	size_t length;

	top->prompt.text[top->prompt.length] = L'\0';
	length = wcstombs(text, top->prompt.text, sizeof(text));
	if (length >= sizeof(text))
		return TOP_REDRAW;
	return top->prompt.accept(top, text);
}

static enum top_action prompt_key(struct top *top, wint_t key, bool special)
{
	struct prompt *prompt = &top->prompt;
	bool rubout = special ? key == KEY_BACKSPACE : key == 127 || key == '\b';

	if (is_enter(key, special)) {
		top->mode = top->base;
		return accept_prompt(top);
	}
	if (rubout)
		prompt->length -= prompt->length > 0;
	else if (!special && key == ESC)
		top->mode = top->base;
	else if (!special && key == 'U' - '@')
		prompt->length = 0;
	else if (!special && key >= ' ' && prompt->length < PROMPT_MAX)
		prompt->text[prompt->length++] = key;
	return TOP_REDRAW;
}

const struct mode top_sort_mode = { .draw = draw_sort, .key = sort_key };
const struct mode top_prompt_mode = { .draw = draw_prompt, .key = prompt_key };
