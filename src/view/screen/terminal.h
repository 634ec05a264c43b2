/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VIEW_SCREEN_TERMINAL_H
#define VIEW_SCREEN_TERMINAL_H

#include <stdbool.h>

/* Whether the locale's characters are UTF-8; setlocale() must have been called. */
bool terminal_is_utf8(void);

#endif
