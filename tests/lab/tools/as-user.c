// SPDX-License-Identifier: GPL-2.0-only
/*
 * as-user UID[:GROUP] CAPABILITIES COMMAND...: runs COMMAND as that user, in that group besides its own, with only these
 * capabilities, a comma-separated list of numbers or "none". The lab's busybox can drop all of them or none.
 */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t parse(char *list)
{
	uint64_t set = 0;

	if (strcmp(list, "none") == 0)
		return 0;
	for (char *number = strtok(list, ","); number; number = strtok(NULL, ","))
		set |= 1ULL << (strtoul(number, NULL, 10) & 63);
	return set;
}

static int set_capabilities(uint64_t set)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ (uint32_t)set, (uint32_t)set, (uint32_t)set }, { set >> 32, set >> 32, set >> 32 },
	};

	if (syscall(SYS_capset, &header, data))
		return -1;
	for (unsigned long number = 0; number < 64; number++)
		if (set >> number & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0))
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
	char *colon;
	gid_t group;
	uid_t uid;

	if (argc < 4) {
		fprintf(stderr, "usage: as-user UID[:GROUP] CAPABILITIES COMMAND...\n");
		return 2;
	}
	uid = strtoul(argv[1], &colon, 10);
	group = *colon ? strtoul(colon + 1, NULL, 10) : 0;
	if (prctl(PR_SET_KEEPCAPS, 1) || setgroups(*colon == ':', &group) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid) ||
	    set_capabilities(parse(argv[2]))) {
		fprintf(stderr, "as-user: %s\n", strerror(errno));
		return 1;
	}
	execvp(argv[3], argv + 3);
	fprintf(stderr, "as-user: %s: %s\n", argv[3], strerror(errno));
	return 127;
}
