// SPDX-License-Identifier: GPL-2.0-only
#include "daemon/drop_privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define GROUPS_MAX 64

int find_group(const char *name, gid_t *gid)
{
	FILE *file = fopen("/etc/group", "re");
	const struct group *group;
	int err = -ENOENT;

	if (!file)
		return -errno;
	while (err && (group = fgetgrent(file))) {
		if (strcmp(group->gr_name, name) != 0)
			continue;
		*gid = group->gr_gid;
		err = 0;
	}
	fclose(file);
	return err;
}

static int find_user(const char *name, uid_t *uid, gid_t *gid)
{
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *user;
	int err = -ENOENT;

	if (!file)
		return -errno;
	while (err && (user = fgetpwent(file))) {
		if (strcmp(user->pw_name, name) != 0)
			continue;
		*uid = user->pw_uid;
		*gid = user->pw_gid;
		err = 0;
	}
	fclose(file);
	return err;
}

static bool has_member(const struct group *group, const char *name)
{
	for (char **member = group->gr_mem; *member; member++)
		if (strcmp(*member, name) == 0)
			return true;
	return false;
}

/* How many groups the user is in, beyond its own; a file that cannot be read has none. */
static size_t find_groups(const char *name, gid_t groups[GROUPS_MAX])
{
	FILE *file = fopen("/etc/group", "re");
	const struct group *group;
	size_t count = 0;

	while (file && count < GROUPS_MAX && (group = fgetgrent(file)))
		if (has_member(group, name))
			groups[count++] = group->gr_gid;
	if (file)
		fclose(file);
	return count;
}

static int switch_user(const char *name)
{
	gid_t gid = 0, groups[GROUPS_MAX];
	uid_t uid = 0;
	size_t count;
	int err = find_user(name, &uid, &gid);

	if (err)
		return err;
	if (uid == geteuid())
		return 0;
	count = find_groups(name, groups);
	if (setgroups(count, groups) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		return -errno;
	return 0;
}

/* What a program with more of them could give us; it takes CAP_SETPCAP, without which no_new_privs is enough. */
static void drop_bounds(void)
{
	for (int capability = 0; prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0;)
		capability++;
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capset, &header, none) ? -errno : 0;
}

int drop_privileges(const char *user)
{
	int err;

	drop_bounds();
	err = user ? switch_user(user) : 0;
	if (!err)
		err = drop_capabilities();
	if (!err && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		err = -errno;
	return err;
}
