/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses of the running kernel's symbols. */
#ifndef SOURCE_KALLSYMS_H
#define SOURCE_KALLSYMS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * addresses[i] is that of the kernel's own symbol names[i]; 0: there is none, or the kernel does not say. 0, or -errno if
 * /proc/kallsyms cannot be read.
 */
int kallsyms_find(const char *const names[], uint64_t addresses[], size_t count);

/* The same in text that looks like that file. */
void kallsyms_find_in(FILE *file, const char *const names[], uint64_t addresses[], size_t count);

#endif
