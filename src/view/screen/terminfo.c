/* SPDX-License-Identifier: GPL-2.0-only */
#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

#include "view/screen/terminfo.h"

bool terminfo_possible(char *message, size_t size)
{
	const char *term = getenv("TERM");
	int err;

	if (!term || !*term || setupterm(term, STDOUT_FILENO, &err) == ERR) {
		snprintf(message, size, "the live screen cannot be shown: the terminal '%.64s' is not known here; "
			 "set TERM, or try -b for text", term ? term : "");
		return false;
	}
	if (cursor_address && clear_screen)
		return true;
	snprintf(message, size, "the live screen cannot be shown: the terminal '%.64s' cannot move its cursor; "
		 "try -b for text", term);
	return false;
}

/* Appends a capability without its padding ($<5>), which only curses understands. */
static void append(char *to, size_t size, const char *capability)
{
	size_t length = strlen(to);

	for (const char *from = capability; from && *from && length + 1 < size; from++) {
		if (from[0] == '$' && from[1] == '<' && strchr(from, '>'))
			from = strchr(from, '>');
		else
			to[length++] = *from;
	}
	to[length] = '\0';
}

void terminfo_leave(char *leave, size_t size)
{
	*leave = '\0';
	append(leave, size, exit_attribute_mode);
	append(leave, size, keypad_local);
	append(leave, size, cursor_normal);
	append(leave, size, exit_ca_mode);
}
