/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>

/* Whether the locale's characters are UTF-8; setlocale() must have been called. */
bool terminal_is_utf8(void);

#endif
