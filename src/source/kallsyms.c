// SPDX-License-Identifier: GPL-2.0-only
#include "source/kallsyms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINE 512	/* longer than any symbol that is looked for */

/* "ffff800080010000 T name", with "\t[module]" behind those of modules. */
static void take_line(const char *line, const char *const names[], uint64_t addresses[], size_t count)
{
	const char *name = strchr(line, ' ');
	char *end;
	uint64_t address = strtoull(line, &end, 16);
	size_t length;

	name = name ? strchr(name + 1, ' ') : NULL;
	if (!name || *end != ' ')
		return;
	length = strcspn(++name, "\n");
	for (size_t i = 0; i < count; i++)
		if (!addresses[i] && strlen(names[i]) == length && memcmp(names[i], name, length) == 0)
			addresses[i] = address;
}

void kallsyms_find_in(FILE *file, const char *const names[], uint64_t addresses[], size_t count)
{
	char line[LINE];

	memset(addresses, 0, count * sizeof(addresses[0]));
	while (fgets(line, sizeof(line), file))
		take_line(line, names, addresses, count);
}

int kallsyms_find(const char *const names[], uint64_t addresses[], size_t count)
{
	FILE *file = fopen("/proc/kallsyms", "re");

	memset(addresses, 0, count * sizeof(addresses[0]));
	if (!file)
		return -errno;
	kallsyms_find_in(file, names, addresses, count);
	fclose(file);
	return 0;
}
