/* SPDX-License-Identifier: GPL-2.0-only */
/* Why the kernel may have said no. */
#ifndef SOURCE_PRIVILEGE_H
#define SOURCE_PRIVILEGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes what this process lacks to load and attach BPF programs, as a sentence without a full stop. */
void privilege_explain(char *text, size_t size);

/* The effective ones: bit CAP_… of each; 0 if they cannot be read. */
uint64_t privilege_capabilities(void);

/* Whether pids of the kernel, which are of the initial namespace, are those that this process and its /proc know. */
bool privilege_sees_host_pids(void);

/* Has it a seccomp filter, is it in another user namespace than the initial one? */
bool privilege_is_filtered(void);
bool privilege_in_user_namespace(void);

/* UNKNOWN: this kernel has no lockdown, or does not show it. */
enum lockdown { LOCKDOWN_UNKNOWN, LOCKDOWN_NONE, LOCKDOWN_INTEGRITY, LOCKDOWN_CONFIDENTIALITY };
enum lockdown privilege_lockdown(void);

#endif
