/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory of the guest that fails. A process of its own poisons pages that it shares with the VM, as memory fails that nobody has
 * touched: madvise(MADV_HWPOISON), which needs CONFIG_MEMORY_FAILURE and CAP_SYS_ADMIN. The VMM hears of it by SIGBUS, puts a fresh
 * page in the place, and signals event 2 to the vCPU whose page it was.
 */
#ifndef SDEI_GUEST_RAS_H
#define SDEI_GUEST_RAS_H

#include <stdio.h>

#include "script.h"
#include "vm.h"

struct ras;

/* Before vm_create(): the other process must not have the VM's files. NULL, having complained. */
struct ras *ras_new(enum memory memory, unsigned int vcpus);
/* After vm_create(), before vm_start(): the VM has the pages, and poison() and SIGBUS of its vCPUs come here. 0 or -errno, having complained. */
int ras_attach(struct ras *ras, struct vm *vm);
/* After the vCPUs have ended. Returns how many contradictions it complained about. */
unsigned int ras_check(const struct ras *ras);
/* `"failures":[…],` of the truth (README.md). */
void ras_write(FILE *out, const struct ras *ras);
/* How many pages failed, and the time from SIGBUS to the handler, for the closing line. */
void ras_say(const struct ras *ras);
/* After the vCPUs have ended and before vm_destroy(), or before vm_create(); NULL is fine. */
void ras_free(struct ras *ras);
#endif
