/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Command lines of processes, without waiting for them. To read /proc/PID/cmdline takes the lock of that process's memory map,
 * which a process whose storage hangs may hold for ever; so a thread reads it, and who asks waits for CMDLINE_DEADLINE_MS at
 * most. An answer that comes later is kept for cmdline_take_late(). Threads that wait for the same lock end with this process.
 */
#ifndef SOURCE_CMDLINE_H
#define SOURCE_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CMDLINE_DEADLINE_MS 300	/* a busy machine takes longer than 100 to start a thread; waited for once a process */
#define CMDLINE_READERS 16	/* that may be late at the same time: further processes are not asked meanwhile */

struct cmdline {
	char comm[64];		/* what the process is called; takes no lock */
	char *bytes;		/* NUL-separated arguments; NULL: not known (yet) */
	size_t size;
};

/*
 * Reads from fd, which is closed when that is over; fd -1: there is nothing to read. comm is kept for the late answer of vm.
 * One that came late is known to all who ask. False: it is not known yet, or there are too many that are late.
 */
bool cmdline_read(uint32_t vm, int fd, struct cmdline *c);

bool cmdline_is_awaited(uint32_t vm);	/* it is still being read. Cheap to ask */

/* An answer that came late, and which vm it is about; false: there is none. Cheap to ask. */
bool cmdline_take_late(uint32_t *vm, struct cmdline *c);

void cmdline_clear(struct cmdline *c);

#endif
