/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a terminal sends behind an Esc for a key that is no character: a control sequence (CSI, "[ 1 ~") or a single shift
 * (SS3, "O H"). Curses knows those of the terminal that TERM names; terminals send others, too. Pure.
 */
#ifndef VIEW_SCREEN_KEY_SEQUENCE_H
#define VIEW_SCREEN_KEY_SEQUENCE_H

#include <stddef.h>
#include <wchar.h>

enum sequence_state {
	SEQUENCE_OPEN,		/* more belongs to it */
	SEQUENCE_WHOLE,		/* it ends here */
	SEQUENCE_FOREIGN,	/* this character is not of it: it ended without an end, or never began */
};

struct key_sequence {
	char text[32];		/* without the Esc; what is longer is known to nobody */
	size_t length;		/* as received, which may be more */
};

/* Takes the next character; s is zeroed before the first one. */
enum sequence_state sequence_add(struct key_sequence *s, wint_t character);

/* Of a whole one: KEY_… of curses, a sign of the numeric keypad, or 0: no key that is used here. */
int sequence_key(const struct key_sequence *s);

#endif
