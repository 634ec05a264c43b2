/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What people call a VM: QEMU's -name guest=…, else the command's name, from
 * /proc/PID. The text is hostile: escape it with escape.h wherever it is shown.
 */
#ifndef SOURCE_GUEST_NAME_H
#define SOURCE_GUEST_NAME_H

#include <stdint.h>

/* A new string (free() it), "-" if the process is gone; NULL: no memory. Never longer than 255 bytes. */
char *guest_name(uint32_t pid);

/* The same from the content of /proc/PID/cmdline (NUL-separated, size bytes) and of comm; pure, for tests. */
char *guest_name_from(const char *cmdline, unsigned long size, const char *comm);

#endif
