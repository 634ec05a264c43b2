// SPDX-License-Identifier: GPL-2.0-only
#include "source/process.h"

#include <stdio.h>
#include <string.h>

#include "source/privilege.h"

uint64_t process_identity_in(const char *proc, uint32_t pid)
{
	char path[256], text[1024], *end;
	unsigned long long start = 0;
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%u/stat", proc, pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	size = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[size] = '\0';
	/* The name, field 2, may hold anything, and ends at the last parenthesis. */
	end = strrchr(text, ')');
	if (!end || sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
			   &start) != 1)
		return 0;
	return start + 1;
}

uint64_t process_identity(uint32_t pid)
{
	return privilege_sees_host_pids() ? process_identity_in("/proc", pid) : 0;
}
