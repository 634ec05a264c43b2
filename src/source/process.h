/* SPDX-License-Identifier: GPL-2.0-only */
/* What tells one process from another that had its pid before. */
#ifndef SOURCE_PROCESS_H
#define SOURCE_PROCESS_H

#include <stdint.h>

/*
 * When the process or thread pid started, in clock ticks since boot, + 1; 0: it is gone, or this process is in a pid namespace, where
 * /proc shows others. /proc/PID/stat, field 22, see proc(5). Takes no lock of the process's memory map.
 */
uint64_t process_identity(uint32_t pid);

/* The same from another folder than /proc, whatever the namespace; for tests. */
uint64_t process_identity_in(const char *proc, uint32_t pid);

#endif
