/* SPDX-License-Identifier: GPL-2.0-only */
/* The next key that was typed, also one whose sequence the terminal's description lacks. */
#include "view/screen/top_inside.h"

#include "view/screen/key_sequence.h"

#define SEQUENCE_WAIT_MS 100	/* between two characters of a sequence that has begun */

static int read_within(wint_t *key, int ms)
{
	int kind;

	timeout(ms);
	kind = get_wch(key);
	timeout(0);
	return kind;
}

static void give_back(wint_t key, int kind)
{
	if (kind == KEY_CODE_YES)
		ungetch(key);
	else if (kind != ERR)
		unget_wch(key);
}

/* Behind an Esc, which stays one if nothing follows that begins a sequence. */
static enum input read_sequence(wint_t *key)
{
	struct key_sequence sequence = { 0 };
	enum sequence_state state = SEQUENCE_OPEN;
	wint_t next;
	int kind;

	while (state == SEQUENCE_OPEN) {
		kind = read_within(&next, sequence.length ? SEQUENCE_WAIT_MS : ESC_WAIT_MS);
		state = kind == OK ? sequence_add(&sequence, next) : SEQUENCE_FOREIGN;
	}
	if (state == SEQUENCE_WHOLE) {
		*key = sequence_key(&sequence);
		return !*key ? INPUT_UNKNOWN : *key < KEY_MIN ? INPUT_CHARACTER : INPUT_SPECIAL;
	}
	give_back(next, kind);
	if (sequence.length > 1)
		return INPUT_UNKNOWN;
	if (sequence.length == 1)
		give_back(sequence.text[0], OK);	/* Alt-[ and Alt-O */
	*key = ESC;
	return INPUT_CHARACTER;
}

/* The same key under the other names that descriptions of terminals have for it. */
static wint_t usual_name(wint_t key)
{
	switch (key) {
	case KEY_FIND:
	case KEY_A1:
		return KEY_HOME;
	case KEY_SELECT:
	case KEY_C1:
	case KEY_LL:
		return KEY_END;
	case KEY_A3:
		return KEY_PPAGE;
	case KEY_C3:
		return KEY_NPAGE;
	default:
		return key;
	}
}

enum input top_read_key(wint_t *key)
{
	int kind = get_wch(key);

	if (kind == ERR)
		return INPUT_NOTHING;
	if (kind == KEY_CODE_YES) {
		*key = usual_name(*key);
		return INPUT_SPECIAL;
	}
	return *key == ESC ? read_sequence(key) : INPUT_CHARACTER;
}
