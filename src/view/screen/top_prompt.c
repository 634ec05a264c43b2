/* SPDX-License-Identifier: GPL-2.0-only */
/* A line that is typed. */
#include "view/screen/top_inside.h"

#include <stdlib.h>

#include "util/text.h"

#define PROMPT_MAX (sizeof(((struct prompt *)0)->text) / sizeof(wchar_t) - 1)

void top_ask(struct top *top, const struct question *question, const char *text)
{
	struct prompt *prompt = &top->prompt;
	size_t length = mbstowcs(prompt->text, text, PROMPT_MAX);

	prompt->question = question;
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
	int width = text_width(prompt->question->label);
	size_t first = first_seen(prompt, COLS - 1 - width);

	top->base->draw(top);
	if (*top->message && LINES > 1)
		top_put_field(LINES - 2, 0, top->message, COLS, true, top_look(top, PAIR_WARN));
	top_put_field(LINES - 1, 0, prompt->question->label, COLS, true, A_BOLD);
	move(LINES - 1, width < COLS ? width : COLS - 1);
	addnwstr(prompt->text + first, prompt->length - first);
	addch('_' | A_BLINK);
}

static bool is_enter(wint_t key, bool special)
{
	return special ? key == KEY_ENTER : key == '\n' || key == '\r';
}

/* False: the locale has no bytes for it. */
static bool get_text(struct prompt *prompt, char *text, size_t size)
{
	prompt->text[prompt->length] = L'\0';
	return wcstombs(text, prompt->text, size) < size;
}

static enum top_action accept_prompt(struct top *top)
{
	char text[sizeof(top->prompt.text)];

	if (!get_text(&top->prompt, text, sizeof(text)))
		return TOP_REDRAW;
	return top->prompt.question->accept(top, text);
}

/* Whether the key changed the line. */
static bool edit(struct prompt *prompt, wint_t key, bool special)
{
	if (special ? key == KEY_BACKSPACE : key == 127 || key == '\b')
		prompt->length -= prompt->length > 0;
	else if (!special && key == 'U' - '@')
		prompt->length = 0;
	else if (!special && key >= ' ' && prompt->length < PROMPT_MAX)
		prompt->text[prompt->length++] = key;
	else
		return false;
	return true;
}

static enum top_action prompt_key(struct top *top, wint_t key, bool special)
{
	const struct question *question = top->prompt.question;
	char text[sizeof(top->prompt.text)];

	if (is_enter(key, special)) {
		top->mode = top->base;
		return accept_prompt(top);
	}
	if (!special && key == ESC) {
		top->mode = top->base;
		if (question->cancel)
			question->cancel(top);
	} else if (edit(&top->prompt, key, special)) {
		if (question->typed && get_text(&top->prompt, text, sizeof(text)))
			question->typed(top, text);
	} else if (special && question->special) {
		question->special(top, key);
	}
	return TOP_REDRAW;
}

const struct mode top_prompt_mode = { .draw = draw_prompt, .key = prompt_key };
