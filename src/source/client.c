// SPDX-License-Identifier: GPL-2.0-only
#include "source/client.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define DRIVER "bus/platform/drivers/sdei"
#define METHOD "firmware/devicetree/base/firmware/sdei/method"
#define FADT "firmware/acpi/tables/FACP"
#define FADT_ARM_BOOT_FLAGS 129		/* where they are in the table: ACPI 5.1 */
#define FADT_PSCI_USES_HVC 2

static void path_in(char path[PATH_MAX], const char *sys, const char *name)
{
	snprintf(path, PATH_MAX, "%s/%s", sys, name);
}

/* A driver's folder has a link to each of its devices, and one to its module. */
static bool is_device(const struct dirent *entry)
{
	return entry->d_type == DT_LNK && strcmp(entry->d_name, "module") != 0;
}

bool client_is_bound_in(const char *sys)
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	path_in(path, sys, DRIVER);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir)))
		found = is_device(entry);
	if (dir)
		closedir(dir);
	return found;
}

/* The bytes of a file from there on, as many as there are. */
static size_t read_at(const char *sys, const char *name, long at, void *bytes, size_t size)
{
	char path[PATH_MAX];
	size_t got = 0;
	FILE *file;

	path_in(path, sys, name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fseek(file, at, SEEK_SET) == 0)
		got = fread(bytes, 1, size, file);
	fclose(file);
	return got;
}

enum conduit { CONDUIT_UNKNOWN, CONDUIT_HVC, CONDUIT_SMC };

/* With ACPI it is that of PSCI. */
static enum conduit conduit_in(const char *sys)
{
	unsigned char flags;
	char method[4];

	if (read_at(sys, METHOD, 0, method, sizeof(method)) == sizeof(method))
		return memcmp(method, "hvc", sizeof(method)) == 0 ? CONDUIT_HVC : CONDUIT_SMC;
	if (read_at(sys, FADT, FADT_ARM_BOOT_FLAGS, &flags, 1) == 1)
		return flags & FADT_PSCI_USES_HVC ? CONDUIT_HVC : CONDUIT_SMC;
	return CONDUIT_UNKNOWN;
}

char *client_name_in(const char *sys)
{
	static const char *const names[] = {
		[CONDUIT_UNKNOWN] = "this machine", [CONDUIT_HVC] = "this guest, KVM", [CONDUIT_SMC] = "this host, firmware",
	};

	return strdup(names[conduit_in(sys)]);
}

bool client_is_bound(void)
{
	return client_is_bound_in("/sys");
}

char *client_name(void)
{
	return client_name_in("/sys");
}
