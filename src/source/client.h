/* SPDX-License-Identifier: GPL-2.0-only */
/* This machine as a client of SDEI: what its driver (drivers/firmware/arm_sdei.c) has found, without any privilege. */
#ifndef SOURCE_CLIENT_H
#define SOURCE_CLIENT_H

#include <stdbool.h>

/* Has the driver found SDEI? */
bool client_is_bound(void);

/*
 * What the VM of the client's records is called: by how it asks, this is a host with firmware or a guest of a hypervisor. A new
 * string; NULL: no memory.
 */
char *client_name(void);

/* The same in the folder that stands for /sys. */
bool client_is_bound_in(const char *sys);
char *client_name_in(const char *sys);

#endif
