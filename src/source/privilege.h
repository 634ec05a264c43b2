/* SPDX-License-Identifier: GPL-2.0-only */
/* Why the kernel may have said no. */
#ifndef SOURCE_PRIVILEGE_H
#define SOURCE_PRIVILEGE_H

#include <stddef.h>

/* Writes what this process lacks to load and attach BPF programs, as a sentence without a full stop. */
void privilege_explain(char *text, size_t size);

#endif
