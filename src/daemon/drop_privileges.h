/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Giving up what is not needed any more once everything is attached. Users and groups are those of /etc/passwd and
 * /etc/group: a service's own are local, and nothing else is asked while we are root.
 */
#ifndef DAEMON_DROP_PRIVILEGES_H
#define DAEMON_DROP_PRIVILEGES_H

#include <sys/types.h>

/* The group's id. 0, -ENOENT: there is none such, or why /etc/group cannot be read. */
int find_group(const char *name, gid_t *gid);

/*
 * Becomes that user (NULL: stays who it is) with its groups, without any capability, and without a way back: programs that it
 * would run gain none either. BPF programs that are attached and maps that are open still work. 0; -ENOENT: there is no
 * such user; -EPERM and others: it cannot be done, and this process should end.
 */
int drop_privileges(const char *user);

#endif
