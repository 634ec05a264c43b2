/* SPDX-License-Identifier: GPL-2.0-only */
/* What the programs exit with; man pages say the same. */
#ifndef UTIL_EXIT_STATUS_H
#define UTIL_EXIT_STATUS_H

enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_REGRESSION = 3,	/* diff found one */
	EXIT_LACKING = 4,	/* this kernel lacks what was asked */
	EXIT_INCOMPLETE = 5,	/* done, but of the recording something is missing */
};

#endif
