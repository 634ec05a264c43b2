// SPDX-License-Identifier: GPL-2.0-only
/*
 * To let go of a function takes the kernel a tenth of a second and more, one after the other. Whoever closes the last descriptor
 * of a link waits for that: a process that is left behind, while the one that has quit is gone.
 */
#include "source/live_private.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <bpf/libbpf.h>

static bool is_link(const struct live *live, int fd)
{
	for (int i = 0; i < PROBE_COUNT; i++)
		if (live->links[i] && bpf_link__fd(live->links[i]) == fd)
			return true;
	return false;
}

static int highest_link(const struct live *live)
{
	int highest = -1;

	for (int i = 0; i < PROBE_COUNT; i++)
		if (live->links[i] && bpf_link__fd(live->links[i]) > highest)
			highest = bpf_link__fd(live->links[i]);
	return highest;
}

/* A terminal or a pipe must not look as if somebody still used it. */
static void keep_links_only(const struct live *live)
{
	int highest = highest_link(live);

	for (int fd = 0; fd <= highest; fd++)
		if (!is_link(live, fd))
			close(fd);
	close_range(highest + 1, ~0U, 0);
}

/* Ends when the other one does, whatever ends it. */
static _Noreturn void stay_behind(const struct live *live, pid_t other)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	keep_links_only(live);
	while (getppid() == other)
		pause();
	_exit(0);
}

void live_leave(struct live *live)
{
	pid_t us = getpid();

	if (highest_link(live) >= 0 && fork() == 0)
		stay_behind(live, us);
	live_close(live);
}
