/* SPDX-License-Identifier: GPL-2.0-only */
#include "view/screen/terminal.h"

#include <langinfo.h>
#include <string.h>

bool terminal_is_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}
