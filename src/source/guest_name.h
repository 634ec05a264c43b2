/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What people call a VM, from /proc/PID of the process that made it: the first of these that there is.
 *  1. a name on the command line: QEMU's -name guest=… (of several the last one; also -name …), --name (crosvm and others),
 *     -n or --name of kvmtool, --id of Firecracker (the jailer hands it on), -id of Kata's shim where that is the VMM itself;
 *     of Cloud Hypervisor the name in the path of --api-socket: libvirt's and Kata's have the VM's there
 *  2. what a VMM was named instead of its program (exec -a NAME)
 *  3. the VM's UUID: -uuid of QEMU, --platform uuid=… of Cloud Hypervisor
 *  4. the process's name (comm)
 * "-" where none of them is there, and where this process is in a pid namespace: a pid is the host's, /proc shows others.
 * What a command line says may come late (cmdline.h): it is the fourth until then. What it has said once holds for its process: one
 * that has ended, and is not gone yet, has none any more.
 * The text is hostile: escape it with escape.h wherever it is shown.
 */
#ifndef SOURCE_GUEST_NAME_H
#define SOURCE_GUEST_NAME_H

#include <stdbool.h>
#include <stdint.h>

#define GUEST_UUID_SIZE 37	/* as text, in small letters, with its NUL */

/*
 * A new string (free() it), "-" if the process is gone; NULL: no memory. Never longer than 255 bytes. Its UUID stands in uuid
 * (which may be NULL) then, if the command line has one; "" else.
 */
char *guest_name(uint32_t pid, char uuid[GUEST_UUID_SIZE]);

/* The same from another folder than /proc, whatever the namespace; for tests. */
char *guest_name_in(const char *proc, uint32_t pid, char uuid[GUEST_UUID_SIZE]);

/* A name that came late (a new string), and the pid that was asked about; NULL: none, or no memory. Cheap to ask. */
char *guest_name_late(uint32_t *pid, char uuid[GUEST_UUID_SIZE]);

/* All of them. */
typedef void (*name_news_t)(void *ctx, uint32_t vm, const char *name, const char *uuid);
void guest_name_tell_late(name_news_t tell, void *ctx);

/* What guest_name() says of pid is not for want of its command line, which is still being read. */
bool guest_name_is_sure(uint32_t pid);

/* From the content of /proc/PID/cmdline (NUL-separated, size bytes) and of comm; pure, for tests. */
char *guest_name_from(const char *cmdline, unsigned long size, const char *comm, char uuid[GUEST_UUID_SIZE]);

#endif
