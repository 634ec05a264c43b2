// SPDX-License-Identifier: GPL-2.0-only
#include <locale.h>

#include "daemon/daemon.h"

int main(int argc, char **argv)
{
	/* Characters are the user's, numbers are always C's. */
	setlocale(LC_CTYPE, "");
	return daemon_main(argc, argv);
}
