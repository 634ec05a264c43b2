/* SPDX-License-Identifier: GPL-2.0-only */
/* What the terminal can do, apart from top.c because term.h takes common words as macros. */
#ifndef VIEW_SCREEN_TERMINFO_H
#define VIEW_SCREEN_TERMINFO_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the terminal named by TERM can show a screen; if not, message says why and what else there is. */
bool terminfo_possible(char *message, size_t size);

/* What to write to leave the screen of the terminal that curses runs on. */
void terminfo_leave(char *leave, size_t size);

#endif
