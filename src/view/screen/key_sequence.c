/* SPDX-License-Identifier: GPL-2.0-only */
#include "view/screen/key_sequence.h"

#include <ncurses.h>
#include <stdio.h>
#include <string.h>

#define MOUSE_LENGTH 5		/* "[M", button, column, line: the last three are any characters */

static bool is_between(wint_t c, wint_t from, wint_t to)
{
	return c >= from && c <= to;
}

/* --- where it ends */

/* "[[A" is the Linux console's F1. */
static enum sequence_state control_state(const struct key_sequence *s, wint_t c)
{
	if (s->length > 1 && s->text[1] == 'M')
		return s->length + 1 < MOUSE_LENGTH ? SEQUENCE_OPEN : SEQUENCE_WHOLE;
	if (s->length == 1 && (c == '[' || c == 'M'))
		return SEQUENCE_OPEN;
	if (is_between(c, 0x20, 0x3f))
		return SEQUENCE_OPEN;
	return is_between(c, 0x40, 0x7e) ? SEQUENCE_WHOLE : SEQUENCE_FOREIGN;
}

static enum sequence_state shift_state(wint_t c)
{
	if (is_between(c, '0', '9') || c == ';')
		return SEQUENCE_OPEN;
	return is_between(c, 0x20, 0x7e) ? SEQUENCE_WHOLE : SEQUENCE_FOREIGN;
}

static enum sequence_state state_after(const struct key_sequence *s, wint_t c)
{
	if (s->length == 0)
		return c == '[' || c == 'O' ? SEQUENCE_OPEN : SEQUENCE_FOREIGN;
	return s->text[0] == '[' ? control_state(s, c) : shift_state(c);
}

enum sequence_state sequence_add(struct key_sequence *s, wint_t character)
{
	enum sequence_state state = state_after(s, character);

	if (state == SEQUENCE_FOREIGN)
		return state;
	if (s->length + 1 < sizeof(s->text))
		s->text[s->length] = character < 0x80 ? character : '?';
	s->length++;
	return state;
}

/* --- what it means */

/* The same letters behind "[" and "O". */
static int key_of_letter(char letter)
{
	static const struct {
		char letter;
		int key;
	} keys[] = {
		{ 'A', KEY_UP }, { 'B', KEY_DOWN }, { 'C', KEY_RIGHT }, { 'D', KEY_LEFT }, { 'H', KEY_HOME }, { 'F', KEY_END },
		{ 'P', KEY_F(1) }, { 'Q', KEY_F(2) }, { 'R', KEY_F(3) }, { 'S', KEY_F(4) },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].letter == letter)
			return keys[i].key;
	return 0;
}

/* "[5~"; 7 and 8 are rxvt's. */
static int key_of_number(unsigned int number)
{
	static const int keys[] = {
		[1] = KEY_HOME, [2] = KEY_IC, [3] = KEY_DC, [4] = KEY_END, [5] = KEY_PPAGE, [6] = KEY_NPAGE, [7] = KEY_HOME, [8] = KEY_END,
		[11] = KEY_F(1), [12] = KEY_F(2), [13] = KEY_F(3), [14] = KEY_F(4), [15] = KEY_F(5), [17] = KEY_F(6),
		[18] = KEY_F(7), [19] = KEY_F(8), [20] = KEY_F(9), [21] = KEY_F(10), [23] = KEY_F(11), [24] = KEY_F(12),
	};

	return number < sizeof(keys) / sizeof(keys[0]) ? keys[number] : 0;
}

/* Of these with Shift there are keys of their own; rxvt has small letters for them. */
static int key_with_shift(char letter)
{
	switch (letter) {
	case 'C':
	case 'c':
		return KEY_SRIGHT;
	case 'D':
	case 'd':
		return KEY_SLEFT;
	default:
		return 0;
	}
}

static int control_key(const char *text)
{
	unsigned int number, modifier;
	char letter, rest;

	if (strlen(text) == 1)
		return key_of_letter(*text) ? key_of_letter(*text) : key_with_shift(*text);
	if (text[0] == '[' && is_between(text[1], 'A', 'E') && !text[2])
		return KEY_F(1 + text[1] - 'A');
	if (sscanf(text, "%3u%c%c", &number, &letter, &rest) == 2)
		return letter == '~' ? key_of_number(number) : 0;
	if (sscanf(text, "1;%2u%c%c", &modifier, &letter, &rest) == 2 && modifier == 2)
		return key_with_shift(letter);
	return 0;
}

/* The numeric keypad in its application mode, by what is on its keys besides digits, as the descriptions of terminals have it. */
static int keypad_key(char letter)
{
	static const struct {
		char letter;
		int key;
	} keys[] = {
		{ 'M', KEY_ENTER }, { 'j', '*' }, { 'k', '+' }, { 'm', '-' }, { 'o', '/' }, { 'X', '=' },
		{ 'w', KEY_HOME }, { 'x', KEY_UP }, { 'y', KEY_PPAGE }, { 't', KEY_LEFT }, { 'v', KEY_RIGHT },
		{ 'q', KEY_END }, { 'r', KEY_DOWN }, { 's', KEY_NPAGE },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].letter == letter)
			return keys[i].key;
	return 0;
}

static int shift_key(const char *text)
{
	if (text[1])
		return 0;
	return key_of_letter(text[0]) ? key_of_letter(text[0]) : keypad_key(text[0]);
}

int sequence_key(const struct key_sequence *s)
{
	if (s->length >= sizeof(s->text))
		return 0;
	return s->text[0] == '[' ? control_key(s->text + 1) : shift_key(s->text + 1);
}
