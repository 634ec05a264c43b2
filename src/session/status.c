/* SPDX-License-Identifier: GPL-2.0-only */
#include "session/status.h"

#include <stdio.h>
#include <unistd.h>

void status_set_host_name(struct status *status, const char *name)
{
	snprintf(status->host, sizeof(status->host), "%s", name);
	for (char *at = status->host; *at; at++)
		if (*at <= ' ' || *at > '~')
			*at = '?';
}

void status_set_host(struct status *status)
{
	char name[sizeof(status->host)] = "";

	gethostname(name, sizeof(name) - 1);
	status_set_host_name(status, name);
}
